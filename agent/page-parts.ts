/** What the page of the agent and its notices are made of. */
import { randomBytes } from 'node:crypto';
import type { Driver } from '../drivers/contract.ts';
import type { CertificateKeeper } from './certificates/keeper.ts';
import type { Config, EyeConfig } from './config/config.ts';
import { DoctorDesk } from './doctor/desk.ts';
import type { StoreGrowth } from './growth.ts';
import type { StoreMeter } from './health.ts';
import type { UplinkView } from './live.ts';
import type { LiveConfig } from './live-config.ts';
import { createNotifier, type Notifier } from './notify/notifier.ts';
import { send } from './notify/targets.ts';
import { ownVerb, type ConfigFiles } from './own-verb.ts';
import { createPage, type Page } from './page/page.ts';
import { createPasswords } from './page/password.ts';
import type { PageLog } from './page/source.ts';
import { createUserStore } from './page/users.ts';
import { pageSources } from './page-sources.ts';
import { pageViews } from './page-views.ts';
import { writeDeskFor, type PipelineParts } from './parts.ts';
import type { Pipeline } from './pipeline-ports.ts';
import { RunbookDesk } from './runbooks/desk.ts';
import type { EarStaff } from './senses/ear/staff.ts';
import type { TeachDesk } from './senses/teach-desk.ts';
import { agentVersion } from './version.ts';

type Parts = Pick<PipelineParts, 'store' | 'clock' | 'log'> & { readonly pipeline: Pipeline };

/** Tells people of new alerts by mail and webhook. */
export function notifierFor(config: Config, { pipeline, store, clock, log }: Parts): Notifier {
  const { id, name, timeZone } = config.site;
  return createNotifier({
    targets: config.notify,
    alerts: () => pipeline.alertsView(),
    openBefore: new Set(store.recovery.openOccurrences.map(({ occurrence }) => occurrence)),
    machineName: (machine) => config.machines.find((one) => one.id === machine)?.name ?? machine,
    site: () => ({ id, name, timeZone }),
    gateway: config.gateway.id,
    send,
    clock,
    log: { info: (d, m) => log.info(d, m), warn: (d, m) => log.warn(d, m) },
  });
}

/** The doctor that the page asks; to be stopped with it. */
export function doctorFor(files: ConfigFiles, clock: PipelineParts['clock']): DoctorDesk {
  return new DoctorDesk({ command: (file) => [...ownVerb(['doctor'], files), '--json', file], clock });
}

/** The page, which listens to nothing before its start. */
export function pageFor(
  config: Config,
  {
    pipeline,
    store,
    clock,
    log,
    ...parts
  }: Parts & {
    readonly drivers: readonly Driver[];
    readonly live: LiveConfig;
    readonly doctor: DoctorDesk;
    readonly storeMeter: StoreMeter;
    readonly growth: StoreGrowth;
    readonly uplink: () => UplinkView;
    readonly health: () => object;
    /** null where no machine has an eye. */
    readonly teaching: TeachDesk | null;
    /** null where no machine has an ear. */
    readonly earStaff: EarStaff | null;
    /** null where the page is on this computer alone. */
    readonly certificates: CertificateKeeper | null;
    /** Folder of the built web application. */
    readonly webDir: string;
    readonly terminal: (line: string) => void;
  },
): Page {
  const { drivers, live, certificates } = parts;
  const { dataDir } = config;
  const pageClock = { nowMs: () => clock.wallMs(), monotonicMs: () => clock.monotonicMs() };
  const pageLog: PageLog = {
    info: (d, m) => log.info(d, m),
    warn: (d, m) => log.warn(d, m),
    error: (d, m) => log.error(d, m),
  };
  const views = pageViews({
    store,
    drivers,
    doctor: parts.doctor,
    storeStats: () => parts.storeMeter.latest,
    growth: parts.growth,
    dataDir,
    budgetBytes: config.storage.budgetMiB * 1024 * 1024,
    timeZone: () => live.site().timeZone,
    calendar: () => live.calendar(),
    clock,
  });
  return createPage({
    bind: config.page.bind,
    port: config.page.port,
    ...(certificates === null ? {} : { tls: 'waits' as const }),
    hostNames: config.page.names,
    site: () => live.site(),
    agentVersion,
    dataDir,
    webDir: parts.webDir,
    sources: pageSources({
      pipeline,
      store,
      scores: scoresOf(config),
      uplink: parts.uplink,
      health: parts.health,
      writes: writeDeskFor(config, drivers, { store, log, clock }),
      cloth: parts.teaching,
      sound: parts.earStaff,
      views,
      authorityCertificate: () => certificates?.authority ?? null,
      runbooks: new RunbookDesk({ dataDir, log: pageLog }),
    }),
    users: createUserStore({ dataDir, passwords: createPasswords(randomBytes), random: randomBytes, clock: pageClock }),
    actsAnchor: { last: store.recovery.pageActs, keep: (head) => pipeline.gateway.pageActs(head) },
    clock: pageClock,
    random: randomBytes,
    log: pageLog,
    onSetupLink: (link) =>
      parts.terminal(`No admin exists yet. Open this once, within 15 minutes, to make one: ${link}`),
  });
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
