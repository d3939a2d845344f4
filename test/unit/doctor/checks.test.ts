import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  judgeBridgeKey,
  judgeClock,
  judgeDisk,
  judgeFolder,
  judgeGatewayKey,
  judgeLock,
  judgeNode,
  judgePackages,
  judgePagePort,
  judgeSecrets,
  writtenMs,
  type FolderFacts,
} from '../../../agent/doctor/checks.ts';
import { bad, exitCodeOf, good, lineOf, reportOf, type Check } from '../../../agent/doctor/report.ts';

const mib = 1024 * 1024;
const folder: FolderFacts = {
  path: '/srv/agent',
  nearest: '/srv/agent',
  problem: null,
  ownerUid: 1000,
  freeBytes: 500 * mib,
  usedBytes: 0,
};
/** `ok` or `FAIL`, and what is said. */
const said = (check: Check) => `${check.ok ? 'ok' : 'FAIL'} ${check.detail}`;

test('a line has the id, what was found and, for a failure, the cure; no control character of a name gets through', () => {
  assert.equal(lineOf(good('disk', '90 MiB free')), 'ok   disk  90 MiB free');
  assert.equal(lineOf(bad('disk', 'full', 'Free some.')), 'FAIL disk  full — do: Free some.');
  assert.equal(lineOf(good('machine:a', 'x\u001b[31m\ny')), 'ok   machine:a  x?[31m?y');
});

test('the exit code is 0 for all good, 1 for a failed check, 2 for a configuration that cannot be used', () => {
  assert.equal(exitCodeOf(reportOf([good('node', '')])), 0);
  assert.equal(exitCodeOf(reportOf([good('config', ''), bad('disk', '', '')])), 1);
  assert.equal(exitCodeOf(reportOf([bad('config', '', ''), bad('disk', '', '')])), 2);
  assert.deepEqual(reportOf([good('node', 'x')]), {
    ok: true,
    checks: [{ id: 'node', ok: true, detail: 'x', cure: null }],
  });
});

test('a good check has no cure and a failed one always has', () => {
  const checks = [
    judgeNode('24.1.0', '24.1.0', 'linux-x64'),
    judgeNode('22.0.0', '24.1.0', 'linux-x64'),
    judgeNode('24.1.0', null, 'sunos-sparc'),
    judgeFolder({ ...folder, problem: 'is no folder' }, 0),
    judgeDisk({ ...folder, freeBytes: null }, 64),
    judgeLock({ problem: 'EACCES' }),
    judgeGatewayKey('/k', { state: 'absent' }, true),
    judgeGatewayKey('/k', { state: 'unusable', why: 'is no plain file' }, true),
    judgeBridgeKey('/b', null),
    judgeBridgeKey('/b', '/b is no key'),
    judgeSecrets(1, ['env:A is not set or empty']),
  ];
  for (const { id, ok, cure } of checks) assert.equal(ok, cure === null, id);
});

test('another Node than the pinned one is a failure', () => {
  assert.match(said(judgeNode('24.1.0', '24.1.0', 'linux-x64')), /^ok 24\.1\.0/);
  assert.match(
    said(judgeNode('22.0.0', '24.1.0', 'linux-x64')),
    /^FAIL 22\.0\.0 runs, package-lock\.json pins 24\.1\.0/,
  );
  assert.match(said(judgeNode('24.1.0', null, 'sunos-sparc')), /^FAIL no Node is pinned for sunos-sparc/);
});

test('each package that cannot be loaded is named with its reason', () => {
  const fine = { name: 'better-sqlite3', problem: null };
  assert.equal(said(judgePackages([fine])), 'ok better-sqlite3 can be loaded');
  const broken = judgePackages([fine, { name: 'serialport', problem: 'wrong ELF class' }]);
  assert.equal(said(broken), 'FAIL serialport cannot be loaded (wrong ELF class)');
});

test('a clock before the release, set while watched, or running backwards is a failure', () => {
  const start = { wallMs: writtenMs + 5_000, monotonicMs: 100 };
  const after = (wallMs: number, monotonicMs: number) => ({
    wallMs: start.wallMs + wallMs,
    monotonicMs: start.monotonicMs + monotonicMs,
  });
  assert.equal(judgeClock(start, after(2_000, 2_000)).ok, true);
  assert.equal(judgeClock(start, after(2_400, 2_000)).ok, true);
  assert.match(said(judgeClock(start, after(3_600_000, 2_000))), /^FAIL it was set by 3598\.0 s/);
  assert.match(said(judgeClock(start, after(-1_000, 2_000))), /^FAIL it was set by -3\.0 s/);
  assert.match(said(judgeClock(start, after(0, -1))), /^FAIL the monotonic clock ran backwards/);
  const unset = { wallMs: 0, monotonicMs: 1 };
  assert.match(said(judgeClock(unset, unset)), /^FAIL it is 1970-01-01T00:00:00\.000Z, before this version/);
});

test('the data folder must be there or be possible, and be the own one unless root looks', () => {
  assert.equal(said(judgeFolder(folder, 1000)), 'ok /srv/agent can be written');
  assert.match(said(judgeFolder(folder, 0)), /^ok .* it is the folder of user 1000$/);
  assert.match(
    said(judgeFolder(folder, 1001)),
    /^FAIL \/srv\/agent is the folder of user 1000, and this is user 1001$/,
  );
  const fresh = { ...folder, nearest: '/srv' };
  assert.match(said(judgeFolder(fresh, 1001)), /^ok .* is not there yet and can be made in \/srv$/);
  const blocked = { ...fresh, problem: 'is no folder' };
  assert.equal(said(judgeFolder(blocked, 0)), 'FAIL /srv/agent cannot be made: /srv is no folder');
});

test('the disk must have room for what the budget still lacks', () => {
  assert.equal(judgeDisk(folder, 500).ok, true);
  assert.match(said(judgeDisk(folder, 501)), /^FAIL 500 MiB free; the budget is 501 MiB, 0 MiB of it in use/);
  assert.equal(judgeDisk({ ...folder, usedBytes: 200 * mib }, 700).ok, true);
  assert.equal(judgeDisk({ ...folder, usedBytes: 900 * mib, freeBytes: 0 }, 700).ok, true);
});

test('a page port in use is a failure unless an agent runs on the data folder', () => {
  assert.equal(judgePagePort('127.0.0.1', 8440, 'free', 'free').ok, true);
  assert.equal(judgePagePort('127.0.0.1', 0, 'any', 'free').ok, true);
  assert.equal(judgePagePort('127.0.0.1', 8440, 'in-use', 'held').ok, true);
  assert.match(said(judgePagePort('::1', 8440, 'in-use', 'free')), /^FAIL another program listens on \[::1\]:8440/);
  assert.equal(judgePagePort('127.0.0.1', 8440, 'in-use', { problem: 'EACCES' }).ok, false);
  assert.match(said(judgePagePort('127.0.0.1', 80, { problem: 'EACCES' }, 'held')), /^FAIL .*:80 cannot .*EACCES/);
});

test('a running agent is said, not blamed', () => {
  assert.equal(said(judgeLock('held')), 'ok an agent is running on the data folder');
  assert.equal(judgeLock('free').ok, true);
});

test('a gateway key is needed with an uplink, and must be for its owner alone', () => {
  assert.equal(judgeGatewayKey('/k', { state: 'absent' }, false).ok, true);
  assert.match(judgeGatewayKey('/k', { state: 'absent' }, true).cure ?? '', /selvedge key/);
  assert.equal(judgeGatewayKey('/k', { state: 'present', mode: 0o100600 }, true).ok, true);
  assert.equal(judgeGatewayKey('/k', { state: 'present', mode: 0o100400 }, true).ok, true);
  for (const mode of [0o640, 0o604, 0o610]) {
    const check = judgeGatewayKey('/k', { state: 'present', mode: 0o100000 | mode }, true);
    assert.equal(check.cure, 'chmod 600 /k', mode.toString(8));
  }
});

test('every reference that does not resolve is named', () => {
  assert.equal(said(judgeSecrets(0, [])), 'ok none referred to');
  assert.equal(said(judgeSecrets(2, [])), 'ok all 2 references resolve');
  assert.equal(
    said(judgeSecrets(3, ['env:A is not set', 'file:/b is absent'])),
    'FAIL env:A is not set; file:/b is absent',
  );
});
