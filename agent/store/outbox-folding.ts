/**
 * Minutes that wait for the bridge, folded into hours: the last thing that is done for room before events and alerts would go. Used by
 * the writer thread, in pieces of some tens of ms: batches are unpacked piece by piece, then one transaction takes them out and
 * puts into the outbox what they held, their minutes as hours.
 *
 * Invariants (test/unit/store/outbox-folding.test.ts):
 *  U1  Only batches that were never given out are folded: the bridge cannot have any of their records.
 *  U2  Sums stay the same: the minutes of a folded span that the bridge gets add up to what they were.
 *  U3  Events, machines and minutes of later hours stay as they are, with their identity. An hour has the identity of its first minute.
 *  U4  Nothing is folded twice.
 */
import { zstdDecompressSync } from 'node:zlib';
import type { Database, Statement } from 'better-sqlite3';
import type { Lane, StateSummaryRecord, SummaryRecord, WireRecord } from '../../cloud-bridge/contract.ts';
import { StoreError } from './errors.ts';
import { foldHours, hourMs, minuteMs, startOf } from './hours.ts';
import type { Folded } from './minutes.ts';
import type { SignalRow, StateRow } from './packing.ts';
import { signalRowOf, stateRowOf, stateSummaryOf, summaryOf } from './rows.ts';

/** Records of a minute come this late at most, with the time until they are sealed. */
const lateMs = 300_000;
/** So many are held in memory; of a larger gateway shorter spans are folded. */
const maxRecords = 60_000;
const minSpanMs = 300_000;
const pieceMs = 25;
const maxUnpackedBytes = 1024 * 1024;

type Minute = SummaryRecord | StateSummaryRecord;
interface Held<T extends WireRecord = WireRecord> {
  readonly boot: string;
  readonly record: T;
}
interface Folding {
  readonly beforeMs: number;
  readonly batches: readonly { readonly id: number; readonly boot: string; readonly wireBytes: number }[];
  /** Batches unpacked so far. */
  read: number;
  /** Minutes to be folded, by machine. */
  readonly minutes: Map<string, Held<Minute>[]>;
  /** What goes back into the outbox. */
  readonly out: Held[];
  readonly count: { read: number; folded: number; hours: number };
  readonly span: { fromMs: number; toMs: number };
}

export class OutboxFolding {
  readonly #sql: ReturnType<typeof prepareAll>;
  readonly #builtMs: number;
  readonly #monotonicMs: () => number;
  #folding: Folding | null = null;

  constructor(db: Database, builtMs: number, monotonicMs: () => number) {
    this.#sql = prepareAll(db);
    this.#builtMs = builtMs;
    this.#monotonicMs = monotonicMs;
  }

  /** To be called when a piece of work was rolled back. */
  forget(): void {
    this.#folding = null;
  }

  /** Time of the oldest batch that can be folded; null when there is none. */
  oldestMs(): number | null {
    return (this.#sql.oldest.get(this.#fromMs()) as number | undefined) ?? null;
  }

  /** One piece of work inside the transaction of its caller. What it did, once a span is done; null: there is nothing to do. */
  fold(): Folded | 'working' | null {
    const stopMs = this.#monotonicMs() + pieceMs;
    this.#folding ??= this.#nextSpan();
    const folding = this.#folding;
    if (folding === null) return null;
    while (this.#monotonicMs() < stopMs) {
      const batch = folding.batches[folding.read];
      const [machine] = folding.minutes.keys();
      if (batch !== undefined) {
        folding.read++;
        const bytes = this.#sql.unsent.get(batch.id);
        // The uplink is back and has it: this span is planned anew.
        if (!(bytes instanceof Buffer)) return this.#giveUp();
        for (const record of recordsOf(bytes)) sort(folding, { boot: batch.boot, record });
      } else if (machine !== undefined) {
        foldMachine(folding, folding.minutes.get(machine) ?? []);
        folding.minutes.delete(machine);
      } else return this.#finish(folding);
    }
    return 'working';
  }

  #giveUp(): 'working' {
    this.#folding = null;
    return 'working';
  }

  #fromMs(): number {
    return Math.max(this.#builtMs, Number(this.#sql.foldedTo.get() ?? 0));
  }

  #nextSpan(): Folding | null {
    const oldestMs = this.oldestMs();
    if (oldestMs === null) return null;
    const endMs = startOf(oldestMs, hourMs) + hourMs;
    let beforeMs = endMs;
    const span = () => ({ fromMs: this.#fromMs(), beforeMs: beforeMs + lateMs });
    while (Number(this.#sql.records.get(span())) > maxRecords && beforeMs - oldestMs > 2 * minSpanMs) {
      beforeMs = oldestMs + Math.floor((beforeMs - oldestMs) / 2);
    }
    return {
      beforeMs,
      batches: this.#sql.batches.all(span()) as Folding['batches'],
      read: 0,
      minutes: new Map(),
      out: [],
      count: { read: 0, folded: 0, hours: 0 },
      span: { fromMs: Infinity, toMs: 0 },
    };
  }

  #finish({ beforeMs, batches, out, count, span }: Folding): Folded | 'working' {
    this.#folding = null;
    for (const { id } of batches) if (this.#sql.remove.run(id).changes === 0) throw given();
    this.#sql.noteFolded.run(beforeMs);
    for (const { boot, record } of out) this.#queue(boot, record, beforeMs);
    if (count.folded === 0) return 'working';
    const wireBytes = batches.reduce((sum, batch) => sum + batch.wireBytes, 0);
    const bytes = Math.round((wireBytes * (count.folded - count.hours)) / count.read);
    return { records: count.folded, fromMs: span.fromMs, toMs: span.toMs + minuteMs, bytes };
  }

  /** What belongs to later spans goes by a lane of its own, so that it is sealed apart from what is folded already (U4). */
  #queue(boot: string, record: WireRecord, beforeMs: number): void {
    const lane: Lane = (isMinute(record) ? record.minuteMs : record.atMs) < beforeMs ? 'backlog' : 'live';
    const committedMs = lane === 'live' ? Math.max(record.atMs, beforeMs) : Math.min(record.atMs, beforeMs - 1);
    const body = JSON.stringify(record);
    this.#sql.queue.run({ boot, n: record.n, lane, kind: record.kind, committedMs, body });
  }
}

const isMinute = (record: WireRecord): record is Minute => record.kind === 'summary' || record.kind === 'state-summary';
const keyOf = ({ record }: Held<Minute>): string =>
  `${record.minuteMs}~${record.kind === 'summary' ? record.signal : ''}~${record.readingBoot}~${record.segment}`;

function sort({ beforeMs, minutes, out, count }: Folding, held: Held): void {
  const { boot, record } = held;
  count.read++;
  if (!isMinute(record) || record.minuteMs >= beforeMs) {
    out.push(held);
    return;
  }
  const known = minutes.get(record.machine);
  if (known === undefined) minutes.set(record.machine, [{ boot, record }]);
  else known.push({ boot, record });
}

function foldMachine({ out, count, span }: Folding, held: readonly Held<Minute>[]): void {
  const signals: SignalRow[] = [];
  const states: StateRow[] = [];
  const whole = new Set(held.filter(({ record }) => record.revision === 1).map(keyOf));
  for (const one of held) {
    const { boot, record } = one;
    // A minute whose first revision is elsewhere may be at the bridge already: in an hour it would count twice.
    if (!whole.has(keyOf(one))) {
      out.push(one);
      continue;
    }
    if (record.kind === 'summary') signals.push(signalRowOf(boot, record));
    else states.push(stateRowOf(boot, record));
    count.folded++;
    span.fromMs = Math.min(span.fromMs, record.minuteMs);
    span.toMs = Math.max(span.toMs, record.minuteMs);
  }
  const hours = foldHours({ signals, states });
  for (const { boot, ...row } of hours.signals) out.push({ boot, record: summaryOf(row) });
  for (const { boot, ...row } of hours.states) out.push({ boot, record: stateSummaryOf(row) });
  count.hours += hours.signals.length + hours.states.length;
}

/** Between two pieces of work the uplink took a batch; the transaction is undone. */
const given = () => new StoreError('storeBusy', 'a batch was given out while it was folded');

/** Our own bytes, sealed here: nothing in them has to be doubted but that they are whole. */
function recordsOf(bytes: Buffer): WireRecord[] {
  const json = zstdDecompressSync(bytes, { maxOutputLength: maxUnpackedBytes }).toString();
  return (JSON.parse(json) as { records: WireRecord[] }).records;
}

const foldable = `FROM batch WHERE state = 'pending' AND last_sent_ms IS NULL AND lane IN ('live', 'backlog')`;

function prepareAll(db: Database) {
  const one = (sql: string): Statement => db.prepare(sql);
  const within = `${foldable} AND oldest_ms >= $fromMs AND oldest_ms < $beforeMs`;
  return {
    oldest: db.prepare(`SELECT oldest_ms ${foldable} AND oldest_ms >= ? ORDER BY oldest_ms LIMIT 1`).pluck(),
    records: db.prepare(`SELECT total(records) ${within}`).pluck(),
    batches: one(`SELECT id, boot, wire_bytes AS wireBytes ${within} ORDER BY oldest_ms, id`),
    unsent: db.prepare(`SELECT bytes ${foldable} AND id = ?`).pluck(),
    remove: one(`DELETE ${foldable} AND id = ?`),
    foldedTo: db.prepare("SELECT value FROM total WHERE name = 'folded_to_ms'").pluck(),
    noteFolded: one(`INSERT INTO total (name, value) VALUES ('folded_to_ms', ?)
      ON CONFLICT DO UPDATE SET value = max(value, excluded.value)`),
    queue: one(`INSERT INTO outbox (boot, n, lane, kind, committed_ms, body)
      VALUES ($boot, $n, $lane, $kind, $committedMs, $body)`),
  };
}
