/**
 * What staff say to the ear and ask of it, by the page: whether an alert was right, and to enrol a machine. What is said of an alert is a
 * label; labels move the threshold (`models/voiceprint/feedback.ts`).
 *
 * Invariants (test/unit/senses/ear-staff.test.ts):
 *  B1  A label names an occurrence of the ear, and lies where its alert says that the sound lay. What the alert does not say is refused.
 *  B2  Who said what is durable as an event before it moves anything. The same said again is no event and moves nothing.
 *  B3  One deed after the other: two people at once lose no label.
 *  B4  An enrolment is asked for as the command asks (`requests.ts`); one that runs is not put aside for another.
 */
import type { KeyObject } from 'node:crypto';
import type { AlertRecord, EventRecord } from '../../../cloud-bridge/contract.ts';
import { ModelError } from '../../../models/errors.ts';
import { mostMove, spreadsOf } from '../../../models/voiceprint/feedback.ts';
import { oddRule } from '../../sounds.ts';
import type { EarDesk, EarMicrophone } from './desk.ts';
import { keepLabels, pathOf, readLabels, withLabel, type Feedback, type SoundLabel } from './labels.ts';
import { describePrint, printVersions } from './prints.ts';
import { askToEnrol, type EnrolTold } from './requests.ts';
import type { RoundsState } from './settings.ts';

export interface EarStaffParts {
  readonly machines: readonly string[];
  readonly dataDir: string;
  readonly keys: { readonly publicKey: KeyObject; readonly privateKey: KeyObject };
  readonly desk: Pick<EarDesk, 'view' | 'print' | 'feedback' | 'enrolment' | 'look'>;
  /** Every step of an occurrence, oldest first. */
  readonly occurrence: (id: string) => Promise<readonly AlertRecord[]>;
  /** Keeps it as an event of the machine; durable when resolved. */
  readonly labelled: (machine: string, data: EventRecord['data']) => Promise<void>;
  readonly clock: { wallMs(): number };
  readonly log: (level: 'info' | 'warn', message: string, fields: Record<string, unknown>) => void;
}

/** What was taught, without what the model is given. */
export interface TaughtView {
  readonly version: number;
  readonly taughtMs: number;
  readonly speeds: readonly { readonly speed: number; readonly samples: number }[];
}

/** The ear of a machine, for people. */
export interface SoundView {
  /** What the microphone does; null while no ear runs. */
  readonly microphone: EarMicrophone['state'] | null;
  /** Version that is used; null: nothing is judged. */
  readonly print: number | null;
  /** The newest first. */
  readonly versions: readonly TaughtView[];
  /** What goes on, or how it ended last since the agent began. */
  readonly teaching: Omit<EnrolTold, 'id'> | null;
  /** Whether it is heard in rounds, or why not; null while no ear runs. */
  readonly rounds: RoundsState | null;
  /** Spreads by which what staff said moved the threshold of the levels and that of rounds, and the most each may. */
  readonly moved: number;
  readonly movedRounds: number;
  readonly mostMove: number;
  /** All that is kept, also of versions that are not used; the newest last. */
  readonly labels: readonly SoundLabel[];
}

export interface Said {
  readonly said: SoundLabel['said'];
  readonly cause: string | null;
}

/** `no-print`: its alert does not say how far it lay from what was taught. */
export type LabelRefusal = 'unknown-occurrence' | 'no-print' | 'too-many-labels' | 'no-label';

export class EarStaff {
  readonly #p: EarStaffParts;
  #work: Promise<unknown> = Promise.resolve();

  constructor(parts: EarStaffParts) {
    this.#p = parts;
  }

  /** null where no microphone hears that machine. */
  view(machine: string): SoundView | null {
    const { machines, desk, dataDir } = this.#p;
    if (!machines.includes(machine)) return null;
    const microphone = desk.view().microphones.find((one) => one.machine === machine);
    const told = desk.enrolment(machine);
    const versions = printVersions(dataDir, machine).flatMap((version) => this.#described(machine, version) ?? []);
    const { print, moved, movedRounds } = desk.feedback(machine);
    return {
      microphone: microphone?.state ?? null,
      rounds: microphone?.rounds.state ?? null,
      print,
      versions,
      teaching: withoutId(told),
      moved,
      movedRounds,
      mostMove,
      labels: this.#labels(machine),
    };
  }

  /** Says of an occurrence what it was; another label of it goes. Answers with the ear of its machine. */
  label(occurrence: string, { said, cause }: Said, by: string): Promise<SoundView | LabelRefusal> {
    return this.#inTurn(async () => {
      const alert = await this.#alert(occurrence);
      if (alert === null) return 'unknown-occurrence';
      const { machine, evidence } = alert;
      const lay = layOf(evidence);
      if (lay === null) return 'no-print';
      const { dataDir, clock } = this.#p;
      const label = { occurrence, ...lay, said, cause, by, atMs: Math.round(clock.wallMs()) };
      const labels = withLabel(this.#labels(machine), label, printVersions(dataDir, machine));
      if (labels === 'full') return 'too-many-labels';
      if (labels !== 'same') await this.#keep(machine, labels, label);
      return this.view(machine) ?? 'unknown-occurrence';
    });
  }

  /** Takes back what was said of an occurrence, and with it what it moved. */
  takeBack(occurrence: string, by: string): Promise<SoundView | LabelRefusal> {
    return this.#inTurn(async () => {
      const alert = await this.#alert(occurrence);
      if (alert === null) return 'unknown-occurrence';
      const { machine } = alert;
      const labels = this.#labels(machine);
      const old = labels.find((label) => label.occurrence === occurrence);
      if (old === undefined) return 'no-label';
      const left = labels.filter((label) => label !== old);
      await this.#keep(machine, left, { ...old, said: null, by });
      return this.view(machine) ?? 'unknown-occurrence';
    });
  }

  /** Begins to enrol a machine, from what it sounds like from now on. @param samples a speed */
  teach(machine: string, samples: number, by: string): SoundView | 'no-ear' | 'busy' {
    const { machines, dataDir, desk, log } = this.#p;
    if (!machines.includes(machine)) return 'no-ear';
    if (desk.enrolment(machine)?.state === 'running') return 'busy';
    askToEnrol(dataDir, machine, samples, by);
    desk.look();
    log('info', 'a machine is being enrolled', { machine, samples, user: by });
    return this.view(machine) ?? 'no-ear';
  }

  cancel(machine: string, by: string): SoundView | 'no-ear' | 'not-running' {
    const { machines, dataDir, desk, log } = this.#p;
    if (!machines.includes(machine)) return 'no-ear';
    if (desk.enrolment(machine)?.state !== 'running') return 'not-running';
    askToEnrol(dataDir, machine, null, by);
    desk.look();
    log('info', 'an enrolment was stopped', { machine, user: by });
    return this.view(machine) ?? 'no-ear';
  }

  #inTurn<T>(deed: () => Promise<T>): Promise<T> {
    const done = this.#work.then(deed);
    this.#work = done.catch(() => undefined);
    return done;
  }

  async #alert(occurrence: string): Promise<AlertRecord | null> {
    const newest = (await this.#p.occurrence(occurrence)).at(-1);
    return newest?.rule === oddRule && this.#p.machines.includes(newest.machine) ? newest : null;
  }

  async #keep(
    machine: string,
    labels: readonly SoundLabel[],
    {
      occurrence,
      print,
      said,
      cause,
      by,
      spreads,
      path,
    }: Omit<SoundLabel, 'said'> & { said: SoundLabel['said'] | null },
  ): Promise<void> {
    const { dataDir, keys, desk, labelled, log } = this.#p;
    const lay = { path: pathOf({ path }), print, spreads: Math.round(spreads * 100) / 100 };
    await labelled(machine, { occurrence, said, cause, by, ...lay });
    keepLabels(dataDir, machine, labels, keys.privateKey);
    desk.look();
    const { moved, movedRounds }: Feedback = desk.feedback(machine);
    log('info', 'staff said of a sound', { machine, occurrence, said, cause, user: by, moved, movedRounds });
  }

  /** Those that cannot be believed are not there: the desk says so. */
  #labels(machine: string): readonly SoundLabel[] {
    try {
      return readLabels(this.#p.dataDir, machine, this.#p.keys.publicKey);
    } catch (error) {
      if (error instanceof ModelError) return [];
      throw error;
    }
  }

  #described(machine: string, version: number): TaughtView | null {
    try {
      const { taughtMs, speeds } = describePrint(this.#p.dataDir, machine, this.#p.keys.publicKey, version);
      return { version, taughtMs, speeds: speeds.map(({ speed, samples }) => ({ speed, samples })) };
    } catch (error) {
      if (error instanceof ModelError) return null;
      throw error;
    }
  }
}

function withoutId(told: EnrolTold | null): SoundView['teaching'] {
  if (told === null) return null;
  const { id: _id, ...rest } = told;
  return rest;
}

/** By which print the alert was told, and where the sound lay; null where it does not say. */
function layOf({ path, score, threshold, spread, moved, print }: AlertRecord['evidence']) {
  const all = [score, threshold, spread, moved];
  const numbers = all.every((one) => typeof one === 'number');
  if (!numbers || typeof print !== 'number' || Number(spread) <= 0) return null;
  const lay = { score: Number(score), threshold: Number(threshold), spread: Number(spread), moved: Number(moved) };
  return { ...(path === 'rounds' ? { path: 'rounds' as const } : {}), print, spreads: spreadsOf(lay) };
}
