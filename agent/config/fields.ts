/** How a field of the configuration is written: its help, its marks, and the few kinds of value that several parts share. */
import { z } from 'zod';

/** What a field says about itself, beside its help text. Kept as zod metadata, so it also shows in the JSON Schema. */
export interface Marks {
  /** A change is applied only at the next start; false: it is applied while the agent runs. */
  readonly restart: boolean;
  /** A signed command of the bridge may set it. Never true for identities, addresses, secrets, paths or privacy. */
  readonly remote?: boolean;
  /** Holds a reference (`file:` or `env:`), never the secret. */
  readonly secret?: boolean;
  /** Unit of a number, in words a person reads. */
  readonly unit?: string;
  /** What a right value looks like, where type and range do not say it. */
  readonly expects?: string;
  readonly examples?: readonly (string | number)[];
}

/** Attaches help and marks. Called last on a schema, because zod ties metadata to the very instance. */
export function field<T extends z.ZodType>(schema: T, help: string, marks: Marks): T {
  const { remote = false, secret = false, examples, ...rest } = marks;
  const extra = examples === undefined ? {} : { examples: [...examples] };
  return schema.meta({ description: help, ...rest, remote, secret, ...extra });
}

export const live = { restart: false } as const;
export const atStart = { restart: true } as const;

const idPattern = /^[a-z0-9-]{1,40}$/;
export const id = z.string().regex(idPattern);
export const idExpects = '1 to 40 of the characters a–z, 0–9 and -';
export const label = z.string().min(1).max(80);

/** `file:PATH` or `env:NAME`. The message never repeats the value: it may be a password written in the wrong place. */
export const secretReference = z.string().regex(/^(file:.+|env:[A-Za-z_][A-Za-z0-9_]*)$/);
export const secretExpects = 'a reference, file:PATH or env:NAME; the secret itself never stands in this file';

export const fingerprintPattern = /^([0-9a-fA-F]{2}:?){31}[0-9a-fA-F]{2}$/;
export const fingerprintExpects = 'the SHA-256 of the certificate: 64 hex digits, colons allowed';
