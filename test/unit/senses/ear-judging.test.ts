import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HallMemory } from '../../../agent/senses/ear/hall-memory.ts';
import { Judging, mostHeldMs } from '../../../agent/senses/ear/judging.ts';
import { seeded } from '../../../models/statistics/split.ts';
import { enrol, parts } from '../../../models/voiceprint/ear.ts';
import { bands } from '../../../models/voiceprint/front-end.ts';
import { HallSum } from '../../../models/voiceprint/hall.ts';

const random = seeded(6);
const about = (middle: number) => middle + random() + random() + random() - 1.5;
const power = (db: number) => 10 ** (db / 10);
const sampleMs = 4_000;

/** The hall alone, and the machine in it. */
const hall = (db: number) => Float32Array.from({ length: parts * bands }, (_, i) => about(i < bands ? db : 4));
const running = (hallDb: number, fault = 0) =>
  Float32Array.from({ length: parts * bands }, (_, i) =>
    i < bands ? 10 * Math.log10(power(about(hallDb)) + power(about(-35 + (i > 70 ? fault : 0)))) : about(3),
  );

function taught(knowsHall: boolean) {
  const sum = new HallSum();
  for (let i = 0; i < 20; i += 1) sum.add(hall(-40));
  const clips = Array.from({ length: 50 }, () => ({ windows: [running(-40)], bands }));
  return enrol(clips, { hall: knowsHall ? sum.mean(10) : null });
}
const print = taught(true);

class Day {
  readonly memory = new HallMemory();
  readonly judging = new Judging(this.memory);
  readonly began: number[] = [];
  readonly ended: number[] = [];
  ms = 0;

  /** So many samples of running. */
  runs(samples: number, features: () => Float32Array, by = print): this {
    for (let i = 0; i < samples; i += 1) {
      const fromMs = this.ms;
      this.ms += sampleMs;
      const sample = { fromMs, toMs: this.ms, speed: 4000, features: features() };
      const { began, endedSinceMs } = this.judging.judge(sample, by, 0);
      if (began !== null) this.began.push(this.ms);
      if (endedSinceMs !== null) this.ended.push(endedSinceMs);
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
}

test('J1: a hall that grows loud while the machine runs is told by nobody once the machine has stopped', () => {
  const day = new Day().stands(10, -40).runs(50, () => running(-40));
  day.runs(200, () => running(-25)).stands(10, -25);
  day.runs(100, () => running(-25)).stands(10, -40);
  day.runs(50, () => running(-40));
  assert.deepEqual(day.began, []);
});

test('J1: without its hall the same day is a false alarm', () => {
  const day = new Day().stands(10, -40);
  day.runs(50, () => running(-40), taught(false)).runs(200, () => running(-25), taught(false));
  assert.ok(day.began.length > 0);
});

test('J2: a fault is told when the machine has stood long enough, and ends when it is gone', () => {
  const day = new Day().stands(10, -40).runs(20, () => running(-40));
  day.runs(20, () => running(-40, 12));
  assert.deepEqual(day.began, [], 'the hall was not heard since it began');
  assert.ok(day.judging.isRising);
  day.stands(5, -40).runs(1, () => running(-40, 12));
  assert.deepEqual(day.began, [], 'the hall was heard too little since it began');
  const stopMs = day.stands(5, -40).ms;
  day.runs(1, () => running(-40, 12));
  assert.deepEqual(day.began, [stopMs + sampleMs]);
  day.runs(30, () => running(-40));
  assert.equal(day.ended.length, 1);
});

test('J2: of a machine that never stops a fault is told anyhow, in time', () => {
  const day = new Day().stands(10, -40).runs(20, () => running(-40));
  const fromMs = day.ms;
  day.runs(mostHeldMs / sampleMs + 20, () => running(-40, 12));
  assert.equal(day.began.length, 1);
  assert.ok((day.began[0] ?? 0) - fromMs <= mostHeldMs + 2 * sampleMs);
});

test('J5: a rise that was held is not told hours later of a machine that sounds like itself', () => {
  const day = new Day().stands(10, -40).runs(20, () => running(-40));
  day.runs(20, () => running(-40, 12));
  day.ms += 2 * mostHeldMs;
  day.runs(30, () => running(-40));
  assert.deepEqual(day.began, []);
});

test('J3: where the hall was never taught a fault is told at once', () => {
  const day = new Day().runs(20, () => running(-40, 12), taught(false));
  assert.ok((day.began[0] ?? 0) <= 6 * sampleMs);
});

test('the memory of the hall holds the newest, and of a machine that stands wants one piece a second', () => {
  const memory = new HallMemory();
  const wanted = Array.from({ length: 100 }, (_, i) => memory.wants(i * 500)).filter(Boolean).length;
  assert.equal(wanted, 50);
  memory.add(0, hall(-40));
  memory.add(1_000, hall(-40));
  assert.equal(memory.since(0), null, 'too few to know');
  for (let i = 0; i < 100; i += 1) memory.add(2_000 + i * 1_000, hall(-20));
  const pieces = memory.since(0) ?? [];
  assert.equal(pieces.length, 60);
  assert.ok(
    pieces.every(([first = -99]) => first > -22),
    'the oldest are gone',
  );
  memory.add(10_000_000, hall(-20));
  assert.equal(memory.since(0), null, 'what is ten minutes older counts no more');
});
