/**
 * Enrolment from recordings of a machine running well, instead of from its microphone now: WAV files, and beside each what the machine said of
 * its speed meanwhile. They go the way of live sound: the gate, what is left out as speech or alarm, samples, prints (`listening.ts`).
 *
 * Invariants (test/unit/senses/ear-recordings.test.ts, test/integration/teach-voiceprint.test.ts):
 *  R1  Of a recording the same is learned as from the microphone that heard it: pieces, speeds and what is left out are decided by the same code.
 *  R2  No piece spans two recordings, and polls of one say nothing of another.
 *  R3  One recording is in memory at a time.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import { z } from 'zod';
import type { Microphone } from '../../../drivers/microphone/microphone.ts';
import { PulseDetector } from '../../../drivers/microphone/pulse.ts';
import { ModelError } from '../../../models/errors.ts';
import type { Graph } from '../../../models/graph.ts';
import { writeStats } from '../../../models/stats-file.ts';
import { faultStatsOf } from '../../../models/voiceprint/fault-print.ts';
import type { RunPoll } from '../../../models/voiceprint/gate.ts';
import type { Turner } from '../../../models/voiceprint/turning.ts';
import { readWav, soundLimits } from '../../../models/voiceprint/wav.ts';
import { AgentError } from '../../errors.ts';
import { featuresOf, Listening } from './listening.ts';
import { Pulses } from './pulses.ts';
import type { EarMessage } from './settings.ts';
import { faultsAt, observeQueued, Suspecting } from './suspecting.ts';

/** More are not looked at. */
export const mostRecordings = 500;
const mostPollsAFile = 1_000_000;
const mostJsonBytes = 64 * 1024 * 1024;
/** Between two recordings on the clock they share, so that no run goes from one to the next. */
const apartMs = 10_000;
/** So much of a recording is heard at once: a run of the graph. */
const strideMs = 4_000;
/** Polls of a recording at one speed. */
const everyMs = 250;

const speed = z.number().min(0).max(100_000);
const spokenSchema = z.union([
  z.strictObject({ speed: speed.positive() }),
  z.strictObject({
    polls: z
      .array(z.strictObject({ s: z.number().min(0), speed }))
      .min(2)
      .max(mostPollsAFile),
  }),
]);
type Spoken = z.infer<typeof spokenSchema>;

export interface Recorded {
  readonly file: string;
  readonly rateHz: number;
  readonly samples: Float32Array;
  /** null: no pulse is asked for. */
  readonly pulse: Float32Array | null;
  readonly spoken: Spoken;
}

/** Names of the WAV files of a folder. @throws AgentError `fileUnreadable` */
export function recordingsIn(dir: string): string[] {
  try {
    return readdirSync(dir)
      .filter((name) => extname(name).toLowerCase() === '.wav' && !name.startsWith('.'))
      .toSorted()
      .slice(0, mostRecordings);
  } catch (error) {
    throw new AgentError('fileUnreadable', `${dir}: ${textOf(error)}`, { cause: error });
  }
}

/**
 * One recording with what the machine said meanwhile.
 * @param hasPulse its second channel carries the pulse
 * @throws ModelError `soundUnreadable`, `soundTooLong`
 * @throws AgentError `fileUnreadable`, `recordingUnspoken`
 */
export function readRecording(dir: string, file: string, hasPulse: boolean): Recorded {
  const path = join(dir, file);
  const bytes = bytesOf(path, soundLimits.bytes);
  const { rateHz, samples } = readWav(bytes, file);
  const pulse = hasPulse ? readWav(bytes, file, 1).samples : null;
  return { file, rateHz, samples, pulse, spoken: spokenOf(path.slice(0, -extname(path).length) + '.json') };
}

export interface RecordedEar {
  readonly machine: string;
  /** `id@version`. */
  readonly model: string;
  readonly graph: Graph;
  /** null: nothing is learned of faults. */
  readonly faults: { readonly graph: Graph; readonly model: string; readonly turner: Turner } | null;
  readonly hasPulse: boolean;
  /** Samples a speed. */
  readonly samples: number;
}

/** What an enrolment from recordings came to, and what it left out. */
export interface LearnedRecordings {
  /** null: nothing in them could be heard. */
  readonly message: Extract<EarMessage, { kind: 'enrolled' | 'enrolling' }> | null;
  readonly counts: ReturnType<Listening['hearing']['counts']>;
}

/**
 * Hears recordings one behind the other, and learns from all of them.
 * @param recordings asked for one at a time
 * @throws ModelError `modelUnusable`
 */
export async function learnRecordings(recordings: Iterable<Recorded>, ear: RecordedEar): Promise<LearnedRecordings> {
  const tape = new Tape();
  const pulses = ear.hasPulse ? new Pulses() : null;
  const suspecting = ear.faults === null ? null : new Suspecting(ear.faults.turner, []);
  const listening = new Listening([], tape, { moved: 0, clipSeconds: 0, suspecting, pulses });
  listening.enrol(ear.samples);
  for (const recording of recordings) await hear(recording, tape, listening, pulses, ear);
  const message = await listening.enrolled(ear.machine, ear.model, async (learned, at, levels) => {
    if (ear.faults === null) return null;
    const { turner, graph, model } = ear.faults;
    const print = await faultsAt(learned, at, turner, graph, levels);
    return print === null ? null : Uint8Array.from(writeStats(faultStatsOf(print, model)));
  });
  const isOne = message?.kind === 'enrolled' || message?.kind === 'enrolling';
  return { message: isOne ? message : null, counts: listening.hearing.counts() };
}

async function hear(
  recording: Recorded,
  tape: Tape,
  listening: Listening,
  pulses: Pulses | null,
  { graph, faults }: RecordedEar,
): Promise<void> {
  const fromMs = tape.insert(recording);
  // The machine stood between two recordings: what was said in one is over.
  listening.hearing.poll({ timeMs: fromMs - apartMs / 2, isRunning: false, speed: 0 });
  // The new numbering is taken over before marks come in it.
  listening.take();
  const detector = new PulseDetector({ rateHz: recording.rateHz });
  const polls = pollsOf(recording, fromMs);
  let polled = 0;
  for (let heard = 0; !tape.isOver;) {
    const to = tape.wind(strideMs);
    for (const at of recording.pulse === null ? [] : detector.push(recording.pulse.subarray(heard, to)))
      pulses?.add(at);
    heard = to;
    // The last polls may be behind the end: they say that it still ran.
    for (; polled < polls.length; polled += 1) {
      const poll = polls[polled];
      if (poll === undefined || (poll.timeMs > tape.nowMs && !tape.isOver)) break;
      listening.hearing.poll(poll);
    }
    const pieces = listening.take();
    if (pieces.length === 0) continue;
    const features = await featuresOf(pieces, graph);
    for (const [i, piece] of pieces.entries()) {
      const one = features[i];
      if (one !== null && one !== undefined) listening.heard(piece, one);
    }
    if (listening.suspecting !== null && faults !== null) await observeQueued([listening.suspecting], faults.graph);
  }
}

/** A recording in place of a microphone, wound on by whoever listens. */
class Tape implements Pick<Microphone, 'read' | 'msOf' | 'counts'> {
  #recording: Recorded | null = null;
  #epoch = -1;
  #fromMs = 0;
  #end = 0;

  /** Gives when it begins. */
  insert(recording: Recorded): number {
    this.#fromMs = this.nowMs + apartMs;
    this.#recording = recording;
    this.#epoch += 1;
    this.#end = 0;
    return this.#fromMs;
  }

  /** Goes on; gives up to which sample. */
  wind(ms: number): number {
    const { samples, rateHz } = this.#recording ?? { samples: [], rateHz: 1 };
    this.#end = Math.min(samples.length, this.#end + Math.round((ms / 1000) * rateHz));
    return this.#end;
  }

  get isOver(): boolean {
    return this.#end >= (this.#recording?.samples.length ?? 0);
  }

  get nowMs(): number {
    return this.#fromMs + (1000 * this.#end) / (this.#recording?.rateHz ?? 1);
  }

  read(_channel: number, fromSample: number, toSample: number): ReturnType<Microphone['read']> {
    if (toSample > this.#end) return { kind: 'to-come', endSample: this.#end };
    return { kind: 'samples', samples: this.#recording?.samples.slice(fromSample, toSample) ?? new Float32Array(0) };
  }

  msOf(sample: number): number | null {
    return this.#recording === null ? null : this.#fromMs + (1000 * sample) / this.#recording.rateHz;
  }

  counts(): ReturnType<Microphone['counts']> {
    return {
      connected: true,
      verdict: { kind: 'ok' },
      rateHz: this.#recording?.rateHz ?? null,
      epoch: Math.max(0, this.#epoch),
      samples: this.#end,
      missing: 0,
      gaps: 0,
      dropped: 0,
      refused: {},
      pulses: 0,
      reconnects: 0,
    };
  }
}

function pollsOf({ spoken, samples, rateHz }: Recorded, fromMs: number): RunPoll[] {
  if ('polls' in spoken) {
    return spoken.polls
      .toSorted((a, b) => a.s - b.s)
      .map(({ s, speed: at }) => ({ timeMs: fromMs + 1000 * s, isRunning: at > 0, speed: at }));
  }
  // All of it ran, as somebody says who was there: before it and behind it, too.
  const lengthMs = (1000 * samples.length) / rateHz;
  const count = Math.ceil((lengthMs + 2 * beyondMs) / everyMs) + 1;
  return Array.from({ length: count }, (_, i) => ({
    timeMs: fromMs - beyondMs + i * everyMs,
    isRunning: true,
    speed: spoken.speed,
  }));
}

/** More than the gate wants to know of what was before and behind. */
const beyondMs = 1_000;

function spokenOf(path: string): Spoken {
  let value: unknown;
  try {
    value = JSON.parse(bytesOf(path, mostJsonBytes).toString('utf8'));
  } catch (error) {
    throw new AgentError('recordingUnspoken', `${path}: ${textOf(error)}`, { cause: error });
  }
  const found = spokenSchema.safeParse(value);
  if (!found.success) throw new AgentError('recordingUnspoken', `${path} says no speed`);
  return found.data;
}

function bytesOf(path: string, mostBytes: number): Buffer {
  try {
    const { size } = statSync(path);
    if (size > mostBytes) throw new ModelError('soundTooLong', `${path}: ${size} bytes`);
    return readFileSync(path);
  } catch (error) {
    if (error instanceof ModelError) throw error;
    throw new AgentError('fileUnreadable', `${path}: ${textOf(error)}`, { cause: error });
  }
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
