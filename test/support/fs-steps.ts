/**
 * Loaded before a program (`--import`): counts what it does to the files below a folder, writes each step down, and kills the process
 * with SIGKILL before the step it was told. A write is cut in half first, and of a folder that is removed the first file is gone: a kill
 * in the middle, not between. The program knows nothing of it.
 *
 *     FS_STEPS_ROOT=FOLDER FS_STEPS_LOG=FILE FS_STEPS_KILL_AT=N
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join, resolve } from 'node:path';

/** One step as it stands in the log. `path` and `to` are below the folder. */
export interface FsStep {
  readonly op: 'open' | 'write' | 'sync' | 'mkdir' | 'rename' | 'remove';
  readonly path: string;
  readonly to?: string;
}

const root = process.env['FS_STEPS_ROOT'];
const log = process.env['FS_STEPS_LOG'];
const killAt = Number(process.env['FS_STEPS_KILL_AT'] ?? 0);

if (root !== undefined && log !== undefined) watch(root, log);

function watch(folder: string, logFile: string): void {
  const sound = { ...fs };
  const opened = new Map<number, string>();
  let steps = 0;
  const below = (path: unknown): string | null => {
    if (typeof path !== 'string') return null;
    const full = resolve(path);
    return full === folder ? '.' : full.startsWith(`${folder}/`) ? full.slice(folder.length + 1) : null;
  };
  /** @param half does part of the step before the kill */
  const step = (made: FsStep, half: () => void = () => undefined): void => {
    steps += 1;
    if (steps === killAt) {
      half();
      process.kill(process.pid, 'SIGKILL');
    }
    sound.appendFileSync(logFile, `${JSON.stringify(made)}\n`);
  };
  const patch = (name: keyof typeof fs, replacement: (...args: never[]) => unknown): void => {
    Object.assign(fs, { [name]: replacement });
  };
  patch('openSync', (path: fs.PathLike, flags?: fs.OpenMode, mode?: fs.Mode) => {
    const name = below(path);
    const writes = typeof flags === 'string' && /[wa+]/.test(flags);
    if (name !== null && writes) step({ op: 'open', path: name });
    const fd = sound.openSync(path, flags ?? 'r', mode);
    if (name !== null) opened.set(fd, name);
    return fd;
  });
  patch('closeSync', (fd: number) => {
    opened.delete(fd);
    sound.closeSync(fd);
  });
  patch('writeSync', (fd: number, bytes: Uint8Array, at = 0) => {
    const name = opened.get(fd);
    if (name !== undefined) {
      const half = () => void sound.writeSync(fd, bytes, at, Math.ceil((bytes.length - at) / 2));
      step({ op: 'write', path: name }, half);
    }
    return sound.writeSync(fd, bytes, at);
  });
  for (const name of ['fsyncSync', 'fdatasyncSync'] as const) {
    patch(name, (fd: number) => {
      const path = opened.get(fd);
      if (path !== undefined) step({ op: 'sync', path });
      sound[name](fd);
    });
  }
  patch('mkdirSync', (path: string, options?: fs.MakeDirectoryOptions) => {
    const name = below(path);
    if (name !== null) step({ op: 'mkdir', path: name });
    return sound.mkdirSync(path, options);
  });
  patch('renameSync', (path: string, to: string) => {
    const name = below(path);
    if (name !== null) step({ op: 'rename', path: name, to: below(to) ?? to });
    sound.renameSync(path, to);
  });
  patch('rmSync', (path: string, options?: fs.RmOptions) => {
    const name = below(path);
    if (name !== null && sound.existsSync(path)) {
      step({ op: 'remove', path: name }, () => {
        const [first] = sound.readdirSync(path);
        if (first !== undefined) sound.rmSync(join(path, first), { recursive: true });
      });
    }
    sound.rmSync(path, options);
  });
  syncBuiltinESMExports();
}
