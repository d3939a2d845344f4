/**
 * Enrolments that were asked for, from the request to what is kept: at most one a machine. Whoever asks, on the command line or on the page,
 * leaves a request (`requests.ts`); the ear's process collects, and what it learned is kept here.
 *
 * Invariants (test/integration/ear-desk.test.ts):
 *  N1  An enrolment ends with what was kept, or with why nothing was; one whose process ended is begun anew by the next.
 *  N2  A newer request takes the place of one that runs, which is told to be stopped.
 */
import type { KeyObject } from 'node:crypto';
import type { SoundPort } from '../../pipeline-ports.ts';
import { keepPrint } from './prints.ts';
import { takeRequest, tellEnrolling, type EnrolTold } from './requests.ts';
import type { EarAsked, Enrolled } from './settings.ts';

export interface EnrolmentParts {
  readonly dataDir: string;
  readonly privateKey: KeyObject;
  readonly microphone: (machine: string) => string | null;
  /** `id@version`; null while none can be used. */
  readonly model: () => string | null;
  /** To the ear's process, where one runs. */
  readonly send: (message: EarAsked) => void;
  readonly sound: Pick<SoundPort, 'taught'>;
  readonly clock: { wallMs(): number };
  readonly log: (level: 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown>) => void;
}

const noneTold = { wanted: 0, speeds: [], version: null, leftOut: [], reason: null };

export class Enrolments {
  readonly #p: EnrolmentParts;
  readonly #running = new Map<string, EnrolTold>();
  /** What runs, or how the last one ended since the agent began. */
  readonly #told = new Map<string, EnrolTold>();

  constructor(parts: EnrolmentParts) {
    this.#p = parts;
  }

  /** null where none was asked for since the agent began. */
  of(machine: string): EnrolTold | null {
    return this.#told.get(machine) ?? null;
  }

  /** Takes what was asked for a machine. */
  look(machine: string): void {
    const { dataDir, send, clock } = this.#p;
    const request = takeRequest(dataDir, machine);
    if (request === null) return;
    const { id, samples, by } = request;
    this.#close(machine, { state: 'stopped' });
    const about = { ...noneTold, id, by, startedMs: Math.round(clock.wallMs()) };
    if (samples === null) {
      send({ kind: 'enrol', machine, samples: null });
      this.#tell(machine, { ...(this.#told.get(machine) ?? about), id, state: 'stopped' });
      return;
    }
    const told = { ...about, state: 'running', wanted: samples } as const;
    this.#running.set(machine, told);
    this.#tell(machine, told);
    send({ kind: 'enrol', machine, samples });
  }

  /** A new process knows of no enrolment: it is asked again. */
  again(): void {
    for (const [machine, { wanted }] of this.#running) this.#p.send({ kind: 'enrol', machine, samples: wanted });
  }

  progress(machine: string, speeds: EnrolTold['speeds']): void {
    const told = this.#running.get(machine);
    if (told === undefined) return;
    const now = { ...told, speeds };
    this.#running.set(machine, now);
    this.#tell(machine, now);
  }

  async learned({ machine, rateHz, levels, prints, leftOut }: Enrolled): Promise<void> {
    const { dataDir, privateKey, clock, log, sound } = this.#p;
    const [microphone, model] = [this.#p.microphone(machine), this.#p.model()];
    const told = this.#running.get(machine);
    if (microphone === null || model === null || told === undefined) return;
    try {
      const taught = {
        machine,
        taughtMs: Math.round(clock.wallMs()),
        model,
        microphone,
        rateHz,
        levels,
        speeds: prints,
      };
      const { version } = keepPrint(dataDir, taught, privateKey);
      const speeds = prints.map(({ speed, samples }) => ({ speed, samples }));
      this.#close(machine, { state: 'done', version, speeds, leftOut });
      log('info', 'a machine was enrolled', { machine, version, speeds: speeds.length, user: told.by });
      await sound.taught(machine, {
        version,
        speeds: prints.map(({ speed, samples }) => `${speed}: ${samples}`).join('; '),
        by: told.by,
      });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      log('error', 'an enrolment could not be kept', { machine, error: reason });
      this.#close(machine, { state: 'failed', reason: reason.slice(0, 300) });
    }
  }

  /** At the stop. */
  stop(): void {
    for (const machine of this.#running.keys()) this.#close(machine, { state: 'stopped' });
  }

  /** Ends an enrolment that runs; nothing where none does. */
  #close(machine: string, how: Partial<EnrolTold>): void {
    const told = this.#running.get(machine);
    if (told === undefined) return;
    this.#running.delete(machine);
    this.#tell(machine, { ...told, ...how });
  }

  #tell(machine: string, told: EnrolTold): void {
    this.#told.set(machine, told);
    try {
      tellEnrolling(this.#p.dataDir, machine, told);
    } catch (error) {
      this.#p.log('warn', 'how far an enrolment is cannot be told', { machine, error: String(error) });
    }
  }
}
