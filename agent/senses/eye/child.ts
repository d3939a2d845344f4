/**
 * The eye's process: cameras in, findings out, in a process of its own, because a model's native code blocks its thread and may take its
 * process with it. What it sees leaves it as findings, small crops and counts; no picture does.
 */
import sharp from 'sharp';
import { type Camera, createCamera, type CameraEvent } from '../../../drivers/camera/camera.ts';
import type { Frame } from '../../../drivers/camera/frame.ts';
import { DriverError } from '../../../drivers/errors.ts';
import { ModelError } from '../../../models/errors.ts';
import { providerOf } from '../../../models/package/accelerator.ts';
import { openSession, type ModelSession } from '../../../models/runtime.ts';
import type { Taught } from '../../../models/vision/taught.ts';
import { readStats } from '../../../models/stats-file.ts';
import { taughtOf } from '../../../models/vision/taught-file.ts';
import type { Trial } from '../../models/trial.ts';
import { trialOf } from '../trial-of.ts';
import { runSense, senseExits, type SenseWork } from '../sense-child.ts';
import type { Cut } from './cut.ts';
import { heatMapOf, peakOf } from './heat-map.ts';
import {
  type EyeMachine,
  type EyeMessage,
  type EyeSettings,
  eyeSettingsSchema,
  type FlatMachine,
  maxCropBytes,
  maxHeatMapBytes,
  telemetrySchema,
  webSpeedSchema,
} from './settings.ts';
import { FlatWatching } from './flat.ts';
import type { Shadow } from './shadow.ts';
import { WatchedGraph } from './watched-graph.ts';
import { Watching } from './watching.ts';

const aliveMs = 2_000;
/** A crop is at most so large a side, px. */
const mostSidePx = 256;

interface Watched {
  readonly settings: EyeMachine | FlatMachine;
  readonly taught: Taught;
  readonly camera: Camera;
  watching: Watching | FlatWatching | null;
  /** Pictures of a camera that does not stand as it did when the cloth was taught: what would be found in them is the camera's. */
  unfit: number;
}

class Eye {
  readonly #settings: EyeSettings;
  readonly #say: (message: EyeMessage) => void;
  readonly #machines = new Map<string, Watched>();
  #trial: Trial | null = null;
  #session: ModelSession | null = null;
  #graph: WatchedGraph | null = null;
  #failures = 0;
  #shadow: Shadow | null = null;
  #alive: NodeJS.Timeout | null = null;

  constructor(settings: EyeSettings, say: (message: EyeMessage) => void) {
    this.#settings = settings;
    this.#say = say;
  }

  async start(): Promise<void> {
    const { model, machines, webs, trial, dataDir } = this.#settings;
    const session = await this.#open();
    if (trial !== null) this.#trial = await trialOf(trial, dataDir);
    this.#session = session;
    this.#graph = new WatchedGraph(session);
    await this.#beginShadow();
    for (const settings of [...machines, ...webs]) {
      const taught = taughtOf(readStats(Buffer.from(settings.stats), model));
      const { endpoint, mask, reference } = settings;
      const camera = createCamera(
        { camera: settings.machine, endpoint, mask, ...(reference === null ? {} : { reference }) },
        {
          clock: { wallMs: () => Date.now(), monotonicMs: () => performance.now() },
          random: Math.random,
          onFrame: (frame) => this.#frame(settings.machine, frame),
          onEvent: (event) => this.#camera(event),
          log: () => undefined,
        },
      );
      this.#machines.set(settings.machine, { settings, taught, camera, watching: null, unfit: 0 });
    }
    process.on('message', (message: unknown) => {
      const poll = telemetrySchema.safeParse(message);
      const watching = poll.success ? this.#machines.get(poll.data.machine)?.watching : null;
      if (poll.success && watching instanceof Watching) watching.telemetry(poll.data);
      const speed = webSpeedSchema.safeParse(message);
      const web = speed.success ? this.#machines.get(speed.data.machine)?.watching : null;
      if (speed.success && web instanceof FlatWatching) web.speed(speed.data);
    });
    this.#alive = setInterval(() => this.#tellAlive(), aliveMs);
    this.#tellAlive();
    for (const { camera } of this.#machines.values()) await camera.start(new AbortController().signal);
  }

  async stop(): Promise<void> {
    if (this.#alive !== null) clearInterval(this.#alive);
    await Promise.all([...this.#machines.values()].map(({ camera }) => camera.stop()));
    await this.#shadow?.stop();
    await this.#session?.close();
  }

  /** On the accelerator that was chosen; where that cannot be had any more, on the processor, and it is said. */
  async #open(): Promise<ModelSession> {
    const { modelFile, accelerator } = this.#settings;
    let problem: string | null = null;
    if (accelerator !== 'cpu') {
      try {
        const session = await openSession(modelFile, { providers: [providerOf(accelerator), 'cpu'] });
        this.#say({ kind: 'opened', accelerator, problem });
        return session;
      } catch (error) {
        problem = (error instanceof Error ? error.message : String(error)).slice(0, 500);
      }
    }
    const session = await openSession(modelFile);
    this.#say({ kind: 'opened', accelerator: 'cpu', problem });
    return session;
  }

  async #beginShadow(): Promise<void> {
    const { shadow, dataDir, model, machines } = this.#settings;
    if (shadow === null) return;
    const { Shadow: Beside } = await import('./shadow.ts');
    const names = machines.map(({ machine }) => machine);
    this.#shadow = new Beside({ dataDir, settings: shadow, beside: model, machines: names, wallMs: () => Date.now() });
    this.#shadow.start();
  }

  async #frame(machine: string, frame: Frame): Promise<void> {
    const one = this.#machines.get(machine);
    const graph = this.#graph;
    if (one === undefined || graph === null) return;
    const { state } = one.camera.counts();
    if (state === 'moved' || state === 'defocused') {
      one.unfit += 1;
      return;
    }
    one.watching ??=
      'flat' in one.settings
        ? new FlatWatching(one.settings.flat, frame, one.taught, graph)
        : new Watching(one.settings, frame, one.taught, graph);
    const count = frame.index?.kind === 'encoder' ? frame.index.count : null;
    const { findings, hasLooked } = await one.watching.frame({ ...frame, timeMs: frame.capturedMs, count });
    // First what was looked at: a finding lies on cloth whose place is known.
    if (findings.length > 0) this.#tellCloth(machine, one.watching);
    for (const { finding, cut } of findings) {
      const crop = cut === null || finding.phase !== 'found' ? null : await cropOf(cut);
      const heat = cut === null || crop === null ? null : { map: await mapOf(cut), peak: peakOf(cut) };
      this.#say({ kind: 'finding', machine, finding, crop, heat });
    }
    if (hasLooked) this.#say({ kind: 'looked', machine });
    this.#showShadow(one, frame, graph);
  }

  /** What the model in use has judged, the shadow judges after it. */
  #showShadow({ settings, taught }: Watched, frame: Frame, graph: WatchedGraph): void {
    const last = graph.take();
    if (this.#shadow === null || last === null) return;
    if ('flat' in settings) return;
    const rows = settings.position.kind === 'index' ? settings.position.ringRowsPx : 0;
    const { width, height, pixels } = frame;
    const picture = { width, height: height - rows, pixels: pixels.subarray(rows * width) };
    const { scores, width: across, height: down, tookMs } = last;
    const active = { scores, width: across, height: down, threshold: taught.threshold };
    this.#shadow.look(settings.machine, picture, active, tookMs);
  }

  #camera(event: CameraEvent): void {
    if (event.kind !== 'health') return;
    const { camera: machine, state, reason, atMs } = event;
    this.#say({ kind: 'camera', machine, state, reason, atMs });
  }

  #tellAlive(): void {
    const cameras = [...this.#machines].map(([machine, { camera, watching, unfit }]) => {
      const { state, dropped, refused } = camera.counts();
      const { judged = 0, placeless = 0, unjudged = {}, unconfirmed = 0 } = watching?.counts() ?? {};
      const sum = Object.values(unjudged).reduce((all, one) => all + one, unfit);
      return { machine, state, judged, dropped, refused, placeless, unjudged: sum, unconfirmed };
    });
    this.#say({ kind: 'alive', cameras, shadow: this.#shadow?.counts() ?? null });
    for (const [machine, { watching }] of this.#machines) this.#tellCloth(machine, watching);
    this.#beat();
  }

  #tellCloth(machine: string, watching: Watched['watching']): void {
    const seen = watching?.seen() ?? null;
    if (seen !== null) this.#say({ kind: 'cloth', machine, ...seen, stretches: [...seen.stretches] });
  }

  /** Healthy is a process whose model answers. */
  #beat(): void {
    const failures = this.#graph?.failures ?? 0;
    if (failures === this.#failures) this.#trial?.beat();
    else this.#trial?.missed();
    this.#failures = failures;
  }
}

/** The crop and its heat map are made smaller alike, so that they lie on one another. */
const fitting = { width: mostSidePx, height: mostSidePx, fit: 'inside', withoutEnlargement: true } as const;

/** The piece of the picture as WebP; null where it cannot be made small enough. */
async function cropOf({ picture: { width, height, pixels } }: Cut): Promise<Uint8Array<ArrayBuffer> | null> {
  for (const quality of [80, 50, 25]) {
    const bytes = await sharp(pixels, { raw: { width, height, channels: 1 } })
      .resize(fitting)
      .webp({ quality })
      .toBuffer();
    if (bytes.length <= maxCropBytes) return Uint8Array.from(bytes);
  }
  return null;
}

/** As WebP without loss, because its edges say where; null where there is nothing to show, or it does not get small enough. */
async function mapOf(cut: Cut): Promise<Uint8Array<ArrayBuffer> | null> {
  const map = heatMapOf(cut);
  if (map === null) return null;
  const { width, height, pixels } = map;
  const bytes = await sharp(pixels, { raw: { width, height, channels: 4 } })
    .resize({ ...fitting, kernel: 'nearest' })
    .webp({ lossless: true })
    .toBuffer();
  return bytes.length <= maxHeatMapBytes ? Uint8Array.from(bytes) : null;
}

runSense(eyeSettingsSchema, (settings, say): SenseWork => {
  const eye = new Eye(settings, say);
  const started = eye.start().catch((error: unknown) => {
    process.stderr.write(`eye: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(isTheModels(error) ? 1 : senseExits.notTheModel);
  });
  return { stop: () => started.then(() => eye.stop()) };
});

/** What was taught and the camera's address are not the model's; all else may be. */
function isTheModels(error: unknown): boolean {
  if (error instanceof DriverError) return false;
  return !(error instanceof ModelError && error.key === 'statsInvalid');
}
