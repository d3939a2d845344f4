/**
 * What a start takes over from the process before: where counters go on, which alerts were open, and what the ring knows of
 * minutes that were open.
 */
import type { AlertDesk } from './alerts/desk.ts';
import type { RecoveredCondition } from './alerts/watch.ts';
import { baseFromBefore } from './counters/counter.ts';
import { rebuildMachine, type RebuildOptions, type Rebuilt } from './rollup/rebuild.ts';
import type { Instant } from './rules/conditions.ts';
import type { Rule } from './rules/schema.ts';
import type { Recovery } from './store/store.ts';
import type { Watched } from './watched.ts';

/** Hands open occurrences to the desk. Returns, by machine and rule, how the condition of each stood at the end. */
export function recoverAlerts(
  desk: AlertDesk,
  recovery: Recovery,
  rules: ReadonlyMap<string, readonly Pick<Rule, 'id' | 'latch'>[]>,
  now: Instant,
): Map<string, Map<string, RecoveredCondition>> {
  const open = new Map<string, Map<string, RecoveredCondition>>();
  for (const record of recovery.openOccurrences) {
    const rule = rules.get(record.machine)?.find((r) => r.id === record.rule);
    const stood = desk.recover(record, rule, now);
    if (stood === null) continue;
    const byRule = open.get(record.machine) ?? new Map<string, RecoveredCondition>();
    open.set(record.machine, byRule.set(record.rule, stood));
  }
  return open;
}

/** Rebuilds the open minutes of a machine and lets its counters go on where the ring, or else the summaries, end. */
export function recoverMinutes(
  machine: Watched,
  recovery: Recovery,
  options: Omit<RebuildOptions, 'offlineAfterS'>,
): Rebuilt {
  const rebuilt = rebuildMachine(machine.model, recovery, { ...options, offlineAfterS: machine.offlineAfterS });
  const bases = new Map(rebuilt.bases);
  // What the process before counted without the time is newer than any summary, whatever day it seems to be.
  const ringIsNewer = recovery.undated.some((span) => span.boot === recovery.previousBoot);
  for (const { machine: id, signal, value, atMs } of recovery.lastCounters) {
    const index = machine.model.indexOf.get(signal);
    if (id !== machine.id || index === undefined) continue;
    const fromRing = bases.get(index);
    if (fromRing === undefined || (fromRing.tMs < atMs && !ringIsNewer))
      bases.set(index, { tMs: atMs, value, suspect: null });
  }
  for (const [index, base] of bases) {
    const spec = machine.counterSpecs[index];
    if (spec === null || spec === undefined) continue;
    const goesOn = baseFromBefore(base, spec, options.nowMs);
    machine.counterBases[index] = goesOn;
    machine.rollup.setBase(index, goesOn);
  }
  return rebuilt;
}
