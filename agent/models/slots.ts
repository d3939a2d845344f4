/**
 * Which version of each model is in use, on trial and in the shadow. Pure: the disk is in `installed.ts`, time is passed in.
 *
 * Invariants (test/unit/models/slots.test.ts):
 *  S1  A trial ends once: confirmed after `trialMs` of healthy running, or taken back after `maxCrashes` crashes or by a person. What was
 *      in use before it is kept until then.
 *  S2  No version older than the one in use is activated or put into the shadow. Back goes only `rollBack`, to the version before.
 *  S3  Only healthy running counts: not the time the agent or the computer was down, whatever the wall clock says.
 *  S4  Whatever is done, every version a slot names was in use or was named by the caller; a trial never has itself as the one before.
 */
import { z } from 'zod';
import { modelId } from '../../models/package/manifest.ts';
import { compareVersions, isVersion } from '../../models/package/version.ts';
import { AgentError } from '../errors.ts';

export const trialMs = 24 * 3_600_000;
export const maxCrashes = 3;
export const maxModels = 32;
/** How often healthy running is noted on the disk. What was not noted is run again. */
export const noteEveryMs = 5 * 60_000;
const maxFailed = 10;

const version = z.string().refine(isVersion);
const mark = z.strictObject({ boot: z.string().nullable(), monotonicMs: z.number() });
export const slotSchema = z.strictObject({
  /** In use: also while it is on trial. */
  active: version.nullable(),
  /** In use before it; null where there is none to go back to. */
  before: version.nullable(),
  trial: z
    .strictObject({
      /** Noted healthy running, in ms. */
      healthyMs: z.number().min(0),
      crashes: z.int().min(0),
      /** When that was noted, on the monotonic clock of that start of the computer. */
      noted: mark,
    })
    .nullable(),
  /** Runs beside the one in use; what it finds is counted and told nobody. */
  shadow: version.nullable(),
  /** Taken back by themselves, the newest last. */
  failed: z.array(version).max(maxFailed),
});
export const slotsSchema = z.record(modelId, slotSchema);
export type Slot = z.infer<typeof slotSchema>;
export type Slots = Readonly<Record<string, Slot>>;

/** A moment on the computer's monotonic clock. */
export type HostMoment = z.infer<typeof mark>;

export const emptySlot: Slot = { active: null, before: null, trial: null, shadow: null, failed: [] };
export const slotOf = (slots: Slots, id: string): Slot => slots[id] ?? emptySlot;

/** @throws AgentError `modelOlder` */
export function refuseOlder(slot: Slot, id: string, version: string): void {
  if (slot.active === null || compareVersions(version, slot.active) >= 0) return;
  throw new AgentError('modelOlder', `${id} ${version} is older than ${slot.active}, which is in use`);
}

/** Begins a trial; of the version that is in use, on trial or not, nothing. @throws AgentError `modelOlder` */
export function activate(slot: Slot, id: string, version: string, now: HostMoment): Slot {
  refuseOlder(slot, id, version);
  if (slot.active === version) return slot;
  // A version that did not get through its trial is gone back to only where there is no other.
  const before = slot.trial === null ? slot.active : (slot.before ?? slot.active);
  return {
    ...slot,
    active: version,
    before: before === version ? null : before,
    trial: { healthyMs: 0, crashes: 0, noted: now },
    shadow: slot.shadow === version ? null : slot.shadow,
  };
}

/** @param version null: nothing runs in the shadow any more. @throws AgentError `modelOlder` */
export function putInShadow(slot: Slot, id: string, version: string | null): Slot {
  if (version === null) return { ...slot, shadow: null };
  refuseOlder(slot, id, version);
  if (slot.active === version)
    throw new AgentError('usage', `${id} ${version} is in use, so it cannot be its own shadow`);
  return { ...slot, shadow: version };
}

/** Back to the version before. @throws AgentError `modelNoWayBack` */
export function rollBack(slot: Slot, id: string): Slot {
  if (slot.before === null) throw new AgentError('modelNoWayBack', `${id} has no earlier version that was in use`);
  return { ...slot, active: slot.before, before: null, trial: null };
}

/** The process of the version in use was healthy for another `ranMs`, up to `now`. Confirms a trial that is through. */
export function ranHealthy(slot: Slot, ranMs: number, now: HostMoment): Slot {
  if (slot.trial === null) return slot;
  const healthyMs = slot.trial.healthyMs + Math.max(0, ranMs);
  return { ...slot, trial: healthyMs >= trialMs ? null : { ...slot.trial, healthyMs, noted: now } };
}

/** The process of `version` crashed. Of another version than the one on trial, nothing. */
export function crashed(slot: Slot, version: string): Slot {
  if (slot.trial === null || slot.active !== version) return slot;
  const crashes = slot.trial.crashes + 1;
  if (crashes < maxCrashes) return { ...slot, trial: { ...slot.trial, crashes } };
  const failed = [...slot.failed.filter((one) => one !== version), version].slice(-maxFailed);
  return { ...slot, active: slot.before, before: null, trial: null, failed };
}

/** UTC ms when the trial is through, if the process stays healthy; null where none is on trial. */
export function trialEndsMs(slot: Slot, now: HostMoment, wallMs: number): number | null {
  if (slot.trial === null) return null;
  const { healthyMs, noted } = slot.trial;
  const sinceMs = now.monotonicMs - noted.monotonicMs;
  // Since the last note it may well have gone on; longer than two of them without one, nobody runs it.
  const goesOn = now.boot !== null && now.boot === noted.boot && sinceMs >= 0 && sinceMs <= 2 * noteEveryMs;
  return Math.round(wallMs + Math.max(0, trialMs - healthyMs - (goesOn ? sinceMs : 0)));
}

/** Every version the slot needs on the disk. */
export function neededVersions({ active, before, shadow }: Slot): readonly string[] {
  return [active, before, shadow].filter((one) => one !== null);
}
