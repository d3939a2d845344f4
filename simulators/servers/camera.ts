/**
 * A camera in front of a knitting machine's tube, as an IP camera serves it: `multipart/x-mixed-replace` over HTTP, a JPEG a part
 * with its length. Each part carries `X-Timestamp`, the exposure in seconds of the camera's clock (as mjpg-streamer's output_http
 * writes it), and with an encoder `X-Encoder-Count`. With an index the ring and its mark are in the image's upper margin. It says
 * nothing else about angles.
 *
 * Invariants (tests in `test/integration/simulators-camera.test.ts`):
 *  C1  Listens on loopback alone; what is not a GET of the stream is refused.
 *  C2  Frames are drawn in a worker; at most two are under way, one more is skipped and counted.
 *  C3  A client that does not read loses frames, never delays others; nothing queues beyond one frame a client.
 *  C4  Parts come in the order of their exposures, whatever their latencies.
 *  C5  After `stop` no socket, timer or thread is left.
 */
import { Worker } from 'node:worker_threads';
import { branch, bell, uniform } from '../cloth/chance.ts';
import type { TubeCamera, Tube } from '../cloth/geometry.ts';
import type { KnitFault } from '../cloth/knit.ts';
import type { CameraTrouble, TubeScene } from '../cloth/tube-camera.ts';
import { SimulatorError } from '../errors.ts';
import type { Random } from '../random.ts';
import type { CameraWork, DrawnFrame, FrameOrder } from './camera-worker.ts';
import { createTimers } from './server.ts';
import { createStreamServer } from './stream.ts';

export type CameraPosition = 'index' | 'encoder' | 'telemetry';

export interface CameraOptions {
  readonly tube: Tube;
  readonly camera: TubeCamera;
  readonly position: CameraPosition;
  readonly fps: number;
  readonly jpegQuality: number;
  readonly countsPerRevolution: number;
  /** What the counter of the encoder showed when the power came on; drawn where nothing is said. */
  readonly countZero?: number;
  /** The camera's clock gains so many microseconds a second. */
  readonly skewPpm: number;
  /** Standard deviation of a timestamp, ms. */
  readonly jitterMs: number;
  /** From the exposure until a frame goes out. */
  readonly latencyMs: readonly [from: number, to: number];
  readonly seed: number;
  /** 0 takes a free port. */
  readonly port: number;
  readonly random: Random;
  readonly clock: { wallMs(): number; monotonicMs(): number };
  /** Told once when no more frames can be drawn. */
  readonly onTrouble: (error: SimulatorError) => void;
}

/** The cylinder and the camera as they are at a moment of the floor's clock. */
export interface CameraLatch {
  readonly monotonicMs: number;
  readonly revolutions: number;
  readonly speedRpm: number;
  readonly faults: readonly KnitFault[];
  readonly trouble: CameraTrouble | 'stalled' | null;
}

export interface CameraServer {
  /** URL of the stream. Valid after `start`. */
  readonly endpoint: string;
  readonly clients: number;
  /** Exposures that were not drawn because two were under way, or not sent because too many waited. */
  readonly skipped: number;
  /** Frames that clients did not take in time. */
  readonly dropped: number;
  /** Requests that were none for the stream. */
  readonly refused: number;
  start(): Promise<void>;
  latch(now: CameraLatch): void;
  stop(): Promise<void>;
}

const streamPath = '/stream';
const boundary = 'selvedge-frame';
const maxUnderWay = 2;
const maxWaiting = 32;
export const indexMarginPx = 16;

/** What stands before the camera. The needle the mark was glued above nobody knows. */
export function tubeSceneOf({ seed, tube, camera, position }: CameraOptions): TubeScene {
  return {
    seed: branch(seed, 'scene'),
    tube,
    camera,
    marginPx: position === 'index' ? indexMarginPx : 0,
    markNeedle: Math.floor(uniform(branch(seed, 'camera clock'), 2) * tube.needles),
    tone: 0.7,
    unevenness: 1,
    shakeMm: 0.025,
  };
}

interface Exposure {
  readonly capturedS: number;
  readonly count: number | null;
  readonly sendMs: number;
}

export function createCameraServer(options: CameraOptions): CameraServer {
  const { clock } = options;
  const timers = createTimers();
  const chance = branch(options.seed, 'camera clock');
  const countZero = options.countZero ?? Math.floor(uniform(chance, 1) * options.countsPerRevolution);
  const stream = createStreamServer({
    path: streamPath,
    headers: { 'content-type': `multipart/x-mixed-replace; boundary=${boundary}` },
    port: options.port,
    random: options.random,
  });
  const underWay = new Map<number, Exposure>();
  let worker: Worker | null = null;
  let latest: CameraLatch | null = null;
  let number = 0;
  let skipped = 0;
  const waiting: { readonly part: Buffer; readonly sendMs: number }[] = [];
  let firstMs = 0;
  let firstWallMs = 0;

  const fail = (detail: string): void => {
    if (worker === null) return;
    worker = null;
    options.onTrouble(new SimulatorError('cameraFailed', detail));
  };

  const expose = (dueMs: number): void => {
    const now = latest;
    if (now === null || worker === null || now.trouble === 'stalled' || stream.clients.size === 0) return;
    if (underWay.size >= maxUnderWay) {
      skipped += 1;
      return;
    }
    const id = (number += 1);
    const revolutions = now.revolutions + ((dueMs - now.monotonicMs) / 60_000) * now.speedRpm;
    const trueMs = dueMs - firstMs;
    const jitterMs = options.jitterMs * bell(chance, id, 3);
    const capturedS = (firstWallMs + trueMs * (1 + options.skewPpm / 1e6) + jitterMs) / 1000;
    const [fromMs, toMs] = options.latencyMs;
    const count =
      options.position === 'encoder' ? Math.floor(revolutions * options.countsPerRevolution) + countZero : null;
    underWay.set(id, { capturedS, count, sendMs: dueMs + fromMs + (toMs - fromMs) * uniform(chance, id, 4) });
    const shot = { revolutions, timeS: trueMs / 1000, number: id, faults: now.faults, trouble: now.trouble };
    const order: FrameOrder = { id, shot };
    worker.postMessage(order, []);
  };

  const drawn = ({ id, jpeg }: DrawnFrame): void => {
    const exposure = underWay.get(id);
    underWay.delete(id);
    if (exposure === undefined) return;
    const { capturedS, count } = exposure;
    const head = [
      `--${boundary}`,
      'Content-Type: image/jpeg',
      `Content-Length: ${jpeg.length}`,
      `X-Timestamp: ${capturedS.toFixed(6)}`,
      ...(count === null ? [] : [`X-Encoder-Count: ${count}`]),
      '\r\n',
    ].join('\r\n');
    const part = Buffer.concat([Buffer.from(head), jpeg, Buffer.from('\r\n')]);
    // 200 ms of 60 frames a second fit; one timer for the first of them, so no frame overtakes an earlier one.
    if (waiting.length >= maxWaiting) skipped += 1;
    else waiting.push({ part, sendMs: exposure.sendMs });
    if (waiting.length === 1) timers.after(Math.max(0, exposure.sendMs - clock.monotonicMs()), sendFirst);
  };

  const sendFirst = (): void => {
    const first = waiting.shift();
    if (first !== undefined) stream.send(first.part, 0);
    const next = waiting[0];
    if (next !== undefined) timers.after(Math.max(0, next.sendMs - clock.monotonicMs()), sendFirst);
  };

  let dueMs = 0;
  const frameMs = 1000 / options.fps;
  const tick = (): void => {
    const now = clock.monotonicMs();
    // Exposures that are long past are not made up for: the camera was not running.
    if (now - dueMs > 4 * frameMs) dueMs += Math.floor((now - dueMs) / frameMs) * frameMs;
    for (; dueMs <= now; dueMs += frameMs) expose(dueMs);
    timers.after(Math.max(1, dueMs - clock.monotonicMs()), tick);
  };

  return {
    get endpoint() {
      return `mjpeg+http://${stream.address}`;
    },
    get clients() {
      return stream.clients.size;
    },
    get skipped() {
      return skipped;
    },
    get dropped() {
      return stream.dropped;
    },
    get refused() {
      return stream.refused;
    },
    async start() {
      await stream.start();
      const work: CameraWork = { scene: tubeSceneOf(options), jpegQuality: options.jpegQuality };
      const started = new Worker(new URL('./camera-worker.ts', import.meta.url), { workerData: work });
      worker = started;
      started.on('message', drawn);
      started.on('error', (error) => fail(`the camera's drawing thread ended: ${error.message}`));
      firstMs = clock.monotonicMs();
      firstWallMs = clock.wallMs();
      dueMs = firstMs;
      tick();
    },
    latch(now) {
      latest = now;
    },
    async stop() {
      timers.clear();
      const ending = worker;
      worker = null;
      await ending?.terminate();
      await stream.stop();
    },
  };
}
