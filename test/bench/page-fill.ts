/**
 * The history the page's bench looks at, `DATA_DIR MACHINES ALERTS POINTS`: so many closed alerts of the past month, and so many
 * readings of one signal of the first machine up to now with their minutes, stored by the agent's own store.
 */
import { encodeRingBlock } from '../../agent/ring/block.ts';
import { openStore } from '../../agent/store/open.ts';
import type { AlertRecord, SummaryRecord, WireRecord } from '../../cloud-bridge/contract.ts';
import type { Reading } from '../../drivers/contract.ts';
import { pageMachineId, pannedSignal } from './page-names.ts';

const [, , dataDir = '', machines = '1', alerts = '0', points = '0'] = process.argv;
const now = Date.now();
const monthMs = 30 * 86_400_000;
const kinds = [
  ['thread-break', 'thread_break', 'medium', 'material.thread_break', 'Needle thread broken'],
  ['bobbin-empty', 'bobbin_empty', 'medium', 'material.bobbin_empty', 'Bobbin empty'],
  ['motor-overload', 'motor_overload', 'high', 'drive.overload', 'Motor overload'],
  ['oil-low', 'oil_low', 'low', 'maintenance.oil_low', 'Oil level low'],
] as const;
const perCommit = 3_000;
const pointEveryMs = 250;
const perBlock = 2_000;

const store = await openStore({
  dataDir,
  clock: { wallMs: () => Date.now() },
  outbox: false,
});
try {
  let n = 0;
  const commit = (records: readonly WireRecord[], lane: 'alerts' | 'live') =>
    store.commit(
      records.map((record) => ({ record, lane })),
      { urgent: false },
    );
  let made: AlertRecord[] = [];
  for (let index = 0; index < Number(alerts); index += 1) {
    const [rule, type, priority, cause, text] = kinds[index % kinds.length] ?? kinds[0];
    const raisedMs = Math.round(now - monthMs + (index / Number(alerts)) * (monthMs - 60_000));
    const clearedMs = raisedMs + 30_000;
    const about = {
      v: 1,
      kind: 'alert',
      machine: pageMachineId(index % Number(machines)),
      occurrence: `past-${index}`,
      type,
      rule,
      signal: 'error.code',
      priority,
      onsetMs: raisedMs,
      raisedMs,
      cause,
      text,
      evidence: { code: '11' },
    } as const;
    made.push(
      { ...about, n: ++n, atMs: raisedMs, transition: 'raised', state: 'active-unacked', clearedMs: null, actor: null },
      {
        ...about,
        n: ++n,
        atMs: raisedMs + 20_000,
        transition: 'acked',
        state: 'active-acked',
        clearedMs: null,
        actor: 'omar',
      },
      { ...about, n: ++n, atMs: clearedMs, transition: 'returned', state: 'normal', clearedMs, actor: null },
    );
    if (made.length >= perCommit) {
      await commit(made, 'alerts');
      made = [];
    }
  }
  await commit(made, 'alerts');

  const machine = pageMachineId(0);
  const total = Number(points);
  const valueOf = (index: number) =>
    Math.round((41 + 3 * Math.sin(index / 5_000) + ((index * 7919) % 17) / 10) * 10) / 10;
  const timeOf = (index: number) => now - (total - index) * pointEveryMs;
  let minutes: SummaryRecord[] = [];
  for (let from = 0; from < total;) {
    const minuteMs = Math.floor(timeOf(from) / 60_000) * 60_000;
    const values: number[] = [];
    for (; from < total && timeOf(from) < minuteMs + 60_000; from += 1) values.push(valueOf(from));
    const sum = values.reduce((a, b) => a + b, 0);
    const coveredS = (values.length * pointEveryMs) / 1000;
    minutes.push({
      v: 1,
      kind: 'summary',
      n: ++n,
      machine,
      atMs: minuteMs + 60_000,
      minuteMs,
      readingBoot: store.recovery.boot,
      segment: 0,
      revision: 1,
      signal: pannedSignal,
      samples: values.length,
      good: values.length,
      sum,
      integral: (sum * pointEveryMs) / 1000,
      coveredS,
      min: Math.min(...values),
      max: Math.max(...values),
      first: values[0] ?? null,
      last: values.at(-1) ?? null,
      counter: null,
    });
    if (minutes.length >= perCommit) {
      await commit(minutes, 'live');
      minutes = [];
    }
  }
  await commit(minutes, 'live');
  for (let from = 0; from < total; from += perBlock) {
    const readings: Reading[] = [];
    for (let index = from; index < Math.min(total, from + perBlock); index += 1) {
      const atMs = timeOf(index);
      readings.push({
        machine,
        signal: pannedSignal,
        value: valueOf(index),
        quality: 'good',
        sourceTimeMs: atMs,
        receivedTimeMs: atMs,
        monotonicMs: atMs - now + performance.now(),
      });
    }
    void store.appendRing(encodeRingBlock(machine, readings));
    // The writer takes so many at once; more would be dropped.
    if ((from / perBlock) % 50 === 49) await store.upkeep();
  }
  await store.upkeep();
  const { ringDropped } = await store.stats();
  process.stdout.write(`${JSON.stringify({ alerts: Number(alerts), points: total, ringDropped })}\n`);
} finally {
  await store.close();
}
