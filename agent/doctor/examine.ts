/**
 * The whole examination: every probe once, then the judgements, in the order in which they are shown. What waits for others
 * (names, connections, packages) runs at the same time, so that all is over after some two seconds.
 */
import { join } from 'node:path';
import { listCertificates, opcuaFolders } from '../../drivers/opcua/trust.ts';
import { ConfigErrors, loadWithRemote, type Config, type RemoteReport, type SecretReference } from '../config/load.ts';
import { AgentError, agentErrors } from '../errors.ts';
import {
  judgeBridgeKey,
  judgeClock,
  judgeDisk,
  judgeFolder,
  judgeGatewayKey,
  judgeLock,
  judgeNode,
  judgePackages,
  judgePagePort,
  judgeSecrets,
  type LockState,
} from './checks.ts';
import { loadPackage, lookUp, type PackageName } from './children.ts';
import { reach, type ReachPorts } from './network.ts';
import {
  bridgeKeyProblem,
  deviceFacts,
  folderFacts,
  gatewayKeyFacts,
  isReadable,
  lockedNode,
  lockState,
  portState,
  secretProblem,
} from './probes.ts';
import {
  judgeMachine,
  judgeTrust,
  judgeUplink,
  targetOf,
  targetText,
  tcpOf,
  type Found,
  type Target,
} from './reach.ts';
import { examineCertificate } from './certificate.ts';
import { examineActs } from './page-acts.ts';
import { examineModels } from './models.ts';
import { bad, good, reportOf, type Check, type Report } from './report.ts';

/** A name must resolve and its host take the connection within this time. */
export const networkTimeoutMs = 2_000;

export interface ExamineOptions {
  readonly configPath?: string;
  readonly endpointsPath?: string;
  readonly clock: { wallMs(): number; monotonicMs(): number };
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** User the doctor runs as. */
  readonly uid: number;
}

const root = join(import.meta.dirname, '../..');

/** Rejects only for a fault of the program. */
export async function examine(options: ExamineOptions): Promise<Report> {
  const sample = () => ({ wallMs: options.clock.wallMs(), monotonicMs: options.clock.monotonicMs() });
  const first = sample();
  const { config, checks } = readConfig(options);
  const packages = Promise.all(packagesOf(config).map((name) => loadPackage(name)));
  const [loads, node, rest] = await Promise.all([
    packages,
    lockedNode(process.platform, process.arch, root),
    config === null
      ? []
      : configured(config, options, async () =>
          (await packages).every((p) => p.name !== 'better-sqlite3' || p.problem === null),
        ),
  ]);
  return reportOf([
    judgeNode(process.versions.node, node, `${process.platform}-${process.arch}`),
    judgePackages(loads),
    judgeClock(first, sample()),
    ...checks,
    ...rest,
  ]);
}

/** What the machines of the configuration need, and nothing else; without one what every agent needs. */
export function packagesOf(config: Pick<Config, 'machines'> | null): readonly PackageName[] {
  const uses = new Set(
    (config?.machines ?? []).map(({ address }) => ('line' in address ? 'serial' : address.transport)),
  );
  return [
    'better-sqlite3',
    ...(uses.has('serial') ? (['serialport'] as const) : []),
    ...(uses.has('opcua') ? (['node-opcua-client'] as const) : []),
  ];
}

function readConfig({ configPath, endpointsPath }: ExamineOptions): {
  config: Config | null;
  checks: readonly Check[];
} {
  if (configPath === undefined) return { config: null, checks: [] };
  try {
    const endpoints = endpointsPath === undefined ? {} : { endpoints: endpointsPath };
    const { config, remote } = loadWithRemote(configPath, endpoints);
    const count = config.machines.length;
    const detail = `${config.file} can be used: ${count} ${count === 1 ? 'machine' : 'machines'}`;
    return { config, checks: [good('config', detail), ...judgeRemote(remote)] };
  } catch (error) {
    if (error instanceof ConfigErrors) {
      const count = error.issues.length;
      const detail = `${configPath} has ${count} ${count === 1 ? 'mistake' : 'mistakes'}`;
      const over = endpointsPath === undefined ? '' : ` --endpoints ${endpointsPath}`;
      const cure = `\`selvedge check ${configPath}${over}\` shows each with its cure. What it configures was not looked at.`;
      return { config: null, checks: [bad('config', detail, cure)] };
    }
    if (!(error instanceof AgentError)) throw error;
    const detail = error.message.replace(/^[A-Z]{3}-\d+ /, '');
    return { config: null, checks: [bad('config', detail, agentErrors.fileUnreadable.cure)] };
  }
}

/** Only where something was set from afar. */
function judgeRemote({ settings, problem, trial }: RemoteReport): readonly Check[] {
  if (settings.length === 0 && problem === null && trial === null) return [];
  const passedOver = settings.filter(({ state }) => state !== 'applied').length;
  const onTrial = trial === null ? '' : `, and ${trial.id} is on trial`;
  const detail = `${settings.length} set from afar${onTrial}`;
  if (problem === null && passedOver === 0) return [good('remote-settings', detail)];
  const why = problem ?? `${passedOver} of them passed over`;
  return [bad('remote-settings', `${detail}; ${why}`, agentErrors.remotePassedOver.cure)];
}

/** @param sqliteLoads the lock is looked at through a package that may crash; only after it was loaded elsewhere */
async function configured(
  config: Config,
  options: ExamineOptions,
  sqliteLoads: () => Promise<boolean>,
): Promise<readonly Check[]> {
  const { dataDir, page, storage, uplink, machines } = config;
  const keyPath = join(dataDir, 'keys', 'gateway.key');
  const references = secretsOf(config);
  const lockOf = async (): Promise<LockState> =>
    (await sqliteLoads()) ? await lockState(dataDir) : { problem: 'better-sqlite3 cannot be loaded' };
  // Many device servers give one connection: ours could take it from a running agent.
  const lock = await lockOf();
  const tried = lock === 'held' ? [] : machines;
  const [folder, port, gatewayKey, bridgeKey, secrets, certificates, network] = await Promise.all([
    folderFacts(dataDir),
    portState(page.bind, page.port),
    gatewayKeyFacts(keyPath),
    uplink === null ? null : bridgeKeyProblem(uplink.bridgeKey),
    Promise.all(references.map((reference) => secretProblem(reference, options.environment))),
    listCertificates(opcuaFolders(dataDir).trustDir),
    tryNetwork(tried, uplink, () => options.clock.monotonicMs()),
  ]);
  return [
    judgeFolder(folder, options.uid),
    judgeDisk(folder, storage.budgetMiB),
    judgeLock(lock),
    judgePagePort(page.bind, page.port, port, lock),
    ...examineCertificate(config, options.clock.wallMs()),
    judgeGatewayKey(keyPath, gatewayKey, uplink !== null),
    ...(await examineActs(dataDir, await sqliteLoads())),
    ...(uplink === null ? [] : [judgeBridgeKey(uplink.bridgeKey, bridgeKey)]),
    judgeSecrets(
      references.length,
      secrets.filter((problem) => problem !== null),
    ),
    ...machines.flatMap((machine) => {
      const found = network.get(targetText(targetOf(machine.address)));
      const trust = judgeTrust(machine, certificates.trusted.length, certificates.rejected.length);
      return [judgeMachine(machine.id, found ?? 'left-to-the-agent'), ...(trust === null ? [] : [trust])];
    }),
    judgeUplink(uplink, (broker) => reachOf(network.get(targetText(tcpOf(broker))))),
    ...(await examineModels(
      config,
      machines.some(({ eye, webEye }) => (eye ?? webEye) !== null),
      root,
    )),
  ];
}

function secretsOf({ uplink, machines }: Config): readonly SecretReference[] {
  const all = [
    uplink?.password ?? null,
    uplink?.key ?? null,
    ...machines.flatMap(({ opcua }) => [opcua?.password ?? null, opcua?.userKey ?? null]),
  ];
  return [...new Set(all.filter((reference) => reference !== null))];
}

const reachOf = (found: Found | undefined) => (found !== undefined && 'reach' in found ? found.reach : null);

/** Every target once, all at the same time, by its text. */
async function tryNetwork(
  machines: Config['machines'],
  uplink: Config['uplink'],
  monotonicMs: () => number,
): Promise<ReadonlyMap<string, Found>> {
  const all = machines.map(({ address }) => targetOf(address));
  if (uplink !== null) all.push(...uplink.brokers.map(tcpOf));
  const targets = new Map(all.map((target) => [targetText(target), target]));
  const hosts = [...targets.values()].flatMap((target) => (target.kind === 'tcp' ? [target.host] : []));
  const names = lookUp(hosts, networkTimeoutMs);
  const ports: ReachPorts = { names, monotonicMs, deadlineMs: monotonicMs() + networkTimeoutMs };
  const tried = [...targets].map(async ([text, target]) => [text, await tryTarget(target, ports)] as const);
  const found = new Map(await Promise.all(tried));
  await names.ended;
  return found;
}

async function tryTarget(target: Target, ports: ReachPorts): Promise<Found> {
  switch (target.kind) {
    case 'serial':
      return { target, device: await deviceFacts(target.path) };
    case 'file':
      return { target, readable: await isReadable(target.path) };
    case 'awaited':
      return { target };
    case 'tcp':
      return { target, reach: await reach(target.host, target.port, ports) };
  }
}
