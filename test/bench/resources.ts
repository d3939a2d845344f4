/** What the processes of the agent use, as the kernel counts it (Linux). */
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';

/** USER_HZ; the same on every Linux that Node runs on. */
const ticksPerS = 100;

export interface Usage {
  readonly atMs: number;
  readonly cpuS: number;
  /** Bytes that have gone to the disk, and those a checkpoint of the databases still will write. */
  readonly diskBytes: number;
  /** Of the main process. */
  readonly rssMB: number;
}

export function usage(pid: number, databases: readonly string[]): Usage {
  let cpuS = 0;
  let diskBytes = 0;
  for (const one of family(pid)) {
    cpuS += cpuSOf(one);
    diskBytes += Number(/^write_bytes: (\d+)/m.exec(read(`/proc/${one}/io`))?.[1] ?? Number.NaN);
  }
  for (const database of databases) diskBytes += owedBytes(`${database}-wal`);
  const rssMB = Number(/^VmRSS:\s*(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? Number.NaN) / 1000;
  return { atMs: performance.timeOrigin + performance.now(), cpuS, diskBytes, rssMB };
}

/** What one process has used, without its children. */
export function cpuSOf(pid: number): number {
  // The name in parentheses may hold blanks; utime and stime are the 12th and 13th field behind it.
  const fields = read(`/proc/${pid}/stat`).split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / ticksPerS;
}

/** The process and all its descendants. */
function family(pid: number): number[] {
  const threads = existsSync(`/proc/${pid}/task`) ? readdirSync(`/proc/${pid}/task`) : [];
  const children = threads.flatMap((thread) =>
    read(`/proc/${pid}/task/${thread}/children`).split(' ').filter(Boolean).map(Number),
  );
  return [pid, ...children.flatMap(family)];
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/**
 * Every page in the write-ahead log is written once more, into the database, at the next checkpoint. A window that ends before
 * it would show half of what is written. Counts each page once, also those a checkpoint has already taken: never too little.
 */
function owedBytes(wal: string): number {
  if (!existsSync(wal) || statSync(wal).size < 32) return 0;
  const file = openSync(wal, 'r');
  try {
    const header = Buffer.alloc(32);
    readSync(file, header, 0, 32, 0);
    const pageBytes = header.readUInt32BE(8);
    const pages = new Set<number>();
    const frame = Buffer.alloc(24);
    for (let at = 32; readSync(file, frame, 0, 24, at) === 24; at += 24 + pageBytes) {
      // Frames of an older round of the log carry other salts.
      if (frame.compare(header, 16, 24, 8, 16) !== 0) break;
      pages.add(frame.readUInt32BE(0));
    }
    return pages.size * pageBytes;
  } finally {
    closeSync(file);
  }
}
