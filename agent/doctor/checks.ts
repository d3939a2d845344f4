/**
 * From what was found on this computer to what it means. Pure: `probes.ts` finds, this file judges.
 *
 * Invariant: no judgement gets to see a secret; a reference (`file:` or `env:`) is all that is ever known here.
 */
import { agentErrors } from '../errors.ts';
import { bad, good, type Check } from './report.ts';

/** No clock that is right shows a time before the day this version was written. Moved on with every release. */
export const writtenMs = Date.UTC(2026, 10, 26);
/** Wall clock and monotonic clock may part by this much while the doctor looks; more, and the clock was set meanwhile. */
const maxSlipMs = 500;
const mib = 1024 * 1024;

/** @param locked version that package-lock.json pins for this kind of computer; null when it pins none */
export function judgeNode(running: string, locked: string | null, platform: string): Check {
  if (locked === null) {
    return bad('node', `no Node is pinned for ${platform}`, 'Use Linux on x64 or arm64, with the whole package.');
  }
  if (running === locked) return good('node', `${running} on ${platform}, as package-lock.json pins it`);
  const detail = `${running} runs, package-lock.json pins ${locked}`;
  return bad('node', detail, 'Run `npm ci` in the folder of the package and start selvedge by its launcher.');
}

export interface PackageLoad {
  readonly name: string;
  /** Why it does not load; null when it does. */
  readonly problem: string | null;
}

export function judgePackages(loads: readonly PackageLoad[]): Check {
  const failed = loads.filter((load) => load.problem !== null);
  if (failed.length === 0) return good('packages', `${loads.map(({ name }) => name).join(', ')} can be loaded`);
  const detail = failed.map(({ name, problem }) => `${name} cannot be loaded (${problem})`).join('; ');
  const cure =
    'Run `npm ci` in the folder of the package on this very computer; packages copied from another one do not fit.';
  return bad('packages', detail, cure);
}

export interface ClockSample {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

/** @param first and `last`: both clocks at the beginning and at the end of the examination */
export function judgeClock(first: ClockSample, last: ClockSample): Check {
  const shown = new Date(last.wallMs).toISOString();
  if (last.wallMs < writtenMs) {
    const detail = `it is ${shown}, before this version was written (${new Date(writtenMs).toISOString().slice(0, 10)})`;
    return bad('clock', detail, 'Set the clock and keep it right with NTP (timedatectl set-ntp true).');
  }
  const passedMs = last.monotonicMs - first.monotonicMs;
  if (passedMs < 0) {
    return bad('clock', 'the monotonic clock ran backwards', 'Look into the clock source of this computer (dmesg).');
  }
  const slipMs = last.wallMs - first.wallMs - passedMs;
  if (Math.abs(slipMs) > maxSlipMs) {
    const detail = `it was set by ${(slipMs / 1000).toFixed(1)} s while the doctor looked`;
    return bad('clock', detail, 'Leave the clock to one NTP service alone, and look again.');
  }
  return good('clock', `it is ${shown}`);
}

export interface FolderFacts {
  readonly path: string;
  /** The folder itself, or the nearest thing above it that is there. */
  readonly nearest: string;
  /** Why it cannot be used, in a few words; null when it can. */
  readonly problem: string | null;
  readonly ownerUid: number;
  /** Space for this user on the disk of `nearest`; null when the disk does not tell. */
  readonly freeBytes: number | null;
  /** What the files of the agent take already. */
  readonly usedBytes: number;
}

/** @param uid the user the doctor runs as; 0 may use the folder of any user */
export function judgeFolder({ path, nearest, problem, ownerUid }: FolderFacts, uid: number): Check {
  const { cure } = agentErrors.dataDirUnusable;
  if (problem !== null)
    return bad(
      'data-folder',
      nearest === path ? `${path} ${problem}` : `${path} cannot be made: ${nearest} ${problem}`,
      cure,
    );
  if (nearest !== path) return good('data-folder', `${path} is not there yet and can be made in ${nearest}`);
  if (ownerUid === uid) return good('data-folder', `${path} can be written`);
  if (uid === 0) return good('data-folder', `${path} can be written; it is the folder of user ${ownerUid}`);
  return bad('data-folder', `${path} is the folder of user ${ownerUid}, and this is user ${uid}`, cure);
}

export function judgeDisk({ nearest, freeBytes, usedBytes }: FolderFacts, budgetMiB: number): Check {
  if (freeBytes === null) {
    return bad(
      'disk',
      `the disk of ${nearest} does not tell its free space`,
      'Set dataDir to a folder on a local disk.',
    );
  }
  const missingBytes = Math.max(0, budgetMiB * mib - usedBytes);
  const detail = `${Math.floor(freeBytes / mib)} MiB free; the budget is ${budgetMiB} MiB, ${Math.ceil(usedBytes / mib)} MiB of it in use`;
  if (freeBytes >= missingBytes) return good('disk', detail);
  return bad('disk', detail, 'Free space on the disk of the data folder, or lower storage.budgetMiB.');
}

/** Whether an agent holds the data folder; `problem` when that cannot be told. */
export type LockState = 'free' | 'held' | { readonly problem: string };

export function judgeLock(lock: LockState): Check {
  if (lock === 'held') return good('lock', 'an agent is running on the data folder');
  if (lock === 'free') return good('lock', 'no agent is running on the data folder');
  return bad('lock', `whether an agent runs cannot be told: ${lock.problem}`, agentErrors.dataDirUnusable.cure);
}

export type PortState = 'free' | 'any' | 'in-use' | { readonly problem: string };

export function judgePagePort(bind: string, port: number, state: PortState, lock: LockState): Check {
  const at = `${bind.includes(':') ? `[${bind}]` : bind}:${port}`;
  if (state === 'any') return good('page-port', 'the page takes any free port');
  if (state === 'free') return good('page-port', `${at} is free`);
  if (state === 'in-use') {
    if (lock === 'held') return good('page-port', `${at} is in use, as it should be while the agent runs`);
    return bad('page-port', `another program listens on ${at}`, agentErrors.pageAddressInUse.cure);
  }
  return bad('page-port', `${at} cannot be listened on (${state.problem})`, agentErrors.pageAddressUnavailable.cure);
}

export type KeyFacts =
  | { readonly state: 'absent' }
  | { readonly state: 'unusable'; readonly why: string }
  | { readonly state: 'present'; readonly mode: number };

/** @param needed the gateway sends something, so the bridge has to know its key */
export function judgeGatewayKey(path: string, key: KeyFacts, needed: boolean): Check {
  if (key.state === 'absent') {
    if (!needed) return good('gateway-key', 'none yet, and none needed without an uplink');
    const cure =
      'Make it with `selvedge key --config FILE --out FILE`, and give it to the bridge (selvedge bridge allow).';
    return bad('gateway-key', `${path} is not there`, cure);
  }
  if (key.state === 'unusable') {
    return bad(
      'gateway-key',
      `${path} ${key.why}`,
      'Give the file to the user the agent runs as (chown), or restore it from a backup.',
    );
  }
  const mode = (key.mode & 0o777).toString(8).padStart(4, '0');
  if (key.mode & 0o077) {
    return bad('gateway-key', `${path} has mode ${mode}, so others may use it`, `chmod 600 ${path}`);
  }
  return good('gateway-key', `${path}, an Ed25519 key with mode ${mode}`);
}

/** @param problem why the key cannot be used; null when it can */
export function judgeBridgeKey(path: string, problem: string | null): Check {
  if (problem === null) return good('bridge-key', `${path}, an Ed25519 key`);
  return bad(
    'bridge-key',
    problem,
    'Set uplink.bridgeKey to the file that `selvedge bridge init` made (bridge.pub.pem).',
  );
}

/** @param problems one sentence for each reference that does not resolve; it names the reference */
export function judgeSecrets(references: number, problems: readonly string[]): Check {
  if (problems.length > 0) return bad('secrets', problems.join('; '), agentErrors.secretMissing.cure);
  return good('secrets', references === 0 ? 'none referred to' : `all ${references} references resolve`);
}
