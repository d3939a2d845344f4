/**
 * Signals that were found at machines and that no profile names, from run to run: after a restart they are known at once, and
 * keep their places.
 *
 * Invariants (test/unit/pipeline/discovered.test.ts):
 *  - What is once remembered keeps its place.
 *  - A file that cannot be read is as none: what is found next is remembered anew.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { signalSpec, type Profile, type SignalSpec } from '../drivers/profiles/schema.ts';
import { makeFolder } from './folder.ts';

export type FoundSignals = Readonly<Record<string, SignalSpec>>;

const fileSchema = z.strictObject({
  version: z.literal(1),
  machines: z.record(z.string(), z.strictObject({ profile: z.string(), signals: z.record(z.string(), signalSpec) })),
});
type Remembered = z.infer<typeof fileSchema>['machines'];

/** Of one machine; a server that names its variables anew each time would fill any disk. */
const maxRemembered = 400;

export class DiscoveredSignals {
  readonly #file: string;
  readonly #dir: string;
  readonly #complain: (error: string) => void;
  readonly #machines: Remembered;

  /** Reads what is there. @param complain told what cannot be read or written */
  constructor(dataDir: string, complain: (error: string) => void) {
    this.#dir = dataDir;
    this.#file = join(dataDir, 'discovered.json');
    this.#complain = complain;
    this.#machines = this.#read();
  }

  /** The profile with what was found at this machine; as it is for a profile that does not discover, or another than then. */
  extend(machine: string, profile: Profile): Profile {
    const known = this.#machines[machine];
    if (profile.opcua?.discover !== true || known?.profile !== profile.profile) return profile;
    return { ...profile, signals: { ...profile.signals, ...known.signals, ...profile.signals } };
  }

  /** What is found otherwise than before keeps its place, and has its new meaning from the next start on. */
  remember(machine: string, profile: string, found: FoundSignals): void {
    const before = this.#machines[machine];
    const known = before?.profile === profile ? before.signals : {};
    const all = Object.entries({ ...known, ...found }).slice(0, maxRemembered);
    const now = { profile, signals: Object.fromEntries(all) };
    if (isDeepStrictEqual(before, now)) return;
    this.#machines[machine] = now;
    this.#write();
  }

  #read(): Remembered {
    try {
      return fileSchema.parse(JSON.parse(readFileSync(this.#file, 'utf8'))).machines;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) this.#complain(String(error));
      return {};
    }
  }

  #write(): void {
    const fresh = `${this.#file}.new`;
    try {
      makeFolder(this.#dir);
      writeFileSync(fresh, JSON.stringify({ version: 1, machines: this.#machines }), { mode: 0o600 });
      renameSync(fresh, this.#file);
    } catch (error) {
      this.#complain(String(error));
    }
  }
}
