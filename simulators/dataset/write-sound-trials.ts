/**
 * Writes trials of sound: a WAV for each clip, `clips.json` with what a gateway gets beside it, and `truth.json` last.
 * docs/SIMULATED-SOUND.md has the format.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { faultTrial } from '../sound-trials/fault-trials.ts';
import { needleTrial } from '../sound-trials/needle-trials.ts';
import type { TrialClip } from '../sound-trials/setting.ts';
import { healthyWeek, weekPlan } from '../sound-trials/week.ts';
import type { SoundDataset } from './schema.ts';
import { faultCodes, type Clip, type HeardMachine } from './sound.ts';
import { floatWav } from './wav.ts';
import { claimFolder, writing, type WriteOptions } from './write.ts';

const rateHz = 48_000;

/** What is to be written of one clip: who hears it what for, and what is true of it. */
interface Taken extends TrialClip {
  readonly machine: string;
  readonly role: 'enrol' | 'judge';
  /** What besides the fault an evaluation sorts by. */
  readonly about: Readonly<Record<string, string | number | boolean>>;
}

interface Part {
  readonly machines: { readonly id: string; readonly machine: HeardMachine }[];
  readonly clips: Iterable<Taken>;
  readonly about: Readonly<Record<string, number>>;
}

/** Resolves with how many clips there are. Rejects with SIM-101. */
export async function writeSoundTrials(dataset: SoundDataset, options: WriteOptions): Promise<number> {
  const { folder, seed, generator, signal, onProgress } = options;
  claimFolder(folder, ['clips']);
  const told: object[] = [];
  const truths: object[] = [];
  const { machines, clips, about } = partOf(dataset, options);
  for (const taken of clips) {
    if (signal.aborted) return told.length;
    const { clip, machine, role, speed, load, temperatureC, fault } = taken;
    const file = `clips/${String(told.length).padStart(5, '0')}.wav`;
    writing(file, () => writeFileSync(join(folder, file), wavOf(clip)));
    told.push({ file, machine, role, telemetry: clip.telemetry });
    const named = fault === null ? null : { ...fault, code: faultCodes[fault.kind] };
    truths.push({ file, machine, speed, load, temperatureC, fault: named, snrDb: clip.truth.snrDb, ...taken.about });
    onProgress(told.length, told.length);
    // Rendering holds the thread: whoever wants this to stop is heard between two clips.
    await new Promise((resolve) => setImmediate(resolve));
  }
  const plates = machines.map(({ id, machine }) => {
    const { kind, nominalPerMinute, belt, cylinder } = machine;
    return { id, kind, nominalPerMinute, belt, cylinder };
  });
  const head = { version: 1, simulated: true, generator, seed };
  save(folder, 'clips.json', { ...head, machines: plates, clips: told });
  save(folder, 'truth.json', { ...head, plan: dataset, ...about, clips: truths });
  return told.length;
}

function save(folder: string, file: string, value: object): void {
  writing(file, () => writeFileSync(join(folder, file), `${JSON.stringify(value)}\n`));
}

/** The second channel is the pulse, where there is one. */
const wavOf = ({ samples, pulse }: Clip): Buffer => floatWav(pulse === null ? [samples] : [samples, pulse], rateHz);

function partOf({ part, snrDb }: SoundDataset, { seed, generator }: WriteOptions): Part {
  const common = { generator, seed, snrDb, rateHz } as const;
  const numbers = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);
  switch (part.of) {
    case 'faults': {
      const { clipS, enrol: enrolClips, healthy: healthyClips, faulty: faultyClips } = part;
      const plan = { ...common, clipS, enrolClips, healthyClips, faultyClips };
      const trials = numbers(part.from, part.trials).map((number) => faultTrial(plan, number));
      return {
        machines: trials.map(({ number, machine }) => ({ id: `m-${number}`, machine })),
        about: {},
        clips: (function* () {
          for (const { number, enrol, healthy, healthyTrims, faulty } of trials) {
            const machine = `m-${number}`;
            for (const one of enrol()) yield { ...one, machine, role: 'enrol' as const, about: {} };
            const judge = { machine, role: 'judge' } as const;
            for (const one of healthy()) yield { ...one, ...judge, about: { trims: false } };
            for (const one of healthyTrims()) yield { ...one, ...judge, about: { trims: true } };
            for (const one of faulty()) yield { ...one, ...judge, about: { trims: one.fault.kind === 'trimmer' } };
          }
        })(),
      };
    }
    case 'needles': {
      const trials = numbers(part.from, part.trials).map((n) => needleTrial({ ...common, position: part.position }, n));
      return {
        machines: trials.map(({ number, machine }) => ({ id: `n-${number}`, machine })),
        about: {},
        clips: (function* () {
          for (const { number, faulty, healthy } of trials) {
            const judge = { machine: `n-${number}`, role: 'judge', about: { position: part.position } } as const;
            yield { ...faulty(), ...judge };
            if (part.healthy) yield { ...healthy(0), ...judge };
          }
        })(),
      };
    }
    case 'week': {
      const { kind, days, share, clipS, enrol: enrolClips } = part;
      const { loudDb, stretchS } = weekPlan;
      const week = healthyWeek({ ...common, kind, days, clipS, share, enrolClips, loudDb, stretchS });
      const machine = 'w-0';
      return {
        machines: [{ id: machine, machine: week.machine }],
        about: { days, pieces: week.pieces, rendered: week.rendered, share: week.share },
        clips: (function* () {
          for (const one of week.enrol()) yield { ...one, machine, role: 'enrol' as const, about: aboutWeek(one) };
          for (const one of week.heard()) yield { ...one, machine, role: 'judge' as const, about: aboutWeek(one) };
        })(),
      };
    }
  }
}

const aboutWeek = ({
  atH,
  article,
  roll,
  isLoud,
}: {
  atH: number;
  article: number;
  roll: number;
  isLoud: boolean;
}) => ({
  atH,
  article,
  roll,
  isLoud,
});
