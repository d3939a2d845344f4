/**
 * The composition root: builds the whole agent from one frozen configuration, starts it and stops it. Everything the parts
 * need from outside (clocks, randomness, folders, the terminal) is chosen here and in `parts.ts`, which says what each part is
 * made of, and nowhere else.
 *
 *     drivers → pipeline → store → uplink
 *     eye, ear ───┘
 *                   └────→ page
 */
import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { loadProfile } from '../drivers/profiles/load.ts';
import type { Profile } from '../drivers/profiles/schema.ts';
import type { Config, EyeConfig } from './config/config.ts';
import { loadWithRemote, localData } from './config/load.ts';
import { createDating, type Dating } from './dating/dating.ts';
import { DiscoveredSignals } from './discovered.ts';
import { DoctorDesk } from './doctor/desk.ts';
import { agentErrors } from './errors.ts';
import { EvictedTeller } from './evicted.ts';
import { StoreGrowth } from './growth.ts';
import { LoopMeter, status, StoreMeter } from './health.ts';
import { createLiveConfig, rulesOf, tellRemote } from './live-config.ts';
import type { UplinkView } from './live.ts';
import { createLog, LogTail } from './log.ts';
import { pageCertificateFor } from './page-certificate.ts';
import { pageSources } from './page-sources.ts';
import { pageViews } from './page-views.ts';
import { createNotifier } from './notify/notifier.ts';
import { send } from './notify/targets.ts';
import { ensurePageBuilt } from './page/build.ts';
import { createPage } from './page/page.ts';
import { createPasswords } from './page/password.ts';
import { createUserStore } from './page/users.ts';
import type { PageLog } from './page/source.ts';
import { driversFor, openStoreFor, pipelineFor, uplinkFor, writeDeskFor } from './parts.ts';
import { defaultPipelineOptions, type DatedSpan, type Pipeline } from './pipeline-ports.ts';
import { bundleOf } from './remote/bundle.ts';
import { createExecutor } from './remote/kinds.ts';
import { RemoteSettings } from './remote/settings.ts';
import { RollRequests } from './rolls/requests.ts';
import { earFor, earStaffFor, eyeFor, launcher, teachingFor } from './sense-parts.ts';
import { RunbookDesk } from './runbooks/desk.ts';
import { loadSources, type WatchedMachine } from './sources.ts';
import type { HostClock } from './store/dating.ts';
import type { Store } from './store/open.ts';
import type { Uplink } from './sync/uplink-ports.ts';
import { createAgeClock } from './time/age-clock.ts';
import { createClockState, systemClockSynced } from './time/clock-state.ts';
import { GatewayClock } from './time/gateway-clock.ts';
import { hostBoot, hostMonotonicMs } from './time/host.ts';
import { agentVersion, builtMs } from './version.ts';

const tickMs = 200;
const storeMeterMs = 10_000;
const lastDeliveryMs = 1000;
/** The uplink waits no longer for the first records of this start: on a full disk they may take long. */
const firstRecordMs = 1000;
const { ringBlockS, sealAfterS, lateS } = defaultPipelineOptions;

export interface RunOptions {
  readonly configPath: string;
  readonly endpointsPath?: string;
  /** The trial of settings from afar that this start is for; absent or null: none. */
  readonly trial?: string | null;
  /** Lines for the person at the terminal; the one-time set-up link goes here and nowhere else. */
  readonly terminal: (line: string) => void;
}

const systemClocks = { wallMs: () => Date.now(), monotonicMs: () => performance.now() };

/** Machines of one profile share it: fifty copies of a hundred signals are 3 MB. */
function watchedMachines({ machines, profileDirs }: Config): WatchedMachine[] {
  const profiles = new Map<string, Profile>();
  return machines.map((config) => {
    const profile = profiles.get(config.profile) ?? loadProfile(config.profile, profileDirs);
    profiles.set(config.profile, profile);
    return { config, profile };
  });
}

/** The agent is to be started again, with this trial of settings or with none. */
export interface Again {
  readonly trial: string | null;
}

/**
 * Runs the agent until `ends` is aborted, or until settings from afar want a new start. Resolves when everything is stored and closed;
 * rejects with a room's error when it cannot start.
 */
export async function runAgent(options: RunOptions, ends: AbortSignal): Promise<Again | null> {
  const overlay = options.endpointsPath === undefined ? {} : { endpoints: options.endpointsPath };
  let trial = options.trial ?? null;
  let again: Again | null = null;
  const { config, remote } = loadWithRemote(options.configPath, { ...overlay, trial });
  const tail = new LogTail();
  const log = createLog(config.log.level, tail);
  tellRemote(remote, log);
  const restart = new AbortController();
  const signal = AbortSignal.any([ends, restart.signal]);
  const machines = watchedMachines(config);
  const rules = rulesOf(config);
  const webDir = await ensurePageBuilt();
  const makeSource = await loadSources(machines);

  const clock = new GatewayClock(systemClocks, builtMs);
  const host = hostBoot();
  const hostClock = (): HostClock => ({ boot: host, offsetMs: clock.wallMs() - hostMonotonicMs() });
  const stack = new AsyncDisposableStack();
  try {
    const loop = new LoopMeter();
    // Its ages are judged by the clock, whose steps the pipeline sees.
    let ageMs: () => number | null = () => null;
    const startedAt = { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() };
    const atStart = hostClock();
    const store = stack.adopt(await openStoreFor(config, clock, atStart, () => ageMs()), (s) => s.close());
    const { code, cure } = agentErrors.storeDamaged;
    for (const file of store.recovery.quarantined) log.error({ code, file, cure }, 'a damaged database was put aside');
    const found = new DiscoveredSignals(config.dataDir, (error) =>
      log.warn({ error }, 'what was found at machines cannot be read or kept'),
    );
    let dating: Dating | null = null;
    const dated = (span: DatedSpan) => dating?.known(span);
    // The page is made after what it shows.
    let alerted = (): void => undefined;
    const pipeline = pipelineFor({
      config,
      machines,
      rules,
      store,
      found,
      log,
      clock,
      host: atStart,
      startedAt,
      dated,
      alerted: () => alerted(),
    });
    const growth = new StoreGrowth();
    const storeMeter = new StoreMeter(
      () => store.stats(),
      ({ full, storeBytes }) => {
        pipeline.gateway.storeFull(full);
        growth.put(clock.monotonicMs(), storeBytes);
      },
    );
    const evicted = new EvictedTeller({
      notes: () => store.gaps(),
      tell: (notes) => pipeline.gateway.dataEvicted(notes),
    });
    const steps = () => pipeline.clockSteps();
    const clockState = createClockState({ steps, systemSynced: systemClockSynced, clock });
    ageMs = createAgeClock({ clock, steps, state: () => clockState.state() });
    dating = createDating({
      store,
      pipeline,
      boot: store.recovery.boot,
      host: hostClock,
      fold: () => ({
        dataDir: config.dataDir,
        machines: pipeline.foldMachines(),
        options: { ringBlockS, sealAfterS, lateS },
      }),
      log,
    });
    const waitsFor = waitsForTime(pipeline, dating);
    const settings = new RemoteSettings({
      dataDir: config.dataDir,
      local: () => localData(options.configPath),
      load: (wanted) => loadWithRemote(options.configPath, { ...overlay, settings: wanted }),
      apply: (how) => {
        trial = how.trial;
        if (!how.restart) {
          live.reload();
          return;
        }
        log.info({ trial }, 'starts anew, for settings from afar');
        again = { trial };
        restart.abort();
      },
      note: (event, data) => pipeline.gateway.remote(event, data),
      wallMs: () => clock.wallMs(),
    });
    const bundle = async () => {
      const { examine } = await import('./doctor/examine.ts');
      const { checks } = await examine({
        configPath: options.configPath,
        ...(options.endpointsPath === undefined ? {} : { endpointsPath: options.endpointsPath }),
        clock,
        environment: process.env,
        uid: process.getuid?.() ?? 0,
      });
      const platform = `${process.platform}-${process.arch}`;
      const log = tail.lines();
      return bundleOf({ agentVersion, node: process.version, platform, status: health(), checks, log });
    };
    const execute = createExecutor({
      settings,
      raw: {
        mode: config.uplink?.remoteRaw ?? 'off',
        trend: (query) => store.trend(query),
        askRequest: (request) => store.askRequest(request),
        bundle,
        wallMs: () => clock.wallMs(),
      },
      state: () => ({ agentVersion, ...health() }),
      alertAction: (occurrence, action) => pipeline.alertAction(occurrence, action),
    });
    const uplink =
      config.uplink === null
        ? null
        : await uplinkFor(config, config.uplink, { store, pipeline, clockState, log, clock, waitsFor, execute });
    const eye = await eyeFor(config, { pipeline, store, clock, log });
    const ear = await earFor(config, { pipeline, store, clock, log });
    const earStaff = await earStaffFor(config, { pipeline, store, clock, log, ear });
    const teaching = await teachingFor(config, options, { pipeline, clock, log, eye });
    const rollRequests = new RollRequests({
      dataDir: config.dataDir,
      machines: config.machines.flatMap((machine) => ((machine.eye ?? machine.webEye) === null ? [] : [machine.id])),
      begin: (machine, id) => void pipeline.fabric.rollBegin(machine, id),
      log: (level, message, fields) => log[level](fields, message),
    });
    const drivers = driversFor(config, machines, makeSource, { pipeline, found, log, clock, eye, ear });
    const certificates = pageCertificateFor(config, {
      log,
      clock,
      knowsTime: () => pipeline.knowsTime(),
      onCertificate: (pair) => void page.useCertificate(pair),
    });
    const uplinkView = () => uplink?.view() ?? noUplink;
    const notifier = createNotifier({
      targets: config.notify,
      alerts: () => pipeline.alertsView(),
      openBefore: new Set(store.recovery.openOccurrences.map(({ occurrence }) => occurrence)),
      machineName: (id) => config.machines.find((machine) => machine.id === id)?.name ?? id,
      site: () => ({ id: config.site.id, name: config.site.name, timeZone: config.site.timeZone }),
      gateway: config.gateway.id,
      send,
      clock,
      log: { info: (d, m) => log.info(d, m), warn: (d, m) => log.warn(d, m) },
    });
    const health = () =>
      status({
        drivers,
        counts: pipeline.counts(),
        uplink: uplinkView(),
        uplinkCounters: uplink?.counters() ?? null,
        store: storeMeter.latest,
        loop,
        clock: clockState.state(),
        knowsTime: pipeline.knowsTime(),
        certificate: certificates?.view() ?? null,
        eye: eye?.view() ?? null,
        ear: ear?.view() ?? null,
        notify: notifier.view(),
        rssBytes: process.memoryUsage.rss(),
      });
    const live = createLiveConfig({
      path: options.configPath,
      endpointsPath: options.endpointsPath,
      config,
      log,
      pipeline,
      trial: () => trial,
      status: health,
    });
    const { configPath, endpointsPath } = options;
    const given = ['--config', configPath, ...(endpointsPath === undefined ? [] : ['--endpoints', endpointsPath])];
    const doctor = new DoctorDesk({
      command: (file) => ['sh', launcher, 'doctor', ...given, '--json', file],
      clock,
    });
    stack.defer(() => doctor.stop());
    const pageClock = { nowMs: () => clock.wallMs(), monotonicMs: systemClocks.monotonicMs };
    const pageLog: PageLog = {
      info: (d, m) => log.info(d, m),
      warn: (d, m) => log.warn(d, m),
      error: (d, m) => log.error(d, m),
    };
    const page = createPage({
      bind: config.page.bind,
      port: config.page.port,
      ...(certificates === null ? {} : { tls: 'waits' as const }),
      hostNames: config.page.names,
      site: () => live.site(),
      agentVersion,
      dataDir: config.dataDir,
      webDir,
      sources: pageSources({
        pipeline,
        store,
        scores: scoresOf(config),
        uplink: uplinkView,
        health,
        writes: writeDeskFor(config, drivers, { store, log, clock }),
        cloth: teaching,
        sound: earStaff,
        views: pageViews({
          store,
          drivers,
          doctor,
          storeStats: () => storeMeter.latest,
          growth,
          dataDir: config.dataDir,
          budgetBytes: config.storage.budgetMiB * 1024 * 1024,
          timeZone: () => live.site().timeZone,
          calendar: () => live.calendar(),
          clock,
        }),
        authorityCertificate: () => certificates?.authority ?? null,
        runbooks: new RunbookDesk({ dataDir: config.dataDir, log: pageLog }),
      }),
      users: createUserStore({
        dataDir: config.dataDir,
        passwords: createPasswords(randomBytes),
        random: randomBytes,
        clock: pageClock,
      }),
      actsAnchor: { last: store.recovery.pageActs, keep: (head) => pipeline.gateway.pageActs(head) },
      clock: pageClock,
      random: randomBytes,
      log: pageLog,
      onSetupLink: (link) =>
        options.terminal(`No admin exists yet. Open this once, within 15 minutes, to make one: ${link}`),
    });
    alerted = () => page.poke();

    // Stopping goes the other way round: no new readings, then what is open is sealed and stored, then the rest ends.
    clockState.start();
    stack.defer(() => clockState.stop());
    if (!pipeline.knowsTime()) log.warn(told('clockNotSet'), 'the time is not known');
    if (uplink !== null) {
      // The bridge must not hear of a process that has told the journal nothing: the next one would not name it (J5 there).
      await Promise.race([pipeline.stored(), delay(firstRecordMs, undefined, { ref: false })]);
      // Not the run's own signal: what the stop writes is still to be sent.
      await uplink.start(new AbortController().signal);
      stack.defer(() => uplink.stop());
      stack.defer(() => lastDelivery(uplink, store));
    }
    const ownDating = dating;
    stack.defer(() => ownDating.stop());
    stack.defer(() => pipeline.drain());
    stack.defer(() => store.holdNothing());
    dating.start();
    await certificates?.start();
    stack.defer(() => certificates?.stop());
    await page.start(signal);
    stack.defer(() => page.stop());
    const ticking = setInterval(() => pipeline.tick(), tickMs);
    stack.defer(() => clearInterval(ticking));
    stack.defer(async () => {
      await Promise.all(drivers.map((driver) => driver.stop()));
    });
    await Promise.all(drivers.map((driver) => driver.start(signal)));
    if (eye !== null) {
      eye.start(signal);
      stack.defer(() => eye.stop());
    }
    if (ear !== null) {
      ear.start(signal);
      stack.defer(() => ear.stop());
    }
    if (teaching !== null) {
      teaching.start(signal);
      stack.defer(() => teaching.stop());
    }
    if (config.notify.length > 0) {
      notifier.start();
      stack.defer(() => notifier.stop());
    }
    rollRequests.start(signal);
    stack.defer(() => rollRequests.stop());
    live.start(signal);
    stack.defer(() => live.stop());
    settings.start(trial);
    stack.defer(() => settings.stop());
    loop.start();
    stack.defer(() => loop.stop());
    storeMeter.start(storeMeterMs);
    stack.defer(() => storeMeter.stop());
    evicted.start();
    stack.defer(() => evicted.stop());
    log.info(
      { page: page.url, machines: machines.length, gateway: config.gateway.id, version: agentVersion },
      'listening',
    );
    if (page.url !== null) options.terminal(`The page is at ${page.url}`);
    await aborted(signal);
    log.info({}, 'stopping');
    return ends.aborted ? null : again;
  } finally {
    await stack.disposeAsync();
  }
}

const noUplink: UplinkView = {
  configured: false,
  connected: false,
  sinceMs: null,
  reason: null,
  outboxRecords: 0,
  outboxBatches: 0,
  outboxFiles: 0,
  oldestUnackedMs: null,
  acked: 0,
  redelivered: 0,
  deadLetters: 0,
};

/** Why the uplink waits, in a word of the page; null once it need not. */
function waitsForTime(pipeline: Pipeline, dating: Dating): () => string | null {
  return () => {
    if (!pipeline.knowsTime()) return 'clock-not-set';
    return dating.recordsAreDated() ? null : 'times-being-restamped';
  };
}

/** What was agreed about the score of rolls, of each machine with an eye. */
function scoresOf({ machines }: Config): ReadonlyMap<string, EyeConfig['score']> {
  return new Map(
    machines.flatMap(({ id, eye, webEye }) => {
      const any = eye ?? webEye;
      return any === null ? [] : [[id, any.score]];
    }),
  );
}

function told(key: 'clockNotSet'): { readonly code: string; readonly cure: string } {
  const { code, cure } = agentErrors[key];
  return { code, cure };
}

/** What the stop itself wrote gets a short chance to be acked; otherwise it waits on disk for the next start. */
async function lastDelivery(uplink: Uplink, store: Store): Promise<void> {
  const deadlineMs = systemClocks.monotonicMs() + lastDeliveryMs;
  uplink.hurry();
  while (
    uplink.view().connected &&
    systemClocks.monotonicMs() < deadlineMs &&
    (await store.outboxCounts()).records > 0
  ) {
    await delay(20);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
