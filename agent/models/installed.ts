/**
 * The models on this gateway: `models/<id>/<version>/` in the data folder, and the slots in `state.json`.
 *
 * Invariants (test/unit/models/installed.test.ts, test/integration/models-killed.test.ts):
 *  I1  A folder has the name of its version only when all of it is on the disk, verified, and its golden samples were right here.
 *  I2  Killed at any step, the version in use is the one before or the new one, whole; the same command ends what was begun.
 *  I3  A version never changes: other content under the same number is refused.
 *  I4  What a slot names is never removed; of the others the newest are kept, so that the disk does not fill.
 */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ModelError } from '../../models/errors.ts';
import { readPackage, readWhole } from '../../models/package/folder.ts';
import type { GoldenOptions } from '../../models/package/golden.ts';
import {
  manifestFile,
  packageLimits,
  parseManifest,
  type Manifest,
  type Signer,
} from '../../models/package/manifest.ts';
import type { TrustedKeys } from '../../models/package/signature.ts';
import { checkOf, verifyPackage, type Check, type Verdict } from '../../models/package/verify.ts';
import { AgentError } from '../errors.ts';
import { PackageDisk } from './package-disk.ts';
import {
  activate,
  maxModels,
  neededVersions,
  putInShadow,
  refuseOlder,
  rollBack,
  slotOf,
  trialEndsMs,
  type HostMoment,
  type Slot,
} from './slots.ts';
import { readShadowCounts, type ShadowCounts } from './shadow-file.ts';
import { modelsFolder } from './place.ts';
import { changeSlot, readSlots, withLock } from './state-file.ts';

/** Of versions that no slot names. */
const keptVersions = 2;

export type ModelState = 'active' | 'trial' | 'shadow' | 'installed';
export interface ListedModel {
  readonly id: string;
  readonly version: string;
  /** null where the manifest cannot be read. */
  readonly task: string | null;
  readonly state: ModelState;
  readonly signedBy: Signer | null;
  /** UTC ms; null where it is not on trial. */
  readonly trialEndsMs: number | null;
  /** It crashed again and again on its trial, and was taken back by itself. */
  readonly takenBack: boolean;
  /** What was counted of it in the shadow; null where it is not there, or has judged nothing. */
  readonly shadow: ShadowCounts | null;
}

/** A version whose signature and bytes were good when it was looked at. */
export interface VerifiedModel {
  readonly folder: string;
  readonly manifest: Manifest;
}

export interface InstalledPorts {
  readonly dataDir: string;
  readonly trusted: TrustedKeys;
  /** Runs the golden samples; `models/package/golden.ts` but in tests of the disk. */
  readonly golden: (folder: string, manifest: Manifest, options?: GoldenOptions) => Promise<Check>;
  readonly now: () => HostMoment;
  readonly wallMs: () => number;
  /** How long another process may hold the lock, in ms. Default 5000; 0 where nothing may wait. */
  readonly lockWaitMs?: number;
}

/** What became of a command. `state` is that of the version named; null where it is not installed. */
export interface Outcome {
  readonly id: string;
  readonly version: string;
  readonly state: ModelState | null;
  readonly trialEndsMs: number | null;
  /** The version in use afterwards. */
  readonly active: string | null;
}

/** A package that is not what it must be: the first check that failed is its message, all are here. */
export class PackageRefused extends ModelError {
  readonly verdict: Verdict;
  constructor(verdict: Verdict, failed: Check) {
    super(failed.key ?? 'packageUnreadable', failed.detail.replace(/^MDL-\d+ /, ''));
    this.verdict = verdict;
  }
}

export class InstalledModels {
  readonly #ports: InstalledPorts;
  readonly #disk: PackageDisk;

  constructor(ports: InstalledPorts) {
    this.#ports = ports;
    this.#disk = new PackageDisk(modelsFolder(ports.dataDir));
  }

  folderOf(id: string, version: string): string {
    return this.#disk.folderOf(id, version);
  }

  /** Every installed version, by name and then the newest first. @throws AgentError `modelsDamaged` */
  list(): ListedModel[] {
    const slots = readSlots(this.#ports.dataDir);
    return this.#disk
      .ids()
      .flatMap((id) => this.#disk.versions(id).map((version) => this.#listed(id, version, slotOf(slots, id))));
  }

  /** Signature and files of a folder, then its golden samples when those are good. */
  async verify(folder: string): Promise<Verdict> {
    let verdict: Verdict;
    try {
      verdict = verifyPackage(readPackage(folder), this.#ports.trusted);
    } catch (error) {
      return { ok: false, manifest: null, checks: [checkOf('folder', error)] };
    }
    if (!verdict.ok || verdict.manifest === null) return verdict;
    const golden = await this.#ports.golden(folder, verdict.manifest);
    return { ...verdict, ok: golden.ok, checks: [...verdict.checks, golden] };
  }

  /** Signature and every byte of a folder, without its samples. @throws PackageRefused, ModelError `packageUnreadable` */
  mustBeSound(folder: string): Manifest {
    return mustBeGood(verifyPackage(readPackage(folder), this.#ports.trusted));
  }

  /**
   * Copies the package beside, verifies the copy, and gives it its name.
   * @throws PackageRefused, ModelError `packageUnreadable`, AgentError `modelOlder`, `modelVersionTaken`, `modelsFull`, `modelsBusy`, …
   */
  async install(from: string): Promise<Outcome> {
    const { dataDir } = this.#ports;
    // Before anything is copied, so that what would be refused anyway costs no disk. What is installed is judged again.
    const claimed = this.mustBeSound(from);
    refuseOlder(slotOf(readSlots(dataDir), claimed.id), claimed.id, claimed.version);
    const staging = this.#disk.stage(from, claimed);
    try {
      const manifest = mustBeGood(await this.verify(staging));
      return withLock(dataDir, this.#ports.lockWaitMs ?? 5_000, () => this.#land(staging, manifest));
    } finally {
      rmSync(staging, { recursive: true, force: true });
    }
  }

  /** @throws AgentError `modelUnknown`, `modelOlder`; PackageRefused */
  async activate(id: string, version: string): Promise<Outcome> {
    await this.#mustBeUsable(id, version);
    return this.#change(id, version, (slot) => activate(slot, id, version, this.#ports.now()));
  }

  /** @param version null: none runs in the shadow. @throws AgentError `modelUnknown`, `modelOlder`; PackageRefused */
  async shadow(id: string, version: string | null): Promise<Outcome> {
    if (version !== null) await this.#mustBeUsable(id, version);
    const named = version ?? slotOf(readSlots(this.#ports.dataDir), id).shadow ?? this.newest(id);
    return this.#change(id, named, (slot) => putInShadow(slot, id, version));
  }

  /** To the version that was in use before. @throws AgentError `modelNoWayBack`, `modelUnknown`; PackageRefused */
  async rollBack(id: string): Promise<Outcome> {
    const back = rollBack(slotOf(readSlots(this.#ports.dataDir), id), id).active;
    if (back !== null) await this.#mustBeUsable(id, back);
    return this.#change(id, back ?? '', (slot) => rollBack(slot, id));
  }

  /** Copies an installed package, verified, to a new folder. @throws AgentError `modelExportTaken`, `modelUnknown`; PackageRefused */
  async export(id: string, version: string, to: string): Promise<Outcome> {
    if (existsSync(to)) throw new AgentError('modelExportTaken', `${to} is there already`);
    const manifest = await this.#mustBeUsable(id, version);
    this.#disk.copyOut(id, version, manifest, to);
    return this.#outcome(id, version, slotOf(readSlots(this.#ports.dataDir), id));
  }

  /**
   * The version in use, its signature and every byte of it verified now; null where none is.
   * @throws PackageRefused where what lies there is not what was installed; AgentError `modelsDamaged`, `modelUnknown`
   */
  active(id: string): VerifiedModel | null {
    const { active: version } = this.slot(id);
    return version === null ? null : this.verified(id, version);
  }

  /** An installed version, its signature and every byte of it verified now. @throws as `active` */
  verified(id: string, version: string): VerifiedModel {
    const folder = this.#mustBeInstalled(id, version);
    return { folder, manifest: mustBeNamed(this.mustBeSound(folder), id, version) };
  }

  /** What is in use, on trial and in the shadow; a read of one small file. @throws AgentError `modelsDamaged` */
  slot(id: string): Slot {
    return slotOf(readSlots(this.#ports.dataDir), id);
  }

  /** Changes the slot of one model, durably; `list` shows it. @throws AgentError `modelsBusy`, and what `change` throws */
  change(id: string, change: (slot: Slot) => Slot): Slot {
    return changeSlot(this.#ports.dataDir, id, this.#ports.lockWaitMs ?? 5_000, change);
  }

  /** The newest installed version. @throws AgentError `modelUnknown` */
  newest(id: string): string {
    const [newest] = this.#disk.versions(id);
    if (newest === undefined) throw new AgentError('modelUnknown', `no version of ${id} is installed`);
    return newest;
  }

  /** What `activate` means without a version: what runs in the shadow, else the newest. @throws AgentError `modelUnknown` */
  next(id: string): string {
    return slotOf(readSlots(this.#ports.dataDir), id).shadow ?? this.newest(id);
  }

  /** What is told of without a version: the one in use, else the newest. @throws AgentError `modelUnknown` */
  present(id: string): string {
    return slotOf(readSlots(this.#ports.dataDir), id).active ?? this.newest(id);
  }

  #change(id: string, version: string, change: (slot: Slot) => Slot): Outcome {
    return this.#outcome(id, version, this.change(id, change));
  }

  #outcome(id: string, version: string, slot: Slot): Outcome {
    const { state, trialEndsMs } = this.#listed(id, version, slot);
    return { id, version, state, trialEndsMs, active: slot.active };
  }

  #listed(id: string, version: string, slot: Slot): ListedModel {
    const { now, wallMs } = this.#ports;
    const isActive = slot.active === version;
    const state = isActive
      ? slot.trial === null
        ? 'active'
        : 'trial'
      : slot.shadow === version
        ? 'shadow'
        : 'installed';
    const manifest = manifestIn(this.folderOf(id, version));
    return {
      id,
      version,
      task: manifest?.task ?? null,
      state,
      signedBy: manifest?.signedBy ?? null,
      trialEndsMs: isActive ? trialEndsMs(slot, now(), wallMs()) : null,
      takenBack: slot.failed.includes(version),
      shadow: state === 'shadow' ? this.#shadowOf(id, version) : null,
    };
  }

  #shadowOf(id: string, version: string): ShadowCounts | null {
    const counts = readShadowCounts(this.#ports.dataDir, id);
    return counts?.model === `${id}@${version}` ? counts : null;
  }

  #mustBeInstalled(id: string, version: string): string {
    const folder = this.folderOf(id, version);
    if (this.#disk.versions(id).includes(version)) return folder;
    throw new AgentError('modelUnknown', `${id} ${version} is not installed`);
  }

  async #mustBeUsable(id: string, version: string): Promise<Manifest> {
    return mustBeNamed(mustBeGood(await this.verify(this.#mustBeInstalled(id, version))), id, version);
  }

  /** Gives a verified copy its name. The lock is held. */
  #land(staging: string, { id, version }: Manifest): Outcome {
    const { dataDir, trusted } = this.#ports;
    const slot = slotOf(readSlots(dataDir), id);
    // The slots may be others than before the samples were run.
    refuseOlder(slot, id, version);
    this.#disk.sweep();
    if (this.#disk.has(id, version)) {
      if (!this.#disk.isSame(staging, id, version)) {
        throw new AgentError('modelVersionTaken', `${id} ${version} is installed with another manifest`);
      }
      if (verdictOf(this.folderOf(id, version), trusted)?.ok === true) return this.#outcome(id, version, slot);
      // Damaged since, so it is of no use to anybody: it makes room for the sound copy.
      this.#disk.remove(id, version);
    } else if (this.#disk.versions(id).length === 0 && this.#disk.ids().length >= maxModels) {
      throw new AgentError('modelsFull', `${maxModels} models are installed`);
    }
    this.#disk.land(staging, id, version);
    this.#removeOld(id, version, slot);
    return this.#outcome(id, version, slot);
  }

  #removeOld(id: string, fresh: string, slot: Slot): void {
    const needed = new Set([fresh, ...neededVersions(slot)]);
    const others = this.#disk.versions(id).filter((version) => !needed.has(version));
    for (const version of others.slice(keptVersions)) this.#disk.remove(id, version);
  }
}

/** @throws PackageRefused */
function mustBeGood(verdict: Verdict): Manifest {
  const failed = verdict.checks.find(({ ok }) => !ok);
  if (failed !== undefined) throw new PackageRefused(verdict, failed);
  if (verdict.manifest === null) throw new ModelError('manifestInvalid', 'there is no manifest');
  return verdict.manifest;
}

/** What the manifest of a folder says, believed or not; null where it says nothing. */
function manifestIn(folder: string): Manifest | null {
  try {
    return parseManifest(readWhole(join(folder, manifestFile), packageLimits.manifestBytes));
  } catch {
    return null;
  }
}

/** A sound package in the folder of another is not the other. @throws ModelError `packageChanged` */
function mustBeNamed(manifest: Manifest, id: string, version: string): Manifest {
  if (manifest.id === id && manifest.version === version) return manifest;
  throw new ModelError('packageChanged', `in the folder of ${id} ${version} lies ${manifest.id} ${manifest.version}`);
}

function verdictOf(folder: string, trusted: TrustedKeys): Verdict | null {
  try {
    return verifyPackage(readPackage(folder), trusted);
  } catch (error) {
    if (error instanceof ModelError) return null;
    throw error;
  }
}
