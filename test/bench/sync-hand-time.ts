/**
 * Imported first: from then on the timers and the clock of this thread go only when they are moved; what is imported later takes them.
 * Node's own mock brings intervals back that were cleared while they ran, and MQTT.js does that with its keepalive.
 */
import { HandTimers } from './sync-hand-timers.ts';

/** A full hour. */
export const handFromMs = Date.UTC(2026, 0, 5, 8);
const timers = new HandTimers();

type Run = (...args: unknown[]) => void;
/** As Node's, of which the library uses `unref`. */
const handle = (id: number) => ({ ref: () => undefined, unref: () => undefined, [Symbol.toPrimitive]: () => id });
const set =
  (isInterval: boolean) =>
  (run: Run, ms = 0, ...args: unknown[]) =>
    handle(timers.set(() => run(...args), ms, isInterval));
const clear = (timer: unknown) => {
  if (timer !== null && timer !== undefined) timers.clear(Number(timer));
};
Object.assign(globalThis, {
  setTimeout: set(false),
  setInterval: set(true),
  clearTimeout: clear,
  clearInterval: clear,
});
Date.now = () => handFromMs + timers.nowMs;

/** Moves them on. */
export const passMs = (ms: number): void => timers.pass(ms);
