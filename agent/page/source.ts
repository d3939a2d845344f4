/**
 * What the page asks of the rest of the agent: the present (made new at each call, cheap), the past (queries that run on
 * another thread) and deeds: the acknowledgement, the write to a machine, the roll that begins, the cloth or the
 * sound that is taught, what is said of an alert of the ear. The composition root adapts the pipeline and the store to it.
 */
import type { AlertState, SummaryRecord, StateSummaryRecord } from '../../cloud-bridge/contract.ts';
import type { ActRefusal } from '../alert-acts.ts';
import type { Acts, ActSaid } from '../alerts/acts.ts';
import type { AlertFigures } from '../alerts/figures.ts';
import type { AlertView, MachineView, UplinkView } from '../live.ts';
import type { NeedleCasePort } from '../pipeline-ports.ts';
import type { RollListed } from '../rolls/read.ts';
import type { RollFormat } from '../rolls/show.ts';
import type { RunbookDesk } from '../runbooks/desk.ts';
import type { EarStaff, SoundView } from '../senses/ear/staff.ts';
import type { ClothView, TeachDesk } from '../senses/teach-desk.ts';
import type { OccurrenceQuery, OccurrenceRecord } from '../store/history.ts';
import type { WriteDesk } from '../writes/desk.ts';
import type { DriverMachineHealth } from '../../drivers/contract.ts';
import type { History, TableQuery, Today } from '../store/history.ts';
import type { ShiftSums } from '../store/shift-sums.ts';
import type { ShiftsAround } from '../time/shift-around.ts';
import type { Examined } from './views-api.ts';

/** What the page calls itself and the times it shows. */
export interface SiteView {
  readonly name: string;
  readonly timeZone: string;
  /** Name of the gateway. */
  readonly gateway: string;
}

/** One page of a list; `next` is given back as the cursor of the following page, null at the end. */
export interface ListPage<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

/** Points of one signal, oldest first; null marks a hole: a gap, or a reading that was bad. */
export interface Trend {
  /** UTC milliseconds. */
  readonly t: readonly number[];
  readonly v: readonly (number | null)[];
}

export interface AlertFilter {
  /** Only occurrences that stand so at the end of their history; null: any. */
  readonly states: readonly AlertView['record']['state'][] | null;
  readonly machine: string | null;
  readonly limit: number;
}

export interface SummaryQuery {
  readonly machine: string | null;
  readonly signal: string | null;
  /** Minutes that start in [fromMs, toMs). */
  readonly fromMs: number;
  readonly toMs: number;
  readonly limit: number;
  readonly cursor: string | null;
}

/** `not-open`: the occurrence is over or does not wait for anybody. */
export type AckOutcome = 'acked' | 'unknown-occurrence' | 'not-open';

export interface PageSources {
  machines(): readonly MachineView[];
  /** Every occurrence that is not closed. */
  alerts(): readonly AlertView[];
  uplink(): UplinkView;
  health(): object;
  trend(machine: string, signal: string, fromMs: number, toMs: number): Promise<Trend>;
  /** Newest record of each occurrence, latest raised first. */
  alertHistory(filter: AlertFilter, cursor: string | null): Promise<ListPage<AlertView>>;
  summaries(query: SummaryQuery): Promise<ListPage<SummaryRecord | StateSummaryRecord>>;
  /** Durable when resolved. `comment` is null where nothing was written. */
  ack(occurrence: string, actor: string, comment: string | null): Promise<AckOutcome>;
  readonly alertActs: PageAlerts;
  readonly writes: PageWrites;
  readonly rolls: PageRolls;
  readonly cloth: PageCloth;
  readonly sound: PageSound;
  readonly views: PageViews;
  /** Certificate of the site's authority, DER; null where there is none. */
  authorityCertificate(): Uint8Array | null;
  readonly runbooks: PageRunbooks;
  /** Cases of needles that broke, of every machine. */
  readonly needles: NeedleCasePort;
  /** The bytes of a kept picture; null where it is none, or not here. */
  crop(sha256: string): Promise<Uint8Array | null>;
}

/** How the occurrence stands after it, or why nothing was done. */
export type ActAnswer = { readonly state: AlertState } | { readonly refused: ActRefusal };

/** What people do with open alerts beside the acknowledgement; durable when resolved. */
export interface PageAlerts {
  tell(occurrence: string, said: ActSaid, by: string): Promise<ActAnswer>;
  shelve(
    occurrence: string,
    how: { readonly forS: number; readonly comment: string | null },
    by: string,
  ): Promise<ActAnswer>;
  unshelve(occurrence: string, by: string): Promise<ActAnswer>;
  /** Steps and acts of one occurrence, oldest first. */
  records(query: OccurrenceQuery): Promise<ListPage<OccurrenceRecord>>;
  /** Alerts raised in [fromMs, toMs), UTC ms. */
  figures(query: { readonly fromMs: number; readonly toMs: number }): Promise<AlertFigures>;
}
export type { Acts, AlertFigures, OccurrenceRecord };

/** Rolls of machines with an eye. */
export interface PageRolls {
  /** null where no eye looks at that machine. */
  list(machine: string): Promise<readonly RollListed[] | null>;
  /** The map of the roll of that id or number, or of the newest; null where there is none. */
  file(machine: string, id: string | null, format: RollFormat): Promise<Uint8Array | null>;
  /** Durable when resolved; null where no eye looks at that machine. */
  begin(machine: string, id: string | null): Promise<{ readonly number: number; readonly id: string } | null>;
}

/** What the views Floor, Machine and Health show beside the present. */
export interface PageViews extends Pick<History, 'band' | 'timeline' | 'stops'> {
  /** Since the midnight of the site. */
  today(): Promise<Today>;
  /** The shift of that moment, UTC ms; null: of now. A moment to come is now. */
  shift(atMs: number | null): Promise<ShiftSummed>;
  /** A table of minutes, in parts: its head first. */
  csv(query: Omit<TableQuery, 'timeZone'>): AsyncIterable<string>;
  /** null: it gave no answer. */
  doctor(): Promise<Examined | null>;
  health(): Promise<HealthFacts>;
}

/** A shift as the store has it. */
export interface ShiftSummed extends ShiftsAround {
  /** When it was asked for. */
  readonly nowMs: number;
  readonly timeZone: string;
  readonly sums: ShiftSums;
}

/** What the health of the page has beside the status line. */
export interface HealthFacts {
  readonly drivers: readonly DriverMachineHealth[];
  readonly storage: {
    /** null: not known yet. */
    readonly bytesADay: number | null;
    readonly budgetBytes: number;
    /** Of the disk; null where it does not say. */
    readonly freeBytes: number | null;
    readonly queuedRecords: number | null;
    readonly droppedRecords: number | null;
  };
}

/** The cloth of machines with an eye, as the desk has it. */
export type PageCloth = Pick<TeachDesk, 'view' | 'teach' | 'cancel'>;

/** The sound of machines with an ear, as those who hear of it have it. */
export type PageSound = Pick<EarStaff, 'view' | 'label' | 'takeBack' | 'teach' | 'cancel'>;
export type { ClothView, SoundView };

/** What to do about alerts, as the desk has it. */
export type PageRunbooks = Pick<RunbookDesk, 'find' | 'list' | 'preview' | 'change'>;

/** Writes to machines, as the desk has them. */
export type PageWrites = Pick<WriteDesk, 'machines' | 'setPoints' | 'propose' | 'confirm' | 'drop' | 'history'>;

export interface PageClock {
  /** UTC milliseconds by the wall clock. */
  nowMs(): number;
  /** Milliseconds that never go back. */
  monotonicMs(): number;
}

/** Cryptographically strong random bytes. */
export type RandomBytes = (count: number) => Uint8Array;

/** The part of a pino logger that the page uses. */
export interface PageLog {
  info(data: object, message: string): void;
  warn(data: object, message: string): void;
  error(data: object, message: string): void;
}
