/** What the uplink of the agent is made of, and what the bridge may ask of it. An MQTT client is loaded only where there is an uplink. */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from './config/config.ts';
import { loadWithRemote, localData } from './config/load.ts';
import { resolveSecret } from './config/secrets.ts';
import type { Dating } from './dating/dating.ts';
import { AgentError } from './errors.ts';
import type { UplinkView } from './live.ts';
import type { Logger, LogTail } from './log.ts';
import type { ConfigFiles } from './own-verb.ts';
import type { Pipeline } from './pipeline-ports.ts';
import { bundleOf } from './remote/bundle.ts';
import { RemoteDesk, type RemoteDeskParts } from './remote/desk.ts';
import { createExecutor } from './remote/kinds.ts';
import { RemoteSettings, type SettingsPorts } from './remote/settings.ts';
import type { Store } from './store/open.ts';
import { bridgePublicKey, gatewayKeys } from './sync/keys.ts';
import { minutePairMs, type Uplink } from './sync/uplink-ports.ts';
import type { ClockState } from './time/clock-state.ts';
import type { GatewayClock } from './time/gateway-clock.ts';
import { agentVersion } from './version.ts';

const lastDeliveryMs = 1000;

/** What is told of an uplink where none is configured. */
export const noUplink: UplinkView = {
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

export async function uplinkFor(
  config: Config,
  uplink: NonNullable<Config['uplink']>,
  parts: {
    readonly store: Store;
    readonly pipeline: Pipeline;
    readonly clockState: ClockState;
    readonly log: Logger;
    readonly clock: GatewayClock;
    readonly waitsFor: () => string | null;
    /** Carries out what the bridge may ask. */
    readonly execute: RemoteDeskParts['execute'];
  },
): Promise<Uplink> {
  const { store, pipeline, clockState, log, clock, waitsFor, execute } = parts;
  // Loaded where there is one: an MQTT client is 3 MB.
  const { createUplink } = await import('./sync/uplink.ts');
  const { certificate, key, enrolment, ca } = uplink;
  const identity = () => ({
    gatewayKey: gatewayKeys(config.dataDir).privateKey,
    certificate: certificate === null || key === null ? null : { cert: readPem(certificate), key: resolveSecret(key) },
  });
  const { Renewal } = enrolment === null ? { Renewal: null } : await import('./sync/renewal.ts');
  const password = uplink.password === null ? null : resolveSecret(uplink.password);
  const bridgeKey = bridgePublicKey(uplink.bridgeKey);
  const desk = new RemoteDesk({
    gateway: config.gateway.id,
    keys: [bridgeKey],
    gatewayKey: () => gatewayKeys(config.dataDir).privateKey,
    store,
    clock,
    clockState: () => clockState.state(),
    execute,
    note: (event, data) => pipeline.gateway.remote(event, data),
    log: (level, message, fields) => log[level](fields, message),
  });
  return createUplink({
    site: config.site.id,
    gateway: config.gateway.id,
    boot: store.recovery.boot,
    previousBoot: store.recovery.previousBoot,
    url: uplink.brokers[0] ?? '',
    moreUrls: uplink.brokers.slice(1),
    password,
    ca: uplink.ca === null ? null : readPem(uplink.ca),
    gatewayKey: gatewayKeys(config.dataDir).privateKey,
    identity,
    ...(Renewal === null || enrolment === null || ca === null
      ? {}
      : {
          renewal: (onRenewed: () => void) =>
            new Renewal({
              gateway: config.gateway.id,
              dataDir: config.dataDir,
              enrolment,
              ca: readPem(ca),
              wallMs: () => clock.wallMs(),
              random: Math.random,
              log: (level, message, fields) => log[level](fields, message),
              onRenewed,
            }),
        }),
    bridgeKey,
    onCommand: (payload, session) => desk.receive(payload, session),
    store,
    clock,
    random: Math.random,
    log: (level, message, fields) => log[level](fields, message),
    agentVersion,
    clockState: () => clockState.state(),
    waitsFor,
    ackTimeoutMs: uplink.ackTimeoutS * 1000,
    minuteLingerMs: config.summaries.openMinuteEveryS < 60 ? 0 : minutePairMs,
    outageAfterMs: uplink.outageAfterS * 1000,
    onOutage: (outage) => pipeline.gateway.uplinkOutage(outage),
    onDeadLetter: (letter) => log.error(letter, 'the bridge refused a batch for good; selvedge outbox list shows it'),
  });
}

/** Settings from afar, tried and kept on top of these files. */
export function remoteSettingsFor(
  config: Config,
  { configPath, endpointsPath }: ConfigFiles,
  {
    pipeline,
    clock,
    apply,
  }: { readonly pipeline: Pipeline; readonly clock: GatewayClock; readonly apply: SettingsPorts['apply'] },
): RemoteSettings {
  const overlay = endpointsPath === undefined ? {} : { endpoints: endpointsPath };
  return new RemoteSettings({
    dataDir: config.dataDir,
    local: () => localData(configPath),
    load: (settings) => loadWithRemote(configPath, { ...overlay, settings }),
    apply,
    note: (event, data) => pipeline.gateway.remote(event, data),
    wallMs: () => clock.wallMs(),
  });
}

/** Carries out what the bridge may ask. */
export function executorFor(
  config: Config,
  files: ConfigFiles,
  {
    settings,
    pipeline,
    store,
    clock,
    tail,
    health,
  }: {
    readonly settings: RemoteSettings;
    readonly pipeline: Pipeline;
    readonly store: Store;
    readonly clock: GatewayClock;
    /** The newest lines of the log, for a bundle. */
    readonly tail: LogTail;
    readonly health: () => object;
  },
): RemoteDeskParts['execute'] {
  const bundle = async () => {
    const { examine } = await import('./doctor/examine.ts');
    const { checks } = await examine({ ...files, clock, environment: process.env, uid: process.getuid?.() ?? 0 });
    const platform = `${process.platform}-${process.arch}`;
    return bundleOf({ agentVersion, node: process.version, platform, status: health(), checks, log: tail.lines() });
  };
  return createExecutor({
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
}

/** Why the uplink waits, in a word of the page; null once it need not. */
export function waitsForTime(pipeline: Pipeline, dating: Dating): () => string | null {
  return () => {
    if (!pipeline.knowsTime()) return 'clock-not-set';
    return dating.recordsAreDated() ? null : 'times-being-restamped';
  };
}

/** What the stop itself wrote gets a short chance to be acked; otherwise it waits on disk for the next start. */
export async function lastDelivery(
  uplink: Uplink,
  store: Store,
  clock: Pick<GatewayClock, 'monotonicMs'>,
): Promise<void> {
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
