/** A machine of the configuration as the eye's process is told of it, with what was taught and calibrated. */
import type { EyeConfig, WebEyeConfig } from '../../config/config.ts';
import type { NeedleZero } from '../calibrations.ts';
import type { Style } from '../styles.ts';
import type { EyeMachine, FlatMachine, Position } from './settings.ts';

/** No circular machine turns faster than 120 a minute (`drivers/profiles/knit-circular-kf4-tcp.yaml`). */
const fastestMs = 500;

/** What the eye's process is told of one machine. @param zero null: no needle is named */
export function machineOf(
  machine: string,
  eye: Omit<EyeConfig, 'score'>,
  style: { readonly description: Pick<Style['description'], 'camera'>; readonly stats: Buffer },
  zero: NeedleZero | null,
): EyeMachine {
  return {
    machine,
    endpoint: eye.camera,
    mask: eye.mask,
    geometry: {
      needles: eye.needles,
      firstNeedle: eye.firstNeedle,
      feeders: eye.feeders,
      circumferenceMm: eye.circumferenceMm,
      mmPerPx: eye.mmPerPx,
      scaleError: 0.005,
      direction: zero?.direction ?? (eye.rising ? 1 : -1),
      columns: zero?.columns ?? 1,
      newest: 'top',
      zeroNeedle: zero?.zeroNeedle ?? null,
      zeroError: zero?.zeroError ?? 0.5,
      advanceMm: (eye.feeders * 10) / eye.coursesPerCm,
      advanceError: 0.01,
    },
    coursePitchMm: 10 / eye.coursesPerCm,
    behind: eye.behind,
    position: positionOf(eye),
    reference: style.description.camera,
    stats: Uint8Array.from(style.stats),
  };
}

/** The same of a flat web. */
export function flatOf(machine: string, eye: WebEyeConfig, style: Style): FlatMachine {
  const { mmPerPx, widthMm, leftMm, newest, knit, behind, position } = eye;
  return {
    machine,
    endpoint: eye.camera,
    mask: eye.mask,
    reference: style.description.camera,
    stats: Uint8Array.from(style.stats),
    flat: {
      mmPerPx,
      widthMm,
      leftMm,
      newest,
      isKnit: knit,
      behind,
      position:
        position.kind === 'encoder'
          ? { kind: 'encoder', mmPerCount: position.mmPerCount, wrapsAt: 2 ** 32 }
          : { kind: 'speed', speedError: 0.01, oldestMs: 2_000 },
    },
  };
}

/** How well each source is known where nobody measured it: figures of usual cameras, encoders and polls. */
function positionOf({ position, ringRowsPx, countsPerRevolution }: Omit<EyeConfig, 'score'>): Position {
  switch (position) {
    case 'index':
      return { kind: 'index', ringRowsPx, fastestMs, frameJitterMs: 0.3, speedSpread: 0.001, speedCycle: 0.001 };
    case 'encoder':
      return {
        kind: 'encoder',
        countsPerTurn: countsPerRevolution,
        wrapsAt: 2 ** 32,
        latchJitterMs: 0.1,
        errorCounts: 0.5,
      };
    case 'telemetry':
      return { kind: 'telemetry', jitterMs: 20, offsetMs: 100, speedError: 0.01, oldestMs: 2_000 };
  }
}
