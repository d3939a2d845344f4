/**
 * Two real domestic sewing machines that were measured (voiceprint.md §1), as traits of simulated ones. What was measured is a handful of
 * figures; the traits were chosen until the simulated sound gives the same, and test/unit/simulators/sound/calibration.test.ts holds
 * them to it. Measured: the figures. Guess: that traits which give them are the real machines'.
 */
import type { SewingPreset } from './machine.ts';
import type { SewingTraits } from './sewing.ts';

/** 3.2–3.8 stitches a second; three to four knocks a stitch that stand out. */
const slowTraits: SewingTraits = {
  nominalPerMinute: 220,
  riseS: 0.5,
  ripple: 0.03,
  beltOrder: 0.35,
  knocks: 3,
  knockLevel: 16,
  knockSpectrum: [-36, -18, -11, -8.5, -4.5, -4.5, -1],
  decayMs: [2, 6],
  contactShare: 0.6,
  bounces: 1,
  spread: 0.25,
  floorLevel: 1,
  floorSpectrum: [-40, -9, -6, -6, -9, -22, -22],
  floorSwell: 0.3,
  hookLevel: 0.4,
  feedLevel: 4,
  penetrationLevel: 0.6,
  threadLevel: 0.1,
  ordersLevel: 0.1,
  motorOrder: 27,
  motorLevel: 0.05,
  tones: [
    { hz: 287, level: 0.04 },
    { hz: 609, level: 0.04 },
    { hz: 984, level: 0.04 },
    { hz: 1918, level: 0.04 },
  ],
  gain: 0.015,
};

/** About 700 stitches a minute (or 350: the recording does not tell), a motor that drowns the knocks. */
const motorTraits: SewingTraits = {
  nominalPerMinute: 700,
  riseS: 0.4,
  ripple: 0.02,
  beltOrder: 0.3,
  knocks: 5,
  knockLevel: 0.75,
  knockSpectrum: [-17, -11, -8, -6, -6, -13, -15],
  decayMs: [4, 12],
  contactShare: 0.25,
  bounces: 2,
  spread: 0.25,
  floorLevel: 1,
  floorSpectrum: [-16, -10, -9, -6, -6.5, -19, -18],
  floorSwell: 0.4,
  hookLevel: 0.4,
  feedLevel: 0.5,
  penetrationLevel: 0.2,
  threadLevel: 0.2,
  ordersLevel: 0.2,
  motorOrder: 27,
  motorLevel: 0.2,
  tones: [
    { hz: 111, level: 0.1 },
    { hz: 223, level: 0.15 },
    { hz: 447, level: 0.2 },
    { hz: 782, level: 0.15 },
    { hz: 1170, level: 0.15 },
    { hz: 1950, level: 0.6 },
  ],
  gain: 0.06,
};

export const slowDomestic = {
  traits: slowTraits,
  room: { tailMs: 16, wet: 0.5 },
  microphone: { highPassHz: 210 },
} as const satisfies SewingPreset;

export const motorDomestic = {
  traits: motorTraits,
  room: { tailMs: 30, wet: 0.55 },
  microphone: { highPassHz: 60 },
} as const satisfies SewingPreset;
