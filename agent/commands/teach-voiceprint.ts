/** `selvedge teach voiceprint`: asks the running agent to enrol a machine by its sound, or learns it from recordings, and tells how far it is. */
import { setTimeout as delay } from 'node:timers/promises';
import { runGolden } from '../../models/package/golden.ts';
import { openSession } from '../../models/runtime.ts';
import type { Config, EarConfig } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import { AgentError } from '../errors.ts';
import { InstalledModels } from '../models/installed.ts';
import { trustedKeys } from '../models/trust.ts';
import { earModelId, faultModelId } from '../senses/ear/knowledge.ts';
import { keepPrint } from '../senses/ear/prints.ts';
import { learnRecordings, readRecording, recordingsIn, type Recorded } from '../senses/ear/recordings.ts';
import { askToEnrol, enrolTold, takeRequest, type EnrolTold } from '../senses/ear/requests.ts';
import { defaultSamples, leastSamples, mostSamples } from '../senses/ear/settings.ts';
import { turnerFor } from '../senses/ear/suspicions.ts';
import { senseModel } from '../senses/sense-model.ts';
import { gatewayKeys } from '../sync/keys.ts';
import { hostBoot, hostMonotonicMs } from '../time/host.ts';
import { writeJsonFile } from './json-file.ts';

export const voiceprintHelp = `
Usage: selvedge teach voiceprint --config FILE --machine M [--from DIR] [--samples N] [--minutes N] [--json FILE]

Enrols a machine by the sound of it running well. The agent has to run: it listens already, and knows from the machine's own telemetry when it
runs and how fast. Each speed is learned by itself. What was learned before stays beside it; the five newest versions are kept.

  --machine M    a machine of the configuration with a microphone (ear:)
  --samples N    so many samples of four seconds a speed, ${leastSamples} … ${mostSamples}; default ${defaultSamples}. More, over days, make fewer false alarms
  --from DIR     learns from recordings of this microphone instead, without an agent: WAV files, and beside each NAME.wav a NAME.json,
                 {"speed": 3300} or {"polls": [{"s": 0.5, "speed": 3300}, …]}: what the machine said of its speed, with the seconds since the
                 beginning. What ear: of the machine says holds for them, too (pulse: on the second channel)
  --minutes N    give up after so many minutes; default 60
  --endpoints FILE  as selvedge run takes it
  --json FILE    also write {ok, machine, version, wanted, speeds:[{speed, samples}], leftOut:[{speed, samples}], reason}

Exit code: 0 learned, 1 not learned (no agent answered, time over, stopped, too little in the recordings), 2 wrong usage.
`;

const defaultMinutes = 60;
const lookEveryMs = 500;
/** An agent looks for requests every few seconds. */
const answerWithinMs = 15_000;

export interface TeachVoiceprintValues {
  readonly config?: string | undefined;
  readonly endpoints?: string | undefined;
  readonly machine?: string | undefined;
  readonly from?: string | undefined;
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
  const machine = config.machines.find((one) => one.id === id);
  if (machine?.ear === null || machine?.ear === undefined) {
    throw new AgentError('usage', `--machine: ${id} has no microphone (ear:) in ${configFile}`);
  }
  const { dataDir } = config;
  const told =
    values.from === undefined
      ? await fromAgent(dataDir, id, samples, minutes * 60_000)
      : await fromRecordings(values.from, config, { ...machine, ear: machine.ear }, samples);
  const report = { ok: told.reason === null, machine: id, wanted: samples, ...told };
  const { reason } = told;
  if (json !== undefined) writeJsonFile(json, report);
  if (reason !== null) {
    process.stderr.write(`${reason}\n`);
    return 1;
  }
  process.stdout.write(`${id} is enrolled (version ${report.version}) at ${said(report.speeds)}\n`);
  if (report.leftOut.length > 0) process.stdout.write(`Too little was heard at ${said(report.leftOut)}\n`);
  return 0;
}

/** How an enrolment ended. */
interface Ended {
  readonly version: number | null;
  readonly speeds: EnrolTold['speeds'];
  readonly leftOut: EnrolTold['speeds'];
  /** null: it was learned. */
  readonly reason: string | null;
}

async function fromAgent(dataDir: string, machine: string, samples: number, withinMs: number): Promise<Ended> {
  const told = await followed(dataDir, machine, askToEnrol(dataDir, machine, samples), withinMs);
  if (told === null) return { version: null, speeds: [], leftOut: [], reason: `no agent answered on ${dataDir}` };
  const { state, version, speeds, leftOut, reason } = told;
  return { version, speeds, leftOut, reason: state === 'done' ? null : (reason ?? reasonOf(told)) };
}

type HeardMachine = Pick<Config['machines'][number], 'id' | 'kind'> & { readonly ear: EarConfig };

async function fromRecordings(
  dir: string,
  { dataDir, models }: Config,
  { id, kind, ear }: HeardMachine,
  samples: number,
): Promise<Ended> {
  const files = recordingsIn(dir);
  if (files.length === 0) throw new AgentError('usage', `--from: ${dir} has no WAV files`);
  const installed = new InstalledModels({
    dataDir,
    trusted: trustedKeys(dataDir, models.siteKeys),
    golden: runGolden,
    now: () => ({ boot: hostBoot(), monotonicMs: hostMonotonicMs() }),
    wallMs: () => Date.now(),
  });
  const levels = senseModel(earModelId, installed.active(earModelId));
  const turner = turnerFor(kind, ear);
  const ofFaults = turner === null ? null : senseModel(faultModelId, installed.active(faultModelId));
  const graph = await openSession(levels.modelFile);
  const faultGraph = ofFaults === null ? null : await openSession(ofFaults.modelFile);
  try {
    const hasPulse = ear.pulse ?? false;
    const faults =
      turner === null || ofFaults === null || faultGraph === null
        ? null
        : { graph: faultGraph, model: ofFaults.model, turner };
    const { message, counts } = await learnRecordings(read(dir, files, hasPulse), {
      machine: id,
      model: levels.model,
      graph,
      faults,
      hasPulse,
      samples,
    });
    if (message?.kind !== 'enrolled') {
      const why = Object.entries(counts).flatMap(([what, count]) => (count > 0 ? [`${what} ${count}`] : []));
      const heard = `some speed has fewer than ${samples} samples${why.length === 0 ? '' : ` (left out: ${why.join(', ')})`}`;
      return { version: null, speeds: message?.speeds ?? [], leftOut: [], reason: `${heard}. Nothing was learned` };
    }
    const { rateHz, prints, leftOut } = message;
    const about = { machine: id, taughtMs: Date.now(), model: levels.model, microphone: ear.microphone, rateHz };
    const taught = { ...about, levels: message.levels, speeds: prints };
    const { version } = keepPrint(dataDir, taught, gatewayKeys(dataDir).privateKey);
    return { version, speeds: prints.map(({ speed, samples: of }) => ({ speed, samples: of })), leftOut, reason: null };
  } finally {
    await graph.close();
    await faultGraph?.close();
  }
}

/** One after the other: an hour of sound does not fit into a gateway. */
function* read(dir: string, files: readonly string[], hasPulse: boolean): Generator<Recorded> {
  for (const [at, file] of files.entries()) {
    process.stderr.write(`recording ${at + 1} of ${files.length}\n`);
    yield readRecording(dir, file, hasPulse);
  }
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

const reasonOf = ({ state }: Pick<EnrolTold, 'state'>) => (state === 'stopped' ? 'it was stopped' : 'it failed');
const said = (speeds: EnrolTold['speeds']) =>
  speeds.length === 0
    ? 'nothing heard yet'
    : speeds.map(({ speed, samples }) => `${speed} a minute: ${samples}`).join('; ');

function wholeOf(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new AgentError('usage', `${name}: ${least} to ${most}`);
}
