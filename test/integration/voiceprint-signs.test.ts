/** The signs of `fault-signs.ts` on sound that is made by hand, heard by the graph itself: the numbers are what they are called there. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { foldsOf, seeded } from '../../models/statistics/split.ts';
import { openSession, type ModelSession } from '../../models/runtime.ts';
import { decibelsOf, observe, sampleOf } from '../../models/voiceprint/fault-ear.ts';
import { signNumbersOf, signsOf, signsPrintOf, type SignsPrint } from '../../models/voiceprint/fault-signs.ts';
import { repository } from '../check/files.ts';

let graph: ModelSession;
let print: SignsPrint;
const rateHz = 48_000;
const shaftHz = 60;
const pieceSamples = 24 * 1024;

interface Odd {
  /** A line at so many turns for one of the shaft. */
  readonly line?: { readonly order: number; readonly level: number };
  /** Turns by which a belt of order 0.3 puts the shaft ahead and back. */
  readonly sway?: number;
  readonly motor?: number;
}

/** Noise, a crank at the shaft's order and a motor at 24 times it; polls and pulse say where the shaft stands. */
async function numbersOf(seed: number, { line, sway = 0, motor = 0.2 }: Odd = {}): Promise<Float32Array> {
  const random = seeded(seed);
  const pieces = Array.from({ length: 4 }, () => {
    const phase = random();
    const pcm = Float32Array.from({ length: pieceSamples }, (_, i) => {
      const steady = (shaftHz * i) / rateHz + phase;
      const turn = steady + sway * Math.sin(2 * Math.PI * 0.3 * steady);
      const wave = 0.1 * Math.sin(2 * Math.PI * turn) + motor * Math.sin(2 * Math.PI * 24 * turn);
      const more = line === undefined ? 0 : line.level * Math.sin(2 * Math.PI * line.order * steady);
      return 0.1 * (wave + more + 2 * (random() - 0.5));
    });
    const marks = Array.from({ length: 34 }, (_, k) => Math.round(((k - phase) * rateHz) / shaftHz));
    return { pcm, speed: 60 * shaftHz, marks };
  });
  const observed = (await observe(pieces, { kind: 'sewing' }, graph)).flatMap((one) => one ?? []);
  return signNumbersOf(decibelsOf(sampleOf(observed).heard));
}

before(async () => {
  graph = await openSession(readFileSync(join(repository, 'models/packages/machine-fault/model.onnx')));
  const rows: Float32Array[] = [];
  for (let seed = 1; seed <= 12; seed += 1) rows.push(await numbersOf(seed));
  print = signsPrintOf(rows, foldsOf([...rows.keys()], rows.length));
});
after(() => graph.close());

test('a line that turns slower than the shaft is a slip', async () => {
  for (const order of [0.14, 0.25, 0.38, 0.5]) {
    const { slip } = signsOf(await numbersOf(101, { line: { order, level: 0.1 } }), print);
    assert.ok(slip > 4, `order ${order}: ${slip}`);
  }
});

test('a sway of the shaft is a slip though nothing is added, and a motor that only grows louder is none', async () => {
  const { slip } = signsOf(await numbersOf(102, { sway: 0.015 }), print);
  assert.ok(slip > 4, `sway: ${slip}`);
  const louder = signsOf(await numbersOf(103, { motor: 0.4 }), print);
  assert.ok(louder.slip < 3, `louder: ${louder.slip}`);
});

test('lines at the shaft and at its halves are looseness', async () => {
  for (const order of [1.5, 3, 4.5, 7]) {
    const { looseness } = signsOf(await numbersOf(104, { line: { order, level: 0.3 } }), print);
    assert.ok(looseness > 3, `order ${order}: ${looseness}`);
  }
});

test('normal sound has neither', async () => {
  for (let seed = 201; seed <= 206; seed += 1) {
    const { slip, looseness } = signsOf(await numbersOf(seed), print);
    assert.ok(Math.abs(slip) < 4 && Math.abs(looseness) < 4, `${slip}, ${looseness}`);
  }
});
