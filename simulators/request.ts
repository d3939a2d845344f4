/** The command line of `selvedge simulate`, as a request. */
import { parseArgs } from 'node:util';
import { generatorNames, type GeneratorName } from './dataset/write.ts';
import { SimulatorError } from './errors.ts';
import type { UplinkTarget } from './servers/uplink-proxy.ts';

export const usage = `Usage: selvedge simulate SCENARIO [OPTIONS]

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
  --recordings DIR          record each microphone of the floor while its machine runs well, for some two minutes, as DIR/MACHINE/nn.wav
                            with the speeds in nn.json beside it, and end
  --dataset DIR             of a scenario that is a data set: write it into this new or empty folder and end
  --generator a|b           with --dataset: who draws; default a. What b draws is for scores, never for training
  --help                    this text

Prints JSON lines: listening (with the endpoints), halted; progress and written of a data set. Exit codes: 0 good, 2 wrong usage, scenario or port.`;

export interface Request {
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
  readonly recordings: string | null;
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
    recordings: values.recordings ?? null,
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
        recordings: { type: 'string' },
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
