import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readBridge, sha256Of, type AtBridge, type BridgeRow } from '../../torture/at-bridge.ts';
import { judgeLedger, Witness } from '../../torture/ledger.ts';
import { witnessed } from '../../../agent/commit-witness.ts';
import { openStore } from '../../../agent/store/open.ts';
import { dataDir, makeDir } from '../../../cloud-bridge/files.ts';
import { SqliteStore } from '../../../cloud-bridge/store/store.ts';
import { alert, body, event, machine, stateSummary, summary, temporaryDir } from '../bridge/making.ts';

const boot = 'aaaaaaaaaaaaaaaa';
const key = { machine: 'ls-1', signal: 's', minuteMs: 0, readingBoot: boot, segment: 0 };
const keyOf = `ls-1 s 0 ${boot} 0`;

const toldEvent = (n: number, sha256 = `hash ${n}`) => JSON.stringify({ boot, n, kind: 'event', sha256 });
const toldSummary = (n: number, revision: number) =>
  JSON.stringify({ boot, n, kind: 'summary', sha256: `hash ${n}`, key, revision });
const row = (n: number, more: Partial<BridgeRow> = {}): BridgeRow => ({
  boot,
  n,
  sha256: `hash ${n}`,
  key: null,
  revision: null,
  ...more,
});
const bridge = (rows: readonly BridgeRow[], stored = 99): AtBridge => ({
  rows,
  ledger: [{ boot, from: 1, to: stored }],
  redelivered: 0,
});
function witness(...lines: readonly string[]): Witness {
  const made = new Witness();
  for (const line of lines) made.take(line);
  return made;
}
const nothing = new Set<string>();

test('L1: what was told and is not at the bridge, or is there with another hash, is lost', () => {
  const verdict = judgeLedger(
    [witness(toldEvent(1), toldEvent(2), toldEvent(3, 'other'))],
    bridge([row(1), row(3)]),
    nothing,
  );
  assert.deepEqual(verdict.lost, [`event ${boot}/2`, `event ${boot}/3`]);
  assert.deepEqual([verdict.committed, verdict.atBridge], [3, 1]);
});

test('L1: only what came after the copy and was not at the bridge when it was put back is rolled back', () => {
  const one = witness(toldEvent(1));
  const mark = one.mark();
  for (const line of [toldEvent(2), toldEvent(3)]) one.take(line);
  one.putBack(mark, bridge([row(2)]));
  const verdict = judgeLedger([one], bridge([]), nothing);
  assert.equal(verdict.rolledBack, 1);
  assert.deepEqual(verdict.lost, [`event ${boot}/1`, `event ${boot}/2`], 'one was in the copy, two was at the bridge');
});

test('L1: what the store gave up is no loss', () => {
  assert.deepEqual(judgeLedger([witness(toldEvent(1))], bridge([]), new Set([`${boot}/1`])).lost, []);
});

test('a summary is there when it stands or a higher revision does, and the bridge has its number', () => {
  const superseded = witness(toldSummary(1, 1), toldSummary(2, 2));
  const standing = row(2, { key: keyOf, revision: 2 });
  assert.deepEqual(judgeLedger([superseded], bridge([standing]), nothing).lost, []);
  assert.deepEqual(judgeLedger([superseded], bridge([row(1, { key: keyOf, revision: 1 })]), nothing).lost, [
    `summary ${boot}/2`,
  ]);
  const unheard = { ...bridge([standing]), ledger: [{ boot, from: 2, to: 2 }] };
  assert.deepEqual(judgeLedger([superseded], unheard, nothing).lost, [`summary ${boot}/1`]);
});

test('L2: a second row of an identity is a duplicate', () => {
  assert.deepEqual(judgeLedger([witness(toldEvent(1))], bridge([row(1), row(1)]), nothing).duplicated, [`${boot}/1`]);
});

test('L3: what nobody told is counted', () => {
  assert.equal(judgeLedger([witness()], bridge([row(1)]), nothing).untold, 1);
});

test('each kind of record goes through store and bridge and comes back with the hash that was told', async (t) => {
  const dir = temporaryDir(t);
  const store = await openStore({ dataDir: dir, clock: { wallMs: () => Date.UTC(2026, 5, 1) }, boot });
  t.after(() => store.close());
  const told = new Witness();
  const records = [
    machine(1),
    event(2, { data: { a: 1.5, b: null, c: 'Naht – 缝' } }),
    alert(3),
    summary(4),
    summary(5, { signal: 'speed', counter: null, min: null }),
    stateSummary(6),
  ];
  await witnessed(store, (lines) => {
    for (const line of lines.trimEnd().split('\n')) told.take(line);
  }).commit(
    records.map((record) => ({ lane: 'live', record })),
    { urgent: true },
  );
  const at = dataDir(`${dir}/bridge`);
  makeDir(at.root);
  const batch = { gateway: 'demo-gw', boot, seq: 1, sha256: '0'.repeat(64) };
  const stored = SqliteStore.open(at, 0);
  stored.commit([{ name: batch, body: body({ boot, records }), wireBytes: 1 }], 0);
  stored.close();
  const found = readBridge(`${dir}/bridge/bridge.db`, 'demo-gw');
  assert.deepEqual(judgeLedger([told], found, nothing).lost, []);
  assert.equal(found.rows.length, records.length);
  assert.equal(sha256Of({ b: 1, a: [null, { d: 'x', c: true }] }), sha256Of({ a: [null, { c: true, d: 'x' }], b: 1 }));
});
