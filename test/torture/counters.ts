/**
 * The second ledger: what the machines counted, against what the bridge says they counted. Pure but for the reading of files.
 *
 * Invariants (test/unit/torture/counters.test.ts):
 *  K1  Truth is what the machine's counter rose by from its first to its last line in the truth log, in which it never falls.
 *  K2  A series without an overlap must be exact: the count of the machine, and no uncertainty.
 *  K3  Where two boots have watched a machine at the same time the count may be off by the uncertainty stated, and that may come from
 *      the rows of the overlap alone.
 *  K4  Of a counter that the bridge does not have nothing is conserved.
 */
import { readFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { z } from 'zod';

const line = z.object({
  machine: z.string(),
  kind: z.literal('counter'),
  data: z.object({ signal: z.string(), value: z.number() }),
});

export interface Counted {
  readonly machine: string;
  readonly signal: string;
  readonly delta: number;
  readonly uncertainty: number;
  /** Uncertainty of the rows in which no two boots overlap. */
  readonly outside: number;
  readonly overlaps: number;
}

export interface CounterVerdict {
  readonly conserved: boolean;
  readonly series: number;
  /** Series that are exact to the count. */
  readonly exact: number;
  /** Series with an overlap of two boots. */
  readonly overlapped: number;
  readonly problems: readonly string[];
}

/** What each counter rose by, by `machine signal`. */
export function risesOf(truth: string): Map<string, number> {
  const first = new Map<string, number>();
  const last = new Map<string, number>();
  for (const text of truth.split('\n')) {
    if (!text.includes('"counter"')) continue;
    const { machine, data } = line.parse(JSON.parse(text));
    const name = `${machine} ${data.signal}`;
    if (!first.has(name)) first.set(name, data.value);
    last.set(name, data.value);
  }
  return new Map([...last].map(([name, value]) => [name, value - (first.get(name) ?? 0)]));
}

export const truthOf = (file: string): Map<string, number> => risesOf(readFileSync(file, 'utf8'));

/** What the bridge's own view says of each counter, and how much of its doubt comes from overlaps. */
export function countedAtBridge(file: string, gateway: string): Counted[] {
  const db = new Database(file, { readonly: true });
  try {
    return db
      .prepare(
        `SELECT machine, signal, delta, uncertainty,
           (SELECT total(s.counter_uncertainty) FROM summary s
            WHERE s.gateway = t.gateway AND s.machine = t.machine AND s.signal = t.signal
              AND NOT EXISTS (SELECT 1 FROM counter_overlap o WHERE o.gateway = s.gateway AND o.machine = s.machine
                AND o.signal = s.signal AND o.minute_ms = s.minute_ms AND o.reading_boot = s.reading_boot
                AND o.segment = s.segment)) AS outside,
           (SELECT count(*) FROM counter_overlap o
            WHERE o.gateway = t.gateway AND o.machine = t.machine AND o.signal = t.signal) AS overlaps
         FROM counter_totals t WHERE gateway = ? ORDER BY machine, signal`,
      )
      .all(gateway) as Counted[];
  } finally {
    db.close();
  }
}

export function judgeCounters(truth: ReadonlyMap<string, number>, counted: readonly Counted[]): CounterVerdict {
  const found = new Map(counted.map((one) => [`${one.machine} ${one.signal}`, one]));
  const problems: string[] = [];
  let exact = 0;
  let overlapped = 0;
  let series = 0;
  for (const [name, rise] of truth) {
    const one = found.get(name);
    series += 1;
    if (one === undefined) {
      problems.push(`${name}: ${rise} counted by the machine, nothing at the bridge`);
      continue;
    }
    const { delta, uncertainty, outside, overlaps } = one;
    if (overlaps > 0) overlapped += 1;
    if (delta === rise && uncertainty === 0) exact += 1;
    const off = Math.abs(delta - rise);
    if (outside > 0) problems.push(`${name}: ±${outside} where nothing overlaps`);
    if (off > uncertainty) problems.push(`${name}: ${delta} ± ${uncertainty} at the bridge, ${rise} by the machine`);
  }
  if (series === 0) problems.push('no counter was judged');
  return { conserved: problems.length === 0, series, exact, overlapped, problems };
}
