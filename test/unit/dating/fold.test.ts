import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { StateSummaryRecord, SummaryRecord, WireRecord } from '../../../cloud-bridge/contract.ts';
import { SpanFold } from '../../../agent/dating/fold.ts';
import { defaultPipelineOptions, type DatedSpan } from '../../../agent/pipeline-ports.ts';
import { decodeRingBlock } from '../../../agent/ring/block.ts';
import type { SummaryDraft } from '../../../agent/rollup/rollup.ts';
import { datedBlock } from '../../../agent/store/dated-block.ts';
import type { FoldSpan } from '../../../agent/store/dating.ts';
import { runs, seed } from '../drivers/modbus-random.ts';
import { boot, reference, Rig, setupOf, standing } from '../pipeline/rig.ts';

const builtMs = Date.UTC(2026, 0, 1);
const in1970 = Date.UTC(1970, 0, 3);
const machine = { setup: setupOf('ls-1', reference), offlineAfterS: 30 };
const { ringBlockS, sealAfterS, lateS } = defaultPipelineOptions;
const options = { ringBlockS, sealAfterS, lateS };

interface Step {
  /** What the machine does for a while. */
  readonly kind: 'sew' | 'stand' | 'away';
  readonly s: number;
}

/** Lives through the steps, and then through `dated`, after which the clock is right. Returns the stitches at the end of each. */
function live(rig: Rig, steps: readonly Step[], stitches: number): number {
  for (const { kind, s } of steps) {
    const fromMs = rig.wallMs;
    if (kind === 'away') {
      rig.gap('ls-1', 'opened', fromMs);
      rig.pass(s * 1000);
      rig.gap('ls-1', 'closed', fromMs);
      rig.read('ls-1', { ...standing, 'stitch.total': stitches });
      continue;
    }
    for (let i = 0; i < s * 4; i++) {
      rig.pass(250);
      if (kind === 'sew') stitches += 11;
      rig.read('ls-1', { ...standing, 'status.running': kind === 'sew', 'stitch.total': stitches });
    }
  }
  return stitches;
}

function foldOf(rig: Rig, span: FoldSpan): SummaryDraft[] {
  const fold = new SpanFold(machine, span, new Map(), options);
  const drafts = rig.blocks.flatMap((block) => {
    const dated = datedBlock(block, span.shiftMs ?? 0, builtMs) ?? block;
    return fold.add(decodeRingBlock(dated.bytes));
  });
  return [...drafts, ...fold.finish()];
}
const spanOf = ({ shiftMs, untilMs }: DatedSpan): FoldSpan => ({
  boot,
  shiftMs,
  fromMs: in1970 + shiftMs,
  untilMs,
  limitMs: null,
});

type Minute = SummaryRecord | StateSummaryRecord;
/** The last revision of every key. */
function kept<T extends SummaryDraft | Minute>(records: readonly T[]): T[] {
  const last = new Map<string, T>();
  for (const record of records) {
    const name = 'signal' in record ? record.signal : '';
    last.set([record.machine, name, record.minuteMs, record.readingBoot, record.segment].join(' '), record);
  }
  return [...last.values()];
}
const isMinute = (record: WireRecord): record is Minute => record.kind === 'summary' || record.kind === 'state-summary';

/** By minute: how much a counter grew, and the seconds by state, whatever the segments. */
function byMinute(records: readonly (SummaryDraft | Minute)[]) {
  const minutes = new Map<number, { delta: number; uncertainty: number; seconds: Record<string, number> }>();
  for (const record of kept(records)) {
    const minute = minutes.get(record.minuteMs) ?? { delta: 0, uncertainty: 0, seconds: {} };
    minutes.set(record.minuteMs, minute);
    if (record.kind === 'state-summary') {
      for (const [state, s] of Object.entries(record.seconds)) {
        minute.seconds[state] = Math.round(((minute.seconds[state] ?? 0) + s) * 1000) / 1000;
      }
    } else if (record.signal === 'stitch.total') {
      minute.delta += record.counter?.delta ?? 0;
      minute.uncertainty += record.counter?.uncertainty ?? 0;
    }
  }
  return minutes;
}

const steps = fc.array(
  fc.record({ kind: fc.constantFrom('sew', 'stand', 'away'), s: fc.integer({ min: 1, max: 50 }) }),
  { minLength: 1, maxLength: 5 },
);

test('N2, N3: the minutes of a span without the time are those of a gateway that had known it', async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.integer({ min: 0, max: 59_000 }), steps, async (before, offsetMs, after) => {
      const now = Date.UTC(2026, 5, 1, 8) + offsetMs;
      const shiftMs = now - in1970;
      // The same life twice: once with the time, once without it at first.
      const known = new Rig({ startMs: now, options: { builtMs } });
      const unknown = new Rig({ startMs: in1970, options: { builtMs } });
      const first = [{ kind: 'stand', s: 2 } as const, ...before, { kind: 'stand', s: 1 } as const];
      const then = [{ kind: 'stand', s: 1 } as const, ...after];
      for (const rig of [known, unknown]) {
        const stitches = live(rig, first, 5000);
        if (rig === unknown) {
          assert.deepEqual(rig.records.filter(isMinute), [], 'P5: no minute without the time');
          rig.wallMs += shiftMs;
        }
        live(rig, then, stitches);
        await rig.pipeline.drain();
      }
      assert.equal(unknown.pipeline.counts().tooLate, 0);
      assert.deepEqual(
        unknown.dated.map((span) => span.shiftMs),
        [shiftMs],
      );
      const [span] = unknown.dated;
      assert.ok(span !== undefined);
      const folded = foldOf(unknown, spanOf(span));
      assert.deepEqual(foldOf(unknown, spanOf(span)), folded, 'N1');
      const expected = byMinute(known.records.filter(isMinute));
      const actual = byMinute([...folded, ...unknown.records.filter(isMinute)]);
      const inOrder = (minutes: typeof actual) => [...minutes.keys()].toSorted((a, b) => a - b);
      assert.deepEqual(inOrder(actual), inOrder(expected));
      for (const [minute, { delta, uncertainty, seconds }] of expected) {
        const found = actual.get(minute);
        assert.deepEqual([found?.delta, found?.uncertainty], [delta, uncertainty], new Date(minute).toISOString());
        for (const state of new Set([...Object.keys(seconds), ...Object.keys(found?.seconds ?? {})])) {
          const off = Math.abs((found?.seconds[state] ?? 0) - (seconds[state] ?? 0));
          // To the tick in which the step was seen.
          assert.ok(
            off <= 0.3,
            `${state} of ${new Date(minute).toISOString()}: ${found?.seconds[state]} and ${seconds[state]}`,
          );
        }
      }
      const total = (minutes: typeof actual) =>
        [...minutes.values()].flatMap((m) => Object.values(m.seconds)).reduce((a, b) => a + b, 0);
      assert.ok(Math.abs(total(actual) - total(expected)) < 0.01);
    }),
    { seed, numRuns: runs(40) },
  );
});

test('a process that was killed without the time: its seconds run on to the start of the next one, unknown', () => {
  const rig = new Rig({ startMs: in1970, options: { builtMs } });
  live(rig, [{ kind: 'sew', s: 70 }], 5000);
  rig.pass(6_000);
  const now = Date.UTC(2026, 5, 1, 8, 0, 20);
  const shiftMs = now - in1970;
  const limitMs = now + 200_000;
  const span = { boot, shiftMs, fromMs: now, untilMs: null, limitMs };
  const minutes = byMinute(foldOf(rig, span));
  const whole = [...minutes].map(([minute, { seconds }]) => [
    (minute - Date.UTC(2026, 5, 1, 8)) / 60_000,
    Math.round(Object.values(seconds).reduce((a, b) => a + b, 0) * 10) / 10,
  ]);
  // From 8:00:20 on; the last reading at 8:01:30; the next process at 8:03:40.
  assert.deepEqual(whole, [
    [0, 40],
    [1, 60],
    [3, 40],
  ]);
  assert.ok((minutes.get(Date.UTC(2026, 5, 1, 8, 1))?.seconds['RUN'] ?? 0) > 29);
  assert.equal(
    [...minutes.values()].reduce((sum, { delta }) => sum + delta, 0),
    11 * (70 * 4 - 1),
  );
});

test('what nobody can date is folded on its own clock, up to its last reading', () => {
  const rig = new Rig({ startMs: in1970, options: { builtMs } });
  live(rig, [{ kind: 'sew', s: 30 }], 5000);
  rig.pass(6_000);
  const minutes = byMinute(foldOf(rig, { boot, shiftMs: null, fromMs: in1970, untilMs: null, limitMs: null }));
  assert.deepEqual([...minutes.keys()], [in1970]);
  assert.equal(minutes.get(in1970)?.delta, 11 * (30 * 4 - 1));
});
