/**
 * Puts right the stored times of boots that did not know the time, by an exact span for each boot. Synchronous; used by the writer
 * thread.
 *
 * A boot is undated while its `started_ms` lies before the build date. Two things can date it: it came to know the time itself, or a
 * later process of the same start of the computer did; then the computer's monotonic clock, which `agent_started` notes, tells how
 * far its wall clock was off. Where neither is so nobody can know, and its times stay as they are: they are never guessed.
 *
 * Invariants (test/unit/store/dating.test.ts):
 *  D1  All records of a boot are dated in one transaction, stored ones and those of the outbox alike: a kill leaves all or none.
 *  D2  Times from the build date on are not touched, so dating twice changes nothing, and blocks may be dated piece by piece.
 *  D3  Records keep their identity.
 *  D4  What is still to be folded is on disk (`total`, row `fold <boot>`) from the same transaction on, until it is done.
 */
import type { Database, Statement } from 'better-sqlite3';
import { bootOfOccurrence, datedRecord, type RecordShifts } from '../dating/record.ts';
import type { WireRecord } from '../../cloud-bridge/contract.ts';
import type { ClockShift, LastStep, UndatedSpan } from './store.ts';

/** This start of the computer, and the wall time less its monotonic time, in ms. */
export interface HostClock {
  readonly boot: string | null;
  readonly offsetMs: number;
}
/** The span of the running boot that is to be dated. */
export interface OwnSpan {
  readonly boot: string;
  readonly shiftMs: number;
  readonly untilMs: number;
}
/** A span whose minutes are to be folded from the ring. */
export interface FoldSpan {
  readonly boot: string;
  /** Null: its times stay as they are. */
  readonly shiftMs: number | null;
  /** Start of the boot and end of the span without the time, UTC ms on the clock its readings are on now. */
  readonly fromMs: number;
  /** Null: the boot ended without the time. */
  readonly untilMs: number | null;
  /** Start of the boot after it, where the two are on one clock. */
  readonly limitMs: number | null;
}

/** A clock may be off by so much before that counts as a step (`agent/rollup/clock.ts`). */
const unsteppedMs = 2_000;

interface BootRow {
  readonly id: number;
  readonly boot: string;
  readonly previousBoot: string | null;
  readonly startedMs: number;
}

export class JournalDating {
  readonly #builtMs: number;
  readonly #sql: ReturnType<typeof prepareAll>;

  constructor(db: Database, builtMs: number) {
    this.#builtMs = builtMs;
    this.#sql = prepareAll(db);
  }

  /** Dates every boot that can be dated, and notes of the others that they cannot. Inside the transaction of its caller. */
  date(host: HostClock, own: OwnSpan | null): void {
    const undecided = (this.#sql.undated.all(this.#builtMs) as BootRow[]).filter(({ boot }) => !this.#isUnknown(boot));
    const shifts = new Map<string, number>();
    for (const { boot } of undecided) {
      const shiftMs = boot === own?.boot ? own.shiftMs : this.#shiftBetween(boot, host);
      if (shiftMs !== null) shifts.set(boot, shiftMs);
    }
    for (const row of undecided) {
      const { boot, id } = row;
      const shiftMs = shifts.get(boot);
      this.#note(`fold ${boot}`, 1);
      if (shiftMs === undefined) {
        this.#note(`undated ${boot}`, 1);
        continue;
      }
      this.#note(`shift ${boot}`, shiftMs);
      // A boot may have ended just after it came to know the time.
      const untilMs =
        boot === own?.boot ? own.untilMs : (this.#sql.stepped.get(boot, this.#builtMs) as number | undefined);
      this.#note(`until ${boot}`, untilMs ?? Number.MAX_SAFE_INTEGER);
      this.#dateRows(row, shifts);
      this.#sql.startedAt.run({ shiftMs, id });
    }
  }

  /** What a start must know of spans without the time. */
  undatedSpans(hostBoot: string | null): UndatedSpan[] {
    const spans = new Map<string, UndatedSpan>();
    for (const [boot, untilMs] of this.#notes('until')) spans.set(boot, { boot, untilMs, sameHost: false });
    for (const { boot } of this.#sql.undated.all(this.#builtMs) as BootRow[]) {
      const sameHost = hostBoot !== null && this.#started(boot)?.hostBoot === hostBoot;
      spans.set(boot, { boot, untilMs: Number.MAX_SAFE_INTEGER, sameHost });
    }
    return [...spans.values()];
  }

  /**
   * How far the clocks of these boots, segment by segment, were off that of the process that starts now, as far as that can be told: of
   * boots that knew the time, within one start of the computer, and more than a clock is off without a step.
   */
  clockShifts(host: HostClock, boots: Iterable<string>): ClockShift[] {
    const dated = this.shifts();
    const undated = new Set((this.#sql.undated.all(this.#builtMs) as BootRow[]).map(({ boot }) => boot));
    const shifts: ClockShift[] = [];
    for (const boot of new Set(boots)) {
      let shiftMs = dated.has(boot) || undated.has(boot) ? null : this.#shiftBetween(boot, host);
      if (shiftMs === null) continue;
      const steps = [0, ...this.#sql.steps.all(boot).map((step) => Number(step ?? 0))];
      for (const [segment, stepMs] of steps.entries()) {
        shiftMs -= stepMs;
        if (Math.abs(shiftMs) > unsteppedMs) shifts.push({ boot, segment, shiftMs });
      }
    }
    return shifts;
  }

  /** The last step of the clock of each of these boots, where there was one. Steps of older versions do not tell their moment. */
  lastSteps(boots: Iterable<string>): LastStep[] {
    return [...new Set(boots)].flatMap((boot) => {
      const { segment, monotonicMs } = (this.#sql.lastStep.get(boot) ?? {}) as Partial<LastStep>;
      return typeof segment === 'number' && typeof monotonicMs === 'number' ? [{ boot, segment, monotonicMs }] : [];
    });
  }

  /** Spans to be folded, oldest first. */
  toFold(): FoldSpan[] {
    const waiting = this.#notes('fold');
    const shift = this.#notes('shift');
    const until = this.#notes('until');
    return (this.#sql.boots.all([...waiting.keys()].join(' ')) as (BootRow & { nextMs: number | null })[]).map(
      (row) => {
        const { boot, startedMs, nextMs } = row;
        const shiftMs = shift.get(boot) ?? null;
        const untilMs = until.get(boot) ?? Number.MAX_SAFE_INTEGER;
        const followed = nextMs !== null && shiftMs !== null && nextMs >= this.#builtMs && nextMs >= startedMs;
        return {
          boot,
          shiftMs,
          fromMs: startedMs,
          untilMs: untilMs === Number.MAX_SAFE_INTEGER ? null : untilMs,
          limitMs: followed ? nextMs : null,
        };
      },
    );
  }

  folded(boot: string): void {
    this.#sql.forget.run(`fold ${boot}`);
  }

  /** By boot, for its blocks. */
  shifts(): ReadonlyMap<string, number> {
    return this.#notes('shift');
  }

  #isUnknown(boot: string): boolean {
    return this.#sql.noted.get(`undated ${boot}`) !== undefined;
  }
  #note(name: string, value: number): void {
    this.#sql.note.run(name, value);
  }
  #notes(what: string): Map<string, number> {
    const rows = this.#sql.notes.all(`${what} %`) as { name: string; value: number }[];
    return new Map(rows.map(({ name, value }) => [name.slice(what.length + 1), value]));
  }

  /** How far the wall clock of a boot was off, where the computer has not been started anew since. */
  #shiftBetween(boot: string, host: HostClock): number | null {
    const then = this.#started(boot);
    if (then === null || host.boot === null || then.hostBoot !== host.boot) return null;
    return Math.round(host.offsetMs - then.hostOffsetMs);
  }

  #started(boot: string): { readonly hostBoot: string; readonly hostOffsetMs: number } | null {
    const body = this.#sql.started.get(boot);
    if (typeof body !== 'string') return null;
    const { hostBoot, hostOffsetMs } = (JSON.parse(body) as { data: Record<string, unknown> }).data;
    return typeof hostBoot === 'string' && typeof hostOffsetMs === 'number' ? { hostBoot, hostOffsetMs } : null;
  }

  #dateRows({ boot, previousBoot }: BootRow, shifts: ReadonlyMap<string, number>): void {
    const shiftOf = (of: string | null) => shifts.get(of ?? '') ?? 0;
    const byBoot = { ownMs: shiftOf(boot), beforeMs: shiftOf(previousBoot) };
    const dated = (body: string): WireRecord => {
      const record = JSON.parse(body) as WireRecord;
      const raisedIn = record.kind === 'alert' ? bootOfOccurrence(record.occurrence) : boot;
      const by: RecordShifts = { ...byBoot, occurrenceMs: shiftOf(raisedIn) };
      return datedRecord(record, by, this.#builtMs);
    };
    for (const { id, body } of inPages(this.#sql.events, boot)) {
      const record = dated(body);
      if (record.kind !== 'event') continue;
      const { atMs, fromMs } = record;
      this.#sql.dateEvent.run({ id, atMs, fromMs, body: JSON.stringify(record) });
    }
    for (const { id, body } of inPages(this.#sql.alerts, boot)) {
      const record = dated(body);
      if (record.kind !== 'alert') continue;
      const { atMs, onsetMs, raisedMs, clearedMs } = record;
      this.#sql.dateAlert.run({ id, atMs, onsetMs, raisedMs, clearedMs, body: JSON.stringify(record) });
      this.#sql.dateOccurrence.run({ id, onsetMs, raisedMs, clearedMs });
    }
    for (const { id, body } of this.#sql.machines.all(boot) as { id: string; body: string }[]) {
      const record = dated(body);
      this.#sql.dateMachine.run({ id, atMs: record.atMs, body: JSON.stringify(record) });
    }
    for (const { id, body } of inPages(this.#sql.outbox, boot)) {
      this.#sql.dateOutbox.run({ id, body: JSON.stringify(dated(body)) });
    }
    const { ownMs: shiftMs } = byBoot;
    this.#sql.dateCommitted.run({ boot, shiftMs, builtMs: this.#builtMs });
    this.#sql.dateCounters.run({ boot, shiftMs, builtMs: this.#builtMs });
  }
}

interface Row {
  readonly id: number;
  /** What the pages go by. */
  readonly at: number;
  readonly body: string;
}

/** Rows of a boot, some at a time: the thread has little memory, and rows may be changed between pages only. */
function* inPages(statement: Statement, boot: string): Generator<Row> {
  for (let after = 0; ;) {
    const page = statement.all(boot, after) as Row[];
    yield* page;
    const last = page.at(-1);
    if (last === undefined) return;
    after = last.at;
  }
}

function prepareAll(db: Database) {
  const columns = 'id, boot, previous_boot AS previousBoot, started_ms AS startedMs';
  return {
    undated: db.prepare(`SELECT ${columns} FROM boot WHERE started_ms < ? ORDER BY id`),
    boots:
      db.prepare(`SELECT ${columns}, (SELECT started_ms FROM boot AS next WHERE next.id > boot.id ORDER BY id LIMIT 1) AS nextMs
      FROM boot WHERE instr(?, boot) > 0 ORDER BY id`),
    startedAt: db.prepare(`UPDATE boot SET started_ms = started_ms + $shiftMs,
      crc = row_sum(boot, previous_boot, started_ms + $shiftMs) WHERE id = $id`),
    started: db.prepare("SELECT body FROM event WHERE boot = ? AND event = 'agent_started' ORDER BY n LIMIT 1").pluck(),
    steps: db
      .prepare(
        "SELECT json_extract(body, '$.data.stepMs') FROM event WHERE boot = ? AND event = 'clock_step' ORDER BY n",
      )
      .pluck(),
    lastStep: db.prepare(
      `SELECT json_extract(body, '$.data.segment') AS segment, json_extract(body, '$.data.monotonicMs') AS monotonicMs
       FROM event WHERE boot = ? AND event = 'clock_step' ORDER BY n DESC LIMIT 1`,
    ),
    noted: db.prepare('SELECT value FROM total WHERE name = ?').pluck(),
    notes: db.prepare('SELECT name, value FROM total WHERE name LIKE ? ORDER BY name'),
    note: db.prepare('INSERT INTO total (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value'),
    forget: db.prepare('DELETE FROM total WHERE name = ?'),
    stepped: db
      .prepare("SELECT at_ms + 1 FROM event WHERE boot = ? AND event = 'clock_step' AND at_ms >= ? ORDER BY n LIMIT 1")
      .pluck(),
    events: db.prepare('SELECT id, n AS at, body FROM event WHERE boot = ? AND n > ? ORDER BY n LIMIT 500'),
    alerts: db.prepare('SELECT id, n AS at, body FROM alert WHERE boot = ? AND n > ? ORDER BY n LIMIT 500'),
    machines: db.prepare('SELECT machine AS id, body FROM machine WHERE boot = ?'),
    outbox:
      db.prepare(`SELECT id, id AS at, body FROM outbox WHERE boot = ? AND id > ? AND kind IN ('machine', 'event', 'alert')
      ORDER BY id LIMIT 500`),
    dateEvent: db.prepare(`UPDATE event SET at_ms = $atMs, from_ms = $fromMs, body = $body,
      crc = row_sum(boot, n, machine, $atMs, event, phase, $fromMs, $body) WHERE id = $id`),
    dateAlert:
      db.prepare(`UPDATE alert SET at_ms = $atMs, onset_ms = $onsetMs, raised_ms = $raisedMs, cleared_ms = $clearedMs,
      body = $body, crc = row_sum(boot, n, machine, $atMs, occurrence, type, rule, signal, priority, transition, state,
        $onsetMs, $raisedMs, $clearedMs, cause, $body) WHERE id = $id`),
    dateOccurrence:
      db.prepare(`UPDATE occurrence SET onset_ms = $onsetMs, raised_ms = $raisedMs, cleared_ms = $clearedMs,
      crc = row_sum(occurrence, machine, type, priority, state, $onsetMs, $raisedMs, $clearedMs, is_open, last_alert)
      WHERE last_alert = $id`),
    dateMachine: db.prepare(`UPDATE machine SET at_ms = $atMs, body = $body,
      crc = row_sum(machine, boot, n, $atMs, $body) WHERE machine = $id`),
    dateOutbox: db.prepare(`UPDATE outbox SET body = $body,
      crc = row_sum(boot, n, lane, kind, committed_ms, $body) WHERE id = $id`),
    dateCommitted: db.prepare(`UPDATE outbox SET committed_ms = committed_ms + $shiftMs,
      crc = row_sum(boot, n, lane, kind, committed_ms + $shiftMs, body)
      WHERE boot = $boot AND committed_ms < $builtMs`),
    dateCounters: db.prepare(`UPDATE counter_last SET at_ms = at_ms + $shiftMs,
      crc = row_sum(machine, signal, value, at_ms + $shiftMs, reading_boot, segment)
      WHERE reading_boot = $boot AND at_ms < $builtMs`),
  };
}
