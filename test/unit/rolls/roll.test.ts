import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  beginRoll,
  cloth,
  counted,
  eyeAnew,
  flushAll,
  type MachineRolls,
  noRolls,
  rollOf,
  type RollStep,
  type Stepped,
} from '../../../agent/rolls/roll.ts';
import type { SeenReport } from '../../../models/vision/seen-cloth.ts';

/** Everything that was told, and where it stands. */
class Told {
  rolls: MachineRolls = noRolls;
  readonly steps: RollStep[] = [];

  do(step: (rolls: MachineRolls) => Stepped): void {
    const { rolls, steps } = step(this.rolls);
    this.rolls = rolls;
    this.steps.push(...steps);
  }
  seen(fromMm: number, toMm: number, more: Partial<SeenReport> & { unseen?: number; clothMm?: number } = {}): void {
    const { unseen = 0, clothMm = null, ...report } = more;
    const stretch = { fromMm, toMm, unseen, reason: unseen === 0 ? null : ('overload' as const) };
    this.do((rolls) => cloth(rolls, { newestMm: toMm, isAnew: false, stretches: [stretch], ...report }, clothMm));
  }
  begin(why: 'asked' | 'counted' = 'asked', clothMm: number | null = null): void {
    this.do((rolls) => beginRoll(rolls, { why, id: null, missed: 0, clothMm }));
  }
  /** Roll, from, to and unseen share of what was looked at; roll, length of the one before of what began. */
  lines(): unknown[] {
    this.do(flushAll);
    return this.steps.map((step) =>
      step.kind === 'begun'
        ? ['begun', step.roll.number, step.endedMm]
        : [step.roll.number, step.stretch.fromMm, step.stretch.toMm, step.stretch.unseen, step.stretch.reason],
    );
  }
}

test('R4: the first cloth that is seen begins the first roll, wherever the eye counts from', () => {
  const told = new Told();
  told.seen(4_000_000, 4_000_500, { isAnew: true });
  told.seen(4_000_500, 4_001_000);
  assert.deepEqual(told.lines(), [
    ['begun', 1, null],
    [1, 0, 1000, 0, null],
  ]);
});

test('R1: what was not looked at is a stretch of its own, and stretches alike are told as one', () => {
  const told = new Told();
  told.seen(0, 500, { isAnew: true, unseen: 0.4 });
  told.seen(500, 1000, { unseen: 0.6 });
  told.seen(1000, 1500, { unseen: 1 });
  told.seen(1500, 2500);
  assert.deepEqual(told.lines().slice(1), [
    [1, 0, 1000, 0.5, 'overload'],
    [1, 1000, 1500, 1, 'overload'],
    [1, 1500, 2500, 0, null],
  ]);
});

test('R3: a roll begins with the newest cloth; what is told later of the cloth before it belongs to the roll before', () => {
  const told = new Told();
  told.seen(0, 1000, { isAnew: true, newestMm: 1060 });
  told.begin();
  told.seen(1000, 1100, { newestMm: 1160 });
  assert.deepEqual(told.lines(), [
    ['begun', 1, null],
    [1, 0, 1000, 0, null],
    ['begun', 2, 1060],
    [1, 1000, 1060, 0, null],
    [2, 0, 40, 0, null],
  ]);
  assert.deepEqual(rollOf(told.rolls, 1000, 1010), { which: 'before', fromMm: 1000, toMm: 1010 });
  assert.deepEqual(rollOf(told.rolls, 1050, 1090), { which: 'current', fromMm: 0, toMm: 30 });
});

test('R2: an eye that begins anew goes on with the roll; what passed is a gap as long as the machine counted', () => {
  const told = new Told();
  told.seen(0, 1000, { isAnew: true, newestMm: 1060, clothMm: 50_000 });
  told.do(eyeAnew);
  // 2 m passed by the machine's count; the first view of the new process shows 60 mm.
  told.seen(7000, 7000, { isAnew: true, newestMm: 7060, clothMm: 52_000 });
  told.seen(7000, 7500, { newestMm: 7560, clothMm: 52_500 });
  assert.deepEqual(told.lines().slice(1), [
    [1, 0, 1000, 0, null],
    [1, 1000, 3000, 1, 'not-running'],
    [1, 3000, 3500, 0, null],
  ]);
});

test('R2: where the machine counts nothing, or its count fell, the gap has no length, and is there all the same', () => {
  for (const [before, after] of [
    [null, null],
    [50_000, null],
    [50_000, 100],
  ] as const) {
    const told = new Told();
    told.seen(0, 1000, { isAnew: true, newestMm: 1060, ...(before === null ? {} : { clothMm: before }) });
    told.do(eyeAnew);
    told.seen(0, 500, { isAnew: true, newestMm: 560, ...(after === null ? {} : { clothMm: after }) });
    assert.deepEqual(told.lines().slice(1), [
      [1, 0, 1000, 0, null],
      [1, 1000, 1000, 1, 'not-running'],
      [1, 1000, 1500, 0, null],
    ]);
  }
});

test('R2: a machine that stood while the eye began anew has no gap, and one that was not taught says so', () => {
  const stood = new Told();
  stood.seen(0, 1000, { isAnew: true, newestMm: 1000, clothMm: 50_000 });
  stood.do(eyeAnew);
  stood.seen(300, 300, { isAnew: true, newestMm: 300, clothMm: 50_000 });
  stood.seen(300, 500, { clothMm: 50_200 });
  assert.deepEqual(stood.lines().slice(1), [
    [1, 0, 1000, 0, null],
    [1, 1000, 1200, 0, null],
  ]);

  const untaught = new Told();
  untaught.begin();
  untaught.do((rolls) => ({ rolls: { ...rolls, excuse: 'not-taught' }, steps: [] }));
  untaught.seen(100, 200, { isAnew: true });
  assert.deepEqual(untaught.lines(), [
    ['begun', 1, null],
    [1, 0, 0, 1, 'not-taught'],
    [1, 0, 100, 0, null],
  ]);
});

test('R4: the machine’s count begins a roll when it rises, tells what was missed, and begins none when it falls', () => {
  const told = new Told();
  told.seen(0, 1000, { isAnew: true });
  const count = (value: number) => told.do((rolls) => counted(rolls, value, null));
  count(7);
  count(7);
  count(8);
  count(2);
  count(5);
  const begun = told.steps.flatMap((step) =>
    step.kind === 'begun' ? [[step.roll.number, step.why, step.missed]] : [],
  );
  assert.deepEqual(begun, [
    [1, 'first', 0],
    [2, 'counted', 0],
    [3, 'counted', 2],
  ]);
});

test('R1: whatever happens, the stretches of a roll follow each other from its beginning without overlap', () => {
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('seen' as const),
        mm: fc.nat(2000),
        unseen: fc.constantFrom(0, 0.4, 1),
        viewMm: fc.nat(80),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('begin' as const) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('anew' as const),
        zeroMm: fc.integer({ min: -5000, max: 5000 }),
        passedMm: fc.option(fc.nat(3000)),
      }),
    },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const told = new Told();
      let at = 0;
      let clothMm = 0;
      let anew = true;
      for (const one of steps) {
        if (one.kind === 'begin') told.begin();
        else if (one.kind === 'anew') {
          told.do(eyeAnew);
          at = one.zeroMm;
          anew = true;
          clothMm += one.passedMm ?? -10_000;
        } else {
          clothMm += one.mm;
          told.seen(at, at + one.mm, { unseen: one.unseen, newestMm: at + one.mm + one.viewMm, isAnew: anew, clothMm });
          at += one.mm;
          anew = false;
        }
      }
      told.do(flushAll);
      const ends = new Map<number, number>();
      for (const event of told.steps) {
        if (event.kind === 'begun') continue;
        const { roll, stretch } = event;
        assert.ok(Math.abs(stretch.fromMm - (ends.get(roll.number) ?? 0)) < 1e-6, JSON.stringify(told.lines()));
        assert.ok(stretch.toMm >= stretch.fromMm);
        ends.set(roll.number, stretch.toMm);
      }
    }),
  );
});
