/**
 * What state a machine is in, from three sources in this order: an open gap (OFFLINE when it is long enough, else UNKNOWN),
 * the profile's interpretation of the known values, UNKNOWN while values are missing. Pure decisions; the caller keeps time.
 */
import type { MachineState } from '../../cloud-bridge/contract.ts';
import type { Value } from '../../drivers/contract.ts';
import { interpret, type Interpretation } from '../../drivers/profiles/interpret.ts';
import type { Profile } from '../../drivers/profiles/schema.ts';

export interface Verdict {
  readonly state: MachineState;
  readonly cause: string | null;
}

export class MachineStateReader {
  readonly #profile: Profile;
  readonly #firmware: string | null;
  readonly #values = new Map<string, Value>();
  #stale = true;
  #interpretation: Interpretation | null = null;
  /** Codes without a table entry that are showing now, as `signal code`. */
  #unknownCodes = new Set<string>();

  constructor(profile: Profile, firmware: string | null) {
    this.#profile = profile;
    this.#firmware = firmware;
  }

  /** A value that decides the state, or null when it is not known. */
  put(signal: string, value: Value | null): void {
    if (value === null) this.#stale = this.#values.delete(signal) || this.#stale;
    else if (this.#values.get(signal) !== value) {
      this.#values.set(signal, value);
      this.#stale = true;
    }
  }

  /** Nothing is known any more: the machine is not read. */
  forget(): void {
    this.#values.clear();
    this.#stale = true;
  }

  get interpretation(): Interpretation | null {
    if (this.#stale) {
      this.#interpretation = interpret(this.#profile, this.#firmware, this.#values);
      this.#stale = false;
    }
    return this.#interpretation;
  }

  /** The state apart from gaps. */
  verdict(): Verdict {
    const now = this.interpretation;
    return now === null ? { state: 'UNKNOWN', cause: null } : { state: now.state, cause: now.cause };
  }

  /** Codes no table explains and that were not showing at the last call. */
  newUnknownCodes(): { signal: string; code: string }[] {
    const now = this.interpretation?.unknownCodes ?? [];
    if (now.length === 0 && this.#unknownCodes.size === 0) return [];
    const fresh = now.filter((c) => !this.#unknownCodes.has(`${c.signal} ${c.code}`));
    this.#unknownCodes = new Set(now.map((c) => `${c.signal} ${c.code}`));
    return fresh.map(({ signal, code }) => ({ signal, code }));
  }
}
