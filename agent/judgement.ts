/**
 * The second half of the pipeline: state machine and rules → alerts.
 *
 * Invariants:
 *  - No alert but `offline` comes from a gap or a bad reading.
 *  - An alert leaves in the same call in which its condition was judged, marked urgent.
 */
import type { MachineState } from '../cloud-bridge/contract.ts';
import type { Reading } from '../drivers/contract.ts';
import type { AlertDesk } from './alerts/desk.ts';
import { resetEvent } from './counters/events.ts';
import type { ResetGroup } from './counters/resets.ts';
import type { Journaling } from './journaling.ts';
import type { LineTime } from './line-time.ts';
import type { Instant } from './rules/conditions.ts';
import type { Watched } from './watched.ts';

export interface JudgementParts {
  readonly line: LineTime;
  readonly journal: Journaling;
  readonly desk: AlertDesk;
}

export class Judgement {
  readonly #parts: JudgementParts;

  constructor(parts: JudgementParts) {
    this.#parts = parts;
  }

  /** What the machine shows is one picture now: its state, and what the rules say. `at` is its newest reading. */
  picture(machine: Watched, at: Reading, isPast = false): void {
    machine.group++;
    const tMs = this.#parts.line.of(at, isPast);
    if (!machine.openGap) {
      machine.openGap ??= null;
      const { state, cause } = machine.stateReader.verdict();
      this.state(machine, tMs, state, cause);
      for (const { signal, code } of machine.stateReader.newUnknownCodes()) {
        this.#parts.journal.instant(machine.id, tMs, 'unknown_code', { signal, code });
      }
    }
    this.rules(machine, { wallMs: at.sourceTimeMs, monotonicMs: at.monotonicMs });
  }

  /** What time alone changes. */
  tick(machine: Watched, now: Instant): void {
    this.#offlineWhenSilent(machine, now);
    this.rules(machine, now);
    this.resets(machine, now.monotonicMs);
  }

  #offlineWhenSilent(machine: Watched, now: Instant): void {
    const gap = machine.openGap;
    if (!gap || machine.state === 'OFFLINE') return;
    if (now.monotonicMs - gap.since.monotonicMs >= machine.offlineAfterS * 1000) {
      this.state(machine, gap.lineMs, 'OFFLINE', null);
    }
  }

  state(machine: Watched, tMs: number, state: MachineState, cause: string | null): void {
    const before = machine.timeline.current;
    if (before.state === state && before.cause === cause) return;
    machine.timeline.set(tMs, state, cause);
    machine.rollup.stateChanged(tMs);
    const { tMs: atMs } = machine.timeline.current;
    this.#parts.journal.instant(machine.id, atMs, 'state_changed', { from: before.state, to: state, cause });
  }

  rules(machine: Watched, at: Instant): void {
    machine.now = at;
    const { desk, line } = this.#parts;
    const now = line.now();
    for (const watch of machine.watches) {
      const { rule } = watch;
      const suppressed = rule.suppressIn.includes(machine.state);
      const output = watch.judge(machine, now.wallMs);
      switch (output?.kind) {
        case 'activate':
          desk.activate(machine.id, rule, output.activation, output.chattering, suppressed, now);
          break;
        case 'clear':
          desk.clear(machine.id, rule.id, output.clearedMs, now);
          break;
        case 'confirm':
          desk.confirm(machine.id, rule.id, now);
          break;
        case undefined:
          break;
      }
      if (rule.suppressIn.length > 0) desk.suppress(machine.id, rule.id, suppressed, now);
    }
  }

  /** One event for the counters that were reset together, once all of them were read after it. */
  resets(machine: Watched, monotonicMs: number): void {
    this.#reset(machine, machine.resets.take(Math.min(...machine.counterReadMs), monotonicMs));
  }

  /** At the stop: whichever were read. */
  lastResets(machine: Watched): void {
    this.#reset(machine, machine.resets.flush());
  }

  #reset(machine: Watched, group: ResetGroup | null): void {
    if (group !== null) this.#parts.journal.event(resetEvent(machine.id, group));
  }
}
