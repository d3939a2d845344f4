/** The operations about cases of needles that broke. */
import { z } from 'zod';
import { pieceFates, uncertainties, type Fragment, type NeedleCase, type Statement } from '../needle-cases/case.ts';
import type { NeedleCaseView } from '../needle-cases/desk.ts';
import { list, paging, type Operation } from './operation.ts';
import { ms } from './views.ts';

const count = z.number().nullable();
const statement = z.discriminatedUnion('outcome', [
  z.strictObject({ outcome: z.literal('complete') }),
  z.strictObject({
    outcome: z.literal('isolated'),
    pieces: z
      .enum(pieceFates)
      .describe('detected: they went through the needle detector; destroyed: they are no goods'),
    text: z.string().trim().min(1).max(500).describe('What was done with them'),
  }),
]) satisfies z.ZodType<Statement>;
const fragment = z.strictObject({
  number: z.int(),
  name: z.string(),
  ofBreak: z.int().describe('Which break of the case it was listed after'),
  listedBy: z.string(),
  listedMs: ms,
  tick: z
    .strictObject({ found: z.boolean(), where: z.string().nullable(), by: z.string(), atMs: ms })
    .nullable()
    .describe('null: nobody has ticked it'),
  withdrawn: z
    .strictObject({ by: z.string(), atMs: ms, reason: z.string() })
    .nullable()
    .describe('Listed by mistake: it stays in the record and counts no more. null: it stands'),
}) satisfies z.ZodType<Fragment>;
const counts = z.strictObject({ stitch: count, piece: count });
const text = z.string().nullable();
const act = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('opened'),
    atMs: ms,
    id: z.string(),
    machine: z.string(),
    by: text.describe('null: an alert of the machine'),
    occurrence: text,
    note: text,
    counts,
    good: z.strictObject({ stitch: count, piece: count, atMs: ms }).nullable(),
  }),
  z.strictObject({ kind: z.literal('again'), atMs: ms, by: text, occurrence: text, note: text, counts }),
  z.strictObject({ kind: z.literal('listed'), atMs: ms, by: z.string(), name: z.string() }),
  z.strictObject({
    kind: z.literal('ticked'),
    atMs: ms,
    by: z.string(),
    fragment: z.int(),
    found: z.boolean(),
    where: text,
  }),
  z.strictObject({
    kind: z.literal('unlisted'),
    atMs: ms,
    by: z.string(),
    fragment: z.int().describe('That was listed by mistake'),
    reason: z.string(),
  }),
  z.strictObject({ kind: z.literal('said'), atMs: ms, by: z.string(), statement }),
  z.strictObject({ kind: z.literal('closed'), atMs: ms, by: z.string() }),
]) satisfies z.ZodType<NeedleCase['acts'][number]>;
export const needleCaseView = z.strictObject({
  id: z.string(),
  machine: z.string(),
  openedMs: ms,
  openedBy: text.describe('null: an alert of the machine'),
  state: z
    .enum(['open', 'said', 'closed', 'closed-isolated'])
    .describe('said: one person has said how it ends, and a second one is needed'),
  range: z
    .strictObject({
      stitchFrom: count,
      stitchTo: count,
      pieceFrom: count,
      pieceTo: count,
      goodMs: ms.nullable(),
      uncertain: z.enum(uncertainties).nullable(),
    })
    .describe(
      'Counters of the machine at the last good stitch, and when the break was noticed; null: not counted, or not known',
    ),
  breaks: z.int(),
  fragments: z.array(fragment).readonly(),
  said: z.strictObject({ statement, by: z.string(), atMs: ms }).nullable(),
  closed: z.strictObject({ by: z.string(), atMs: ms }).nullable(),
  lastTickBy: text,
  acts: z.array(act).readonly().describe('Everything that was done, oldest first'),
  hinders: z
    .array(
      z.enum([
        'closed',
        'full',
        'fragment-listed',
        'fragment-withdrawn',
        'no-such-fragment',
        'no-fragment',
        'fragment-missing',
        'nothing-missing',
        'already-said',
        'not-said',
        'same-person',
      ]),
    )
    .readonly()
    .describe('What hinders closing still'),
  firstPeople: z.array(z.string()).readonly().describe('Who may not be the second person'),
  pieces: z
    .strictObject({ from: count, to: z.number() })
    .nullable()
    .describe('Pieces made since the last good stitch, as the machine counts them; null: it counts none'),
}) satisfies z.ZodType<NeedleCaseView>;

const ofCase = z.strictObject({ case: z.string().min(1).max(100) });
const ofFragment = ofCase.extend({ fragment: z.coerce.number().int().min(1).max(1000) });
const changes = { access: 'maintainer', touches: true, method: 'POST', response: needleCaseView } as const;

export const needleCaseOperations = {
  needleCases: {
    method: 'GET',
    path: '/api/needle-cases',
    summary: 'Cases of needles that broke, newest first: of each machine every open one and the newest closed ones',
    access: 'viewer',
    touches: false,
    query: z.strictObject({ state: z.enum(['open', 'closed', 'all']).default('open'), ...paging }),
    response: list(needleCaseView),
  },
  needleCase: {
    method: 'GET',
    path: '/api/needle-cases/:case',
    summary: 'One case, by its id or by an alert it belongs to. 404: unknown, or too old to be shown here',
    access: 'viewer',
    touches: false,
    params: ofCase,
    response: needleCaseView,
  },
  openNeedleCase: {
    ...changes,
    path: '/api/needle-cases',
    summary:
      'Says that a needle broke at a machine. Where a case of it is open this is another break of that case. 404: unknown machine',
    body: z.strictObject({ machine: z.string().min(1).max(40), note: z.string().trim().max(500).optional() }),
  },
  listFragment: {
    ...changes,
    path: '/api/needle-cases/:case/fragments',
    summary: 'Lists a piece of the needle that must be found. 409: the case is closed, has it already, or has too many',
    params: ofCase,
    body: z.strictObject({ name: z.string().trim().min(1).max(60) }),
  },
  tickFragment: {
    ...changes,
    path: '/api/needle-cases/:case/fragments/:fragment',
    summary: 'Says whether a listed piece was found, and where. What was said of the whole case is taken back by it',
    params: ofFragment,
    body: z.strictObject({ found: z.boolean(), where: z.string().trim().max(200).optional() }),
  },
  withdrawFragment: {
    ...changes,
    path: '/api/needle-cases/:case/fragments/:fragment/withdraw',
    summary:
      'Withdraws a piece that was listed by mistake. It stays in the record, struck out, and counts no more; what was said of the whole ' +
      'case is taken back, and who does it cannot be the second person. 409: the case is closed, or it is withdrawn already',
    params: ofFragment,
    body: z.strictObject({ reason: z.string().trim().min(1).max(200).describe('Why it is no piece of this needle') }),
  },
  sayNeedleCase: {
    ...changes,
    path: '/api/needle-cases/:case/complete',
    summary:
      'The first person says that the needle is complete, or that a piece is missing and what was done with the pieces that were sewn. ' +
      '409: a listed piece is not found (complete), or all are (isolated)',
    params: ofCase,
    body: statement,
  },
  closeNeedleCase: {
    ...changes,
    path: '/api/needle-cases/:case/close',
    summary:
      'The second person closes it, with their own name and password: a maintainer or admin who neither opened it, nor ticked last, nor ' +
      'withdrew a piece, nor said so. 403: not proven, or not another person; 429: too many tries',
    params: ofCase,
    body: z.strictObject({ name: z.string().min(1).max(100), password: z.string().max(1000) }),
  },
} as const satisfies Record<string, Operation>;
