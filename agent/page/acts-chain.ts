/**
 * Reading the record of what was done on the page (`acts.ts`), line by line, and holding it against the anchor: the newest head that the
 * journal knows of.
 *
 * Invariants (test/unit/page/acts-chain.test.ts):
 *  H1  A line that was changed, removed, added or moved between two others shows as `isWhole: false`.
 *  H2  Lines that the anchor knows of and that are not at the end any more are counted: `cut`.
 *  H3  No false alarm: the anchor is noted after its line is on the disk, so a record that ends at the anchor or after it is whole.
 *  H4  Reading gives way every `sliceLines` lines, so that a long record holds nobody up.
 */
import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { z } from 'zod';
import type { ActsHead } from '../store/page-acts-event.ts';

const mostText = 300;

export const actEntry = z.strictObject({
  id: z.int(),
  atMs: z.number(),
  /** Who did it, or whose name a refused sign-in gave; null: nobody the page knows. */
  actor: z.string().max(100).nullable(),
  /** Name of the operation. */
  act: z.string().max(60),
  /** What it was about: parameters and the harmless fields of what was sent. */
  about: z.string().max(mostText + 1),
  outcome: z.enum(['done', 'refused']),
  status: z.int(),
  address: z.string().max(100),
  by: z.enum(['password', 'pin']).nullable(),
  tablet: z.string().max(60).nullable(),
  /** Refused tries before this line that were only counted. */
  missed: z.int(),
});
export type ActEntry = z.infer<typeof actEntry>;
const line = z.strictObject({ hash: z.string(), body: z.string() });

/** What stands before the first line ever. */
export const actsStart: ActsHead = { id: 0, hash: '0'.repeat(64) };

export const actHash = (prev: string, body: string): string =>
  createHash('sha256').update(`${prev}\n${body}`).digest('hex');

export const actLine = (hash: string, body: string): string => `${JSON.stringify({ hash, body })}\n`;

/** Some 2 ms of work on a small gateway. */
export const sliceLines = 50;

/** Lines as they were read, the older file before the present one. */
export interface ReadActs {
  /** Of each file, oldest first. */
  readonly files: readonly (readonly ActEntry[])[];
  /** `actsStart` where there is no line. */
  readonly head: ActsHead;
  readonly isWhole: boolean;
  /** Lines that the anchor knows of and that are not there, at the end; 0: none. */
  readonly cut: number;
  /** Bytes behind the last line of each file: what a power cut left of a line. */
  readonly tornBytes: readonly number[];
}

/**
 * @param texts of the older file and of the present one; null: it is not there
 * @param anchor null: none is known
 */
export async function readActs(
  texts: readonly [old: string | null, now: string | null],
  anchor: ActsHead | null,
): Promise<ReadActs> {
  let head = actsStart;
  let isWhole = true;
  let isAnchored = false;
  const files: ActEntry[][] = [];
  const tornBytes: number[] = [];
  for (const [nth, text] of texts.entries()) {
    const entries: ActEntry[] = [];
    let at = 0;
    const rest = text ?? '';
    let i = 0;
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n', at)) {
      i += 1;
      if (i % sliceLines === 0) await nextTurn();
      const one = rest.slice(at, end);
      at = end + 1;
      const known = read(one);
      if (known === null) {
        isWhole = false;
        continue;
      }
      const { hash, body, entry } = known;
      // The first line of the older file follows one that is gone.
      const isFirstOfOld = nth === 0 && entries.length === 0;
      if (!isFirstOfOld && hash !== actHash(head.hash, body)) isWhole = false;
      entries.push(entry);
      head = { id: entry.id, hash };
      if (head.id === anchor?.id) {
        isAnchored = true;
        if (head.hash !== anchor.hash) isWhole = false;
      }
    }
    files.push(entries);
    tornBytes.push(Buffer.byteLength(rest.slice(at)));
  }
  const cut = anchor === null || isAnchored ? 0 : Math.max(0, anchor.id - head.id);
  return { files, head, isWhole: isWhole && cut === 0, cut, tornBytes };
}

function read(one: string): { readonly hash: string; readonly body: string; readonly entry: ActEntry } | null {
  try {
    const { hash, body } = line.parse(JSON.parse(one));
    return { hash, body, entry: actEntry.parse(JSON.parse(body)) };
  } catch {
    return null;
  }
}
