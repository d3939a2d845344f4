/**
 * Whether another process of this computer uses a serial port, found out without opening it: opening alone moves the control
 * lines, and would take bytes from whoever reads.
 *
 * Three signs, as Linux shows them:
 *  - `/proc/PID/fd`: the device is open in a process. Seen for processes of our own user, for all with root.
 *  - `/proc/locks`: the device file is locked with flock, by whatever user. Selvedge itself locks so, as does `flock(1)`.
 *  - `/run/lock/LCK..NAME`: the lock file of older programs (minicom, gammu), with the number of their process.
 * What hides from all three, a process of another user that locks nothing but with TIOCEXCL, is met when the port is opened:
 * the system refuses that (EBUSY), and our own flock then fails for every lock taken in between.
 *
 * Invariants:
 *  - Nothing is opened or changed but files of /proc and lock files, which are read.
 *  - The process that makes a pseudo-terminal (socat, ser2net) is not its user, although it has the port's file open.
 */
import { readdirSync, readFileSync, readlinkSync, realpathSync, statSync, type Stats } from 'node:fs';
import { basename, join } from 'node:path';
import { findPortNow } from './find-port.ts';

export interface PortUser {
  readonly pid: number;
  /** Name of the program, or of the process where that is all that is known. */
  readonly program: string;
  readonly how: 'open' | 'locked';
}

export interface PortUsePorts {
  /** `/proc`; another folder in tests. */
  readonly procDir: string;
  readonly lockDirs: readonly string[];
  readonly ownPid: number;
}

const system = (): PortUsePorts => ({ procDir: '/proc', lockDirs: ['/run/lock', '/var/lock'], ownPid: process.pid });

/** The first process found on the port, or null. Never throws; a port that is not there is in nobody's use. */
export function portUser(name: string, ports: PortUsePorts = system()): PortUser | null {
  const path = quietly(() => findPortNow(name));
  if (path === null) return null;
  const device = statOf(path);
  if (device === null) return null;
  const pid = openedBy(device, ports);
  if (pid !== null) return { pid, program: programOf(pid, ports), how: 'open' };
  const locker = lockedBy(device, ports) ?? lockFileOf(path, ports);
  return locker === null ? null : { pid: locker, program: programOf(locker, ports), how: 'locked' };
}

function openedBy(device: Stats, { procDir, ownPid }: PortUsePorts): number | null {
  for (const pid of processes(procDir)) {
    if (pid === ownPid) continue;
    const folder = join(procDir, String(pid), 'fd');
    const links = entriesOf(folder).map((fd) => ({ fd, target: linkOf(join(folder, fd)) }));
    const isOpen = links.some(({ fd, target }) => target?.startsWith('/dev/') && isDevice(join(folder, fd), device));
    if (isOpen && !makesTerminal(pid, device, links, procDir)) return pid;
  }
  return null;
}

/** Pseudo-terminals of two containers may have one number; other devices are one by their number, whatever their file. */
function isDevice(path: string, device: Stats): boolean {
  const other = statOf(path);
  if (other === null || !other.isCharacterDevice() || other.rdev !== device.rdev) return false;
  return terminalIndex(device) === null || (other.dev === device.dev && other.ino === device.ino);
}

/** Whether the process holds the other side of the pseudo-terminal: `/dev/ptmx`, with its number in fdinfo (proc(5)). */
function makesTerminal(
  pid: number,
  device: Stats,
  links: readonly { readonly fd: string; readonly target: string | null }[],
  procDir: string,
): boolean {
  const index = terminalIndex(device);
  if (index === null) return false;
  return links.some(({ fd, target }) => {
    if (target === null || !/^\/dev\/(?:pts\/)?ptmx$/.test(target)) return false;
    const info = textOf(join(procDir, String(pid), 'fdinfo', fd));
    return /^tty-index:\s*(\d+)/m.exec(info)?.[1] === String(index);
  });
}

/** The n of `/dev/pts/n`; null for other devices. Majors 136 … 143 are pseudo-terminals, 256 minors each. */
function terminalIndex({ rdev }: Stats): number | null {
  const { major, minor } = numbersOf(rdev);
  return major >= 136 && major <= 143 ? (major - 136) * 256 + minor : null;
}

/** Lines as `1: FLOCK  ADVISORY  WRITE 24602 00:1a:3 0 EOF`: process, then device and inode of the locked file. */
function lockedBy(device: Stats, { procDir, ownPid }: PortUsePorts): number | null {
  for (const line of textOf(join(procDir, 'locks')).split('\n')) {
    const match = /^\d+:\s+\w+\s+\w+\s+\w+\s+(-?\d+)\s+([0-9a-f]+):([0-9a-f]+):(\d+)/.exec(line);
    if (match === null || Number(match[1]) === ownPid) continue;
    const { major, minor } = numbersOf(device.dev);
    const isThis =
      Number.parseInt(match[2] ?? '', 16) === major &&
      Number.parseInt(match[3] ?? '', 16) === minor &&
      Number(match[4]) === device.ino;
    if (isThis) return Number(match[1]);
  }
  return null;
}

function lockFileOf(path: string, { procDir, lockDirs, ownPid }: PortUsePorts): number | null {
  const name = basename(realOf(path));
  for (const dir of lockDirs) {
    const pid = Number(/^\s*(\d+)/.exec(textOf(join(dir, `LCK..${name}`)))?.[1] ?? Number.NaN);
    // A lock file outlives a crashed program; its process does not.
    if (Number.isInteger(pid) && pid !== ownPid && statOf(join(procDir, String(pid))) !== null) return pid;
  }
  return null;
}

/** As Linux puts major and minor together for user space (makedev(3)), as far as device files use it. */
function numbersOf(device: number): { readonly major: number; readonly minor: number } {
  return { major: (device >>> 8) & 0xfff, minor: (device & 0xff) | ((device >>> 12) & 0xfff00) };
}

function programOf(pid: number, { procDir }: PortUsePorts): string {
  const name = textOf(join(procDir, String(pid), 'comm')).trim();
  return name === '' ? 'a process' : name.replaceAll(/\p{C}/gu, '?');
}

const processes = (procDir: string) =>
  entriesOf(procDir)
    .filter((name) => /^\d+$/.test(name))
    .map(Number);

// Processes end while they are looked at, and those of others do not show everything: what cannot be seen is left out.
function entriesOf(folder: string): string[] {
  return quietly(() => readdirSync(folder)) ?? [];
}
const statOf = (path: string) => quietly(() => statSync(path));
const linkOf = (path: string) => quietly(() => readlinkSync(path));
const realOf = (path: string) => quietly(() => realpathSync(path)) ?? path;
const textOf = (path: string) => quietly(() => readFileSync(path, 'utf8')) ?? '';

function quietly<T>(look: () => T): T | null {
  try {
    return look();
  } catch {
    return null;
  }
}
