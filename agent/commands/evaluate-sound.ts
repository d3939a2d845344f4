/**
 * `selvedge evaluate voiceprint --simulated`: how well the ear tells faults of machines it never heard, which needle clicks, and how often it is
 * wrong in healthy weeks. The sound is made by `selvedge simulate` in a process of its own, machine by machine, into a folder that is
 * removed. All figures are figures about simulated machines.
 */
import { readFileSync } from 'node:fs';
import { PulseDetector } from '../../drivers/microphone/pulse.ts';
import { openSession } from '../../models/runtime.ts';
import { seeded } from '../../models/statistics/split.ts';
import { clickEnvelope } from '../../models/voiceprint/click-envelope.ts';
import { needlesOf } from '../../models/voiceprint/needle-comb.ts';
import {
  readClip,
  readClips,
  readTruths,
  type ClipTruth,
  type SoundTrials,
  type ToldClip,
  type TrialMachine,
} from './evaluate-sound-data.ts';
import { judgeSimulated, type SimulatedPart } from './simulate-into.ts';
import { enrolMachine, hearClip, turnerOf, type Graphs, type HeardClip } from './evaluate-sound-judge.ts';
import {
  faultFigures,
  needleFigures,
  weekFigures,
  type HeardWeek,
  type JudgedClip,
  type NamedNeedle,
  type SoundReport,
} from './evaluate-sound-report.ts';
import { heardWeeks } from './evaluate-sound-week.ts';

export interface SoundRequest {
  readonly seed: number;
  readonly snrDb: readonly number[];
  readonly generator: 'a' | 'b';
  /** Machines at each signal-to-noise ratio, every second one a knitting machine. */
  readonly machines: number;
  /** Trials of a needle, with the index pulse; a tenth as many with telemetry alone. */
  readonly needles: number;
  /** Of a healthy week of a sewing and of a knitting machine, so much is heard. */
  readonly weekShare: number;
}

const packages = new URL('../../models/packages/', import.meta.url);
const needlesOfAPart = 10;
/** The needle is looked for where the machine is twice as loud as its hall. */
const needleSnrDb = 6;
/** docs/SIMULATED-SOUND.md: the pulse begins at the whole turn and lasts 1 ms; the detector tells its middle. */
const pulseHalfS = 0.0005;

interface Tally {
  readonly judged: JudgedClip[];
  readonly needles: NamedNeedle[];
  readonly weeks: HeardWeek[];
}

interface Part extends SimulatedPart {
  readonly snrDb: number;
  readonly judge: (dir: string, graphs: Graphs, tally: Tally, snrDb: number) => Promise<void>;
}

/** @throws AgentError `simulatorFailed`; ModelError as opening a model does */
export async function evaluateSound(request: SoundRequest, signal: AbortSignal): Promise<SoundReport> {
  const [levels, faults] = await Promise.all([open('machine-voiceprint'), open('machine-fault')]);
  const graphs = { levels, faults };
  const { seed, generator } = request;
  const tally: Tally = { judged: [], needles: [], weeks: [] };
  const parts = partsOf(request);
  try {
    await judgeSimulated(
      parts,
      async (dir, { name, judge, snrDb }) => {
        await judge(dir, graphs, tally, snrDb);
        process.stderr.write(`${name}: ${tally.judged.length} clips, ${tally.needles.length} needles judged\n`);
      },
      signal,
    );
  } finally {
    await Promise.all([levels.close(), faults.close()]);
  }
  const needles = tally.needles.toSorted((a, b) => a.position.localeCompare(b.position) || a.truth - b.truth);
  return {
    faults: faultFigures(tally.judged),
    needles,
    needleFigures: needleFigures(needles),
    healthy: weekFigures(tally.weeks),
    generator,
    seed,
    simulated: true,
  };
}

const open = (name: string) => openSession(readFileSync(new URL(`${name}/model.onnx`, packages)));

function partsOf({ seed, generator, snrDb, machines, needles, weekShare }: SoundRequest): Part[] {
  const partOf = (name: string, db: number, part: Readonly<Record<string, unknown>>, judge: Part['judge']): Part => ({
    name,
    seed,
    generator,
    snrDb: db,
    scenario: { version: 1, dataset: 'sound-trials', snrDb: db, part },
    judge,
  });
  const faults = snrDb.flatMap((db) =>
    Array.from({ length: machines }, (_, from) =>
      partOf(`faults-${db}-${from}`, db, { of: 'faults', from, trials: 1 }, judgeFaults),
    ),
  );
  const needlePart = (position: 'pulse' | 'telemetry', from: number, trials: number): Part =>
    partOf(`needles-${position}-${from}`, needleSnrDb, { of: 'needles', from, trials, position }, judgeNeedles);
  const named: Part[] = [];
  for (let from = 0; from < needles; from += needlesOfAPart) {
    named.push(needlePart('pulse', from, Math.min(needlesOfAPart, needles - from)));
  }
  if (needles > 0) named.push(needlePart('telemetry', 0, Math.ceil(needles / 10)));
  const weeks = (['sewing', 'knitting'] as const).map((kind) =>
    partOf(`week-${kind}`, snrDb[0] ?? 0, { of: 'week', kind, share: weekShare }, judgeWeek),
  );
  return [...(weekShare > 0 ? weeks : []), ...faults, ...named];
}

/** Clips of one machine, heard one after another: a week of them is not held in memory as sound. */
async function* heardOf(
  dir: string,
  { clips }: SoundTrials,
  machine: TrialMachine,
  role: ToldClip['role'],
  graphs: Graphs,
): AsyncGenerator<{ readonly file: string; readonly rateHz: number; readonly heard: HeardClip }> {
  for (const clip of clips) {
    if (clip.machine !== machine.id || clip.role !== role) continue;
    const { sound } = readClip(dir, clip, false);
    const heard = await hearClip(sound, clip, turnerOf(machine), graphs);
    if (heard !== null) yield { file: clip.file, rateHz: sound.rateHz, heard };
  }
}

async function judgeFaults(dir: string, graphs: Graphs, tally: Tally, snrDb: number): Promise<void> {
  const trials = readClips(dir);
  const truths = truthByFile(readTruths(dir).clips);
  for (const machine of trials.machines) {
    const taught = [];
    for await (const one of heardOf(dir, trials, machine, 'enrol', graphs)) taught.push(one);
    const rateHz = taught[0]?.rateHz ?? 0;
    const known = await enrolMachine(
      taught.map(({ heard }) => heard),
      turnerOf(machine),
      rateHz,
      graphs,
    );
    for await (const { file, heard } of heardOf(dir, trials, machine, 'judge', graphs)) {
      const truth = truths.get(file);
      if (truth === undefined) continue;
      const { fault, trims = false } = truth;
      const about = { snrDb, machine: `${machine.id}@${snrDb}`, kind: machine.kind, trims };
      const verdict = await known.judge(heard);
      tally.judged.push({
        ...verdict,
        ...about,
        fault: fault?.kind ?? null,
        code: fault?.code ?? null,
        severity: fault?.severity ?? null,
      });
    }
  }
}

async function judgeWeek(dir: string, graphs: Graphs, tally: Tally): Promise<void> {
  tally.weeks.push(...(await heardWeeks(dir, graphs)));
}

async function judgeNeedles(dir: string, _graphs: Graphs, tally: Tally, snrDb: number): Promise<void> {
  const trials = readClips(dir);
  const truth = readTruths(dir);
  const truths = truthByFile(truth.clips);
  for (const [at, clip] of trials.clips.entries()) {
    const cylinder = trials.machines.find(({ id }) => id === clip.machine)?.cylinder ?? null;
    const fault = truths.get(clip.file)?.fault ?? null;
    if (cylinder === null || fault?.needle === undefined) continue;
    const hasPulse = truths.get(clip.file)?.position === 'pulse';
    const { sound, pulse } = readClip(dir, clip, hasPulse);
    const named = pulse === null ? null : needleOf(sound.samples, pulse, sound.rateHz, cylinder, trials.seed + at);
    const { needles } = cylinder;
    tally.needles.push({
      position: hasPulse ? 'index' : 'telemetry',
      snrDb,
      truth: fault.needle,
      named: named?.needles.length === 1 ? (named.needles[0] ?? null) : null,
      candidates: named?.needles ?? [],
      k: named?.k ?? null,
      revolutions: named?.revolutions ?? 0,
      severity: fault.severity,
      needles,
    });
  }
}

function needleOf(
  samples: Float32Array,
  pulse: Float32Array,
  rateHz: number,
  { indexNeedle, ...cylinder }: NonNullable<TrialMachine['cylinder']>,
  seed: number,
) {
  const { frames, frameSamples } = clickEnvelope(samples, rateHz);
  const pulses = new PulseDetector({ rateHz }).push(pulse).map((at) => (at - pulseHalfS * rateHz) / frameSamples);
  return needlesOf(frames, pulses, { ...cylinder, markNeedle: indexNeedle }, seeded(seed));
}

const truthByFile = (clips: readonly ClipTruth[]): ReadonlyMap<string, ClipTruth> =>
  new Map(clips.map((clip) => [clip.file, clip]));
