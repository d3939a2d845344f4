import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { witnessed, witnessFd } from '../../../agent/commit-witness.ts';
import { openStore } from '../../../agent/store/open.ts';
import { event, summary } from '../bridge/making.ts';
import { bootA, nowMs, temporaryDir } from './making.ts';

async function open(t: Parameters<typeof temporaryDir>[0]) {
  const store = await openStore({ dataDir: temporaryDir(t), clock: { wallMs: () => nowMs }, boot: bootA });
  t.after(() => store.close());
  const lines: Record<string, unknown>[] = [];
  const told = witnessed(store, (text) => {
    for (const line of text.trimEnd().split('\n')) lines.push(JSON.parse(line) as Record<string, unknown>);
  });
  return { told, lines };
}

test('a committed record is told with the hash of its JSON, keys sorted', async (t) => {
  const { told, lines } = await open(t);
  const record = event(1, { atMs: 5, data: { z: 1.5, a: 'Fadenbruch – 断线' } });
  await told.commit([{ lane: 'live', record }], { urgent: true });
  const text =
    '{"atMs":5,"data":{"a":"Fadenbruch – 断线","z":1.5},"event":"state_changed","fromMs":null,"kind":"event","machine":"ls-1","n":1,"phase":"instant","v":1}';
  const sha256 = createHash('sha256').update(text).digest('hex');
  assert.deepEqual(lines, [{ boot: bootA, n: 1, kind: 'event', sha256 }]);
});

test('a summary is told with its key and revision', async (t) => {
  const { told, lines } = await open(t);
  const record = summary(2);
  await told.commit([{ lane: 'live', record }], { urgent: true });
  const { machine, signal, minuteMs, readingBoot, segment, revision } = record;
  assert.deepEqual(lines[0]?.['key'], { machine, signal, minuteMs, readingBoot, segment });
  assert.equal(lines[0]?.['revision'], revision);
});

test('CW1: of a commit that is rejected nothing is told', async (t) => {
  const { told, lines } = await open(t);
  const broken = event(1, { machine: 'No Such Name' });
  await assert.rejects(told.commit([{ lane: 'live', record: broken }], { urgent: true }));
  assert.deepEqual(lines, []);
});

test('there is a witness only where the variable names a descriptor', () => {
  assert.equal(witnessFd({}), null);
  assert.equal(witnessFd({ SELVEDGE_WITNESS_FD: 'x' }), null);
  assert.equal(witnessFd({ SELVEDGE_WITNESS_FD: '3' }), 3);
});
