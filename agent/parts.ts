/** What each part of the agent is made of, from the configuration. `main.ts` says how they hang together, and when each starts and ends. */
import { randomUUID } from 'node:crypto';
import type { Driver, DriverPorts } from '../drivers/contract.ts';
import { loadProfile } from '../drivers/profiles/load.ts';
import { witnessed, witnessFd, writeWhole } from './commit-witness.ts';
import type { Profile } from '../drivers/profiles/schema.ts';
import type { Config, MachineConfig } from './config/config.ts';
import { resolveSecret } from './config/secrets.ts';
import type { DiscoveredSignals } from './discovered.ts';
import type { Logger } from './log.ts';
import type { MachineSetup } from './machine.ts';
import { createPipeline } from './pipeline.ts';
import type { DatedSpan, Pipeline } from './pipeline-ports.ts';
import type { Instant } from './rules/conditions.ts';
import type { EarDesk } from './senses/ear/desk.ts';
import type { EyeDesk } from './senses/eye/desk.ts';
import type { RuleSet } from './rules/load.ts';
import {
  endpointName,
  groupByBus,
  pollsMs,
  type SourceMaker,
  type SourceOptions,
  type WatchedMachine,
} from './sources.ts';
import type { HostClock } from './store/dating.ts';
import { openStore, type Store } from './store/open.ts';
import type { GatewayClock } from './time/gateway-clock.ts';
import { agentVersion, builtMs } from './version.ts';
import { WriteDesk, writableMachines } from './writes/desk.ts';

const dayMs = 86_400_000;

/** Machines of one profile share it: fifty copies of a hundred signals are 3 MB. */
export function watchedMachines({ machines, profileDirs }: Config): WatchedMachine[] {
  const profiles = new Map<string, Profile>();
  return machines.map((config) => {
    const profile = profiles.get(config.profile) ?? loadProfile(config.profile, profileDirs);
    profiles.set(config.profile, profile);
    return { config, profile };
  });
}

export async function openStoreFor(
  config: Config,
  clock: GatewayClock,
  host: HostClock,
  ageMs: () => number | null,
): Promise<Store> {
  const { budgetMiB, ringDays, ringShare } = config.storage;
  const store = await openStore({
    dataDir: config.dataDir,
    clock,
    outbox: config.uplink !== null,
    budgetBytes: budgetMiB * 1024 * 1024,
    ringMaxBytes: Math.round(budgetMiB * ringShare * 1024 * 1024),
    ringMaxAgeMs: ringDays * dayMs,
    builtMs,
    host,
    ageMs,
  });
  const fd = witnessFd(process.env);
  return fd === null ? store : witnessed(store, (lines) => writeWhole(fd, lines));
}

export interface PipelineParts {
  readonly config: Config;
  readonly machines: readonly WatchedMachine[];
  readonly rules: RuleSet;
  readonly store: Store;
  readonly found: DiscoveredSignals;
  readonly log: Logger;
  readonly clock: GatewayClock;
  readonly host: HostClock;
  /** When `host` was looked at. */
  readonly startedAt: Instant;
  readonly dated: (span: DatedSpan) => void;
  /** Called when an alert has changed, before it is durable. */
  readonly alerted: () => void;
}

export function pipelineFor({
  config,
  machines,
  rules,
  store,
  found,
  log,
  clock,
  host,
  startedAt,
  dated,
  alerted,
}: PipelineParts): Pipeline {
  return createPipeline({
    machines: machines.map(({ config: machine, profile }) => ({
      id: machine.id,
      name: machine.name,
      kind: machine.kind,
      line: machine.line,
      station: machine.station,
      profile: found.extend(machine.id, profile),
      firmware: machine.firmware,
      protocol: profile.protocol,
      endpoint: endpointName(machine.endpoint),
      polls: pollsMs(machine),
      ...clothOf(machine, profile.protocol),
      hasEar: machine.ear !== null,
      ...cylinderOf(machine),
    })),
    rules,
    clock,
    recovery: store.recovery,
    startedAt,
    out: {
      journal: async (entries, urgent) => {
        if (urgent) alerted();
        try {
          await store.commit(entries, { urgent });
        } catch (error) {
          log.error({ error: messageOf(error), records: entries.length }, 'records could not be stored');
          throw error;
        }
      },
      // A block that cannot be stored is counted by the store; raw readings are expendable.
      ring: (block) => void store.appendRing(block),
      dated,
    },
    options: {
      openMinuteEveryS: config.summaries.openMinuteEveryS,
      agentVersion,
      builtMs,
      hostBoot: host.boot,
      hostOffsetMs: host.offsetMs,
    },
  });
}

/** What the eye of a machine looks at. */
function clothOf({ eye, webEye }: MachineConfig, protocol: Profile['protocol']): Pick<MachineSetup, 'web'> {
  // What a knit floor machine sends is counted by the agent, from 0 at its start.
  const countsAlone = protocol !== 'knit-floor';
  if (eye !== null) {
    const { circumferenceMm: widthMm, fabric, feeders, coursesPerCm } = eye;
    return { web: { widthMm, fabric, mmPerTurn: (feeders * 10) / coursesPerCm, countsAlone } };
  }
  if (webEye === null) return {};
  const { widthMm, fabric } = webEye;
  return { web: { widthMm, fabric, mmPerTurn: null, countsAlone } };
}

/** The needles that alerts of its senses name: both have the same, or the configuration is refused. */
function cylinderOf({ eye, ear }: MachineConfig): Pick<MachineSetup, 'cylinder'> {
  if (eye !== null) return { cylinder: { needles: eye.needles, firstNeedle: eye.firstNeedle } };
  if (ear?.needles === undefined) return {};
  return { cylinder: { needles: ear.needles, firstNeedle: ear.firstNeedle ?? 1 } };
}

export function driversFor(
  config: Config,
  machines: readonly WatchedMachine[],
  makeSource: SourceMaker,
  {
    pipeline,
    found,
    log,
    clock,
    eye,
    ear,
  }: {
    readonly pipeline: Pipeline;
    readonly found: DiscoveredSignals;
    readonly log: Logger;
    readonly clock: GatewayClock;
    readonly eye: EyeDesk | null;
    readonly ear: EarDesk | null;
  },
): Driver[] {
  const ports: DriverPorts = {
    clock,
    random: Math.random,
    sink: (event) => {
      pipeline.accept(event);
      eye?.saw(event);
      ear?.saw(event);
    },
    log: (level, message, fields) => log[level](fields, message),
  };
  const identified = (machine: string, own: Readonly<Record<string, string>>) =>
    pipeline.setIdentification(machine, own);
  const discovered: NonNullable<SourceOptions['discovered']> = (machine, profile, signals) => {
    found.remember(machine, profile, signals);
    pipeline.addSignals(machine, signals);
  };
  const drivers: Driver[] = [];
  for (const bus of groupByBus(machines)) {
    drivers.push(...makeSource(bus, { dataDir: config.dataDir, ports, identified, discovered, secret: resolveSecret }));
    log.debug(
      { endpoint: endpointName(bus[0]?.config.endpoint ?? ''), machines: bus.map((m) => m.config.id) },
      'source',
    );
  }
  return drivers;
}

export function writeDeskFor(
  config: Config,
  drivers: readonly Driver[],
  { store, log, clock }: { readonly store: Store; readonly log: Logger; readonly clock: GatewayClock },
): WriteDesk {
  const enabled = new Set(config.machines.filter((machine) => machine.writes).map((machine) => machine.id));
  return new WriteDesk({
    enabled: writableMachines(drivers, (machine) => enabled.has(machine)),
    audit: (entry) => store.audit(entry),
    history: (limit, cursor) => store.writes({ limit, before: cursor }),
    clock,
    makeId: randomUUID,
    log: (level, message, fields) => log[level](fields, message),
  });
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
