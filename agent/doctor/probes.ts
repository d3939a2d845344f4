/**
 * What is found on the disk and at the ports of this computer. Judged in `checks.ts`.
 *
 * Invariants:
 *  - Nothing is created, changed or removed; a serial port is looked at and never opened.
 *  - A file is read only when it is a plain one: a pipe or a device would never end.
 *  - What a secret is, or a private key, leaves no function here.
 */
import { createPrivateKey } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { access, lstat, readdir, readFile, stat, statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { DriverError, driverErrors } from '../../drivers/errors.ts';
import { findPort } from '../../drivers/serial/find-port.ts';
import type { SecretReference } from '../config/config.ts';
import { resolveSecret } from '../config/secrets.ts';
import { AgentError } from '../errors.ts';
import { lockFile } from '../store/files.ts';
import { bridgePublicKey } from '../sync/keys.ts';
import type { FolderFacts, KeyFacts, LockState, PortState } from './checks.ts';
import type { DeviceFacts } from './reach.ts';

/** File systems that show the kernel's own state: root "may write" there, but no file can be made (statfs(2)). */
const kernelFileSystems: ReadonlySet<number> = new Set([
  0x9fa0, // proc
  0x62656572, // sysfs
  0x63677270, // cgroup2
  0x64626720, // debugfs
  0x1cd1, // devpts
]);

const lockedVersions = z.object({ packages: z.record(z.string(), z.object({ version: z.string().optional() })) });

/** The Node version that package-lock.json pins for a kind of computer, or null. */
export async function lockedNode(platform: string, arch: string, root: string): Promise<string | null> {
  const text = await readFile(join(root, 'package-lock.json'), 'utf8').catch(() => null);
  if (text === null) return null;
  const lock = lockedVersions.safeParse(parseJson(text));
  const system = platform === 'win32' ? 'win' : platform;
  return lock.data?.packages[`node_modules/node-${system}-${arch}`]?.version ?? null;
}

/** Whether there is a file this user may read. */
export async function isReadable(path: string): Promise<boolean> {
  const stats = await stat(path).catch(() => null);
  return (
    stats?.isFile() === true &&
    (await access(path, constants.R_OK).then(
      () => true,
      () => false,
    ))
  );
}

export async function folderFacts(path: string): Promise<FolderFacts> {
  let nearest = path;
  let stats = await statOf(nearest);
  while (stats === 'absent' && dirname(nearest) !== nearest) {
    nearest = dirname(nearest);
    stats = await statOf(nearest);
  }
  const none = { path, nearest, ownerUid: -1, freeBytes: null, usedBytes: 0 };
  if (typeof stats === 'string') return { ...none, problem: `cannot be looked at (${stats})` };
  const disk = await statfs(nearest).catch(() => null);
  const facts = {
    ...none,
    ownerUid: stats.uid,
    freeBytes: disk === null || disk.blocks === 0 ? null : disk.bavail * disk.bsize,
    usedBytes: nearest === path ? await sizeOf(path) : 0,
  };
  if (!stats.isDirectory()) return { ...facts, problem: 'is no folder' };
  if (disk !== null && kernelFileSystems.has(disk.type))
    return { ...facts, problem: 'belongs to the kernel and keeps no files' };
  const refused = await accessProblem(nearest, constants.R_OK | constants.W_OK | constants.X_OK);
  return { ...facts, problem: refused === null ? null : `cannot be written (${refused})` };
}

/**
 * What stands at a path, or `absent`, or the code of what keeps it from being looked at. A link that leads nowhere is an
 * obstacle, not an absence: no folder can be made in its place.
 */
async function statOf(path: string): Promise<Stats | string> {
  try {
    return await stat(path);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOTDIR') return 'absent';
    if (code !== 'ENOENT') return code;
    const link = await lstat(path).catch(() => null);
    return link === null ? 'absent' : 'a link to nothing';
  }
}

async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const sizes = entries
    .filter((entry) => entry.isFile())
    .map(async ({ name }) => (await stat(join(folder, name)).catch(() => null))?.size ?? 0);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/**
 * Whether an agent holds the folder. A read meets the agent's exclusive lock; it writes nothing and is over within a
 * millisecond, for an agent that starts in that very moment is told that its folder is in use.
 */
export async function lockState(dataDir: string): Promise<LockState> {
  const path = lockFile(dataDir);
  const stats = await statOf(path);
  if (stats === 'absent') return 'free';
  if (typeof stats === 'string') return { problem: `${path}: ${stats}` };
  if (!stats.isFile()) return { problem: `${path} is no file` };
  try {
    const { default: BetterSqlite } = await import('better-sqlite3');
    const db = new BetterSqlite(path, { readonly: true, fileMustExist: true, timeout: 0 });
    try {
      db.prepare('SELECT count(*) FROM sqlite_schema').get();
    } finally {
      db.close();
    }
    return 'free';
  } catch (error) {
    return codeOf(error).startsWith('SQLITE_BUSY') ? 'held' : { problem: `${path}: ${codeOf(error)}` };
  }
}

/** Listens for a moment, because that alone shows that it can be done. */
export function portState(host: string, port: number): Promise<PortState> {
  if (port === 0) return Promise.resolve('any');
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error) => {
      const code = codeOf(error);
      resolve(code === 'EADDRINUSE' ? 'in-use' : { problem: code });
    });
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve('free')));
  });
}

export async function gatewayKeyFacts(path: string): Promise<KeyFacts> {
  const stats = await statOf(path);
  if (stats === 'absent') return { state: 'absent' };
  if (typeof stats === 'string') return { state: 'unusable', why: `cannot be looked at (${stats})` };
  if (!stats.isFile()) return { state: 'unusable', why: 'is no plain file' };
  let pem: Buffer;
  try {
    pem = await readFile(path);
  } catch (error) {
    return { state: 'unusable', why: `cannot be read (${codeOf(error)})` };
  }
  try {
    if (createPrivateKey(pem).asymmetricKeyType === 'ed25519') return { state: 'present', mode: stats.mode };
  } catch {
    // What the parser says could quote the file.
  }
  return { state: 'unusable', why: 'holds no private Ed25519 key' };
}

/** Why the bridge's key cannot be used, in one sentence; null when it can. */
export async function bridgeKeyProblem(path: string): Promise<string | null> {
  const stats = await statOf(path);
  if (typeof stats === 'string' || !stats.isFile()) return `${path} is no file that can be read`;
  try {
    bridgePublicKey(path);
    return null;
  } catch (error) {
    return sentenceOf(error, `${path} cannot be used`);
  }
}

/** Why a secret does not resolve, in one sentence that names the reference; null when it does. The secret is dropped at once. */
export async function secretProblem(
  reference: SecretReference,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string | null> {
  if (reference.startsWith('file:')) {
    const stats = await statOf(reference.slice(5));
    if (stats === 'absent') return `${reference} does not exist`;
    if (typeof stats === 'string' || !stats.isFile()) return `${reference} is no plain file`;
  }
  try {
    resolveSecret(reference, environment);
    return null;
  } catch (error) {
    return sentenceOf(error, `${reference} cannot be read`);
  }
}

/** Looks at the device of a serial port. Opening it would set its lines and could reset what is behind it. */
export async function deviceFacts(port: string): Promise<DeviceFacts> {
  let path: string;
  try {
    path = await findPort(port);
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    const ambiguous = error.entry === driverErrors.serialPortAmbiguous;
    return { problem: ambiguous ? 'ambiguous' : 'missing', ...(ambiguous ? { detail: error.message } : {}) };
  }
  const stats = await statOf(path);
  if (typeof stats === 'string') return { problem: stats === 'EACCES' ? 'forbidden' : 'missing' };
  if (!stats.isCharacterDevice()) return { problem: 'no-device' };
  return { problem: (await accessProblem(path, constants.R_OK | constants.W_OK)) === null ? null : 'forbidden' };
}

async function accessProblem(path: string, mode: number): Promise<string | null> {
  try {
    await access(path, mode);
    return null;
  } catch (error) {
    return codeOf(error);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** The agent's own errors say what they mean; of any other the text could quote what was read. */
function sentenceOf(error: unknown, otherwise: string): string {
  return error instanceof AgentError ? error.message.replace(/^[A-Z]{3}-\d+ /, '') : otherwise;
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
