/** What every simulated machine's server can do, whatever it speaks. The runner knows servers by this file alone. */
import type { Value } from '../maps/map.ts';
import type { ScenarioDisturbance } from '../scenario/schema.ts';

export interface MachineServer {
  /** URL a client connects to. Valid after `start`. */
  readonly endpoint: string;
  /** SHA-256 of the server's DER certificate, lower-case hex; null where the protocol has none. */
  readonly fingerprint: string | null;
  /** Opens the port. Rejects with SIM-104 or SIM-105. */
  start(): Promise<void>;
  /** Takes over everything the machine shows from `timeMs` (UTC) on, at once: no reply ever mixes two ticks. */
  latch(values: ReadonlyMap<string, Value>, timeMs: number): void;
  /** false: connections are cut and new ones refused, as if the machine had been switched off. */
  setLink(up: boolean): void;
  disturb(disturbance: ScenarioDisturbance): void;
  /** Clients connected now. */
  readonly clients: number;
  /** What came in and would have changed something at the machine: refused requests, or bytes on a line that only talks. */
  readonly writes: number;
  /** Closes everything; no timer or socket is left. */
  stop(): Promise<void>;
}

/** Timers of a server, passed in so that tests own them. */
export interface Timers {
  after(delayMs: number, action: () => void): () => void;
}

/** Timers of the process; every one is cancelled by `clear`. */
export function createTimers(): Timers & { clear(): void } {
  const pending = new Set<NodeJS.Timeout>();
  return {
    after(delayMs, action) {
      const timer = setTimeout(() => {
        pending.delete(timer);
        action();
      }, delayMs);
      pending.add(timer);
      return () => {
        clearTimeout(timer);
        pending.delete(timer);
      };
    },
    clear() {
      for (const timer of pending) clearTimeout(timer);
      pending.clear();
    },
  };
}
