/** The ear's front end against librosa, which shares no code with it: on drawn sound and, where there is some, on real machines. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { loadSound } from '../../agent/commands/evaluate-voiceprint-data.ts';
import { openSession, type ModelSession } from '../../models/runtime.ts';
import { seeded } from '../../models/statistics/split.ts';
import { blank, feedsOf } from '../../models/voiceprint/ear.ts';
import { bands, modelRateHz, windowsOf } from '../../models/voiceprint/front-end.ts';
import type { Sound } from '../../models/voiceprint/wav.ts';
import { repository } from '../check/files.ts';
import { requireVenv, venvPython } from '../support/python-venv.ts';
import { requireData } from '../support/data.ts';

const folder = mkdtempSync(join(tmpdir(), 'selvedge-front-end-'));
let graph: ModelSession;
before(async () => {
  graph = await openSession(join(repository, 'models/packages/machine-voiceprint/model.onnx'));
});
after(async () => {
  await graph.close();
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
});

/** Highest and mean difference in decibels between what the graph makes of one sound and librosa of the other. */
async function apart(sound: Sound, other = sound): Promise<{ readonly highest: number; readonly mean: number }> {
  const windows = windowsOf(sound, 'sound');
  assert.equal(windows.count, 1);
  const { log_mel: ours } = await graph.run(feedsOf(windows, blank), ['log_mel']);
  const [pcm, answer] = [join(folder, 'pcm.bin'), join(folder, 'mel.bin')];
  const given = windowsOf(other, 'other').pcm;
  writeFileSync(pcm, new Uint8Array(given.buffer, given.byteOffset, given.byteLength));
  const script = join(repository, 'test/integration/voiceprint-librosa.py');
  const told = spawnSync(venvPython('librosa'), [script, pcm, answer], { encoding: 'utf8' });
  assert.equal(told.status, 0, told.stderr);
  const bytes = readFileSync(answer);
  const theirs = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  assert.equal(ours?.data.length, theirs.length);
  assert.ok(theirs.length >= 20 * bands);
  const differences = [...theirs].map((value, i) => Math.abs(value - (ours?.data[i] ?? 0)));
  return {
    highest: Math.max(...differences),
    mean: differences.reduce((sum, one) => sum + one, 0) / differences.length,
  };
}

/** Loud and low beside faint and high: where 32 bits could be too few. */
function drawn(): Sound {
  const random = seeded(1);
  const samples = Float32Array.from({ length: 3 * modelRateHz }, (_, i) => {
    const t = i / modelRateHz;
    const knock = Math.exp(-((t * 7) % 1) * 60) * Math.sin(2 * Math.PI * 4_100 * t);
    return 0.6 * Math.sin(2 * Math.PI * 50 * t) + 0.2 * knock + 4e-3 * (random() - 0.5);
  });
  return { rateHz: modelRateHz, samples };
}

test('every band of every frame is what librosa makes of it, to 0.02 dB', async (t) => {
  if (!requireVenv(t, 'librosa')) return;
  const { highest, mean } = await apart(drawn());
  t.diagnostic(`at most ${highest.toFixed(5)} dB apart, ${mean.toFixed(7)} dB in the mean`);
  assert.ok(highest < 0.02, `${highest} dB`);
});

test('of real machines too', async (t) => {
  const data = requireData(t, 'sound/mimii');
  if (data === null || !requireVenv(t, 'librosa')) return;
  for (const machine of ['fan', 'pump', 'slider', 'valve']) {
    const sound = await loadSound(join(data, machine, 'normal', `${machine}_brmdv_8ch.flac`));
    const { highest, mean } = await apart({ ...sound, samples: sound.samples.subarray(0, 3 * sound.rateHz) });
    t.diagnostic(`${machine}: at most ${highest.toFixed(5)} dB apart, ${mean.toFixed(7)} dB in the mean`);
    // Above 8 kHz a recording at 16 kHz has nothing but the rounding of the resampler, and the floor.
    assert.ok(mean < 0.02, `${machine}: ${mean} dB`);
  }
});

test('control: the louder sound is not what librosa makes of the softer one', async (t) => {
  if (!requireVenv(t, 'librosa')) return;
  const sound = drawn();
  const { mean } = await apart(sound, { ...sound, samples: sound.samples.map((value) => 1.005 * value) });
  assert.ok(mean > 0.02, `${mean} dB`);
});
