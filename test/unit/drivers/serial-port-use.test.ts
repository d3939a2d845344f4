/** Who has a serial port, from a /proc made for the purpose; the real one is met in test/integration/scan.test.ts. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { portUser } from '../../../drivers/serial/port-use.ts';

/** Any character device will do; nothing is opened. */
const device = '/dev/null';

function proc(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-proc-'));
  t.after(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10 }));
  const lockDir = join(dir, 'lock');
  mkdirSync(lockDir);
  return {
    ports: { procDir: dir, lockDirs: [join(dir, 'none'), lockDir], ownPid: 42 },
    process: (pid: number, program: string, ...files: readonly string[]): void => {
      mkdirSync(join(dir, String(pid), 'fd'), { recursive: true });
      writeFileSync(join(dir, String(pid), 'comm'), `${program}\n`);
      files.forEach((file, fd) => symlinkSync(file, join(dir, String(pid), 'fd', String(fd))));
    },
    lock: (file: string, text: string): void => {
      writeFileSync(join(lockDir, file), text);
    },
    locks: (text: string): void => {
      writeFileSync(join(dir, 'locks'), text);
    },
  };
}

test('a process that has the device open is found, whatever name it opened it by', (t) => {
  const { process, ports } = proc(t);
  process(7, 'bash', '/dev/zero', '/tmp');
  process(42, 'selvedge', device);
  assert.equal(portUser(device, ports), null);
  process(9, 'mini\u001bcom', '/dev/zero', device);
  assert.deepEqual(portUser(device, ports), { pid: 9, program: 'mini?com', how: 'open' });
});

test('a lock of another process is found by the inode of the device', (t) => {
  const { locks, ports } = proc(t);
  const { dev, ino } = statSync(device);
  const hex = (value: number) => value.toString(16).padStart(2, '0');
  const place = `${hex((dev >>> 8) & 0xfff)}:${hex((dev & 0xff) | ((dev >>> 12) & 0xfff00))}`;
  locks(`1: FLOCK  ADVISORY  WRITE 42 ${place}:${ino} 0 EOF\n2: POSIX  ADVISORY  READ 8 ${place}:${ino + 1} 0 EOF\n`);
  assert.equal(portUser(device, ports), null);
  locks(`1: FLOCK  ADVISORY  WRITE 8 ${place}:${ino} 0 EOF\n`);
  assert.deepEqual(portUser(device, ports), { pid: 8, program: 'a process', how: 'locked' });
});

test('a lock file counts while its process is there', (t) => {
  const { lock, process, ports } = proc(t);
  lock('LCK..null', '      8\n');
  assert.equal(portUser(device, ports), null);
  process(8, 'gammu');
  assert.deepEqual(portUser(device, ports), { pid: 8, program: 'gammu', how: 'locked' });
});

test('a port that is not there, or a system without /proc, is no error', (t) => {
  const { ports } = proc(t);
  assert.equal(portUser('/dev/there-is-no-such-port', ports), null);
  assert.equal(portUser(device, { ...ports, procDir: '/there-is-no-such-folder' }), null);
});
