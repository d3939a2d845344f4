/**
 * A microphone at a sewing machine, as a network microphone serves it: a WAV without end over HTTP, 16 bits, on the second channel the pulse of
 * a pick-up at the shaft. What it hears is made as the shaft of the floor turns.
 *
 * Invariants (tests in `test/integration/simulators-microphone.test.ts`):
 *  M1  Listens on loopback alone; what is not a GET of the stream is refused.
 *  M2  Sound is made in a worker, in real time: a part for each `ticksAPart` latches, none while nobody listens.
 *  M3  A client that does not read loses parts, never delays others; no more than `maxWaitingBytes` wait for it. What is lost is counted.
 *  M4  After `stop` no socket or thread is left.
 */
import { Worker } from 'node:worker_threads';
import { wavHead } from '../dataset/wav.ts';
import { SimulatorError } from '../errors.ts';
import type { Random } from '../random.ts';
import type { LivePart, LiveSite, Shaft } from '../sound/live.ts';
import type { MicrophoneWork, SoundOrder, SoundPart } from './microphone-worker.ts';
import { createStreamServer } from './stream.ts';

export interface MicrophoneOptions {
  readonly site: LiveSite;
  readonly pulse: boolean;
  /** Between two latches, s. */
  readonly tickS: number;
  /** 0 takes a free port. */
  readonly port: number;
  readonly random: Random;
  /** Told once when no more sound can be made. */
  readonly onTrouble: (error: SimulatorError) => void;
}

/** What is heard of the machine from the last latch to this. */
export interface MicrophoneLatch {
  readonly shaft: Shaft;
  readonly faults: LivePart['faults'];
}

export interface MicrophoneServer {
  /** URL of the stream. Valid after `start`. */
  readonly endpoint: string;
  readonly clients: number;
  /** Parts that were not made because too many were under way. */
  readonly skipped: number;
  /** Parts that clients did not take in time. */
  readonly dropped: number;
  /** Requests that were none for the stream. */
  readonly refused: number;
  /** Resolves when it can be heard. Rejects with SIM-104, SIM-105 or SIM-109. */
  start(): Promise<void>;
  latch(now: MicrophoneLatch): void;
  stop(): Promise<void>;
}

const ticksAPart = 4;
const maxUnderWay = 10;
/** Some two seconds. */
const maxWaitingBytes = 512 * 1024;

export function createMicrophoneServer({ site, pulse, tickS, ...options }: MicrophoneOptions): MicrophoneServer {
  const head = wavHead({ channels: pulse ? 2 : 1, rateHz: site.rateHz, bits: 16 }, null);
  const stream = createStreamServer({
    path: '/audio',
    headers: { 'content-type': 'audio/wav' },
    port: options.port,
    random: options.random,
    onClient: (client) => void client.write(head),
  });
  let worker: Worker | null = null;
  let moments: Shaft[] = [];
  let underWay = 0;
  let skipped = 0;

  const heard = ({ pcm }: SoundPart): void => {
    underWay -= 1;
    stream.send(pcm, maxWaitingBytes);
  };

  /** Resolves when the voice of the machine is made. */
  const startWorker = (): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const workerData: MicrophoneWork = { site, pulse };
    const started = new Worker(new URL('./microphone-worker.ts', import.meta.url), { workerData });
    worker = started;
    started.once('message', () => {
      started.on('message', heard);
      resolve();
    });
    started.on('error', (error) => {
      const failed = new SimulatorError('microphoneFailed', error.message, { cause: error });
      reject(failed);
      if (worker === null) return;
      worker = null;
      options.onTrouble(failed);
    });
    return promise;
  };

  return {
    get endpoint() {
      return `wav+http://${stream.address}`;
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
      try {
        await startWorker();
      } catch (error) {
        await stream.stop();
        throw error;
      }
    },
    latch({ shaft, faults }) {
      moments.push(shaft);
      if (moments.length <= ticksAPart) return;
      const order: SoundOrder = { moments, stepS: tickS, faults };
      moments = [shaft];
      if (worker === null || stream.clients.size === 0) return;
      if (underWay >= maxUnderWay) {
        skipped += 1;
        return;
      }
      underWay += 1;
      worker.postMessage(order, []);
    },
    async stop() {
      const ending = worker;
      worker = null;
      await stream.stop();
      await ending?.terminate();
    },
  };
}
