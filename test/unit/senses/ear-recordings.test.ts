/** Enrolment from recordings with a graph that only counts: which pieces of which recordings are learned from. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  learnRecordings,
  readRecording,
  recordingsIn,
  type Recorded,
  type RecordedEar,
} from '../../../agent/senses/ear/recordings.ts';
import type { Graph } from '../../../models/graph.ts';
import { seeded } from '../../../models/statistics/split.ts';
import { parts } from '../../../models/voiceprint/ear.ts';
import { bands } from '../../../models/voiceprint/front-end.ts';
import { pcm16, wavHead } from '../../../simulators/dataset/wav.ts';
import { temporaryDir } from '../models/making.ts';

const rateHz = 48_000;
const random = seeded(5);

/** Features that differ a little from piece to piece, as of a machine that runs evenly. */
function counting(): { readonly graph: Graph; readonly heard: () => number } {
  let pieces = 0;
  const size = parts * bands;
  const graph: Graph = {
    run: (feeds) => {
      const count = feeds['pcm']?.dims[0] ?? 0;
      pieces += count;
      const data = Float32Array.from({ length: count * size }, () => 1 + 0.1 * random());
      return Promise.resolve({ features: { dims: [count, size], data } });
    },
  };
  return { graph, heard: () => pieces };
}

const ear = (graph: Graph, samples = 10): RecordedEar => ({
  machine: 'ls-1',
  model: 'ear@1',
  graph,
  faults: null,
  hasPulse: false,
  samples,
});

const noiseOf = (seconds: number) => Float32Array.from({ length: seconds * rateHz }, () => 0.05 * (random() - 0.5));
const recorded = (seconds: number, spoken: Recorded['spoken']): Recorded => ({
  file: '1.wav',
  rateHz,
  samples: noiseOf(seconds),
  pulse: null,
  spoken,
});

test('of a recording at one speed every piece is learned from, at that speed', async () => {
  const { graph, heard } = counting();
  const { message } = await learnRecordings([recorded(45, { speed: 3_300 })], ear(graph));
  // Pieces of 0.512 s.
  assert.equal(heard(), Math.floor(45 / 0.512));
  assert.equal(message?.kind, 'enrolled');
  assert.deepEqual(
    message.prints.map(({ speed, samples }) => [speed, samples]),
    [[3_300, Math.floor(45 / 0.512 / 8)]],
  );
});

test('only what the polls say of a steady run is learned from; the rest is counted by its reason', async () => {
  const { graph, heard } = counting();
  const polls = Array.from({ length: 240 }, (_, i) => {
    const s = i / 4;
    // It runs for the first half; then it stands.
    return { s, speed: s < 30 ? 3_300 : 0 };
  });
  const { message, counts } = await learnRecordings([recorded(60, { polls })], ear(graph));
  assert.ok(counts.standing >= 50, `${counts.standing} standing`);
  assert.equal(message?.kind, 'enrolling');
  // Of the 58 pieces in which it ran the gate leaves out those next to the stop.
  assert.deepEqual(message.speeds, [{ speed: 3_300, samples: 7 }]);
  // While it stands the hall is heard, a piece a second, which is no sample of the machine.
  assert.ok(heard() >= 7 * 8 + 25 && heard() <= 58 + 30, `${heard()} pieces`);
});

test('no run goes from one recording to the next, and samples add up over all', async () => {
  const { graph, heard } = counting();
  const short = Array.from({ length: 20 }, () =>
    recorded(3, { polls: [0, 1, 2, 3].map((s) => ({ s, speed: 3_300 })) }),
  );
  await learnRecordings(short, ear(graph));
  // Of three seconds the gate leaves those that are 0.3 s within the polls before and behind: the middle ones.
  assert.ok(heard() >= 20 && heard() <= 20 * 4, `${heard()} pieces`);
  const { graph: other, heard: ofOne } = counting();
  await learnRecordings(short.slice(0, 1), ear(other));
  assert.equal(heard(), 20 * ofOne());
});

test('a recording that does not say its speed is refused with what to write, and so is one that is no sound', (t) => {
  const dir = temporaryDir(t);
  const pcm = pcm16([noiseOf(1), new Float32Array(rateHz)]);
  writeFileSync(join(dir, 'b.wav'), Buffer.concat([wavHead({ channels: 2, rateHz, bits: 16 }, pcm.length), pcm]));
  writeFileSync(join(dir, 'a.WAV'), 'no sound');
  writeFileSync(join(dir, 'a.json'), '{"speed": 3300}');
  writeFileSync(join(dir, 'notes.txt'), 'of no matter');
  assert.deepEqual(recordingsIn(dir), ['a.WAV', 'b.wav']);
  assert.throws(() => readRecording(dir, 'a.WAV', false), /MDL-210/);
  assert.throws(() => readRecording(dir, 'b.wav', false), /AGT-837/);
  for (const wrong of [
    '{',
    '{"speed": 0}',
    '{"polls": []}',
    '{"speed": 3300, "polls": []}',
    '{"polls": [{"s": -1, "speed": 1}]}',
  ]) {
    writeFileSync(join(dir, 'b.json'), wrong);
    assert.throws(() => readRecording(dir, 'b.wav', false), /AGT-837/, wrong);
  }
  writeFileSync(join(dir, 'b.json'), '{"polls": [{"s": 0, "speed": 0}, {"s": 0.5, "speed": 3300}]}');
  const read = readRecording(dir, 'b.wav', true);
  assert.equal(read.samples.length, rateHz);
  assert.ok(read.pulse?.every((value) => value === 0));
  assert.equal(readRecording(dir, 'b.wav', false).pulse, null);
  assert.throws(() => recordingsIn(join(dir, 'nowhere')), /AGT-100/);
});
