/**
 * Which version of a model a sense is to run, on what, and what becomes of its trial. It looks at `models/state.json` when it is asked; the commands
 * that change it are processes of their own.
 *
 * Invariants (test/unit/senses/model-watch.test.ts):
 *  M1  An end of the process counts against the model on trial unless it certainly was not the model's (`isModels`).
 *  M2  A version that was taken back is told once, and another is run from then on.
 *  M3  Without an answer yet, or after two ends on an accelerator, the model runs on the processor.
 *  M4  While nobody can read which model is in use, the one that runs goes on.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Accelerator } from '../../models/package/accelerator.ts';
import { agentErrors } from '../errors.ts';
import type { Accelerators, FoundAccelerator } from '../models/accelerators.ts';
import type { CrashNotes } from '../models/crash-notes.ts';
import type { InstalledModels } from '../models/installed.ts';
import { maxCrashes, type Slot } from '../models/slots.ts';
import type { ModelTakenBack } from '../pipeline-ports.ts';
import { senseExits } from './sense-child.ts';
import { senseModel, type SenseModel } from './sense-model.ts';

export interface Chosen {
  readonly model: SenseModel;
  readonly accelerator: Accelerator;
  /** Why that one, in words. */
  readonly why: string;
  readonly onTrial: boolean;
  /** Runs beside it, told nobody; null: none. */
  readonly shadow: SenseModel | null;
}

export interface ModelWatchParts {
  /** Of the model; that with this id that came with the agent runs where none is installed. */
  readonly id: string;
  /** For people: `the eye`. */
  readonly of: string;
  readonly installed: Pick<InstalledModels, 'slot' | 'verified'>;
  readonly notes: Pick<CrashNotes, 'crashed' | 'again'>;
  /** null: it runs on the processor whatever there is. */
  readonly accelerators: Pick<Accelerators, 'known' | 'find'> | null;
  readonly takenBack: (told: ModelTakenBack) => void;
  /** Something else is to be run than before. */
  readonly changed: () => void;
  readonly log: (level: 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown>) => void;
  /** Accelerators are tried so long after the model was begun, ms: a start has other things to do. */
  readonly tryAfterMs: number;
}

/** After so many ends on an accelerator it is left, until the agent is started anew. */
const endsOnAccelerator = 2;

/** Whether an end may have been the model's. Nobody can tell whose native code ended a process, so it is the model's unless it said so itself. */
export function isModels(how: string): boolean {
  const others = ['exit 0', `exit ${senseExits.settings}`, `exit ${senseExits.notTheModel}`];
  return ![...others, 'SIGTERM', 'SIGINT', 'SIGHUP'].includes(how);
}

export class ModelWatch {
  readonly #p: ModelWatchParts;
  #chosen: Chosen | null = null;
  #lastKey = 'unread';
  /** Grows when something else is to be run for a reason that is not in the slot. */
  #turn = 0;
  #endsOnAccelerator = 0;
  /** Models that run on the processor whatever was found. */
  readonly #onCpu = new Set<string>();
  #trying: { readonly model: string; readonly abort: AbortController } | null = null;
  #tried: Promise<void> = Promise.resolve();

  constructor(parts: ModelWatchParts) {
    this.#p = parts;
  }

  /** Another text: `choose` gives something else than before. */
  key(): string {
    try {
      const slot = this.#p.installed.slot(this.#p.id);
      this.#confirmed(slot);
      this.#lastKey = JSON.stringify([slot.active, slot.shadow, this.#turn]);
    } catch (error) {
      if (this.#lastKey !== 'unread') return this.#lastKey;
      this.#p.log('error', 'which model is in use cannot be read', { error: String(error) });
    }
    return this.#lastKey;
  }

  /** @throws ModelError, AgentError where the version in use is damaged or cannot be read */
  choose(): Chosen {
    const { id, of, installed, log } = this.#p;
    const slot = installed.slot(id);
    const model = senseModel(id, slot.active === null ? null : installed.verified(id, slot.active));
    const found = this.#foundFor(model);
    const before = this.#chosen?.model.model;
    if (before !== model.model) {
      this.#endsOnAccelerator = 0;
      log('info', `the model of ${of}`, { model: model.model, before: before ?? null, onTrial: slot.trial !== null });
    }
    this.#chosen = {
      model,
      accelerator: found?.chosen ?? 'cpu',
      why: found?.reason ?? 'no other was tried yet',
      onTrial: slot.trial !== null,
      shadow: this.#shadowOf(slot),
    };
    if (found === null) this.#find(model);
    return this.#chosen;
  }

  /** null: nobody knows yet. */
  #foundFor(model: SenseModel): FoundAccelerator | null {
    const { accelerators } = this.#p;
    if (accelerators === null) return { chosen: 'cpu', reason: 'it has no use for another' };
    if (!this.#onCpu.has(model.model)) return accelerators.known(model);
    return { chosen: 'cpu', reason: 'its process ended again and again on another accelerator' };
  }

  /** As it was chosen last. */
  chosen(): Chosen | null {
    return this.#chosen;
  }

  /** The process of the chosen model ended by itself. */
  async ended(how: string): Promise<void> {
    const chosen = this.#chosen;
    if (chosen === null || !isModels(how)) return;
    if (chosen.accelerator !== 'cpu') this.#endedOn(chosen);
    if (!chosen.onTrial) return;
    this.#told(await this.#p.notes.crashed(chosen.model.manifest.version), chosen, how);
  }

  /** Makes up for notes that could not be made. To be called now and then. */
  async makeUp(): Promise<void> {
    const chosen = this.#chosen;
    if (chosen?.onTrial !== true) return;
    this.#told(await this.#p.notes.again(chosen.model.manifest.version), chosen, 'more than once');
  }

  async stop(): Promise<void> {
    this.#trying?.abort.abort();
    await this.#tried;
  }

  #shadowOf(slot: Slot): SenseModel | null {
    if (slot.shadow === null) return null;
    try {
      const { id, installed } = this.#p;
      return senseModel(id, installed.verified(id, slot.shadow));
    } catch (error) {
      this.#p.log('warn', 'the model in the shadow cannot be used', { version: slot.shadow, error: String(error) });
      return null;
    }
  }

  #endedOn({ model, accelerator }: Chosen): void {
    this.#endsOnAccelerator += 1;
    if (this.#endsOnAccelerator < endsOnAccelerator) return;
    this.#p.log('warn', `${this.#p.of} runs on the processor from now on`, { model: model.model, left: accelerator });
    this.#onCpu.add(model.model);
    this.#turn += 1;
    this.#p.changed();
  }

  #told(slot: Slot | null, { model }: Chosen, how: string): void {
    const { version } = model.manifest;
    if (slot === null || slot.active === version || slot.failed.at(-1) !== version) return;
    // Another note of the same has told it.
    if (this.#chosen?.model.model !== model.model || !this.#chosen.onTrial) return;
    this.#chosen = { ...this.#chosen, onTrial: false };
    const { code, cure } = agentErrors.modelRolledBack;
    const inUse = slot.active === null ? senseModel(this.#p.id, null).model : `${model.manifest.id}@${slot.active}`;
    this.#p.log('error', 'a model was taken back', { code, cure, model: model.model, inUse, how });
    this.#p.takenBack({ model: model.model, inUse, crashes: maxCrashes, how });
    this.#p.changed();
  }

  /** The trial ended well: nothing else is run, but it is said. */
  #confirmed(slot: Slot): void {
    const chosen = this.#chosen;
    if (chosen?.onTrial !== true || slot.trial !== null || slot.active !== chosen.model.manifest.version) return;
    this.#chosen = { ...chosen, onTrial: false };
    this.#p.log('info', 'the model on trial is confirmed', { model: chosen.model.model });
  }

  #find(model: SenseModel): void {
    if (this.#trying?.model === model.model) return;
    this.#trying?.abort.abort();
    const abort = new AbortController();
    this.#trying = { model: model.model, abort };
    this.#tried = this.#tried.then(() => this.#try(model, abort.signal));
  }

  async #try(model: SenseModel, signal: AbortSignal): Promise<void> {
    const { of, accelerators, tryAfterMs, changed, log } = this.#p;
    if (accelerators === null) return;
    try {
      await delay(tryAfterMs, undefined, { signal });
      const found = await accelerators.find(model, signal);
      if (found === null) return;
      log('info', `what ${of} runs on`, { model: model.model, accelerator: found.chosen, reason: found.reason });
      const chosen = this.#chosen;
      if (chosen?.model.model !== model.model) return;
      this.#chosen = { ...chosen, why: found.reason };
      if (found.chosen === chosen.accelerator) return;
      this.#turn += 1;
      changed();
    } catch (error) {
      if (!signal.aborted) log('warn', 'accelerators could not be tried', { error: String(error) });
    }
  }
}
