/** Short noises by generator b: a needle through cloth, a valve, a rattle. */
import { bandNoise, fillColour } from './colour.ts';
import { pickRatio, type Dice, type Span } from './dice.ts';
import { addPart } from './play.ts';

/**
 * Bursts of noise between two frequencies that swell and fade as t·exp(−t/τ); each has a τ of its own. The root mean square at the height
 * of a burst is 1.
 */
export function burstsOf(
  dice: Dice,
  rateHz: number,
  burst: { readonly hz: Span; readonly tauMs: Span; readonly count: number },
): Float32Array[] {
  return Array.from({ length: burst.count }, () => {
    const tau = (pickRatio(dice, burst.tauMs) / 1000) * rateHz;
    const noise = new Float32Array(Math.ceil(7 * tau) + 8);
    fillColour(dice, bandNoise(dice, rateHz, burst.hz), noise);
    return noise.map((value, i) => value * (i / tau) * Math.exp(1 - i / tau));
  });
}

/** A part that falls back and back: bounces that come ever sooner and weaker, as of a ball. */
export function fallingBack(
  part: Float32Array,
  rateHz: number,
  bounce: { readonly firstMs: number; readonly keeps: number; readonly times: number },
): Float32Array {
  const whole = new Float32Array(part.length + Math.ceil((bounce.firstMs / 1000 / (1 - bounce.keeps)) * rateHz));
  let at = 0;
  let gain = 1;
  let gap = (bounce.firstMs / 1000) * rateHz;
  for (let time = 0; time < bounce.times; time += 1) {
    addPart(whole, Math.round(at), part, gain);
    at += gap;
    gap *= bounce.keeps;
    gain *= bounce.keeps;
  }
  return whole;
}
