/** The wall clock jumps to and fro under a machine that works: nothing may notice but the events that tell of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { StateSummaryRecord, SummaryRecord, WireRecord } from '../../../cloud-bridge/contract.ts';
import { decodeRingBlock } from '../../../agent/ring/block.ts';
import { runs, seed } from '../drivers/modbus-random.ts';
import { eight, Rig, standing } from './rig.ts';

type Minute = SummaryRecord | StateSummaryRecord;
const isMinute = (record: WireRecord): record is Minute => record.kind === 'summary' || record.kind === 'state-summary';

/** The last revision of every key: what a reader of the records keeps. */
function kept(records: readonly WireRecord[]): Minute[] {
  const last = new Map<string, Minute>();
  for (const record of records.filter(isMinute)) {
    const name = 'signal' in record ? record.signal : '';
    const key = [record.machine, name, record.minuteMs, record.readingBoot, record.segment].join(' ');
    assert.ok((last.get(key)?.revision ?? 0) < record.revision, 'a revision is written once');
    last.set(key, record);
  }
  return [...last.values()];
}

const day = 86_400_000;
const moment = fc.record({
  /** How long the machine works until then, in polls of 250 ms. */
  polls: fc.integer({ min: 1, max: 120 }),
  /** What the wall clock does then. */
  stepMs: fc.oneof(
    fc.constantFrom(day, -day, 5_000, -5_000, 3_600_000, -3_600_000, 60_000, -60_000),
    fc.integer({ min: -10_000, max: 10_000 }),
  ),
  /** Readings stamped before the step and handed over after it. */
  late: fc.boolean(),
  runs: fc.boolean(),
});

test('steps of days and of seconds, many in a row, neither lose, double nor reorder anything', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(moment, { minLength: 1, maxLength: 12 }), async (moments) => {
      const rig = new Rig();
      const startMs = rig.monotonicMs;
      let stitches = 5000;
      let polls = 0;
      const poll = (sews: boolean) => {
        if (sews) stitches += 9;
        polls++;
        return Object.entries({ ...standing, 'status.running': sews, 'stitch.total': stitches }).map(
          ([signal, value]) => rig.reading('ls-1', signal, value),
        );
      };
      const hand = (readings: ReturnType<typeof poll>) =>
        rig.pipeline.accept({ kind: 'readings', machine: 'ls-1', readings });
      hand(poll(false));
      for (const { polls: count, stepMs, late, runs: sews } of moments) {
        for (let i = 0; i < count; i++) {
          rig.pass(250);
          hand(poll(sews));
        }
        rig.pass(250);
        const last = poll(sews);
        if (!late) hand(last);
        rig.wallMs += stepMs;
        // The driver's batch comes after the step, its stamps are of before.
        if (late) hand(last);
      }
      rig.pass(250);
      hand(poll(true));
      await rig.pipeline.drain();

      const steps = rig.events('clock_step');
      const counts = rig.pipeline.counts();
      assert.equal(steps.length, counts.segment);
      assert.deepEqual(
        rig.records.map((record) => record.n),
        rig.records.map((_, index) => index + 1),
        'P1',
      );
      // Every stitch once, to the last one, in deltas that join within the order of their segments.
      const spans = kept(rig.records).flatMap((s) => (s.kind === 'summary' && s.signal === 'stitch.total' ? [s] : []));
      const total = spans.reduce((sum, { counter }) => sum + (counter?.delta ?? 0), 0);
      assert.equal(total, stitches - 5000);
      assert.ok(spans.every(({ counter }) => (counter?.uncertainty ?? 0) === 0));
      const inOrder = spans.toSorted((a, b) => a.segment - b.segment || a.minuteMs - b.minuteMs);
      let at = 5000;
      for (const { counter } of inOrder) {
        if (counter === null) continue;
        assert.equal(counter.from, at);
        at = counter.to;
      }
      assert.equal(at, stitches);
      // Every second of the monotonic clock is told once.
      const seconds = kept(rig.records)
        .flatMap((s) => (s.kind === 'state-summary' ? Object.values(s.seconds) : []))
        .reduce((a, b) => a + b, 0);
      assert.ok(Math.abs(seconds - (rig.monotonicMs - startMs) / 1000) < 0.05 * (steps.length + 1), `${seconds} s`);
      // Every reading has reached the ring in the order it was read: the counter never falls.
      const values = rig.blocks
        .flatMap((block) => decodeRingBlock(block.bytes))
        .filter((reading) => reading.signal === 'stitch.total')
        .toSorted((a, b) => a.monotonicMs - b.monotonicMs)
        .map((reading) => Number(reading.value));
      assert.equal(new Set(values).size, (stitches - 5000) / 9 + 1, 'every change is there');
      // The offsets of the clocks are kept to 2 ms, so that neighbours may change places, not polls.
      for (const [i, value] of values.entries()) assert.ok(value >= (values[i - 1] ?? 0));
      // No step is taken for a reset, an alert or a new state.
      assert.deepEqual([rig.events('counter_reset'), rig.alerts(), counts.bad, counts.tooLate], [[], [], 0, 0]);
      const samples = spans.reduce((sum, summary) => sum + summary.samples, 0);
      assert.equal(samples, polls, 'every reading is in one minute');
      assert.equal(counts.readings, polls * Object.keys(standing).length);
      const states = rig.events('state_changed').map((event) => [event.data['from'], event.data['to']]);
      for (const [i, [from]] of states.entries()) if (i > 0) assert.equal(from, states[i - 1]?.[1], 'states join');
    }),
    { seed, numRuns: runs(60) },
  );
});

test('alert delays, heartbeats and shelves run by the monotonic clock: a step neither raises nor holds up an alert', () => {
  for (const stepMs of [day, -day]) {
    const rig = new Rig();
    rig.read('ls-1', standing);
    rig.gap('ls-1', 'opened', rig.wallMs);
    rig.pass(10_000);
    rig.wallMs += stepMs;
    rig.pass(15_000);
    assert.deepEqual(rig.alerts(), [], 'offline after 30 s, not by the clock');
    rig.pass(10_000);
    const [offline, ...more] = rig.alerts();
    assert.deepEqual([offline?.type, more], ['offline', []]);
    // It began 35 s ago, by the clock of now.
    assert.ok(Math.abs((offline?.onsetMs ?? 0) - (rig.wallMs - 35_000)) <= 200, String(offline?.onsetMs));
    const shelf = { kind: 'shelve', actor: 'asha', forS: 60, comment: null } as const;
    assert.equal(rig.pipeline.alertAction(offline?.occurrence ?? '', shelf).outcome, 'done');
    rig.wallMs -= stepMs;
    rig.pass(59_000);
    assert.equal(rig.alerts().at(-1)?.state, 'shelved');
    rig.pass(1_200);
    assert.equal(rig.alerts().at(-1)?.transition, 'unshelved');
  }
});

test('a gap that a step falls into keeps its length', () => {
  for (const stepMs of [day, -day, 5_000, -5_000]) {
    const rig = new Rig();
    rig.read('ls-1', standing);
    const fromMs = rig.wallMs;
    rig.gap('ls-1', 'opened', fromMs);
    rig.pass(8_000);
    rig.wallMs += stepMs;
    rig.pass(4_000);
    // The driver remembers the gap on the clock of before.
    rig.gap('ls-1', 'closed', fromMs);
    const [, closed] = rig.events('gap');
    assert.ok(closed !== undefined && closed.fromMs !== null);
    assert.ok(Math.abs(closed.atMs - closed.fromMs - 12_000) <= 2, `${closed.atMs - closed.fromMs} ms`);
  }
});

test('counters go on behind the process before as if nothing had been, also where the clock is stepped while this one starts', async () => {
  const signals = ['stitch.total', 'trim.count', 'piece.count', 'energy.total', 'needle.stitches'];
  for (const steppedSinceMs of [day, -day, 5_000, -5_000, 0]) {
    // Before the step: the last process read the machine 3 s before this one looked at the clock, which was 2 s ago.
    const atMs = eight - 2_000 - steppedSinceMs - 3_000;
    const lastCounters = signals.map((signal) => ({ machine: 'ls-1', signal, value: Number(standing[signal]), atMs }));
    const rig = new Rig({ steppedSinceMs, recovery: { previousBoot: '00000000000000bb', lastCounters } });
    rig.read('ls-1', Object.fromEntries(signals.map((signal) => [signal, Number(standing[signal]) + 1])));
    rig.pass(1_000);
    await rig.pipeline.drain();
    const counted = signals.map((signal) =>
      rig
        .summaries(signal)
        .map(({ counter }) => counter)
        .filter((c) => c !== null),
    );
    for (const [at, counters] of counted.entries()) {
      const delta = counters.reduce((sum, counter) => sum + counter.delta, 0);
      const uncertainty = counters.reduce((sum, counter) => sum + counter.uncertainty, 0);
      assert.deepEqual([delta, uncertainty], [1, 0], `${signals[at]} after ${steppedSinceMs} ms`);
    }
    assert.deepEqual(
      rig.events('clock_step').map(({ data }) => data['stepMs']),
      steppedSinceMs === 0 ? [] : [steppedSinceMs],
    );
  }
});
