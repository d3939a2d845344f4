/**
 * The minutes of one machine over a span in which the gateway did not know the time, folded from the dated readings of the ring.
 * What was not worth storing is not there: `samples` and `good` count stored readings, values hold between them. Counters and states
 * are exact, as every change of them is stored.
 *
 * Invariants (test/unit/dating/fold.test.ts):
 *  N1  The fold of the same readings is the same, key by key, so it may be done again after a kill.
 *  N2  Seconds by state add up to the span, and over to the start of the next process where that is known.
 *  N3  Deltas join: the first counts on from where the process before ended.
 */
import { advanceCounter, baseFromBefore, type CounterBase, type CounterPoint } from '../counters/counter.ts';
import { restartsOf, type Restarts } from '../counters/restarts.ts';
import { modelMachine, type MachineModel, type MachineSetup, type SignalModel } from '../machine.ts';
import { sourceTimeUsable } from '../quality/check.ts';
import type { StoredReading } from '../ring/block.ts';
import { rank } from '../rollup/sums.ts';
import { counterSpec } from '../rollup/columns.ts';
import { MachineRollup, minuteOf, type SummaryDraft } from '../rollup/rollup.ts';
import { MachineStateReader } from '../states/machine-state.ts';
import { StateTimeline } from '../states/timeline.ts';
import type { FoldSpan } from '../store/dating.ts';

const minuteMs = 60_000;

/** What is folded, as the configuration has it. */
export interface FoldMachine {
  readonly setup: MachineSetup;
  /** A gap at least this long is OFFLINE. */
  readonly offlineAfterS: number;
}
export interface FoldOptions {
  /** Seconds of readings in one ring block. */
  readonly ringBlockS: number;
  readonly sealAfterS: number;
  readonly lateS: number;
}

export class SpanFold {
  readonly #machine: FoldMachine;
  readonly #model: MachineModel;
  readonly #span: FoldSpan;
  readonly #options: FoldOptions;
  readonly #timeline: StateTimeline;
  readonly #rollup: MachineRollup;
  readonly #reader: MachineStateReader;
  readonly #restarts: Restarts | null;
  readonly #bases: (CounterBase | null)[];
  readonly #holeMs: number;
  #heardMs: number;
  #gapMs: number | null = null;

  /** @param bases where counters stood before the span, by signal */
  constructor(machine: FoldMachine, span: FoldSpan, bases: ReadonlyMap<string, CounterPoint>, options: FoldOptions) {
    const { setup } = machine;
    this.#machine = machine;
    this.#span = span;
    this.#options = options;
    this.#model = modelMachine(setup);
    const { signals } = this.#model;
    const startMs = Math.round(span.fromMs);
    this.#timeline = new StateTimeline({ tMs: startMs, state: 'UNKNOWN', cause: null });
    const key = { boot: span.boot, segment: 0 };
    const rollupOptions = { ...options, openMinuteEveryS: 60, byException: true };
    this.#rollup = new MachineRollup(this.#model, this.#timeline, key, rollupOptions);
    this.#reader = new MachineStateReader(setup.profile, setup.firmware);
    this.#restarts = restartsOf(this.#model);
    this.#bases = signals.map((signal) => {
      const [counter, before] = [counterSpec(signal), bases.get(signal.name)];
      return counter === null || before === undefined ? null : baseFromBefore(before, counter, startMs);
    });
    for (const [index, base] of this.#bases.entries()) if (base !== null) this.#rollup.setBase(index, base);
    // A source that tells changes only may be silent for long.
    const polled = signals.some((signal) => signal.intervalMs !== null);
    this.#holeMs = polled ? (2 * options.ringBlockS + 1) * 1000 : Infinity;
    this.#heardMs = startMs;
    this.#rollup.due(startMs);
  }

  /** Takes the readings of a block; gives the minutes that are complete since. */
  add(readings: readonly StoredReading[]): SummaryDraft[] {
    const untilMs = this.#span.untilMs ?? Infinity;
    const timed = readings
      .map((reading) => ({ reading, tMs: this.#timeOf(reading) }))
      .filter(({ tMs }) => tMs < untilMs)
      .sort((a, b) => a.tMs - b.tMs);
    for (const [i, { reading, tMs }] of timed.entries()) {
      if (reading.reason?.startsWith('gap-') === true) this.#gap(tMs);
      else this.#reading(reading, tMs, timed[i + 1]?.tMs === tMs);
    }
    return timed.length === 0 ? [] : this.#rollup.due(this.#heardMs);
  }

  /** The end of the span: what is still open. */
  finish(): SummaryDraft[] {
    const { untilMs, limitMs } = this.#span;
    if (untilMs !== null) {
      this.#offline(untilMs);
      const drafts = this.#rollup.due(untilMs);
      return [...drafts, ...this.#rollup.seal(untilMs)];
    }
    // The process ended; from its last reading on nobody watched.
    this.#offline(this.#heardMs);
    this.#timeline.set(this.#heardMs, 'UNKNOWN', null);
    this.#rollup.gapOpened(this.#heardMs);
    const lastMinuteMs = minuteOf(this.#heardMs);
    const endMs = limitMs === null ? this.#heardMs : Math.min(limitMs, lastMinuteMs + minuteMs);
    const drafts = [...this.#rollup.due(this.#heardMs), ...this.#rollup.seal(endMs)];
    if (limitMs !== null && minuteOf(limitMs) > lastMinuteMs) drafts.push(...this.#beforeNextStart(limitMs));
    return drafts;
  }

  /** The seconds of the minute in which the next process started: its own partial begins there. */
  #beforeNextStart(limitMs: number): SummaryDraft[] {
    const fromMs = minuteOf(limitMs);
    if (limitMs <= fromMs) return [];
    return [
      {
        kind: 'state-summary',
        machine: this.#model.setup.id,
        atMs: Math.round(limitMs),
        minuteMs: fromMs,
        readingBoot: this.#span.boot,
        segment: 0,
        revision: 1,
        seconds: { UNKNOWN: Math.round(limitMs - fromMs) / 1000 },
        causes: {},
      },
    ];
  }

  #timeOf(reading: StoredReading): number {
    const { sourceTimeMs, receivedTimeMs, signal, reason, value } = reading;
    if (reason?.startsWith('gap-') === true) return sourceTimeMs;
    const whole = { sourceTimeMs, receivedTimeMs, monotonicMs: 0, machine: '', signal };
    const usable = sourceTimeUsable({ ...whole, quality: 'good', value: value ?? 0 }, this.#options.lateS * 1000);
    return usable ? sourceTimeMs : receivedTimeMs;
  }

  #gap(tMs: number): void {
    if (this.#gapMs !== null) return;
    this.#gapMs = tMs;
    this.#reader.forget();
    this.#timeline.set(tMs, 'UNKNOWN', null);
    this.#rollup.gapOpened(tMs);
  }

  #offline(untilMs: number): void {
    if (this.#gapMs === null || untilMs - this.#gapMs < this.#machine.offlineAfterS * 1000) return;
    this.#timeline.set(this.#gapMs, 'OFFLINE', null);
  }

  #reading(reading: StoredReading, tMs: number, more: boolean): void {
    if (this.#gapMs !== null) {
      this.#offline(tMs);
      this.#rollup.gapClosed(this.#gapMs, tMs);
      this.#gapMs = null;
    } else if (tMs - this.#heardMs > this.#holeMs) {
      this.#timeline.set(this.#heardMs, 'UNKNOWN', null);
      this.#rollup.gapClosed(this.#heardMs, tMs);
    }
    this.#heardMs = Math.max(this.#heardMs, tMs);
    const index = this.#model.indexOf.get(reading.signal);
    const signal = index === undefined ? undefined : this.#model.signals[index];
    if (index === undefined || signal === undefined) return;
    const { value, quality } = reading;
    if (signal.spec.kind === 'gauge' || signal.spec.kind === 'counter') {
      this.#rollup.add(index, tMs, typeof value === 'number' ? value : NaN, rank[quality]);
    }
    if (signal.decidesState) this.#reader.put(signal.name, value);
    if (quality === 'good' && this.#restarts?.index === index) {
      const restarted = this.#restarts.watch.read(tMs, Number(value));
      if (restarted !== null) this.#rollup.reset(restarted);
    }
    if (quality === 'good' && typeof value === 'number') this.#count(signal, tMs, value);
    // All readings of one instant together are one picture of the machine.
    if (more) return;
    const { state, cause } = this.#reader.verdict();
    this.#timeline.set(tMs, state, cause);
  }

  #count(signal: SignalModel, tMs: number, value: number): void {
    const spec = counterSpec(signal);
    if (spec === null) return;
    const { base, step } = advanceCounter(spec, this.#bases[signal.index] ?? null, { tMs, value }, []);
    this.#bases[signal.index] = base;
    if (step?.kind === 'reset') this.#rollup.reset({ afterMs: step.from.tMs, untilMs: step.to.tMs });
  }
}
