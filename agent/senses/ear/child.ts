/**
 * The ear's process: microphones in, what is odd out, in a process of its own, because a model's native code blocks its thread and may take
 * its process with it. Sound stays in its memory for half a minute and never leaves it in clear: scores, levels of bands and counts do, and sealed
 * clips where somebody asked for them (`clips.ts`).
 */
import { createMicrophone, type Microphone } from '../../../drivers/microphone/microphone.ts';
import type { MicrophoneEvent } from '../../../drivers/microphone/ports.ts';
import { DriverError } from '../../../drivers/errors.ts';
import { ModelError } from '../../../models/errors.ts';
import { openSession, type ModelSession } from '../../../models/runtime.ts';
import { readStats } from '../../../models/stats-file.ts';
import { printOf } from '../../../models/voiceprint/print-file.ts';
import { runSense, senseExits, type SenseWork } from '../sense-child.ts';
import type { HearingTold, OpenPiece, SpeedPrint } from './hearing.ts';
import { pcmOf, sealClip } from './clips.ts';
import { featuresOf, Listening } from './listening.ts';
import { pictureOf } from './picture.ts';
import { earAskedSchema, type EarMachine, type EarMessage, type EarSettings, earSettingsSchema } from './settings.ts';

const aliveMs = 2_000;
const lookMs = 250;
/** Pieces in one run of the graph. */
const mostInARun = 32;

interface Watched {
  readonly machine: string;
  readonly microphone: Microphone;
  readonly listening: Listening;
  /** Version of what was taught. */
  readonly print: number | null;
  readonly clip: EarMachine['clip'];
}

class Ear {
  readonly #settings: EarSettings;
  readonly #say: (message: EarMessage) => void;
  #watched: readonly Watched[] = [];
  #session: ModelSession | null = null;
  #alive: NodeJS.Timeout | null = null;
  #looking: NodeJS.Timeout | null = null;
  #work: Promise<void> = Promise.resolve();
  #isBusy = false;

  constructor(settings: EarSettings, say: (message: EarMessage) => void) {
    this.#settings = settings;
    this.#say = say;
  }

  async start(): Promise<void> {
    const { model, modelFile, machines } = this.#settings;
    this.#session = await openSession(modelFile);
    this.#watched = machines.map((settings) => this.#watch(settings, model));
    const byMachine = new Map(this.#watched.map((one) => [one.machine, one]));
    process.on('message', (message: unknown) => {
      const asked = earAskedSchema.safeParse(message);
      const listening = asked.success ? byMachine.get(asked.data.machine)?.listening : undefined;
      if (!asked.success || listening === undefined) return;
      switch (asked.data.kind) {
        case 'enrol':
          listening.enrol(asked.data.samples);
          return;
        case 'move':
          listening.hearing.move(asked.data.moved);
          return;
        case 'poll': {
          const { ageMs, isRunning, speed } = asked.data;
          listening.hearing.poll({ timeMs: performance.now() - ageMs, isRunning, speed });
        }
      }
    });
    this.#alive = setInterval(() => this.#tellAlive(), aliveMs);
    this.#tellAlive();
    for (const { microphone } of this.#watched) await microphone.start(new AbortController().signal);
    this.#looking = setInterval(() => this.#turn(), lookMs);
  }

  async stop(): Promise<void> {
    if (this.#alive !== null) clearInterval(this.#alive);
    if (this.#looking !== null) clearInterval(this.#looking);
    await this.#work;
    await Promise.all(this.#watched.map(({ microphone }) => microphone.stop()));
    await this.#session?.close();
  }

  #watch({ machine, endpoint, prints, print, moved, clip, reference }: EarMachine, model: string): Watched {
    const taught = prints.map(({ speed, stats }): SpeedPrint => ({
      speed,
      print: printOf(readStats(Buffer.from(stats), model)),
    }));
    const microphone = createMicrophone(
      { microphone: machine, endpoint, ...(reference === null ? {} : { reference }) },
      {
        clock: { wallMs: () => Date.now(), monotonicMs: () => performance.now() },
        random: Math.random,
        onSound: () => undefined,
        onEvent: (event) => this.#microphone(event),
        log: () => undefined,
      },
    );
    const listening = new Listening(taught, microphone, { moved, clipSeconds: clip?.seconds ?? 0 });
    return { machine, microphone, listening, print, clip };
  }

  /** One turn at a time: a slow computer lets sound wait in its ring, where it is counted when it is lost. */
  #turn(): void {
    if (this.#isBusy) return;
    this.#isBusy = true;
    this.#work = this.#hear().finally(() => (this.#isBusy = false));
  }

  async #hear(): Promise<void> {
    const ready: { readonly one: Watched; readonly piece: OpenPiece }[] = [];
    for (const one of this.#watched) for (const piece of one.listening.take()) ready.push({ one, piece });
    for (let at = 0; at < ready.length; at += mostInARun) await this.#run(ready.slice(at, at + mostInARun));
    for (const { machine, listening } of this.#watched) {
      const message = listening.enrolled(machine, this.#settings.model);
      if (message !== null) this.#say(message);
    }
  }

  async #run(ready: readonly { readonly one: Watched; readonly piece: OpenPiece }[]): Promise<void> {
    if (this.#session === null) return;
    const pieces = ready.map(({ piece }) => piece);
    const features = await featuresOf(pieces, this.#session);
    for (const [at, { one, piece }] of ready.entries()) {
      const heard = features[at];
      if (heard === null || heard === undefined) continue;
      for (const told of one.listening.heard(piece, heard)) await this.#tell(one, told);
    }
  }

  /** Sound is timed by a clock that never jumps; people are told the time of day. */
  async #tell({ machine, listening, print, clip: wanted }: Watched, told: HearingTold): Promise<void> {
    const utc = (monotonicMs: number) => monotonicMs + Date.now() - performance.now();
    const atMs = utc(told.atMs);
    switch (told.kind) {
      case 'judged':
        this.#say({ ...told, machine, atMs });
        return;
      case 'began': {
        const picture = await pictureOf(listening.hearing.history.columns());
        const heard = wanted === null ? null : listening.clip();
        const clip = wanted === null || heard === null ? null : sealed(machine, atMs, heard, wanted.key);
        const sinceMs = utc(told.sinceMs);
        this.#say({ ...told, machine, print, atMs, sinceMs, ranges: [...told.ranges], picture, clip });
        return;
      }
      case 'ended':
        this.#say({ ...told, machine, atMs, sinceMs: utc(told.sinceMs) });
    }
  }

  #microphone(event: MicrophoneEvent): void {
    if (event.kind !== 'health') return;
    const { microphone: machine, verdict, reason, atMs } = event;
    this.#say({ kind: 'microphone', machine, state: verdict.kind, reason, atMs });
  }

  #tellAlive(): void {
    const microphones = this.#watched.map(({ machine, microphone, listening }) => {
      const { verdict, dropped } = microphone.counts();
      const counts = listening.hearing.counts();
      const { moved, leavesOutTooMuch } = listening.hearing;
      return { machine, state: verdict.kind, moved, leavesOutTooMuch, ...counts, dropped: counts.dropped + dropped };
    });
    this.#say({ kind: 'alive', microphones });
  }
}

/** Sound in clear does not leave this process. */
function sealed(
  machine: string,
  atMs: number,
  { rateHz, samples }: NonNullable<ReturnType<Listening['clip']>>,
  key: Uint8Array,
): Uint8Array<ArrayBuffer> {
  return sealClip({ machine, atMs: Math.round(atMs), rateHz, pcm: pcmOf(samples) }, key);
}

runSense(earSettingsSchema, (settings, say): SenseWork => {
  const ear = new Ear(settings, say);
  const started = ear.start().catch((error: unknown) => {
    process.stderr.write(`ear: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(isTheModels(error) ? 1 : senseExits.notTheModel);
  });
  return { stop: () => started.then(() => ear.stop()) };
});

/** What was taught and the microphone's address are not the model's; all else may be. */
function isTheModels(error: unknown): boolean {
  if (error instanceof DriverError) return false;
  return !(error instanceof ModelError && error.key === 'statsInvalid');
}
