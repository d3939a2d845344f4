import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HallMemory } from '../../../agent/senses/ear/hall-memory.ts';
import {
  mostRoundsHeldMs,
  Rounds,
  roundSpeedsOf,
  type RoundSpeed,
  type RoundTold,
} from '../../../agent/senses/ear/rounds.ts';
import { seeded } from '../../../models/statistics/split.ts';
import { enrol, parts } from '../../../models/voiceprint/ear.ts';
import { heardSize, type Observed } from '../../../models/voiceprint/fault-ear.ts';
import type { FaultPrint } from '../../../models/voiceprint/fault-print.ts';
import type { Suspicion } from '../../../models/voiceprint/faults.ts';
import { bands } from '../../../models/voiceprint/front-end.ts';
import { HallSum } from '../../../models/voiceprint/hall.ts';
import { piecesASample } from '../../../models/voiceprint/pool.ts';

const random = seeded(6);
const about = (middle: number) => middle + random() + random() + random() - 1.5;
const power = (db: number) => 10 ** (db / 10);
const minuteMs = 60_000;
const speed = 4_000;

const hall = (db: number) => Float32Array.from({ length: parts * bands }, (_, i) => about(i < bands ? db : 4));
const running = (hallDb: number) =>
  Float32Array.from({ length: parts * bands }, (_, i) =>
    i < bands ? 10 * Math.log10(power(about(hallDb)) + power(about(-35))) : about(3),
  );

function taught(knowsHall: boolean) {
  const sum = new HallSum();
  for (let i = 0; i < 20; i += 1) sum.add(hall(-40));
  const clips = Array.from({ length: 50 }, () => ({ windows: [running(-40)], bands }));
  return enrol(clips, { hall: knowsHall ? sum.mean(10) : null });
}
const faults: FaultPrint = {
  kind: 'sewing',
  middle: new Float32Array(heardSize),
  variance: new Float32Array(heardSize).fill(1),
  count: 20,
  odds: { mean: 0, spread: 1 },
  signs: null,
  profile: null,
  rounds: { threshold: 2.5, spread: 1 },
};
const speedOf = (knowsHall: boolean, at = speed): RoundSpeed => ({
  speed: at,
  levels: taught(knowsHall),
  faults,
  rounds: { threshold: 2.5, spread: 1 },
});
const inHall = speedOf(true);
const observed: Observed = { heard: new Float32Array(heardSize).fill(1), profile: null };

/** As branch B has it; a slip is in no level. */
const suspected = (slip: number): Suspicion => ({
  faults: [{ fault: 'slippingBelt', probability: slip > 2 ? 0.9 : 0.01 }],
  angle: null,
  distance: 0,
  signs: { slip, looseness: 0 },
});
const [well, slips] = [suspected(0), suspected(6)];

/** A machine that is heard once a minute. */
class Day {
  readonly memory = new HallMemory();
  readonly rounds: Rounds;
  readonly told: RoundTold[] = [];
  ms = 0;

  constructor(speeds: readonly RoundSpeed[] = [inHall]) {
    this.rounds = new Rounds(speeds, this.memory);
  }

  hears(count: number, suspicion: Suspicion, hallDb = -40): this {
    for (let i = 0; i < count; i += 1) {
      this.ms += minuteMs;
      for (let piece = 0; piece < piecesASample; piece += 1) {
        this.rounds.add({ atMs: this.ms + 512 * piece, speed, features: running(hallDb) }, observed);
      }
      const whole = this.rounds.take();
      assert.equal(whole.length, 1);
      for (const round of whole) this.told.push(...this.rounds.judge(round, suspicion));
    }
    return this;
  }

  stands(pieces: number, hallDb: number): this {
    for (let i = 0; i < pieces; i += 1) {
      this.ms += 1_000;
      this.memory.add(this.ms, hall(hallDb));
    }
    return this;
  }

  /** What was told besides scores. */
  changes(): string[] {
    return this.told.flatMap(({ kind }) => (kind === 'judged' ? [] : [kind]));
  }
}

test('V1: a round is eight pieces of one speed; what is older than ten minutes, of another speed or was not heard is of none', () => {
  const rounds = new Rounds([inHall], new HallMemory());
  const piece = (atMs: number, at = speed) => ({ atMs, speed: at, features: running(-40) });
  for (let i = 0; i < 5; i += 1) rounds.add(piece(i * 512), observed);
  rounds.add(piece(3_000, 2_000), observed);
  rounds.add(piece(3_000), null);
  assert.deepEqual([rounds.take(), rounds.counts().dropped], [[], 2]);
  for (let i = 0; i < 7; i += 1) rounds.add(piece(700_000 + i * 512), observed);
  assert.deepEqual([rounds.take(), rounds.counts().dropped], [[], 7], 'five of ten minutes ago have gone');
  rounds.add(piece(704_000), observed);
  const [round] = rounds.take();
  assert.deepEqual([round?.fromMs, round?.toMs, round?.speed], [700_000, 704_000, speed]);
  assert.deepEqual(rounds.take(), [], 'each is told once');
});

test('V6: speeds by turns are kept apart, and rounds nobody takes are bounded', () => {
  const rounds = new Rounds([inHall, speedOf(true, 2_000)], new HallMemory());
  for (let i = 0; i < 4 * piecesASample; i += 1) {
    for (const at of [speed, 2_000]) rounds.add({ atMs: i * 512, speed: at, features: running(-40) }, observed);
  }
  const whole = rounds.take();
  assert.deepEqual(
    whole.map((one) => one.speed).toSorted((a, b) => a - b),
    [2_000, speed],
  );
});

test('V2: a belt that slips is told once, after several rounds in a row, from the first of them on, by rounds, as what it is', () => {
  const day = new Day().stands(10, -40).hears(10, well);
  assert.deepEqual(day.changes(), []);
  const fromMs = day.ms + minuteMs;
  day.hears(3, slips).stands(10, -40);
  assert.deepEqual(day.changes(), [], 'three say nothing');
  day.hears(20, slips);
  assert.deepEqual(day.changes(), ['began']);
  const began = day.told.find((one) => one.kind === 'began');
  assert.ok(began?.kind === 'began');
  assert.deepEqual([began.path, began.sinceMs, began.moved], ['rounds', fromMs, 0]);
  assert.ok(began.score > began.threshold);
  assert.equal(began.suspicion?.faults[0]?.fault, 'slippingBelt');
  day.hears(20, well);
  assert.deepEqual(day.changes(), ['began', 'ended']);
  assert.ok(!day.rounds.isOdd);
});

test('V2: odd rounds now and then begin none', () => {
  const day = new Day().stands(10, -40);
  for (let i = 0; i < 20; i += 1) day.hears(1, suspected(40)).hears(3, well).stands(1, -40);
  assert.deepEqual(day.changes(), []);
});

test('V3: in another hall than was taught no round is weighed, and each is counted', () => {
  const day = new Day().stands(60, -25).hears(30, slips, -25);
  assert.deepEqual([day.changes(), day.rounds.counts()], [[], { judged: 0, otherHall: 30, dropped: 0 }]);
});

test('V3: a rise is told when the hall was heard since it began, and is none when that was another one', () => {
  const day = new Day().stands(10, -40).hears(2, well);
  day.hears(10, slips);
  assert.deepEqual(day.changes(), [], 'the hall was not heard since');
  const other = new Day().stands(10, -40).hears(2, well).hears(10, slips).stands(60, -25).hears(1, slips);
  assert.deepEqual(other.changes(), []);
  other.stands(60, -40).hears(3, slips);
  assert.deepEqual(other.changes(), [], 'what was heard in that hall is forgotten');
  day.stands(10, -40).hears(1, slips);
  assert.deepEqual(day.changes(), ['began']);
});

test('V3: of a machine that never stops it is told in time, and at once where the hall was never taught', () => {
  const day = new Day().hears(2 + mostRoundsHeldMs / minuteMs, slips);
  assert.deepEqual(day.changes(), ['began']);
  const [first] = day.told;
  const began = day.told.find((one) => one.kind === 'began');
  assert.ok(began !== undefined && first !== undefined && began.atMs - first.atMs <= mostRoundsHeldMs + 2 * minuteMs);
  assert.deepEqual(new Day([speedOf(false)]).hears(5, slips).changes(), ['began']);
});

test('V4: a machine of which no speed was taught for rounds has none', () => {
  const { levels } = inHall;
  const prints = [{ speed, print: levels }];
  assert.equal(roundSpeedsOf(prints, []).length, 0);
  assert.equal(roundSpeedsOf(prints, [{ speed, print: { ...faults, rounds: null } }]).length, 0);
  assert.equal(roundSpeedsOf(prints, [{ speed: 2_000, print: faults }]).length, 0);
  assert.equal(roundSpeedsOf(prints, [{ speed, print: faults }]).length, 1);
  const rounds = new Rounds([], new HallMemory());
  assert.deepEqual([rounds.isOn, rounds.accepts(speed)], [false, false]);
});

test('V5: what staff said raises the threshold from the next round on, and an alert says so', () => {
  const day = new Day().stands(10, -40);
  const mild = suspected(3.6);
  day.rounds.move(3);
  day.hears(20, mild).stands(10, -40).hears(10, mild);
  assert.deepEqual(day.changes(), []);
  day.rounds.move(0.5);
  day.hears(20, mild).stands(10, -40).hears(2, mild);
  const began = day.told.find((one) => one.kind === 'began');
  assert.ok(began?.kind === 'began');
  assert.deepEqual([began.moved, began.threshold], [0.5, 3]);
});
