/** Processes that another has started, found by the module they run. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const lookEveryMs = 50;
const shownChars = 160;

/** Of this process, or of another, those that run this module: `senses/eye/child`, as it lies in the sources or in a build. */
export function childrenOf(script: string, pid: number = process.pid): number[] {
  return all(pid).filter((child) => plain(commandOf(child)).includes(plain(script)));
}

/** The first of them, once there is one; rejects, and names what there is, when there is none within `withinMs`. */
export async function childOf(
  script: string,
  pid: number,
  { withinMs = 30_000, signal }: { readonly withinMs?: number; readonly signal?: AbortSignal } = {},
): Promise<number> {
  const endMs = performance.now() + withinMs;
  for (;;) {
    const [child] = childrenOf(script, pid);
    if (child !== undefined) return child;
    if (performance.now() >= endMs) {
      const there = all(pid).map((one) => commandOf(one).trim().slice(-shownChars));
      throw new TypeError(
        `no ${script} within ${withinMs} ms; ${pid} has ${there.length === 0 ? 'started nothing' : there.join(' | ')}`,
      );
    }
    await delay(lookEveryMs, undefined, signal === undefined ? {} : { signal });
  }
}

/** In a build a module is one file, whose name is its path. */
const plain = (text: string) => text.replaceAll('-', '/');
const commandOf = (pid: number) => read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ');

function all(pid: number): number[] {
  let threads: string[];
  try {
    threads = readdirSync(`/proc/${pid}/task`);
  } catch {
    // It has ended.
    return [];
  }
  return threads.flatMap((thread) =>
    read(`/proc/${pid}/task/${thread}/children`).split(' ').filter(Boolean).map(Number),
  );
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
