/**
 * A model in the shadow of the one in use, as the eye's process has it: in a process of its own, given pictures when it has time for them.
 *
 * Invariants (test/integration/eye-shadow.test.ts):
 *  S1  However it ends, the eye goes on; once it has ended it is not started again by this eye.
 *  S2  One picture is with it at a time; one that comes meanwhile is dropped, for it alone, and counted.
 *  S3  What it finds is counted and told nobody.
 */
import type { Grey } from '../../../models/vision/grey.ts';
import {
  counted,
  countsFrom,
  readShadowCounts,
  writeShadowCounts,
  type ShadowCounts,
} from '../../models/shadow-file.ts';
import { SenseProcess } from '../process.ts';
import { eyeModelId } from './model.ts';
import { shadowMessageSchema, type ShadowMessage, type ShadowPicture, type ShadowSettings } from './shadow-messages.ts';

const writeEveryMs = 30_000;
/** Behind everything else on this computer. */
const niceness = 19;

export interface ShadowParts {
  readonly dataDir: string;
  readonly settings: ShadowSettings;
  /** Of the model in use, `id@version`. */
  readonly beside: string;
  /** Machines of the eye. */
  readonly machines: readonly string[];
  readonly wallMs: () => number;
}

export class Shadow {
  readonly #p: ShadowParts;
  readonly #process: SenseProcess<ShadowMessage>;
  readonly #taught: ReadonlySet<string>;
  #counts: ShadowCounts;
  /** What the model in use took for the picture that is out; null: none is out. */
  #out: { readonly activeMs: number } | null = null;
  #isUp = false;
  #timer: NodeJS.Timeout | null = null;
  #written: Promise<void> = Promise.resolve();

  constructor(parts: ShadowParts) {
    this.#p = parts;
    const { dataDir, settings, beside, machines, wallMs } = parts;
    this.#taught = new Set(settings.machines.map(({ machine }) => machine));
    const before = readShadowCounts(dataDir, eyeModelId);
    this.#counts = {
      ...countsFrom(before, settings.model, beside, wallMs()),
      untaught: machines.filter((machine) => !this.#taught.has(machine)),
    };
    this.#process = new SenseProcess<ShadowMessage>({
      name: 'shadow',
      script: new URL('./shadow-child.ts', import.meta.url),
      settings,
      message: shadowMessageSchema,
      onMessage: (message) => this.#heard(message),
      onState: () => undefined,
      onEnd: (how) => this.#ended(how),
      clock: { monotonicMs: () => performance.now() },
      random: Math.random,
      niceness,
      log: () => undefined,
    });
  }

  start(): void {
    this.#write();
    if (this.#taught.size === 0) return;
    this.#process.start(new AbortController().signal);
    this.#timer = setInterval(() => this.#write(), writeEveryMs);
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#process.stop();
    this.#write();
    await this.#written;
  }

  counts(): ShadowCounts {
    return this.#counts;
  }

  /** @param activeMs what the model in use took for it */
  look(machine: string, { width, height, pixels }: Grey, active: ShadowPicture['active'], activeMs: number): void {
    if (!this.#isUp || !this.#taught.has(machine)) return;
    if (this.#out !== null) {
      this.#counts = { ...this.#counts, dropped: this.#counts.dropped + 1 };
      return;
    }
    this.#out = { activeMs };
    const picture: ShadowPicture = { kind: 'picture', machine, width, height, pixels, active };
    this.#process.send(picture);
  }

  #heard(message: ShadowMessage): void {
    this.#isUp = this.#counts.ended === null;
    if (message.kind === 'alive') return;
    const out = this.#out;
    this.#out = null;
    if (message.kind === 'unjudged') this.#counts = { ...this.#counts, unjudged: this.#counts.unjudged + 1 };
    else if (out !== null) this.#counts = counted(this.#counts, { ...message, activeMs: out.activeMs });
  }

  #ended(how: string): void {
    this.#isUp = false;
    this.#out = null;
    this.#counts = { ...this.#counts, ended: how };
    void this.#process.stop();
    this.#write();
  }

  /** A count that is not on the disk is counted again: it is no reason to end the eye. */
  #write(): void {
    const counts = this.#counts;
    this.#written = this.#written
      .then(() => writeShadowCounts(this.#p.dataDir, eyeModelId, counts))
      .catch(() => undefined);
  }
}
