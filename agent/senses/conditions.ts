/** Conditions of machines that a sense tells: each change once, so that rules make alerts of them. */
import type { ConditionEvent } from '../../drivers/contract.ts';

export class Conditions {
  readonly #accept: (event: ConditionEvent) => void;
  readonly #wallMs: () => number;
  /** Those that hold, by machine and name. */
  readonly #held = new Set<string>();

  constructor(accept: (event: ConditionEvent) => void, wallMs: () => number) {
    this.#accept = accept;
    this.#wallMs = wallMs;
  }

  /** @param text of who told it; for people */
  set(machine: string, name: string, active: boolean, text: string | null = null): void {
    const key = `${machine} ${name}`;
    if (this.#held.has(key) === active) return;
    if (active) this.#held.add(key);
    else this.#held.delete(key);
    this.#accept({ kind: 'condition', machine, name, active, text, atMs: this.#wallMs() });
  }
}
