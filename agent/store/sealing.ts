/**
 * The outbox side of the journal: records wait in `outbox` until they are sealed into an immutable batch, which waits until it is
 * acked. Used by the writer thread inside its transactions. J3 and J4 of `journal.ts` are kept here.
 */
import { hash } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import type { Database, Statement } from 'better-sqlite3';
import type { Lane } from '../../cloud-bridge/contract.ts';
import { rowSum } from './row-sums.ts';
import type {
  BatchKey,
  BatchLimits,
  BatchRow,
  OutboxCounts,
  SealContext,
  SealedBatch,
  Settlement,
  TakeRequest,
} from './outbox.ts';

/** Beyond so many dead letters the oldest lose their bytes, counted in `dead_dropped`. */
export const maxDeadLetters = 1_000;
/** Sealed at once without waiting for company. */
const fullBatchRecords = 500;
const maxBatchRecords = 2_000;
/** Minutes of so few signals cost less than the batch, the signature and the answer around them: they wait for the next minute. */
const fewSummaries = 64;
/** Minutes committed so far apart are not of one minute. */
const nextMinuteMs = 30_000;
/** Room for the fields around the records. */
const envelopeBytes = 1_024;

interface Waiting {
  readonly id: number;
  readonly boot: string;
  readonly n: number;
  readonly kind: string;
  readonly committedMs: number;
  readonly body: string;
}
interface BatchBytesRow extends Omit<SealedBatch, 'bytes'> {
  readonly bytes: Buffer;
}
/** Which waiting records a lane may take, by the time they were committed. */
interface Span {
  readonly lane: Lane;
  readonly fromMs: number;
  readonly beforeMs: number;
}

export class Outbox {
  readonly #sql: ReturnType<typeof prepareAll>;
  readonly #builtMs: number;
  readonly #limits: BatchLimits;

  /** @param builtMs what was committed before this was committed without the time */
  constructor(db: Database, limits: BatchLimits, builtMs = 0) {
    this.#sql = prepareAll(db);
    this.#builtMs = builtMs;
    this.#limits = limits;
  }

  /** Pending batches of a lane, oldest first, sealing waiting records where fewer than `limit` are there. */
  take(request: TakeRequest): SealedBatch[] {
    const excluded = new Set(request.exclude.map(nameOf));
    const found: SealedBatch[] = [];
    // The excluded ones are few (the window) and the oldest, so a small surplus always reaches past them.
    const rows = this.#sql.pending.all(request.lane, request.limit + excluded.size) as BatchBytesRow[];
    for (const row of rows) {
      if (found.length < request.limit && !excluded.has(nameOf(row))) found.push(row);
    }
    while (found.length < request.limit) {
      const batch = this.#sealNext(request);
      if (batch === null) break;
      found.push(batch);
    }
    for (const { boot, seq } of found) this.#sql.noteGiven.run({ boot, seq, atMs: request.seal.nowMs });
    return found;
  }

  /** Seals everything that has become backlog. Returns the number of batches made. */
  sealBacklog(request: Omit<TakeRequest, 'lane' | 'exclude' | 'limit'>): number {
    let made = 0;
    while (this.#sealNext({ ...request, lane: 'backlog', exclude: [], limit: 1 }) !== null) made++;
    return made;
  }

  /** One batch per boot with the newest record of every open occurrence; they keep their identity, so a bridge knows repeats. */
  sealSnapshot(seal: SealContext): SealedBatch[] {
    const rows = this.#sql.openAlerts.all(maxBatchRecords) as Waiting[];
    const alike = Map.groupBy(rows, (row) => `${row.boot} ${row.committedMs < this.#builtMs}`);
    return [...alike.values()].flatMap((some) => this.#seal('alerts', some, seal)?.batch ?? []);
  }

  /** False when it changed nothing. */
  settle({ boot, seq, sha256, result, code, atMs }: Settlement): boolean {
    switch (result) {
      case 'stored':
      case 'repeat':
        if (this.#sql.release.run({ boot, seq, sha256, result, atMs }).changes === 0) return false;
        this.#count('acked', 1);
        return true;
      case 'refused':
        if (this.#sql.bury.run({ boot, seq, sha256, code }).changes === 0) return false;
        this.#count('dead_dropped', this.#sql.dropOldestDead.run(maxDeadLetters).changes);
        return true;
      case 'later':
        return this.#sql.postpone.run({ boot, seq, sha256, code }).changes > 0;
    }
  }

  noteSent(batches: readonly BatchKey[], atMs: number): void {
    for (const { boot, seq } of batches) {
      const sends = this.#sql.noteSent.get({ boot, seq, atMs });
      if (typeof sends === 'number' && sends > 1) this.#count('redelivered', 1);
    }
  }

  counts(): OutboxCounts {
    const unsealed = this.#sql.countUnsealed.get() as { alerts: number; other: number; oldestMs: number | null };
    const pending = this.#sql.countPending.get() as { batches: number; records: number; oldestMs: number | null };
    const totals = new Map(this.#sql.totals.all() as [string, number][]);
    const oldest = [unsealed.oldestMs, pending.oldestMs].filter((ms) => ms !== null);
    return {
      records: unsealed.alerts + unsealed.other + pending.records,
      batches: pending.batches,
      unsealed: { alerts: unsealed.alerts, other: unsealed.other },
      oldestMs: oldest.length === 0 ? null : Math.min(...oldest),
      dead: Number(this.#sql.countDead.get()),
      files: Number(this.#sql.countFiles.get()),
      sealed: totals.get('sealed') ?? 0,
      acked: totals.get('acked') ?? 0,
      redelivered: totals.get('redelivered') ?? 0,
      deadDropped: totals.get('dead_dropped') ?? 0,
    };
  }

  /** Unacked batches and dead letters, oldest first. */
  list(limit: number): BatchRow[] {
    return this.#sql.list.all(limit) as BatchRow[];
  }

  /** Puts dead letters that still have their bytes back in line. Returns how many. */
  retryDead(): number {
    return this.#sql.retryDead.run().changes;
  }

  /** Puts refused evidence files back in line. Returns how many. */
  retryFiles(): number {
    return this.#sql.retryFiles.run().changes;
  }

  #sealNext(request: TakeRequest): SealedBatch | null {
    const rows = this.#waiting(spansOf(request, this.#builtMs));
    if (rows.length === 0 || lingers(rows, request)) return null;
    const sealed = this.#seal(request.lane, rows, request.seal);
    if (sealed === null) return null;
    for (const { id } of sealed.rows) this.#sql.deleteWaiting.run(id);
    // A record too large for any batch becomes a dead letter at once; the next call goes on behind it.
    return sealed.batch ?? this.#sealNext(request);
  }

  #waiting(spans: readonly Span[]): Waiting[] {
    for (const span of spans) {
      // A batch has one boot: that of the oldest record.
      const boot = this.#sql.oldestBoot.get(span);
      if (typeof boot === 'string')
        return this.#sql.waiting.all({ ...span, boot, limit: maxBatchRecords }) as Waiting[];
    }
    return [];
  }

  /** Seals as many of `rows` as fit. `batch` is null when a single record is too large and was buried. */
  #seal(
    lane: Lane,
    rows: readonly Waiting[],
    asked: SealContext,
  ): { rows: readonly Waiting[]; batch: SealedBatch | null } | null {
    const [first] = rows;
    if (first === undefined) return null;
    const { boot } = first;
    // What nobody could date says so, however well the clock goes since.
    const seal = first.committedMs < this.#builtMs ? { ...asked, clock: 'unsynced' as const } : asked;
    const previousBoot = (this.#sql.previousBoot.get(boot) ?? null) as string | null;
    const seq = Number(this.#sql.nextSeq.get(boot));
    let taken = rows.slice(0, fitting(rows, this.#limits));
    let bytes = pack({ lane, boot, previousBoot, seq, seal }, taken);
    while (bytes.length > this.#limits.wireBytes && taken.length > 1) {
      taken = taken.slice(0, Math.max(1, Math.floor((taken.length * this.#limits.wireBytes * 0.9) / bytes.length)));
      bytes = pack({ lane, boot, previousBoot, seq, seal }, taken);
    }
    const fits = bytes.length <= this.#limits.wireBytes;
    const numbers = taken.map((row) => row.n);
    const batch: SealedBatch = {
      boot,
      seq,
      sha256: hash('sha256', bytes),
      lane,
      records: taken.length,
      sends: 0,
      bytes,
    };
    const row = {
      ...batch,
      state: fits ? 'pending' : 'dead',
      result: fits ? null : 'refused',
      code: fits ? null : 'too-large',
      firstN: Math.min(...numbers),
      lastN: Math.max(...numbers),
      wireBytes: bytes.length,
      sealedMs: seal.nowMs,
      oldestMs: Math.min(...taken.map((row) => row.committedMs)),
    };
    const { sha256, records, firstN, lastN, wireBytes, sealedMs, oldestMs } = row;
    const crc = rowSum([boot, seq, sha256, lane, records, firstN, lastN, wireBytes, sealedMs, oldestMs]);
    this.#sql.insertBatch.run({ ...row, crc });
    this.#count('sealed', 1);
    return { rows: taken, batch: fits ? batch : null };
  }

  #count(name: string, by: number): void {
    if (by > 0) this.#sql.count.run({ name, by });
  }
}

/** Undated records go in batches of their own. */
function spansOf(request: TakeRequest, builtMs: number): Span[] {
  return lanesOf(request).flatMap((span) => {
    if (span.fromMs >= builtMs || span.beforeMs <= builtMs) return [span];
    return [
      { ...span, beforeMs: builtMs },
      { ...span, fromMs: builtMs },
    ];
  });
}

function lanesOf({ lane, seal, backlogAfterMs }: TakeRequest): Span[] {
  const edgeMs = seal.nowMs - backlogAfterMs;
  const whole = { fromMs: 0, beforeMs: Number.MAX_SAFE_INTEGER };
  switch (lane) {
    case 'alerts':
    case 'evidence':
      return [{ lane, ...whole }];
    case 'live':
      return [{ lane, ...whole, fromMs: edgeMs }];
    case 'backlog':
      return [
        { lane: 'live', fromMs: 0, beforeMs: edgeMs },
        { lane, ...whole },
      ];
  }
}

/** How many of the first records stay under the unpacked limit; at least one. */
function fitting(rows: readonly Waiting[], { unpackedBytes }: BatchLimits): number {
  let bytes = envelopeBytes;
  for (const [index, row] of rows.entries()) {
    bytes += Buffer.byteLength(row.body) + 1;
    if (bytes > unpackedBytes) return Math.max(1, index);
  }
  return rows.length;
}

interface Envelope {
  readonly lane: Lane;
  readonly boot: string;
  readonly previousBoot: string | null;
  readonly seq: number;
  readonly seal: SealContext;
}
function pack({ lane, boot, previousBoot, seq, seal }: Envelope, rows: readonly Waiting[]): Buffer {
  const { site, gateway, clock, nowMs } = seal;
  const head = JSON.stringify({ v: 1, site, gateway, boot, previousBoot, seq, lane, sealedMs: nowMs, clock });
  return zstdCompressSync(`${head.slice(0, -1)},"records":[${rows.map((row) => row.body).join(',')}]}`);
}

/** Whether live records wait on for company. */
function lingers(rows: readonly Waiting[], { lane, seal, lingerMs, minuteLingerMs = 0 }: TakeRequest): boolean {
  const [oldest] = rows;
  if (oldest === undefined || lane !== 'live' || rows.length >= fullBatchRecords) return false;
  // A wall clock that was set back makes records look as if they came from the future: they do not wait.
  const ageMs = seal.nowMs - oldest.committedMs;
  if (ageMs < 0) return false;
  if (ageMs < lingerMs) return true;
  if (ageMs >= minuteLingerMs || rows.length >= fewSummaries) return false;
  return rows.every(
    ({ kind, committedMs }) =>
      (kind === 'summary' || kind === 'state-summary') && Math.abs(committedMs - oldest.committedMs) < nextMinuteMs,
  );
}

const nameOf = ({ boot, seq }: BatchKey) => `${boot}/${seq}`;

function prepareAll(db: Database) {
  const one = (sql: string): Statement => db.prepare(sql);
  const within = 'lane = $lane AND committed_ms >= $fromMs AND committed_ms < $beforeMs';
  return {
    // `state <> 'acked'` is how SQLite finds that the index of the others will do.
    pending: one(`SELECT boot, seq, sha256, lane, records, sends, bytes FROM batch
      WHERE state <> 'acked' AND state = 'pending' AND lane = ? ORDER BY id LIMIT ?`),
    oldestBoot: db.prepare(`SELECT boot FROM outbox WHERE ${within} ORDER BY id LIMIT 1`).pluck(),
    waiting: one(`SELECT id, boot, n, kind, committed_ms AS committedMs, body FROM outbox
      WHERE ${within} AND boot = $boot ORDER BY id LIMIT $limit`),
    openAlerts: one(`SELECT alert.id, alert.boot, alert.n, 'alert' AS kind, alert.at_ms AS committedMs, alert.body
      FROM occurrence JOIN alert ON alert.id = occurrence.last_alert WHERE is_open = 1 ORDER BY alert.id LIMIT ?`),
    deleteWaiting: one('DELETE FROM outbox WHERE id = ?'),
    previousBoot: db.prepare('SELECT previous_boot FROM boot WHERE boot = ?').pluck(),
    nextSeq: db.prepare('UPDATE boot SET next_seq = next_seq + 1 WHERE boot = ? RETURNING next_seq - 1').pluck(),
    insertBatch:
      one(`INSERT INTO batch (boot, seq, sha256, lane, state, records, first_n, last_n, wire_bytes, sealed_ms, oldest_ms,
        result, code, bytes, crc)
      VALUES ($boot, $seq, $sha256, $lane, $state, $records, $firstN, $lastN, $wireBytes, $sealedMs, $oldestMs,
        $result, $code, $bytes, $crc)`),
    release: one(`UPDATE batch SET state = 'acked', acked_ms = $atMs, result = $result, code = NULL, bytes = NULL
      WHERE boot = $boot AND seq = $seq AND sha256 = $sha256 AND state <> 'acked'`),
    bury: one(`UPDATE batch SET state = 'dead', result = 'refused', code = $code
      WHERE boot = $boot AND seq = $seq AND sha256 = $sha256 AND state = 'pending'`),
    postpone: one(`UPDATE batch SET result = 'later', code = $code
      WHERE boot = $boot AND seq = $seq AND sha256 = $sha256 AND state = 'pending'`),
    dropOldestDead: one(`UPDATE batch SET bytes = NULL WHERE bytes IS NOT NULL AND state = 'dead' AND id NOT IN
      (SELECT id FROM batch WHERE state = 'dead' ORDER BY id DESC LIMIT ?)`),
    // From here on the bridge may have it, whatever becomes of this process.
    noteGiven: one('UPDATE batch SET last_sent_ms = $atMs WHERE boot = $boot AND seq = $seq AND last_sent_ms IS NULL'),
    noteSent: db
      .prepare(
        `UPDATE batch SET sends = sends + 1, last_sent_ms = $atMs WHERE boot = $boot AND seq = $seq RETURNING sends`,
      )
      .pluck(),
    countUnsealed: one(`SELECT coalesce(sum(lane = 'alerts'), 0) AS alerts, coalesce(sum(lane <> 'alerts'), 0) AS other,
      min(committed_ms) AS oldestMs FROM outbox`),
    countPending: one(`SELECT count(*) AS batches, coalesce(sum(records), 0) AS records, min(oldest_ms) AS oldestMs
      FROM batch WHERE state = 'pending'`),
    countDead: db.prepare("SELECT count(*) FROM batch WHERE state <> 'acked' AND state = 'dead'").pluck(),
    countFiles: db.prepare("SELECT count(*) FROM evidence_file WHERE state = 'waiting'").pluck(),
    totals: db.prepare('SELECT name, value FROM total').raw(),
    count: one('INSERT INTO total (name, value) VALUES ($name, $by) ON CONFLICT DO UPDATE SET value = value + $by'),
    list: one(`SELECT boot, seq, sha256, lane, state, records, wire_bytes AS wireBytes, sealed_ms AS sealedMs, sends, result, code
      FROM batch WHERE state <> 'acked' ORDER BY id LIMIT ?`),
    retryFiles: one(
      "UPDATE evidence_file SET state = 'waiting', code = NULL, settled_ms = NULL WHERE state = 'refused'",
    ),
    retryDead: one(
      `UPDATE batch SET state = 'pending', result = NULL, code = NULL WHERE state = 'dead' AND bytes IS NOT NULL`,
    ),
  };
}
