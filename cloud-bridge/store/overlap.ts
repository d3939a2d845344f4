/**
 * Counting a machine once that two branches of a forked gateway have watched at the same time.
 *
 * For each series and branch the spans of all boots that go before it are kept joined to islands (`counter_older`). They are
 * few, as a boot's spans follow one another; so a row is judged when it is read, and storing one touches no other.
 *
 * Invariants (test/unit/bridge/overlap.test.ts):
 *  O1  A row of the oldest branch, of an ancestor, or of a gateway without a fork is never in `counter_overlap`: it counts
 *      as it stands.
 *  O2  A row inside an island counts nothing, as the older boots have counted that time.
 *  O3  A row that reaches beyond counts the difference of the counter's own values there, which is exact whatever the two
 *      clocks say. A wrap, a reset or a value that contradicts the island forbids that: then it counts the share of its
 *      delta that the time beyond has, and its whole delta is uncertain.
 *  O4  The islands are those of the rows stored and the boots known, in whatever order they came.
 */
import type Database from 'better-sqlite3';
import type { BranchChange } from './branches.ts';

/** A minute's span begins with the last reading before it, seldom earlier: at a first minute, or after silence. */
const reachMs = 120_000;
/** The rows whose span reaches far out of their minute. Word for word the condition of the index `summary_far`. */
const isFar = `(counter_from_ms < minute_ms - ${reachMs} OR counter_to_ms > minute_ms + ${reachMs})`;
export const farIndexSql = `CREATE INDEX summary_far ON summary (gateway, machine, signal, counter_to_ms)
WHERE ${isFar};`;

/** How far the widest span of an island's series reaches out of its minute: bounds the rows an island can meet. */
const widest = `ifnull((
      SELECT max(max(minute_ms - counter_from_ms, counter_to_ms - minute_ms)) FROM summary
      WHERE gateway = i.gateway AND machine = i.machine AND signal = i.signal AND ${isFar}
    ), ${reachMs})`;

/**
 * The rows that meet islands. Islands come first, so that it costs nothing where there is no fork; `where` may choose among
 * them (`i`), as SQLite takes no condition on an outer row into a grouped view.
 */
export const overlapSql = (where: string) => `SELECT gateway, machine, signal, minute_ms, reading_boot, segment,
  CASE WHEN inside THEN 'whole' ELSE 'part' END AS overlap,
  counter_delta, counter_uncertainty, counter_wraps, counter_resets,
  CASE WHEN inside THEN 0.0 WHEN exact AND covered <= counter_to - counter_from THEN counter_to - counter_from - covered
    ELSE counter_delta * (1 - covered_ms * 1.0 / (counter_to_ms - counter_from_ms)) END AS counted_delta,
  CASE WHEN inside THEN 0.0 WHEN exact AND covered <= counter_to - counter_from THEN 0.0
    ELSE counter_uncertainty + abs(counter_delta) END AS counted_uncertainty,
  CASE WHEN inside THEN 0 ELSE counter_wraps END AS counted_wraps,
  CASE WHEN inside THEN 0 ELSE counter_resets END AS counted_resets
FROM (
  SELECT i.gateway, i.machine, i.signal, r.minute_ms, r.reading_boot, r.segment,
    r.counter_delta, r.counter_uncertainty, r.counter_wraps, r.counter_resets, r.counter_from_ms, r.counter_to_ms,
    r.counter_from, r.counter_to,
    max(i.from_ms <= min(r.counter_from_ms, r.counter_to_ms)
      AND i.to_ms >= max(r.counter_from_ms, r.counter_to_ms)) AS inside,
    min(r.counter_uncertainty = 0 AND r.counter_wraps = 0 AND r.counter_resets = 0
      AND abs(r.counter_to - r.counter_from - r.counter_delta) <= 1e-9 * abs(r.counter_to)
      AND (i.from_ms <= r.counter_from_ms OR i.from_value BETWEEN r.counter_from AND r.counter_to)
      AND (i.to_ms >= r.counter_to_ms OR i.to_value BETWEEN r.counter_from AND r.counter_to)
      AND (i.from_ms <= r.counter_from_ms OR i.to_ms >= r.counter_to_ms OR i.from_value <= i.to_value)) AS exact,
    sum(CASE WHEN i.to_ms < r.counter_to_ms THEN i.to_value ELSE r.counter_to END
      - CASE WHEN i.from_ms > r.counter_from_ms THEN i.from_value ELSE r.counter_from END) AS covered,
    sum(min(i.to_ms, r.counter_to_ms) - max(i.from_ms, r.counter_from_ms)) AS covered_ms
  FROM counter_older i
  CROSS JOIN summary r INDEXED BY summary_counter ON r.counter_delta IS NOT NULL AND r.gateway = i.gateway AND r.machine = i.machine AND r.signal = i.signal
    AND r.minute_ms > i.from_ms - ${widest}
    AND r.minute_ms < i.to_ms + ${widest}
    AND r.counter_from_ms < i.to_ms AND r.counter_to_ms > i.from_ms
  CROSS JOIN boot b ON b.gateway = r.gateway AND b.boot = r.reading_boot AND b.branch = i.branch${where}
  GROUP BY i.gateway, i.machine, i.signal, r.minute_ms, r.reading_boot, r.segment
)`;

/** From `fromMs` to `toMs` with no hole, and what the counter showed at either end. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
  readonly fromValue: number;
  readonly toValue: number;
}

/** Joins two spans that meet. Of several values said of one end the outer one stays, so that order does not matter. */
export function joined(a: Span, b: Span): Span {
  return {
    fromMs: Math.min(a.fromMs, b.fromMs),
    toMs: Math.max(a.toMs, b.toMs),
    fromValue: a.fromMs === b.fromMs ? Math.min(a.fromValue, b.fromValue) : (a.fromMs < b.fromMs ? a : b).fromValue,
    toValue: a.toMs === b.toMs ? Math.max(a.toValue, b.toValue) : (a.toMs > b.toMs ? a : b).toValue,
  };
}

/** The spans of any order as islands that neither overlap nor touch, by time. */
export function islandsOf(spans: readonly Span[]): Span[] {
  const islands: Span[] = [];
  for (const span of [...spans].sort((a, b) => a.fromMs - b.fromMs)) {
    const last = islands.at(-1);
    if (last !== undefined && span.fromMs <= last.toMs) islands[islands.length - 1] = joined(last, span);
    else islands.push(span);
  }
  return islands;
}

interface Series {
  readonly machine: string;
  readonly signal: string;
}

/** The counter part of a row of `summary`; null columns where it has none. */
type SpanRow = { readonly [key in keyof Span]: number | null };

/** A clock that was set back within a row leaves no span to hold against others. */
function spanOf(row: SpanRow | undefined): Span | null {
  if (row === undefined) return null;
  const { fromMs, toMs, fromValue, toValue } = row;
  if (fromMs === null || toMs === null || fromValue === null || toValue === null || fromMs > toMs) return null;
  return { fromMs, toMs, fromValue, toValue };
}

/** Whatever `old` added to an island, adding `now` gives the island it would have been without `old`. */
const outgrown = (old: Span, now: Span) =>
  (now.fromMs < old.fromMs || (now.fromMs === old.fromMs && now.fromValue === old.fromValue)) &&
  (now.toMs > old.toMs || (now.toMs === old.toMs && now.toValue === old.toValue));
const same = (a: Span, b: Span) =>
  a.fromMs === b.fromMs && a.toMs === b.toMs && a.fromValue === b.fromValue && a.toValue === b.toValue;

export interface SummaryKey extends Series {
  readonly minuteMs: number;
  readonly readingBoot: string;
  readonly segment: number;
}

export interface OverlapKeeper {
  /** Runs `write`, which stores a summary of this key, and brings the islands up to the row that stands then. */
  around(gateway: string, key: SummaryKey, write: () => void): void;
  /** Brings the islands up to branches that have changed. */
  follow(gateway: string, change: BranchChange): void;
}

/** A table of islands whose owner is a boot or a branch. */
function islandTable(db: Database.Database, table: 'counter_span' | 'counter_older', owner: 'boot' | 'branch') {
  const of = `gateway = ? AND machine = ? AND signal = ? AND ${owner} = ?`;
  const columns = 'from_ms AS fromMs, to_ms AS toMs, from_value AS fromValue, to_value AS toValue';
  type Key = [gateway: string, machine: string, signal: string, owner: string];
  const meeting = db.prepare<[...Key, number, number], Span>(
    `SELECT ${columns} FROM ${table} WHERE ${of} AND from_ms <= ? AND to_ms >= ?`,
  );
  const drop = db.prepare<[...Key, number]>(`DELETE FROM ${table} WHERE ${of} AND from_ms = ?`);
  const dropAll = db.prepare<Key>(`DELETE FROM ${table} WHERE ${of}`);
  const put = db.prepare<[...Key, number, number, number, number]>(
    `INSERT INTO ${table} (gateway, machine, signal, ${owner}, from_ms, to_ms, from_value, to_value)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const insert = (key: Key, span: Span) => put.run(...key, span.fromMs, span.toMs, span.fromValue, span.toValue);
  return {
    add(key: Key, span: Span): void {
      const met = meeting.all(...key, span.toMs, span.fromMs);
      const whole = met.reduce(joined, span);
      const [only] = met;
      if (met.length === 1 && only !== undefined && same(only, whole)) return;
      for (const island of met) drop.run(...key, island.fromMs);
      insert(key, whole);
    },
    replace(key: Key, islands: readonly Span[]): void {
      dropAll.run(...key);
      for (const island of islands) insert(key, island);
    },
  };
}

/** Prepares the statements on `db`; each call must run inside the caller's transaction. */
export function overlapKeeper(db: Database.Database): OverlapKeeper {
  const spans = islandTable(db, 'counter_span', 'boot');
  const olders = islandTable(db, 'counter_older', 'branch');
  const counter = `counter_from_ms AS fromMs, counter_to_ms AS toMs, counter_from AS fromValue, counter_to AS toValue`;
  const branches = db
    .prepare<[string, string], string>('SELECT branch FROM branch_older WHERE gateway = ? AND boot = ?')
    .pluck();
  const row = db.prepare<[string, string, string, number, string, number], SpanRow>(
    `SELECT ${counter} FROM summary
     WHERE gateway = ? AND machine = ? AND signal = ? AND minute_ms = ? AND reading_boot = ? AND segment = ?`,
  );
  const rowsOfBoot = db.prepare<[string, string, string, string], SpanRow>(
    `SELECT ${counter} FROM summary WHERE gateway = ? AND machine = ? AND signal = ? AND reading_boot = ?
       AND counter_delta IS NOT NULL AND counter_from_ms <= counter_to_ms`,
  );
  const seriesOf = db.prepare<[string], Series>(
    `SELECT DISTINCT machine, signal FROM summary WHERE gateway = ? AND counter_delta IS NOT NULL`,
  );
  const rowsOfBoots = db.prepare<[string, string, string, string], SpanRow & { readonly boot: string }>(
    `SELECT reading_boot AS boot, ${counter} FROM summary WHERE gateway = ? AND machine = ? AND signal = ?
       AND counter_delta IS NOT NULL AND counter_from_ms <= counter_to_ms AND reading_boot IN (SELECT value FROM json_each(?))`,
  );
  const forget = db.prepare<[string, string]>(
    'DELETE FROM counter_span WHERE gateway = ? AND boot IN (SELECT value FROM json_each(?))',
  );
  const clear = db.prepare<[string]>('DELETE FROM counter_older WHERE gateway = ?');
  /** All a branch must be held against, series after series: of the whole gateway, or of one series and branch. */
  const olderSpans = `SELECT s.machine, s.signal, o.branch, s.from_ms AS fromMs, s.to_ms AS toMs,
      s.from_value AS fromValue, s.to_value AS toValue
    FROM counter_span s JOIN branch_older o ON o.gateway = s.gateway AND o.boot = s.boot WHERE s.gateway = ?`;
  const allOlder = db.prepare<[string], Series & Span & { readonly branch: string }>(olderSpans);
  const olderOf = db.prepare<[string, string, string, string], Span>(
    `${olderSpans} AND s.machine = ? AND s.signal = ? AND o.branch = ?`,
  );
  const sound = (rows: readonly SpanRow[]) => rows.flatMap((one) => spanOf(one) ?? []);

  return {
    around(gateway, key, write) {
      const { machine, signal, readingBoot } = key;
      const before = branches.all(gateway, readingBoot);
      if (before.length === 0) {
        write();
        return;
      }
      const at = [gateway, machine, signal, key.minuteMs, readingBoot, key.segment] as const;
      const old = spanOf(row.get(...at));
      write();
      const now = spanOf(row.get(...at));
      if (old !== null && (now === null || !outgrown(old, now))) {
        // A rebuilt minute may end earlier than it did: what it no longer covers cannot be told from the islands.
        spans.replace(
          [gateway, machine, signal, readingBoot],
          islandsOf(sound(rowsOfBoot.all(gateway, machine, signal, readingBoot))),
        );
        for (const branch of before) {
          olders.replace([gateway, machine, signal, branch], islandsOf(olderOf.all(gateway, machine, signal, branch)));
        }
      } else if (now !== null && (old === null || !same(old, now))) {
        spans.add([gateway, machine, signal, readingBoot], now);
        for (const branch of before) olders.add([gateway, machine, signal, branch], now);
      }
    },
    follow(gateway, { entered, left, moved }) {
      if (left.length > 0) forget.run(gateway, JSON.stringify(left));
      if (entered.length > 0) {
        for (const { machine, signal } of seriesOf.all(gateway)) {
          const found = new Map<string, Span[]>();
          for (const one of rowsOfBoots.all(gateway, machine, signal, JSON.stringify(entered))) {
            const span = spanOf(one);
            if (span === null) continue;
            const list = found.get(one.boot);
            if (list === undefined) found.set(one.boot, [span]);
            else list.push(span);
          }
          for (const [boot, list] of found) spans.replace([gateway, machine, signal, boot], islandsOf(list));
        }
      }
      if (!moved) return;
      clear.run(gateway);
      for (const { machine, signal, branch, ...span } of allOlder.all(gateway)) {
        olders.add([gateway, machine, signal, branch], span);
      }
    },
  };
}
