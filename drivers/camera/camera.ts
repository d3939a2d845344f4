/**
 * One camera: its connection kept alive, its pictures decoded within limits, masked, measured and handed over, the newest first.
 *
 * Invariants (test/integration/camera-mjpeg.test.ts, besides those of its parts):
 *  C1  It never throws at its user after `start`: trouble is an event and a retry.
 *  C2  Whoever gets a picture gets it masked; what cannot be decoded within the limits is refused and counted, never shown in part.
 *  C3  While a picture is looked at the newest waits, and those it replaced are counted.
 *  C4  After `stop` resolves no connection, process, timer or listener of it is left, and nothing more is told.
 *  C5  A camera that gives nothing, or nothing that can be seen, is told as such: there is no silent eye.
 */
import type { BackoffOptions, DriverClock } from '../contract.ts';
import { driverErrors, DriverError } from '../errors.ts';
import { Reconnecting } from '../reconnect.ts';
import { parseCameraEndpoint, type CameraEndpoint } from './endpoint.ts';
import { openFfmpeg } from './ffmpeg.ts';
import { openFiles } from './files.ts';
import { cameraLimits, type Frame } from './frame.ts';
import {
  defaultHealthOptions,
  passTime,
  seeFrame,
  startHealth,
  type CameraHealth,
  type CameraState,
  type HealthOptions,
} from './health.ts';
import { decodeImage, readImageFile, type GreyImage } from './image-file.ts';
import { blankCovered, compileMask, parseMask, runsOf, type Mask } from './mask.ts';
import { measureFrame } from './measure.ts';
import { openMjpeg } from './mjpeg.ts';
import { NewestFirst } from './newest-first.ts';
import type { CameraReference } from './scene.ts';
import type { Credentials, RawFrame, Source, SourceHandlers } from './source.ts';

export interface CameraOptions {
  /** Name in events and the log. */
  readonly camera: string;
  /** As `endpoint.ts` takes it. */
  readonly endpoint: string;
  readonly credentials?: Credentials;
  /** PEM, for `mjpeg+https`; see `mjpeg.ts`. */
  readonly ca?: string;
  readonly mask?: Mask;
  /** What a person showed as right; absent: focus and place are not judged. */
  readonly reference?: CameraReference;
  readonly backoff?: BackoffOptions;
  /** How long a connection may take, in ms. Default 5000. */
  readonly connectTimeoutMs?: number;
  /** From one file to the next, in ms, of a folder. Default 200. */
  readonly filesEveryMs?: number;
  readonly health?: Partial<HealthOptions>;
  /** Default: `ffmpeg` of the PATH. */
  readonly ffmpeg?: string;
}

export type CameraEvent =
  | {
      readonly kind: 'link';
      readonly camera: string;
      readonly up: boolean;
      readonly reason: string;
      readonly atMs: number;
    }
  | {
      readonly kind: 'health';
      readonly camera: string;
      readonly state: CameraState;
      readonly reason: string | null;
      readonly atMs: number;
    };

export interface CameraPorts {
  readonly clock: DriverClock;
  /** Uniform in [0, 1); used for jitter only. */
  readonly random: () => number;
  /** Looks at a picture; the next is handed over when it resolves. Must not reject. */
  readonly onFrame: (frame: Frame) => Promise<void>;
  readonly onEvent: (event: CameraEvent) => void;
  readonly log: (level: 'debug' | 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown>) => void;
}

export interface CameraCounts {
  readonly connected: boolean;
  readonly state: CameraState;
  readonly reason: string | null;
  /** Pictures that came; that were replaced by a newer one before anybody looked; that were refused; that were handed over. */
  readonly received: number;
  readonly dropped: number;
  readonly refused: number;
  readonly delivered: number;
  readonly reconnects: number;
  readonly lastFrameMs: number | null;
}

/** The mask for pictures of one size. */
interface Covered {
  readonly width: number;
  readonly height: number;
  readonly masked: Uint8Array | null;
  readonly runs: Uint32Array;
}

const defaultBackoff: BackoffOptions = { minMs: 200, maxMs: 10_000 };
const watchMs = 500;
/** The same is told in the log so often at most. */
const tellAgainMs = 600_000;

/** @throws DriverError DRV-500, DRV-503 when the options cannot work; starts nothing */
export function createCamera(options: CameraOptions, ports: CameraPorts): Camera {
  return new Camera(parseCameraEndpoint(options.endpoint), options, ports);
}

export class Camera {
  readonly #endpoint: CameraEndpoint;
  readonly #options: CameraOptions;
  readonly #ports: CameraPorts;
  readonly #mask: Mask;
  readonly #healthOptions: HealthOptions;
  readonly #life: Reconnecting<Source>;
  readonly #queue: NewestFirst<{ readonly raw: RawFrame; readonly receivedMs: number; readonly monotonicMs: number }>;
  #covered: Covered | null = null;
  #health: CameraHealth;
  #watchdog: NodeJS.Timeout | null = null;
  /** Monotonic ms of the last try to connect. */
  #triedMs = 0;
  #ended = false;
  #isUp = false;
  #received = 0;
  #refused = 0;
  #delivered = 0;
  #opened = 0;
  #lastFrameMs: number | null = null;
  readonly #told = new Map<string, number>();

  constructor(endpoint: CameraEndpoint, options: CameraOptions, ports: CameraPorts) {
    this.#endpoint = endpoint;
    this.#options = options;
    this.#ports = ports;
    this.#mask = parseMask(options.mask ?? []);
    const stalledMs = endpoint.kind === 'files' ? null : defaultHealthOptions.stalledMs;
    this.#healthOptions = { ...defaultHealthOptions, stalledMs, ...options.health };
    this.#health = startHealth(ports.clock.monotonicMs());
    this.#queue = new NewestFirst((item) => this.#look(item.raw, item.receivedMs, item.monotonicMs));
    this.#life = new Reconnecting<Source>({
      backoff: options.backoff ?? defaultBackoff,
      ports,
      begin: () => {
        this.#health = startHealth(ports.clock.monotonicMs());
        this.#watchdog = setInterval(() => this.#watch(), watchMs);
      },
      open: () => this.#open(),
      end: () => {
        this.#ended = true;
        if (this.#watchdog !== null) clearInterval(this.#watchdog);
        return this.#queue.stop();
      },
    });
  }

  /** Resolves at once; pictures come when the camera sends them. Aborting the signal is the same as `stop`. */
  start(signal: AbortSignal): Promise<void> {
    this.#life.start(signal);
    return Promise.resolve();
  }

  stop(): Promise<void> {
    return this.#life.stop();
  }

  counts(): CameraCounts {
    return {
      connected: this.#isUp,
      state: this.#health.state,
      reason: this.#health.reason,
      received: this.#received,
      dropped: this.#queue.dropped,
      refused: this.#refused,
      delivered: this.#delivered,
      reconnects: Math.max(0, this.#opened - 1),
      lastFrameMs: this.#lastFrameMs,
    };
  }

  // ——— the connection ———

  #open(): Source {
    let isOver = false;
    this.#triedMs = this.#ports.clock.monotonicMs();
    const handlers: SourceHandlers = {
      onOpen: () => {
        this.#opened += 1;
        this.#life.opened();
        this.#link(true, 'connected');
      },
      onFrame: (raw) => {
        if (this.#ended || isOver) return;
        this.#received += 1;
        this.#queue.put({ raw, receivedMs: this.#ports.clock.wallMs(), monotonicMs: this.#ports.clock.monotonicMs() });
      },
      isBusy: () => this.#queue.isBusy,
      onRefused: (reason) => this.#refuse(reason),
      onClosed: (reason, detail) => {
        isOver = true;
        this.#lost(reason, detail);
      },
    };
    const { credentials = null, ca, connectTimeoutMs = 5_000, filesEveryMs = 200, ffmpeg } = this.#options;
    switch (this.#endpoint.kind) {
      case 'mjpeg':
        return openMjpeg(this.#endpoint.url, handlers, {
          credentials,
          connectTimeoutMs,
          ...(ca === undefined ? {} : { ca }),
        });
      case 'files':
        return openFiles(this.#endpoint.path, handlers, { everyMs: filesEveryMs });
      default:
        return openFfmpeg(this.#endpoint, handlers, {
          credentials,
          ...(ffmpeg === undefined ? {} : { program: ffmpeg }),
        });
    }
  }

  #lost(reason: string, detail?: string): void {
    if (this.#ended || this.#life.lost() === null) return;
    this.#link(false, reason);
    const entry = reason === 'ffmpeg-missing' ? driverErrors.ffmpegMissing : driverErrors.cameraUnreadable;
    this.#tell(entry, reason, detail);
  }

  #link(up: boolean, reason: string): void {
    if (this.#ended || this.#isUp === up) return;
    this.#isUp = up;
    this.#ports.onEvent({ kind: 'link', camera: this.#options.camera, up, reason, atMs: this.#ports.clock.wallMs() });
  }

  #refuse(reason: string, detail?: string): void {
    if (this.#ended) return;
    this.#refused += 1;
    this.#tell(driverErrors.cameraUnreadable, reason, detail);
  }

  #tell({ code, cure }: { readonly code: string; readonly cure: string }, reason: string, detail?: string): void {
    const nowMs = this.#ports.clock.monotonicMs();
    const toldMs = this.#told.get(reason);
    if (toldMs !== undefined && nowMs - toldMs < tellAgainMs) return;
    this.#told.set(reason, nowMs);
    const more = detail === undefined ? {} : { detail };
    this.#ports.log('warn', 'camera cannot be read', { code, camera: this.#options.camera, reason, ...more, cure });
  }

  // ——— pictures ———

  async #look(raw: RawFrame, receivedMs: number, monotonicMs: number): Promise<void> {
    let image: GreyImage;
    try {
      image = await decoded(raw);
    } catch (error) {
      if (!(error instanceof DriverError)) throw error;
      this.#refuse(error.entry.code, error.message);
      return;
    }
    if (this.#ended) return;
    const { masked, runs } = this.#coveredOf(image.width, image.height);
    blankCovered(image.pixels, runs);
    this.#life.heard();
    this.#lastFrameMs = receivedMs;
    const frame: Frame = {
      ...image,
      masked,
      capturedMs: raw.capturedMs ?? receivedMs,
      capturedBy: raw.capturedMs === null ? 'receipt' : 'camera',
      receivedMs,
      monotonicMs,
      index: raw.index,
    };
    const measure = measureFrame(frame);
    this.#judge(seeFrame(this.#health, measure, monotonicMs, this.#options.reference ?? null, this.#healthOptions));
    this.#delivered += 1;
    await this.#ports.onFrame(frame);
  }

  #coveredOf(width: number, height: number): Covered {
    if (this.#covered?.width === width && this.#covered.height === height) return this.#covered;
    const masked = compileMask(this.#mask, width, height);
    this.#covered = { width, height, masked, runs: runsOf(masked ?? new Uint8Array(0)) };
    return this.#covered;
  }

  #watch(): void {
    const nowMs = this.#ports.clock.monotonicMs();
    this.#judge(passTime(this.#health, nowMs, this.#healthOptions));
    const { openedMs, connection } = this.#life;
    const { stalledMs } = this.#healthOptions;
    if (connection === null || stalledMs === null) return;
    // What is open and shows nothing is given up, and so is what never opens, such as an ffmpeg that hangs; how soon grows while
    // that does not help.
    const silentMs = nowMs - Math.max(openedMs ?? this.#triedMs, this.#health.lastFrameMs);
    if (silentMs >= this.#life.patienceMs(2 * stalledMs)) this.#lost('no-data');
  }

  #judge(after: CameraHealth): void {
    const { state } = this.#health;
    this.#health = after;
    if (this.#ended || after.state === state) return;
    const { camera } = this.#options;
    this.#ports.onEvent({
      kind: 'health',
      camera,
      state: after.state,
      reason: after.reason,
      atMs: this.#ports.clock.wallMs(),
    });
  }
}

const decodeLimits = { maxFileBytes: cameraLimits.partBytes, maxPixels: cameraLimits.pixels };

/** @throws DriverError of `image-file.ts` */
async function decoded({ image }: RawFrame): Promise<GreyImage> {
  if ('pixels' in image) return image;
  if ('path' in image) return readImageFile(image.path);
  const [first, second] = image.bytes;
  if (first !== 0xff || second !== 0xd8)
    throw new DriverError('imageMislabelled', 'a part that says it is a JPEG is none');
  return decodeImage(image.bytes, 'a picture of the camera', decodeLimits);
}
