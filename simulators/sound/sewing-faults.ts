/**
 * The sounds that faults F1–F9 add to a sewing machine (domain.md §7.1; voiceprint.md §3 where it says more). Where the two differ (a blunt
 * needle is duller there, sharper here) domain.md is followed. Strengths are guesses, see faults.ts.
 */
import type { Motion, SewingFault } from '../dataset/sound.ts';
import { between, createRandom, type Random } from '../random.ts';
import { burstsOf, responseOf } from './bodies.ts';
import { bandBank } from './noise.ts';
import type { SewingVoice } from './sewing.ts';
import { addAt, addHiss, addKnocks, addPicture, pictureOf, sine, swellOf, type Knock } from './sources.ts';

/**
 * Adds what a fault adds. Where on the turn it strikes belongs to the machine (`seed`), which stroke is stronger to the clip
 * (`stream`). Severity 0 adds nothing.
 */
export function addSewingFault(
  out: Float32Array,
  motion: Motion,
  voice: SewingVoice,
  seed: number,
  fault: SewingFault,
  stream: (label: string) => Random,
): void {
  const { severity } = fault;
  if (severity === 0) return;
  const { rateHz } = motion;
  const own = createRandom(seed, `fault ${fault.kind}`);
  const random = stream(`fault ${fault.kind}`);
  const entry = voice.penetration.phase;
  switch (fault.kind) {
    case 'bluntNeedle': {
      // More height in the burst, and now and then a pop.
      const responses = burstsOf(own, rateHz, { fromHz: 5000, toHz: 12_000, lengthMs: [1, 3], variants: 6 });
      addKnocks(out, motion, { ...voice.penetration, responses, level: 2 * severity }, random);
      const pop = responseOf(own, rateHz, { ...click, fromHz: 1200, toHz: 5000, bounces: 0 });
      addKnocks(out, motion, { ...struck(entry, 3 * severity, [pop]) }, random, () => (random() < 0.08 ? 1 : 0));
      return;
    }
    case 'bentNeedle':
      addKnocks(out, motion, struck(bentNeedleAt(entry, own), 12 * severity, [responseOf(own, rateHz, click)]), random);
      return;
    case 'dryHook': {
      const swell = swellOf(0.8, 2, voice.hook.phase);
      addHiss(out, motion, { bands: bandBank(rateHz, 3000, 8000), level: 2 * severity, swell }, random);
      // The squeal comes late: metal on metal sticks and slips at a frequency of the part, not of the shaft.
      if (severity > 0.6) addSqueal(out, motion, between(own, [2500, 4500]), 2 * (severity - 0.6), random);
      return;
    }
    case 'looseBearing': {
      const orders = Array.from({ length: 10 }, (_, i) => ({
        order: i + 1,
        level: between(own, [0.7, 1.3]) / Math.sqrt(i + 1),
        phase: own(),
      }));
      addPicture(out, motion, pictureOf(orders), 1, 0.6 * severity, 1);
      addPicture(out, motion, sine, 0.5, 0.6 * severity, 1);
      return;
    }
    case 'slippingBelt': {
      const order = voice.traits.beltOrder ?? 0;
      const line = pictureOf([1, 2, 3].map((k) => ({ order: k, level: 1 / k, phase: own() })));
      addPicture(out, motion, line, order, 0.5 * severity, 1);
      addChirps(out, motion, between(own, [900, 1800]), 1.5 * severity);
      return;
    }
    case 'feedDogStrike': {
      const clack = responseOf(own, rateHz, { ...click, fromHz: 700, toHz: 4000, decayMs: [2, 6], bounces: 1 });
      addKnocks(out, motion, struck(voice.feed.phase, 12 * severity, [clack]), random);
      return;
    }
    case 'threadBreak': {
      const snap = responseOf(own, rateHz, { ...click, fromHz: 1500, decayMs: [0.5, 2], bounces: 0 });
      const at = Math.round(fault.atS * rateHz);
      // A thread breaks under tension: only while the machine sews.
      if ((motion.drive[at] ?? 0) > 0) addAt(out, at, snap, 14 * severity);
      return;
    }
    case 'looseCover': {
      const cover = Array.from({ length: 3 }, () =>
        responseOf(own, rateHz, { ...click, fromHz: 500, toHz: 3500, decayMs: [3, 9], bounces: 3 }),
      );
      const rattle: Knock = { ...struck(own(), 6 * severity, cover), jitter: 0.03, spread: 0.5 };
      addKnocks(out, motion, rattle, random, () => random() ** 2 * 2);
      return;
    }
    case 'trimmer':
      // All of it is a change of what the machine has.
      return;
  }
}

/** Just after the needle went in. */
const bentNeedleAt = (entry: number, own: Random): number => (entry + between(own, [0.02, 0.1])) % 1;

/** Where on the turn the bent needle of a machine strikes, turns. @param seed of the machine */
export const bentNeedleAngle = (voice: Pick<SewingVoice, 'penetration'>, seed: number): number =>
  bentNeedleAt(voice.penetration.phase, createRandom(seed, 'fault bentNeedle'));

/** domain.md §7.1, F2: rings at 4–9 kHz for 1–3 ms. */
const click = {
  modes: 14,
  fromHz: 4000,
  toHz: 9000,
  decayMs: [1, 3],
  spectrum: [0, 0, 0, 0, 0, 0, 0],
  contactMs: 0.4,
  bounces: 0,
} as const;

const struck = (phase: number, level: number, responses: readonly Float32Array[]): Knock => ({
  phase,
  perTurn: 1,
  level,
  jitter: 0.004,
  spread: 0.15,
  responses,
});

/** A tone that comes and goes over tenths of a second and is not quite steady. */
function addSqueal(out: Float32Array, motion: Motion, hz: number, level: number, random: Random): void {
  const sway = between(random, [2, 5]);
  let at = random();
  for (let i = 0; i < motion.turns.length; i += 1) {
    const slow = Math.sin((2 * Math.PI * sway * i) / motion.rateHz);
    at += (hz * (1 + 0.01 * slow)) / motion.rateHz;
    out[i] = (out[i] as number) + level * (motion.drive[i] as number) * Math.max(0, slow) * Math.sin(2 * Math.PI * at);
  }
}

/** While the shaft gains speed a slipping belt chirps, the higher the faster it turns. */
function addChirps(out: Float32Array, motion: Motion, hz: number, level: number): void {
  const step = Math.round(0.02 * motion.rateHz);
  let at = 0;
  let loud = 0;
  for (let i = 0; i < motion.turns.length; i += 1) {
    const share = motion.drive[i] as number;
    const gain = share - (motion.drive[Math.max(0, i - step)] as number);
    loud += 0.002 * ((gain > 0.01 ? 1 : 0) - loud);
    at += (hz * (0.6 + share)) / motion.rateHz;
    if (loud > 1e-4) out[i] = (out[i] as number) + level * loud * Math.sin(2 * Math.PI * at);
  }
}
