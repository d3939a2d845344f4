/**
 * Whether a camera sees at all: a stalled, dark, blinded, defocused or moved camera must be an alert, never a silent eye. Pure: frames
 * are measured by `measure.ts`, time is passed in.
 *
 * Invariants (test/unit/drivers/camera-health.test.ts):
 *  H1  A trouble is told when it held for `raiseMs` and over when it did not for `clearMs`; between the two limits of a trouble nothing
 *      changes (hysteresis).
 *  H2  Where several hold, the worst is told: who sees nothing cannot be out of focus, and another scene has
 *      another sharpness. In the dark or in the glare sharpness and place
 *      are not judged, and what was known of them stays.
 *  H3  Without a taught reference nothing is said of focus and place.
 *  H4  Silence alone is enough for `stalled`; so is the very same picture again and again, which no sensor gives.
 */
import type { FrameMeasure } from './measure.ts';
import { addToScene, displacement, noScene, type CameraReference, type Scene } from './scene.ts';

export const troubles = ['stalled', 'black', 'over-exposed', 'moved', 'defocused'] as const;
export type Trouble = (typeof troubles)[number];
export type CameraState = 'starting' | 'ok' | Trouble;

export interface HealthOptions {
  /** Without a frame for so long it is stalled; null for files, which end. */
  readonly stalledMs: number | null;
  /** The same picture for so long is none of a sensor. */
  readonly frozenMs: number;
  readonly raiseMs: number;
  readonly clearMs: number;
  /** Limits as [raise, clear]. Share of pixels that are black; that are white. */
  readonly black: readonly [number, number];
  readonly white: readonly [number, number];
  /** Sharpness as a share of the reference. */
  readonly sharpness: readonly [number, number];
  /** How far the rim of the picture lies elsewhere, as a share of its width or height. */
  readonly shift: readonly [number, number];
}

export const defaultHealthOptions: HealthOptions = {
  stalledMs: 3_000,
  frozenMs: 10_000,
  raiseMs: 2_000,
  clearMs: 2_000,
  black: [0.98, 0.9],
  white: [0.3, 0.15],
  sharpness: [0.5, 0.7],
  shift: [0.02, 0.01],
};

interface Latch {
  readonly isOn: boolean;
  /** Since when the other side holds without a break, ms; null while it does not. */
  readonly changingSinceMs: number | null;
}
const off: Latch = { isOn: false, changingSinceMs: null };

/** Everything that is known of a camera. Made by `startHealth`, changed by `seeFrame` and `passTime` alone. */
export interface CameraHealth {
  readonly state: CameraState;
  /** One lower-case word group, and the figure it rests on; null while it is well. */
  readonly reason: string | null;
  /** Monotonic ms since which the state holds. */
  readonly sinceMs: number;
  readonly lastFrameMs: number;
  readonly frames: number;
  readonly lastHash: number | null;
  readonly sameSinceMs: number;
  readonly scene: Scene;
  readonly latches: Readonly<Record<Trouble, Latch>>;
  readonly reasons: Readonly<Record<Trouble, string>>;
}

export function startHealth(nowMs: number): CameraHealth {
  return {
    state: 'starting',
    reason: null,
    sinceMs: nowMs,
    lastFrameMs: nowMs,
    frames: 0,
    lastHash: null,
    sameSinceMs: nowMs,
    scene: noScene,
    latches: { stalled: off, black: off, 'over-exposed': off, defocused: off, moved: off },
    reasons: { stalled: '', black: '', 'over-exposed': '', defocused: '', moved: '' },
  };
}

/** A frame came. */
export function seeFrame(
  before: CameraHealth,
  frame: FrameMeasure,
  nowMs: number,
  reference: CameraReference | null,
  options: HealthOptions = defaultHealthOptions,
): CameraHealth {
  const isSame = before.lastHash === frame.hash;
  const black = between(frame.blackShare, options.black);
  const white = between(frame.whiteShare, options.white);
  const isDim = black !== 'clear' || white !== 'clear';
  const scene = isDim ? before.scene : addToScene(before.scene, frame, shareOf(nowMs - before.lastFrameMs));
  const seen: CameraHealth = {
    ...before,
    lastFrameMs: nowMs,
    frames: before.frames + 1,
    lastHash: frame.hash,
    sameSinceMs: isSame ? before.sameSinceMs : nowMs,
    scene,
  };
  const { latches, reasons } = seen;
  const step = (trouble: Trouble, verdict: Verdict): Latch => settle(latches[trouble], verdict, nowMs, options);
  const isBlind = isDim || latches.black.isOn || latches['over-exposed'].isOn;
  const sharp =
    reference === null ? 'clear' : between(-frame.sharpness / reference.sharpness, negated(options.sharpness));
  const place = reference === null ? { verdict: 'clear' as const, reason: '' } : placeOf(reference, scene, options);
  const percent = (share: number) => `${Math.round(share * 100)} %`;
  return told(
    {
      ...seen,
      latches: {
        stalled: latches.stalled,
        black: step('black', black),
        'over-exposed': step('over-exposed', white),
        defocused: isBlind ? latches.defocused : step('defocused', sharp),
        moved: isBlind ? latches.moved : step('moved', place.verdict),
      },
      reasons: {
        ...reasons,
        black: `${percent(frame.blackShare)} of the picture is black`,
        'over-exposed': `${percent(frame.whiteShare)} of the picture is white`,
        defocused:
          reference === null ? '' : `sharpness is ${percent(frame.sharpness / reference.sharpness)} of what was taught`,
        moved: place.reason === '' ? reasons.moved : place.reason,
      },
    },
    nowMs,
    options,
  );
}

/** Time went by, with or without frames. Called at least once a second. */
export function passTime(
  before: CameraHealth,
  nowMs: number,
  options: HealthOptions = defaultHealthOptions,
): CameraHealth {
  return told(before, nowMs, options);
}

/** What runs by averages out over so long, ms; where the camera was moved to is known soon after. */
const memoryMs = 1_500;
/** Of a single picture, however long ago the one before was: it may show anything. */
const mostShare = 0.2;

const shareOf = (sinceMs: number): number => Math.min(mostShare, 1 - Math.exp(-Math.max(0, sinceMs) / memoryMs));

function told(seen: CameraHealth, nowMs: number, options: HealthOptions): CameraHealth {
  const silentMs = nowMs - seen.lastFrameMs;
  const sameMs = seen.lastFrameMs - seen.sameSinceMs;
  const isSilent = options.stalledMs !== null && silentMs >= options.stalledMs;
  const isFrozen = options.stalledMs !== null && seen.frames > 1 && sameMs >= options.frozenMs;
  // Its patience is over when it is silent: it needs no other.
  const stalled: Latch =
    isSilent || isFrozen
      ? { isOn: true, changingSinceMs: null }
      : seen.frames === 0
        ? seen.latches.stalled
        : settle(seen.latches.stalled, 'clear', nowMs, options);
  const latches = { ...seen.latches, stalled };
  const reasons = {
    ...seen.reasons,
    stalled: isSilent
      ? `no picture for ${Math.round(silentMs / 1000)} s`
      : isFrozen
        ? `the very same picture for ${Math.round(sameMs / 1000)} s`
        : seen.reasons.stalled,
  };
  const worst = troubles.find((trouble) => latches[trouble].isOn);
  const state: CameraState = worst ?? (seen.frames === 0 ? 'starting' : 'ok');
  const reason = worst === undefined ? null : reasons[worst];
  return { ...seen, latches, reasons, state, reason, sinceMs: state === seen.state ? seen.sinceMs : nowMs };
}

type Verdict = 'raise' | 'clear' | 'between';

/** Above the first limit it is raised, below the second cleared. */
function between(value: number, [raise, clear]: readonly [number, number]): Verdict {
  return value >= raise ? 'raise' : value <= clear ? 'clear' : 'between';
}
const negated = ([raise, clear]: readonly [number, number]) => [-raise, -clear] as const;

function settle(latch: Latch, verdict: Verdict, nowMs: number, options: HealthOptions): Latch {
  const wants = verdict === 'between' ? latch.isOn : verdict === 'raise';
  if (wants === latch.isOn) return latch.changingSinceMs === null ? latch : { ...latch, changingSinceMs: null };
  const sinceMs = latch.changingSinceMs ?? nowMs;
  const patienceMs = wants ? options.raiseMs : options.clearMs;
  return nowMs - sinceMs >= patienceMs
    ? { isOn: wants, changingSinceMs: null }
    : { ...latch, changingSinceMs: sinceMs };
}

function placeOf(
  taught: CameraReference,
  now: Scene,
  { shift: limits }: HealthOptions,
): { readonly verdict: Verdict; readonly reason: string } {
  const found = displacement(taught, now);
  if (found === null) return { verdict: 'clear', reason: '' };
  const percent = (found.share * 100).toFixed(1);
  const verdict = between(found.share, limits);
  switch (found.what) {
    case 'another-scene':
      return { verdict: 'raise', reason: 'it shows another scene than was taught' };
    case 'shifted':
      return { verdict, reason: `it is moved by ${percent} % of the picture` };
    case 'another-distance':
      return {
        verdict,
        reason: `the pitch of the cloth is ${(found.share * 400).toFixed(0)} % other: it is nearer or further`,
      };
    case 'turned':
      return { verdict, reason: `it is turned against what was taught: the rim of the picture is off by ${percent} %` };
  }
}
