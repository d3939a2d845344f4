/** `selvedge scan`: which machines answer in a range that a person names. */
import { realpathSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { loadProfile } from '../../drivers/profiles/load.ts';
import type { Profile } from '../../drivers/profiles/schema.ts';
import type { Found } from '../../drivers/scan/modbus.ts';
import { fivePerSecondMs, fivePerSecondWithChannelsMs } from '../../drivers/scan/pace.ts';
import { runScan } from '../../drivers/scan/scan.ts';
import { planScan, type ScanPlan } from '../../drivers/scan/targets.ts';
import { loadConfig } from '../config/load.ts';
import { lockState } from '../doctor/probes.ts';
import { AgentError } from '../errors.ts';
import {
  addressesOf,
  orTold,
  progress,
  realPace,
  refuseLineInUse,
  tellTrouble,
  timeoutOf,
  untilInterrupted,
} from './asking.ts';
import { writeJsonFile } from './json-file.ts';
import { hostOf, targetHosts, watchedOf } from './scan-guard.ts';

export const help = `Usage: selvedge scan RANGE [--units A..B] [--profile ID] [--config FILE [--endpoints FILE]] [--json FILE]

Finds out who answers in a range you name; there is no default range, and no more than 1024 targets (addresses times units) are
tried. Only reads: one register a Modbus unit (function 3), and of OPC UA servers the endpoints and the name, without a session and
without trusting anything. At most 5 requests a second altogether. Ctrl-C stops it; what was found until then is shown.

  RANGE              modbus://192.0.2.0/28:502              Modbus TCP
                     modbus+rtu://192.0.2.10..12:4001       RTU behind serial device servers
                     modbus+rtu:///dev/ttyUSB0?baudRate=9600&parity=none    RTU on a serial port
                     opc.tcp://192.0.2.10..12:4840          OPC UA
  --units A..B       Modbus unit ids to try on each, also 1..3,9. Most Modbus TCP machines answer to every unit id
  --profile ID       name the Modbus machines whose registers all fit this profile: its id, or the path of a file
  --timeout-ms N     how long connecting and one answer may take; default 1000, OPC UA 3000
  --config FILE      refuse what the agent of this configuration is reading at the moment
  --endpoints FILE   laid over the configuration, as selvedge run does
  --json FILE        also write {found:[{protocol, endpoint, unit, machine}], requests, durationS}; unit is null for OPC UA, machine
                     the name the server gives or the profile that fits, else null

A serial port that another process of this computer has open or locked is refused, by /proc/*/fd, /proc/locks and the lock files in
/run/lock; so is a device server that a process of this computer is connected to. On a serial line a unit that is silent is asked twice.
Name ranges of networks that are yours.

Exit code: 0 the whole range was tried, 1 it was not (refused, not opened, stopped), 2 wrong usage.
`;

export async function main(args: readonly string[]): Promise<number> {
  const text = { type: 'string' } as const;
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { units: text, profile: text, 'timeout-ms': text, config: text, endpoints: text, json: text },
  });
  const [range, ...more] = positionals;
  if (range === undefined || more.length > 0) throw new AgentError('usage', 'scan takes one RANGE');
  if (values.endpoints !== undefined && values.config === undefined) {
    throw new AgentError('usage', '--endpoints FILE needs --config FILE');
  }
  const plan = planScan(range, values.units ?? null);
  const profile = values.profile === undefined ? null : loadProfile(values.profile, []);
  if (profile !== null && (profile.protocol !== 'modbus' || plan.protocol !== 'modbus')) {
    throw new AgentError('usage', '--profile is for Modbus, and so must the profile be');
  }
  const timeoutMs = timeoutOf(values['timeout-ms'], plan.protocol === 'opcua' ? 3_000 : 1_000);
  return orTold(async () => {
    if (values.config !== undefined) await refuseWatched(plan, values.config, values.endpoints);
    if (plan.protocol === 'modbus') for (const { endpoint } of plan.targets) await refuseLineInUse(endpoint);
    return scan(plan, profile, timeoutMs, values.json, untilInterrupted());
  });
}

async function scan(
  plan: ScanPlan,
  profile: Profile | null,
  timeoutMs: number,
  jsonFile: string | undefined,
  signal: AbortSignal,
): Promise<number> {
  const startMs = performance.now();
  const targets = targetsOf(plan);
  const tell = progress();
  let tried = 0;
  let soFar = 0;
  const { found, requests, troubles } = await runScan(
    plan,
    { timeoutMs, profile },
    {
      pace: realPace(plan.protocol === 'opcua' ? fivePerSecondWithChannelsMs : fivePerSecondMs),
      monotonicMs: () => performance.now(),
      onFound: (one) => {
        soFar += 1;
        process.stderr.write(`found ${foundLine(one)}\n`);
      },
      onTried: (target) => {
        tried += 1;
        tell(() => `${tried} of ${targets} tried, ${soFar} found, last ${target}`);
      },
    },
    signal,
  );
  const durationS = Math.round(performance.now() - startMs) / 1000;
  if (jsonFile !== undefined) writeJsonFile(jsonFile, { found, requests, durationS });
  process.stdout.write(found.map((one) => `${foundLine(one)}\n`).join(''));
  const silent = troubles.length === 0 ? '' : `, ${troubles.length} addresses not reached`;
  const stopped = signal.aborted ? 'stopped: ' : '';
  process.stderr.write(`${stopped}${found.length} found${silent}, ${requests} requests, ${durationS} s\n`);
  // One line that cannot be opened is an error; one address of many where nobody is, is the usual thing.
  const [trouble] = plan.targets.length === 1 ? troubles : [];
  if (trouble !== undefined) tellTrouble(trouble);
  return signal.aborted || trouble !== undefined ? 1 : 0;
}

function targetsOf(plan: ScanPlan): number {
  return plan.protocol === 'opcua'
    ? plan.targets.length
    : plan.targets.reduce((sum, target) => sum + target.units.length, 0);
}

/** Names are written by strangers: no control character of theirs reaches a terminal. */
function foundLine({ endpoint, unit, machine }: Found): string {
  const parts = [endpoint, unit === null ? null : `unit ${unit}`, machine];
  return parts
    .filter((part) => part !== null)
    .join('  ')
    .replaceAll(/\p{C}/gu, '?');
}

/** Throws AGT-600 while an agent runs on the data folder of the configuration and reads one of the targets. */
async function refuseWatched(plan: ScanPlan, file: string, endpoints: string | undefined): Promise<void> {
  const config = loadConfig(file, endpoints === undefined ? {} : { endpoints });
  const hosts = [
    ...new Set([...targetHosts(plan), ...config.machines.flatMap(({ address }) => hostOf(address) ?? [])]),
  ];
  const addresses = new Map(await Promise.all(hosts.map(async (host) => [host, await addressesOf(host)] as const)));
  const watched = watchedOf(plan, config.machines, {
    realPath: realPathOf,
    addressesOf: (host) => addresses.get(host) ?? [host],
  });
  if (watched.length === 0) return;
  const lock = await lockState(config.dataDir);
  if (lock === 'free') return;
  // Whether an agent runs cannot be found out: as careful as if it did.
  const why = lock === 'held' ? '' : ` (${lock.problem})`;
  throw new AgentError('endpointWatched', `${file}: ${watched.join(', ')}${why}`);
}

function realPathOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
