/**
 * A map turns the body of a machine into what its controller shows: canonical signals, rounded as its registers round them.
 * Maps are written by hand from docs/machines.md; the encoders beside them put the same numbers on the wire.
 */
export type Value = number | string | boolean;

/** States a watcher can conclude; OFFLINE is set by the floor while a machine is dropped off. */
export type CanonicalState = 'RUN' | 'IDLE' | 'STOP_MATERIAL' | 'FAULT' | 'SETUP' | 'MAINTENANCE' | 'OFFLINE';

export interface Condition {
  readonly state: CanonicalState;
  /** Canonical stop cause, dotted; null where nothing stopped the machine. */
  readonly cause: string | null;
}

export interface ShownSignal {
  readonly signal: string;
  readonly kind: 'gauge' | 'counter' | 'flag' | 'code' | 'text';
}

export interface CounterSpec {
  readonly signal: string;
  /** The number after the highest one the counter can show. */
  readonly wrapsAt: number;
}

/** What a counter shows now, by its signal. */
export type ShownCounter = (signal: string) => number;

export interface MachineMap<Body> {
  readonly name: string;
  readonly signals: readonly ShownSignal[];
  readonly counters: readonly CounterSpec[];
  /** Values in the order of `signals`, each already at the resolution of its register, in its canonical unit. */
  show(body: Body, counter: ShownCounter): Value[];
  condition(body: Body): Condition;
}

/** Rounds to a register's resolution: `digits` decimals, free of binary dust, never −0. */
export function rounded(value: number, digits: number): number {
  const scale = 10 ** digits;
  return (Math.round(value * scale) + 0) / scale;
}

const words = 65_536;

/** Unsigned 32 bits as two registers, high word first. */
export function highLow(value: number): [high: number, low: number] {
  return [Math.floor(value / words) % words, value % words];
}

/** A signed 16-bit number as its two's complement register. */
export function signed16(value: number): number {
  return value < 0 ? value + words : value;
}
