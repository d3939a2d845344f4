/** Lines as strace 6.1 writes them; only the strings are made here, as nobody reads hex. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTrace, settled } from '../../power-loss/trace.ts';

const hex = (text: string) =>
  [...Buffer.from(text)].map((byte) => String.raw`\x${byte.toString(16).padStart(2, '0')}`).join('');
const folder = '/data/agent';
const cwd = `AT_FDCWD<${hex('/work')}>`;
const fd = (number: number, path: string) => `${number}<${hex(path)}>`;
const traced = (...lines: string[]) => readTrace(`${lines.join('\n')}\n`, folder, 3);
const read = (...lines: string[]) => traced(...lines).events;
const journal = `${folder}/journal.db`;

test('files are opened, made and emptied, written where it says, cut, synced and renamed', () => {
  const events = read(
    `7 openat(${cwd}, "${hex(journal)}", O_RDWR|O_CREAT|O_CLOEXEC, 0644) = ${fd(22, journal)}`,
    `7 pwrite64(${fd(22, journal)}, "${hex('abc, d')}", 6, 4096) = 6`,
    `7 ftruncate(${fd(22, journal)}, 4099) = 0`,
    `7 fsync(${fd(22, journal)}) = 0`,
    `7 openat(${cwd}, "${hex(`${folder}/x.new`)}", O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC, 0600) = ${fd(23, `${folder}/x.new`)}`,
    `7 write(${fd(23, `${folder}/x.new`)}, "${hex('hi')}", 2) = 1`,
    `7 rename("${hex(`${folder}/x.new`)}", "${hex(`${folder}/x`)}") = 0`,
    `7 unlink("${hex(`${folder}/x`)}") = 0`,
    `9 write(3<${hex('pipe:[4711]')}>, "${hex('{"told":1}\n')}", 11) = 11`,
  );
  const seen = events.map(({ began: _began, ended: _ended, ...event }) => event);
  assert.deepEqual(seen, [
    { kind: 'make', path: journal },
    { kind: 'open', fd: 22, path: journal, empties: false },
    { kind: 'write', fd: 22, at: 4096, data: Buffer.from('abc, d') },
    { kind: 'truncate', fd: 22, length: 4099 },
    { kind: 'sync', fd: 22 },
    { kind: 'make', path: `${folder}/x.new` },
    { kind: 'open', fd: 23, path: `${folder}/x.new`, empties: true },
    { kind: 'write', fd: 23, at: null, data: Buffer.from('h') },
    { kind: 'rename', path: `${folder}/x.new`, to: `${folder}/x` },
    { kind: 'unlink', path: `${folder}/x` },
    { kind: 'told', text: '{"told":1}\n' },
  ]);
});

test('T1: a call that others interrupt stands where it ended and knows where it began', () => {
  const [write, sync] = read(
    `7 fsync(${fd(22, journal)} <unfinished ...>`,
    `8 pwrite64(${fd(22, journal)}, "${hex('a')}", 1, 0) = 1`,
    '7 <... fsync resumed>)              = 0',
  );
  assert.deepEqual([write?.kind, write?.began, write?.ended], ['write', 1, 1]);
  assert.deepEqual([sync?.kind, sync?.began, sync?.ended], ['sync', 0, 2]);
});

test('T2: what is not understood is an error', () => {
  for (const line of [
    `7 fallocate(${fd(22, journal)}, 0, 0, 4096) = 0`,
    `7 writev(${fd(22, journal)}, [{iov_base="${hex('a')}", iov_len=1}], 1) = 1`,
    `7 unlinkat(${cwd}, "${hex(journal)}", 0) = 0`,
    `7 openat(${cwd}, "${hex(journal)}", O_WRONLY|O_APPEND) = ${fd(22, journal)}`,
    'who knows what this is',
    '7 <... fsync resumed>) = 0',
  ]) {
    assert.throws(() => read(line), TypeError, line);
  }
});

test('T3: what failed, and what is done elsewhere, changes nothing', () => {
  assert.deepEqual(
    read(
      `7 openat(${cwd}, "${hex(journal)}", O_RDWR) = -1 ENOENT (No such file or directory)`,
      `7 pwrite64(${fd(22, '/data/agent-2/journal.db')}, "${hex('a')}", 1, 0) = 1`,
      `7 write(${fd(1, 'pipe:[1]')}, "${hex('a')}", 1) = 1`,
      `7 fallocate(${fd(22, '/elsewhere')}, 0, 0, 4096) = 0`,
      `7 unlink("${hex('/elsewhere')}") = 0`,
      `7 fsync(${fd(22, journal)} <unfinished ...>`,
      '7 +++ killed by SIGKILL +++',
    ),
    [],
  );
});

test('T4: of a call the process was killed in, what the folder shows was done', () => {
  const lines = [
    `7 openat(${cwd}, "${hex(journal)}", O_RDWR) = ${fd(22, journal)}`,
    `7 pwrite64(${fd(22, journal)}, "${hex('old')}", 3, 0) = 3`,
  ];
  const cut = `7 pwrite64(${fd(22, journal)}, "${hex('new')}", 3, 3) = ?`;
  const halves = [
    `7 pwrite64(${fd(22, journal)}, "${hex('new')}", 3, 3 <unfinished ...>`,
    '8 +++ killed by SIGKILL +++',
  ];
  const writesIn = (more: readonly string[], there: string) =>
    settled(traced(...lines, ...more), new Map([[journal, Buffer.from(there)]])).flatMap((event) =>
      event.kind === 'write' ? [[event.at, event.data.toString()]] : [],
    );
  for (const more of [[cut], halves, [halves[0] ?? '', '7 <... pwrite64 resumed>) = ?']]) {
    assert.deepEqual(writesIn(more, 'oldnew'), [
      [0, 'old'],
      [3, 'new'],
    ]);
    assert.deepEqual(writesIn(more, 'oldne'), [
      [0, 'old'],
      [3, 'ne'],
    ]);
    assert.deepEqual(writesIn(more, 'old'), [[0, 'old']]);
  }
  const emptied = `7 ftruncate(${fd(22, journal)}, 0) = ?`;
  const truncates = (there: string) =>
    settled(traced(...lines, emptied), new Map([[journal, Buffer.from(there)]])).filter(
      ({ kind }) => kind === 'truncate',
    );
  assert.deepEqual([truncates('').length, truncates('old').length], [1, 0]);
  const gone = settled(traced(...lines, `7 unlink("${hex(journal)}") = ?`), new Map());
  assert.equal(gone.at(-1)?.kind, 'unlink');
  // A sync that was cut short has promised nothing.
  assert.equal(
    settled(traced(...lines, `7 fsync(${fd(22, journal)}) = ?`), new Map([[journal, Buffer.from('old')]])).length,
    2,
  );
});
