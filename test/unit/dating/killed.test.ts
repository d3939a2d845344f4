/** A process that is killed at any moment around the step that told it the time; the next one, and the fold, must make it whole. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { StateSummaryRecord, SummaryRecord, WireRecord } from '../../../cloud-bridge/contract.ts';
import { SpanFold } from '../../../agent/dating/fold.ts';
import { defaultPipelineOptions } from '../../../agent/pipeline-ports.ts';
import { decodeRingBlock } from '../../../agent/ring/block.ts';
import type { SummaryDraft } from '../../../agent/rollup/rollup.ts';
import { datedBlock } from '../../../agent/store/dated-block.ts';
import type { FoldSpan } from '../../../agent/store/dating.ts';
import type { Recovery } from '../../../agent/store/store.ts';
import { runs, seed } from '../drivers/modbus-random.ts';
import { boot, reference, Rig, setupOf, standing } from '../pipeline/rig.ts';

const nextBoot = '00000000000000bb';
const builtMs = Date.UTC(2026, 0, 1);
const in1970 = Date.UTC(1970, 0, 3);
const minuteMs = 60_000;
const { ringBlockS, sealAfterS, lateS } = defaultPipelineOptions;
const foldOptions = { ringBlockS, sealAfterS, lateS };

type Minute = SummaryRecord | StateSummaryRecord;
const isMinute = (record: WireRecord): record is Minute => record.kind === 'summary' || record.kind === 'state-summary';
function kept<T extends SummaryDraft | Minute>(records: readonly T[]): T[] {
  const best = new Map<string, T>();
  for (const record of records) {
    const name = 'signal' in record ? record.signal : '';
    const key = [name, record.minuteMs, record.readingBoot, record.segment].join(' ');
    if ((best.get(key)?.revision ?? 0) < record.revision) best.set(key, record);
  }
  return [...best.values()];
}
const stitchesOf = (records: readonly (SummaryDraft | Minute)[]) =>
  records.flatMap((s) => (s.kind === 'summary' && s.signal === 'stitch.total' ? [s] : []));

for (const openMinuteEveryS of [60, 5]) {
  test(`killed around the step, every stitch is counted once (open minutes every ${openMinuteEveryS} s)`, async () => {
    const life = fc.record({
      undatedPolls: fc.integer({ min: 1, max: 500 }),
      datedPolls: fc.integer({ min: 0, max: 120 }),
      downMs: fc.integer({ min: 500, max: 20_000 }),
      offsetMs: fc.integer({ min: 0, max: 59_999 }),
      /** The process itself had folded its span before it was killed. */
      folded: fc.boolean(),
      /** A machine that stands still changes no counter. */
      sews: fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }),
    });
    await fc.assert(
      fc.asyncProperty(life, async ({ undatedPolls, datedPolls, downMs, offsetMs, folded, sews }) => {
        const options = { builtMs, openMinuteEveryS };
        const now = Date.UTC(2026, 5, 1, 8) + offsetMs;
        const shiftMs = now - in1970;
        let stitches = 5000;
        let polls = 0;
        const poll = (rig: Rig) => {
          rig.pass(250);
          const isSewing = sews[Math.floor(polls++ / 40) % sews.length] ?? true;
          if (isSewing) stitches += 11;
          rig.read('ls-1', { ...standing, 'status.running': isSewing, 'stitch.total': stitches });
        };
        const first = new Rig({ startMs: in1970, options });
        first.read('ls-1', { ...standing, 'stitch.total': stitches });
        for (let i = 0; i < undatedPolls; i++) poll(first);
        first.wallMs += shiftMs;
        first.pipeline.tick();
        const untilMs = (first.events('clock_step')[0]?.atMs ?? 0) + 1;
        for (let i = 0; i < datedPolls; i++) poll(first);
        // Killed: what is not in a block is gone.
        const blocks = first.blocks.map((block) => ({ ...(datedBlock(block, shiftMs, builtMs) ?? block), boot }));
        const span: FoldSpan = { boot, shiftMs, fromMs: in1970 + shiftMs, untilMs, limitMs: null };
        const machine = { setup: setupOf('ls-1', reference), offlineAfterS: 30 };
        const fold = new SpanFold(machine, span, new Map(), foldOptions);
        const drafts = [...blocks.flatMap((block) => fold.add(decodeRingBlock(block.bytes))), ...fold.finish()];
        const wasFolded = folded && first.dated.length > 0;
        const own: Minute[] = [
          ...first.records.filter(isMinute),
          ...(wasFolded ? drafts.map((draft, i) => ({ ...draft, v: 1 as const, n: 100_000 + i })) : []),
        ];
        const newestMs = Math.max(0, ...blocks.map((block) => block.toMs));
        const fromMs = Math.floor(newestMs / minuteMs) * minuteMs - minuteMs;
        const tail = blocks.filter((block) => block.toMs >= fromMs);
        const inTail = kept(own).filter((s) => s.minuteMs >= fromMs);
        const lastStitches = stitchesOf(kept(own))
          .filter(({ counter }) => counter !== null)
          .toSorted((a, b) => a.segment - b.segment || a.minuteMs - b.minuteMs)
          .at(-1)?.counter;
        const recovery: Partial<Recovery> = {
          boot: nextBoot,
          previousBoot: boot,
          undated: [{ boot, untilMs, sameHost: false }],
          ringTail: blocks.length === 0 ? [] : tail,
          openSummaries: inTail.flatMap((s) => (s.kind === 'summary' ? [s] : [])),
          openStateSummaries: inTail.flatMap((s) => (s.kind === 'state-summary' ? [s] : [])),
          lastCounters: lastStitches
            ? [{ machine: 'ls-1', signal: 'stitch.total', value: lastStitches.to, atMs: lastStitches.toMs }]
            : [],
        };
        const second = new Rig({ startMs: first.wallMs + downMs, recovery, options });
        for (let i = 0; i < 20; i++) poll(second);
        await second.pipeline.drain();
        const all = kept([...own, ...drafts, ...second.records.filter(isMinute)]);
        const spans = stitchesOf(all).flatMap(({ counter, segment, readingBoot, minuteMs: minute }) =>
          counter === null ? [] : [{ ...counter, segment, readingBoot, minute }],
        );
        const told = JSON.stringify(spans);
        // What was counted before the first block on the disk is known to nobody.
        const onDisk = blocks.length > 0 || lastStitches;
        const startsAt = onDisk ? 5000 : stitches - 19 * 11;
        const order = spans.toSorted(
          (a, b) =>
            (a.readingBoot === b.readingBoot ? 0 : a.readingBoot < b.readingBoot ? -1 : 1) ||
            a.segment - b.segment ||
            a.minute - b.minute,
        );
        for (const [i, one] of order.entries()) {
          if (i > 0) assert.equal(one.from, order[i - 1]?.to, `the deltas join: ${told}`);
        }
        if (onDisk) {
          assert.equal(
            spans.reduce((sum, { delta }) => sum + delta, 0),
            stitches - startsAt,
            told,
          );
          assert.ok(
            spans.every(({ uncertainty }) => uncertainty === 0),
            told,
          );
        }
      }),
      { seed, numRuns: runs(100) },
    );
  });
}
