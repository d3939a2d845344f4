/**
 * How a person tells a running agent that a roll begins: a small file in the data folder, which the agent takes. It may lie there before
 * the agent runs; then the roll begins with its start. A file and not the network: whoever may write the data folder may say so.
 *
 * Invariants (test/unit/rolls/requests.test.ts):
 *  Q1  A request is taken once: its file goes before the roll begins. A file that cannot be read begins nothing, and goes, too.
 *  Q2  A newer request for a machine takes the place of one that was not taken.
 */
import { randomBytes } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { makeFolder } from '../folder.ts';

export const rollIdSchema = z
  .string()
  .trim()
  .min(1)
  .max(60)
  .regex(/^\P{C}+$/u);

const requestSchema = z.strictObject({ id: rollIdSchema.nullable() });

const folderOf = (dataDir: string) => join(dataDir, 'roll-requests');
const fileOf = (dataDir: string, machine: string) => join(folderOf(dataDir), `${machine}.json`);

/** Leaves a request for the agent. @param machine its id, as configured */
export async function askForRoll(dataDir: string, machine: string, id: string | null): Promise<void> {
  makeFolder(folderOf(dataDir));
  const part = join(folderOf(dataDir), `.${randomBytes(8).toString('hex')}.part`);
  await writeFile(part, JSON.stringify({ id }), { mode: 0o600 });
  await rename(part, fileOf(dataDir, machine));
}

/** Takes a request back; true when it was still there. */
export async function takeBack(dataDir: string, machine: string): Promise<boolean> {
  return (await taken(dataDir, machine)) !== null;
}

async function taken(dataDir: string, machine: string): Promise<string | null> {
  const file = fileOf(dataDir, machine);
  try {
    const text = await readFile(file, 'utf8');
    await rm(file);
    return text;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

export interface RollRequestsParts {
  readonly dataDir: string;
  /** Machines with an eye. */
  readonly machines: readonly string[];
  readonly begin: (machine: string, id: string | null) => void;
  readonly log: (level: 'info' | 'warn', message: string, fields: Record<string, unknown>) => void;
}

const lookEveryMs = 1_000;

export class RollRequests {
  readonly #p: RollRequestsParts;
  #timer: NodeJS.Timeout | null = null;
  #looking: Promise<void> = Promise.resolve();

  constructor(parts: RollRequestsParts) {
    this.#p = parts;
  }

  start(signal: AbortSignal): void {
    if (signal.aborted || this.#p.machines.length === 0) return;
    this.#timer = setInterval(() => {
      this.#looking = this.#looking.then(() => this.look());
    }, lookEveryMs);
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#looking;
  }

  /** Looks once for what was asked. Never rejects. */
  async look(): Promise<void> {
    const { dataDir, machines, begin, log } = this.#p;
    for (const machine of machines) {
      try {
        const text = await taken(dataDir, machine);
        if (text === null) continue;
        const request = requestSchema.safeParse(json(text));
        if (request.success) begin(machine, request.data.id);
        else log('warn', 'a request for a roll cannot be read', { machine });
      } catch (error) {
        log('warn', 'requests for rolls cannot be taken', { machine, error: String(error) });
      }
    }
  }
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
