/** `selvedge simulate SCENARIO …`: runs simulated machines alone, for any client. */
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { parseArgs } from 'node:util';
import { isDataset, loadDataset } from './dataset/load.ts';
import { writeSoundTrials } from './dataset/write-sound-trials.ts';
import { writeTrials } from './dataset/write-trials.ts';
import { generatorNames, writeStrips, type GeneratorName } from './dataset/write.ts';
import { SimulatorError } from './errors.ts';
import { createCameras } from './floor/cameras.ts';
import { createFloorModel, type FloorModel } from './floor/model.ts';
import { writePictures } from './floor/pictures.ts';
import { runFloor, writeEndpoints, type RunningFloor } from './floor/run.ts';
import { openTruthLog } from './floor/truth.ts';
import { loadScenario, scenarioFile } from './scenario/load.ts';
import type { UplinkTarget } from './servers/uplink-proxy.ts';

const usage = `Usage: selvedge simulate SCENARIO [OPTIONS]

Runs the machines of a scenario on 127.0.0.1, each speaking its real protocol, with the faults the scenario lists.
SCENARIO is a file, or the name of a shipped one: demo, lockstitch, knitting, tube-camera; cloth, needle-trials and sound-trials are data sets.

  --seed N                  what is drawn (fault times, noise, handling); default 1
  --truth FILE              write what really happened, as JSON lines
  --endpoints FILE          write where each machine listens, once all do
  --duration S              stop after so many seconds (90 or 90s); with --control the machines stand still then
                            and go on answering
  --without FAULT_ID        leave this fault out; may be repeated
  --healthy                 leave every fault out
  --uplink-target HOST:PORT the broker behind the uplink proxy (mqtts://HOST:PORT: one with TLS); without it there is no
                            proxy and no uplink outage
  --control                 obey lines on standard input: halt (all machines stand still, servers go on), stop
  --hold                    with --control: the machines answer but stand still until the line begin
  --port-base N             listen on N, N+1, … instead of free ports
  --pictures DIR            draw twelve pictures of good cloth for each camera of the floor, as DIR/MACHINE/nn.jpg, and end
  --dataset DIR             of a scenario that is a data set: write it into this new or empty folder and end
  --generator a|b           with --dataset: who draws; default a. What b draws is for scores, never for training
  --help                    this text

Prints JSON lines: listening (with the endpoints), halted; progress and written of a data set. Exit codes: 0 good, 2 wrong usage, scenario or port.`;

interface Request {
  readonly scenario: string;
  readonly seed: number;
  readonly truth: string | null;
  readonly endpoints: string | null;
  readonly durationS: number | null;
  readonly without: readonly string[];
  readonly healthy: boolean;
  readonly uplinkTarget: UplinkTarget | null;
  readonly control: boolean;
  readonly hold: boolean;
  readonly portBase: number;
  readonly pictures: string | null;
  readonly dataset: string | null;
  readonly generator: GeneratorName;
}

/** The command line as a request, or null when only help is asked for. Throws SIM-103. */
export function parseRequest(args: readonly string[]): Request | null {
  const { values, positionals } = readArgs(args);
  if (values.help === true) return null;
  // The launcher hands the verb over as the first word.
  const [scenario, ...more] = positionals[0] === 'simulate' ? positionals.slice(1) : positionals;
  if (scenario === undefined)
    throw new SimulatorError('usage', 'which SCENARIO? Give a file, or demo for the shipped floor');
  if (more.length > 0) throw new SimulatorError('usage', `one SCENARIO at a time; what is ${more.join(' ')}?`);
  const portBase = whole('--port-base', values['port-base'] ?? '0', 0, 65_000);
  return {
    scenario,
    seed: whole('--seed', values.seed ?? '1', 0, Number.MAX_SAFE_INTEGER),
    truth: values.truth ?? null,
    endpoints: values.endpoints ?? null,
    durationS: values.duration === undefined ? null : seconds(values.duration),
    without: values.without ?? [],
    healthy: values.healthy === true,
    uplinkTarget: values['uplink-target'] === undefined ? null : hostPort(values['uplink-target']),
    control: values.control === true,
    hold: values.hold === true,
    portBase,
    pictures: values.pictures ?? null,
    dataset: values.dataset ?? null,
    generator: generatorOf(values.generator ?? 'a'),
  };
}

function generatorOf(text: string): GeneratorName {
  const name = generatorNames.find((name) => name === text);
  if (name === undefined)
    throw new SimulatorError('usage', `--generator is ${generatorNames.join(' or ')}, not ${text}`);
  return name;
}

function readArgs(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        seed: { type: 'string' },
        truth: { type: 'string' },
        endpoints: { type: 'string' },
        duration: { type: 'string' },
        without: { type: 'string', multiple: true },
        healthy: { type: 'boolean' },
        'uplink-target': { type: 'string' },
        control: { type: 'boolean' },
        hold: { type: 'boolean' },
        'port-base': { type: 'string' },
        pictures: { type: 'string' },
        dataset: { type: 'string' },
        generator: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    // Node's message goes on about positional arguments after its first sentence.
    const message = error instanceof Error ? (error.message.split('. ')[0] ?? '') : String(error);
    throw new SimulatorError('usage', message, { cause: error });
  }
}

function whole(option: string, text: string, min: number, max: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max))
    throw new SimulatorError('usage', `${option} is a whole number from ${min} to ${max}, not ${text}`);
  return value;
}

function seconds(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(s|m|h)?$/.exec(text);
  const value = Number(match?.[1]) * (match?.[2] === 'm' ? 60 : match?.[2] === 'h' ? 3600 : 1);
  if (match === null || !(value > 0))
    throw new SimulatorError('usage', `--duration is seconds above 0, such as 90 or 90s, not ${text}`);
  return value;
}

function hostPort(text: string): UplinkTarget {
  const match = /^(?:(mqtts?|tcp):\/\/)?([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\]):(\d{1,5})\/?$/.exec(text);
  const port = Number(match?.[3]);
  if (match?.[2] === undefined || !(port >= 1 && port <= 65_535))
    throw new SimulatorError('usage', `--uplink-target is HOST:PORT, such as 127.0.0.1:1883, not ${text}`);
  return { scheme: match[1] === 'mqtts' ? 'mqtts' : 'mqtt', host: match[2].replace(/^\[|\]$/g, ''), port };
}

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
  if (request.pictures !== null) return drawPictures(model, request.pictures, request, streams);
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
