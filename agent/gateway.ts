/** What the gateway says of itself, on its way through the pipeline: events under its own name, and its alerts (`gateway-alerts.ts`). */
import type { EventRecord } from '../cloud-bridge/contract.ts';
import type { AlertDesk } from './alerts/desk.ts';
import { evictedDraft } from './evicted.ts';
import { GatewayAlerts, gatewayId } from './gateway-alerts.ts';
import type { Journaling } from './journaling.ts';
import type { DatedBoot, GatewayPort, ModelTakenBack, UplinkOutage } from './pipeline-ports.ts';
import type { Instant } from './rules/conditions.ts';
import type { GapNote } from './store/gaps.ts';
import { pageActsEvent, type ActsHead } from './store/page-acts-event.ts';

export interface GatewayDeskParts {
  readonly journal: Journaling;
  readonly desk: AlertDesk;
  readonly now: () => Instant;
}

export class GatewayDesk implements GatewayPort {
  readonly #journal: Journaling;
  readonly #alerts: GatewayAlerts;
  readonly #now: () => Instant;

  constructor({ journal, desk, now }: GatewayDeskParts) {
    this.#journal = journal;
    this.#alerts = new GatewayAlerts(desk);
    this.#now = now;
  }

  /** Told once at a start: databases that were put aside. Leaves with the records of the start. */
  quarantined(files: readonly string[], now: Instant): void {
    for (const file of files) this.#note('store_quarantined', { file }, now);
    this.#alerts.damaged(files, now);
  }

  remote(event: string, data: EventRecord['data']): void {
    this.#note(event, data);
    this.#journal.flush();
  }

  modelTakenBack(taken: ModelTakenBack): void {
    const now = this.#now();
    const evidence = { ...taken };
    this.#note('model_taken_back', evidence, now);
    this.#alerts.modelTakenBack(evidence, now);
    this.#journal.flush();
  }

  uplinkOutage({ phase, fromMs, toMs, reason }: UplinkOutage): void {
    const atMs = Math.round(toMs ?? this.#now().wallMs);
    const [event, data] = ['uplink_outage', { reason }];
    this.#journal.event({ machine: gatewayId, atMs, event, phase, fromMs: Math.round(fromMs), data });
    this.#journal.flush();
  }

  storeFull(isFull: boolean): void {
    this.#alerts.full(isFull, this.#now());
    this.#journal.flush();
  }

  dataEvicted(notes: readonly GapNote[]): Promise<void> {
    const now = this.#now();
    for (const note of notes) {
      this.#journal.event(evictedDraft(note, now.wallMs));
      if (note.step === 'unacked-history') this.#alerts.evicted({ records: note.records, fromMs: note.fromMs }, now);
    }
    this.#journal.flush();
    return this.#journal.durable();
  }

  pageActs({ id, hash }: ActsHead): Promise<void> {
    this.#note(pageActsEvent, { id, hash });
    this.#journal.flush();
    return this.#journal.durable();
  }

  bootDated({ boot, shiftMs, summaries }: DatedBoot): void {
    this.#note(shiftMs === null ? 'times_unknown' : 'times_restamped', { boot, shiftMs, summaries });
    this.#journal.flush();
  }

  #note(event: string, data: EventRecord['data'], now = this.#now()): void {
    this.#journal.instant(gatewayId, Math.round(now.wallMs), event, data);
  }
}
