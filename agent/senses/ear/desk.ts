/**
 * The ear as the agent has it: its process started with what was taught, the polls it needs handed down, and what it tells made events,
 * evidence and alerts of the pipeline. Whoever wants a machine enrolled asks here, by `requests.ts`.
 *
 * Invariants (test/integration/ear-desk.test.ts):
 *  I1  A microphone that hears nothing, a machine that was not taught and a process that ends again and again are conditions of their machine,
 *      so that rules make alerts of them: there is no silent ear.
 *  I2  A picture is kept before the record that names it.
 *  I3  What is taught while the agent runs is used within some seconds, in a new process; so is another model.
 *  I4  An enrolment ends with what was kept, or with why nothing was; one whose process ended is begun anew by the next.
 */
import type { KeyObject } from 'node:crypto';
import type { EvidenceData } from '../../../cloud-bridge/contract.ts';
import type { DriverEvent } from '../../../drivers/contract.ts';
import { troubles } from '../../../drivers/microphone/health.ts';
import type { EarConfig } from '../../config/config.ts';
import type { VerifiedModel } from '../../models/installed.ts';
import type { Pipeline, SoundPort } from '../../pipeline-ports.ts';
import { Conditions } from '../conditions.ts';
import { ForkThread } from '../fork.ts';
import { SenseProcess, type SenseState } from '../process.ts';
import { senseModel, type SenseModel } from '../sense-model.ts';
import { EarPolls } from './polls.ts';
import { keepPrint, printFor, printVersions } from './prints.ts';
import { takeRequest, tellEnrolling, type EnrolTold } from './requests.ts';
import { earMessageSchema, type EarMachine, type EarMessage, type EarSettings, type Enrolled } from './settings.ts';

export const earModelId = 'machine-voiceprint';

const lookEveryMs = 2_000;
const tryAgainMs = 60_000;
/** The machines are polled by other processes: sound comes after them. */
const niceness = 10;
/** So many samples without evidence after a start are enough to have told what is there. */
const calmSamples = 20;

export interface EarDeskParts {
  readonly machines: readonly { readonly id: string; readonly ear: EarConfig }[];
  readonly dataDir: string;
  /** Of this gateway: what it taught is signed with it. */
  readonly keys: { readonly publicKey: KeyObject; readonly privateKey: KeyObject };
  /** The installed version in use; null: the one that came with the agent. */
  readonly active: () => VerifiedModel | null;
  readonly pipeline: Pick<Pipeline, 'accept' | 'evidence'> & { readonly sound: SoundPort };
  readonly keepFile: (bytes: Uint8Array) => Promise<string>;
  readonly clock: { wallMs(): number; monotonicMs(): number };
  readonly random: () => number;
  readonly log: (level: 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown>) => void;
}

export type EarMicrophone = Extract<EarMessage, { kind: 'alive' }>['microphones'][number];

/** The ear as it is told to people. */
export interface EarView {
  readonly process: SenseState | null;
  readonly microphones: readonly EarMicrophone[];
  /** `id@version`; null while none can be used. */
  readonly model: string | null;
}

interface Enrolment {
  readonly id: string;
  readonly wanted: number;
  told: EnrolTold;
}

export class EarDesk {
  readonly #p: EarDeskParts;
  readonly #forks = new ForkThread();
  readonly #polls: EarPolls;
  #process: SenseProcess<EarMessage> | null = null;
  #model: SenseModel | null = null;
  /** What the process runs with; another text, another process. */
  #runs = '';
  #tryAgainAtMs = Infinity;
  #timer: NodeJS.Timeout | null = null;
  #started = 0;
  #microphones: readonly EarMicrophone[] = [];
  readonly #conditions: Conditions;
  readonly #enrolments = new Map<string, Enrolment>();
  /** Samples judged since the process was started; `calm` once it was told. */
  readonly #listened = new Map<string, number | 'calm'>();
  #work: Promise<void> = Promise.resolve();
  #hasEnded = false;

  constructor(parts: EarDeskParts) {
    this.#p = parts;
    this.#conditions = new Conditions(
      (event) => parts.pipeline.accept(event),
      () => parts.clock.wallMs(),
    );
    const machines = parts.machines.map(({ id }) => id);
    this.#polls = new EarPolls(machines, () => parts.clock.monotonicMs());
  }

  /** Aborting `signal` is the same as `stop()`. */
  start(signal: AbortSignal): void {
    if (signal.aborted) return;
    signal.addEventListener('abort', () => void this.stop(), { once: true });
    this.look();
    this.#timer = setInterval(() => this.look(), lookEveryMs);
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#hasEnded = true;
    for (const machine of this.#enrolments.keys()) this.#close(machine, { state: 'stopped' });
    await this.#work;
    await this.#process?.stop();
    await this.#work;
    await this.#forks.stop();
  }

  view(): EarView {
    return {
      process: this.#process?.state() ?? null,
      microphones: this.#microphones,
      model: this.#model?.model ?? null,
    };
  }

  /** To be told of all that drivers bring: whether machines run, and how fast. */
  saw(event: DriverEvent): void {
    for (const message of this.#polls.saw(event)) this.#process?.send(message);
  }

  /** Takes requests, and starts a process with what is taught now when that is something else than before. */
  look(): void {
    if (this.#hasEnded) return;
    for (const { id } of this.#p.machines) this.#requested(id);
    if (this.#p.clock.monotonicMs() >= this.#tryAgainAtMs) this.#runs = '';
    const runs = JSON.stringify([this.#key(), this.#p.machines.map(({ id }) => printVersions(this.#p.dataDir, id)[0])]);
    if (runs === this.#runs) return;
    this.#runs = runs;
    this.#tryAgainAtMs = Infinity;
    const old = this.#process;
    this.#process = null;
    this.#work = this.#work.then(async () => {
      await old?.stop();
      if (!this.#hasEnded) this.#begin();
    });
  }

  /** While nobody can read which model is in use, the one that runs goes on. */
  #key(): string {
    try {
      return this.#p.active()?.manifest.version ?? 'shipped';
    } catch {
      return this.#model?.manifest.version ?? 'shipped';
    }
  }

  #begin(): void {
    const { clock, random, log } = this.#p;
    const settings = this.#settings();
    if (settings === null) return;
    this.#started = 0;
    this.#process = new SenseProcess<EarMessage>({
      name: 'ear',
      script: new URL('./child.ts', import.meta.url),
      settings,
      message: earMessageSchema,
      onMessage: (message) => this.#heard(message),
      onState: (state) => this.#state(state),
      niceness,
      fork: this.#forks.fork,
      clock,
      random,
      log,
    });
    this.#process.start(new AbortController().signal);
  }

  #settings(): EarSettings | null {
    const { machines, active, log, clock } = this.#p;
    try {
      this.#model = senseModel(earModelId, active());
    } catch (error) {
      log('error', 'the model of the ear cannot be used', { error: String(error) });
      this.#tryAgainAtMs = clock.monotonicMs() + tryAgainMs;
      for (const { id } of machines) this.#conditions.set(id, 'ear.no_model', true);
      return null;
    }
    const { model, modelFile } = this.#model;
    const known = machines.map(({ id, ear }): EarMachine => {
      this.#conditions.set(id, 'ear.no_model', false);
      return this.#machineOf(id, ear.microphone, model);
    });
    return { kind: 'settings', modelFile, model, machines: known };
  }

  #machineOf(machine: string, endpoint: string, model: string): EarMachine {
    const { dataDir, keys, log } = this.#p;
    try {
      const { description, stats } = printFor(dataDir, machine, keys.publicKey, model);
      const prints = description.speeds.map(({ speed }, at) => ({
        speed,
        stats: Uint8Array.from(stats[at] ?? Buffer.alloc(0)),
      }));
      this.#conditions.set(machine, 'ear.not_taught', false);
      return { machine, endpoint, prints, reference: description.levels };
    } catch (error) {
      log('warn', 'the ear has not been taught this machine', { machine, model, error: String(error) });
      this.#conditions.set(machine, 'ear.not_taught', true);
      return { machine, endpoint, prints: [], reference: null };
    }
  }

  #state(state: SenseState): void {
    const isAnother = state.running && state.restarts !== this.#started;
    for (const { id } of this.#p.machines) {
      this.#conditions.set(id, 'ear.crash_loop', state.looping);
      if (state.running) this.#listened.set(id, 0);
      if (isAnother) this.#p.pipeline.sound.anew(id, this.#p.clock.wallMs());
    }
    // Its process knows of no enrolment: it is asked again.
    if (state.running) for (const [machine, { wanted }] of this.#enrolments) this.#enrol(machine, wanted);
    this.#started = state.restarts;
  }

  #heard(message: EarMessage): void {
    const { pipeline } = this.#p;
    switch (message.kind) {
      case 'alive':
        this.#microphones = message.microphones;
        return;
      case 'microphone': {
        const { machine, state, reason } = message;
        for (const trouble of troubles) {
          this.#conditions.set(machine, `microphone.${trouble}`, state === trouble, reason);
        }
        return;
      }
      case 'judged': {
        const { machine, evidence, atMs } = message;
        const listened = this.#listened.get(machine) ?? 0;
        if (listened === 'calm') return;
        if (listened < calmSamples || evidence > 0) this.#listened.set(machine, listened + 1);
        else {
          this.#listened.set(machine, 'calm');
          pipeline.sound.calm(machine, atMs);
        }
        return;
      }
      case 'began':
        this.#work = this.#work.then(() => this.#began(message));
        return;
      case 'ended':
        this.#work = this.#work.then(() => pipeline.sound.ended(message.machine, message.atMs));
        return;
      case 'enrolling': {
        const enrolment = this.#enrolments.get(message.machine);
        if (enrolment === undefined) return;
        enrolment.told = { ...enrolment.told, speeds: message.speeds };
        this.#tell(message.machine, enrolment.told);
        return;
      }
      case 'enrolled':
        this.#work = this.#work.then(() => this.#enrolled(message));
    }
  }

  async #began({ machine, picture, ...sound }: Extract<EarMessage, { kind: 'began' }>): Promise<void> {
    const { pipeline, keepFile, clock, log } = this.#p;
    try {
      const sha256 = picture === null ? null : await keepFile(picture);
      const { sinceMs, score, threshold, speed, ranges } = sound;
      const isSimulated = this.#p.machines.find(({ id }) => id === machine)?.ear.simulated ?? false;
      const model = this.#model?.model ?? '';
      const odd = { machine, sinceMs, score, threshold, speed, ranges, model, isSimulated };
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

  #requested(machine: string): void {
    const request = takeRequest(this.#p.dataDir, machine);
    if (request === null) return;
    const { id, samples } = request;
    this.#close(machine, { state: 'stopped' });
    if (samples === null) {
      this.#process?.send({ kind: 'enrol', machine, samples: null });
      this.#tell(machine, { ...noneTold, id, state: 'stopped' });
      return;
    }
    const told = { ...noneTold, id, state: 'running', wanted: samples } as const;
    this.#enrolments.set(machine, { id, wanted: samples, told });
    this.#tell(machine, told);
    this.#enrol(machine, samples);
  }

  #enrol(machine: string, samples: number): void {
    this.#process?.send({ kind: 'enrol', machine, samples });
  }

  async #enrolled({ machine, rateHz, levels, prints, leftOut }: Enrolled): Promise<void> {
    const { dataDir, keys, clock, log, pipeline, machines } = this.#p;
    const microphone = machines.find(({ id }) => id === machine)?.ear.microphone;
    if (microphone === undefined || this.#model === null || !this.#enrolments.has(machine)) return;
    try {
      const speeds = prints.map((print) => ({ ...print }));
      const { model } = this.#model;
      const taught = { machine, taughtMs: Math.round(clock.wallMs()), model, microphone, rateHz, levels, speeds };
      const { version } = keepPrint(dataDir, taught, keys.privateKey);
      const learned = prints.map(({ speed, samples }) => ({ speed, samples }));
      this.#close(machine, { state: 'done', version, speeds: learned, leftOut });
      log('info', 'a machine was enrolled', { machine, version, speeds: speeds.length });
      await pipeline.sound.taught(machine, {
        version,
        speeds: prints.map(({ speed, samples }) => `${speed}: ${samples}`).join('; '),
      });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      log('error', 'an enrolment could not be kept', { machine, error: reason });
      this.#close(machine, { state: 'failed', reason: reason.slice(0, 300) });
    }
  }

  /** Ends an enrolment that runs; nothing where none does. */
  #close(machine: string, how: Partial<EnrolTold>): void {
    const enrolment = this.#enrolments.get(machine);
    if (enrolment === undefined) return;
    this.#enrolments.delete(machine);
    this.#tell(machine, { ...enrolment.told, ...how });
  }

  #tell(machine: string, told: EnrolTold): void {
    try {
      tellEnrolling(this.#p.dataDir, machine, told);
    } catch (error) {
      this.#p.log('warn', 'how far an enrolment is cannot be told', { machine, error: String(error) });
    }
  }
}

const noneTold = { wanted: 0, speeds: [], version: null, leftOut: [], reason: null };
