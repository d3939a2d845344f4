/** What every operation of the page's API is made of. */
import { z } from 'zod';
import type { Role } from './users.ts';

/** One page of a list of these. */
export const list = <T extends z.ZodType>(item: T) =>
  z.strictObject({ items: z.array(item), next: z.string().nullable().describe('Cursor of the next page') });
export const paging = {
  limit: z.coerce.number().int().min(1).max(500).default(100),
  cursor: z.string().min(1).max(200).optional(),
};

export interface Operation {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly summary: string;
  /** The least role that may use it; `public` routes answer without a session and hold no data of the floor. */
  readonly access: 'public' | Role;
  /** false: does not start the idle time of the session anew (it runs without anybody being there). */
  readonly touches: boolean;
  /** Most bytes of the body, where the server's own limit is not enough. */
  readonly bodyLimit?: number;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** A file has its media type. */
  readonly response: z.ZodType | 'event-stream' | { readonly media: string };
}

export const ofOccurrence = z.strictObject({ occurrence: z.string().min(1).max(200) });
export const ofMachine = z.strictObject({ machine: z.string().min(1).max(40) });
