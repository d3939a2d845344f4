import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { Audit, auditLines, maxFileBytes, maxKinds, type AuditEntry } from '../../../cloud-bridge/audit.ts';
import { dataDir } from '../../../cloud-bridge/files.ts';
import { temporaryDir } from './making.ts';

const entry: AuditEntry = {
  event: 'refused',
  who: 'gw-2',
  did: 'publish',
  on: 'selvedge/v1/demo/gw-1/up',
  why: 'not a topic of this gateway',
  from: '192.0.2.1',
};

function setUp(t: TestContext) {
  const dir = dataDir(temporaryDir(t));
  let nowMs = Date.UTC(2026, 0, 5, 8);
  const audit = new Audit(dir, () => nowMs);
  t.after(() => audit.flush());
  const lines = () => auditLines(dir).map((line) => JSON.parse(line) as AuditEntry & { time: string; count: number });
  return { dir, audit, lines, wait: (ms: number) => void (nowMs += ms) };
}

test('D1: the first try is on disk at once, with who, what, on what, why and from where; repeats are counted by the minute', (t) => {
  const { dir, audit, lines, wait } = setUp(t);
  audit.note(entry);
  assert.deepEqual(lines(), [{ time: '2026-01-05T08:00:00.000Z', ...entry, count: 1 }]);
  assert.equal(statSync(dir.audit).mode & 0o777, 0o600);
  for (let again = 0; again < 999; again++) audit.note(entry);
  assert.equal(lines().length, 1);
  wait(60_000);
  audit.note({ ...entry, did: 'subscribe' });
  assert.deepEqual(
    lines().map(({ did, count }) => [did, count]),
    [
      ['publish', 1],
      ['publish', 999],
      ['subscribe', 1],
    ],
  );
  audit.note({ ...entry, did: 'subscribe' });
  audit.flush();
  audit.flush();
  assert.equal(lines().length, 4);
});

test('D2: the files stay within their size, and the newest lines are among what is kept', (t) => {
  const { dir, audit, lines, wait } = setUp(t);
  for (let n = 0; n < 15_000; n++) {
    if (n % maxKinds === 0) wait(60_000);
    audit.note({ ...entry, on: `${'x'.repeat(140)} ${n}` });
  }
  for (const path of [dir.audit, dir.auditBefore]) assert.ok(statSync(path).size < maxFileBytes + 1_024, path);
  const kept = lines().map(({ on }) => Number(on.split(' ')[1]));
  assert.equal(kept.at(-1), 14_999);
  assert.deepEqual(
    kept,
    [...kept].sort((a, b) => a - b),
  );
});

test('D3: a flood of different tries costs some sixty lines a minute, and none of them is uncounted', (t) => {
  const { audit, lines } = setUp(t);
  for (let n = 0; n < 10_000; n++) audit.note({ ...entry, who: `gw-${n}`, on: `topic ${n}` });
  audit.flush();
  const all = lines();
  assert.ok(all.length <= maxKinds + 2, `${all.length} lines`);
  assert.equal(
    all.reduce((sum, { count }) => sum + count, 0),
    10_000,
  );
});

test('D4: whatever a stranger writes, a line is one line of bounded length', (t) => {
  const { dir, audit, wait } = setUp(t);
  const text = fc.string({ unit: 'binary', maxLength: 2_000 });
  fc.assert(
    fc.property(text, text, text, text, (who, did, on, why) => {
      wait(60_000);
      writeFileSync(dir.audit, '');
      audit.note({ event: 'refused', who, did, on, why, from: null });
      const written = readFileSync(dir.audit, 'utf8');
      assert.equal(written.split('\n').length, 2);
      assert.ok(written.length < 6 * 4 * 160 + 300);
      const line = JSON.parse(written) as AuditEntry;
      assert.equal(line.on, on.slice(0, 160));
    }),
  );
});

test('D5: a disk that takes nothing costs lines, counted, and never throws', (t) => {
  const { dir, audit } = setUp(t);
  mkdirSync(dir.audit);
  chmodSync(dir.audit, 0o500);
  audit.note(entry);
  audit.note({ ...entry, did: 'subscribe' });
  assert.equal(audit.unwritten, 2);
});
