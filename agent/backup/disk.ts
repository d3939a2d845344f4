/** Writing what must be there after a power cut, no faster than a gateway's flash bears beside an agent that works. */
import { createHash } from 'node:crypto';
import {
  closeSync,
  fdatasyncSync,
  fsyncSync,
  openSync,
  readdirSync,
  readSync,
  statfsSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { AgentError } from '../errors.ts';
import { makeFolder } from '../folder.ts';

/** Written pages go to the disk so often: a single flush of gigabytes would hold up the agent's own. */
const flushBytes = 4 * 1024 * 1024;
const pieceBytes = 1024 * 1024;
/** Stays free beside what is copied. */
const spareBytes = 16 * 1024 * 1024;

/** What was read of a file. */
export interface FileSum {
  readonly bytes: number;
  /** Hexadecimal digits. */
  readonly sha256: string;
}

/** Bounds the bytes per second of a process of its own, which may sleep. */
export class Pace {
  readonly #bytesPerMs: number;
  readonly #sleep: (ms: number) => void;
  readonly #nowMs: () => number;
  #freeMs = -Infinity;

  /** @param bytesPerS 0: as fast as it goes */
  constructor(
    bytesPerS: number,
    sleep: (ms: number) => void = sleepThread,
    nowMs: () => number = () => performance.now(),
  ) {
    this.#bytesPerMs = bytesPerS / 1_000;
    this.#sleep = sleep;
    this.#nowMs = nowMs;
  }

  /** Says that so many bytes were moved, and waits until more may be. */
  moved(bytes: number): void {
    if (this.#bytesPerMs === 0) return;
    const nowMs = this.#nowMs();
    this.#freeMs = Math.max(this.#freeMs, nowMs) + bytes / this.#bytesPerMs;
    if (this.#freeMs - nowMs >= 1) this.#sleep(this.#freeMs - nowMs);
  }
}

function sleepThread(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Copies a file, makes its folders, and has it on the disk when it returns. */
export function copyDurably(from: string, to: string, pace: Pace): FileSum {
  makeFolder(dirname(to));
  const file = openSync(to, 'wx', 0o600);
  try {
    let unflushed = 0;
    const copied = readThrough(from, (piece) => {
      for (let at = 0; at < piece.length;) at += writeSync(file, piece, at);
      unflushed += piece.length;
      if (unflushed >= flushBytes) {
        fdatasyncSync(file);
        unflushed = 0;
      }
      pace.moved(piece.length);
    });
    fsyncSync(file);
    return copied;
  } finally {
    closeSync(file);
  }
}

export function writeDurably(path: string, text: string): void {
  writeFileSync(path, text, { flag: 'wx', mode: 0o600, flush: true });
}

/** Brings the names in a folder to the disk. */
export function flushFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** Brings every folder from those of `paths` up to `root` to the disk. */
export function flushFolders(root: string, paths: readonly string[]): void {
  const folders = new Set<string>(['.']);
  for (const path of paths) {
    for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) folders.add(folder);
  }
  for (const folder of folders) flushFolder(join(root, folder));
}

/** @throws AgentError `backupNoRoom` */
export function needRoom(folder: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  if (free >= bytes + spareBytes) return;
  const mib = (count: number) => `${Math.ceil(count / 1024 / 1024)} MiB`;
  throw new AgentError('backupNoRoom', `${folder} has ${mib(free)} free, ${mib(bytes + spareBytes)} are needed`);
}

/** Plain files below `root`, by their paths with `/`, sorted. Links and devices are left out. */
export function filesBelow(root: string, below = ''): string[] {
  const entries = readdirSync(join(root, below), { withFileTypes: true }).toSorted((a, b) =>
    a.name < b.name ? -1 : 1,
  );
  return entries.flatMap((entry) => {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) return filesBelow(root, path);
    return entry.isFile() ? [path] : [];
  });
}

/** Reads a file in pieces and gives them to `each`. Returns its length and hash. */
export function readThrough(path: string, each: (piece: Buffer) => void = () => undefined): FileSum {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(pieceBytes);
  const file = openSync(path, 'r');
  try {
    let bytes = 0;
    for (;;) {
      const read = readSync(file, buffer, 0, pieceBytes, null);
      if (read === 0) return { bytes, sha256: hash.digest('hex') };
      const piece = buffer.subarray(0, read);
      hash.update(piece);
      each(piece);
      bytes += read;
    }
  } finally {
    closeSync(file);
  }
}
