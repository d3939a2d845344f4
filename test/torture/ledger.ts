/**
 * The first ledger: what the agent told it had committed, against what the bridge has. Pure.
 *
 * How an identity (boot, n) counts as at the bridge:
 *  - a machine, event or alert record: there is a row of this identity, and its record made again from the row has the hash told;
 *  - a summary: its number is in the bridge's own ledger, and of its key there stands this very record with the hash told, or one that is
 *    higher by (revision, boot, n), which is the rule by which the bridge lets one summary take the place of another. Of a record that
 *    was superseded the bridge keeps no hash, so of those only the number is proof.
 *
 * Invariants (test/unit/torture/ledger.test.ts):
 *  L1  An identity told and not at the bridge is lost, unless its folder was put back to a copy taken before it was committed and the
 *      bridge did not have it at that moment (`rolledBack`), or the store gave it up for room and said so (`evicted`).
 *  L2  A row too many of one identity is a duplicate, whatever its hash.
 *  L3  A row that the agent never told is `untold`. Only a process that was killed between its commit and the line can leave one.
 */
import { z } from 'zod';
import { keyText, type AtBridge, type BridgeRow } from './at-bridge.ts';

const told = z.object({
  boot: z.string(),
  n: z.int(),
  kind: z.string(),
  sha256: z.string(),
  key: z
    .object({
      machine: z.string(),
      signal: z.string().nullable(),
      minuteMs: z.number(),
      readingBoot: z.string(),
      segment: z.number(),
    })
    .optional(),
  revision: z.number().optional(),
});
export interface Told {
  readonly boot: string;
  readonly n: number;
  readonly kind: string;
  readonly sha256: string;
  readonly key: string | null;
  readonly revision: number | null;
}

/** A line of the agent's witness; throws where it is none. */
export function parseTold(line: string): Told {
  const { boot, n, kind, sha256, key, revision } = told.parse(JSON.parse(line));
  return { boot, n, kind, sha256, key: key === undefined ? null : keyText(key), revision: revision ?? null };
}

export const idOf = ({ boot, n }: { readonly boot: string; readonly n: number }): string => `${boot}/${n}`;

/** Everything told of one data folder so far, and the mark at which its copy was taken. */
export class Witness {
  readonly #told: Told[] = [];
  readonly #rolledBack = new Set<string>();

  get told(): readonly Told[] {
    return this.#told;
  }
  get rolledBack(): ReadonlySet<string> {
    return this.#rolledBack;
  }
  take(line: string): void {
    this.#told.push(parseTold(line));
  }
  /** How much was told by now: what a copy taken now holds. */
  mark(): number {
    return this.#told.length;
  }
  /** The copy of `mark` is put back now, while the bridge holds `bridge`. */
  putBack(mark: number, bridge: AtBridge): void {
    const present = presence(bridge);
    for (const record of this.#told.slice(mark)) if (!present(record)) this.#rolledBack.add(idOf(record));
  }
}

/** Whether a told record is at the bridge, by the rules above. */
export function presence(bridge: AtBridge): (record: Told) => boolean {
  const byId = new Map<string, BridgeRow>();
  const byKey = new Map<string, BridgeRow>();
  for (const row of bridge.rows) {
    byId.set(idOf(row), row);
    if (row.key !== null) byKey.set(row.key, row);
  }
  const inLedger = ({ boot, n }: Told) =>
    bridge.ledger.some((range) => range.boot === boot && range.from <= n && n <= range.to);
  return (record) => {
    const own = byId.get(idOf(record));
    if (record.key === null) return own?.sha256 === record.sha256;
    const standing = byKey.get(record.key);
    if (standing === undefined || !inLedger(record)) return false;
    return standing === own ? own.sha256 === record.sha256 : isHigher(standing, record);
  };
}

function isHigher(row: BridgeRow, record: Told): boolean {
  const [a, b] = [row.revision ?? 0, record.revision ?? 0];
  if (a !== b) return a > b;
  if (row.boot !== record.boot) return row.boot > record.boot;
  return row.n > record.n;
}

export interface LedgerVerdict {
  readonly committed: number;
  readonly atBridge: number;
  readonly rolledBack: number;
  readonly lost: readonly string[];
  /** Rows beyond the first of an identity. */
  readonly duplicated: readonly string[];
  readonly untold: number;
}

/** Holds what all folders told against the bridge at the end. */
export function judgeLedger(
  witnesses: readonly Witness[],
  bridge: AtBridge,
  evicted: ReadonlySet<string>,
): LedgerVerdict {
  const present = presence(bridge);
  const known = new Set<string>();
  const lost: string[] = [];
  let atBridge = 0;
  let rolledBack = 0;
  for (const witness of witnesses) {
    for (const record of witness.told) {
      const id = idOf(record);
      known.add(id);
      if (present(record)) atBridge += 1;
      else if (witness.rolledBack.has(id)) rolledBack += 1;
      else if (!evicted.has(id)) lost.push(`${record.kind} ${id}`);
    }
  }
  const seen = new Set<string>();
  const duplicated: string[] = [];
  for (const row of bridge.rows) {
    const id = idOf(row);
    if (seen.has(id)) duplicated.push(id);
    seen.add(id);
  }
  const untold = [...seen].filter((id) => !known.has(id)).length;
  return { committed: known.size, atBridge, rolledBack, lost, duplicated, untold };
}
