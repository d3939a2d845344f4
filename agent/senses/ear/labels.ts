/**
 * What staff said of alerts of the ear, by machine: `voiceprints/<machine>/labels/<version>/labels.json` in the data folder, signed with the
 * gateway's key as what was taught is, because both decide what is told. A label belongs to the print the alert was told by, so a machine
 * that is enrolled anew starts without a move; the labels of the versions that are kept stay, and count again when no newer print does.
 *
 * Invariants (test/unit/senses/ear-labels.test.ts), besides those of `kept.ts`:
 *  L1  An occurrence has one label at most: the last that was said, or none when it was taken back. The same said again changes nothing.
 *  L2  Only labels of the print in use move the threshold, and only that of the way their alert was told by.
 *  L3  Labels are bounded. Those of prints that are gone go first, and no label of one that is there is ever put aside for a newer: a real
 *      fault that was forgotten would let the threshold move past it.
 */
import type { KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { ModelError } from '../../../models/errors.ts';
import { moveOf } from '../../../models/voiceprint/feedback.ts';
import { keepVersion, readSigned, versionsIn } from '../kept.ts';
import { printVersions } from './prints.ts';
import type { Path } from './telling.ts';

export const mostLabels = 200;
export const mostCause = 200;
const mostLabelBytes = 256 * 1024;

export const saidWords = ['false-alarm', 'real'] as const;
export const labelSchema = z.strictObject({
  occurrence: z.string().min(1).max(200),
  path: z
    .literal('rounds')
    .optional()
    .describe('By which the alert was told, absent: the levels. Each has a threshold of its own'),
  print: z.int().min(1).describe('Version of what was taught, by which the alert was told'),
  said: z.enum(saidWords),
  cause: z.string().max(mostCause).nullable().describe('What it was, in the words of who said it'),
  by: z.string().max(100),
  atMs: z.int().describe('UTC milliseconds'),
  spreads: z
    .number()
    .refine(Number.isFinite)
    .describe('How far the occurrence lay above the threshold that was taught, in spreads of normal scores'),
});
export type SoundLabel = z.infer<typeof labelSchema>;

/** By which its alert was told. */
export const pathOf = ({ path }: Pick<SoundLabel, 'path'>): Path => path ?? 'levels';

const fileSchema = z.strictObject({
  v: z.literal(1),
  machine: z.string().min(1).max(40),
  labels: z.array(labelSchema).max(mostLabels),
});

const folderOf = (dataDir: string, machine: string) => join(dataDir, 'voiceprints', machine, 'labels');

/** Changes whenever a label does; 0: there never was one. */
export const labelsVersion = (dataDir: string, machine: string): number =>
  versionsIn(folderOf(dataDir, machine))[0] ?? 0;

/**
 * All that is kept, of whatever print.
 * @throws ModelError `statsInvalid` where they are not what this gateway signed
 */
export function readLabels(dataDir: string, machine: string, key: KeyObject): readonly SoundLabel[] {
  const version = labelsVersion(dataDir, machine);
  if (version === 0) return [];
  const folder = join(folderOf(dataDir, machine), String(version));
  const read = fileSchema.safeParse(readSigned(folder, 'labels', [key], mostLabelBytes));
  if (!read.success || read.data.machine !== machine) throw new ModelError('statsInvalid', `${folder} holds no labels`);
  return read.data.labels;
}

/** Keeps them, durably. */
export function keepLabels(dataDir: string, machine: string, labels: readonly SoundLabel[], key: KeyObject): void {
  const value = fileSchema.parse({ v: 1, machine, labels });
  keepVersion(dataDir, folderOf(dataDir, machine), () => ({ name: 'labels', value, key }));
}

/** The labels with one more; `same` where it says what is there already, `full` where no room is left. */
export function withLabel(
  labels: readonly SoundLabel[],
  label: SoundLabel,
  prints: readonly number[],
): readonly SoundLabel[] | 'same' | 'full' {
  const before = labels.find(({ occurrence }) => occurrence === label.occurrence);
  if (before?.said === label.said && before.cause === label.cause) return 'same';
  const others = labels.filter((one) => one !== before);
  const room = others.length < mostLabels ? others : others.filter(({ print }) => prints.includes(print));
  return room.length < mostLabels ? [...room, label] : 'full';
}

/** How the threshold of a machine was moved. */
export interface Feedback {
  /** Version of what was taught; null where nothing is. */
  readonly print: number | null;
  /** Spreads of the levels. */
  readonly moved: number;
  /** Spreads of rounds. */
  readonly movedRounds: number;
  /** Those that moved them. */
  readonly labels: readonly SoundLabel[];
}
export const noFeedback: Feedback = { print: null, moved: 0, movedRounds: 0, labels: [] };

export function feedbackOf(labels: readonly SoundLabel[], print: number | null): Feedback {
  const own = labels.filter((label) => label.print === print);
  const by = (path: Path) => moveOf(own.filter((label) => pathOf(label) === path));
  return { print, moved: by('levels'), movedRounds: by('rounds'), labels: own };
}

const mostTold = 400;

/** By which labels, for an alert and the log: `2 false alarms (occurrences …), 1 real fault (…: bent needle)`. null: by none. */
export function movedBy({ moved, movedRounds, labels: all }: Feedback, path: Path): string | null {
  if ((path === 'levels' ? moved : movedRounds) === 0) return null;
  const labels = all.filter((label) => pathOf(label) === path);
  const told = (said: SoundLabel['said'], one: string, more: string) => {
    const some = labels.filter((label) => label.said === said);
    if (some.length === 0) return [];
    const each = some.map(({ occurrence, cause }) => (cause === null ? occurrence : `${occurrence}: ${cause}`));
    return [`${some.length} ${some.length === 1 ? one : more} (${each.join(', ')})`];
  };
  const each = [...told('false-alarm', 'false alarm', 'false alarms'), ...told('real', 'real fault', 'real faults')];
  return each.join('; ').slice(0, mostTold);
}

/** Of all machines with an ear, read anew when something was said. */
export class Feedbacks {
  readonly #dataDir: string;
  readonly #key: KeyObject;
  readonly #log: (level: 'warn', message: string, fields: Record<string, unknown>) => void;
  readonly #read = new Map<string, { readonly version: number; readonly labels: readonly SoundLabel[] }>();

  constructor(
    dataDir: string,
    key: KeyObject,
    log: (level: 'warn', message: string, fields: Record<string, unknown>) => void,
  ) {
    this.#dataDir = dataDir;
    this.#key = key;
    this.#log = log;
  }

  /** Labels that cannot be believed move nothing. */
  labels(machine: string): readonly SoundLabel[] {
    const version = labelsVersion(this.#dataDir, machine);
    const before = this.#read.get(machine);
    if (before?.version === version) return before.labels;
    let labels: readonly SoundLabel[] = [];
    try {
      labels = readLabels(this.#dataDir, machine, this.#key);
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
      this.#log('warn', 'what staff said of the ear cannot be read', { machine, error: error.message });
    }
    this.#read.set(machine, { version, labels });
    return labels;
  }

  of(machine: string, print: number | null): Feedback {
    return feedbackOf(this.labels(machine), print);
  }

  /** Versions of what was taught that are there. */
  prints(machine: string): readonly number[] {
    return printVersions(this.#dataDir, machine);
  }
}
