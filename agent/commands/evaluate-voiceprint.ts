/** `selvedge evaluate voiceprint`: how well the ear that ships tells a machine's odd sound from its own, on real recordings. */
import { closeSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { DriverError, driverErrors } from '../../drivers/errors.ts';
import { ModelError } from '../../models/errors.ts';
import { openSession, type ModelSession } from '../../models/runtime.ts';
import { splitBySeed } from '../../models/statistics/split.ts';
import { auroc, deviation, mean, shareAbove } from '../../models/statistics/metrics.ts';
import { baselineOf } from '../../models/voiceprint/baseline.ts';
import { enrol, hear, leastClips, scoreOf, type Heard } from '../../models/voiceprint/ear.ts';
import { partialAuroc } from '../../models/voiceprint/metrics.ts';
import { AgentError } from '../errors.ts';
import { loadSound, machinesIn, type Clip, type MachineClips } from './evaluate-voiceprint-data.ts';
import { reportOf, tableOf, type MachineFigures } from './evaluate-voiceprint-report.ts';
import { openScores, wholeOf } from './evaluate-options.ts';
import { evaluateSound } from './evaluate-sound.ts';
import { soundTable } from './evaluate-sound-report.ts';
import { writeJsonFile } from './json-file.ts';

export const help = `Usage: selvedge evaluate voiceprint --data DIR [--enrol N] [--seeds K] [--scores FILE] [--json FILE]
       selvedge evaluate voiceprint --simulated [--snr 0,6] [--seed N] [--generator b|a] [--machines N] [--needles N]
                                    [--week SHARE] [--json FILE]

Measures the ear that ships: of each machine it is shown N clips of normal sound, drawn by a seed, scores the other normal clips and all
abnormal ones, and says how well the scores tell them apart. No abnormal clip is used for anything else. Reads files only; nothing that is
installed or taught here is touched.

  --data DIR        a folder with MACHINE/normal/ and MACHINE/abnormal/, each with .wav or .flac of any rate; of several channels the
                    first is heard. All but WAV is read through ffmpeg
  --enrol N         so many normal clips, 5 … 1000; default 25
  --seeds K         so many draws of them, 1 … 100; default 10. Seeds are 0 … K−1
  --scores FILE     also write the score of every clip that was not enrolled as a line of JSON: {seed, machine, file, score, label};
                    label is 1 of an abnormal clip
  --json FILE       also write {machines:[{machine, auc, aucSd, pauc, product:{detection, falseAlarm}, windows, normal, abnormal,
                    baseline:{auc, pauc}, reason}],
                    macro:{auc, pauc, product, baseline}, msPerSecondAudio:{p50, p95}, enrol, seeds, refused:[{machine, file, reason}], simulated: false}

pauc is the area where at most a tenth of the normal clips is called odd, standardised after McClish. product is at the threshold that the
enrolled clips set themselves, each held against the others. baseline is plain log-mel with one covariance on the
same clips. windows are stretches of at most fifteen seconds. A machine with fewer than N+1
normal clips has no figures, one without abnormal ones only its false alarms; reason says so. macro is the mean over machines.
msPerSecondAudio is from decoded sound to score on one thread.

--simulated: machines that were never heard, in their halls, each enrolled by 40 clips of four seconds of running well; then clips of it running
well and with every fault it can have, severities .3 to 1 (docs/SIMULATED-SOUND.md). All figures are about simulated machines.
  --snr LIST        the machine over its hall, dB; default 0,6
  --seed N          default 1
  --generator a|b   who makes the sound; default b, from which nothing was learned
  --machines N      at each ratio, every second one knits; 2 … 1000, default 24
  --needles N       bad needles looked for at 6 dB with the index pulse, 0 … 1000, default 200; a tenth as many with telemetry alone
  --week SHARE      of a week of a sewing and of a knitting machine that run well, so much is heard; 0 … 1, default .05
  --json FILE       also write {faults:[{fault, name, snrDb, auc, top1, clips, healthy, machines, aucLevels, aucOrders, baseline:{auc}}],
                    needles:[{position, snrDb, truth, named, candidates, k, revolutions, severity, needles}], needleFigures,
                    healthy:{machineDays, falseAlarms, rounds:{judged, otherHall, falseAlarms}, clips, judgedShare}, generator, seed, simulated: true}
auc is of both branches together, over clips of all machines, in spreads of each machine's own; levels, orders and baseline are by mean levels and
changes alone (by which alerts begin; by auc's score rounds begin them), by the orders of the shaft alone, and by bands, kurtosis and envelope orders. top1 is the share of clips whose likeliest fault is it.

Exit code: 0 measured, 1 a machine could not be measured or a clip not be used, 2 wrong usage, or ffmpeg is missing.
`;

/** Where the model that ships lies. */
const modelFile = fileURLToPath(new URL('../../models/packages/machine-voiceprint/model.onnx', import.meta.url));

export async function main(args: readonly string[]): Promise<number> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      data: text,
      enrol: text,
      seeds: text,
      scores: text,
      json: text,
      simulated: { type: 'boolean' },
      snr: text,
      seed: text,
      generator: text,
      machines: text,
      needles: text,
      week: text,
    },
  });
  if (values.simulated === true) return simulated(values);
  for (const word of ['snr', 'seed', 'generator', 'machines', 'needles', 'week'] as const) {
    if (values[word] !== undefined) throw new AgentError('usage', `--${word} goes with --simulated`);
  }
  if (values.data === undefined) throw new AgentError('usage', 'evaluate voiceprint takes --data DIR');
  const enrolled = wholeOf('--enrol', values.enrol ?? '25', leastClips, 1000);
  const seeds = wholeOf('--seeds', values.seeds ?? '10', 1, 100);
  const found = machinesIn(values.data);
  const session = await openSession(modelFile);
  const measuring: Measuring = { enrolled, seeds, session, scores: null, times: [], refused: [] };
  const machines: MachineFigures[] = [];
  if (values.scores !== undefined) measuring.scores = openScores(values.scores);
  try {
    for (const one of found) machines.push(await measureMachine(one, measuring));
  } finally {
    if (measuring.scores !== null) closeSync(measuring.scores);
    await session.close();
  }
  const { refused, times } = measuring;
  const report = reportOf({ machines, times, enrolled, seeds, refused });
  process.stdout.write(tableOf(report));
  if (values.json !== undefined) writeJsonFile(values.json, report);
  return refused.length > 0 || machines.some(({ auc }) => auc === null) ? 1 : 0;
}

type Words =
  | 'data'
  | 'enrol'
  | 'seeds'
  | 'scores'
  | 'json'
  | 'snr'
  | 'seed'
  | 'generator'
  | 'machines'
  | 'needles'
  | 'week';

/** Machines that never were. */
async function simulated(values: Partial<Record<Words, string>>): Promise<number> {
  for (const word of ['data', 'enrol', 'seeds', 'scores'] as const) {
    if (values[word] !== undefined) throw new AgentError('usage', `--${word} does not go with --simulated`);
  }
  const { generator = 'b' } = values;
  if (generator !== 'a' && generator !== 'b') throw new AgentError('usage', '--generator takes a or b');
  const snrDb = (values.snr ?? '0,6').split(',').map(Number);
  if (!snrDb.every((db) => db >= -20 && db <= 60)) throw new AgentError('usage', '--snr takes numbers of dB, −20 … 60');
  const weekShare = Number(values.week ?? '0.05');
  if (!(weekShare >= 0 && weekShare <= 1)) throw new AgentError('usage', '--week takes 0 … 1');
  const abort = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => abort.abort());
  const report = await evaluateSound(
    {
      seed: wholeOf('--seed', values.seed ?? '1', 0, 2 ** 31),
      snrDb,
      generator,
      machines: wholeOf('--machines', values.machines ?? '24', 2, 1000),
      needles: wholeOf('--needles', values.needles ?? '200', 0, 1000),
      weekShare,
    },
    abort.signal,
  );
  process.stdout.write(soundTable(report));
  if (values.json !== undefined) writeJsonFile(values.json, report);
  return 0;
}

/** What all machines of one run share. */
interface Measuring {
  readonly enrolled: number;
  readonly seeds: number;
  readonly session: ModelSession;
  /** An open file. */
  scores: number | null;
  /** Milliseconds a second of sound, clip by clip. */
  readonly times: number[];
  readonly refused: { readonly machine: string; readonly file: string; readonly reason: string }[];
}

type HeardClip = Clip & { readonly heard: Heard };

async function measureMachine({ machine, clips }: MachineClips, measuring: Measuring): Promise<MachineFigures> {
  const beganMs = performance.now();
  const usable = await hearAll(machine, clips, measuring);
  const normal = usable.filter(({ isNormal }) => isNormal);
  const abnormal = usable.filter(({ isNormal }) => !isNormal);
  const windows = usable.reduce((sum, { heard }) => sum + heard.windows.length, 0);
  const counted = { machine, windows, normal: normal.length, abnormal: abnormal.length };
  const nothing = {
    auc: null,
    aucSd: null,
    pauc: null,
    product: { detection: null, falseAlarm: null },
    baseline: { auc: null, pauc: null },
  };
  if (normal.length <= measuring.enrolled) {
    const reason = `${normal.length} normal clips; ${measuring.enrolled} are enrolled, and at least one more is held back`;
    process.stderr.write(`${machine}: ${reason}\n`);
    return { ...counted, ...nothing, reason };
  }
  const draws: Draw[] = [];
  for (let seed = 0; seed < measuring.seeds; seed += 1)
    draws.push(drawOnce(machine, normal, abnormal, seed, measuring));
  const over = (figure: (draw: Draw) => number) => mean(draws.map(figure));
  const tookS = ((performance.now() - beganMs) / 1000).toFixed(1);
  const falseAlarm = over((draw) => draw.falseAlarm);
  if (abnormal.length === 0) {
    const reason = 'no abnormal clips';
    process.stderr.write(`${machine}: ${reason}\n`);
    return { ...counted, ...nothing, product: { detection: null, falseAlarm }, reason };
  }
  const auc = over((draw) => draw.auc);
  process.stderr.write(`${machine}: AUC ${auc.toFixed(4)}, ${tookS} s\n`);
  return {
    ...counted,
    auc,
    aucSd: deviation(draws.map((draw) => draw.auc)),
    pauc: over((draw) => draw.pauc),
    product: { detection: over((draw) => draw.detection), falseAlarm },
    baseline: { auc: over((draw) => draw.baseline.auc), pauc: over((draw) => draw.baseline.pauc) },
    reason: null,
  };
}

/** Every clip through the graph once, on a clock; what cannot be heard is told and left out. */
async function hearAll(machine: string, clips: readonly Clip[], measuring: Measuring): Promise<HeardClip[]> {
  const usable: HeardClip[] = [];
  for (const clip of clips) {
    try {
      const sound = await loadSound(clip.path);
      const beganMs = performance.now();
      const heard = await hear(sound, clip.path, measuring.session);
      measuring.times.push((performance.now() - beganMs) / (sound.samples.length / sound.rateHz));
      usable.push({ ...clip, heard });
    } catch (error) {
      if (!isOfThisClip(error)) throw error;
      process.stderr.write(`${join(machine, clip.file)}: ${error.message}\n`);
      measuring.refused.push({ machine, file: clip.file, reason: error.message });
    }
  }
  return usable;
}

/** Without ffmpeg or with a broken model no clip can be heard: that ends the run. */
function isOfThisClip(error: unknown): error is DriverError | ModelError {
  if (error instanceof DriverError) return error.entry !== driverErrors.soundDecoderMissing;
  return error instanceof ModelError && error.key !== 'modelUnusable';
}

interface Draw {
  readonly auc: number;
  readonly pauc: number;
  readonly detection: number;
  readonly falseAlarm: number;
  readonly baseline: { readonly auc: number; readonly pauc: number };
}

function drawOnce(
  machine: string,
  normal: readonly HeardClip[],
  abnormal: readonly HeardClip[],
  seed: number,
  { enrolled, scores }: Measuring,
): Draw {
  const { taught, held } = splitBySeed(normal, enrolled, seed);
  // Clips of several rates are compared in the bands all of them have.
  const bands = Math.min(...[...normal, ...abnormal].map(({ heard }) => heard.bands));
  const print = enrol(taught.map(({ heard }) => ({ ...heard, bands })));
  const plain = baselineOf(
    taught.map(({ heard }) => heard),
    bands,
  );
  const scored = [...held, ...abnormal].map((clip) => ({
    ...clip,
    score: scoreOf(clip.heard, print),
    plain: plain(clip.heard),
  }));
  if (scores !== null) {
    for (const { file, score, isNormal } of scored) {
      writeSync(scores, `${JSON.stringify({ seed, machine, file, score, label: isNormal ? 0 : 1 })}\n`);
    }
  }
  const [good, faults] = [scored.filter(({ isNormal }) => isNormal), scored.filter(({ isNormal }) => !isNormal)];
  const [goodScores, faultScores] = [good.map(({ score }) => score), faults.map(({ score }) => score)];
  const [goodPlain, faultPlain] = [good.map((one) => one.plain), faults.map((one) => one.plain)];
  return {
    auc: auroc(faultScores, goodScores),
    pauc: partialAuroc(faultScores, goodScores),
    detection: shareAbove(faultScores, print.threshold),
    falseAlarm: shareAbove(goodScores, print.threshold),
    baseline: { auc: auroc(faultPlain, goodPlain), pauc: partialAuroc(faultPlain, goodPlain) },
  };
}
