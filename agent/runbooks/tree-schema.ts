/** The tree of a runbook as a schema: what comes from the thread that made it is held against it. */
import { z } from 'zod';
import { safeHref, type Block, type Inline } from './tree.ts';

const inline: z.ZodType<Inline> = z.lazy(() =>
  z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.enum(['text', 'code']), text: z.string() }),
    z.strictObject({ kind: z.literal('break') }),
    z.strictObject({ kind: z.enum(['strong', 'em']), children: z.array(inline) }),
    z.strictObject({
      kind: z.literal('link'),
      href: z.string().refine((href) => safeHref(href) === href),
      children: z.array(inline),
    }),
  ]),
);
const block: z.ZodType<Block> = z.lazy(() =>
  z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('heading'), level: z.int().min(1).max(6), children: z.array(inline) }),
    z.strictObject({ kind: z.literal('paragraph'), children: z.array(inline) }),
    z.strictObject({
      kind: z.literal('list'),
      ordered: z.boolean(),
      start: z.int().min(0).max(999_999_999),
      items: z.array(z.array(block)),
    }),
  ]),
);
export const treeSchema = z.array(block);
