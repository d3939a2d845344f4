/**
 * The last stage: drafts get their number and leave for the journal and its outbox, in the order they were made. Also keeps
 * the newest record of every open occurrence, which is what people are shown.
 */
import type { AlertRecord, Lane, WireRecord } from '../cloud-bridge/contract.ts';
import type { AlertView } from './live.ts';
import { RecordMaker, type DraftOf, type RecordDraft } from './records.ts';
import type { JournalEntry } from './store/store.ts';

export interface JournalingPorts {
  journal(entries: readonly JournalEntry[], urgent: boolean): Promise<void>;
  /** What staff are told to do about an alert of this rule. */
  runbook(machine: string, rule: string): string | null;
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
    const entries = this.#entries;
    const urgent = this.#urgent;
    this.#entries = [];
    this.#urgent = false;
    const before = this.#settled;
    this.#last = this.#ports.journal(entries, urgent);
    const settled = this.#last.catch(() => {
      this.#lost += entries.length;
    });
    this.#settled = before.then(() => settled);
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
    };
  }
}

function laneOf(record: WireRecord): Lane {
  return record.kind === 'alert' ? 'alerts' : 'live';
}
