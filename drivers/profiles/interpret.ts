/**
 * From the values of a machine to its canonical state, by its profile. Pure.
 *
 * Invariants:
 *  - No state is guessed: while a signal that decides has no value the answer is null.
 *  - A code that no table lists is never lost and never taken for "nothing": it is in `unknownCodes`.
 *  - Same values, same answer; the order of the map makes no difference.
 */
import type { Value } from '../contract.ts';
import type { CodeEntry, CodeTable, Profile, ProfileState, RuleState, StateRule } from './schema.ts';

export interface ActiveCode {
  readonly signal: string;
  readonly code: string;
  readonly cause: string;
  /** What the vendor calls it. */
  readonly text: string;
  readonly level: CodeEntry['level'];
}

export interface Interpretation {
  readonly state: RuleState;
  /** Canonical cause of the state; null where nothing stopped the machine. */
  readonly cause: string | null;
  readonly active: readonly ActiveCode[];
  readonly unknownCodes: readonly { readonly signal: string; readonly code: string }[];
}

/**
 * @param firmware version of the machine, null when not known: then tables for the newest versions are used
 * @param values last value of each signal; a signal whose last reading was bad must not be in it
 * @returns null while a signal that decides has no value
 */
export function interpret(
  profile: Profile,
  firmware: string | null,
  values: ReadonlyMap<string, Value>,
): Interpretation | null {
  const active: ActiveCode[] = [];
  const unknownCodes: { signal: string; code: string }[] = [];
  let decisive: { entry: CodeEntry; state: ProfileState } | null = null;
  for (const [signal, tables] of tablesBySignal(profile, firmware)) {
    const value = values.get(signal);
    if (value === undefined) return null;
    const code = String(value);
    const entry = tables.map((table) => table.codes[code]).find((found) => found !== undefined);
    if (entry === undefined) {
      if (!tables.some((table) => table.none.includes(code))) unknownCodes.push({ signal, code });
      continue;
    }
    active.push({ signal, code, cause: entry.cause, text: entry.text, level: entry.level });
    if (entry.state !== undefined && (decisive === null || rank[entry.level] > rank[decisive.entry.level])) {
      decisive = { entry, state: entry.state };
    }
  }
  if (decisive !== null) return { state: decisive.state, cause: decisive.entry.cause, active, unknownCodes };
  for (const rule of profile.states) {
    const holds = ruleHolds(rule, values);
    if (holds === null) return null;
    if (holds) return { state: rule.state, cause: rule.cause ?? null, active, unknownCodes };
  }
  return null;
}

const rank: Readonly<Record<CodeEntry['level'], number>> = { info: 0, warning: 1, error: 2 };

/** null: the rule asks for a signal without a value, so neither it nor any later rule can be judged. */
function ruleHolds(rule: StateRule, values: ReadonlyMap<string, Value>): boolean | null {
  const when = rule.when;
  if (when === undefined) return true;
  const value = values.get(when.signal);
  if (value === undefined) return when.ifKnown ? false : null;
  if (when.is !== undefined && value !== when.is) return false;
  return when.above === undefined || (typeof value === 'number' && value > when.above);
}

function tablesBySignal(profile: Profile, firmware: string | null): Map<string, CodeTable[]> {
  const bySignal = new Map<string, CodeTable[]>();
  for (const table of profile.codeTables) {
    const tables = bySignal.get(table.signal) ?? [];
    bySignal.set(table.signal, tables);
    if (tableApplies(table, firmware)) tables.push(table);
  }
  return bySignal;
}

function tableApplies(table: CodeTable, firmware: string | null): boolean {
  const span = table.firmware;
  if (span === undefined) return true;
  if (firmware === null) return span.before === undefined;
  return (
    (span.from === undefined || compareVersions(firmware, span.from) >= 0) &&
    (span.before === undefined || compareVersions(firmware, span.before) < 0)
  );
}

/** Orders version texts such as `90A0-v1.08.05`: runs of digits by number, everything else by text. */
export function compareVersions(a: string, b: string): number {
  const partsA = a.match(/\d+|\D+/g) ?? [];
  const partsB = b.match(/\d+|\D+/g) ?? [];
  for (let i = 0; i < Math.max(partsA.length, partsB.length); i += 1) {
    const partA = partsA[i];
    const partB = partsB[i];
    if (partA === undefined || partB === undefined) return partA === undefined ? -1 : 1;
    const byNumber = Number(partA) - Number(partB);
    if (Number.isNaN(byNumber)) {
      if (partA !== partB) return partA < partB ? -1 : 1;
    } else if (byNumber !== 0) return byNumber;
  }
  return 0;
}
