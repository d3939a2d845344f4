/**
 * A folder of runbooks, read anew at each request: a file that a person has just changed is the one that is shown.
 *
 * Invariants (test/unit/runbooks/files.test.ts):
 *  F1  Only a regular file that lies below the folder itself, is no longer than 64 kB and is whole UTF-8 is read; what is not is
 *      counted, and told once until it changes.
 *  F2  A file is written whole or not at all, whoever else writes; the last that is written stands.
 *  F3  No more than 500 files are listed or made.
 */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, open, opendir, realpath, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { agentErrors, AgentError } from '../errors.ts';
import { makeFolder } from '../folder.ts';
import { nameOf, pathOf, runbookLanguages, type RunbookLanguage, type RunbookName } from './lookup.ts';

export const maxRunbookBytes = 65_536;
export const maxRunbooks = 500;
/** Entries of one folder that are looked at, whatever they are. */
const maxEntries = 5_000;

export interface RunbookLog {
  warn(data: object, message: string): void;
}

/** O_NONBLOCK: nobody may be kept waiting by a pipe. */
const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : 'unknown');
const isAbsent = (error: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes(codeOf(error));

export class RunbookFiles {
  readonly #folder: string;
  readonly #log: RunbookLog;
  /** What was told of a file, until it is another one. */
  readonly #told = new Map<string, string>();
  #unusable = 0;

  constructor(folder: string, log: RunbookLog) {
    this.#folder = folder;
    this.#log = log;
  }

  /** How often a file that cannot be used was come across. */
  get unusable(): number {
    return this.#unusable;
  }

  /** null where there is none, or none that can be used. */
  async read(name: RunbookName): Promise<string | null> {
    const path = join(this.#folder, pathOf(name));
    let file: FileHandle;
    try {
      if (!(await this.#isOwn(dirname(path), name.language))) return this.#refuse(path, 'its folder is a link', '');
      file = await open(path, readFlags);
    } catch (error) {
      return isAbsent(error)
        ? null
        : this.#refuse(path, codeOf(error) === 'ELOOP' ? 'it is a link' : codeOf(error), '');
    }
    try {
      const stat = await file.stat();
      const version = `${stat.size} ${stat.mtimeMs}`;
      if (!stat.isFile()) return this.#refuse(path, 'it is no file', version);
      if (stat.size > maxRunbookBytes) return this.#refuse(path, `it is longer than ${maxRunbookBytes} bytes`, version);
      const bytes = Buffer.alloc(stat.size + 1);
      const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
      if (bytesRead > stat.size) return this.#refuse(path, 'it is being written', version);
      return utf8(bytes.subarray(0, bytesRead)) ?? this.#refuse(path, 'it is no UTF-8 text', version);
    } catch (error) {
      return this.#refuse(path, codeOf(error), '');
    } finally {
      await file.close();
    }
  }

  /** Names of all runbooks, by language and then by name. */
  async list(): Promise<readonly RunbookName[]> {
    const names: RunbookName[] = [];
    for (const language of runbookLanguages) {
      const found = await this.#listOf(language);
      names.push(...found.toSorted((a, b) => (pathOf(a) < pathOf(b) ? -1 : 1)));
    }
    if (names.length > maxRunbooks) {
      this.#tell('runbooksTooMany', this.#folder, `more than ${maxRunbooks} files`, '');
    }
    return names.slice(0, maxRunbooks);
  }

  /**
   * Writes a runbook, or takes it away (null). Durable when resolved.
   * @throws AgentError `runbookUnwritable`
   */
  async write(name: RunbookName, markdown: string | null): Promise<'done' | 'too-many'> {
    const path = join(this.#folder, pathOf(name));
    try {
      if (markdown === null) {
        await rm(path, { force: true });
        return 'done';
      }
      makeFolder(dirname(path));
      if (!(await this.#isOwn(dirname(path), name.language))) {
        throw new AgentError('runbookUnwritable', `${dirname(path)} is a link`);
      }
      const isThere = await lstat(path).then(
        () => true,
        () => false,
      );
      if (!isThere && (await this.list()).length >= maxRunbooks) return 'too-many';
      await replace(path, markdown);
      return 'done';
    } catch (error) {
      if (error instanceof AgentError) throw error;
      throw new AgentError('runbookUnwritable', `${path}: ${codeOf(error)}`, { cause: error });
    }
  }

  async #isOwn(folder: string, language: RunbookLanguage): Promise<boolean> {
    return (await realpath(folder)) === join(await realpath(this.#folder), language);
  }

  async #listOf(language: RunbookLanguage): Promise<RunbookName[]> {
    const folder = join(this.#folder, language);
    const names: RunbookName[] = [];
    let seen = 0;
    try {
      if (!(await this.#isOwn(folder, language))) return names;
      for await (const entry of await opendir(folder)) {
        const name = entry.isFile() ? nameOf(language, entry.name) : null;
        if (name !== null) names.push(name);
        if (++seen >= maxEntries || names.length > maxRunbooks) break;
      }
    } catch (error) {
      if (!isAbsent(error)) this.#refuse(folder, codeOf(error), '');
    }
    return names;
  }

  #refuse(path: string, why: string, version: string): null {
    this.#unusable++;
    this.#tell('runbookUnusable', path, why, version);
    return null;
  }

  #tell(key: 'runbookUnusable' | 'runbooksTooMany', path: string, why: string, version: string): void {
    const what = `${why} ${version}`;
    if (this.#told.get(path) === what) return;
    if (this.#told.size > maxRunbooks) this.#told.clear();
    this.#told.set(path, what);
    const { code, meaning, cure } = agentErrors[key];
    this.#log.warn({ code, file: path, reason: why, unusable: this.#unusable, cure }, meaning);
  }
}

function utf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** Beside it first, then in its place by one rename. */
async function replace(path: string, text: string): Promise<void> {
  const beside = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const file = await open(beside, 'wx', 0o600);
    try {
      await file.writeFile(text, 'utf8');
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
