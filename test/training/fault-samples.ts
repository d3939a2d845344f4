/**
 * Samples to train the fault graph on, heard by its own hearing half from simulated machines (generator a), with what was wrong with them:
 *
 *     node test/training/fault-samples.ts GRAPH sewing|knitting narrow|wide FROM TO
 *
 * (models/training/build.sh does) writes KIND-SEED.bin and .json for the machines of these seeds into the folder SELVEDGE_FAULT_DATA. What is there already stays. A machine has its
 * room, its hall, its speed and how loud it is among the others; every clip has its own load, temperature and
 * speed: within two per cent (`narrow`), or as far as one print of the gateway reaches (`wide`).
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createHall, type Hall } from '../../simulators/sound/hall.ts';
import type { Clip, SewingFault, SoundFault } from '../../simulators/dataset/sound.ts';
import { record } from '../../simulators/sound/clip.ts';
import {
  createKnittingSound,
  createSewingSound,
  type KnittingSound,
  type SewingSound,
  type SoundMachine,
} from '../../simulators/sound/machine.ts';
import { rmsOf } from '../../simulators/sound/noise.ts';
import { between, createRandom, wholeBetween, type Random } from '../../simulators/random.ts';
import type { Graph } from '../../models/graph.ts';
import { openSession } from '../../models/runtime.ts';
import { blank, enrol, parts, scoreOf } from '../../models/voiceprint/ear.ts';
import { heardSize, observe, sampleOf, type FaultPiece } from '../../models/voiceprint/fault-ear.ts';
import { bands, hopSamples, modelRateHz } from '../../models/voiceprint/front-end.ts';
import { piecesASample, pooled } from '../../models/voiceprint/pool.ts';
import type { Turner } from '../../models/voiceprint/turning.ts';
import { repository } from '../check/files.ts';

const pieceSamples = 24 * hopSamples;
const clipS = (piecesASample * pieceSamples) / modelRateHz + 0.05;
const enrolled = 24;
const healthy = 10;

/** What differs from clip to clip of one machine. */
interface Plan {
  readonly speeds: readonly [number, number];
  readonly load: readonly [number, number];
  readonly temperatureC: readonly [number, number];
  /** Share of the nominal speed a machine runs at, at least. */
  readonly slowest: Readonly<Record<Turner['kind'], number>>;
}
const plans = {
  narrow: { speeds: [0.98, 1.02], load: [0.2, 0.9], temperatureC: [22, 38], slowest: { sewing: 0.6, knitting: 0.75 } },
  wide: { speeds: [0.94, 1.06], load: [0.2, 1], temperatureC: [20, 38], slowest: { sewing: 0.65, knitting: 0.8 } },
} as const satisfies Record<string, Plan>;

interface Graphs {
  readonly odd: Graph;
  readonly fault: Graph;
}

interface Placed {
  readonly plan: Plan;
  readonly machine: SoundMachine;
  readonly hall: Hall;
  readonly speed: number;
  readonly snrDb: number;
}

/** What a row of numbers is of. */
interface Label {
  readonly role: 'enrol' | 'test';
  readonly fault: SoundFault['kind'] | null;
  readonly severity: number;
}

const turnerOf = (machine: SoundMachine): Turner =>
  machine.kind === 'sewing'
    ? { kind: 'sewing' }
    : { kind: 'knitting', needles: machine.voice.traits.needles, feeders: machine.voice.traits.feeders };

function place(random: Random, kind: Turner['kind'], seed: number, plan: Plan): Placed {
  const machine = kind === 'sewing' ? createSewingSound(seed) : createKnittingSound(seed);
  const snrDb = random() < 0.5 ? 0 : between(random, [-3, 12]);
  const speed = machine.voice.drive.nominalPerMinute * between(random, [plan.slowest[kind], 1]);
  const other = kind === 'sewing' ? 'knitting' : 'sewing';
  const hall = createHall(seed + 1_000_000, machine.rateHz, {
    neighbours: random() < 0.8 ? kind : other,
    machines: wholeBetween(random, [2, 4]),
    voices: wholeBetween(random, [0, 2]),
    bangsPerMinute: between(random, [0, 8]),
  });
  return { plan, machine, hall, speed, snrDb };
}

/** Faults that are hard to hear are made more often. */
function* faultsOf(random: Random, machine: SoundMachine): Generator<SoundFault> {
  const severity = (i: number) => (i === 0 && random() < 0.5 ? between(random, [0.1, 0.4]) : between(random, [0.3, 1]));
  if (machine.kind === 'sewing') yield* sewingFaultsOf(random, machine, severity);
  else yield* knittingFaultsOf(random, machine, severity);
}

const sewingCounts = {
  bluntNeedle: 4,
  bentNeedle: 2,
  dryHook: 2,
  looseBearing: 3,
  slippingBelt: 4,
  feedDogStrike: 2,
  threadBreak: 2,
  looseCover: 2,
} as const satisfies Partial<Record<SewingFault['kind'], number>>;

function* sewingFaultsOf(random: Random, machine: SewingSound, severity: (i: number) => number): Generator<SoundFault> {
  for (const [kind, count] of Object.entries(sewingCounts) as [keyof typeof sewingCounts, number][]) {
    if (kind === 'slippingBelt' && machine.voice.traits.beltOrder === null) continue;
    for (let i = 0; i < count; i += 1) {
      if (kind === 'threadBreak') yield { kind, severity: severity(i), atS: between(random, [0, 1]) };
      else yield { kind, severity: severity(i) };
    }
  }
}

function* knittingFaultsOf(
  random: Random,
  machine: KnittingSound,
  severity: (i: number) => number,
): Generator<SoundFault> {
  const { needles, feeders } = machine.voice.traits;
  for (let i = 0; i < 6; i += 1) {
    yield { kind: 'badNeedle', severity: severity(i % 3), needle: wholeBetween(random, [0, needles - 1]) };
    yield { kind: 'badFeeder', severity: severity(i % 3), feeder: wholeBetween(random, [0, feeders - 1]) };
    yield { kind: 'lackOfOil', severity: severity(i % 3) };
  }
}

/**
 * A clip of what is done now. A machine that grows louder by its fault does not make its neighbours louder, but the ratio of a clip counts the
 * fault's sound as the machine's own: so the hall is somewhere between as loud as beside the healthy machine and as the ratio says.
 */
function clipOf(
  random: Random,
  { plan, machine, hall, speed, snrDb }: Placed,
  seed: number,
  fault: SoundFault | null,
): Clip {
  const doing = {
    seed,
    load: between(random, plan.load),
    temperatureC: between(random, plan.temperatureC),
    faults: fault === null ? [] : [fault],
  };
  const now = speed * between(random, plan.speeds);
  let ratioDb = snrDb + between(random, [-1, 1]);
  const share = random();
  if (fault !== null) {
    const briefly = { ...doing, segments: [{ kind: 'run', durationS: 0.3, speed: now }] } as const;
    const louder = rmsOf(record(machine, briefly).samples) / rmsOf(record(machine, { ...briefly, faults: [] }).samples);
    ratioDb += share * 20 * Math.log10(louder);
  }
  const segments = [{ kind: 'run', durationS: clipS, speed: now }] as const;
  return record(machine, { ...doing, segments, among: { hall, snrDb: ratioDb } });
}

/** What both branches hear of a clip: the numbers of branch B's sample, then the features of branch A's. */
async function hear(clip: Clip, turner: Turner, { odd, fault }: Graphs): Promise<Float32Array> {
  const pieces = Array.from({ length: piecesASample }, (_, i): FaultPiece => {
    const [fromS, toS] = [i * pieceSamples, (i + 1) * pieceSamples].map((at) => at / modelRateHz) as [number, number];
    const polls = clip.telemetry.filter(({ atS }) => atS >= fromS - 0.2 && atS <= toS + 0.3);
    return {
      pcm: clip.samples.slice(i * pieceSamples, (i + 1) * pieceSamples),
      speed: polls.reduce((sum, { speed }) => sum + speed, 0) / polls.length,
      marks: null,
    };
  });
  const heard = (await observe(pieces, turner, fault)).flatMap((one) => one ?? []);
  const pcm = clip.samples.slice(0, piecesASample * pieceSamples);
  const { features } = await odd.run(
    { pcm: { type: 'float32', dims: [piecesASample, pieceSamples], data: pcm }, ...blank },
    ['features'],
  );
  const size = parts * bands;
  const row = new Float32Array(heardSize + size);
  row.set(sampleOf(heard).heard);
  row.set(
    pooled(pieces.map((_, i) => features?.data.slice(i * size, (i + 1) * size) ?? new Float32Array(size))),
    heardSize,
  );
  return row;
}

async function make(kind: Turner['kind'], seed: number, plan: Plan, graphs: Graphs, path: string): Promise<void> {
  const random = createRandom(seed, `training ${kind}`);
  const placed = place(random, kind, seed, plan);
  const turner = turnerOf(placed.machine);
  const rows: Float32Array[] = [];
  const labels: Label[] = [];
  const add = async (fault: SoundFault | null, role: Label['role']) => {
    rows.push(await hear(clipOf(random, placed, rows.length + 1, fault), turner, graphs));
    labels.push({ role, fault: fault?.kind ?? null, severity: fault?.severity ?? 0 });
  };
  for (let i = 0; i < enrolled; i += 1) await add(null, 'enrol');
  for (let i = 0; i < healthy; i += 1) await add(null, 'test');
  for (const fault of faultsOf(random, placed.machine)) await add(fault, 'test');
  const clips = rows.map((row) => ({ windows: [row.subarray(heardSize)], bands }));
  const print = enrol(clips.slice(0, enrolled));
  // Branch A beside it: how many of its spreads above its threshold.
  const scores = clips.map((clip) => (scoreOf(clip, print) - print.threshold) / print.spread);
  const width = heardSize + parts * bands;
  const numbers = new Float32Array(rows.length * width);
  for (const [i, row] of rows.entries()) numbers.set(row, i * width);
  writeFileSync(`${path}.bin`, numbers);
  const meta = { generator: 'a', kind, seed, snrDb: placed.snrDb, heard: heardSize, width, scores, labels };
  writeFileSync(`${path}.json`, JSON.stringify(meta));
}

const [graph = '', kind, planName, from, to] = process.argv.slice(2);
const folder = process.env['SELVEDGE_FAULT_DATA'];
if (
  folder === undefined ||
  (kind !== 'sewing' && kind !== 'knitting') ||
  (planName !== 'narrow' && planName !== 'wide')
) {
  process.stderr.write('SELVEDGE_FAULT_DATA=FOLDER fault-samples.ts GRAPH sewing|knitting narrow|wide FROM TO\n');
  process.exit(2);
}
const session = await openSession(graph);
const odd = await openSession(join(repository, 'models/packages/machine-voiceprint/model.onnx'));
// Only the hearing half is there yet: it takes sound alone.
const fault: Graph = {
  run: ({ pcm, at }, wanted) => session.run(pcm === undefined || at === undefined ? {} : { pcm, at }, wanted),
};
for (let seed = Number(from); seed < Number(to); seed += 1) {
  const path = `${folder}/${kind}-${seed}`;
  if (existsSync(`${path}.json`)) continue;
  const began = performance.now();
  await make(kind, seed, plans[planName], { odd, fault }, path);
  process.stdout.write(`${kind} ${seed}: ${((performance.now() - began) / 1000).toFixed(1)} s\n`);
}
