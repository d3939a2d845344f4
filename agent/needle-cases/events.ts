/** The acts of needle cases as events of the journal, and back. A time that must be dated with the event is its own, or its `fromMs`. */
import { z } from 'zod';
import type { EventRecord } from '../../cloud-bridge/contract.ts';
import type { DraftOf } from '../records.ts';
import { pieceFates, type Act } from './case.ts';
import { caseActEvent, caseOpenedEvent } from './event-names.ts';

const count = z.number().nullable();
const text = z.string().max(1000).nullable();
const name = z.string().max(200);
const counts = { stitch: count, piece: count };
const ofCase = { case: z.string().max(100) };

const openedData = z.object({
  ...ofCase,
  ...counts,
  by: name.nullable(),
  occurrence: text,
  note: text,
  goodStitch: count,
  goodPiece: count,
});
const actData = z.discriminatedUnion('act', [
  z.object({ ...ofCase, act: z.literal('again'), by: name.nullable(), occurrence: text, note: text, ...counts }),
  z.object({ ...ofCase, act: z.literal('listed'), by: name, name }),
  z.object({
    ...ofCase,
    act: z.literal('ticked'),
    by: name,
    fragment: z.int().min(1),
    found: z.boolean(),
    where: text,
  }),
  z.object({
    ...ofCase,
    act: z.literal('unlisted'),
    by: name,
    fragment: z.int().min(1),
    reason: z.string().max(1000),
  }),
  z.object({
    ...ofCase,
    act: z.literal('said'),
    by: name,
    outcome: z.enum(['complete', 'isolated']),
    pieces: z.enum(pieceFates).nullable(),
    text,
  }),
  z.object({ ...ofCase, act: z.literal('closed'), by: name }),
]);

/** An act of a case, with the case it is of. */
export interface ActOfCase {
  readonly id: string;
  readonly act: Act;
}

export function draftOf(machine: string, { id, act }: ActOfCase): Omit<DraftOf<'event'>, 'kind'> {
  const atMs = Math.round(act.atMs);
  if (act.kind === 'opened') {
    const { by, occurrence, note, counts: counted, good } = act;
    return {
      machine,
      atMs,
      event: caseOpenedEvent,
      phase: 'instant',
      fromMs: good === null ? null : Math.round(good.atMs),
      data: {
        case: id,
        by,
        occurrence,
        note,
        ...counted,
        goodStitch: good?.stitch ?? null,
        goodPiece: good?.piece ?? null,
      },
    };
  }
  return { machine, atMs, event: caseActEvent, phase: 'instant', fromMs: null, data: { case: id, ...dataOf(act) } };
}

function dataOf(act: Exclude<Act, { kind: 'opened' }>): EventRecord['data'] {
  switch (act.kind) {
    case 'again': {
      const { by, occurrence, note, counts: counted } = act;
      return { act: 'again', by, occurrence, note, ...counted };
    }
    case 'listed':
      return { act: 'listed', by: act.by, name: act.name };
    case 'ticked':
      return { act: 'ticked', by: act.by, fragment: act.fragment, found: act.found, where: act.where };
    case 'unlisted':
      return { act: 'unlisted', by: act.by, fragment: act.fragment, reason: act.reason };
    case 'said': {
      const { by, statement } = act;
      const isolated = statement.outcome === 'isolated' ? statement : null;
      const { outcome } = statement;
      return { act: 'said', by, outcome, pieces: isolated?.pieces ?? null, text: isolated?.text ?? null };
    }
    case 'closed':
      return { act: 'closed', by: act.by };
  }
}

/** null: it is no act of a case, or one of a later version. */
export function actOf({ event, machine, atMs, fromMs, data }: EventRecord): ActOfCase | null {
  if (event === caseOpenedEvent) {
    const known = openedData.safeParse(data);
    if (!known.success) return null;
    const { case: id, stitch, piece, goodStitch, goodPiece, ...rest } = known.data;
    const good = fromMs === null ? null : { stitch: goodStitch, piece: goodPiece, atMs: fromMs };
    return { id, act: { kind: 'opened', id, machine, atMs, ...rest, counts: { stitch, piece }, good } };
  }
  if (event !== caseActEvent) return null;
  const known = actData.safeParse(data);
  if (!known.success) return null;
  const { case: id } = known.data;
  switch (known.data.act) {
    case 'again': {
      const { by, occurrence, note, stitch, piece } = known.data;
      return { id, act: { kind: 'again', atMs, by, occurrence, note, counts: { stitch, piece } } };
    }
    case 'listed':
      return { id, act: { kind: 'listed', atMs, by: known.data.by, name: known.data.name } };
    case 'ticked': {
      const { by, fragment, found, where } = known.data;
      return { id, act: { kind: 'ticked', atMs, by, fragment, found, where } };
    }
    case 'unlisted': {
      const { by, fragment, reason } = known.data;
      return { id, act: { kind: 'unlisted', atMs, by, fragment, reason } };
    }
    case 'said': {
      const { by, outcome, pieces, text: told } = known.data;
      if (outcome === 'complete') return { id, act: { kind: 'said', atMs, by, statement: { outcome } } };
      if (pieces === null) return null;
      return { id, act: { kind: 'said', atMs, by, statement: { outcome, pieces, text: told ?? '' } } };
    }
    case 'closed':
      return { id, act: { kind: 'closed', atMs, by: known.data.by } };
  }
}
