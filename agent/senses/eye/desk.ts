/**
 * The eye as the agent has it: its process started with what was taught, the polls it needs handed down, and what it tells made findings,
 * evidence and alerts of the pipeline.
 *
 * Invariants (test/integration/eye-model.test.ts, test/integration/eye-flat.test.ts, test/e2e/eye.alone.test.ts):
 *  I1  A camera that sees nothing, a cloth that was not taught, pictures that cannot be judged and a process that ends again and again are
 *      conditions of their machine, so that rules make alerts of them: there is no silent eye.
 *  I2  A crop and its heat map are kept before the record that names them, and noted at one time, the map first: it never outlives its crop.
 *  I3  What is taught while the agent runs is used within some seconds, in a new process; so is another model.
 *  I4  Crops are bounded (`crop-budget.ts`), and so is what waits to be kept; what is dropped is counted.
 */
import type { KeyObject } from 'node:crypto';
import type { DriverEvent } from '../../../drivers/contract.ts';
import type { EvidenceData } from '../../../cloud-bridge/contract.ts';
import type { EyeConfig, WebEyeConfig } from '../../config/config.ts';
import type { FabricPort, Pipeline } from '../../pipeline-ports.ts';
import type { ShadowCounts } from '../../models/shadow-file.ts';
import { needleZeroOf, newestCalibration, type NeedleZero } from '../calibrations.ts';
import { Conditions } from '../conditions.ts';
import { ForkThread } from '../fork.ts';
import type { Chosen, ModelWatch } from '../model-watch.ts';
import { SenseProcess, type SenseState } from '../process.ts';
import { styleFor, type Style, styleVersions } from '../styles.ts';
import { beginSight, seeSight, type Sight } from './blind.ts';
import { CropBudget } from './crop-budget.ts';
import { eyeModelId, type EyeModel } from './model.ts';
import { EyePolls } from './polls.ts';
import { type EyeMachine, type EyeMessage, eyeMessageSchema, type EyeSettings, type FlatMachine } from './settings.ts';
import { flatOf, machineOf } from './told.ts';

/** What is taught, and which model is in use, is looked for so often. */
const lookEveryMs = 5_000;
/** A model that cannot be used is tried again so often: it may have been put right. */
const tryAgainMs = 60_000;
/** Findings that wait for their crop to be kept. */
const mostWaiting = 200;
/** The machines are polled by other processes: pictures come after them. */
const niceness = 10;

export interface EyeDeskParts {
  readonly machines: readonly { readonly id: string; readonly eye: EyeConfig }[];
  /** Machines whose cloth lies flat; absent: none. */
  readonly webs?: readonly { readonly id: string; readonly eye: WebEyeConfig }[];
  readonly dataDir: string;
  /** Of this gateway: what it taught is signed with it. */
  readonly publicKey: KeyObject;
  readonly models: ModelWatch;
  readonly pipeline: Pick<Pipeline, 'accept' | 'evidence'> & {
    readonly fabric: Pick<FabricPort, 'told' | 'anew' | 'looked' | 'seen'>;
  };
  readonly keepFile: (bytes: Uint8Array) => Promise<string>;
  readonly clock: { wallMs(): number; monotonicMs(): number };
  readonly random: () => number;
  readonly log: (level: 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown>) => void;
}

export type EyeCamera = Extract<EyeMessage, { kind: 'alive' }>['cameras'][number];

/** The eye as it is told to people. */
export interface EyeView {
  readonly process: SenseState | null;
  readonly cameras: readonly (EyeCamera & {
    /** Findings whose picture was not kept, because there were too many. */
    readonly cropsHeldBack: number;
  })[];
  /** `id@version`; null while none can be used. */
  readonly model: string | null;
  readonly onTrial: boolean;
  readonly accelerator: string | null;
  /** Why that accelerator. */
  readonly why: string | null;
  readonly shadow: ShadowCounts | null;
  /** Findings that were not told, because too many waited. */
  readonly findingsDropped: number;
}

export class EyeDesk {
  readonly #p: EyeDeskParts;
  /** Starts the eye's processes: the polls must not wait for that. */
  readonly #forks = new ForkThread();
  /** All cameras, whatever they look at. */
  readonly #eyes: readonly { readonly id: string; readonly eye: Pick<EyeConfig, 'fabric' | 'simulated'> }[];
  #process: SenseProcess<EyeMessage> | null = null;
  /** What the process runs with; another text, another process. */
  #runs = '';
  #tryAgainAtMs = Infinity;
  #timer: NodeJS.Timeout | null = null;
  #started = 0;
  #cameras: readonly EyeCamera[] = [];
  readonly #sights = new Map<string, Sight>();
  #shadow: ShadowCounts | null = null;
  /** As the process opened its model. */
  #opened: Extract<EyeMessage, { kind: 'opened' }> | null = null;
  readonly #crops = new CropBudget();
  #waiting = 0;
  #findingsDropped = 0;
  readonly #fabrics = new Map<string, string>();
  readonly #polls: EyePolls;
  readonly #conditions: Conditions;
  #work: Promise<void> = Promise.resolve();
  #hasEnded = false;

  constructor(parts: EyeDeskParts) {
    this.#p = parts;
    this.#conditions = new Conditions(
      (event) => parts.pipeline.accept(event),
      () => parts.clock.wallMs(),
    );
    this.#eyes = [...parts.machines, ...(parts.webs ?? [])];
    for (const { id, eye } of this.#eyes) this.#fabrics.set(id, eye.fabric);
    this.#polls = new EyePolls(parts.machines, parts.webs ?? []);
  }

  start(signal: AbortSignal): void {
    if (signal.aborted) return;
    this.look();
    this.#timer = setInterval(() => {
      this.look();
      void this.#p.models.makeUp();
    }, lookEveryMs);
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#hasEnded = true;
    await this.#p.models.stop();
    await this.#work;
    await this.#process?.stop();
    await this.#work;
    await this.#forks.stop();
  }

  /** As the eye said last, and how its process is. */
  view(): EyeView {
    const chosen = this.#p.models.chosen();
    const problem = this.#opened?.problem ?? null;
    return {
      process: this.#process?.state() ?? null,
      cameras: this.#cameras.map((one) => ({ ...one, cropsHeldBack: this.#crops.heldBack(one.machine) })),
      model: chosen?.model.model ?? null,
      onTrial: chosen?.onTrial ?? false,
      accelerator: this.#opened?.accelerator ?? chosen?.accelerator ?? null,
      why: problem === null ? (chosen?.why ?? null) : `${chosen?.accelerator ?? ''} could not be opened: ${problem}`,
      shadow: this.#shadow,
      findingsDropped: this.#findingsDropped,
    };
  }

  /** To be told of all that drivers bring: the polls an eye without a mark or encoder reckons its angle from. */
  saw(event: DriverEvent): void {
    for (const message of this.#polls.saw(event)) this.#process?.send(message);
  }

  /** Starts a process with the model in use and what is taught now, when that is something else than before. */
  look(): void {
    if (this.#hasEnded) return;
    const { dataDir, models, clock } = this.#p;
    if (clock.monotonicMs() >= this.#tryAgainAtMs) this.#runs = '';
    const styles = this.#eyes.map(({ id, eye }) => [
      styleVersions(dataDir, id, eye.fabric)[0],
      newestCalibration(dataDir, id),
    ]);
    const runs = JSON.stringify([models.key(), styles]);
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

  #begin(): void {
    const settings = this.#settings();
    if (settings === null || settings.machines.length + settings.webs.length === 0) {
      // No process, so none that ends: another condition says why there is none.
      for (const { id } of this.#eyes) this.#conditions.set(id, 'eye.crash_loop', false);
      return;
    }
    const { clock, random, log, models } = this.#p;
    this.#started = 0;
    this.#opened = null;
    this.#shadow = null;
    this.#process = new SenseProcess<EyeMessage>({
      name: 'eye',
      script: new URL('./child.ts', import.meta.url),
      settings,
      message: eyeMessageSchema,
      onMessage: (message) => this.#heard(message),
      onState: (state) => this.#state(state, [...settings.machines, ...settings.webs]),
      onEnd: (how) => void models.ended(how),
      niceness,
      fork: this.#forks.fork,
      clock,
      random,
      log,
    });
    this.#process.start(new AbortController().signal);
  }

  #settings(): EyeSettings | null {
    const { machines, models, log, clock } = this.#p;
    let chosen: Chosen;
    try {
      chosen = models.choose();
    } catch (error) {
      log('error', 'the model of the eye cannot be used', { error: String(error) });
      this.#tryAgainAtMs = clock.monotonicMs() + tryAgainMs;
      for (const { id } of this.#eyes) this.#conditions.set(id, 'eye.no_model', true);
      return null;
    }
    for (const { id } of this.#eyes) this.#conditions.set(id, 'eye.no_model', false);
    const { model, accelerator, onTrial, shadow } = chosen;
    const ready: EyeMachine[] = [];
    for (const { id, eye } of machines) {
      const style = this.#styleOf(id, eye.fabric, model.model);
      this.#conditions.set(id, 'eye.not_taught', style === null);
      if (style === null) continue;
      ready.push(machineOf(id, eye, style, this.#zero(id, eye, style.description.widthPx)));
    }
    const webs: FlatMachine[] = [];
    for (const { id, eye } of this.#p.webs ?? []) {
      const style = this.#styleOf(id, eye.fabric, model.model);
      this.#conditions.set(id, 'eye.not_taught', style === null);
      if (style !== null) webs.push(flatOf(id, eye, style));
    }
    return {
      kind: 'settings',
      modelFile: model.modelFile,
      model: model.model,
      machines: ready,
      webs,
      accelerator,
      dataDir: this.#p.dataDir,
      trial: onTrial ? { id: eyeModelId, version: model.manifest.version } : null,
      shadow: shadow === null ? null : this.#shadowOf(shadow, ready),
    };
  }

  #shadowOf({ modelFile, model }: EyeModel, machines: readonly EyeMachine[]): EyeSettings['shadow'] {
    const taught = machines.flatMap(({ machine }) => {
      const style = this.#styleOf(machine, this.#fabrics.get(machine) ?? '', model);
      return style === null ? [] : [{ machine, stats: Uint8Array.from(style.stats) }];
    });
    return { modelFile, model, machines: taught };
  }

  /** What was taught of a cloth with this very model; null where nothing was. */
  #styleOf(machine: string, fabric: string, model: string): Style | null {
    const { dataDir, publicKey, log } = this.#p;
    try {
      return styleFor(dataDir, machine, fabric, publicKey, model);
    } catch (error) {
      log('warn', 'the eye has not been taught this cloth', { machine, fabric, model, error: String(error) });
      return null;
    }
  }

  /** null: no needle is named. */
  #zero(id: string, eye: EyeConfig, widthPx: number): NeedleZero | null {
    const { dataDir, publicKey, log } = this.#p;
    try {
      return needleZeroOf(dataDir, id, eye, widthPx, publicKey);
    } catch (error) {
      log('warn', 'the needle zero does not count: no needle is named', { machine: id, error: String(error) });
      return null;
    }
  }

  #state(state: SenseState, machines: readonly Pick<EyeMachine, 'machine'>[]): void {
    for (const { machine } of machines) {
      this.#conditions.set(machine, 'eye.crash_loop', state.looping);
      if (state.running && state.restarts !== this.#started) this.#p.pipeline.fabric.anew(machine);
    }
    this.#started = state.restarts;
  }

  #heard(message: EyeMessage): void {
    switch (message.kind) {
      case 'alive':
        this.#cameras = message.cameras;
        this.#shadow = message.shadow;
        for (const camera of message.cameras) this.#sighted(camera);
        return;
      case 'opened':
        this.#opened = message;
        if (message.problem !== null) {
          const { accelerator, problem } = message;
          this.#p.log('warn', 'the eye does not run on what it was to run on', { accelerator, problem });
        }
        return;
      case 'camera': {
        const { machine, state, reason } = message;
        for (const trouble of ['stalled', 'black', 'over-exposed', 'moved', 'defocused'] as const) {
          this.#conditions.set(machine, `camera.${trouble.replace('-', '')}`, state === trouble, reason);
        }
        return;
      }
      case 'looked':
        this.#p.pipeline.fabric.looked(message.machine);
        return;
      case 'cloth':
        this.#work = this.#work.then(() => this.#seen(message));
        return;
      case 'finding':
        if (this.#waiting >= mostWaiting) {
          this.#findingsDropped += 1;
          return;
        }
        this.#waiting += 1;
        this.#work = this.#work.then(() => this.#found(message));
    }
  }

  #sighted(camera: EyeCamera): void {
    const { machine, state } = camera;
    const nowMs = this.#p.clock.monotonicMs();
    const before = this.#sights.get(machine) ?? beginSight(nowMs);
    // What the camera itself says, it says better.
    const sight =
      state === 'ok'
        ? seeSight(before, camera, nowMs)
        : { ...beginSight(nowMs), judged: camera.judged, unjudged: camera.unjudged };
    this.#sights.set(machine, sight);
    this.#conditions.set(machine, 'eye.blind', sight.isBlind);
  }

  /** Behind the findings of that cloth. */
  #seen({ machine, newestMm, isAnew, stretches }: Extract<EyeMessage, { kind: 'cloth' }>): void {
    const { pipeline, models, log } = this.#p;
    const isSimulated = this.#eyes.find(({ id }) => id === machine)?.eye.simulated ?? false;
    try {
      pipeline.fabric.seen({
        machine,
        newestMm,
        isAnew,
        stretches,
        model: models.chosen()?.model.model ?? '',
        isSimulated,
      });
    } catch (error) {
      log('error', 'what the eye looked at could not be kept', { machine, error: String(error) });
    }
  }

  async #found({ machine, finding, crop: shown, heat }: Extract<EyeMessage, { kind: 'finding' }>): Promise<void> {
    const { pipeline, keepFile, models, log, clock } = this.#p;
    this.#waiting -= 1;
    try {
      const crop = shown !== null && this.#crops.allows(machine, clock.monotonicMs()) ? shown : null;
      const map = crop === null ? null : (heat?.map ?? null);
      const [sha256, heatMap] = [
        crop === null ? null : await keepFile(crop),
        map === null ? null : await keepFile(map),
      ];
      const told = pipeline.fabric.told({
        ...finding,
        machine,
        fabric: this.#fabrics.get(machine) ?? '',
        model: models.chosen()?.model.model ?? '',
        isSimulated: this.#eyes.find(({ id }) => id === machine)?.eye.simulated ?? false,
        crop: sha256,
        heatMap,
        heatPeak: crop === null ? null : (heat?.peak ?? null),
      });
      const atMs = Math.round(clock.wallMs());
      const note = (role: string, file: string | null, bytes: Uint8Array | null): Promise<void> => {
        if (file === null || bytes === null) return Promise.resolve();
        const { occurrence } = told;
        const data: EvidenceData = { sha256: file, bytes: bytes.length, mediaType: 'image/webp', role, occurrence };
        return pipeline.evidence(machine, atMs, data);
      };
      await Promise.all([note('heat_map', heatMap, map), note('crop', sha256, crop)]);
    } catch (error) {
      log('error', 'what the eye found could not be kept', { machine, error: String(error) });
    }
  }
}
