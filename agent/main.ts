/**
 * The composition root: builds the whole agent from one frozen configuration, starts it and stops it. Everything the parts
 * need from outside (clocks, randomness, folders, the terminal) is chosen here and nowhere else.
 *
 *     drivers → pipeline → store → uplink
 *                   └────→ page
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { Driver, DriverPorts } from '../drivers/contract.ts';
import { loadProfile } from '../drivers/profiles/load.ts';
import type { Config } from './config/config.ts';
import { loadConfig } from './config/load.ts';
import { resolveSecret } from './config/secrets.ts';
import { DiscoveredSignals } from './discovered.ts';
import { AgentError, agentErrors } from './errors.ts';
import { LoopMeter, status, StoreMeter } from './health.ts';
import { createLiveConfig, rulesOf } from './live-config.ts';
import type { UplinkView } from './live.ts';
import { createLog, type Logger } from './log.ts';
import { pageSources } from './page-sources.ts';
import { ensurePageBuilt } from './page/build.ts';
import { createPage } from './page/page.ts';
import { createPasswords } from './page/password.ts';
import { createUserStore } from './page/users.ts';
import { createPipeline } from './pipeline.ts';
import type { Pipeline } from './pipeline-ports.ts';
import type { RuleSet } from './rules/load.ts';
import {
  endpointName,
  groupByBus,
  loadSources,
  pollsMs,
  type SourceMaker,
  type SourceOptions,
  type WatchedMachine,
} from './sources.ts';
import { openStore, type Store } from './store/open.ts';
import { bridgePublicKey, gatewayKeys } from './sync/keys.ts';
import { createUplink } from './sync/uplink.ts';
import type { Uplink } from './sync/uplink-ports.ts';
import { createClockState, systemClockSynced, type ClockState } from './time/clock-state.ts';
import { agentVersion } from './version.ts';
import { WriteDesk, writableMachines } from './writes/desk.ts';

const tickMs = 200;
const storeMeterMs = 10_000;
const lastDeliveryMs = 1000;
const dayMs = 86_400_000;

export interface RunOptions {
  readonly configPath: string;
  readonly endpointsPath?: string;
  /** Lines for the person at the terminal; the one-time set-up link goes here and nowhere else. */
  readonly terminal: (line: string) => void;
}

const clock = { wallMs: () => Date.now(), monotonicMs: () => performance.now() };

/** Runs the agent until `signal` is aborted. Resolves when everything is stored and closed; rejects with a room's error when it cannot start. */
export async function runAgent(options: RunOptions, signal: AbortSignal): Promise<void> {
  const overlay = options.endpointsPath === undefined ? {} : { endpoints: options.endpointsPath };
  const config = loadConfig(options.configPath, overlay);
  const log = createLog(config.log.level);
  const machines = config.machines.map((machine): WatchedMachine => ({
    config: machine,
    profile: loadProfile(machine.profile, config.profileDirs),
  }));
  const rules = rulesOf(config);
  const webDir = await ensurePageBuilt();
  const makeSource = await loadSources(machines);

  const stack = new AsyncDisposableStack();
  try {
    const loop = new LoopMeter();
    const store = stack.adopt(await openStoreFor(config), (s) => s.close());
    const storeMeter = new StoreMeter(() => store.stats());
    const { code, cure } = agentErrors.storeDamaged;
    for (const file of store.recovery.quarantined) log.error({ code, file, cure }, 'a damaged database was put aside');
    const found = new DiscoveredSignals(config.dataDir, (error) =>
      log.warn({ error }, 'what was found at machines cannot be read or kept'),
    );
    const pipeline = pipelineFor(config, machines, rules, store, found, log);
    const clockState = createClockState({ steps: () => pipeline.counts().segment, systemSynced: systemClockSynced });
    const uplink = config.uplink === null ? null : uplinkFor(config, config.uplink, store, pipeline, clockState, log);
    const drivers = driversFor(config, machines, makeSource, pipeline, found, log);
    const uplinkView = () => uplink?.view() ?? noUplink;
    const health = () =>
      status({
        drivers,
        counts: pipeline.counts(),
        uplink: uplinkView(),
        uplinkCounters: uplink?.counters() ?? null,
        store: storeMeter.latest,
        loop,
        rssBytes: process.memoryUsage.rss(),
      });
    const live = createLiveConfig({
      path: options.configPath,
      endpointsPath: options.endpointsPath,
      config,
      log,
      pipeline,
      status: health,
    });
    const page = createPage({
      bind: config.page.bind,
      port: config.page.port,
      site: () => live.site(),
      agentVersion,
      dataDir: config.dataDir,
      webDir,
      sources: pageSources({
        pipeline,
        store,
        uplink: uplinkView,
        health,
        writes: writeDesk(config, drivers, store, log),
      }),
      users: createUserStore({
        dataDir: config.dataDir,
        passwords: createPasswords(randomBytes),
        random: randomBytes,
        clock: pageClock,
      }),
      clock: pageClock,
      random: randomBytes,
      log: { info: (d, m) => log.info(d, m), warn: (d, m) => log.warn(d, m), error: (d, m) => log.error(d, m) },
      onSetupLink: (link) =>
        options.terminal(`No admin exists yet. Open this once, within 15 minutes, to make one: ${link}`),
    });

    // Stopping goes the other way round: no new readings, then what is open is sealed and stored, then the rest ends.
    if (uplink !== null) {
      clockState.start();
      stack.defer(() => clockState.stop());
      // Not the run's own signal: what the stop writes is still to be sent.
      await uplink.start(new AbortController().signal);
      stack.defer(() => uplink.stop());
      stack.defer(() => lastDelivery(uplink, store));
    }
    stack.defer(() => pipeline.drain());
    await page.start(signal);
    stack.defer(() => page.stop());
    const ticking = setInterval(() => pipeline.tick(), tickMs);
    stack.defer(() => clearInterval(ticking));
    stack.defer(async () => {
      await Promise.all(drivers.map((driver) => driver.stop()));
    });
    await Promise.all(drivers.map((driver) => driver.start(signal)));
    live.start(signal);
    stack.defer(() => live.stop());
    loop.start();
    stack.defer(() => loop.stop());
    storeMeter.start(storeMeterMs);
    stack.defer(() => storeMeter.stop());
    log.info(
      { page: page.url, machines: machines.length, gateway: config.gateway.id, version: agentVersion },
      'listening',
    );
    if (page.url !== null) options.terminal(`The page is at ${page.url}`);
    await aborted(signal);
    log.info({}, 'stopping');
  } finally {
    await stack.disposeAsync();
  }
}

const pageClock = { nowMs: clock.wallMs, monotonicMs: clock.monotonicMs };

const noUplink: UplinkView = {
  configured: false,
  connected: false,
  sinceMs: null,
  reason: null,
  outboxRecords: 0,
  outboxBatches: 0,
  oldestUnackedMs: null,
  acked: 0,
  redelivered: 0,
  deadLetters: 0,
};

async function openStoreFor(config: Config): Promise<Store> {
  const { budgetMiB, ringDays, ringShare } = config.storage;
  return await openStore({
    dataDir: config.dataDir,
    clock,
    outbox: config.uplink !== null,
    ringMaxBytes: Math.round(budgetMiB * ringShare * 1024 * 1024),
    ringMaxAgeMs: ringDays * dayMs,
  });
}

function pipelineFor(
  config: Config,
  machines: readonly WatchedMachine[],
  rules: RuleSet,
  store: Store,
  found: DiscoveredSignals,
  log: Logger,
): Pipeline {
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
      polls: pollsMs(machine),
    })),
    rules,
    clock,
    recovery: store.recovery,
    out: {
      journal: async (entries, urgent) => {
        try {
          await store.commit(entries, { urgent });
        } catch (error) {
          log.error({ error: messageOf(error), records: entries.length }, 'records could not be stored');
          throw error;
        }
      },
      // A block that cannot be stored is counted by the store; raw readings are expendable.
      ring: (block) => void store.appendRing(block),
    },
    options: { openMinuteEveryS: config.summaries.openMinuteEveryS, agentVersion },
  });
}

function uplinkFor(
  config: Config,
  uplink: NonNullable<Config['uplink']>,
  store: Store,
  pipeline: Pipeline,
  clockState: ClockState,
  log: Logger,
): Uplink {
  return createUplink({
    site: config.site.id,
    gateway: config.gateway.id,
    boot: store.recovery.boot,
    previousBoot: store.recovery.previousBoot,
    url: uplink.url,
    password: uplink.password === null ? null : resolveSecret(uplink.password),
    ca: uplink.ca === null ? null : readPem(uplink.ca),
    gatewayKey: gatewayKeys(config.dataDir).privateKey,
    bridgeKey: bridgePublicKey(uplink.bridgeKey),
    store,
    clock,
    random: Math.random,
    log: (level, message, fields) => log[level](fields, message),
    agentVersion,
    clockState: () => clockState.state(),
    ackTimeoutMs: uplink.ackTimeoutS * 1000,
    outageAfterMs: uplink.outageAfterS * 1000,
    onOutage: (outage) => pipeline.uplinkOutage(outage),
    onDeadLetter: (letter) => log.error(letter, 'the bridge refused a batch for good; selvedge outbox list shows it'),
  });
}

function driversFor(
  config: Config,
  machines: readonly WatchedMachine[],
  makeSource: SourceMaker,
  pipeline: Pipeline,
  found: DiscoveredSignals,
  log: Logger,
): Driver[] {
  const ports: DriverPorts = {
    clock,
    random: Math.random,
    sink: (event) => pipeline.accept(event),
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

function writeDesk(config: Config, drivers: readonly Driver[], store: Store, log: Logger): WriteDesk {
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

/** What the stop itself wrote gets a short chance to be acked; otherwise it waits on disk for the next start. */
async function lastDelivery(uplink: Uplink, store: Store): Promise<void> {
  const deadlineMs = clock.monotonicMs() + lastDeliveryMs;
  uplink.hurry();
  while (uplink.view().connected && clock.monotonicMs() < deadlineMs && (await store.outboxCounts()).records > 0) {
    await delay(20);
  }
}

function readPem(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new AgentError('fileUnreadable', `${path}: ${messageOf(error)}`, { cause: error });
  }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
