/** A program beside this one that ends with it, however this one ends: what runs ffmpeg for cameras and for files of sound. */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';

/**
 * Runs "$@" and ends it when file descriptor 3 is closed: when whoever started this is gone, however it went. The program gets the
 * standard input of the shell, which a job in the background would lose.
 */
const guard = [
  'exec 4<&0',
  '"$@" <&4 3<&- 4<&- & child=$!',
  'exec 4<&- </dev/null',
  '( read -r _ <&3; kill -9 "$child" ) >/dev/null 2>&1 & watch=$!',
  'exec 3<&- >/dev/null',
  'wait "$child"; code=$?',
  'kill -9 "$watch" 2>/dev/null',
  'exit "$code"',
].join('\n');

export type GuardedChild = ChildProcessByStdio<Writable, Readable, Readable>;

/** @param title how the shell is called in a list of processes */
export function spawnGuarded(title: string, program: string, args: readonly string[]): GuardedChild {
  return spawn('/bin/sh', ['-c', guard, title, program, ...args], {
    env: { PATH: process.env['PATH'], LC_ALL: 'C' },
    // A group of its own, so that all of it can be ended at once.
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
  });
}

/** Ends all of it at once. */
export function endGuarded(child: GuardedChild): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It is gone already.
  }
}

/** 127 and 126: the shell found no such program, or may not run it. */
export const isMissing = (code: number | null): boolean => code === 127 || code === 126;

/** What a program said last, without the user and the password it repeats. */
export function lastLine(said: string): string {
  const line = said.trim().split('\n').at(-1) ?? '';
  return line
    .replaceAll(/\/\/[^/\s]*@/g, '//')
    .replaceAll(/\p{C}/gu, '?')
    .slice(0, 300);
}
