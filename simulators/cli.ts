/** `selvedge simulate SCENARIO …`: runs simulated machines alone, for any client. */
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { isDataset, loadDataset } from './dataset/load.ts';
import { writeSoundTrials } from './dataset/write-sound-trials.ts';
import { writeTrials } from './dataset/write-trials.ts';
import { writeStrips } from './dataset/write.ts';
import { SimulatorError } from './errors.ts';
import { createCameras } from './floor/cameras.ts';
import { writeEndpoints } from './floor/endpoints.ts';
import { createFloorModel, type FloorModel } from './floor/model.ts';
import { writePictures } from './floor/pictures.ts';
import { writeRecordings } from './floor/recordings.ts';
import { runFloor, type RunningFloor } from './floor/run.ts';
import { openTruthLog } from './floor/truth.ts';
import { loadScenario, scenarioFile } from './scenario/load.ts';
import { parseRequest, usage, type Request } from './request.ts';

/** Where the command reads and writes; the process's own streams, or a test's. */
export interface Streams {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
}

function complain(stderr: Writable, error: unknown): 2 {
  if (error instanceof SimulatorError) stderr.write(`selvedge simulate: ${error.message} — do: ${error.entry.cure}\n`);
  else stderr.write(`selvedge simulate: unexpected: ${error instanceof Error ? error.message : String(error)}\n`);
  return 2;
}

/** Resolves with the exit code when the floor has stopped: at a signal, a control line or the end of its duration. */
export async function main(args: readonly string[], streams: Streams = process): Promise<number> {
  // A signal that comes while the floor is still being built ends it as soon as it stands.
  const stopping = new AbortController();
  const stop = (): void => stopping.abort();
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  try {
    return await simulate(args, streams, stopping);
  } catch (error) {
    return complain(streams.stderr, error);
  } finally {
    process.removeListener('SIGINT', stop);
    process.removeListener('SIGTERM', stop);
  }
}

async function simulate(args: readonly string[], streams: Streams, stopping: AbortController): Promise<number> {
  const request = parseRequest(args);
  if (request === null) {
    streams.stdout.write(`${usage}\n`);
    return 0;
  }
  const file = scenarioFile(request.scenario);
  if (request.dataset !== null) return writeDataset(file, request.dataset, request, streams, stopping.signal);
  if (isDataset(file))
    throw new SimulatorError(
      'usage',
      `${request.scenario} is a data set, not a floor: say where to with --dataset DIR`,
    );
  const loaded = loadScenario(file);
  if (!loaded.ok) {
    for (const problem of loaded.problems) streams.stderr.write(`selvedge simulate: SIM-102 ${problem}\n`);
    return 2;
  }
  const ids = loaded.scenario.faults.map((fault) => fault.id);
  const unknown = request.without.find((id) => !ids.includes(id));
  if (unknown !== undefined) {
    const known = ids.join(', ') || 'none';
    throw new SimulatorError('usage', `--without ${unknown}: the scenario has no such fault; it has ${known}`);
  }
  const model = createFloorModel(loaded.scenario, request.seed, request);
  const { pictures, recordings } = request;
  if (pictures !== null) return drawPictures(model, pictures, request, streams);
  if (recordings !== null) {
    const files = await writeRecordings(loaded.scenario, request.seed, recordings);
    streams.stdout.write(`${JSON.stringify({ event: 'written', recordings, files })}\n`);
    return 0;
  }
  // A launcher that died first must not make the floor end with a stack trace.
  streams.stdout.on('error', () => undefined);
  const say = (event: Record<string, unknown>): void => void streams.stdout.write(`${JSON.stringify(event)}\n`);
  if (request.uplinkTarget === null) {
    for (const { fault } of model.schedule.faults) {
      if (fault.machine === 'gateway') say({ event: 'left-out', id: fault.id, why: 'there is no --uplink-target' });
    }
  }
  const truth = request.truth === null ? null : openTruthLog(request.truth);
  try {
    const floor = await runFloor({
      model,
      truth,
      clock: { wallMs: () => Date.now(), monotonicMs: () => performance.now() },
      random: Math.random,
      seed: request.seed,
      portBase: request.portBase,
      uplinkTarget: request.uplinkTarget,
      hold: request.hold,
      onTrouble: (error) => void complain(streams.stderr, error),
    });
    try {
      if (request.endpoints !== null) writeEndpoints(request.endpoints, floor.endpoints);
      say({ event: 'listening', endpoints: request.endpoints, ...floor.endpoints });
      await obey(floor, request, streams, stopping, say);
    } finally {
      await floor.stop();
    }
  } finally {
    truth?.close();
  }
  return 0;
}

/** Draws what the cameras see of good cloth, and ends. */
async function drawPictures(
  model: FloorModel,
  folder: string,
  { seed }: Request,
  { stdout, stderr }: Streams,
): Promise<number> {
  const cameras = createCameras({
    model,
    seed,
    random: Math.random,
    clock: { wallMs: () => Date.now(), monotonicMs: () => performance.now() },
    firstPort: 0,
    onTrouble: (error) => void complain(stderr, error),
  });
  const images = await writePictures(cameras, folder);
  stdout.write(`${JSON.stringify({ event: 'written', pictures: folder, images })}\n`);
  return 0;
}

const progressEveryMs = 1000;

/** Writes a data set and ends. */
async function writeDataset(
  file: string,
  folder: string,
  { seed, generator, scenario }: Request,
  { stdout, stderr }: Streams,
  signal: AbortSignal,
): Promise<number> {
  if (!isDataset(file))
    throw new SimulatorError('usage', `${scenario} is a floor, not a data set: leave --dataset out to run it`);
  const loaded = loadDataset(file);
  if (!loaded.ok) {
    for (const problem of loaded.problems) stderr.write(`selvedge simulate: SIM-102 ${problem}\n`);
    return 2;
  }
  stdout.on('error', () => undefined);
  const say = (event: Record<string, unknown>): void => void stdout.write(`${JSON.stringify(event)}\n`);
  let saidMs = performance.now();
  const onProgress = (done: number, of: number): void => {
    if (performance.now() - saidMs < progressEveryMs) return;
    saidMs = performance.now();
    say({ event: 'progress', done, of });
  };
  const { dataset } = loaded;
  const options = { folder, seed, generator, onProgress, signal };
  const written =
    dataset.dataset === 'strips'
      ? { images: await writeStrips(dataset, options) }
      : dataset.dataset === 'sound-trials'
        ? { clips: await writeSoundTrials(dataset, options) }
        : { trials: await writeTrials(dataset, options) };
  if (signal.aborted) {
    stderr.write(`selvedge simulate: stopped; ${folder} is not whole and has no truth.json\n`);
    return 2;
  }
  say({ event: 'written', dataset: folder, generator, ...written });
  return 0;
}

/** Obeys the control lines and the duration until the floor is to stop. */
async function obey(
  floor: RunningFloor,
  request: Request,
  { stdin, stderr }: Streams,
  stopping: AbortController,
  say: (event: Record<string, unknown>) => void,
): Promise<void> {
  const halt = (): void => void floor.halt().then((t) => say({ event: 'halted', t }));
  const stop = (): void => stopping.abort();
  const timer = request.durationS === null ? null : setTimeout(request.control ? halt : stop, request.durationS * 1000);
  const lines = request.control ? createInterface({ input: stdin }) : null;
  lines?.on('line', (line) => {
    const word = line.trim();
    if (word === 'begin') floor.begin();
    else if (word === 'halt') halt();
    else if (word === 'stop') stop();
    else if (word !== '')
      stderr.write(`selvedge simulate: there is no control word ${word}; there are begin, halt and stop\n`);
  });
  // The one who held the other end of the line is gone: nobody could stop the floor any more.
  lines?.on('close', stop);
  const { promise, resolve } = Promise.withResolvers<void>();
  if (stopping.signal.aborted) resolve();
  stopping.signal.addEventListener('abort', () => resolve(), { once: true });
  await promise;
  if (timer !== null) clearTimeout(timer);
  lines?.close();
  if (lines !== null) stdin.destroy();
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
