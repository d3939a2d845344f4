/**
 * All open occurrences of the gateway: at most one per machine and rule. Turns what rules and people say into steps of the
 * reducer and hands each step on. Also counts the flood ISA-18.2 speaks of (more than ten alerts in ten minutes).
 */
import type { AlertRecord } from '../../cloud-bridge/contract.ts';
import type { Rule } from '../rules/schema.ts';
import type { RecoveredCondition } from './watch.ts';
import {
  advance,
  occurrenceFrom,
  raise,
  type Activation,
  type AlertInput,
  type AlertStep,
  type Evidence,
  type Occurrence,
} from './occurrence.ts';

export type AlertAction =
  | { readonly kind: 'ack' | 'reset' | 'remove'; readonly actor: string; readonly comment: string | null }
  | { readonly kind: 'shelve'; readonly actor: string; readonly forS: number; readonly comment: string | null }
  | { readonly kind: 'unshelve' | 'restore'; readonly actor: string };

/** `not-open`: the occurrence is there, but the action changes nothing in its state. */
export type ActionOutcome = 'done' | 'unknown-occurrence' | 'not-open';

export interface AlertCounts {
  /** Not closed: the condition holds, or nobody has acknowledged it. */
  readonly open: number;
  /** Of the open ones, those whose condition holds. */
  readonly active: number;
  readonly raised: number;
  readonly chattering: number;
  readonly suppressed: number;
  readonly floods: number;
  readonly flood: boolean;
}

const floodAlerts = 10;
const floodWindowMs = 600_000;

export interface DeskPorts {
  readonly boot: string;
  /** Takes each step in order, with the record's time in UTC ms. */
  readonly step: (step: AlertStep, atMs: number) => void;
  readonly flood: (phase: 'opened' | 'closed', atMs: number, alerts: number) => void;
}

interface Now {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

export class AlertDesk {
  readonly #ports: DeskPorts;
  readonly #open = new Map<string, Occurrence>();
  readonly #byRule = new Map<string, string>();
  /** Monotonic time at which a shelf ends, by occurrence. */
  readonly #shelves = new Map<string, number>();
  #serial = 0;
  readonly #recent: number[] = [];
  #flood = false;
  #raised = 0;
  #chattering = 0;
  #suppressed = 0;
  #floods = 0;

  constructor(ports: DeskPorts) {
    this.#ports = ports;
  }

  /**
   * Takes over an occurrence from before the start. Returns how its condition stood at the end, null when nothing is open.
   * `rule` undefined: it is no longer configured and the occurrence is closed.
   */
  recover(record: AlertRecord, rule: Pick<Rule, 'latch'> | undefined, now: Now): RecoveredCondition | null {
    const occurrence = occurrenceFrom(record, rule?.latch ?? false);
    if (occurrence === null) return null;
    if (rule === undefined || this.#byRule.has(keyOf(record.machine, record.rule))) {
      const reason = rule === undefined ? 'rule-not-configured' : 'another-occurrence-is-open';
      this.#apply(occurrence, { kind: 'abandon', reason }, now.wallMs);
      return null;
    }
    if (occurrence.mask?.kind === 'shelved') {
      this.#shelves.set(occurrence.id, now.monotonicMs + Math.max(0, occurrence.mask.untilMs - now.wallMs));
    }
    this.#apply(occurrence, { kind: 'recover' }, now.wallMs);
    return occurrence.clearedMs === null ? 'held' : 'was-over';
  }

  /** @param about what is to be added to the evidence, which hangs on the occurrence; called once */
  activate(
    machine: string,
    rule: Pick<Rule, 'id' | 'type' | 'priority' | 'latch'>,
    said: Activation,
    chattering: boolean,
    suppressed: boolean,
    now: Now,
    about?: (occurrence: string) => Evidence,
  ): void {
    const open = this.#of(machine, rule.id);
    const id = open?.id ?? `${this.#ports.boot}-${++this.#serial}`;
    const { evidence, ...began } = said;
    const activation = { ...began, evidence: { ...evidence, ...about?.(id) } };
    if (chattering) this.#chattering++;
    if (open !== undefined) {
      if (open.clearedMs !== null) this.#noteRaised(now);
      this.#apply(open, { kind: 'activate', activation }, now.wallMs);
      return;
    }
    this.#noteRaised(now);
    const { type, priority, latch: latching } = rule;
    const result = raise({ id, machine, rule: rule.id, type, priority, latching }, activation);
    this.#keep(id, result.occurrence, result.steps, now.wallMs);
    if (suppressed) this.suppress(machine, rule.id, true, now);
  }

  clear(machine: string, rule: string, clearedMs: number, now: Now): void {
    const open = this.#of(machine, rule);
    if (open !== undefined) this.#apply(open, { kind: 'clear', clearedMs }, now.wallMs);
  }

  confirm(machine: string, rule: string, now: Now): void {
    const open = this.#of(machine, rule);
    if (open !== undefined) this.#apply(open, { kind: 'verify' }, now.wallMs);
  }

  /** The rule is no longer configured: nobody could ever judge its condition again. */
  abandon(machine: string, rule: string, now: Now): void {
    const open = this.#of(machine, rule);
    if (open !== undefined) this.#apply(open, { kind: 'abandon', reason: 'rule-not-configured' }, now.wallMs);
  }

  /** By design no alert at present, as in a machine's set-up. */
  suppress(machine: string, rule: string, suppressed: boolean, now: Now): void {
    const open = this.#of(machine, rule);
    if (open === undefined || (open.mask?.kind === 'suppressed') === suppressed) return;
    if (suppressed) this.#suppressed++;
    this.#apply(open, { kind: suppressed ? 'suppress' : 'unsuppress' }, now.wallMs);
  }

  act(id: string, action: AlertAction, now: Now): ActionOutcome {
    const open = this.#open.get(id);
    if (open === undefined) return 'unknown-occurrence';
    const input: AlertInput =
      action.kind === 'shelve' ? { ...action, untilMs: Math.round(now.wallMs + action.forS * 1000) } : action;
    if (!this.#apply(open, input, now.wallMs)) return 'not-open';
    if (action.kind === 'shelve') this.#shelves.set(id, now.monotonicMs + action.forS * 1000);
    return 'done';
  }

  /** Ends shelves whose time is up, and a flood that is over. */
  tick(now: Now): void {
    for (const [id, untilMs] of this.#shelves) {
      if (now.monotonicMs < untilMs) continue;
      this.#shelves.delete(id);
      const open = this.#open.get(id);
      if (open !== undefined) this.#apply(open, { kind: 'unshelve', actor: null }, now.wallMs);
    }
    this.#judgeFlood(now);
  }

  /**
   * The time has become known: what was raised without it is dated. `raisedHere` tells of an occurrence whether its times are on the
   * clock that has been dated.
   */
  date(shiftMs: number, builtMs: number, raisedHere: (occurrence: string) => boolean): void {
    for (const [id, occurrence] of this.#open) {
      if (!raisedHere(id)) continue;
      const dated = (atMs: number): number => (atMs < builtMs ? atMs + shiftMs : atMs);
      const { clearedMs, mask } = occurrence;
      this.#open.set(id, {
        ...occurrence,
        onsetMs: dated(occurrence.onsetMs),
        raisedMs: dated(occurrence.raisedMs),
        clearedMs: clearedMs === null ? null : dated(clearedMs),
        mask: mask?.kind === 'shelved' ? { ...mask, untilMs: dated(mask.untilMs) } : mask,
      });
    }
  }

  open(): readonly Occurrence[] {
    return [...this.#open.values()];
  }

  counts(): AlertCounts {
    return {
      open: this.#open.size,
      active: [...this.#open.values()].filter((occurrence) => occurrence.clearedMs === null).length,
      raised: this.#raised,
      chattering: this.#chattering,
      suppressed: this.#suppressed,
      floods: this.#floods,
      flood: this.#flood,
    };
  }

  #of(machine: string, rule: string): Occurrence | undefined {
    const id = this.#byRule.get(keyOf(machine, rule));
    return id === undefined ? undefined : this.#open.get(id);
  }

  #apply(occurrence: Occurrence, input: AlertInput, atMs: number): boolean {
    const result = advance(occurrence, input);
    this.#keep(occurrence.id, result.occurrence, result.steps, atMs);
    return result.steps.length > 0;
  }

  #keep(id: string, occurrence: Occurrence | null, steps: readonly AlertStep[], atMs: number): void {
    if (occurrence !== null) {
      this.#open.set(id, occurrence);
      this.#byRule.set(keyOf(occurrence.machine, occurrence.rule), id);
      if (occurrence.mask?.kind !== 'shelved') this.#shelves.delete(id);
    } else {
      const closed = this.#open.get(id);
      this.#open.delete(id);
      this.#shelves.delete(id);
      if (closed !== undefined) this.#byRule.delete(keyOf(closed.machine, closed.rule));
    }
    for (const step of steps) this.#ports.step(step, Math.round(atMs));
  }

  #noteRaised(now: Now): void {
    this.#raised++;
    this.#recent.push(now.monotonicMs);
    this.#judgeFlood(now);
  }

  #judgeFlood(now: Now): void {
    while (this.#recent.length > 0 && (this.#recent[0] ?? 0) < now.monotonicMs - floodWindowMs) this.#recent.shift();
    const flood = this.#recent.length > floodAlerts;
    if (flood === this.#flood) return;
    this.#flood = flood;
    if (flood) this.#floods++;
    this.#ports.flood(flood ? 'opened' : 'closed', Math.round(now.wallMs), this.#recent.length);
  }
}

const keyOf = (machine: string, rule: string) => `${machine} ${rule}`;
