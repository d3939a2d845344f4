/**
 * The eye as the agent has it: its process started with what was taught, the polls it needs handed down, and what it tells made findings,
 * evidence and alerts of the pipeline.
 *
 * Invariants (test/integration/eye-agent.test.ts):
 *  I1  A camera that sees nothing, a cloth that was not taught and a process that ends again and again are conditions of their machine, so
 *      that rules make alerts of them: there is no silent eye.
 *  I2  A crop is kept before the record that names it.
 *  I3  What is taught while the agent runs is used within some seconds, in a new process.
 */
import type { KeyObject } from 'node:crypto';
import type { ConditionEvent, DriverEvent, ReadingsEvent } from '../../../drivers/contract.ts';
import type { EvidenceData } from '../../../cloud-bridge/contract.ts';
import type { EyeConfig } from '../../config/config.ts';
import type { Pipeline } from '../../pipeline-ports.ts';
import { SenseProcess, type SenseState } from '../process.ts';
import { readStyle, styleVersions } from '../styles.ts';
import type { EyeModel } from './model.ts';
import { type EyeMachine, type EyeMessage, eyeMessageSchema, type EyeSettings, type Position } from './settings.ts';

/** What is taught is looked for so often. */
const styleEveryMs = 5_000;
/** No circular machine turns faster than 120 a minute (`drivers/profiles/knit-circular-kf4-tcp.yaml`). */
const fastestMs = 500;
const speedSignal = 'cylinder.speed';
const countSignal = 'revolution.count';

export interface EyeDeskParts {
  readonly machines: readonly { readonly id: string; readonly eye: EyeConfig }[];
  readonly dataDir: string;
  /** Of this gateway: what it taught is signed with it. */
  readonly publicKey: KeyObject;
  readonly model: () => EyeModel;
  readonly pipeline: Pick<Pipeline, 'accept' | 'finding' | 'fabricAnew' | 'fabricLooked' | 'evidence'>;
  readonly keepFile: (bytes: Uint8Array) => Promise<string>;
  readonly clock: { wallMs(): number; monotonicMs(): number };
  readonly random: () => number;
  readonly log: (level: 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown>) => void;
}

export type EyeCamera = Extract<EyeMessage, { kind: 'alive' }>['cameras'][number];

export class EyeDesk {
  readonly #p: EyeDeskParts;
  #process: SenseProcess<EyeMessage> | null = null;
  #styles = '';
  #timer: NodeJS.Timeout | null = null;
  #started = 0;
  #cameras: readonly EyeCamera[] = [];
  readonly #fabrics = new Map<string, string>();
  readonly #polls = new Map<string, { rpm: number | null; revolutions: number | null }>();
  /** Conditions that hold, by machine and name. */
  readonly #conditions = new Set<string>();
  #work: Promise<void> = Promise.resolve();

  constructor(parts: EyeDeskParts) {
    this.#p = parts;
    for (const { id, eye } of parts.machines) this.#fabrics.set(id, eye.fabric);
  }

  start(signal: AbortSignal): void {
    if (signal.aborted) return;
    this.#look();
    this.#timer = setInterval(() => this.#look(), styleEveryMs);
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#process?.stop();
    await this.#work;
  }

  /** As the eye said last, and how its process is. */
  view(): { readonly cameras: readonly EyeCamera[]; readonly process: SenseState | null } {
    return { cameras: this.#cameras, process: this.#process?.state() ?? null };
  }

  /** To be told of all that drivers bring: the polls an eye without a mark or encoder reckons its angle from. */
  saw(event: DriverEvent): void {
    if (event.kind !== 'readings' || event.past !== undefined) return;
    if (this.#p.machines.some(({ id, eye }) => id === event.machine && eye.position === 'telemetry')) this.#poll(event);
  }

  #poll({ machine, readings }: ReadingsEvent): void {
    const known = this.#polls.get(machine) ?? { rpm: null, revolutions: null };
    this.#polls.set(machine, known);
    for (const { signal, quality, value } of readings) {
      if (quality !== 'good' || typeof value !== 'number') continue;
      if (signal === speedSignal) known.rpm = value;
      if (signal === countSignal) known.revolutions = value;
    }
    const timeMs = readings.at(-1)?.sourceTimeMs;
    if (known.rpm === null || timeMs === undefined) return;
    this.#process?.send({ kind: 'telemetry', machine, timeMs, rpm: known.rpm, revolutions: known.revolutions });
  }

  /** Starts a process with what is taught now, when that is something else than before. */
  #look(): void {
    const { dataDir, machines } = this.#p;
    const styles = JSON.stringify(machines.map(({ id, eye }) => styleVersions(dataDir, id, eye.fabric)[0] ?? null));
    if (styles === this.#styles) return;
    this.#styles = styles;
    const old = this.#process;
    this.#process = null;
    this.#work = this.#work.then(async () => {
      await old?.stop();
      this.#begin();
    });
  }

  #begin(): void {
    const settings = this.#settings();
    if (settings === null || settings.machines.length === 0) return;
    const { clock, random, log } = this.#p;
    this.#started = 0;
    this.#process = new SenseProcess<EyeMessage>({
      name: 'eye',
      script: new URL('./child.ts', import.meta.url),
      settings,
      message: eyeMessageSchema,
      onMessage: (message) => this.#heard(message),
      onState: (state) => this.#state(state, settings.machines),
      clock,
      random,
      log,
    });
    this.#process.start(new AbortController().signal);
  }

  #settings(): EyeSettings | null {
    const { machines, dataDir, publicKey, model, log } = this.#p;
    let named: EyeModel;
    try {
      named = model();
    } catch (error) {
      log('error', 'the model of the eye cannot be used', { error: String(error) });
      for (const { id } of machines) this.#condition(id, 'eye.no_model', true);
      return null;
    }
    const ready: EyeMachine[] = [];
    for (const { id, eye } of machines) {
      try {
        ready.push(machineOf(id, eye, readStyle(dataDir, id, eye.fabric, publicKey).stats));
        this.#condition(id, 'eye.not_taught', false);
      } catch (error) {
        log('warn', 'the eye has not been taught this cloth', {
          machine: id,
          fabric: eye.fabric,
          error: String(error),
        });
        this.#condition(id, 'eye.not_taught', true);
      }
    }
    return { kind: 'settings', ...named, machines: ready };
  }

  #state(state: SenseState, machines: readonly EyeMachine[]): void {
    for (const { machine } of machines) {
      this.#condition(machine, 'eye.crash_loop', state.looping);
      if (state.running && state.restarts !== this.#started) this.#p.pipeline.fabricAnew(machine);
    }
    this.#started = state.restarts;
  }

  #heard(message: EyeMessage): void {
    switch (message.kind) {
      case 'alive':
        this.#cameras = message.cameras;
        return;
      case 'camera': {
        const { machine, state, reason } = message;
        for (const trouble of ['stalled', 'black', 'over-exposed', 'moved', 'defocused'] as const) {
          this.#condition(machine, `camera.${trouble.replace('-', '')}`, state === trouble, reason);
        }
        return;
      }
      case 'looked':
        this.#p.pipeline.fabricLooked(message.machine);
        return;
      case 'finding':
        this.#work = this.#work.then(() => this.#found(message));
    }
  }

  async #found({ machine, finding, crop }: Extract<EyeMessage, { kind: 'finding' }>): Promise<void> {
    const { pipeline, keepFile, model, log, clock } = this.#p;
    try {
      const sha256 = crop === null ? null : await keepFile(crop);
      const told = pipeline.finding({
        ...finding,
        machine,
        fabric: this.#fabrics.get(machine) ?? '',
        model: model().model,
        isSimulated: this.#p.machines.find(({ id }) => id === machine)?.eye.simulated ?? false,
        crop: sha256,
      });
      if (sha256 === null || crop === null) return;
      const data: EvidenceData = {
        sha256,
        bytes: crop.length,
        mediaType: 'image/webp',
        role: 'crop',
        occurrence: told.occurrence,
      };
      await pipeline.evidence(machine, Math.round(clock.wallMs()), data);
    } catch (error) {
      log('error', 'what the eye found could not be kept', { machine, error: String(error) });
    }
  }

  #condition(machine: string, name: string, active: boolean, text: string | null = null): void {
    const key = `${machine} ${name}`;
    if (this.#conditions.has(key) === active) return;
    if (active) this.#conditions.add(key);
    else this.#conditions.delete(key);
    const event: ConditionEvent = { kind: 'condition', machine, name, active, text, atMs: this.#p.clock.wallMs() };
    this.#p.pipeline.accept(event);
  }
}

/** What the eye's process is told of one machine. */
export function machineOf(machine: string, eye: EyeConfig, stats: Buffer): EyeMachine {
  return {
    machine,
    endpoint: eye.camera,
    mask: eye.mask,
    geometry: {
      needles: eye.needles,
      firstNeedle: eye.firstNeedle,
      feeders: eye.feeders,
      circumferenceMm: eye.circumferenceMm,
      mmPerPx: eye.mmPerPx,
      scaleError: 0.005,
      direction: eye.rising ? 1 : -1,
      columns: 1,
      newest: 'top',
      zeroNeedle: eye.needleZero,
      zeroError: 0.5,
      advanceMm: (eye.feeders * 10) / eye.coursesPerCm,
      advanceError: 0.01,
    },
    coursePitchMm: 10 / eye.coursesPerCm,
    behind: eye.behind,
    position: positionOf(eye),
    stats: Uint8Array.from(stats),
  };
}

/** How well each source is known where nobody measured it: figures of usual cameras, encoders and polls. */
function positionOf({ position, ringRowsPx, countsPerRevolution }: EyeConfig): Position {
  switch (position) {
    case 'index':
      return { kind: 'index', ringRowsPx, fastestMs, frameJitterMs: 0.3, speedSpread: 0.001, speedCycle: 0.001 };
    case 'encoder':
      return {
        kind: 'encoder',
        countsPerTurn: countsPerRevolution,
        wrapsAt: 2 ** 32,
        latchJitterMs: 0.1,
        errorCounts: 0.5,
      };
    case 'telemetry':
      return { kind: 'telemetry', jitterMs: 20, offsetMs: 100, speedError: 0.01, oldestMs: 2_000 };
  }
}
