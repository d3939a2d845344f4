/** The bridge's data folder: what lies where, and how it is written. */
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, statSync, writeSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { BridgeError } from './errors.ts';

export interface DataDir {
  readonly root: string;
  readonly privateKey: string;
  readonly publicKey: string;
  readonly apiKey: string;
  readonly gateways: string;
  /** Join files that were made and not used yet; of each its hash alone. */
  readonly invitations: string;
  /** Where the bridge listens, or last listened, for gateways. */
  readonly endpoints: string;
  readonly authority: string;
  readonly authorityKey: string;
  readonly authorityCertificate: string;
  /** Certificates that count no more, for brokers that take a list. */
  readonly revocationList: string;
  readonly audit: string;
  readonly auditBefore: string;
  readonly database: string;
  readonly lock: string;
}

export function dataDir(root: string): DataDir {
  return {
    root,
    privateKey: join(root, 'bridge.pem'),
    publicKey: join(root, 'bridge.pub.pem'),
    apiKey: join(root, 'api-key'),
    gateways: join(root, 'gateways'),
    invitations: join(root, 'invitations'),
    endpoints: join(root, 'endpoints.json'),
    authority: join(root, 'ca'),
    authorityKey: join(root, 'ca', 'ca.key'),
    authorityCertificate: join(root, 'ca', 'ca.pem'),
    revocationList: join(root, 'ca', 'crl.pem'),
    audit: join(root, 'audit.jsonl'),
    auditBefore: join(root, 'audit.1.jsonl'),
    database: join(root, 'bridge.db'),
    lock: join(root, 'bridge.lock'),
  };
}

/** What the operating system says about a failed call, in words for one line. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Makes `path` and its parents, for the bridge's user alone. Throws BRG-103. */
export function makeDir(path: string): void {
  try {
    makeStep(resolve(path));
  } catch (error) {
    throw new BridgeError('dataDirUnwritable', `cannot make the folder ${path}: ${reasonOf(error)}`, { cause: error });
  }
}

/** One folder at a time: Node's recursive mkdir never ends where the system answers ENOENT below a folder that is there, as in /proc. */
function makeStep(path: string): void {
  if (isFolder(path)) return;
  const parent = dirname(path);
  if (parent !== path) makeStep(parent);
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Another command of the bridge may have been faster.
    if (!isFolder(path)) throw error;
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Replaces `path` by `text` in one step and durably: a reader sees the old file or the new one. Throws BRG-103. */
export function writeFileAtomic(path: string, text: string, mode: number): void {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const file = openSync(temporary, 'w', mode);
    try {
      writeSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
    const folder = openSync(dirname(path), 'r');
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  } catch (error) {
    throw new BridgeError('dataDirUnwritable', `cannot write ${path}: ${reasonOf(error)}`, { cause: error });
  }
}

/** The text of `path`. Throws BRG-100. */
export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new BridgeError('fileUnreadable', `cannot read ${path}: ${reasonOf(error)}`, { cause: error });
  }
}
