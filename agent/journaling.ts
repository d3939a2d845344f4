/**
 * The last stage: drafts get their number and leave for the journal and its outbox, in the order they were made. Also keeps
 * the newest record of every open occurrence, which is what people are shown. What the journal did not take is counted, and told by
 * the event `records_lost` as soon as it takes something again.
 */
import type { AlertRecord, Lane, WireRecord } from '../cloud-bridge/contract.ts';
import type { AlertView } from './live.ts';
import { RecordMaker, type DraftOf, type RecordDraft } from './records.ts';
import { evidenceEvent } from './store/evidence-event.ts';
import type { JournalEntry } from './store/store.ts';

export interface JournalingPorts {
  journal(entries: readonly JournalEntry[], urgent: boolean): Promise<void>;
  /** What staff are told to do about an alert of this rule. */
  runbook(machine: string, rule: string): string | null;
  incident(occurrence: string): AlertView['incident'];
  acts(occurrence: string): AlertView['acts'];
}

/** Records the journal did not take and that are still to be told. */
interface Loss {
  readonly records: number;
  readonly alerts: number;
  readonly events: number;
  /** Times of the first and the last of them, UTC ms. */
  readonly fromMs: number;
  readonly toMs: number;
}

export class Journaling {
  readonly #ports: JournalingPorts;
  readonly #records = new RecordMaker();
  readonly #newest = new Map<string, AlertRecord>();
  #entries: JournalEntry[] = [];
  #urgent = false;
  #last: Promise<void> = Promise.resolve();
  #settled: Promise<void> = Promise.resolve();
  #lost = 0;
  #loss: Loss | null = null;

  constructor(ports: JournalingPorts) {
    this.#ports = ports;
  }

  get made(): number {
    return this.#records.made;
  }
  /** Records the journal did not take. */
  get lost(): number {
    return this.#lost;
  }

  record(draft: RecordDraft): void {
    const record = this.#records.make(draft);
    if (record.kind === 'alert') this.#noteAlert(record);
    this.#entries.push({ record, lane: laneOf(record) });
  }

  event(draft: Omit<DraftOf<'event'>, 'kind'>): void {
    this.record({ kind: 'event', ...draft });
  }

  instant(machine: string, atMs: number, event: string, data: DraftOf<'event'>['data']): void {
    this.event({ machine, atMs: Math.round(atMs), event, phase: 'instant', fromMs: null, data });
  }

  /** Hands on what was made, as one entry of the journal; alerts make it urgent. */
  flush(): void {
    if (this.#entries.length === 0) return;
    const made = this.#entries.length;
    const loss = this.#tellLoss();
    const entries = this.#entries;
    const urgent = this.#urgent;
    this.#entries = [];
    this.#urgent = false;
    const before = this.#settled;
    this.#last = this.#ports.journal(entries, urgent);
    const settled = this.#last.catch(() => {
      this.#lost += made;
      const own = lossOf(entries.slice(0, made));
      this.#loss = together(this.#loss, loss === null ? own : together(loss, own));
    });
    this.#settled = before.then(() => settled);
  }

  /** Says what was lost, if anything was and nobody has said so. */
  flushLoss(): void {
    const loss = this.#tellLoss();
    if (loss === null) return;
    const entries = this.#entries;
    this.#entries = [];
    const before = this.#settled;
    const settled = this.#ports.journal(entries, false).catch(() => {
      this.#loss = together(this.#loss, loss);
    });
    this.#settled = before.then(() => settled);
  }

  #tellLoss(): Loss | null {
    const loss = this.#loss;
    if (loss === null) return null;
    this.#loss = null;
    const { fromMs, toMs, records, alerts, events } = loss;
    const data = { records, alerts, events, summaries: records - alerts - events };
    this.event({ machine: 'gateway', atMs: toMs, event: 'records_lost', phase: 'instant', fromMs, data });
    return loss;
  }

  /** Resolves when what was handed on last is durable; rejects when it is not. */
  durable(): Promise<void> {
    return this.#last;
  }

  /** Resolves when everything handed on is durable or counted as lost. */
  settled(): Promise<void> {
    return this.#settled;
  }

  alert(occurrence: string): AlertView | null {
    const record = this.#newest.get(occurrence);
    return record === undefined ? null : this.#view(record);
  }

  /** The time has become known: what people are shown of open occurrences is dated. */
  date(dated: (record: AlertRecord) => AlertRecord): void {
    for (const [id, record] of this.#newest) this.#newest.set(id, dated(record));
  }

  #noteAlert(record: AlertRecord): void {
    this.#urgent = true;
    if (record.state === 'normal') this.#newest.delete(record.occurrence);
    else this.#newest.set(record.occurrence, record);
  }

  #view(record: AlertRecord): AlertView {
    return {
      record,
      verified: record.transition !== 'unverified',
      runbook: this.#ports.runbook(record.machine, record.rule),
      incident: this.#ports.incident(record.occurrence),
      acts: this.#ports.acts(record.occurrence),
    };
  }
}

function lossOf(entries: readonly JournalEntry[]): Loss {
  const times = entries.map(({ record }) => record.atMs);
  const of = (kind: WireRecord['kind']) => entries.filter(({ record }) => record.kind === kind).length;
  return {
    records: entries.length,
    alerts: of('alert'),
    events: of('event'),
    fromMs: Math.min(...times),
    toMs: Math.max(...times),
  };
}

function together(a: Loss | null, b: Loss): Loss {
  if (a === null) return b;
  return {
    records: a.records + b.records,
    alerts: a.alerts + b.alerts,
    events: a.events + b.events,
    fromMs: Math.min(a.fromMs, b.fromMs),
    toMs: Math.max(a.toMs, b.toMs),
  };
}

function laneOf(record: WireRecord): Lane {
  if (record.kind === 'event' && record.event === evidenceEvent) return 'evidence';
  return record.kind === 'alert' ? 'alerts' : 'live';
}
