/** What the eye and the ear of the agent are made of. Each is loaded only where a machine has one. */
import type { Config } from './config/config.ts';
import { resolveSecret } from './config/secrets.ts';
import type { InstalledModels } from './models/installed.ts';
import { ownVerb, type ConfigFiles } from './own-verb.ts';
import type { PipelineParts } from './parts.ts';
import type { Pipeline } from './pipeline-ports.ts';
import { RollRequests } from './rolls/requests.ts';
import type { EarDesk } from './senses/ear/desk.ts';
import type { EarStaff } from './senses/ear/staff.ts';
import type { EyeDesk } from './senses/eye/desk.ts';
import type { ModelWatch, ModelWatchParts } from './senses/model-watch.ts';
import type { TeachDesk } from './senses/teach-desk.ts';
import { gatewayKeys } from './sync/keys.ts';
import type { GatewayClock } from './time/gateway-clock.ts';

/** A line of a sense in the log of the agent. */
const loggedBy =
  (log: PipelineParts['log']): ModelWatchParts['log'] =>
  (level, message, fields) =>
    log[level](fields, message);

/** The eye of all machines that have a camera; null where none has: then nothing of it is loaded. */
export async function eyeFor(
  config: Config,
  { pipeline, store, clock, log }: Pick<PipelineParts, 'store' | 'clock' | 'log'> & { readonly pipeline: Pipeline },
): Promise<EyeDesk | null> {
  const machines = config.machines.flatMap(({ id, eye }) => (eye === null ? [] : [{ id, eye }]));
  const webs = config.machines.flatMap(({ id, webEye }) => (webEye === null ? [] : [{ id, eye: webEye }]));
  if (machines.length + webs.length === 0) return null;
  const { EyeDesk: Desk } = await import('./senses/eye/desk.ts');
  const logged = loggedBy(log);
  const models = await eyeModelsFor(config, { clock, pipeline, log: logged, changed: () => desk.look() });
  const desk = new Desk({
    machines,
    webs,
    dataDir: config.dataDir,
    publicKey: gatewayKeys(config.dataDir).publicKey,
    models,
    pipeline,
    keepFile: (bytes) => store.keepFile(bytes),
    clock,
    random: Math.random,
    log: logged,
  });
  return desk;
}

/** The ear of all machines that have a microphone; null where none has: then nothing of it is loaded. */
export async function earFor(
  config: Config,
  { pipeline, store, clock, log }: Pick<PipelineParts, 'store' | 'clock' | 'log'> & { readonly pipeline: Pipeline },
): Promise<EarDesk | null> {
  const heard = config.machines.flatMap(({ id, kind, ear }) => (ear === null ? [] : [{ id, kind, ear }]));
  if (heard.length === 0) return null;
  const { EarDesk: Desk } = await import('./senses/ear/desk.ts');
  const logged = loggedBy(log);
  const { cylinderFor, turnerFor } = await import('./senses/ear/suspicions.ts');
  const machines = heard.map(({ id, kind, ear }) => ({
    id,
    ear,
    turner: turnerFor(kind, ear),
    cylinder: cylinderFor(kind, ear),
  }));
  const { clipKey } = await import('./senses/ear/clips.ts');
  const clips = machines.flatMap(({ id, ear: { keepClips } }) =>
    keepClips === null ? [] : [[id, { ...keepClips, key: clipKey(resolveSecret(keepClips.key)) }] as const],
  );
  const desk: EarDesk = new Desk({
    machines,
    clips: new Map(clips),
    dataDir: config.dataDir,
    keys: gatewayKeys(config.dataDir),
    ...(await earModelsFor(config, { clock, pipeline, log: logged, changed: () => desk.look() })),
    pipeline,
    keepFile: (bytes) => store.keepFile(bytes),
    clock,
    random: Math.random,
    log: logged,
  });
  return desk;
}

/** What staff say to the ear; null where no machine has one: then nothing of it is loaded. */
export async function earStaffFor(
  config: Config,
  {
    pipeline,
    store,
    clock,
    log,
    ear,
  }: Pick<PipelineParts, 'store' | 'clock' | 'log'> & { readonly pipeline: Pipeline; readonly ear: EarDesk | null },
): Promise<EarStaff | null> {
  if (ear === null) return null;
  const { EarStaff: Staff } = await import('./senses/ear/staff.ts');
  return new Staff({
    machines: config.machines.flatMap((machine) => (machine.ear === null ? [] : [machine.id])),
    dataDir: config.dataDir,
    keys: gatewayKeys(config.dataDir),
    desk: ear,
    occurrence: (id) => store.occurrence(id),
    labelled: (machine, data) => pipeline.sound.labelled(machine, data),
    clock,
    log: loggedBy(log),
  });
}

/** Teaching from the page; null where no machine has an eye: then nothing of it is loaded. */
export async function teachingFor(
  config: Config,
  files: ConfigFiles,
  {
    pipeline,
    clock,
    log,
    eye,
  }: Pick<PipelineParts, 'clock' | 'log'> & { readonly pipeline: Pipeline; readonly eye: EyeDesk | null },
): Promise<TeachDesk | null> {
  if (eye === null) return null;
  const { TeachDesk: Desk } = await import('./senses/teach-desk.ts');
  return new Desk({
    eyes: config.machines.flatMap(({ id, eye: tube, webEye }) => {
      const any = tube ?? webEye;
      return any === null ? [] : [{ id, fabric: any.fabric }];
    }),
    dataDir: config.dataDir,
    publicKey: gatewayKeys(config.dataDir).publicKey,
    model: () => eye.view().model,
    command: (machine, fabric) => {
      const what = ['--machine', machine, '--fabric', fabric, '--from', 'camera', '--progress'];
      return [...ownVerb(['teach', 'vision'], files), ...what];
    },
    taught: (machine, taught) => pipeline.fabric.clothTaught(machine, taught),
    clock,
    log: loggedBy(log),
  });
}

/** Begins of rolls that people ask for at the terminal, of the machines whose cloth is looked at. */
export function rollRequestsFor(
  config: Config,
  { pipeline, log }: Pick<PipelineParts, 'log'> & { readonly pipeline: Pipeline },
): RollRequests {
  return new RollRequests({
    dataDir: config.dataDir,
    machines: config.machines.flatMap((machine) => ((machine.eye ?? machine.webEye) === null ? [] : [machine.id])),
    begin: (machine, id) => void pipeline.fabric.rollBegin(machine, id),
    log: loggedBy(log),
  });
}

async function installedFor(
  { dataDir, models: { siteKeys } }: { readonly dataDir: string; readonly models: Pick<Config['models'], 'siteKeys'> },
  clock: GatewayClock,
): Promise<InstalledModels> {
  const { InstalledModels: Installed } = await import('./models/installed.ts');
  const { trustedKeys } = await import('./models/trust.ts');
  const { runGolden } = await import('../models/package/golden.ts');
  const { hostBoot, hostMonotonicMs } = await import('./time/host.ts');
  return new Installed({
    dataDir,
    trusted: trustedKeys(dataDir, siteKeys),
    golden: runGolden,
    now: () => ({ boot: hostBoot(), monotonicMs: hostMonotonicMs() }),
    wallMs: () => clock.wallMs(),
  });
}

/** Accelerators are tried when the agent has begun to do what it is there for. */
const tryAcceleratorsAfterMs = 30_000;
/** The trial of an accelerator stands back behind the polls. */
const trialNiceness = 10;

interface WatchParts extends Pick<ModelWatchParts, 'log' | 'changed'> {
  readonly clock: GatewayClock;
  readonly pipeline: Pipeline;
}

async function eyeModelsFor(config: Config, parts: WatchParts): Promise<ModelWatch> {
  const { eyeModelId } = await import('./senses/eye/model.ts');
  const { Accelerators, hostMarks } = await import('./models/accelerators.ts');
  const { chooseAccelerator } = await import('../models/package/accelerator.ts');
  const {
    dataDir,
    models: { accelerator },
  } = config;
  const accelerators = new Accelerators({
    dataDir,
    wanted: accelerator,
    host: hostMarks(process.env),
    choose: (folder, manifest, signal) =>
      chooseAccelerator(folder, manifest, accelerator, process.platform, { niceness: trialNiceness, signal }),
    wallMs: () => parts.clock.wallMs(),
  });
  return watchFor(config, parts, { id: eyeModelId, of: 'the eye', accelerators });
}

async function earModelsFor(
  config: Config,
  parts: WatchParts,
): Promise<{ readonly models: ModelWatch; readonly faultModels: ModelWatch }> {
  const { earModelId, faultModelId } = await import('./senses/ear/knowledge.ts');
  return {
    models: await watchFor(config, parts, { id: earModelId, of: 'the ear', accelerators: null }),
    faultModels: await watchFor(config, parts, {
      id: faultModelId,
      of: 'the faults that are heard',
      accelerators: null,
    }),
  };
}

async function watchFor(
  { dataDir, models: { siteKeys } }: Config,
  { clock, pipeline, log, changed }: WatchParts,
  about: Pick<ModelWatchParts, 'id' | 'of' | 'accelerators'>,
): Promise<ModelWatch> {
  const { ModelWatch: Watch } = await import('./senses/model-watch.ts');
  const { CrashNotes, noteInThread } = await import('./models/crash-notes.ts');
  return new Watch({
    ...about,
    installed: await installedFor({ dataDir, models: { siteKeys } }, clock),
    notes: new CrashNotes(about.id, (note) => noteInThread({ dataDir, ...note })),
    takenBack: (told) => pipeline.gateway.modelTakenBack(told),
    changed,
    log,
    tryAfterMs: tryAcceleratorsAfterMs,
  });
}
