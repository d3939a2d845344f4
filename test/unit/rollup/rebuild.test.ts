import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StateSummaryRecord, SummaryRecord, WireRecord } from '../../../cloud-bridge/contract.ts';
import type { Recovery } from '../../../agent/store/store.ts';
import { boot, eight, reference, Rig, setupOf, standing } from '../pipeline/rig.ts';

const nextBoot = '00000000000000bb';
const minuteMs = 60_000;

/** The highest revision of each key: what a reader of the records keeps. */
function kept<T extends SummaryRecord | StateSummaryRecord>(records: readonly T[]): T[] {
  const best = new Map<string, T>();
  for (const record of records) {
    const name = 'signal' in record ? record.signal : 'state';
    const key = `${record.machine} ${name} ${record.minuteMs} ${record.readingBoot} ${record.segment}`;
    if ((best.get(key)?.revision ?? 0) < record.revision) best.set(key, record);
  }
  return [...best.values()];
}
const isSummary = (r: WireRecord): r is SummaryRecord => r.kind === 'summary';
const isState = (r: WireRecord): r is StateSummaryRecord => r.kind === 'state-summary';

/** What the store would hand to the next start when only `records` and `blocks` reached the disk. */
function recoveryFrom(rig: Rig, records: readonly WireRecord[], blocks = rig.blocks): Partial<Recovery> {
  const summaries = kept(records.filter(isSummary));
  const counters = new Map<string, Recovery['lastCounters'][number]>();
  for (const s of [...summaries].sort((a, b) => a.minuteMs - b.minuteMs)) {
    if (s.counter === null) continue;
    counters.set(s.signal, { machine: s.machine, signal: s.signal, value: s.counter.to, atMs: s.counter.toMs });
  }
  const fromMs = Math.floor(Math.max(0, ...blocks.map((b) => b.toMs)) / minuteMs) * minuteMs - minuteMs;
  return {
    boot: nextBoot,
    previousBoot: boot,
    lastCounters: [...counters.values()],
    ringTail: blocks.filter((b) => b.toMs >= fromMs).map((b) => ({ ...b, boot })),
    openSummaries: summaries.filter((s) => s.minuteMs >= fromMs),
    openStateSummaries: kept(records.filter(isState)).filter((s) => s.minuteMs >= fromMs),
  };
}

interface Sewing {
  readonly rig: Rig;
  stitches: number;
}
function sew(on: Sewing, seconds: number): void {
  for (let i = 0; i < seconds * 4; i++) {
    on.rig.pass(250);
    on.stitches += 7;
    on.rig.read('ls-1', { ...standing, 'status.running': true, 'stitch.total': on.stitches });
  }
}

for (const openMinuteEveryS of [60, 5]) {
  test(`a kill costs no counted stitch and every second is told (open minutes every ${openMinuteEveryS} s)`, async () => {
    const first: Sewing = { rig: new Rig({ options: { openMinuteEveryS } }), stitches: 5000 };
    first.rig.read('ls-1', { ...standing, 'status.running': true, 'stitch.total': first.stitches });
    sew(first, 108);
    // kill -9 here: nothing is drained. Two seconds of readings were never written.
    const downS = 6;
    const rig = new Rig({
      startMs: first.rig.wallMs + downS * 1000,
      recovery: recoveryFrom(first.rig, first.rig.records),
      options: { openMinuteEveryS },
    });
    const second: Sewing = { rig, stitches: first.stitches + 40 };
    sew(second, 30);
    await rig.pipeline.drain();
    const all = kept([...first.rig.records, ...rig.records].filter(isSummary)).filter(
      (s) => s.signal === 'stitch.total',
    );
    const delta = all.reduce((sum, s) => sum + (s.counter?.delta ?? 0), 0);
    const uncertainty = all.reduce((sum, s) => sum + (s.counter?.uncertainty ?? 0), 0);
    assert.equal(delta, second.stitches - 5000);
    assert.equal(uncertainty, 0);
    const sorted = [...all].sort((a, b) => (a.counter?.fromMs ?? 0) - (b.counter?.fromMs ?? 0));
    for (const [i, one] of sorted.entries()) {
      if (i > 0) assert.equal(one.counter?.from, sorted[i - 1]?.counter?.to, 'the deltas join');
    }
    const states = kept([...first.rig.records, ...rig.records].filter(isState));
    const killed = states.filter((s) => s.minuteMs === eight + minuteMs && s.readingBoot === boot);
    assert.equal(killed.length, 1);
    const ofKilled = Object.values(killed[0]?.seconds ?? {}).reduce((a, b) => a + b, 0);
    assert.ok(Math.abs(ofKilled - (48 + downS)) < 0.3, `${ofKilled} s`);
    const unknown = killed[0]?.seconds.UNKNOWN ?? 0;
    assert.ok(unknown >= downS && unknown <= downS + 6, `${unknown} s UNKNOWN`);
    assert.ok((killed[0]?.seconds.RUN ?? 0) >= 42);
  });
}

for (const days of [-1, 1]) {
  test(`B5: a clock that is stepped by ${days} day while no process runs costs no count`, async () => {
    const first: Sewing = { rig: new Rig(), stitches: 5000 };
    first.rig.read('ls-1', { ...standing, 'status.running': true, 'stitch.total': first.stitches });
    sew(first, 28);
    const stepMs = days * 86_400_000;
    const rig = new Rig({
      startMs: first.rig.wallMs + stepMs + 3_000,
      recovery: {
        ...recoveryFrom(first.rig, first.rig.records),
        clockShifts: [{ boot, segment: 0, shiftMs: stepMs }],
      },
    });
    const second: Sewing = { rig, stitches: first.stitches + 40 };
    sew(second, 30);
    await rig.pipeline.drain();
    const all = kept([...first.rig.records, ...rig.records].filter(isSummary)).filter(
      (s) => s.signal === 'stitch.total',
    );
    const sum = (of: 'delta' | 'uncertainty') => all.reduce((total, { counter }) => total + (counter?.[of] ?? 0), 0);
    assert.deepEqual([sum('delta'), sum('uncertainty')], [second.stitches - 5000, 0]);
  });
}

test('B5: blocks of an earlier boot in which the clock was stepped do not hide what the last one has counted', async () => {
  const first: Sewing = { rig: new Rig({ options: { openMinuteEveryS: 5 } }), stitches: 5000 };
  first.rig.read('ls-1', { ...standing, 'status.running': true, 'stitch.total': first.stitches });
  sew(first, 28);
  const dayMs = 86_400_000;
  const stepped = new Rig();
  stepped.read('ls-1', { ...standing, 'stitch.total': 5000 });
  stepped.pass(10_000);
  const straddling = stepped.blocks
    .slice(0, 1)
    .map((block) => ({ ...block, boot: '00000000000000a9', fromMs: eight - 5_000, toMs: eight - 5_000 + dayMs }));
  const recovery = recoveryFrom(
    first.rig,
    first.rig.records.filter((r) => r.atMs < eight + 20_000),
  );
  assert.equal(straddling.length, 1);
  const rig = new Rig({
    startMs: first.rig.wallMs + dayMs + 40_000,
    recovery: {
      ...recovery,
      ringTail: [...straddling, ...(recovery.ringTail ?? [])],
      clockShifts: [{ boot, segment: 0, shiftMs: dayMs }],
    },
  });
  const second: Sewing = { rig, stitches: first.stitches + 40 };
  sew(second, 30);
  await rig.pipeline.drain();
  const all = kept([...first.rig.records.filter((r) => r.atMs < eight + 20_000), ...rig.records].filter(isSummary));
  const ours = all.filter((s) => s.signal === 'stitch.total');
  const sum = (of: 'delta' | 'uncertainty') => ours.reduce((total, { counter }) => total + (counter?.[of] ?? 0), 0);
  assert.deepEqual([sum('delta'), sum('uncertainty')], [second.stitches - 5000, 0]);
});

test('the rebuilt minute keeps the boot of its readings and follows the stored revision', () => {
  const first: Sewing = { rig: new Rig({ options: { openMinuteEveryS: 5 } }), stitches: 5000 };
  sew(first, 28);
  const stored = kept(first.rig.records.filter(isSummary)).find((s) => s.signal === 'stitch.total');
  // The last block alone is newer than the last revision.
  const rig = new Rig({
    startMs: first.rig.wallMs + 500,
    recovery: recoveryFrom(
      first.rig,
      first.rig.records.filter((r) => r.atMs < eight + 20_000),
    ),
  });
  const rebuilt = rig.summaries('stitch.total').find((s) => s.readingBoot === boot);
  assert.ok(stored !== undefined && rebuilt !== undefined);
  assert.equal(rebuilt.minuteMs, eight);
  assert.ok(rebuilt.revision > 1);
  assert.ok((rebuilt.counter?.toMs ?? 0) > eight + 20_000);
});

test('the minute in which a process starts adds up too, whole minutes without one are absent', async () => {
  for (const downS of [14, 194]) {
    const first: Sewing = { rig: new Rig({ options: { openMinuteEveryS: 5 } }), stitches: 5000 };
    first.rig.read('ls-1', { ...standing, 'status.running': true, 'stitch.total': first.stitches });
    sew(first, 56);
    const rig = new Rig({
      startMs: first.rig.wallMs + downS * 1000,
      recovery: recoveryFrom(first.rig, first.rig.records),
    });
    sew({ rig, stitches: 6000 }, 80);
    await rig.pipeline.drain();
    const byMinute = new Map<number, number>();
    for (const { minuteMs: at, seconds } of kept([...first.rig.records, ...rig.records].filter(isState))) {
      const sum = Object.values(seconds).reduce((a, b) => a + b, 0);
      byMinute.set(at, Math.round(((byMinute.get(at) ?? 0) + sum) * 10) / 10);
    }
    const startMinute = Math.floor((56 + downS) / 60);
    assert.equal(byMinute.get(eight), 60, `down for ${downS} s`);
    assert.equal(byMinute.get(eight + startMinute * minuteMs), 60, `down for ${downS} s`);
    for (let minute = 1; minute < startMinute; minute++) assert.ok(!byMinute.has(eight + minute * minuteMs));
  }
});

test('a machine that was away when the process was killed gets its minute whole, though the ring has nothing of it', async () => {
  const machines = [setupOf('ls-1', reference), setupOf('ls-2', reference)];
  const first = new Rig({ machines });
  first.read('ls-1', standing);
  first.gap('ls-2', 'opened', first.wallMs);
  for (let i = 0; i < 90 * 4; i++) {
    first.pass(250);
    first.read('ls-1', { ...standing, 'stitch.total': 5000 + i });
  }
  // Only the blocks of the machine that was read, and only the minute that was over.
  const blocks = first.blocks.filter((block) => block.machine === 'ls-1');
  const recovery = recoveryFrom(first, first.records, blocks);
  const rig = new Rig({ machines, startMs: first.wallMs + 4_000, recovery });
  rig.pass(40_000);
  await rig.pipeline.drain();
  for (const machine of ['ls-1', 'ls-2']) {
    const rows = kept([...first.records, ...rig.records].filter(isState)).filter((s) => s.machine === machine);
    const inMinute = rows.filter((s) => s.minuteMs === eight + minuteMs);
    const sum = inMinute.flatMap((s) => Object.values(s.seconds)).reduce((a, b) => a + b, 0);
    assert.ok(Math.abs(sum - 60) < 0.3, `${machine}: ${sum} s`);
  }
});

test('after a clean stop nothing is rebuilt but the seconds nobody watched', async () => {
  const first: Sewing = { rig: new Rig(), stitches: 5000 };
  sew(first, 20);
  await first.rig.pipeline.drain();
  const rig = new Rig({ startMs: first.rig.wallMs + 10_000, recovery: recoveryFrom(first.rig, first.rig.records) });
  assert.deepEqual(rig.records.filter(isSummary), []);
  const [state, ...more] = rig.records.filter(isState);
  assert.deepEqual(more, []);
  assert.equal(state?.revision, 2);
  assert.equal(state?.readingBoot, boot);
  assert.ok(Math.abs((state?.seconds.UNKNOWN ?? 0) - 10) < 0.6, JSON.stringify(state?.seconds));
});

test('a damaged block is a counted hole, not a failed start', () => {
  const first: Sewing = { rig: new Rig(), stitches: 5000 };
  sew(first, 20);
  const blocks = first.rig.blocks.map((b, i) => (i === 1 ? { ...b, bytes: new Uint8Array([1, 2, 3]) } : b));
  const rig = new Rig({
    startMs: first.rig.wallMs + 1000,
    recovery: recoveryFrom(first.rig, first.rig.records, blocks),
  });
  assert.equal(rig.pipeline.counts().damagedBlocks, 1);
  assert.ok(rig.summaries('stitch.total').some((s) => s.readingBoot === boot));
});

test('a clock that went back between two boots makes the first step uncertain instead of wrong', async () => {
  const rig = new Rig({
    recovery: {
      boot: nextBoot,
      previousBoot: boot,
      lastCounters: [{ machine: 'ls-1', signal: 'piece.count', value: 12, atMs: eight + 3_600_000 }],
    },
  });
  rig.read('ls-1', { ...standing, 'piece.count': 20 });
  await rig.pipeline.drain();
  const [summary] = rig.summaries('piece.count');
  assert.equal(summary?.counter?.delta, 8);
  assert.ok((summary?.counter?.uncertainty ?? 0) > 0);
});
