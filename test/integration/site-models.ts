/** The models of a gateway of a test: versions that the site brings, which it uses, and a process that crashes with one. */
import assert from 'node:assert/strict';
import type { KeyObject } from 'node:crypto';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { InstalledModels } from '../../agent/models/installed.ts';
import { ranHealthy, trialMs } from '../../agent/models/slots.ts';
import type { ModelTakenBack } from '../../agent/pipeline-ports.ts';
import { shippedPackages } from '../../models/package/keys.ts';
import { sealPackage } from '../../models/package/seal.ts';
import { good } from '../../models/package/verify.ts';
import { keyPair, trusting } from '../unit/models/making.ts';
import { until } from './sync-rig.ts';

export interface SiteModels {
  readonly installed: InstalledModels;
  /** Of the site, which the gateway trusts. */
  readonly publicKey: KeyObject;
  /** The package that came with the agent, sealed by the site as another version, and installed. */
  readonly bring: (id: string, version: string) => Promise<void>;
  /** Activates, and lets a day pass when it is to be confirmed. */
  readonly use: (id: string, version: string, confirmed: boolean) => Promise<void>;
}

/** @param dir where packages are made */
export function siteModels(dir: string, dataDir: string): SiteModels {
  const site = keyPair();
  const moment = () => ({ boot: 'b', monotonicMs: performance.now() });
  const installed = new InstalledModels({
    dataDir,
    trusted: trusting({ site: [site.publicKey] }),
    golden: () => Promise.resolve(good('golden', '')),
    now: moment,
    wallMs: () => Date.now(),
  });
  return {
    installed,
    publicKey: site.publicKey,
    async bring(id, version) {
      const folder = join(dir, `${id}-${version}`);
      cpSync(join(shippedPackages, id), folder, { recursive: true });
      const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as object;
      writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ ...manifest, version }));
      sealPackage(folder, 'site', site.privateKey);
      await installed.install(folder);
    },
    async use(id, version, confirmed) {
      await installed.activate(id, version);
      if (confirmed) installed.change(id, (slot) => ranHealthy(slot, trialMs, moment()));
    },
  };
}

/**
 * The version on trial crashes until it is taken back, and that is told.
 * @param next the process at work that is none of these
 * @returns those that crashed, and those of `seen`
 */
export async function crashUntilTakenBack(
  { installed, taken }: { readonly installed: InstalledModels; readonly taken: readonly ModelTakenBack[] },
  { id, onTrial, before }: { readonly id: string; readonly onTrial: string; readonly before: string },
  seen: readonly number[],
  next: (seen: readonly number[]) => Promise<number>,
): Promise<number[]> {
  const all = [...seen];
  for (let crash = 1; crash <= 3; crash += 1) {
    const pid = await next(all);
    all.push(pid);
    process.kill(pid, 'SIGSEGV');
    await until('it is noted', () => {
      const slot = installed.slot(id);
      return crash === 3 ? slot.trial === null : slot.trial?.crashes === crash;
    });
  }
  await until('it is told', () => taken.length > 0, 5_000);
  assert.deepEqual(taken, [{ model: `${id}@${onTrial}`, inUse: `${id}@${before}`, crashes: 3, how: 'SIGSEGV' }]);
  return all;
}
