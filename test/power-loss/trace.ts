/**
 * What strace saw a process do to one folder, as a list of what the kernel was asked in its order. Pure.
 *
 * The text is that of `straceArguments`: one line a call with the process in front, strings in hex, file descriptors with their path.
 * A call during which another thread did something comes as two lines, `<unfinished ...>` and `<... NAME resumed>`.
 *
 * Invariants (test/unit/power-loss/trace.test.ts):
 *  T1  A call stands where it ended, and knows where it began: a sync covers only what had ended before it began.
 *  T2  A call that changes a file of the folder and is not understood is an error: no image may be made without it.
 *  T3  Calls that failed, and those to other files, change nothing.
 *  T4  Of a call the process was killed in nobody was told whether it was done: the folder afterwards says how much of it was (`settled`).
 */
import { join } from 'node:path';

const changing = [
  'open,openat,creat,write,writev,pwrite64,pwritev,pwritev2,fsync,fdatasync,sync_file_range,ftruncate,truncate,fallocate',
  'rename,renameat,renameat2,unlink,unlinkat,link,linkat,symlink,symlinkat,mkdir,mkdirat,rmdir',
  'copy_file_range,sendfile,splice,io_uring_enter',
].join(',');
const withPaths = ['-y', '-xx', '-s', '100000000'];

/** The tracer is not the parent: a signal to the process that was started reaches the traced one. */
export function straceArguments(file: string): string[] {
  const filters = ['-e', `trace=${changing}`, '-e', 'signal=SIGKILL'];
  return ['strace', '-D', '-f', '--seccomp-bpf', '-q', ...withPaths, ...filters, '-o', file];
}

interface Base {
  /** Positions in the trace at which the call began and ended. */
  readonly began: number;
  readonly ended: number;
}
export type Event = Base &
  (
    | { readonly kind: 'make' | 'mkdir' | 'unlink'; readonly path: string }
    | { readonly kind: 'rename' | 'link'; readonly path: string; readonly to: string }
    /** `at` null: where the last one to this descriptor ended. */
    | { readonly kind: 'write'; readonly fd: number; readonly at: number | null; readonly data: Buffer }
    | { readonly kind: 'truncate'; readonly fd: number; readonly length: number }
    | { readonly kind: 'sync'; readonly fd: number }
    /** Of a file or of a folder; `empties`: O_TRUNC. */
    | { readonly kind: 'open'; readonly fd: number; readonly path: string; readonly empties: boolean }
    /** Something told to the witness. */
    | { readonly kind: 'told'; readonly text: string }
  );

interface Call {
  readonly name: string;
  readonly args: readonly string[];
  readonly result: string;
  readonly began: number;
  readonly ended: number;
}

const whole = /^(\d+) +(\w+)\((.*)\) += (.*)$/s;
const begun = /^(\d+) +(\w+)\((.*) <unfinished \.\.\.>$/s;
const resumed = /^(\d+) +<\.\.\. (\w+) resumed>(.*)\) += (.*)$/s;

export interface Trace {
  readonly events: readonly Event[];
  /** What the process was killed in, as if all of it had been done. */
  readonly cutShort: readonly Event[];
}

/** Throws TypeError where a line is not understood. `folder` is absolute; `witness` the descriptor of the witness. */
export function readTrace(text: string, folder: string, witness: number): Trace {
  const events: Event[] = [];
  const cutShort: Event[] = [];
  for (const call of callsOf(text)) {
    if (call.result.startsWith('-1')) continue;
    (call.result === unknown ? cutShort : events).push(...eventsOf(call, folder, witness));
  }
  return { events, cutShort };
}

/** The events, and of the calls that were cut short what `files`, the folder after the process was gone, show to have been done. */
export function settled({ events, cutShort }: Trace, files: ReadonlyMap<string, Buffer>): Event[] {
  const paths = new Map<number, string>();
  const written = new Map<number, number>();
  for (const event of events) {
    if (event.kind === 'open') {
      paths.set(event.fd, event.path);
      written.set(event.fd, 0);
    } else if (event.kind === 'write' && event.at === null)
      written.set(event.fd, (written.get(event.fd) ?? 0) + event.data.length);
  }
  const done = cutShort.flatMap((event): Event[] => {
    switch (event.kind) {
      case 'write': {
        const at = event.at ?? written.get(event.fd) ?? 0;
        const there = files.get(paths.get(event.fd) ?? '')?.subarray(at) ?? Buffer.alloc(0);
        const same = event.data.findIndex((byte, i) => byte !== there[i]);
        const data = same < 0 ? event.data : event.data.subarray(0, same);
        return data.length === 0 ? [] : [{ ...event, at, data }];
      }
      case 'truncate':
        return files.get(paths.get(event.fd) ?? '')?.length === event.length ? [event] : [];
      case 'make':
        return files.has(event.path) ? [event] : [];
      case 'unlink':
      case 'rename':
        return files.has(event.path) ? [] : [event];
      case 'link':
        return files.has(event.to) ? [event] : [];
      // A sync that nobody waited for promises nothing, and neither does a word the witness may not have read.
      case 'sync':
      case 'told':
      case 'open':
      case 'mkdir':
        return [];
    }
  });
  return [...events, ...done];
}

/** The result of a call that was never told. */
const unknown = '?';

function callsOf(text: string): Call[] {
  const open = new Map<string, { readonly name: string; readonly args: string; readonly began: number }>();
  const calls: Call[] = [];
  for (const [at, line] of text.split('\n').entries()) {
    if (line === '' || line.includes('+++ ') || line.includes('--- ')) continue;
    const first = begun.exec(line);
    if (first !== null) {
      const [, thread = '', name = '', args = ''] = first;
      open.set(thread, { name, args, began: at });
      continue;
    }
    const second = resumed.exec(line);
    const only = second === null ? whole.exec(line) : null;
    const [, thread = '', name = '', args = '', result = ''] = second ?? only ?? [];
    const start = second === null ? { name, args: '', began: at } : open.get(thread);
    if (name === '' || start === undefined || start.name !== name) {
      // Killed before it was seen what it called.
      if (line.endsWith('= ?')) continue;
      throw new TypeError(`line ${at + 1} of the trace is not understood: ${line.slice(0, 200)}`);
    }
    open.delete(thread);
    calls.push({ name, args: splitArguments(start.args + args), result, began: start.began, ended: at });
  }
  const end = text.split('\n').length;
  for (const { name, args, began } of open.values())
    calls.push({ name, args: splitArguments(args), result: unknown, began, ended: end });
  return calls;
}

/** Strings hold no comma: they are hex. */
const splitArguments = (text: string): string[] => text.split(',').map((argument) => argument.trim());

const unhex = (text: string): Buffer => Buffer.from(text.replaceAll(String.raw`\x`, ''), 'hex');
const text = (argument: string | undefined): string => unhex((argument ?? '').slice(1, -1)).toString('utf8');
const number = (argument: string | undefined): number => Number.parseInt(argument ?? '', 10);
/** Of `5</a/path>`, with the path in hex. */
const pathOf = (descriptor: string | undefined): string =>
  unhex(/<([^>]*)>/.exec(descriptor ?? '')?.[1] ?? '').toString('utf8');

function eventsOf({ name, args, result, began, ended }: Call, folder: string, witness: number): Event[] {
  const base = { began, ended };
  const inside = (path: string) => path === folder || path.startsWith(`${folder}/`);
  const [first, second, third, fourth] = args;
  switch (name) {
    case 'openat': {
      const path = join(pathOf(first), text(second).startsWith('/') ? '' : text(second));
      const full = text(second).startsWith('/') ? text(second) : path;
      if (!inside(full)) return [];
      const flags = third ?? '';
      if (flags.includes('O_APPEND')) throw new TypeError(`${full} is opened to append`);
      const opened: Event = {
        ...base,
        kind: 'open',
        fd: number(result),
        path: full,
        empties: flags.includes('O_TRUNC'),
      };
      return flags.includes('O_CREAT') ? [{ ...base, kind: 'make', path: full }, opened] : [opened];
    }
    case 'write':
      if (number(first) === witness) return [{ ...base, kind: 'told', text: text(second).slice(0, number(result)) }];
      if (!inside(pathOf(first))) return [];
      return [{ ...base, kind: 'write', fd: number(first), at: null, data: written(second, result) }];
    case 'pwrite64':
      if (!inside(pathOf(first))) return [];
      return [{ ...base, kind: 'write', fd: number(first), at: number(fourth), data: written(second, result) }];
    case 'ftruncate':
      return inside(pathOf(first)) ? [{ ...base, kind: 'truncate', fd: number(first), length: number(second) }] : [];
    case 'fsync':
    case 'fdatasync':
      return inside(pathOf(first)) ? [{ ...base, kind: 'sync', fd: number(first) }] : [];
    case 'unlink':
      return inside(text(first)) ? [{ ...base, kind: 'unlink', path: text(first) }] : [];
    case 'mkdir':
      return inside(text(first)) ? [{ ...base, kind: 'mkdir', path: text(first) }] : [];
    case 'rename':
    case 'link':
      return inside(text(first)) ? [{ ...base, kind: name, path: text(first), to: text(second) }] : [];
    default: {
      const names = args.flatMap((argument) =>
        argument.startsWith('"') ? [text(argument)] : argument.includes('<') ? [pathOf(argument)] : [],
      );
      if (names.some(inside)) throw new TypeError(`${name} of ${names.join(' ')} is not understood`);
      return [];
    }
  }
}

const written = (argument: string | undefined, result: string): Buffer =>
  unhex((argument ?? '').slice(1, -1)).subarray(0, result === unknown ? undefined : number(result));
