/**
 * The first half of the pipeline: reading batch → quality & gap check → canonical signals → ring + rollups.
 *
 * Invariant: no reading, no gap. Whatever is wrong or missing is a bad reading, a gap record or a counter in `counts`.
 */
import type { GapEvent, Reading, ReadingsEvent } from '../drivers/contract.ts';
import { advanceCounter } from './counters/counter.ts';
import { implausibleEvent } from './counters/events.ts';
import type { Journaling } from './journaling.ts';
import type { Judgement } from './judgement.ts';
import type { LineTime } from './line-time.ts';
import { asChecked, checkReading, inTimeOrder } from './quality/check.ts';
import { rank } from './rollup/sums.ts';
import type { RingBlock } from './store/store.ts';
import type { Watched } from './watched.ts';

export interface IntakeParts {
  readonly line: LineTime;
  readonly journal: Journaling;
  readonly judgement: Judgement;
  readonly ring: (block: RingBlock | null) => void;
}

export class Intake {
  readonly #parts: IntakeParts;
  readonly counts = { readings: 0, bad: 0, sourceTimeUnusable: 0, tooLate: 0, unknownSignal: 0 };

  constructor(parts: IntakeParts) {
    this.#parts = parts;
  }

  /** What one poll, notification or line brought. */
  readings(machine: Watched, event: ReadingsEvent): void {
    const { judgement } = this.#parts;
    const isPast = event.past !== undefined;
    if (event.past !== undefined) this.#filled(machine, event, event.past);
    let last: Reading | null = null;
    for (const reading of inTimeOrder(event.readings)) {
      const index = machine.model.indexOf.get(reading.signal);
      if (index === undefined) {
        this.counts.unknownSignal++;
        continue;
      }
      // One batch may hold a signal several times; what is there before it comes again is one picture of the machine.
      if (machine.seenInGroup[index] === machine.group && last !== null) judgement.picture(machine, last, isPast);
      machine.seenInGroup[index] = machine.group;
      this.#reading(machine, index, reading, isPast);
      last = reading;
    }
    if (last !== null) judgement.picture(machine, last, isPast);
    judgement.resets(machine, last?.monotonicMs ?? this.#parts.line.now().monotonicMs);
  }

  #reading(machine: Watched, index: number, reading: Reading, isPast: boolean): void {
    const signal = machine.model.signals[index];
    if (signal === undefined) return;
    this.counts.readings++;
    machine.readings++;
    const checked = checkReading(signal, reading);
    if (!isPast && !this.#parts.line.isUsable(reading)) this.counts.sourceTimeUnusable++;
    if (checked.quality === 'bad') this.counts.bad++;
    else machine.lastGoodMs = reading.receivedTimeMs;
    this.#parts.ring(machine.ring.offer(signal, asChecked(reading, checked)));

    const tMs = this.#parts.line.of(reading, isPast);
    const { value, quality } = checked;
    if (signal.spec.kind === 'gauge' || signal.spec.kind === 'counter') {
      const number = typeof value === 'number' ? value : NaN;
      const inTime = machine.rollup.add(index, tMs, number, rank[quality]);
      if (!inTime && tMs >= this.#parts.line.datedFromMs) this.counts.tooLate++;
    }
    const newer = machine.present.put(
      index,
      value,
      quality,
      checked.reason,
      tMs,
      reading.sourceTimeMs,
      reading.monotonicMs,
    );
    if (!newer) return;
    if (signal.decidesState) machine.stateReader.put(signal.name, value);
    if (quality === 'good' && machine.restarts?.index === index) {
      const span = machine.restarts.watch.read(tMs, Number(value));
      if (span !== null) machine.rollup.reset(span);
    }
    if (quality === 'good' && typeof value === 'number') this.#counter(machine, index, tMs, value, reading.monotonicMs);
  }

  /** Of these signals the source remembers the span, so its gap is none of theirs. The gap's record stays as it is. */
  #filled(
    machine: Watched,
    { readings }: ReadingsEvent,
    past: { readonly fromMs: number; readonly toMs: number },
  ): void {
    const { line } = this.#parts;
    for (const signal of new Set(readings.map((reading) => reading.signal))) {
      const index = machine.model.indexOf.get(signal);
      if (index !== undefined) machine.rollup.filled(index, line.atWall(past.fromMs), line.atWall(past.toMs));
    }
  }

  #counter(machine: Watched, index: number, tMs: number, value: number, monotonicMs: number): void {
    const spec = machine.counterSpecs[index];
    const signal = machine.model.signals[index];
    if (spec === null || spec === undefined || signal === undefined) return;
    machine.counterReadMs[index] = tMs;
    const { base, step } = advanceCounter(spec, machine.counterBases[index] ?? null, { tMs, value }, []);
    machine.counterBases[index] = base;
    // Handed over after the time became known, but of before: its step is folded with that span, and the minutes go on behind it.
    if (base !== null && tMs < this.#parts.line.datedFromMs) machine.rollup.setBase(index, base);
    if (step?.kind === 'reset') {
      machine.rollup.reset({ afterMs: step.from.tMs, untilMs: step.to.tMs });
      machine.resets.note(signal.name, step, monotonicMs);
    } else if (step?.kind === 'implausible') {
      machine.noteImplausible(signal.name, monotonicMs);
      this.#parts.journal.event(implausibleEvent(machine.id, signal.name, step));
    }
  }

  /** A span in which the machine was not read begins or is over. */
  gap(machine: Watched, event: GapEvent): void {
    const { line, judgement, journal } = this.#parts;
    const now = line.now();
    // Since the gap opened the wall clock may have been stepped, and what is on the line has moved along.
    const known = event.phase === 'closed' ? (machine.openGap ?? null) : null;
    const fromMs = known?.fromMs ?? event.fromMs;
    const lineMs = known?.lineMs ?? line.atWall(event.fromMs);
    const toMs = event.toMs === null ? null : Math.max(fromMs, Math.min(event.toMs, now.wallMs));
    if (event.phase === 'opened') {
      // On the line, which a step of the wall clock has moved along with everything on it.
      const agoMs = Math.max(0, line.atMonotonic(now.monotonicMs) - lineMs);
      const since = { wallMs: event.fromMs, monotonicMs: now.monotonicMs - agoMs };
      machine.openGap = { fromMs: event.fromMs, lineMs, since, reason: event.reason };
      machine.present.forget(`gap-${event.reason}`);
      machine.stateReader.forget();
      machine.ring.gap(
        { sourceTimeMs: event.fromMs, receivedTimeMs: now.wallMs, monotonicMs: now.monotonicMs },
        event.reason,
      );
      machine.rollup.gapOpened(lineMs);
      judgement.state(machine, lineMs, 'UNKNOWN', null);
    } else {
      machine.openGap = null;
      machine.rollup.gapClosed(lineMs, line.atWall(toMs ?? now.wallMs));
    }
    journal.event({
      machine: machine.id,
      atMs: Math.round(toMs ?? (event.phase === 'opened' ? fromMs : now.wallMs)),
      event: 'gap',
      phase: event.phase,
      fromMs: Math.round(fromMs),
      data: { reason: event.reason },
    });
    judgement.rules(machine, now);
  }
}
