/**
 * How a person asks a running agent to enrol a machine, and how it tells how far it is: two small files in the data folder. A file and not the
 * network: whoever may write the data folder may say so. The agent listens already; another program could not have the microphone, nor the
 * machine's serial port.
 *
 * Invariants (test/unit/senses/ear-requests.test.ts):
 *  Q1  A request is taken once; a file that cannot be read asks for nothing, and goes, too.
 *  Q2  What is told is there whole or not at all, and belongs to the request with its `id`.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { makeFolder } from '../../folder.ts';
import { leastSamples, mostSamples } from './settings.ts';

const requestSchema = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{16}$/),
  /** null: an enrolment that runs is to stop. */
  samples: z.int().min(leastSamples).max(mostSamples).nullable(),
  /** Name of who asks on the page; null: on the command line. */
  by: z.string().max(100).nullable(),
});
export type EnrolRequest = z.infer<typeof requestSchema>;

const speedsSchema = z.array(z.strictObject({ speed: z.number(), samples: z.int().min(0) })).max(24);
export const toldSchema = z.strictObject({
  id: z.string(),
  state: z.enum(['running', 'done', 'stopped', 'failed']),
  /** As the request has it. */
  by: z.string().max(100).nullable(),
  /** UTC ms. */
  startedMs: z.int(),
  /** Samples a speed. */
  wanted: z.int().min(0),
  speeds: speedsSchema,
  /** done: what was kept. */
  version: z.int().nullable(),
  leftOut: speedsSchema,
  /** failed: why. */
  reason: z.string().max(300).nullable(),
});
export type EnrolTold = z.infer<typeof toldSchema>;

const folderOf = (dataDir: string) => join(dataDir, 'ear-requests');
const requestFile = (dataDir: string, machine: string) => join(folderOf(dataDir), `${machine}.json`);
const toldFile = (dataDir: string, machine: string) => join(folderOf(dataDir), `${machine}.told.json`);

/** Leaves a request; a newer one takes the place of one that was not taken. Gives its id. */
export function askToEnrol(dataDir: string, machine: string, samples: number | null, by: string | null = null): string {
  const id = randomBytes(8).toString('hex');
  write(dataDir, requestFile(dataDir, machine), { id, samples, by } satisfies EnrolRequest);
  return id;
}

/** Takes a request; null where there is none that can be read. */
export function takeRequest(dataDir: string, machine: string): EnrolRequest | null {
  const file = requestFile(dataDir, machine);
  const read = requestSchema.safeParse(contentOf(file));
  rmSync(file, { force: true });
  return read.success ? read.data : null;
}

export function tellEnrolling(dataDir: string, machine: string, told: EnrolTold): void {
  write(dataDir, toldFile(dataDir, machine), told);
}

/** What was told of that request; null: nothing yet. */
export function enrolTold(dataDir: string, machine: string, id: string): EnrolTold | null {
  const read = toldSchema.safeParse(contentOf(toldFile(dataDir, machine)));
  return read.success && read.data.id === id ? read.data : null;
}

function write(dataDir: string, file: string, value: object): void {
  makeFolder(folderOf(dataDir));
  const part = join(folderOf(dataDir), `.${randomBytes(8).toString('hex')}.part`);
  writeFileSync(part, JSON.stringify(value), { mode: 0o600 });
  renameSync(part, file);
}

function contentOf(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return null;
  }
}
