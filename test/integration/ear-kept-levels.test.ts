/**
 * What is kept of sound, for a picture, changes too slowly for speech: syllables come 2 to 8 times a second, levels of it are kept less than twice. Levels of
 * the same bands at fifty a second, the control, tell one phrase from another in the noise of the machine.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { featuresOf, hopsAPiece } from '../../agent/senses/ear/listening.ts';
import { historyBands, SoundHistory } from '../../agent/senses/ear/history.ts';
import { earModelId } from '../../agent/senses/ear/knowledge.ts';
import { senseModel } from '../../agent/senses/sense-model.ts';
import { openSession } from '../../models/runtime.ts';
import { mean } from '../../models/statistics/metrics.ts';
import { spectraOf } from '../../models/statistics/short-time.ts';
import { bandEdgesHz, bands, hopSamples } from '../../models/voiceprint/front-end.ts';
import { requireProgram } from '../support/peers.ts';
import { spoken, synthesiser } from '../support/speech.ts';
import { rateHz, soundFrom } from './ear-rig.ts';

const pieceSamples = hopsAPiece * hopSamples;
const framesASecond = 50;
/** Where speech is understood, Hz. */
const [fromHz, toHz] = [300, 3_000];

/** Mean level between the two, dB, fifty times a second. */
function fineLevels(samples: Float32Array): number[] {
  const { frames, binHz } = spectraOf(samples, rateHz, { topHz: 4_200, frameS: 0.04, hopS: 1 / framesASecond });
  const levels = frames.map((frame) => mean([...frame.subarray(Math.round(fromHz / binHz), Math.round(toHz / binHz))]));
  // Silence between two words is as quiet as one likes: what lies 30 dB below is silence.
  const least = Math.max(...levels) - 30;
  return levels.map((level) => Math.max(level, least));
}

/** The same of what is kept, each as long as it stands for. */
async function keptLevels(samples: Float32Array): Promise<{ readonly levels: number[]; readonly everyMs: number[] }> {
  const session = await openSession(senseModel(earModelId, null).modelFile);
  const pieces = Array.from({ length: Math.floor(samples.length / pieceSamples) }, (_, i) => ({
    fromMs: (1000 * i * pieceSamples) / rateHz,
    toMs: (1000 * (i + 1) * pieceSamples) / rateHz,
    samples: samples.subarray(i * pieceSamples, (i + 1) * pieceSamples),
    rateHz,
  }));
  const features = await featuresOf(pieces, session);
  await session.close();
  const history = new SoundHistory();
  for (const [i, { toMs }] of pieces.entries()) history.add(toMs, features[i] ?? assert.fail('not heard'), null);
  const columns = history.columns();
  const joined = bands / historyBands;
  const heard = Array.from({ length: historyBands }, (_, i) => i).filter((i) => {
    const [low] = bandEdgesHz(i * joined);
    const [, high] = bandEdgesHz((i + 1) * joined - 1);
    return low >= fromHz && high <= toHz;
  });
  const ends = columns.map(({ atMs }) => atMs);
  const column = (at: number) => mean(heard.map((band) => columns[at]?.levels[band] ?? 0));
  const own = columns.map((_, at) => column(at));
  // As well as can be: straight lines from the middle of each to that of the next.
  const levels = Array.from({ length: Math.floor((samples.length / rateHz) * framesASecond) }, (_, frame) => {
    const place = ((frame / framesASecond) * rateHz) / pieceSamples - 0.5;
    const before = Math.min(own.length - 1, Math.max(0, Math.floor(place)));
    const after = Math.min(own.length - 1, before + 1);
    const share = Math.min(1, Math.max(0, place - before));
    return (own[before] ?? 0) * (1 - share) + (own[after] ?? 0) * share;
  });
  return { levels, everyMs: ends.slice(1).map((end, i) => end - (ends[i] ?? 0)) };
}

/** What changes 2 to 8 times a second. */
function rhythmOf(levels: readonly number[]): number[] {
  const smooth = (width: number) =>
    levels.map((_, i) => mean(levels.slice(Math.max(0, i - (width >> 1)), i + (width >> 1) + 1)));
  const [short, long] = [smooth(5), smooth(25)];
  return short.map((value, i) => value - (long[i] ?? 0));
}

function alike(one: readonly number[], other: readonly number[]): number {
  const length = Math.min(one.length, other.length);
  const about = (of: readonly number[]) => of.slice(0, length).map((value, _i, all) => value - mean(all));
  const [a, b] = [about(one), about(other)];
  const product = (x: readonly number[], y: readonly number[]) => x.reduce((sum, v, i) => sum + v * (y[i] ?? 0), 0);
  return product(a, b) / Math.sqrt(product(a, a) * product(b, b));
}

test('levels as they are kept tell nothing of a phrase’s rhythm; at fifty a second they tell it from another', async (t) => {
  if (!requireProgram(t, synthesiser)) return;
  const said = 'Do not tell anybody: the payroll list and your keys are in the second drawer of the old desk upstairs.';
  const other =
    'Tomorrow all looms of the western hall will be cleaned before noon, and nobody may leave earlier than that.';
  const power = (of: Float32Array) => of.reduce((sum, v) => sum + v * v, 0) / of.length;
  const [kept, fine, another]: [number[], number[], number[]] = [[], [], []];
  for (const [i, voice] of ['en-gb', 'en-us+f3', 'en-gb+m7', 'en-us+f5'].entries()) {
    const speech = spoken(said, voice, rateHz);
    const machine = soundFrom(20 + i)(speech.length, false);
    // Twice as loud as the machine.
    const gain = 2 * Math.sqrt(power(machine) / power(speech));
    const heard = machine.map((value, at) => value + gain * (speech[at] ?? 0));
    const rhythm = rhythmOf(fineLevels(speech));
    const { levels, everyMs } = await keptLevels(heard);
    assert.ok(
      everyMs.every((ms) => ms >= 500),
      'no two levels are kept within half a second',
    );
    kept.push(alike(rhythmOf(levels), rhythm));
    fine.push(alike(rhythmOf(fineLevels(heard)), rhythm));
    another.push(alike(rhythmOf(fineLevels(heard)), rhythmOf(fineLevels(spoken(other, voice, rateHz)))));
  }
  const told = (values: readonly number[]) => values.map((value) => value.toFixed(2)).join(' ');
  t.diagnostic(`kept ${told(kept)}; at fifty a second ${told(fine)}; with another phrase ${told(another)}`);
  assert.ok(
    fine.every((value) => value > 0.6),
    told(fine),
  );
  assert.ok(
    another.every((value) => Math.abs(value) < 0.3),
    told(another),
  );
  assert.ok(
    kept.every((value) => Math.abs(value) < 0.3),
    told(kept),
  );
  assert.ok(Math.abs(mean(kept)) < 0.2, told(kept));
});
