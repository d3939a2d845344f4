/**
 * Writes to machines as people make them: proposed, confirmed within a minute, sent once, and put down in the audit at each step.
 *
 * Invariants (test/unit/writes/desk.test.ts):
 *  W1  Nothing is sent to a machine whose configuration does not enable it, and nothing without a proposal and its confirmation, with
 *      the proposed value said again.
 *  W2  Before anything is sent its intent is durable in the audit; where it cannot be stored nothing is sent.
 *  W3  A proposal is sent at most once, within its minute, and only while the machine still has the value the proposal showed.
 *  W4  One proposal or write of a machine at a time, and a pause between two.
 */
import { isWritable, type Driver, type SetPoint, type SetPointValue, type Writable } from '../../drivers/contract.ts';
import type { WriteResult } from '../../drivers/contract.ts';
import { driverErrors } from '../../drivers/errors.ts';
import { agentErrors } from '../errors.ts';
import type { AuditEntry } from '../store/audit-entry.ts';

export type WriteRefusalKey = Extract<keyof typeof agentErrors, `write${string}`>;
export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly refusal: WriteRefusalKey; readonly detail: string };

/** A write as the page shows it. */
export interface WriteView {
  readonly id: string;
  readonly machine: string;
  readonly setPoint: string;
  readonly unit: string;
  readonly from: SetPointValue;
  readonly to: SetPointValue;
  readonly reason: string;
  readonly proposedBy: string;
  readonly confirmedBy: string | null;
  /** UTC ms of the newest step. */
  readonly atMs: number;
  readonly state: 'proposed' | 'sent' | 'done' | 'dropped';
  /** UTC ms until which it may be confirmed; null once it is no proposal any more. */
  readonly expiresAtMs: number | null;
  readonly outcome: AuditEntry['outcome'];
  readonly detail: string | null;
  readonly readBack: SetPointValue | null;
}

export interface SetPointView extends SetPoint {
  /** What the machine has now; null where it cannot be read. */
  readonly current: SetPointValue | null;
}

export interface Proposing {
  readonly machine: string;
  readonly setPoint: string;
  readonly value: SetPointValue;
  readonly reason: string;
}

export interface WriteDeskParts {
  /** The machines whose configuration enables writing, with the driver that reads them. */
  readonly enabled: ReadonlyMap<string, Writable>;
  /** Durable when resolved. */
  readonly audit: (entry: AuditEntry) => Promise<unknown>;
  /** Of the past; newest first. */
  readonly history: (limit: number, cursor: string | null) => Promise<AuditPage>;
  readonly clock: { wallMs(): number; monotonicMs(): number };
  readonly makeId: () => string;
  readonly log: (level: 'info' | 'error', message: string, fields: Record<string, unknown>) => void;
}
interface AuditPage {
  readonly items: readonly AuditEntry[];
  readonly next: string | null;
}

/** How long a proposal may be confirmed, in ms. */
export const proposalLifeMs = 60_000;
/** Between two writes of one machine, in ms. */
export const pauseMs = 5_000;
/** Proposals of the whole gateway within a minute. */
export const maxProposalsPerMinute = 30;
const problemOfOutcome = {
  written: null,
  refused: driverErrors.writeRefused,
  unknown: driverErrors.writeUnknown,
  'not-sent': driverErrors.writeNotSent,
  'not-allowed': driverErrors.writeNotAllowed,
} as const;
/** From the confirmation until the write has left, in ms; later it does not leave any more. */
const sendWithinMs = 5_000;

interface Open {
  entry: AuditEntry;
  readonly untilMs: number;
  readonly expiresAtMs: number;
  phase: 'proposed' | 'sending';
}

/** The machines of `machines` that are enabled, each with its driver. A driver that cannot write has none. */
export function writableMachines(drivers: readonly Driver[], isEnabled: (machine: string) => boolean) {
  const found = new Map<string, Writable>();
  for (const driver of drivers) {
    if (!isWritable(driver)) continue;
    for (const machine of driver.machines) if (isEnabled(machine)) found.set(machine, driver);
  }
  return found;
}

export class WriteDesk {
  readonly #parts: WriteDeskParts;
  /** By machine. */
  readonly #open = new Map<string, Open>();
  readonly #nextMs = new Map<string, number>();
  #proposedMs: number[] = [];

  constructor(parts: WriteDeskParts) {
    this.#parts = parts;
  }

  /** The machines that may be written to. */
  machines(): string[] {
    return [...this.#parts.enabled].flatMap(([machine, driver]) =>
      driver.setPoints(machine).length > 0 ? machine : [],
    );
  }

  /** What may be written to a machine, with what it has now. */
  async setPoints(machine: string): Promise<Outcome<SetPointView[]>> {
    const driver = this.#parts.enabled.get(machine);
    if (driver === undefined) return refuse('writesOff', machine);
    const views: SetPointView[] = [];
    // One after the other: a page that looks must not take the turns of the polls.
    for (const info of driver.setPoints(machine)) {
      views.push({ ...info, current: await driver.readSetPoint(machine, info.name) });
    }
    return { ok: true, value: views };
  }

  async propose({ machine, setPoint, value, reason }: Proposing, actor: string): Promise<Outcome<WriteView>> {
    const driver = this.#parts.enabled.get(machine);
    if (driver === undefined) return refuse('writesOff', machine);
    const info = driver.setPoints(machine).find((one) => one.name === setPoint);
    if (info === undefined) return refuse('writeUnknownSetPoint', `${machine} ${setPoint}`);
    const wrong = problemOf(info, value);
    if (wrong !== null) return refuse('writeValueRefused', wrong);
    const nowMs = this.#parts.clock.monotonicMs();
    await this.#dropOld(nowMs);
    if (this.#open.has(machine)) return refuse('writeBusy', machine);
    this.#proposedMs = this.#proposedMs.filter((ms) => ms > nowMs - 60_000);
    if (this.#proposedMs.length >= maxProposalsPerMinute || (this.#nextMs.get(machine) ?? 0) > nowMs)
      return refuse('writeTooOften', machine);
    this.#proposedMs.push(nowMs);
    const atMs = this.#parts.clock.wallMs();
    const entry: AuditEntry = {
      write: this.#parts.makeId(),
      step: 'proposed',
      atMs,
      monotonicMs: nowMs,
      proposedBy: actor,
      confirmedBy: null,
      machine,
      setPoint,
      unit: info.unit,
      from: value,
      to: value,
      reason,
      outcome: null,
      detail: null,
      readBack: null,
    };
    const open: Open = { entry, untilMs: nowMs + proposalLifeMs, expiresAtMs: atMs + proposalLifeMs, phase: 'sending' };
    // Taken at once, so that of two proposals at the same moment one is refused.
    this.#open.set(machine, open);
    try {
      const from = await driver.readSetPoint(machine, setPoint);
      if (from === null) return this.#giveUp(open, 'writeMachineUnread', machine);
      open.entry = { ...entry, from };
      if (!(await this.#audited(open.entry))) return this.#giveUp(open, 'writeUnaudited', machine);
      open.phase = 'proposed';
      return { ok: true, value: viewOf(open.entry, open) };
    } catch (error) {
      this.#open.delete(machine);
      throw error;
    }
  }

  /** The proposed value said again by somebody who may. */
  async confirm(id: string, value: SetPointValue, actor: string): Promise<Outcome<WriteView>> {
    await this.#dropOld(this.#parts.clock.monotonicMs());
    const open = this.#find(id);
    const driver = open === undefined ? undefined : this.#parts.enabled.get(open.entry.machine);
    if (open === undefined || driver === undefined) return refuse('writeGone', id);
    const { machine, setPoint, from, to } = open.entry;
    if (value !== to) return refuse('writeUnconfirmed', 'another value than was proposed');
    open.phase = 'sending';
    open.entry = { ...open.entry, confirmedBy: actor };
    try {
      const now = await driver.readSetPoint(machine, setPoint);
      if (now !== from) {
        const refusal = now === null ? 'writeMachineUnread' : 'writeStale';
        await this.#end(open, 'dropped', { outcome: 'dropped', detail: now === null ? 'not-read' : 'value-changed' });
        return refuse(refusal, machine);
      }
      if (this.#parts.clock.monotonicMs() > open.untilMs) {
        await this.#end(open, 'dropped', { outcome: 'dropped', detail: 'expired' });
        return refuse('writeGone', id);
      }
      if (!(await this.#audited(this.#stamped({ ...open.entry, step: 'intent' }))))
        return refuse('writeUnaudited', machine);
      this.#nextMs.set(machine, this.#parts.clock.monotonicMs() + pauseMs);
      const result = await driver.write(machine, setPoint, to, this.#parts.clock.monotonicMs() + sendWithinMs);
      const entry = await this.#end(open, 'result', told(result));
      const problem = problemOfOutcome[result.outcome];
      if (problem === null) this.#parts.log('info', 'a set-point was written', { ...entry });
      else this.#parts.log('error', problem.meaning, { code: problem.code, cure: problem.cure, ...entry });
      return { ok: true, value: viewOf(entry, undefined) };
    } finally {
      if (this.#open.get(machine) === open) this.#open.delete(machine);
    }
  }

  /** Takes a proposal back. */
  async drop(id: string): Promise<Outcome<WriteView>> {
    const open = this.#find(id);
    if (open === undefined) return refuse('writeGone', id);
    this.#open.delete(open.entry.machine);
    const entry = await this.#end(open, 'dropped', { outcome: 'dropped', detail: 'taken-back' });
    return { ok: true, value: viewOf(entry, undefined) };
  }

  /** Newest first. What has begun and has no end in the audit, and is not open here, ended with the agent. */
  async history(limit: number, cursor: string | null): Promise<{ items: WriteView[]; next: string | null }> {
    await this.#dropOld(this.#parts.clock.monotonicMs());
    const { items, next } = await this.#parts.history(limit, cursor);
    const open = new Map([...this.#open.values()].map((one) => [one.entry.write, one]));
    return { items: items.map((entry) => viewOf(entry, open.get(entry.write))), next };
  }

  #find(id: string): Open | undefined {
    return [...this.#open.values()].find((one) => one.entry.write === id && one.phase === 'proposed');
  }

  async #dropOld(nowMs: number): Promise<void> {
    for (const open of this.#open.values()) {
      if (open.phase !== 'proposed' || nowMs <= open.untilMs) continue;
      this.#open.delete(open.entry.machine);
      await this.#end(open, 'dropped', { outcome: 'dropped', detail: 'expired' });
    }
  }

  /** The last step of a write. It has happened, whether it can be put down or not. */
  async #end(
    open: Open,
    step: 'result' | 'dropped',
    end: Pick<AuditEntry, 'outcome' | 'detail'> & { readonly readBack?: SetPointValue | null },
  ): Promise<AuditEntry> {
    const entry = this.#stamped({ ...open.entry, step, ...end });
    await this.#audited(entry);
    return entry;
  }

  #stamped(entry: AuditEntry): AuditEntry {
    return { ...entry, atMs: this.#parts.clock.wallMs(), monotonicMs: this.#parts.clock.monotonicMs() };
  }

  async #audited(entry: AuditEntry): Promise<boolean> {
    try {
      await this.#parts.audit(entry);
      return true;
    } catch (error) {
      const { code, cure } = agentErrors.writeUnaudited;
      this.#parts.log('error', 'a step of a write could not be stored', { code, cure, ...entry, error: String(error) });
      return false;
    }
  }

  #giveUp(open: Open, refusal: WriteRefusalKey, detail: string): Outcome<never> {
    this.#open.delete(open.entry.machine);
    return refuse(refusal, detail);
  }
}

function refuse(refusal: WriteRefusalKey, detail: string): Outcome<never> {
  return { ok: false, refusal, detail };
}

/** Why a value is not one of a set-point, or null. What a step is the driver decides to the last bit. */
function problemOf({ kind, range, step }: SetPoint, value: SetPointValue): string | null {
  const [lowest, highest] = range;
  if (typeof value !== (kind === 'switch' ? 'boolean' : 'number')) return `a ${kind} is expected`;
  const number = Number(value);
  if (!(number >= lowest && number <= highest)) return `${String(value)} is not in ${lowest} … ${highest}`;
  if (step === null) return null;
  const steps = (number - lowest) / step;
  return Math.abs(steps - Math.round(steps)) <= 1e-6 + Math.abs(steps) * 1e-13
    ? null
    : `${number} is not ${lowest} + n × ${step}`;
}

function told(result: WriteResult): Pick<AuditEntry, 'outcome' | 'detail' | 'readBack'> {
  const { outcome } = result;
  switch (outcome) {
    case 'written':
      return { outcome, detail: null, readBack: result.readBack };
    case 'refused':
      return { outcome, detail: `modbus-exception-${result.exception}`, readBack: result.readBack };
    case 'unknown':
      return { outcome, detail: result.reason, readBack: result.readBack };
    case 'not-sent':
    case 'not-allowed':
      return { outcome, detail: result.reason, readBack: null };
  }
}

function viewOf(entry: AuditEntry, open: Open | undefined): WriteView {
  const { write: id, step, monotonicMs: _, ...rest } = entry;
  if (open !== undefined) {
    const isProposed = step === 'proposed';
    return { id, ...rest, state: isProposed ? 'proposed' : 'sent', expiresAtMs: isProposed ? open.expiresAtMs : null };
  }
  const ended = { id, ...rest, expiresAtMs: null };
  switch (step) {
    case 'result':
      return { ...ended, state: 'done' };
    case 'dropped':
      return { ...ended, state: 'dropped' };
    case 'proposed':
      return { ...ended, state: 'dropped', outcome: 'dropped', detail: 'agent-ended' };
    case 'intent':
      return { ...ended, state: 'done', outcome: 'unknown', detail: 'agent-ended' };
  }
}
