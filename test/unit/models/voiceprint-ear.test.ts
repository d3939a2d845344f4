import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ModelError } from '../../../models/errors.ts';
import { openSession, type ModelSession } from '../../../models/runtime.ts';
import { readStats, writeStats } from '../../../models/stats-file.ts';
import { seeded } from '../../../models/statistics/split.ts';
import { auroc } from '../../../models/statistics/metrics.ts';
import {
  enrol,
  enrolWithLeft,
  feedsOf,
  hear,
  parts,
  scoreOf,
  taughtOf,
  type Heard,
} from '../../../models/voiceprint/ear.ts';
import { bands, bandsHeard, hopSamples, modelRateHz, windowsOf } from '../../../models/voiceprint/front-end.ts';
import { printOf, statsOf } from '../../../models/voiceprint/print-file.ts';
import type { Sound } from '../../../models/voiceprint/wav.ts';
import { repository } from '../../check/files.ts';

let graph: ModelSession;
before(async () => {
  graph = await openSession(readFileSync(join(repository, 'models/packages/machine-voiceprint/model.onnx')));
});
after(() => graph.close());

/** A machine that hums, hisses and knocks nine times a second, each clip a little louder or softer; `knock` is how loud it knocks. */
function clip(seed: number, knock = 1, rateHz = 48_000, seconds = 1): Sound {
  const random = seeded(seed);
  const [loud, hiss, hum] = [0.8 + 0.4 * random(), 0.8 + 0.4 * random(), 100 + random()];
  const samples = Float32Array.from({ length: seconds * rateHz }, (_, i) => {
    const t = i / rateHz;
    const ring = Math.exp(-((t * 9) % 1) * 30) * Math.sin(2 * Math.PI * 3_000 * t);
    return 0.1 * loud * (0.3 * Math.sin(2 * Math.PI * hum * t) + 0.5 * knock * ring + 0.1 * hiss * (random() - 0.5));
  });
  return { rateHz, samples };
}
const heardAll = (sounds: readonly Sound[]) => Promise.all(sounds.map((sound, i) => hear(sound, String(i), graph)));
const seeds = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);

test('a machine that knocks softer than it was taught is told from its own clips', async () => {
  const print = enrol(await heardAll(seeds(0, 12).map((seed) => clip(seed))));
  const good = (await heardAll(seeds(100, 12).map((seed) => clip(seed)))).map((one) => scoreOf(one, print));
  const odd = (await heardAll(seeds(200, 12).map((seed) => clip(seed, 0.4)))).map((one) => scoreOf(one, print));
  assert.equal(auroc(odd, good), 1);
  assert.ok(odd.every((score) => score > print.threshold));
  assert.ok(good.filter((score) => score > print.threshold).length <= 1);
});

test('A1: the score of each clip against the others comes in the order of the clips', async () => {
  const clips = await heardAll(seeds(0, 8).map((seed) => clip(seed)));
  const { left, print } = enrolWithLeft(clips);
  assert.deepEqual(print, enrol(clips));
  for (const [at, score] of left.entries()) {
    const one = clips[at];
    assert.ok(one !== undefined);
    const others = enrol(clips.filter((other) => other !== one));
    assert.ok(Math.abs(score - scoreOf(one, others)) < 1e-9, `clip ${at}`);
  }
});

test('A1: the threshold comes from clips left out: without it every enrolled clip would lie far below', async () => {
  const clips = await heardAll(seeds(0, 12).map((seed) => clip(seed)));
  const print = enrol(clips);
  const seen = clips.map((one) => scoreOf(one, print));
  const unseen = (await heardAll(seeds(100, 12).map((seed) => clip(seed)))).map((one) => scoreOf(one, print));
  const mean = (list: readonly number[]) => list.reduce((sum, one) => sum + one, 0) / list.length;
  assert.ok(mean(seen) < mean(unseen) - 2 * print.spread);
  assert.ok(
    Math.abs(mean(unseen) - mean(clips.map((one) => scoreOf(one, enrol(clips.filter((other) => other !== one)))))) <
      3 * print.spread,
  );
});

for (const rateHz of [48_000, 44_100, 16_000]) {
  test(`A2: at ${rateHz} Hz the graph scores sound as scoreOf scores its features`, async () => {
    const print = enrol(await heardAll(seeds(0, 8).map((seed) => clip(seed, 1, rateHz))));
    const taught = taughtOf(print);
    for (const sound of [clip(100, 1, rateHz), clip(200, 0.5, rateHz)]) {
      const { score } = await graph.run(feedsOf(windowsOf(sound, 'x'), taught), ['score']);
      const ours = scoreOf(await hear(sound, 'x', graph), print);
      assert.ok(Math.abs((score?.data[0] ?? 0) - ours) < 2e-3, `${score?.data[0]}, not ${ours}`);
    }
  });
}

test('A3: what stands in bands that were not heard changes nothing', async () => {
  const low = (one: Heard): Heard => ({ ...one, bands: 90 });
  const [other, ...clips] = (await heardAll(seeds(0, 9).map((seed) => clip(seed)))).map(low);
  assert.ok(other !== undefined);
  const print = enrol(clips);
  const spoilt = {
    ...other,
    windows: other.windows.map((window) => window.map((value, i) => (i % bands >= 90 ? -1e6 : value))),
  };
  assert.equal(print.bands, 90);
  assert.equal(scoreOf(spoilt, print), scoreOf(other, print));
  const { whitening } = taughtOf(print);
  assert.ok(whitening.data.every((value, at) => at % bands < 90 || value === 0));
});

test('fewer bands are heard of a lower rate, all from 44.1 kHz on', () => {
  const counts = [8_000, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000].map(bandsHeard);
  assert.deepEqual(counts.slice(-3), [bands, bands, bands]);
  assert.ok(counts.every((count, i) => i === 0 || count >= (counts[i - 1] ?? 0)));
  // 16 kHz carry 7.28 kHz without loss: on Slaney's scale 98 of 128 bands.
  assert.ok((counts[1] ?? 0) > 90 && (counts[1] ?? 0) < 102, String(counts[1]));
});

test('long sound is cut into equal windows of at most fifteen seconds, too little or none is refused', () => {
  for (const seconds of [0.6, 5, 14.9, 15.1, 31]) {
    const { count, samples, pcm } = windowsOf(clip(1, 1, modelRateHz, seconds), 'x');
    assert.equal(count, Math.ceil(seconds / 15));
    assert.equal(samples % hopSamples, 0);
    assert.ok(samples <= 15 * modelRateHz && pcm.length === count * samples);
    assert.ok(pcm.length > modelRateHz * seconds - (count + 1) * hopSamples);
  }
  const code = (wanted: string) => (error: unknown) => error instanceof ModelError && error.entry.code === wanted;
  assert.throws(() => windowsOf(clip(1, 1, modelRateHz, 0.4), 'x'), code('MDL-212'));
  for (const value of [0, 0.5]) {
    const samples = new Float32Array(96_000).fill(value);
    assert.throws(() => windowsOf({ rateHz: 48_000, samples }, 'x'), code('MDL-213'));
  }
});

test('four clips are too few', async () => {
  const clips = await heardAll(seeds(0, 4).map((seed) => clip(seed)));
  assert.throws(
    () => enrol(clips),
    (error: unknown) => error instanceof ModelError && error.entry.code === 'MDL-214',
  );
});

test('a voiceprint is written and read back: it scores as before, and one for another model is refused', async () => {
  const print = enrol(await heardAll(seeds(0, 8).map((seed) => clip(seed, 1, 16_000))));
  const file = writeStats(statsOf(print, 'machine-voiceprint@1.0.0'));
  const back = printOf(readStats(file, 'machine-voiceprint@1.0.0'));
  assert.equal(back.bands, print.bands);
  assert.ok(Math.abs(back.threshold - print.threshold) < 1e-6 && Math.abs(back.spread - print.spread) < 1e-6);
  assert.deepEqual(writeStats(statsOf(back, 'machine-voiceprint@1.0.0')), file);
  for (const knock of [1, 0.5]) {
    const heard = await hear(clip(300, knock, 16_000), 'x', graph);
    assert.ok(Math.abs(scoreOf(heard, back) - scoreOf(heard, print)) < 1e-3);
  }
  assert.throws(() => readStats(file, 'machine-voiceprint@1.1.0'), ModelError);
  const { numbers, tensors } = readStats(file, 'machine-voiceprint@1.0.0');
  for (const spoilt of [
    { numbers: { ...numbers, bands: 129 }, tensors },
    { numbers: { ...numbers, bands: 0.5 }, tensors },
    { numbers: { bands: print.bands }, tensors },
    { numbers, tensors: {} },
    { numbers, tensors: { ...tensors, middles: { dims: [parts, 3], data: new Float32Array(12) } } },
  ]) {
    assert.throws(
      () => printOf({ model: 'machine-voiceprint@1.0.0', ...spoilt }),
      (error: unknown) => error instanceof ModelError && error.entry.code === 'MDL-204',
    );
  }
});
