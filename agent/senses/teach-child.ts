/**
 * The process that learns a cloth. It has a process group of its own, which is ended as a whole, and what it says is bounded.
 *
 * Invariants (test/unit/senses/teach-desk.test.ts, with real children):
 *  C1  `ended` resolves once, when the process is gone: by itself, by `end`, or because its time was over; it never rejects.
 *  C2  Of its group nothing runs after that.
 *  C3  What is not as `teach-told.ts` says is passed over; more than `mostSaid` characters of it end the process.
 */
import { spawn } from 'node:child_process';
import { setPriority } from 'node:os';
import { readLine, type TeachReport } from './teach-told.ts';

/** The machines are polled by another process: this one comes after it. */
const niceness = 10;
const mostSaid = 256 * 1024;
const mostComplaint = 4_000;
/** For what the process wrote last, where something outside its group keeps the pipes open. */
const closeWithinMs = 1_000;

/** Why it was ended before it had ended by itself. */
export type EndedFor = 'asked' | 'time' | 'noise';

export interface TeachEnd {
  /** The last one that could be read; null where there is none. */
  readonly report: TeachReport | null;
  /** Such as `exit 1` or `SIGKILL`, or why it could not be started. */
  readonly how: string;
  readonly endedFor: EndedFor | null;
  /** The end of what it complained of on its standard error. */
  readonly complaint: string;
}

export interface TeachChild {
  readonly ended: Promise<TeachEnd>;
  /** Kills the whole group. */
  readonly end: (why: EndedFor) => void;
}

export interface TeachStart {
  /** Program and arguments. */
  readonly command: readonly [string, ...string[]];
  readonly withinMs: number;
  readonly onPicture: (picture: number, of: number) => void;
}

export function startTeaching({ command, withinMs, onPicture }: TeachStart): TeachChild {
  const [program, ...args] = command;
  const child = spawn(program, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const { promise: ended, resolve } = Promise.withResolvers<TeachEnd>();
  let report: TeachReport | null = null;
  let endedFor: EndedFor | null = null;
  let how: string | null = null;
  let complaint = '';
  let said = 0;
  let rest = '';
  const killGroup = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It is gone already.
    }
  };
  const end = (why: EndedFor): void => {
    if (how !== null) return;
    endedFor ??= why;
    killGroup();
  };
  const timer = setTimeout(() => end('time'), withinMs);
  const heard = (line: string): void => {
    const told = readLine(line);
    if (told === null) return;
    if ('report' in told) report = told.report;
    else onPicture(told.picture, told.of);
  };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text.length;
    if (said > mostSaid) {
      end('noise');
      return;
    }
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) heard(line);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-mostComplaint);
  });
  if (child.pid !== undefined) standBack(child.pid);
  // A failed start has no exit.
  child.on('error', (error) => {
    if (child.pid === undefined) how ??= error.message;
  });
  child.once('exit', (code, signal) => {
    how = signal ?? `exit ${code}`;
    killGroup();
    clearTimeout(timer);
    const closing = setTimeout(() => {
      child.stdout.destroy();
      child.stderr.destroy();
    }, closeWithinMs);
    child.once('close', () => clearTimeout(closing));
  });
  child.once('close', () => {
    clearTimeout(timer);
    resolve({ report, how: how ?? 'not started', endedFor, complaint: complaint.trim() });
  });
  return { ended, end };
}

/** Where the system does not let it, the process runs as others do. */
function standBack(pid: number): void {
  try {
    setPriority(pid, niceness);
  } catch {
    // It has ended already.
  }
}
