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
import { writeStats } from '../../../models/stats-file.ts';
import { faultStatsOf } from '../../../models/voiceprint/fault-print.ts';
import { suspect, type Suspicion } from '../../../models/voiceprint/faults.ts';
import type { Trial } from '../../models/trial.ts';
import { runSense, senseExits, type SenseWork } from '../sense-child.ts';
import { trialOf } from '../trial-of.ts';
import type { OpenPiece, SpeedPrint } from './hearing.ts';
import { pcmOf, sealClip } from './clips.ts';
import { featuresOf, Listening } from './listening.ts';
import { NeedleSearch, type Needles } from './needle-search.ts';
import { pictureOf } from './picture.ts';
import { Pulses } from './pulses.ts';
import { RoundPlan } from './round-plan.ts';
import type { RoundTold } from './rounds.ts';
import {
  earAskedSchema,
  type EarCylinder,
  type EarMachine,
  type EarMessage,
  type EarSettings,
  earSettingsSchema,
  type RoundsState,
  leastSuspected,
  mostReason,
  mostSuspected,
  type SpeedFile,
} from './settings.ts';
import { faultsAt, observeQueued, Suspecting, type LearnedFaults, type LeftOutLevels } from './suspecting.ts';
import { faultPrints, speedPrints } from './taught.ts';
import type { Path } from './telling.ts';

const aliveMs = 2_000;
const lookMs = 250;
/** Pieces in one run of the graph. */
const mostInARun = 32;
/** So many machines at a time are heard in a round: two hundred that sew, a round in half a minute, need a hundred. */
const turns = { mostOpen: 100, mostWaiting: 200 } as const;

interface Watched {
  readonly machine: string;
  readonly microphone: Microphone;
  readonly listening: Listening;
  /** Version of what was taught. */
  readonly print: number | null;
  readonly clip: EarMachine['clip'];
  /** Something is known of faults of such a machine. */
  readonly turns: boolean;
  /** null: no needle is looked for. */
  readonly cylinder: EarCylinder | null;
}

class Ear {
  readonly #settings: EarSettings;
  readonly #say: (message: EarMessage) => void;
  #watched: readonly Watched[] = [];
  readonly #search = new NeedleSearch();
  #session: ModelSession | null = null;
  /** null: no fault is suspected. A model of faults that cannot be used takes nothing else with it. */
  #faults: { readonly graph: ModelSession; readonly model: string } | null = null;
  readonly #trials: Trial[] = [];
  readonly #plan: RoundPlan;
  #alive: NodeJS.Timeout | null = null;
  #looking: NodeJS.Timeout | null = null;
  #work: Promise<void> = Promise.resolve();
  #isBusy = false;

  constructor(settings: EarSettings, say: (message: EarMessage) => void) {
    this.#settings = settings;
    this.#plan = new RoundPlan({ everyMs: settings.roundEveryMs, ...turns });
    this.#say = say;
  }

  async start(): Promise<void> {
    const { modelFile, machines } = this.#settings;
    this.#session = await openSession(modelFile);
    await this.#openFaults();
    for (const trial of this.#settings.trials) this.#trials.push(await trialOf(trial, this.#settings.dataDir));
    this.#watched = machines.map((one) => this.#watch(one));
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
          listening.rounds.move(asked.data.movedRounds);
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
    this.#search.stop();
    await this.#work;
    await Promise.all(this.#watched.map(({ microphone }) => microphone.stop()));
    await this.#session?.close();
    await this.#faults?.graph.close();
  }

  async #openFaults(): Promise<void> {
    const { faults } = this.#settings;
    if (faults === null) return;
    try {
      this.#faults = { graph: await openSession(faults.modelFile), model: faults.model };
    } catch (error) {
      this.#withoutFaults(error);
    }
  }

  #withoutFaults(error: unknown): void {
    process.stderr.write(`ear: no fault is suspected: ${error instanceof Error ? error.message : String(error)}\n`);
    this.#faults = null;
    this.#tellAlive();
  }

  #watch({ machine, endpoint, prints, print, moved, movedRounds, clip, reference, ...more }: EarMachine): Watched {
    const taught = print === null ? [] : this.#taught(machine, print, prints);
    const pulses = more.hasPulse ? new Pulses() : null;
    const microphone = createMicrophone(
      { microphone: machine, endpoint, hasPulse: more.hasPulse, ...(reference === null ? {} : { reference }) },
      {
        clock: { wallMs: () => Date.now(), monotonicMs: () => performance.now() },
        random: Math.random,
        onSound: () => undefined,
        onPulse: (atSample) => pulses?.add(atSample),
        onEvent: (event) => this.#microphone(event),
        log: () => undefined,
      },
    );
    const suspecting = this.#suspecting(more);
    const hasTurn = (nowMs: number) => this.#faults !== null && this.#plan.asks(machine, nowMs);
    const own = { moved, movedRounds, clipSeconds: clip?.seconds ?? 0, suspecting, pulses, hasTurn };
    const listening = new Listening(taught, microphone, own);
    const { cylinder, turner } = more;
    return { machine, microphone, listening, print, clip, cylinder, turns: turner !== null };
  }

  /** What cannot be used is told, and the machine is heard as one that was not taught; the others have nothing to do with it. */
  #taught(machine: string, print: number, files: readonly SpeedFile[]): readonly SpeedPrint[] {
    try {
      const taught = speedPrints(files, this.#settings.model);
      this.#say({ kind: 'print', machine, print, refused: null });
      return taught;
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
      this.#say({ kind: 'print', machine, print, refused: error.message.slice(0, mostReason) });
      return [];
    }
  }

  #suspecting({ turner, faults }: Pick<EarMachine, 'turner' | 'faults'>): Suspecting | null {
    if (turner === null || this.#faults === null) return null;
    return new Suspecting(turner, faultPrints(faults, this.#faults.model, turner.kind));
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
      const { suspecting } = listening;
      const message = await listening.enrolled(machine, this.#settings.model, (learned, speed, levels) =>
        this.#learnFaults(suspecting, learned, speed, levels),
      );
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
      const { telling } = one.listening;
      for (const told of telling.pass('levels', one.listening.heard(piece, heard)))
        await this.#tell(one, told, 'levels');
    }
    await this.#observe(this.#watched);
    for (const one of this.#watched) await this.#rounds(one);
  }

  /** Judges the rounds of a machine that are whole. */
  async #rounds(one: Watched): Promise<void> {
    const { machine, listening } = one;
    const { rounds, suspecting, telling } = listening;
    for (const round of rounds.take()) {
      this.#plan.done(machine);
      if (this.#faults === null || suspecting === null) return;
      try {
        const suspicion = await suspect(round.sample, round.against.faults, suspecting.turner, this.#faults.graph);
        for (const told of telling.pass('rounds', rounds.judge(round, suspicion)))
          await this.#tell(one, told, 'rounds');
      } catch (error) {
        this.#withoutFaults(error);
      }
    }
  }

  async #observe(several: readonly Watched[]): Promise<void> {
    const suspecting = several.flatMap(({ listening }) => listening.suspecting ?? []);
    if (this.#faults === null) return;
    try {
      await observeQueued(suspecting, this.#faults.graph);
    } catch (error) {
      this.#withoutFaults(error);
    }
  }

  async #learnFaults(
    one: Suspecting | null,
    learned: LearnedFaults,
    speed: number,
    levels: readonly LeftOutLevels[],
  ): Promise<Uint8Array<ArrayBuffer> | null> {
    if (this.#faults === null || one === null) return null;
    const { graph, model } = this.#faults;
    try {
      const print = await faultsAt(learned, speed, one.turner, graph, levels);
      return print === null ? null : Uint8Array.from(writeStats(faultStatsOf(print, model)));
    } catch (error) {
      this.#withoutFaults(error);
      return null;
    }
  }

  /** From the sound of the rise until now. */
  async #suspected(one: Watched, speed: number): Promise<Suspicion | null> {
    await this.#observe([one]);
    const { suspecting } = one.listening;
    if (this.#faults === null || suspecting === null) return null;
    try {
      return await suspecting.suspected(speed, this.#faults.graph);
    } catch (error) {
      this.#withoutFaults(error);
      return null;
    }
  }

  async #needles({ listening, cylinder }: Watched): Promise<{ needles: number[]; k: number } | null> {
    const turns = cylinder === null ? null : listening.lastTurns();
    if (cylinder === null || turns === null) return null;
    const { firstNeedle, ...geometry } = cylinder;
    const found: Needles | null = await this.#search.find({ ...turns, cylinder: geometry });
    return found === null ? null : { needles: found.needles.map((one) => one + firstNeedle), k: found.k };
  }

  /** Sound is timed by a clock that never jumps; people are told the time of day. */
  async #tell(one: Watched, { suspicion: ofRounds = null, ...told }: RoundTold, path: Path): Promise<void> {
    const { machine, listening, print, clip: wanted } = one;
    const utc = (monotonicMs: number) => monotonicMs + Date.now() - performance.now();
    const atMs = utc(told.atMs);
    switch (told.kind) {
      case 'judged':
        this.#say({ ...told, kind: path === 'levels' ? 'judged' : 'round', machine, atMs });
        return;
      case 'began': {
        const picture = await pictureOf(listening.hearing.history.columns());
        const heard = wanted === null ? null : listening.clip();
        const clip = wanted === null || heard === null ? null : sealed(machine, atMs, heard, wanted.key);
        const suspicion = told.path === 'rounds' ? ofRounds : await this.#suspected(one, told.speed);
        const suspected = likeliest(suspicion);
        const needles = suspected[0]?.fault === 'badNeedle' ? await this.#needles(one) : null;
        const found = suspicion?.angle ?? null;
        const angle = found === null ? null : { degrees: 360 * found.turns, k: Math.min(360, 360 * found.k) };
        const sound = { sinceMs: utc(told.sinceMs), ranges: [...told.ranges], suspected, angle, needles };
        this.#say({ ...told, machine, print, atMs, ...sound, picture, clip });
        return;
      }
      case 'ended':
        this.#say({ ...told, machine, atMs, sinceMs: utc(told.sinceMs) });
    }
  }

  /** The model of the levels runs or ends the process; that of faults may be left. */
  #beat(trial: Trial): void {
    const { faults } = this.#settings;
    const isLeft = this.#faults === null && faults?.model === `${trial.id}@${trial.version}`;
    if (isLeft) trial.missed();
    else trial.beat();
  }

  #microphone(event: MicrophoneEvent): void {
    if (event.kind !== 'health') return;
    const { microphone: machine, verdict, reason, atMs } = event;
    this.#say({ kind: 'microphone', machine, state: verdict.kind, reason, atMs });
  }

  #roundsState({ turns, print, listening }: Watched): RoundsState {
    if (!turns) return 'no-faults-known';
    if (this.#faults === null) return 'no-model';
    if (print === null) return 'not-taught';
    return listening.rounds.isOn ? 'on' : 'teach-anew';
  }

  #tellAlive(): void {
    const microphones = this.#watched.map((one) => {
      const { machine, microphone, listening } = one;
      const { verdict, dropped } = microphone.counts();
      const counts = listening.hearing.counts();
      const { moved, leavesOutTooMuch } = listening.hearing;
      const { judged, otherHall, dropped: lost } = listening.rounds.counts();
      const { dropped: turnsLost } = this.#plan.counts(machine);
      const rounds = { state: this.#roundsState(one), judged, otherHall, dropped: lost, turnsLost };
      const about = { moved, movedRounds: listening.rounds.moved, leavesOutTooMuch, rounds };
      return { machine, state: verdict.kind, ...about, ...counts, dropped: counts.dropped + dropped };
    });
    this.#say({ kind: 'alive', suspects: this.#faults !== null, microphones });
    for (const trial of this.#trials) this.#beat(trial);
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

const likeliest = (suspicion: Suspicion | null) =>
  (suspicion?.faults ?? []).filter(({ probability }) => probability >= leastSuspected).slice(0, mostSuspected);

/** A microphone's address is not the model's; all else may be. */
const isTheModels = (error: unknown) => !(error instanceof DriverError);
