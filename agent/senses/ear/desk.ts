/**
 * The ear as the agent has it: its process started with what was taught, the polls it needs handed down, and what it tells made events,
 * evidence and alerts of the pipeline. Whoever wants a machine enrolled asks here (`enrolments.ts`).
 *
 * Invariants (test/integration/ear-desk.test.ts):
 *  I1  A microphone that hears nothing, a machine that was not taught and a process that ends again and again are conditions of their machine,
 *      so that rules make alerts of them: there is no silent ear.
 *  I2  A picture is kept before the record that names it.
 *  I3  What is taught while the agent runs is used within some seconds, in a new process; so is another model.
 *  I4  What staff say of an alert moves the threshold within some seconds, also of a process that was started anew.
 */
import type { KeyObject } from 'node:crypto';
import type { EvidenceData } from '../../../cloud-bridge/contract.ts';
import type { DriverEvent } from '../../../drivers/contract.ts';
import { troubles } from '../../../drivers/microphone/health.ts';
import type { Pipeline, SoundPort } from '../../pipeline-ports.ts';
import { Conditions } from '../conditions.ts';
import { ForkThread } from '../fork.ts';
import { SenseProcess, type SenseState } from '../process.ts';
import { Clips, type ClipCounts } from './clips.ts';
import { EarPolls } from './polls.ts';
import { Enrolments } from './enrolments.ts';
import { Feedbacks, movedBy, type Feedback } from './labels.ts';
import { EarKnowledge, type EarModelWatch, type KnowledgeParts } from './knowledge.ts';
import { pictureAxis } from './picture-axis.ts';
import { printVersions } from './prints.ts';
import type { EnrolTold } from './requests.ts';
import { earMessageSchema, type EarMessage } from './settings.ts';
import { paths, type Path } from './telling.ts';

const lookEveryMs = 2_000;
const tryAgainMs = 60_000;
const sweepEveryMs = 60_000;
/** The machines are polled by other processes: sound comes after them. */
const niceness = 10;
/** So many samples without evidence after a start are enough to have told what is there, and so many rounds where there are rounds. */
const calmAfter = { levels: 20, rounds: 6 } as const;

export interface EarDeskParts extends KnowledgeParts {
  /** Of this gateway: what it taught is signed with it. */
  readonly keys: { readonly publicKey: KeyObject; readonly privateKey: KeyObject };
  readonly pipeline: Pick<Pipeline, 'accept' | 'evidence'> & { readonly sound: SoundPort };
  readonly keepFile: (bytes: Uint8Array) => Promise<string>;
  readonly clock: { wallMs(): number; monotonicMs(): number };
  readonly random: () => number;
}

interface Listened {
  readonly judged: number;
  readonly isRising: boolean;
}
const nothingListened: Listened = { judged: 0, isRising: false };

export type EarMicrophone = Extract<EarMessage, { kind: 'alive' }>['microphones'][number];

/** The ear as it is told to people. */
export interface EarView {
  readonly process: SenseState | null;
  readonly microphones: readonly EarMicrophone[];
  /** `id@version`; null while none can be used. */
  readonly model: string | null;
  /** The same of the one that says which fault it may be; null where no machine has use for it, too. */
  readonly faultModel: string | null;
  /** Those of the two that are on trial. */
  readonly onTrial: readonly string[];
  /** Machines whose threshold was moved by what staff said. */
  readonly feedback: readonly {
    readonly machine: string;
    readonly print: number | null;
    /** Spreads, of the levels and of rounds. */
    readonly moved: number;
    readonly movedBy: string | null;
    readonly movedRounds: number;
    readonly movedRoundsBy: string | null;
  }[];
  /** Sealed sound before alerts, since the agent began. */
  readonly clips: ClipCounts;
}

export class EarDesk {
  readonly #p: EarDeskParts;
  readonly #forks = new ForkThread();
  readonly #polls: EarPolls;
  #process: SenseProcess<EarMessage> | null = null;
  /** The process has the model of faults open; null: it has not said so yet. */
  #suspects: boolean | null = null;
  /** What the process runs with; another text, another process. */
  #runs = '';
  #tryAgainAtMs = Infinity;
  #timer: NodeJS.Timeout | null = null;
  #started = 0;
  /** Of which machines rounds are off was said. */
  #saidRounds = false;
  #microphones: readonly EarMicrophone[] = [];
  readonly #conditions: Conditions;
  readonly #enrolments: Enrolments;
  readonly #feedbacks: Feedbacks;
  readonly #clips: Clips;
  #sweptMs = Number.NEGATIVE_INFINITY;
  readonly #knowledge: EarKnowledge;
  /** Judged since the process was started, and whether the newest had evidence; `calm` once it was told. */
  readonly #listened = new Map<string, Readonly<Record<Path, Listened>> | 'calm'>();
  #work: Promise<void> = Promise.resolve();
  #hasEnded = false;

  constructor(parts: EarDeskParts) {
    this.#p = parts;
    this.#conditions = new Conditions(
      (event) => parts.pipeline.accept(event),
      () => parts.clock.wallMs(),
    );
    const { dataDir, keys, pipeline, clock, log } = parts;
    this.#feedbacks = new Feedbacks(dataDir, keys.publicKey, log);
    this.#knowledge = new EarKnowledge(parts, this.#conditions, (machine, print) => this.#feedbacks.of(machine, print));
    this.#clips = new Clips(dataDir, new Map([...parts.clips].map(([machine, { days }]) => [machine, days])));
    this.#enrolments = new Enrolments({
      dataDir,
      privateKey: keys.privateKey,
      microphone: (machine) => parts.machines.find(({ id }) => id === machine)?.ear.microphone ?? null,
      model: () => this.#knowledge.model,
      send: (message) => this.#process?.send(message),
      sound: pipeline.sound,
      clock,
      log,
    });
    const machines = parts.machines.map(({ id }) => id);
    this.#polls = new EarPolls(machines, () => parts.clock.monotonicMs());
  }

  /** Aborting `signal` is the same as `stop()`. */
  start(signal: AbortSignal): void {
    if (signal.aborted) return;
    signal.addEventListener('abort', () => void this.stop(), { once: true });
    this.look();
    this.#timer = setInterval(() => {
      this.look();
      for (const watch of this.#watches()) void watch.makeUp();
    }, lookEveryMs);
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#hasEnded = true;
    this.#enrolments.stop();
    for (const watch of this.#watches()) await watch.stop();
    await this.#work;
    await this.#process?.stop();
    await this.#work;
    await this.#forks.stop();
  }

  view(): EarView {
    return {
      process: this.#process?.state() ?? null,
      microphones: this.#microphones,
      model: this.#knowledge.model,
      faultModel: this.#suspects === true ? this.#knowledge.faultModel : null,
      onTrial: this.#watches().flatMap((watch) => {
        const chosen = watch.chosen();
        return chosen?.onTrial === true ? [chosen.model.model] : [];
      }),
      feedback: this.#p.machines.flatMap(({ id: machine }) => {
        const feedback = this.feedback(machine);
        const { print, moved, movedRounds } = feedback;
        if (moved === 0 && movedRounds === 0) return [];
        const [by, roundsBy] = [movedBy(feedback, 'levels'), movedBy(feedback, 'rounds')];
        return [{ machine, print, moved, movedBy: by, movedRounds, movedRoundsBy: roundsBy }];
      }),
      clips: this.#clips.counts(),
    };
  }

  /** Version a machine is judged by; null: it is not. */
  print(machine: string): number | null {
    return this.#knowledge.print(machine);
  }

  /** How the threshold of a machine is moved now, and by what. */
  feedback(machine: string): Feedback {
    return this.#feedbacks.of(machine, this.print(machine));
  }

  /** What runs, or how the last one ended; null where none was asked for since the agent began. */
  enrolment(machine: string): EnrolTold | null {
    return this.#enrolments.of(machine);
  }

  /** To be told of all that drivers bring: whether machines run, and how fast. */
  saw(event: DriverEvent): void {
    for (const message of this.#polls.saw(event)) this.#process?.send(message);
  }

  /** Takes requests and what staff said, and starts a process with what is taught now when that is something else than before. */
  look(): void {
    if (this.#hasEnded) return;
    this.#sweep();
    for (const { id } of this.#p.machines) this.#enrolments.look(id);
    for (const one of this.#microphones) this.#move(one);
    if (this.#p.clock.monotonicMs() >= this.#tryAgainAtMs) this.#runs = '';
    const runs = JSON.stringify([
      this.#knowledge.models(),
      this.#p.machines.map(({ id }) => printVersions(this.#p.dataDir, id)[0]),
    ]);
    if (runs === this.#runs) return;
    this.#runs = runs;
    this.#tryAgainAtMs = Infinity;
    const old = this.#process;
    this.#process = null;
    this.#work = this.#work.then(async () => {
      await old?.stop();
      if (!this.#hasEnded) await this.#begin();
    });
  }

  #sweep(): void {
    const { clock } = this.#p;
    if (clock.monotonicMs() - this.#sweptMs < sweepEveryMs) return;
    this.#sweptMs = clock.monotonicMs();
    this.#clips.sweep(clock.wallMs());
  }

  async #begin(): Promise<void> {
    const { clock, random, log } = this.#p;
    const settings = await this.#knowledge.settings();
    this.#suspects = null;
    if (this.#hasEnded) return;
    if (settings === null) {
      this.#tryAgainAtMs = clock.monotonicMs() + tryAgainMs;
      return;
    }
    this.#started = 0;
    this.#saidRounds = false;
    this.#process = new SenseProcess<EarMessage>({
      name: 'ear',
      script: new URL('./child.ts', import.meta.url),
      settings,
      message: earMessageSchema,
      onMessage: (message) => this.#heard(message),
      onState: (state) => this.#state(state),
      onEnd: (how) => this.#ended(how),
      niceness,
      fork: this.#forks.fork,
      clock,
      random,
      log,
    });
    this.#process.start(new AbortController().signal);
  }

  /**
   * Tells the process how far a threshold is moved, where that is not as it has it: after a label, and one that was started anew with what
   * was known at the start of the first.
   * @param has in spreads
   */
  #move({ machine, ...has }: Pick<EarMicrophone, 'machine' | 'moved' | 'movedRounds'>): void {
    const { print, moved, movedRounds } = this.feedback(machine);
    if (print === null || (moved === has.moved && movedRounds === has.movedRounds)) return;
    this.#process?.send({ kind: 'move', machine, moved, movedRounds });
  }

  /** Whose native code it was nobody can tell: it counts against each model that is on trial. */
  #ended(how: string): void {
    for (const watch of this.#watches()) void watch.ended(how);
  }

  #watches(): readonly EarModelWatch[] {
    return [this.#p.models, this.#p.faultModels];
  }

  #state(state: SenseState): void {
    const isAnother = state.running && state.restarts !== this.#started;
    for (const { id } of this.#p.machines) {
      this.#conditions.set(id, 'ear.crash_loop', state.looping);
      if (state.running) this.#listened.set(id, { levels: nothingListened, rounds: nothingListened });
      if (isAnother) this.#p.pipeline.sound.anew(id, this.#p.clock.wallMs());
    }
    if (state.running) this.#enrolments.again();
    this.#started = state.restarts;
  }

  #heard(message: EarMessage): void {
    const { pipeline } = this.#p;
    switch (message.kind) {
      case 'alive':
        this.#microphones = message.microphones;
        this.#seesFaults(message.suspects);
        this.#seesRounds();
        for (const one of message.microphones) {
          const { machine, leavesOutTooMuch, speech, alarm } = one;
          this.#move(one);
          const why = leavesOutTooMuch ? `speech ${speech}, alarm ${alarm}` : null;
          this.#conditions.set(machine, 'ear.judges_nothing', leavesOutTooMuch, why);
        }
        return;
      case 'print':
        this.#knowledge.read(message.machine, message.print, message.refused);
        return;
      case 'microphone': {
        const { machine, state, reason } = message;
        for (const trouble of troubles) {
          this.#conditions.set(machine, `microphone.${trouble}`, state === trouble, reason);
        }
        return;
      }
      case 'judged':
        this.#calms(message, 'levels');
        return;
      case 'round':
        this.#calms(message, 'rounds');
        return;
      case 'began':
        this.#work = this.#work.then(() => this.#began(message));
        return;
      case 'ended':
        this.#work = this.#work.then(() => pipeline.sound.ended(message.machine, message.atMs));
        return;
      case 'enrolling':
        this.#enrolments.progress(message.machine, message.speeds);
        return;
      case 'enrolled':
        this.#work = this.#work.then(() => this.#enrolments.learned(message));
    }
  }

  /** An alert from before a start is over when neither way has found anything for long enough. */
  #calms({ machine, evidence, atMs }: Extract<EarMessage, { kind: 'judged' | 'round' }>, path: Path): void {
    const before = this.#listened.get(machine) ?? { levels: nothingListened, rounds: nothingListened };
    if (before === 'calm') return;
    const listened = { ...before, [path]: { judged: before[path].judged + 1, isRising: evidence > 0 } };
    const hasRounds = this.#microphones.some((one) => one.machine === machine && one.rounds.state === 'on');
    const isCalm = (hasRounds ? paths : (['levels'] as const)).every(
      (way) => listened[way].judged > calmAfter[way] && !listened[way].isRising,
    );
    this.#listened.set(machine, isCalm ? 'calm' : listened);
    if (isCalm) this.#p.pipeline.sound.calm(machine, atMs);
  }

  /** Told once of each process: what was taught before there were rounds goes on without. */
  #seesRounds(): void {
    if (this.#saidRounds) return;
    this.#saidRounds = true;
    const machines = this.#microphones.flatMap(({ machine, rounds }) =>
      rounds.state === 'teach-anew' ? [machine] : [],
    );
    if (machines.length === 0) return;
    this.#p.log('warn', 'machines are not heard in rounds: enrol them anew', { machines: machines.join(', ') });
  }

  /** Told once of each process. */
  #seesFaults(suspects: boolean): void {
    const model = this.#knowledge.faultModel;
    if (model !== null && !suspects && this.#suspects !== false) {
      this.#p.log('error', 'the model of faults could not be used: none is suspected', { model });
    }
    this.#suspects = suspects;
  }

  async #began({ machine, picture, clip, ...sound }: Extract<EarMessage, { kind: 'began' }>): Promise<void> {
    const { pipeline, keepFile, clock, log } = this.#p;
    if (clip !== null) this.#clips.keep(machine, sound.atMs, clip);
    try {
      const sha256 = picture === null ? null : await keepFile(picture);
      const { path, sinceMs, score, threshold, spread, print, moved, speed, ranges, suspected, angle, needles } = sound;
      const by = moved === 0 ? null : movedBy(this.#feedbacks.of(machine, print), path);
      const isSimulated = this.#p.machines.find(({ id }) => id === machine)?.ear.simulated ?? false;
      const model = this.#knowledge.model ?? '';
      const about = { score, threshold, spread, print, moved, movedBy: by, speed, ranges, suspected, angle, needles };
      const shown = { spectrogram: sha256, spectrogramAxis: sha256 === null ? null : pictureAxis };
      const odd = { machine, path, sinceMs, ...about, ...shown, model, isSimulated };
      const { occurrence } = pipeline.sound.began(odd);
      if (sha256 === null || picture === null) return;
      const data: EvidenceData = {
        sha256,
        bytes: picture.length,
        mediaType: 'image/webp',
        role: 'spectrogram',
        occurrence,
      };
      await pipeline.evidence(machine, Math.round(clock.wallMs()), data);
    } catch (error) {
      log('error', 'what the ear heard could not be kept', { machine, error: String(error) });
    }
  }
}
