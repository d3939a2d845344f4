/**
 * What the ear's process is started with: the models in use, and of each machine what was taught with them. Whoever changes what is
 * known is told by `models()` that another process is due (`desk.ts`).
 *
 * Invariants (test/integration/ear-desk.test.ts, ear-faults.test.ts; K3: ear-trial.test.ts):
 *  K1  Without a model of the ear there is no process, and with it a machine that was not taught is heard and told as such.
 *  K2  Without a model of faults the ear goes on, and suspects none.
 *  K3  The process is told which of its models are on trial, and leads them through it; a crash of it counts against each of them.
 */
import type { KeyObject } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { roundEveryMs } from '../../../models/voiceprint/rounds.ts';
import type { Turner } from '../../../models/voiceprint/turning.ts';
import type { EarConfig } from '../../config/config.ts';
import type { Conditions } from '../conditions.ts';
import type { Chosen, ModelWatch } from '../model-watch.ts';
import type { ClipsWanted } from './clips.ts';
import { printFor } from './prints.ts';
import type { EarCylinder, EarMachine, EarSettings } from './settings.ts';

export const earModelId = 'machine-voiceprint';
/** Which fault it may be. */
export const faultModelId = 'machine-fault';

/** Both models are watched by the desk, which sees their process end. */
export type EarModelWatch = Pick<ModelWatch, 'key' | 'choose' | 'chosen' | 'ended' | 'makeUp' | 'stop'>;

export interface KnowledgeParts {
  readonly machines: readonly {
    readonly id: string;
    readonly ear: EarConfig;
    /** null: no fault of it is suspected. */
    readonly turner: Turner | null;
    /** null: no needle of it is looked for. */
    readonly cylinder?: EarCylinder | null;
  }[];
  readonly dataDir: string;
  /** Between two rounds of a machine; absent: a minute. */
  readonly everyMs?: number;
  /** Machines whose clips are kept: `days` long, sealed with `key`. */
  readonly clips: ReadonlyMap<string, ClipsWanted>;
  /** Of this gateway: what it taught is signed with it. */
  readonly keys: { readonly publicKey: KeyObject };
  /** Which version of the ear's model is in use. */
  readonly models: EarModelWatch;
  /** The same of the model of faults. */
  readonly faultModels: EarModelWatch;
  readonly log: (level: 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown>) => void;
}

export class EarKnowledge {
  readonly #p: KnowledgeParts;
  readonly #conditions: Conditions;
  /** How far staff moved the threshold of a print, in spreads. */
  readonly #feedback: (machine: string, print: number) => { readonly moved: number; readonly movedRounds: number };
  #model: Chosen | null = null;
  #faults: Chosen | null = null;
  /** Version of what was taught each machine is judged by. */
  readonly #prints = new Map<string, number>();

  constructor(
    parts: KnowledgeParts,
    conditions: Conditions,
    feedback: (machine: string, print: number) => { readonly moved: number; readonly movedRounds: number },
  ) {
    this.#p = parts;
    this.#conditions = conditions;
    this.#feedback = feedback;
  }

  /** `id@version`; null while none can be used. */
  get model(): string | null {
    return this.#model?.model.model ?? null;
  }

  /** The same of the model of faults; null where no machine has use for it, too. */
  get faultModel(): string | null {
    return this.#faults?.model.model ?? null;
  }

  /** Version of what was taught a machine is judged by; null: it is not. */
  print(machine: string): number | null {
    return this.#prints.get(machine) ?? null;
  }

  /** Another text: another process is due. */
  models(): string {
    const { models, faultModels } = this.#p;
    return `${models.key()} ${this.#suspects() ? faultModels.key() : ''}`;
  }

  /** null: no model of the ear can be used. Machine by machine: signatures of fifty would hold the polls for twenty milliseconds. */
  async settings(): Promise<EarSettings | null> {
    const { machines, models, log } = this.#p;
    try {
      this.#model = models.choose();
    } catch (error) {
      log('error', 'the model of the ear cannot be used', { error: String(error) });
      for (const { id } of machines) this.#conditions.set(id, 'ear.no_model', true);
      return null;
    }
    const { model, modelFile } = this.#model.model;
    const known: EarMachine[] = [];
    for (const { id, ear, turner, cylinder = null } of machines) {
      await setImmediate();
      this.#conditions.set(id, 'ear.no_model', false);
      const { pulse: hasPulse = false } = ear;
      known.push({ ...this.#machineOf(id, ear.microphone, model), turner, cylinder, hasPulse });
    }
    const faults = this.#faultSettings();
    const trials = [this.#model, this.#faults].flatMap((one) =>
      one?.onTrial === true ? [{ id: one.model.manifest.id, version: one.model.manifest.version }] : [],
    );
    const { dataDir, everyMs = roundEveryMs } = this.#p;
    return { kind: 'settings', modelFile, model, faults, machines: known, roundEveryMs: everyMs, dataDir, trials };
  }

  /** What the process made of a print: one that it refuses, this time, is as none. */
  read(machine: string, print: number, refused: string | null): void {
    if (refused === null) this.#prints.set(machine, print);
    else {
      this.#prints.delete(machine);
      this.#p.log('warn', 'what the ear was taught cannot be used', { machine, print, error: refused });
    }
    this.#conditions.set(machine, 'ear.not_taught', refused !== null);
  }

  /** Some machine has use for the model of faults. */
  #suspects(): boolean {
    return this.#p.machines.some(({ turner }) => turner !== null);
  }

  /** Without it the ear goes on, and suspects nothing. */
  #faultSettings(): EarSettings['faults'] {
    const { faultModels, log } = this.#p;
    this.#faults = null;
    if (!this.#suspects()) return null;
    try {
      this.#faults = faultModels.choose();
    } catch (error) {
      log('error', 'the model of faults cannot be used: none is suspected', { error: String(error) });
      return null;
    }
    const { model, modelFile } = this.#faults.model;
    return { modelFile, model };
  }

  #machineOf(machine: string, endpoint: string, model: string): Omit<EarMachine, 'turner' | 'cylinder' | 'hasPulse'> {
    const { dataDir, keys, clips, log } = this.#p;
    const wanted = clips.get(machine);
    const clip = wanted === undefined ? null : { seconds: wanted.seconds, key: wanted.key };
    try {
      const { description, prints, faults } = printFor(dataDir, machine, keys.publicKey, model);
      const { version, levels } = description;
      // Whether it can be used the process says, which reads it.
      this.#prints.set(machine, version);
      const { moved, movedRounds } = this.#feedback(machine, version);
      return { machine, endpoint, prints, faults, print: version, moved, movedRounds, clip, reference: levels };
    } catch (error) {
      log('warn', 'the ear has not been taught this machine', { machine, model, error: String(error) });
      this.#conditions.set(machine, 'ear.not_taught', true);
      this.#prints.delete(machine);
      const nothing = { prints: [], faults: [], print: null, moved: 0, movedRounds: 0 };
      return { machine, endpoint, ...nothing, clip: null, reference: null };
    }
  }
}
