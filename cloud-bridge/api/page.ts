/** What all lists of the API share: the query words, and cursors that are the key of the last row. */
import { z } from 'zod';
import type { Row, Scalar } from '../store/bridge-store.ts';

export interface KeyColumn {
  /** As the row has it. */
  readonly name: string;
  /** As SQL compares it. */
  readonly expression: string;
  readonly type: 'text' | 'number';
}

export const id = z.string().regex(/^[a-z0-9-]{1,40}$/, 'must be an id');
export const word = z.string().regex(/^[\w.:-]{1,80}$/, 'must be one word');
export const ms = z.coerce.number().int();
export const pageQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  cursor: z.string().max(1600).optional(),
});

/** The first thing wrong with a query, in a line. */
export function firstIssue(error: z.ZodError): string {
  const [issue] = error.issues;
  const where = issue?.path.join('.') ?? '';
  return `${where === '' ? '' : `${where}: `}${issue?.message ?? 'not usable'}`;
}

/** The value of a JSON column. */
export function json(text: Row[string] | undefined): unknown {
  return JSON.parse(String(text ?? 'null'));
}

export function encodeCursor(key: readonly KeyColumn[], row: Row): string {
  return Buffer.from(JSON.stringify(key.map(({ name }) => row[name]))).toString('base64url');
}

/** The key values of a cursor, or null when it is not one of a list with this key. */
export function decodeCursor(cursor: string, key: readonly KeyColumn[]): readonly Scalar[] | null {
  try {
    const values = z
      .array(z.union([z.string(), z.number()]))
      .parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
    const fits = key.every(({ type }, at) => typeof values[at] === (type === 'text' ? 'string' : 'number'));
    return fits && values.length === key.length ? values : null;
  } catch {
    return null;
  }
}
