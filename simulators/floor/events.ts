/** What happens on a floor, in model time. */
import type { CanonicalState, Value } from '../maps/map.ts';
import type { Expectation, FaultName, ScenarioDisturbance } from '../scenario/schema.ts';

interface EventBase {
  /** Milliseconds of model time after the start. */
  readonly atMs: number;
  readonly machine: string;
}
interface FaultEvent extends EventBase {
  readonly id: string;
  readonly fault: FaultName;
  readonly expect: Expectation;
  /** Of a fault of the cloth: the needle, and how much was on the roll, m. */
  readonly cloth?: { readonly needle: number; readonly rollM: number };
  /** Of a bent needle: where on the turn of the shaft it strikes, degrees. */
  readonly shaftDegrees?: number;
}
export type FloorEvent =
  | (EventBase & { readonly kind: 'state'; readonly state: CanonicalState; readonly cause: string | null })
  | (FaultEvent & { readonly kind: 'fault' })
  | (FaultEvent & { readonly kind: 'clear' })
  | (EventBase & { readonly kind: 'counter'; readonly signal: string; readonly value: number; readonly shown: number })
  | (EventBase & { readonly kind: 'gauge'; readonly signal: string; readonly value: number })
  /** A flag, code or word that changed. */
  | (EventBase & { readonly kind: 'status'; readonly signal: string; readonly value: Value })
  | (EventBase & { readonly kind: 'piece'; readonly signal: string; readonly value: number })
  | (EventBase & { readonly kind: 'disturbance'; readonly disturbance: ScenarioDisturbance });
