/**
 * The journal database: synchronous calls, used by the writer thread alone. Every call that changes something runs inside the
 * transaction of its caller (`transaction`), so that a group of calls becomes durable with one fsync.
 *
 * Invariants (test/unit/store/journal.test.ts):
 *  J1  A record and its outbox row appear together or not at all.
 *  J2  A record identity (boot, n) of an event or alert is stored once; of a summary key the highest (revision, boot, n) stands.
 *  J3  Sealing moves records from the outbox into exactly one batch, in order, of one boot, within the limits of the contract.
 *  J4  Sealed bytes never change; an ack with another hash changes nothing.
 *  J5  A boot names as the one before it the last that has told anything, so that the chain of boots at the bridge has no hole: of one
 *      that was killed before its first record nobody has heard. (The uplink begins when that record is stored, `agent/main.ts`.)
 *  J6  Two processes that were started from copies of one journal never give one number to two batches: each start goes on with numbers
 *      of its own for what earlier boots have left unsealed.
 */
import BetterSqlite, { type Database, type Statement } from 'better-sqlite3';
import type { AlertRecord, StateSummaryRecord, SummaryRecord, WireRecord } from '../../cloud-bridge/contract.ts';
import { JournalDating } from './dating.ts';
import { AuditLog } from './audit.ts';
import { CommandLedger } from './commands.ts';
import { boundPageCache } from './connections.ts';
import { StoreError } from './errors.ts';
import { Gaps } from './gaps.ts';
import { standing } from './hours.ts';
import { Minutes } from './minutes.ts';
import { PackedReader } from './packed-reader.ts';
import type { PackedRows, SignalRow, StateRow } from './packing.ts';
import { stateSummaryColumns, stateSummaryOf, summaryColumns, summaryOf } from './rows.ts';
import { EvidenceTable } from './evidence.ts';
import { addRowSum } from './row-sums.ts';
import { journalMigrations, migrate } from './schema.ts';
import type { JournalEntry, OpenSpan } from './store.ts';
import { Undated } from './undated.ts';

export interface JournalOptions {
  readonly nowMs: number;
  /** Hard limit of the file in bytes; beyond it commits are rejected as on a full disk. */
  readonly maxBytes?: number;
  /** false: no uplink is configured, nothing is queued for one. */
  readonly outbox: boolean;
  /** UTC ms before which no clock that shows the time can be. Default 0. */
  readonly builtMs?: number;
}
export interface JournalEntryAt extends JournalEntry {
  readonly committedMs: number;
}

/** The last end point of a counter, on the clock of the boot and segment it was read in. */
export interface LastCounter {
  readonly machine: string;
  readonly signal: string;
  readonly value: number;
  readonly atMs: number;
  readonly boot: string;
  readonly segment: number;
}

/** Of 32 random bits 30 are the numbers skipped at a start: eight million starts until they are no longer exact in JSON. */
const skippedNumbersShift = 2;

/** A record as JSON may be this long; an alert with all its evidence is far below. */
const maxRecordBytes = 48 * 1024;

/** Opens or creates the database at `path` and migrates it. Throws SqliteError or StoreError. */
export function openJournal(path: string, options: JournalOptions): Journal {
  const db = new BetterSqlite(path, { timeout: 2_000 });
  try {
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
    db.pragma('journal_size_limit = 16777216');
    boundPageCache(db);
    if (options.maxBytes !== undefined) {
      const pageBytes = Number(db.pragma('page_size', { simple: true }));
      db.pragma(`max_page_count = ${Math.floor(options.maxBytes / pageBytes)}`);
    }
    addRowSum(db);
    migrate(db, journalMigrations, options.nowMs);
    return new Journal(db, options.outbox, options.builtMs ?? 0);
  } catch (error) {
    db.close();
    throw error;
  }
}

export class Journal {
  readonly db: Database;
  readonly dating: JournalDating;
  readonly audit: AuditLog;
  readonly commands: CommandLedger;
  readonly minutes: Minutes;
  readonly undated: Undated;
  readonly gaps: Gaps;
  readonly #packed: PackedReader;
  readonly evidence: EvidenceTable;
  readonly #outbox: boolean;
  readonly #sql: ReturnType<typeof prepareAll>;

  constructor(db: Database, outbox: boolean, builtMs: number) {
    this.db = db;
    this.dating = new JournalDating(db, builtMs);
    this.#outbox = outbox;
    this.#sql = prepareAll(db);
    this.audit = new AuditLog(db);
    this.commands = new CommandLedger(db);
    this.minutes = new Minutes(db, builtMs, () => performance.now());
    this.undated = new Undated(db, builtMs);
    this.gaps = new Gaps(db);
    this.#packed = new PackedReader(db);
    this.evidence = new EvidenceTable(db);
  }

  /** Runs `work` in one transaction: all of it is durable when this returns, or nothing is when it throws. */
  transaction<T>(work: () => T): T {
    return this.db.transaction(work).immediate();
  }

  /** On a full disk the write-ahead log is folded in early, so that the reserve is there for records and not for it. */
  saveRoom(save: boolean): void {
    this.db.pragma(`wal_autocheckpoint = ${save ? 64 : 1_000}`);
  }

  /** Bytes of the file's pages that hold something. */
  usedBytes(): number {
    return (this.#figure('page_count') - this.#figure('freelist_count')) * this.#figure('page_size');
  }
  /** Bytes of the file without its write-ahead log. */
  fileBytes(): number {
    return this.#figure('page_count') * this.#figure('page_size');
  }
  #figure(pragma: string): number {
    return Number(this.db.pragma(pragma, { simple: true }));
  }

  /** Stores the row of this process start and gives the boot before it. `boot` is 64 random bits in hex. */
  beginBoot(boot: string, nowMs: number): { previousBoot: string | null } {
    const before = this.#sql.lastBoot.get();
    const previousBoot = typeof before === 'string' ? before : null;
    this.#sql.skipNumbers.run(1 + (Number.parseInt(boot.slice(0, 8), 16) >>> skippedNumbersShift));
    this.#sql.insertBoot.run({ boot, previousBoot, nowMs });
    return { previousBoot };
  }

  /**
   * Stores records of `boot`, which keep the wire contract, and queues them for the uplink.
   * @throws StoreError `recordInvalid` when one is longer than any can be.
   */
  insert(boot: string, entries: readonly JournalEntryAt[]): void {
    for (const { record, lane, committedMs } of entries) {
      const body = JSON.stringify(record);
      if (body.length > maxRecordBytes) throw invalid(record, `is ${body.length} bytes long`);
      this.#insertRecord(boot, record, body);
      if (this.#outbox) {
        this.#sql.insertOutbox.run({ boot, n: record.n, lane, kind: record.kind, committedMs, body });
      }
    }
  }

  #insertRecord(boot: string, record: WireRecord, body: string): void {
    switch (record.kind) {
      case 'machine':
        this.#sql.upsertMachine.run({ boot, n: record.n, machine: record.machine, atMs: record.atMs, body });
        return;
      case 'event':
        this.#sql.insertEvent.run({ boot, ...record, body });
        this.gaps.told(record);
        this.evidence.note(boot, record, this.#outbox);
        return;
      case 'alert':
        this.#insertAlert(boot, record, body);
        return;
      case 'summary':
        this.#insertSummary(boot, record);
        return;
      case 'state-summary':
        this.minutes.noteRow(record.minuteMs);
        this.#sql.upsertStateSummary.run({
          boot,
          ...record,
          seconds: JSON.stringify(record.seconds),
          causes: JSON.stringify(record.causes),
        });
        return;
    }
  }

  #insertAlert(boot: string, record: AlertRecord, body: string): void {
    const { lastInsertRowid: lastAlert } = this.#sql.insertAlert.run({ boot, ...record, body });
    this.#sql.upsertOccurrence.run({ ...record, isOpen: isOpen(record) ? 1 : 0, lastAlert });
  }

  #insertSummary(boot: string, record: SummaryRecord): void {
    const { counter } = record;
    this.minutes.noteRow(record.minuteMs);
    this.#sql.upsertSummary.run({
      boot,
      ...record,
      delta: counter?.delta ?? null,
      uncertainty: counter?.uncertainty ?? null,
      from: counter?.from ?? null,
      to: counter?.to ?? null,
      fromMs: counter?.fromMs ?? null,
      toMs: counter?.toMs ?? null,
      wraps: counter?.wraps ?? null,
      resets: counter?.resets ?? null,
    });
    const { last } = record;
    // A counter that was read once has no step yet. A boot killed then has told its value all the same: the next one goes on from there,
    // or what was counted in between would be nobody's. When in the minute it was read is not told; its start bounds the most.
    const end =
      counter !== null
        ? { value: counter.to, atMs: counter.toMs }
        : record.good === 1 && last !== null
          ? { value: last, atMs: record.minuteMs }
          : null;
    if (end === null) return;
    this.#sql.upsertCounter.run({
      machine: record.machine,
      signal: record.signal,
      ...end,
      readingBoot: record.readingBoot,
      segment: record.segment,
    });
  }

  /** Newest record of every occurrence that is not closed, in the order they were raised. */
  openSpans(): OpenSpan[] {
    const newest = this.#sql.newestSpans.all() as (OpenSpan & { readonly phase: string })[];
    return newest.flatMap(({ phase, machine, event, fromMs }) =>
      phase === 'opened' ? [{ machine, event, fromMs }] : [],
    );
  }
  openOccurrences(): AlertRecord[] {
    return this.#sql.openOccurrences.all().map((body) => JSON.parse(String(body)) as AlertRecord);
  }
  /** Those of incidents among the newest steps. */
  justClosed(): AlertRecord[] {
    return this.#sql.newestClosed
      .all()
      .map((body) => JSON.parse(String(body)) as AlertRecord)
      .filter(({ evidence }) => evidence['incident'] !== undefined);
  }
  lastCounters(): LastCounter[] {
    return this.#sql.lastCounters.all() as LastCounter[];
  }
  /** Summaries of the minutes from `fromMs` to `toMs`, both included: the highest revision of each key. */
  summariesBetween(fromMs: number, toMs: number): SummaryRecord[] {
    const rows = this.#sql.summariesBetween.all({ fromMs, toMs }) as SignalRow[];
    const packed = this.#packedMinutes(fromMs, toMs).flatMap(({ signals }) => signals);
    return standing([...packed, ...rows]).map((row) => summaryOf(row));
  }
  stateSummariesBetween(fromMs: number, toMs: number): StateSummaryRecord[] {
    const rows = this.#sql.stateSummariesBetween.all({ fromMs, toMs }) as StateRow[];
    const packed = this.#packedMinutes(fromMs, toMs).flatMap(({ states }) => states);
    return standing([...packed, ...rows]).map((row) => stateSummaryOf(row));
  }

  /** A store that has long had nothing new may have packed its last minutes. */
  #packedMinutes(fromMs: number, toMs: number): PackedRows[] {
    const found: PackedRows[] = [];
    for (let atMs = fromMs; ;) {
      const minuteMs = this.#packed.nextMinute(atMs, toMs + 1, null);
      if (minuteMs === null) return found;
      found.push(this.#packed.minute(minuteMs, null));
      atMs = minuteMs + 1;
    }
  }

  /** Deletes rows of batches acked before, of which nothing but the row is left. Returns how many. */
  pruneBatches(ackedMs: number, limit: number): number {
    return this.#sql.pruneBatch.run(limit, ackedMs).changes;
  }

  close(): void {
    this.db.pragma('wal_checkpoint(TRUNCATE)');
    this.db.close();
  }
}

/** An occurrence is over once its alert is normal again or was closed. */
export function isOpen(record: AlertRecord): boolean {
  return record.state !== 'normal' && record.transition !== 'closed';
}

function invalid(record: WireRecord, why: string): StoreError {
  return new StoreError('recordInvalid', `record ${record.n} (${record.kind} of ${record.machine}): ${why}`);
}

const newerWins = (table: string) =>
  `WHERE (excluded.revision, excluded.boot, excluded.n) > (${table}.revision, ${table}.boot, ${table}.n)`;

/** Boots of which a batch was sealed or a record stored. */
const hasTold = '(next_seq > 1 OR EXISTS (SELECT 1 FROM event WHERE event.boot = boot.boot))';

function prepareAll(db: Database) {
  const one = (sql: string): Statement => db.prepare(sql);
  return {
    lastBoot: db.prepare(`SELECT boot FROM boot WHERE ${hasTold} ORDER BY id DESC LIMIT 1`).pluck(),
    skipNumbers: db.prepare(`UPDATE boot SET next_seq = next_seq + ? WHERE ${hasTold}`),
    insertBoot: one(`INSERT INTO boot (boot, previous_boot, started_ms, crc)
      VALUES ($boot, $previousBoot, $nowMs, row_sum($boot, $previousBoot, $nowMs))`),
    upsertMachine: one(`INSERT INTO machine (machine, boot, n, at_ms, body, crc)
      VALUES ($machine, $boot, $n, $atMs, $body, row_sum($machine, $boot, $n, $atMs, $body))
      ON CONFLICT (machine) DO UPDATE SET boot = $boot, n = $n, at_ms = $atMs, body = $body, crc = excluded.crc`),
    insertEvent: one(`INSERT INTO event (boot, n, machine, at_ms, event, phase, from_ms, body, crc)
      VALUES ($boot, $n, $machine, $atMs, $event, $phase, $fromMs, $body,
        row_sum($boot, $n, $machine, $atMs, $event, $phase, $fromMs, $body))`),
    insertAlert:
      one(`INSERT INTO alert (boot, n, machine, at_ms, occurrence, type, rule, signal, priority, transition, state,
        onset_ms, raised_ms, cleared_ms, cause, body, crc)
      VALUES ($boot, $n, $machine, $atMs, $occurrence, $type, $rule, $signal, $priority, $transition, $state,
        $onsetMs, $raisedMs, $clearedMs, $cause, $body, row_sum($boot, $n, $machine, $atMs, $occurrence, $type, $rule,
        $signal, $priority, $transition, $state, $onsetMs, $raisedMs, $clearedMs, $cause, $body))`),
    upsertOccurrence:
      one(`INSERT INTO occurrence (occurrence, machine, type, priority, state, onset_ms, raised_ms, cleared_ms,
        is_open, last_alert, crc)
      VALUES ($occurrence, $machine, $type, $priority, $state, $onsetMs, $raisedMs, $clearedMs, $isOpen, $lastAlert,
        row_sum($occurrence, $machine, $type, $priority, $state, $onsetMs, $raisedMs, $clearedMs, $isOpen, $lastAlert))
      ON CONFLICT (occurrence) DO UPDATE SET priority = $priority, state = $state, onset_ms = $onsetMs, raised_ms = $raisedMs,
        cleared_ms = $clearedMs, is_open = $isOpen, last_alert = $lastAlert,
        crc = row_sum($occurrence, machine, type, $priority, $state, $onsetMs, $raisedMs, $clearedMs, $isOpen, $lastAlert)`),
    upsertSummary:
      one(`INSERT INTO summary (minute_ms, machine, signal, reading_boot, segment, revision, boot, n, at_ms,
        samples, good, sum, integral, covered_s, min, max, first, last, counter_delta, counter_uncertainty, counter_from,
        counter_to, counter_from_ms, counter_to_ms, counter_wraps, counter_resets, crc)
      VALUES ($minuteMs, $machine, $signal, $readingBoot, $segment, $revision, $boot, $n, $atMs,
        $samples, $good, $sum, $integral, $coveredS, $min, $max, $first, $last, $delta, $uncertainty, $from,
        $to, $fromMs, $toMs, $wraps, $resets,
        row_sum($minuteMs, $machine, $signal, $readingBoot, $segment, $revision, $boot, $n, $atMs,
          $samples, $good, $sum, $integral, $coveredS, $min, $max, $first, $last, $delta, $uncertainty, $from,
          $to, $fromMs, $toMs, $wraps, $resets))
      ON CONFLICT DO UPDATE SET revision = $revision, boot = $boot, n = $n, at_ms = $atMs, samples = $samples, good = $good,
        sum = $sum, integral = $integral, covered_s = $coveredS, min = $min, max = $max, first = $first, last = $last,
        counter_delta = $delta, counter_uncertainty = $uncertainty, counter_from = $from, counter_to = $to,
        counter_from_ms = $fromMs, counter_to_ms = $toMs, counter_wraps = $wraps, counter_resets = $resets,
        crc = excluded.crc
      ${newerWins('summary')}`),
    upsertStateSummary:
      one(`INSERT INTO state_summary (minute_ms, machine, reading_boot, segment, revision, boot, n, at_ms,
        seconds, causes, crc)
      VALUES ($minuteMs, $machine, $readingBoot, $segment, $revision, $boot, $n, $atMs, $seconds, $causes,
        row_sum($minuteMs, $machine, $readingBoot, $segment, $revision, $boot, $n, $atMs, $seconds, $causes))
      ON CONFLICT DO UPDATE SET revision = $revision, boot = $boot, n = $n, at_ms = $atMs, seconds = $seconds, causes = $causes,
        crc = excluded.crc
      ${newerWins('state_summary')}`),
    // A later boot or clock segment wins whatever its clock says; within one, the later end point.
    upsertCounter: one(`INSERT INTO counter_last (machine, signal, value, at_ms, reading_boot, segment, crc)
      VALUES ($machine, $signal, $value, $atMs, $readingBoot, $segment,
        row_sum($machine, $signal, $value, $atMs, $readingBoot, $segment))
      ON CONFLICT DO UPDATE SET value = $value, at_ms = $atMs, reading_boot = $readingBoot, segment = $segment,
        crc = excluded.crc
      WHERE (coalesce((SELECT id FROM boot WHERE boot = $readingBoot), 0), $segment, $atMs) >=
        (coalesce((SELECT id FROM boot WHERE boot = counter_last.reading_boot), 0), counter_last.segment, counter_last.at_ms)`),
    insertOutbox: one(`INSERT INTO outbox (boot, n, lane, kind, committed_ms, body, crc)
      VALUES ($boot, $n, $lane, $kind, $committedMs, $body, row_sum($boot, $n, $lane, $kind, $committedMs, $body))`),
    // Of the other columns SQLite takes those of the row with the highest id.
    newestSpans: one(`SELECT machine, event, from_ms AS fromMs, phase, max(id) FROM event WHERE phase <> 'instant'
      GROUP BY machine, event`),
    openOccurrences: db
      .prepare(
        `SELECT alert.body FROM occurrence JOIN alert ON alert.id = occurrence.last_alert
         WHERE is_open = 1 ORDER BY occurrence.raised_ms, alert.id`,
      )
      .pluck(),
    // By number, as no clock is known to go right at a start. An hour of alerts is far fewer.
    newestClosed: db
      .prepare(
        `SELECT body FROM alert WHERE id > (SELECT coalesce(max(id), 0) FROM alert) - 2000 AND transition = 'closed' ORDER BY id`,
      )
      .pluck(),
    lastCounters: one(
      'SELECT machine, signal, value, at_ms AS atMs, reading_boot AS boot, segment FROM counter_last ORDER BY machine, signal',
    ),
    summariesBetween: one(`SELECT boot, ${summaryColumns} FROM summary WHERE minute_ms BETWEEN $fromMs AND $toMs
      ORDER BY minute_ms, machine, signal`),
    stateSummariesBetween:
      one(`SELECT boot, ${stateSummaryColumns} FROM state_summary WHERE minute_ms BETWEEN $fromMs AND $toMs
      ORDER BY minute_ms, machine`),
    // Only the oldest rows are looked at: a condition on acked_ms alone would read the whole table each time.
    pruneBatch: one(
      `DELETE FROM batch WHERE id IN (SELECT id FROM batch ORDER BY id LIMIT ?) AND state = 'acked' AND acked_ms < ?`,
    ),
  };
}
