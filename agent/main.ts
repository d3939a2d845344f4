/**
 * The composition root: builds the whole agent from one frozen configuration, starts it and stops it. Everything the parts
 * need from outside (clocks, randomness, folders, the terminal) is chosen here and in the files named `…parts.ts`, which say
 * what each part is made of, and nowhere else.
 *
 *     drivers → pipeline → store → uplink
 *     eye, ear ───┘
 *                   └────→ page
 */
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { loadWithRemote } from './config/load.ts';
import { createDating, type Dating } from './dating/dating.ts';
import { DiscoveredSignals } from './discovered.ts';
import { agentErrors } from './errors.ts';
import { EvictedTeller } from './evicted.ts';
import { StoreGrowth } from './growth.ts';
import { LoopMeter, status, StoreMeter } from './health.ts';
import { createLiveConfig, rulesOf, tellRemote } from './live-config.ts';
import { createLog, LogTail } from './log.ts';
import type { ConfigFiles } from './own-verb.ts';
import { pageCertificateFor } from './page-certificate.ts';
import { doctorFor, notifierFor, pageFor } from './page-parts.ts';
import { ensurePageBuilt } from './page/build.ts';
import { driversFor, openStoreFor, pipelineFor, watchedMachines } from './parts.ts';
import { defaultPipelineOptions, type DatedSpan } from './pipeline-ports.ts';
import { earFor, earStaffFor, eyeFor, rollRequestsFor, teachingFor } from './sense-parts.ts';
import { loadSources } from './sources.ts';
import type { HostClock } from './store/dating.ts';
import { createAgeClock } from './time/age-clock.ts';
import { createClockState, systemClockSynced } from './time/clock-state.ts';
import { GatewayClock } from './time/gateway-clock.ts';
import { hostBoot, hostMonotonicMs } from './time/host.ts';
import { executorFor, lastDelivery, noUplink, remoteSettingsFor, uplinkFor, waitsForTime } from './uplink-parts.ts';
import { agentVersion, builtMs } from './version.ts';

const tickMs = 200;
const storeMeterMs = 10_000;
/** The uplink waits no longer for the first records of this start: on a full disk they may take long. */
const firstRecordMs = 1000;
const { ringBlockS, sealAfterS, lateS } = defaultPipelineOptions;

export interface RunOptions extends ConfigFiles {
  /** The trial of settings from afar that this start is for; absent or null: none. */
  readonly trial?: string | null;
  /** Lines for the person at the terminal; the one-time set-up link goes here and nowhere else. */
  readonly terminal: (line: string) => void;
}

const systemClocks = { wallMs: () => Date.now(), monotonicMs: () => performance.now() };

/** The agent is to be started again, with this trial of settings or with none. */
export interface Again {
  readonly trial: string | null;
}

interface Part {
  start(signal: AbortSignal): void;
  stop(): void | Promise<void>;
}

/**
 * Runs the agent until `ends` is aborted, or until settings from afar want a new start. Resolves when everything is stored and closed;
 * rejects with a room's error when it cannot start.
 */
export async function runAgent(options: RunOptions, ends: AbortSignal): Promise<Again | null> {
  const { configPath, endpointsPath } = options;
  const overlay = endpointsPath === undefined ? {} : { endpoints: endpointsPath };
  const files: ConfigFiles = endpointsPath === undefined ? { configPath } : { configPath, endpointsPath };
  let trial = options.trial ?? null;
  let again: Again | null = null;
  const { config, remote } = loadWithRemote(configPath, { ...overlay, trial });
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
    const settings = remoteSettingsFor(config, files, {
      pipeline,
      clock,
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
    });
    const execute = executorFor(config, files, { settings, pipeline, store, clock, tail, health: () => health() });
    const uplink =
      config.uplink === null
        ? null
        : await uplinkFor(config, config.uplink, { store, pipeline, clockState, log, clock, waitsFor, execute });
    const eye = await eyeFor(config, { pipeline, store, clock, log });
    const ear = await earFor(config, { pipeline, store, clock, log });
    const earStaff = await earStaffFor(config, { pipeline, store, clock, log, ear });
    const teaching = await teachingFor(config, files, { pipeline, clock, log, eye });
    const rollRequests = rollRequestsFor(config, { pipeline, log });
    const drivers = driversFor(config, machines, makeSource, { pipeline, found, log, clock, eye, ear });
    const certificates = pageCertificateFor(config, {
      log,
      clock,
      knowsTime: () => pipeline.knowsTime(),
      onCertificate: (pair) => void page.useCertificate(pair),
    });
    const uplinkView = () => uplink?.view() ?? noUplink;
    const notifier = notifierFor(config, { pipeline, store, clock, log });
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
      path: configPath,
      endpointsPath,
      config,
      log,
      pipeline,
      trial: () => trial,
      status: health,
    });
    const doctor = doctorFor(files, clock);
    stack.defer(() => doctor.stop());
    const page = pageFor(config, {
      pipeline,
      store,
      clock,
      log,
      drivers,
      live,
      doctor,
      storeMeter,
      growth,
      uplink: uplinkView,
      health,
      teaching,
      earStaff,
      certificates,
      webDir,
      terminal: options.terminal,
    });
    alerted = () => page.poke();

    // Stopping goes the other way round: no new readings, then what is open is sealed and stored, then the rest ends.
    const run = (part: Part) => {
      part.start(signal);
      stack.defer(() => part.stop());
    };
    run(clockState);
    if (!pipeline.knowsTime()) {
      const { code, cure } = agentErrors.clockNotSet;
      log.warn({ code, cure }, 'the time is not known');
    }
    if (uplink !== null) {
      // The bridge must not hear of a process that has told the journal nothing: the next one would not name it (J5 there).
      await Promise.race([pipeline.stored(), delay(firstRecordMs, undefined, { ref: false })]);
      // Not the run's own signal: what the stop writes is still to be sent.
      await uplink.start(new AbortController().signal);
      stack.defer(() => uplink.stop());
      stack.defer(() => lastDelivery(uplink, store, clock));
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
    for (const sense of [eye, ear, teaching]) if (sense !== null) run(sense);
    if (config.notify.length > 0) run(notifier);
    run(rollRequests);
    run(live);
    settings.start(trial);
    stack.defer(() => settings.stop());
    run(loop);
    storeMeter.start(storeMeterMs);
    stack.defer(() => storeMeter.stop());
    run(evicted);
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

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
