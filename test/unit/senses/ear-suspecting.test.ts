import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OpenPiece } from '../../../agent/senses/ear/hearing.ts';
import { faultsAt, observeQueued, Suspecting } from '../../../agent/senses/ear/suspecting.ts';
import { cylinderFor, turnerFor } from '../../../agent/senses/ear/suspicions.ts';
import type { Graph, TensorLike } from '../../../models/graph.ts';
import { seeded } from '../../../models/statistics/split.ts';
import { faultClasses } from '../../../models/voiceprint/fault-classes.ts';
import { heardSize, profileSize } from '../../../models/voiceprint/fault-ear.ts';
import type { FaultPrint } from '../../../models/voiceprint/fault-print.ts';
import type { Observed } from '../../../models/voiceprint/fault-ear.ts';
import { blocks } from '../../../models/voiceprint/orders.ts';

const sewing = { kind: 'sewing' } as const;
const random = seeded(4);

/** A stretch of noise: the graph below does not listen to it. */
const piece = (speed: number): OpenPiece => ({
  fromMs: 0,
  toMs: 512,
  rateHz: 48_000,
  samples: Float32Array.from({ length: 24_576 }, () => random() - 0.5),
  speed,
});

/** Stands for the graph: hears as many numbers as it does, and holds what it is given for a bent needle; counts what it is asked. */
function graphOf(): Graph & { pieces: number; held: number[] } {
  const [healthy, bent] = [0.1, 0.8];
  const tensor = (data: Float32Array): TensorLike => ({ type: 'float32', dims: [data.length], data });
  const graph = {
    pieces: 0,
    held: [] as number[],
    run: (feeds: Record<string, TensorLike>, names: readonly string[]) => {
      if (names.includes('heard')) {
        const count = feeds['pcm']?.dims[0] ?? 0;
        graph.pieces += count;
        return Promise.resolve({
          heard: tensor(new Float32Array(count * heardSize).fill(1)),
          averages: tensor(new Float32Array(count * profileSize * blocks).fill(1)),
        });
      }
      const rows = feeds['sample']?.dims[0] ?? 0;
      graph.held.push(rows, Number(feeds['middle']?.data[0]));
      const classes = faultClasses.sewing.map((one) =>
        one === 'healthy' ? healthy : one === 'bentNeedle' ? bent : 0.1 / 7,
      );
      return Promise.resolve({
        sewing: tensor(
          Float32Array.from({ length: rows * classes.length }, (_, i) => classes[i % classes.length] ?? 0),
        ),
      });
    },
  };
  return graph as unknown as Graph & { pieces: number; held: number[] };
}

const print = (middle: number): FaultPrint => ({
  kind: 'sewing',
  middle: new Float32Array(heardSize).fill(middle),
  variance: new Float32Array(heardSize).fill(1),
  count: 20,
  odds: { mean: 0, spread: 1 },
  signs: null,
  profile: null,
  rounds: null,
});

test('U1: nothing is asked of the graph while a machine sounds like itself and nobody enrols it', async () => {
  const graph = graphOf();
  const one = new Suspecting(sewing, [{ speed: 4000, print: print(1) }]);
  for (let i = 0; i < 50; i += 1) one.saw(piece(4000), false);
  await observeQueued([one], graph);
  assert.equal(graph.pieces, 0);
  assert.equal(await one.suspected(4000, graph), null);
});

test('U1: without a print for faults no rise is heard either', async () => {
  const graph = graphOf();
  const one = new Suspecting(sewing, []);
  for (let i = 0; i < 20; i += 1) one.saw(piece(4000), true);
  await observeQueued([one], graph);
  assert.equal(graph.pieces, 0);
});

test('U2: the rise is held against the print of its speed, and what sounded well before it is forgotten', async () => {
  const graph = graphOf();
  const one = new Suspecting(sewing, [
    { speed: 2000, print: print(2) },
    { speed: 4000, print: print(4) },
  ]);
  const rise = async (speed: number, pieces: number) => {
    for (let i = 0; i < pieces; i += 1) one.saw(piece(speed), true);
    await observeQueued([one], graph);
  };
  await rise(4000, 3);
  assert.equal(await one.suspected(4000, graph), null, 'three pieces say nothing');
  await rise(2000, 5);
  assert.equal(await one.suspected(4000, graph), null, 'nor do those of another speed');
  await rise(4000, 9);
  const found = await one.suspected(4000, graph);
  assert.equal(found?.faults[0]?.fault, 'bentNeedle');
  assert.ok(Math.abs((found?.faults[0]?.probability ?? 0) - 0.8) < 0.01);
  assert.deepEqual(graph.held, [1, 4, 1, 4], 'eight pieces, and the four before them');
  one.saw(piece(4000), false);
  await rise(4000, 3);
  assert.equal(await one.suspected(4000, graph), null, 'that rise is over');
});

test('U2: pieces of a rise that ended before the graph heard them are not heard', async () => {
  const graph = graphOf();
  const one = new Suspecting(sewing, [{ speed: 4000, print: print(1) }]);
  for (let i = 0; i < 5; i += 1) one.saw(piece(4000), true);
  one.saw(piece(4000), false);
  await observeQueued([one], graph);
  assert.equal(graph.pieces, 0);
});

test('U3: of what waits the newest is kept', async () => {
  const graph = graphOf();
  const one = new Suspecting(sewing, [{ speed: 4000, print: print(1) }]);
  for (let i = 0; i < 100; i += 1) one.saw(piece(4000), true);
  await observeQueued([one], graph);
  assert.equal(graph.pieces, 32);
});

test('an enrolment learns each speed from samples of eight pieces, or nothing where there are too few', async () => {
  const graph = graphOf();
  const one = new Suspecting(sewing, []);
  one.enrol(true);
  for (const [speed, pieces] of [
    [4000, 24],
    [4000, 24],
    [2000, 8],
  ] as const) {
    for (let i = 0; i < pieces; i += 1) one.saw(piece(speed), false);
    await observeQueued([one], graph);
  }
  const { learned } = one;
  assert.ok(learned !== null);
  const at4000 = await faultsAt(learned, 4000, sewing, graph, []);
  assert.deepEqual([at4000?.kind, at4000?.count, at4000?.profile], ['sewing', 6, null]);
  assert.equal(await faultsAt(learned, 2000, sewing, graph, []), null);
  one.enrol(false);
  assert.equal(one.learned, null);
});

test('machines of different kinds are heard in runs of their own', async () => {
  const graph = graphOf();
  const [one, other] = [sewing, { kind: 'knitting', needles: 96, feeders: 4 } as const].map(
    (turner) => new Suspecting(turner, []),
  );
  assert.ok(one !== undefined && other !== undefined);
  for (const each of [one, other]) each.enrol(true);
  one.saw(piece(4000), false);
  other.saw(piece(240), false);
  await observeQueued([one, other], graph);
  assert.equal(graph.pieces, 2);
});

test('faults are suspected of sewing machines, and of circular ones whose needles and feeders are known', () => {
  const ear = { microphone: 'alsa:hw:1,0', simulated: false, keepClips: null };
  assert.deepEqual(turnerFor('lockstitch', ear), sewing);
  assert.deepEqual(turnerFor('overlock', ear), sewing);
  assert.equal(turnerFor('circular-knit', ear), null);
  assert.equal(turnerFor('circular-knit', { ...ear, needles: 96 }), null);
  assert.deepEqual(turnerFor('circular-knit', { ...ear, needles: 96, feeders: 4 }), {
    kind: 'knitting',
    needles: 96,
    feeders: 4,
  });
  assert.equal(turnerFor('flat-knit', { ...ear, needles: 96, feeders: 4 }), null);
});

test('a needle is looked for where the pulse and all of the cylinder is known, by the count of the machine', () => {
  const ear = {
    microphone: 'alsa:hw:1,0',
    simulated: false,
    keepClips: null,
    pulse: true,
    needles: 96,
    feeders: 4,
    firstNeedle: 1,
    direction: 'falling',
    needleZero: 20,
    microphoneTurns: 0.25,
  } as const;
  const { needles, feeders, firstNeedle, microphoneTurns } = ear;
  const known = { needles, feeders, firstNeedle, microphoneTurns };
  assert.deepEqual(cylinderFor('circular-knit', ear), { ...known, direction: -1, markNeedle: 19 });
  assert.equal(cylinderFor('lockstitch', ear), null);
  assert.equal(cylinderFor('circular-knit', { ...ear, pulse: false }), null);
  for (const name of ['needles', 'feeders', 'direction', 'needleZero', 'microphoneTurns'])
    assert.equal(cylinderFor('circular-knit', { ...ear, [name]: undefined }), null, name);
});

test('angles are learned though a pulse is missed now and then, and not where most of them are', async () => {
  const graph = graphOf();
  const turn = (60 * 48_000) / 4000;
  const marks = Array.from({ length: 37 }, (_, i) => (i - 1) * turn);
  const profileWith = async (isMarked: (i: number) => boolean) => {
    const one = new Suspecting(sewing, []);
    one.enrol(true);
    for (let i = 0; i < 48; i += 1) {
      one.saw({ ...piece(4000), ...(isMarked(i) ? { marks } : {}) }, false);
      await observeQueued([one], graph);
    }
    const print = await faultsAt(one.learned ?? new Map(), 4000, sewing, graph, []);
    assert.equal(print?.count, 6);
    return print.profile;
  };
  assert.notEqual(await profileWith((i) => i % 4 > 0), null);
  assert.equal(await profileWith((i) => i % 4 === 0), null);
});

test('U4: of each piece of a round is told what was heard of it, while the machine sounds like itself, and of no other', async () => {
  const graph = graphOf();
  const one = new Suspecting(sewing, [{ speed: 4000, print: print(1) }]);
  const told: (Observed | null)[] = [];
  for (let i = 0; i < 16; i += 1) one.saw(piece(4000), false, i < 8 ? (observed) => told.push(observed) : null);
  await observeQueued([one], graph);
  assert.deepEqual([graph.pieces, told.length, told.includes(null)], [8, 8, false]);
  await observeQueued([one], graph);
  assert.equal(told.length, 8);
});

test('U4: of a piece of a round that had to go is told that nothing was heard', () => {
  const one = new Suspecting(sewing, []);
  const told: (Observed | null)[] = [];
  for (let i = 0; i < 40; i += 1) one.saw(piece(4000), false, (observed) => told.push(observed));
  assert.deepEqual(
    told,
    Array.from({ length: 8 }, () => null),
  );
});

test('where normal rounds end is learned from samples that both branches heard at the same times, if they are ten', async () => {
  const graph = graphOf();
  const one = new Suspecting(sewing, []);
  one.enrol(true);
  for (let i = 0; i < 96; i += 1) {
    one.saw({ ...piece(4000), fromMs: i * 512, toMs: (i + 1) * 512 }, false);
    if (i % 16 === 15) await observeQueued([one], graph);
  }
  const { learned } = one;
  assert.ok(learned !== null);
  const levelsOf = (count: number, lateMs = 0) =>
    Array.from({ length: count }, (_, i) => ({
      fromMs: i * 4_096 + 512 + lateMs,
      toMs: (i + 1) * 4_096 + lateMs,
      levels: -2 + (i % 4) / 2,
    }));
  const roundsBy = async (levels: ReturnType<typeof levelsOf>) =>
    (await faultsAt(learned, 4000, sewing, graph, levels))?.rounds ?? null;
  assert.notEqual(await roundsBy(levelsOf(12)), null);
  assert.equal(await roundsBy(levelsOf(9)), null, 'three were heard by one branch alone');
  assert.equal(await roundsBy(levelsOf(12, 1_000_000)), null);
});
