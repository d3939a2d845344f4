/** `selvedge teach voiceprint`: asks the running agent to enrol a machine by its sound, and tells how far it is. */
import { setTimeout as delay } from 'node:timers/promises';
import { loadConfig } from '../config/load.ts';
import { AgentError } from '../errors.ts';
import { askToEnrol, enrolTold, takeRequest, type EnrolTold } from '../senses/ear/requests.ts';
import { defaultSamples, leastSamples, mostSamples } from '../senses/ear/settings.ts';
import { writeJsonFile } from './json-file.ts';

export const voiceprintHelp = `
Usage: selvedge teach voiceprint --config FILE --machine M [--samples N] [--minutes N] [--json FILE]

Enrols a machine by the sound of it running well. The agent has to run: it listens already, and knows from the machine's own telemetry when it
runs and how fast. Each speed is learned by itself. What was learned before stays beside it; the five newest versions are kept.

  --machine M    a machine of the configuration with a microphone (ear:)
  --samples N    so many samples of four seconds a speed, ${leastSamples} … ${mostSamples}; default ${defaultSamples}. More, over days, make fewer false alarms
  --minutes N    give up after so many minutes; default 60
  --endpoints FILE  as selvedge run takes it
  --json FILE    also write {ok, machine, version, wanted, speeds:[{speed, samples}], leftOut:[{speed, samples}], reason}

Exit code: 0 learned, 1 not learned (no agent answered, time over, stopped), 2 wrong usage.
`;

const defaultMinutes = 60;
const lookEveryMs = 500;
/** An agent looks for requests every few seconds. */
const answerWithinMs = 15_000;

export interface TeachVoiceprintValues {
  readonly config?: string | undefined;
  readonly endpoints?: string | undefined;
  readonly machine?: string | undefined;
  readonly samples?: string | undefined;
  readonly minutes?: string | undefined;
  readonly json?: string | undefined;
}

export async function teachVoiceprint(values: TeachVoiceprintValues): Promise<number> {
  const { config: configFile, endpoints, machine: id, json } = values;
  if (configFile === undefined || id === undefined) {
    throw new AgentError('usage', 'teach voiceprint takes --config and --machine');
  }
  const samples = wholeOf('--samples', values.samples ?? String(defaultSamples), leastSamples, mostSamples);
  const minutes = wholeOf('--minutes', values.minutes ?? String(defaultMinutes), 1, 10_000);
  const config = loadConfig(configFile, endpoints === undefined ? {} : { endpoints });
  if ((config.machines.find((one) => one.id === id)?.ear ?? null) === null) {
    throw new AgentError('usage', `--machine: ${id} has no microphone (ear:) in ${configFile}`);
  }
  const { dataDir } = config;
  const request = askToEnrol(dataDir, id, samples);
  const told = await followed(dataDir, id, request, minutes * 60_000);
  const reason =
    told === null ? `no agent answered on ${dataDir}` : told.state === 'done' ? null : (told.reason ?? reasonOf(told));
  const report = {
    ok: reason === null,
    machine: id,
    version: told?.version ?? null,
    wanted: samples,
    speeds: told?.speeds ?? [],
    leftOut: told?.leftOut ?? [],
    reason,
  };
  if (json !== undefined) writeJsonFile(json, report);
  if (reason !== null) {
    process.stderr.write(`${reason}\n`);
    return 1;
  }
  process.stdout.write(`${id} is enrolled (version ${report.version}) at ${said(report.speeds)}\n`);
  if (report.leftOut.length > 0) process.stdout.write(`Too little was heard at ${said(report.leftOut)}\n`);
  return 0;
}

/** What was told last; null where no agent answered. */
async function followed(dataDir: string, machine: string, id: string, withinMs: number): Promise<EnrolTold | null> {
  const startMs = performance.now();
  let shown = '';
  for (;;) {
    await delay(lookEveryMs);
    const told = enrolTold(dataDir, machine, id);
    const waitedMs = performance.now() - startMs;
    if (told === null) {
      if (waitedMs < answerWithinMs) continue;
      takeRequest(dataDir, machine);
      return enrolTold(dataDir, machine, id);
    }
    const line = said(told.speeds);
    if (line !== shown) process.stderr.write(`${line}, of ${told.wanted} samples each\n`);
    shown = line;
    if (told.state !== 'running') return told;
    if (waitedMs >= withinMs) {
      askToEnrol(dataDir, machine, null);
      return { ...told, state: 'failed', reason: 'the time is over, and some speed lacks samples' };
    }
  }
}

const reasonOf = ({ state }: EnrolTold) => (state === 'stopped' ? 'it was stopped' : 'it failed');
const said = (speeds: EnrolTold['speeds']) =>
  speeds.length === 0
    ? 'nothing heard yet'
    : speeds.map(({ speed, samples }) => `${speed} a minute: ${samples}`).join('; ');

function wholeOf(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new AgentError('usage', `${name}: ${least} to ${most}`);
}
