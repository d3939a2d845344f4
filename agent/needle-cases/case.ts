/**
 * A needle that broke, from the break until two people have said that nothing of it is in the goods: a pure reducer over the acts that are
 * kept in the journal. A fragment stands as long as nobody has withdrawn it as listed by mistake.
 *
 * Invariants (test/unit/needle-cases/case.test.ts):
 *  N1  A case is closed as complete only when a fragment that stands was listed since its newest break and every one that stands is found.
 *  N2  A case is closed, either way, only by a second person: neither who opened it, nor who ticked a fragment last, nor anybody who withdrew
 *      one, nor who said that it is complete or isolated.
 *  N3  With a standing fragment missing it is closed only as isolated, with what was done with the pieces.
 *  N4  Whatever changes what was said (a fragment listed, ticked or withdrawn, another break) takes the saying back.
 *  N5  A range never shrinks, and no number of it is made up: what the machine does not count is null.
 *  N6  A closed case takes no further act.
 *  N7  Fragments and acts are bounded; what finds no room is refused, and a break that finds none makes the range uncertain. Room for the one
 *      fragment that a case needs to be closed is always left.
 *  N8  A record loses no line: a fragment that is withdrawn stays with who, when and why, and stays withdrawn.
 */

/** What a machine has counted; null where it does not count that, or was not read. */
export interface Counts {
  readonly stitch: number | null;
  readonly piece: number | null;
}

/** Why the range may not hold all that was made since the last good stitch. */
export const uncertainties = ['not-seen-running', 'by-hand', 'counter-restarted', 'too-many-breaks'] as const;
export type Uncertainty = (typeof uncertainties)[number];

/** From the last good stitch to where the break was noticed, as the counters of the machine stood. */
export interface Range {
  readonly stitchFrom: number | null;
  readonly stitchTo: number | null;
  readonly pieceFrom: number | null;
  readonly pieceTo: number | null;
  /** UTC ms at which the last good stitch was known; null where it is not known. */
  readonly goodMs: number | null;
  readonly uncertain: Uncertainty | null;
}

/** What is to become of the pieces of the range where not all of the needle was found. */
export const pieceFates = ['detected', 'destroyed'] as const;
export type Statement =
  | { readonly outcome: 'complete' }
  | {
      readonly outcome: 'isolated';
      /** They went through the needle detector and are good, or they were destroyed. */
      readonly pieces: (typeof pieceFates)[number];
      readonly text: string;
    };

interface Common {
  /** UTC ms. */
  readonly atMs: number;
}
export type Act = Common &
  (
    | {
        readonly kind: 'opened';
        readonly id: string;
        readonly machine: string;
        /** null: an alert of the machine. */
        readonly by: string | null;
        readonly occurrence: string | null;
        readonly note: string | null;
        readonly counts: Counts;
        /** What it had counted at the last good stitch, and when; null: not known. */
        readonly good: (Counts & { readonly atMs: number }) | null;
      }
    | {
        readonly kind: 'again';
        readonly by: string | null;
        readonly occurrence: string | null;
        readonly note: string | null;
        readonly counts: Counts;
      }
    | { readonly kind: 'listed'; readonly by: string; readonly name: string }
    | {
        readonly kind: 'ticked';
        readonly by: string;
        readonly fragment: number;
        readonly found: boolean;
        readonly where: string | null;
      }
    | {
        /** Withdrawn: it was listed by mistake. */
        readonly kind: 'unlisted';
        readonly by: string;
        readonly fragment: number;
        readonly reason: string;
      }
    | { readonly kind: 'said'; readonly by: string; readonly statement: Statement }
    | { readonly kind: 'closed'; readonly by: string }
  );
export type LaterAct = Exclude<Act, { readonly kind: 'opened' }>;

export interface Fragment {
  /** From 1. */
  readonly number: number;
  readonly name: string;
  /** Which break of the case it was listed after. */
  readonly ofBreak: number;
  readonly listedBy: string;
  readonly listedMs: number;
  /** null: nobody has ticked it. */
  readonly tick: {
    readonly found: boolean;
    readonly where: string | null;
    readonly by: string;
    readonly atMs: number;
  } | null;
  /** Who took it out as listed by mistake, and why; null: it stands. */
  readonly withdrawn: { readonly by: string; readonly atMs: number; readonly reason: string } | null;
}

export interface NeedleCase {
  readonly id: string;
  readonly machine: string;
  readonly openedMs: number;
  readonly openedBy: string | null;
  readonly state: 'open' | 'said' | 'closed' | 'closed-isolated';
  readonly range: Range;
  readonly breaks: number;
  readonly fragments: readonly Fragment[];
  readonly said: { readonly statement: Statement; readonly by: string; readonly atMs: number } | null;
  readonly closed: { readonly by: string; readonly atMs: number } | null;
  readonly lastTickBy: string | null;
  /** Everything that was done, oldest first. */
  readonly acts: readonly Act[];
}

export type Refusal =
  | 'closed'
  | 'full'
  | 'fragment-listed'
  | 'fragment-withdrawn'
  | 'no-such-fragment'
  | 'no-fragment'
  | 'fragment-missing'
  | 'nothing-missing'
  | 'already-said'
  | 'not-said'
  | 'same-person';

export type Stepped =
  | { readonly ok: true; readonly value: NeedleCase }
  | { readonly ok: false; readonly refusal: Refusal };

/** Fragments that stand. */
export const mostFragments = 30;
/** Breaks of one case that are kept as acts. */
export const mostBreaks = 50;
/** Acts after which nothing more is listed, ticked or withdrawn, but the first fragment since a break is listed; what is said, closed or broken again has room beyond. */
export const mostActs = 250;

/** The case that an opening begins. */
export function openCase(act: Extract<Act, { kind: 'opened' }>): NeedleCase {
  const { id, machine, atMs, by, counts, good } = act;
  const range = {
    stitchFrom: good?.stitch ?? null,
    stitchTo: counts.stitch,
    pieceFrom: good?.piece ?? null,
    pieceTo: counts.piece,
    goodMs: good?.atMs ?? null,
    uncertain: good === null ? (by === null ? ('not-seen-running' as const) : ('by-hand' as const)) : null,
  };
  return {
    id,
    machine,
    openedMs: atMs,
    openedBy: by,
    state: 'open',
    range: checked(range),
    breaks: 1,
    fragments: [],
    said: null,
    closed: null,
    lastTickBy: null,
    acts: [act],
  };
}

/** What an act makes of a case, or why it may not be. */
export function step(now: NeedleCase, act: LaterAct): Stepped {
  if (now.closed !== null) return refuse('closed');
  const acts = [...now.acts, act];
  const open = { ...now, acts, state: 'open', said: null } as const;
  switch (act.kind) {
    case 'again': {
      // What is beyond is told by the range, and takes back no more than what somebody has said since.
      if (now.breaks >= mostBreaks && now.said === null) return refuse('full');
      const breaks = Math.min(mostBreaks, now.breaks + 1);
      const range = grown(now.range, act.counts);
      return {
        ok: true,
        value: { ...open, breaks, range: breaks < mostBreaks ? range : { ...range, uncertain: 'too-many-breaks' } },
      };
    }
    case 'listed': {
      const listed = standing(now);
      // Without one since the newest break nobody could ever close the case.
      const isNeeded = !listed.some(({ ofBreak }) => ofBreak === now.breaks);
      if (!isNeeded && (listed.length >= mostFragments || acts.length > mostActs)) return refuse('full');
      if (listed.some(({ name, ofBreak }) => name === act.name && ofBreak === now.breaks))
        return refuse('fragment-listed');
      const fragment = {
        number: now.fragments.length + 1,
        name: act.name,
        ofBreak: now.breaks,
        listedBy: act.by,
        listedMs: act.atMs,
        tick: null,
        withdrawn: null,
      };
      return { ok: true, value: { ...open, fragments: [...now.fragments, fragment] } };
    }
    case 'ticked': {
      const { by, atMs, found, where, fragment: number } = act;
      const hindrance = againstChanging(now, number, acts.length);
      if (hindrance !== null) return refuse(hindrance);
      const fragments = changed(now.fragments, number, { tick: { found, where, by, atMs } });
      return { ok: true, value: { ...open, fragments, lastTickBy: by } };
    }
    case 'unlisted': {
      const { by, atMs, reason, fragment: number } = act;
      const hindrance = againstChanging(now, number, acts.length);
      if (hindrance !== null) return refuse(hindrance);
      const fragments = changed(now.fragments, number, { withdrawn: { by, atMs, reason } });
      return { ok: true, value: { ...open, fragments } };
    }
    case 'said': {
      if (now.said !== null) return refuse('already-said');
      const { by, atMs, statement } = act;
      const hindrance = againstSaying(now, statement.outcome);
      if (hindrance !== null) return refuse(hindrance);
      return { ok: true, value: { ...now, acts, state: 'said', said: { statement, by, atMs } } };
    }
    case 'closed': {
      if (now.said === null) return refuse('not-said');
      const { statement } = now.said;
      const hindrance = againstSaying(now, statement.outcome);
      if (hindrance !== null) return refuse(hindrance);
      if (firstPeople(now).includes(act.by)) return refuse('same-person');
      const state = statement.outcome === 'complete' ? 'closed' : 'closed-isolated';
      return { ok: true, value: { ...now, acts, state, closed: { by: act.by, atMs: act.atMs } } };
    }
  }
}

/** Who may not be the second person. */
export function firstPeople({ openedBy, lastTickBy, said, fragments }: NeedleCase): string[] {
  const withdrew = fragments.map(({ withdrawn }) => withdrawn?.by ?? null);
  return [...new Set([openedBy, lastTickBy, ...withdrew, said?.by ?? null])].filter((name) => name !== null);
}

/** The fragments that count: nobody has withdrawn them. */
export const standing = ({ fragments }: Pick<NeedleCase, 'fragments'>): readonly Fragment[] =>
  fragments.filter(({ withdrawn }) => withdrawn === null);

/** What hinders closing still, in the order in which it is to be done; empty once it is closed. */
export function hindrances(now: NeedleCase): Refusal[] {
  if (now.closed !== null) return [];
  if (now.said !== null) return ['same-person'];
  const missing = againstSaying(now, 'complete');
  return missing === null ? ['not-said'] : [missing];
}

/** The pieces that are to be isolated: those finished since the last good stitch, and the one under the needle. Null: not counted. */
export function piecesIn({ pieceFrom, pieceTo }: Range): { from: number | null; to: number } | null {
  if (pieceTo === null) return null;
  return { from: pieceFrom === null ? null : pieceFrom + 1, to: pieceTo + 1 };
}

/** Why a fragment may be neither ticked nor withdrawn. */
function againstChanging({ fragments }: NeedleCase, number: number, acts: number): Refusal | null {
  const fragment = fragments.find((one) => one.number === number);
  if (fragment === undefined) return 'no-such-fragment';
  if (fragment.withdrawn !== null) return 'fragment-withdrawn';
  return acts > mostActs ? 'full' : null;
}

const changed = (
  fragments: readonly Fragment[],
  number: number,
  change: Partial<Pick<Fragment, 'tick' | 'withdrawn'>>,
): readonly Fragment[] => fragments.map((one) => (one.number === number ? { ...one, ...change } : one));

function againstSaying(now: NeedleCase, outcome: Statement['outcome']): Refusal | null {
  const { breaks } = now;
  const fragments = standing(now);
  if (!fragments.some(({ ofBreak }) => ofBreak === breaks)) return 'no-fragment';
  const isMissing = fragments.some(({ tick }) => tick?.found !== true);
  if (outcome === 'complete') return isMissing ? 'fragment-missing' : null;
  return isMissing ? null : 'nothing-missing';
}

/** The range with another break in it. */
function grown(range: Range, counts: Counts): Range {
  const fell =
    (counts.stitch !== null && range.stitchTo !== null && counts.stitch < range.stitchTo) ||
    (counts.piece !== null && range.pieceTo !== null && counts.piece < range.pieceTo);
  return checked({
    ...range,
    stitchTo: counts.stitch === null ? range.stitchTo : Math.max(counts.stitch, range.stitchTo ?? 0),
    pieceTo: counts.piece === null ? range.pieceTo : Math.max(counts.piece, range.pieceTo ?? 0),
    uncertain: fell ? 'counter-restarted' : range.uncertain,
  });
}

/** A counter that stands lower at the end than at the beginning began anew in between. */
function checked(range: Range): Range {
  const { stitchFrom, stitchTo, pieceFrom, pieceTo } = range;
  const fell = (from: number | null, to: number | null) => from !== null && to !== null && to < from;
  return fell(stitchFrom, stitchTo) || fell(pieceFrom, pieceTo) ? { ...range, uncertain: 'counter-restarted' } : range;
}

const refuse = (refusal: Refusal): Stepped => ({ ok: false, refusal });
