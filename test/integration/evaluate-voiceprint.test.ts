/** `selvedge evaluate voiceprint` as its user runs it, on machines drawn here and, where there are some, on real recordings. */
import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import { loadSound } from '../../agent/commands/evaluate-voiceprint-data.ts';
import { auroc } from '../../models/statistics/metrics.ts';
import { seeded } from '../../models/statistics/split.ts';
import { partialAuroc } from '../../models/voiceprint/metrics.ts';
import { requireProgram } from '../support/peers.ts';
import { wavOf } from '../support/wav.ts';
import { runVerb } from './verb.ts';
import { requireData } from '../support/data.ts';

interface Machine {
  readonly machine: string;
  readonly auc: number | null;
  readonly aucSd: number | null;
  readonly pauc: number | null;
  readonly product: { readonly detection: number | null; readonly falseAlarm: number | null };
  readonly baseline: { readonly auc: number | null; readonly pauc: number | null };
  readonly windows: number;
  readonly reason: string | null;
}
interface Report {
  readonly machines: readonly Machine[];
  readonly macro: Pick<Machine, 'auc' | 'pauc' | 'product'>;
  readonly msPerSecondAudio: { readonly p50: number; readonly p95: number };
  readonly refused: readonly { readonly machine: string; readonly file: string; readonly reason: string }[];
  readonly simulated: boolean;
}
interface Line {
  readonly seed: number;
  readonly machine: string;
  readonly file: string;
  readonly score: number;
  readonly label: 0 | 1;
}

const folder = mkdtempSync(join(tmpdir(), 'selvedge-voiceprint-'));
const data = join(folder, 'data');
after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));

/** A second of a machine that hums and knocks, at 22.05 kHz; it knocks softer by `softer`. */
function drawClip(seed: number, softer: number): number[] {
  const random = seeded(seed);
  const [loud, hum] = [0.8 + 0.4 * random(), 100 + random()];
  return Array.from({ length: 22_050 }, (_, i) => {
    const t = i / 22_050;
    const knock = Math.exp(-((t * 9) % 1) * 30) * Math.sin(2 * Math.PI * 3_000 * t);
    return 0.2 * loud * (0.3 * Math.sin(2 * Math.PI * hum * t) + 0.5 * softer * knock + 0.1 * (random() - 0.5));
  });
}

function writeMachine(machine: string, normal: number, abnormal: number, softer: number): void {
  for (const [kind, count, factor] of [
    ['normal', normal, 1],
    ['abnormal', abnormal, softer],
  ] as const) {
    mkdirSync(join(data, machine, kind), { recursive: true });
    for (let i = 0; i < count; i += 1) {
      const clip = drawClip(1000 * machine.length + 100 * factor + i, factor);
      const bytes = wavOf(clip, { kind: 'pcm', bits: 16, channels: 2, rateHz: 22_050 });
      writeFileSync(join(data, machine, kind, `${i}.wav`), bytes);
    }
  }
}

before(() => {
  writeMachine('odd', 14, 6, 0.3);
  // Its "abnormal" clips are normal ones: nothing can tell them apart.
  writeMachine('same-as-ever', 14, 6, 1);
  writeMachine('few', 6, 3, 0.3);
  writeMachine('healthy', 9, 0, 1);
});

const evaluate = (t: TestContext, ...words: readonly string[]) =>
  runVerb<Report>(t, 'evaluate', 'voiceprint', ...words);
const all = ['--data', data, '--enrol', '8', '--seeds', '3'];

test('an odd machine is told, the control is not, and what cannot be measured says why while the others go on', async (t) => {
  const scores = join(folder, 'scores.jsonl');
  const { code, err, out, report } = await evaluate(t, ...all, '--scores', scores);
  assert.equal(code, 1, err);
  assert.ok(report !== null);
  assert.equal(report.simulated, false);
  const of = (name: string) => report.machines.find(({ machine }) => machine === name);
  assert.deepEqual([of('odd')?.auc, of('odd')?.pauc, of('odd')?.product.detection, of('odd')?.windows], [1, 1, 1, 20]);
  assert.ok((of('odd')?.baseline.auc ?? 0) > 0.9);
  const control = of('same-as-ever')?.auc ?? 1;
  assert.ok(control > 0.2 && control < 0.8, String(control));
  assert.match(of('few')?.reason ?? '', /6 normal clips; 8 are enrolled/);
  assert.deepEqual([of('few')?.auc, of('few')?.product.falseAlarm], [null, null]);
  assert.match(of('healthy')?.reason ?? '', /no abnormal clips/);
  assert.equal(of('healthy')?.auc, null);
  assert.ok((of('healthy')?.product.falseAlarm ?? 1) <= 0.5);
  assert.ok(Math.abs((report.macro.auc ?? 0) - (1 + control) / 2) < 1e-12);
  assert.ok(report.msPerSecondAudio.p50 > 0 && report.msPerSecondAudio.p50 <= report.msPerSecondAudio.p95);
  assert.match(out, /odd .* 1\.000/);
  // The figures are what the scores say, clip by clip.
  const lines = readFileSync(scores, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
  for (const name of ['odd', 'same-as-ever']) {
    const draws = [0, 1, 2].map((seed) => {
      const mine = lines.filter((line) => line.machine === name && line.seed === seed);
      assert.equal(mine.length, 14 - 8 + 6);
      assert.equal(new Set(mine.map(({ file }) => file)).size, mine.length);
      const side = (label: number) => mine.filter((line) => line.label === label).map(({ score }) => score);
      assert.ok(mine.every(({ file, label }) => file.startsWith(label === 1 ? 'abnormal/' : 'normal/')));
      return { auc: auroc(side(1), side(0)), pauc: partialAuroc(side(1), side(0)) };
    });
    const mean = (figure: (draw: (typeof draws)[number]) => number) =>
      draws.reduce((sum, draw) => sum + figure(draw) / 3, 0);
    assert.ok(Math.abs(mean(({ auc }) => auc) - (of(name)?.auc ?? 0)) < 1e-9);
    assert.ok(Math.abs(mean(({ pauc }) => pauc) - (of(name)?.pauc ?? 0)) < 1e-9);
  }
});

test('the same seeds give the same scores to the last digit', async (t) => {
  const [one, other] = [join(folder, 'one.jsonl'), join(folder, 'other.jsonl')];
  for (const file of [one, other]) await evaluate(t, ...all, '--scores', file);
  assert.equal(readFileSync(one, 'utf8'), readFileSync(other, 'utf8'));
});

test('clips that cannot be heard are told and left out, the others are measured', async (t) => {
  const spoilt = join(folder, 'spoilt');
  for (const kind of ['normal', 'abnormal']) mkdirSync(join(spoilt, 'm', kind), { recursive: true });
  const options = { kind: 'float', bits: 32, channels: 1, rateHz: 22_050 } as const;
  for (let i = 0; i < 8; i += 1) writeFileSync(join(spoilt, 'm/normal', `${i}.wav`), wavOf(drawClip(i, 1), options));
  writeFileSync(join(spoilt, 'm/abnormal/0.wav'), wavOf(drawClip(50, 0.3), options));
  const whole = wavOf(drawClip(51, 0.3), options);
  writeFileSync(join(spoilt, 'm/abnormal/cut.wav'), whole.subarray(0, whole.length / 2));
  writeFileSync(join(spoilt, 'm/abnormal/silent.WAV'), wavOf(new Float32Array(22_050), options));
  writeFileSync(join(spoilt, 'm/abnormal/notes.txt'), 'not a clip');
  const { code, err, report } = await evaluate(t, '--data', spoilt, '--enrol', '5', '--seeds', '1');
  assert.equal(code, 1, err);
  assert.deepEqual(
    report?.refused.map(({ file, reason }) => [file, reason.slice(0, 7)]),
    [
      ['abnormal/cut.wav', 'MDL-210'],
      ['abnormal/silent.WAV', 'MDL-213'],
    ],
  );
  assert.equal(report?.machines[0]?.auc, 1);
});

test('wrong words are refused with exit 2, and so is FLAC without ffmpeg, with the cure', async (t) => {
  for (const [words, pattern] of [
    [[], /--data DIR/],
    [['--data', data, '--enrol', '4'], /--enrol takes 5 … 1000/],
    [['--data', data, '--seeds', '0'], /--seeds takes 1 … 100/],
    [['--data', join(folder, 'gone')], /AGT-100/],
    [['--data', join(data, 'odd')], /has no MACHINE\/normal/],
  ] as const) {
    const { code, err } = await evaluate(t, ...words);
    assert.equal(code, 2, words.join(' '));
    assert.match(err, pattern);
  }
  const flac = join(folder, 'flac');
  mkdirSync(join(flac, 'm/normal'), { recursive: true });
  writeFileSync(join(flac, 'm/normal/0.flac'), 'fLaC');
  const { PATH } = process.env;
  const { code, err } = await withPath(everythingButFfmpeg(), () => evaluate(t, '--data', flac));
  assert.equal(process.env['PATH'], PATH);
  assert.equal(code, 2, err);
  assert.match(err, /DRV-521 .*apt install ffmpeg/);
});

test('real machines: four recordings of eight microphones, cut into clips, normal and abnormal', async (t) => {
  const real = requireData(t, 'sound/mimii');
  if (real === null) return;
  if (!requireProgram(t, 'ffmpeg')) return;
  const clips = join(folder, 'real');
  for (const machine of ['fan', 'pump', 'slider', 'valve']) {
    for (const kind of ['normal', 'abnormal']) {
      mkdirSync(join(clips, machine, kind), { recursive: true });
      const { samples, rateHz } = await loadSound(join(real, machine, kind, `${machine}_brmdv_8ch.flac`));
      for (let i = 0; i < 10; i += 1) {
        const clip = samples.subarray(i * rateHz, (i + 1) * rateHz);
        const bytes = wavOf(clip, { kind: 'float', bits: 32, channels: 1, rateHz });
        writeFileSync(join(clips, machine, kind, `${i}.wav`), bytes);
      }
    }
  }
  const { code, err, out, report } = await evaluate(t, '--data', clips, '--enrol', '5', '--seeds', '4');
  assert.equal(code, 0, err);
  t.diagnostic(out);
  assert.ok((report?.macro.auc ?? 0) > 0.95, out);
});

/** A folder with links to every program of the PATH but this one. */
function everythingButFfmpeg(): string {
  const programs = join(folder, 'programs');
  mkdirSync(programs);
  for (const from of (process.env['PATH'] ?? '').split(':').filter((one) => existsSync(one))) {
    for (const name of readdirSync(from)) {
      if (name !== 'ffmpeg' && !existsSync(join(programs, name))) symlinkOnce(join(from, name), join(programs, name));
    }
  }
  return programs;
}

function symlinkOnce(target: string, link: string): void {
  try {
    symlinkSync(target, link);
  } catch (error) {
    // A link that leads nowhere stands there already.
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
}

async function withPath<T>(path: string, run: () => Promise<T>): Promise<T> {
  const before = process.env['PATH'];
  process.env['PATH'] = path;
  try {
    return await run();
  } finally {
    process.env['PATH'] = before;
  }
}
