/**
 * Whether a microphone hears at all: a dead, unplugged, overdriven or muffled one must be an alert, never a deaf ear. Pure: seconds of
 * sound are measured by `measure.ts`, time is passed in.
 *
 * Invariants (test/unit/drivers/microphone/health.test.ts):
 *  H1  A trouble is told when it held for `raiseMs` (muffled: `muffledMs`) and over when it did not for `clearMs`; between the two
 *      limits of a trouble nothing changes (hysteresis).
 *  H2  Where several hold the worst is told, in the order of `troubles`.
 *  H3  Without a taught reference nothing is said of muffled; while the lows are not there either (the machine stands), or another
 *      trouble holds, it is not judged, and what was known of it stays.
 *  H4  Silence on the line alone is enough for `stalled`.
 */
import type { SoundMeasure } from './measure.ts';

export const troubles = ['stalled', 'damaged', 'dead', 'clipped', 'offset', 'muffled'] as const;
export type Trouble = (typeof troubles)[number];

export type MicrophoneVerdict =
  | { readonly kind: 'starting' }
  | { readonly kind: 'ok' }
  /** Nothing comes: unplugged, switched off, or the network is gone. */
  | { readonly kind: 'stalled'; readonly silentMs: number }
  /** What comes are no numbers. */
  | { readonly kind: 'damaged'; readonly badShare: number }
  /** What comes is one value, or no more than the noise of a converter. */
  | { readonly kind: 'dead'; readonly sameShare: number; readonly rmsDb: number }
  | { readonly kind: 'clipped'; readonly clippedShare: number }
  /** A direct voltage lies on it. */
  | { readonly kind: 'offset'; readonly dc: number }
  /** The highs are gone and the lows are not: something lies before it. */
  | { readonly kind: 'muffled'; readonly lostDb: number };
export type MicrophoneState = MicrophoneVerdict['kind'];

/** What a good microphone heard of the running machine. */
export interface MicrophoneReference {
  readonly lowDb: number;
  readonly highDb: number;
}

export interface HealthOptions {
  /** Without a sample for so long it is stalled; null for files, which end. */
  readonly stalledMs: number | null;
  readonly raiseMs: number;
  readonly clearMs: number;
  /** A muffled microphone stays muffled; a machine may sound dull for a while. */
  readonly muffledMs: number;
  /** Limits as [raise, clear]. Share of samples that are no numbers; the same as the one before; at full scale. */
  readonly bad: readonly [number, number];
  readonly same: readonly [number, number];
  readonly clipped: readonly [number, number];
  /** Level of all of it, dB. */
  readonly quietDb: readonly [number, number];
  readonly dc: readonly [number, number];
  /** By how much the highs, held against the lows, lie below what was taught, dB. */
  readonly lostDb: readonly [number, number];
  /** The lows may lie so far below what was taught for the machine to count as running, dB. */
  readonly runningDb: number;
}

export const defaultHealthOptions: HealthOptions = {
  stalledMs: 3_000,
  raiseMs: 3_000,
  clearMs: 3_000,
  muffledMs: 10_000,
  bad: [0.01, 0.001],
  same: [0.999, 0.98],
  clipped: [0.01, 0.002],
  quietDb: [-90, -84],
  dc: [0.1, 0.05],
  lostDb: [12, 8],
  runningDb: 6,
};

interface Latch {
  readonly isOn: boolean;
  /** Since when the other side holds without a break, ms; null while it does not. */
  readonly changingSinceMs: number | null;
}
const off: Latch = { isOn: false, changingSinceMs: null };

/** Everything that is known of a microphone. Made by `startHealth`, changed by the functions below alone. */
export interface MicrophoneHealth {
  readonly verdict: MicrophoneVerdict;
  /** Monotonic ms since which its kind holds. */
  readonly sinceMs: number;
  readonly lastSoundMs: number;
  readonly hasHeard: boolean;
  readonly measure: SoundMeasure | null;
  readonly lostDb: number;
  readonly latches: Readonly<Record<Trouble, Latch>>;
}

export function startHealth(nowMs: number): MicrophoneHealth {
  return {
    verdict: { kind: 'starting' },
    sinceMs: nowMs,
    lastSoundMs: nowMs,
    hasHeard: false,
    measure: null,
    lostDb: 0,
    latches: { stalled: off, damaged: off, dead: off, clipped: off, offset: off, muffled: off },
  };
}

/** Samples came, however few. */
export function heardSome(before: MicrophoneHealth, nowMs: number): MicrophoneHealth {
  return { ...before, lastSoundMs: nowMs };
}

/** A second of sound is whole. */
export function hearSecond(
  before: MicrophoneHealth,
  measure: SoundMeasure,
  nowMs: number,
  reference: MicrophoneReference | null,
  options: HealthOptions = defaultHealthOptions,
): MicrophoneHealth {
  const { latches } = before;
  const step = (trouble: Trouble, verdict: Side, holdMs = options.raiseMs): Latch =>
    settle(latches[trouble], verdict, nowMs, holdMs, options.clearMs);
  const same = above(measure.sameShare, options.same);
  const quiet = above(-measure.rmsDb, [-options.quietDb[0], -options.quietDb[1]]);
  const seen = {
    damaged: above(measure.badShare, options.bad),
    dead: same === 'raise' || quiet === 'raise' ? 'raise' : same === 'clear' && quiet === 'clear' ? 'clear' : 'between',
    clipped: above(measure.clippedShare, options.clipped),
    offset: above(Math.abs(measure.dc), options.dc),
  } as const;
  const isDoubtful = Object.values(seen).some((side) => side !== 'clear');
  const isRunning = reference !== null && measure.lowDb >= reference.lowDb - options.runningDb;
  const lostDb = reference === null ? 0 : reference.highDb - reference.lowDb - (measure.highDb - measure.lowDb);
  const isJudged = isRunning && !isDoubtful;
  return told(
    {
      ...before,
      lastSoundMs: nowMs,
      hasHeard: true,
      measure,
      lostDb: isJudged ? lostDb : before.lostDb,
      latches: {
        stalled: settle(latches.stalled, 'clear', nowMs, 0, options.clearMs),
        damaged: step('damaged', seen.damaged),
        dead: step('dead', seen.dead),
        clipped: step('clipped', seen.clipped),
        offset: step('offset', seen.offset),
        muffled: isJudged ? step('muffled', above(lostDb, options.lostDb), options.muffledMs) : latches.muffled,
      },
    },
    nowMs,
  );
}

/** Time went by, with or without sound. Called at least once a second. */
export function passTime(
  before: MicrophoneHealth,
  nowMs: number,
  options: HealthOptions = defaultHealthOptions,
): MicrophoneHealth {
  const silentMs = nowMs - before.lastSoundMs;
  const isSilent = options.stalledMs !== null && silentMs >= options.stalledMs;
  // Its patience is over when it is silent: it needs no other.
  const stalled: Latch = isSilent ? { isOn: true, changingSinceMs: null } : before.latches.stalled;
  return told({ ...before, latches: { ...before.latches, stalled } }, nowMs);
}

/** What is taught: the middle of the seconds in which the machine ran. Null where there are fewer than ten. */
export function referenceOf(measures: readonly SoundMeasure[]): MicrophoneReference | null {
  if (measures.length < 10) return null;
  const middle = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
  return { lowDb: middle(measures.map(({ lowDb }) => lowDb)), highDb: middle(measures.map(({ highDb }) => highDb)) };
}

/** One sentence for who reads it; null while it is well. */
export function reasonOf(verdict: MicrophoneVerdict): string | null {
  const percent = (share: number) => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
  switch (verdict.kind) {
    case 'starting':
    case 'ok':
      return null;
    case 'stalled':
      return `no sound for ${Math.round(verdict.silentMs / 1000)} s`;
    case 'damaged':
      return `${percent(verdict.badShare)} of what it sends are no numbers`;
    case 'dead':
      return verdict.sameShare > 0.5 ? 'it sends one value' : `its level is ${verdict.rmsDb.toFixed(0)} dB`;
    case 'clipped':
      return `${percent(verdict.clippedShare)} of the samples are at full scale`;
    case 'offset':
      return `a direct voltage of ${percent(Math.abs(verdict.dc))} of full scale lies on it`;
    case 'muffled':
      return `above 4 kHz it has lost ${verdict.lostDb.toFixed(0)} dB against what was taught`;
  }
}

function told(seen: MicrophoneHealth, nowMs: number): MicrophoneHealth {
  const verdict = verdictOf(seen, nowMs);
  return { ...seen, verdict, sinceMs: verdict.kind === seen.verdict.kind ? seen.sinceMs : nowMs };
}

function verdictOf(
  { latches, measure, lastSoundMs, lostDb, hasHeard }: MicrophoneHealth,
  nowMs: number,
): MicrophoneVerdict {
  const worst = troubles.find((trouble) => latches[trouble].isOn);
  if (worst === 'stalled') return { kind: 'stalled', silentMs: nowMs - lastSoundMs };
  if (worst === undefined || measure === null) return { kind: hasHeard ? 'ok' : 'starting' };
  switch (worst) {
    case 'damaged':
      return { kind: 'damaged', badShare: measure.badShare };
    case 'dead':
      return { kind: 'dead', sameShare: measure.sameShare, rmsDb: measure.rmsDb };
    case 'clipped':
      return { kind: 'clipped', clippedShare: measure.clippedShare };
    case 'offset':
      return { kind: 'offset', dc: measure.dc };
    case 'muffled':
      return { kind: 'muffled', lostDb };
  }
}

type Side = 'raise' | 'clear' | 'between';

/** From the first limit on it is raised, up to the second cleared. */
function above(value: number, [raise, clear]: readonly [number, number]): Side {
  return value >= raise ? 'raise' : value <= clear ? 'clear' : 'between';
}

function settle(latch: Latch, side: Side, nowMs: number, raiseMs: number, clearMs: number): Latch {
  const wants = side === 'between' ? latch.isOn : side === 'raise';
  if (wants === latch.isOn) return latch.changingSinceMs === null ? latch : { ...latch, changingSinceMs: null };
  const sinceMs = latch.changingSinceMs ?? nowMs;
  return nowMs - sinceMs >= (wants ? raiseMs : clearMs)
    ? { isOn: wants, changingSinceMs: null }
    : { ...latch, changingSinceMs: sinceMs };
}
