/**
 * Reads a write-ahead log as SQLite will, before SQLite does: behind a damaged place SQLite ends its reading without a word, and what was
 * committed after it would be gone. (The format: sqlite.org, "Database File Format", 4; the sums: 4.2.)
 *
 * Invariants (test/unit/store/wal.test.ts):
 *  L1  A log that SQLite reads to its end, and one whose last transaction was cut short by a kill or a power cut, is not damaged.
 *  L2  A damaged place with more than one transaction behind it is told, with how many frames do not read.
 *  L3  `repairedWal` keeps every frame that reads, in its order, and ends with a transaction that is whole.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

const headerBytes = 32;
const frameHeaderBytes = 24;
const magic = 0x377f0682;
/** A log of more is not looked into: it is told by nobody, and costs no memory. */
const maxRepairBytes = 512 * 1024 * 1024;

interface Frame {
  /** Where its header begins. */
  readonly at: number;
  readonly valid: boolean;
  /** It ends a transaction, if its header can be believed. */
  readonly commits: boolean;
}

export interface DamagedWal {
  readonly pageBytes: number;
  /** Frames that do not read. */
  readonly lost: number;
  readonly frames: readonly Frame[];
}

/** What is damaged in the log at `path`; null where there is none, or nothing that was committed is behind a damaged place. */
export function walDamage(path: string, pageBytesOfDatabase: number | null): DamagedWal | null {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return null;
  }
  try {
    const { size } = fstatSync(file);
    if (size <= headerBytes + frameHeaderBytes || size > maxRepairBytes) return null;
    return look(file, size, pageBytesOfDatabase);
  } finally {
    closeSync(file);
  }
}

function look(file: number, size: number, pageBytesOfDatabase: number | null): DamagedWal | null {
  const header = read(file, 0, headerBytes);
  const believed = headerHolds(header);
  const pageBytes = believed ? header.readUInt32BE(8) : (pageBytesOfDatabase ?? header.readUInt32BE(8));
  if (pageBytes < 512 || pageBytes > 65_536 || (pageBytes & (pageBytes - 1)) !== 0) return null;
  // Of a header that is not as it was written the sum may be, and each frame has the salts.
  const bigEndian = believed ? (header.readUInt32BE(0) & 1) === 1 : false;
  const salts = believed ? header.subarray(16, 24) : read(file, headerBytes + 8, 8);
  const frames: Frame[] = [];
  let before: readonly Sum[] = [sumAt(header, 24)];
  const bytes = frameHeaderBytes + pageBytes;
  for (let at = headerBytes; at + bytes <= size; at += bytes) {
    const frame = read(file, at, bytes);
    if (!frame.subarray(8, 16).equals(salts)) {
      // Of an earlier round of the log, or never written.
      if (!laterFrames(file, size, at, bytes, salts)) break;
      frames.push({ at, valid: false, commits: false });
      before = [sumAt(frame, 16)];
      continue;
    }
    const stored = sumAt(frame, 16);
    const computed = before.map((sum) => sumOf(frame, sum, bigEndian));
    const valid = computed.some((sum) => same(sum, stored));
    frames.push({ at, valid, commits: frame.readUInt32BE(4) > 0 });
    // Where the frame's own sum is what was damaged, the next goes on from the right one.
    before = valid ? [stored] : [stored, ...computed];
  }
  const firstBad = believed ? frames.findIndex(({ valid }) => !valid) : 0;
  if (firstBad < 0 || frames.length === 0) return null;
  // One may have been on its way when the power went.
  const transactions = frames.slice(firstBad).filter(({ commits }) => commits).length;
  if (transactions < 2) return null;
  return { pageBytes, frames, lost: frames.filter(({ valid }) => !valid).length };
}

/** Whether one of the next frames is of this round of the log: then this one was damaged, and not the end. */
function laterFrames(file: number, size: number, from: number, bytes: number, salts: Buffer): boolean {
  for (let at = from + bytes, looked = 0; at + bytes <= size && looked < 4; at += bytes, looked++)
    if (read(file, at + 8, 8).equals(salts)) return true;
  return false;
}

/** A log with the frames that read, which SQLite takes. */
export function repairedWal(path: string, { pageBytes, frames }: DamagedWal): Buffer {
  const good = frames.filter(({ valid }) => valid);
  const end = good.findLastIndex(({ commits }) => commits) + 1;
  const file = openSync(path, 'r');
  try {
    const pages = good.slice(0, end).map(({ at }) => read(file, at, frameHeaderBytes + pageBytes));
    return walOf(
      pageBytes,
      pages.map((frame) => ({
        page: frame.readUInt32BE(0),
        sizePages: frame.readUInt32BE(4),
        bytes: frame.subarray(frameHeaderBytes),
      })),
    );
  } finally {
    closeSync(file);
  }
}

export interface WalPage {
  readonly page: number;
  /** Pages of the database after it, where it ends a transaction; else 0. */
  readonly sizePages: number;
  readonly bytes: Buffer;
}

export function walOf(pageBytes: number, pages: readonly WalPage[]): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt32BE(magic, 0);
  header.writeUInt32BE(3_007_000, 4);
  header.writeUInt32BE(pageBytes, 8);
  header.writeUInt32BE(0x53454c56, 16);
  header.writeUInt32BE(0x45444745, 20);
  let sum = sumWords(header.subarray(0, 24), { a: 0, b: 0 }, false);
  writeSum(header, 24, sum);
  const frames = pages.map(({ page, sizePages, bytes }) => {
    const frame = Buffer.concat([Buffer.alloc(frameHeaderBytes), bytes]);
    frame.writeUInt32BE(page, 0);
    frame.writeUInt32BE(sizePages, 4);
    header.copy(frame, 8, 16, 24);
    sum = sumOf(frame, sum, false);
    writeSum(frame, 16, sum);
    return frame;
  });
  return Buffer.concat([header, ...frames]);
}

interface Sum {
  readonly a: number;
  readonly b: number;
}

function headerHolds(header: Buffer): boolean {
  const found = header.readUInt32BE(0);
  if (found >>> 1 !== magic >>> 1 || header.readUInt32BE(4) !== 3_007_000) return false;
  return same(sumWords(header.subarray(0, 24), { a: 0, b: 0 }, (found & 1) === 1), sumAt(header, 24));
}

/** Over page number, size and page. */
function sumOf(frame: Buffer, before: Sum, bigEndian: boolean): Sum {
  return sumWords(frame.subarray(frameHeaderBytes), sumWords(frame.subarray(0, 8), before, bigEndian), bigEndian);
}

function sumWords(bytes: Buffer, { a, b }: Sum, bigEndian: boolean): Sum {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < bytes.length; at += 8) {
    a = (a + view.getUint32(at, !bigEndian) + b) >>> 0;
    b = (b + view.getUint32(at + 4, !bigEndian) + a) >>> 0;
  }
  return { a, b };
}

const sumAt = (bytes: Buffer, at: number): Sum => ({ a: bytes.readUInt32BE(at), b: bytes.readUInt32BE(at + 4) });
const same = (one: Sum, other: Sum) => one.a === other.a && one.b === other.b;
function writeSum(bytes: Buffer, at: number, { a, b }: Sum): void {
  bytes.writeUInt32BE(a, at);
  bytes.writeUInt32BE(b, at + 4);
}

function read(file: number, at: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  readSync(file, buffer, 0, bytes, at);
  return buffer;
}
