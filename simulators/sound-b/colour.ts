/**
 * Noise by generator b: a mixture of white, 1/f and 1/f² that passes resonances of the machine at places of their own. (Generator a shapes
 * noise by a bank of octaves.)
 */
import { count, diceOf, fillBell, pick, pickRatio, type Dice, type Span } from './dice.ts';

/** A resonance: y = c1·y₁ − c2·y₂ + x − x₂, silent at 0 Hz and at half the rate. */
interface Resonance {
  readonly c1: number;
  readonly c2: number;
  readonly gain: number;
}

export interface Colour {
  readonly white: number;
  readonly pink: number;
  readonly brown: number;
  /** Share of what passes beside the resonances. */
  readonly through: number;
  /** One pole each; 1 and 0 leave it as it is. */
  readonly low: number;
  readonly high: number;
  readonly resonances: readonly Resonance[];
  /** Makes the root mean square 1. */
  readonly scale: number;
}

export interface Shade {
  readonly white?: number;
  readonly pink?: number;
  readonly brown?: number;
  readonly through?: number;
  readonly lowHz?: number;
  readonly highHz?: number;
  readonly resonances?: readonly { readonly hz: number; readonly q: number; readonly gain: number }[];
}

export function resonanceOf(rateHz: number, hz: number, q: number, gain: number): Resonance {
  const w = (2 * Math.PI * Math.min(hz, 0.45 * rateHz)) / rateHz;
  const radius = Math.exp(-w / (2 * q));
  // Power of its answer to white noise is about 2 / (1 − r): every resonance gets the same.
  return { c1: 2 * radius * Math.cos(w), c2: radius * radius, gain: gain * Math.sqrt((1 - radius) / 2) };
}

/** A noise of root mean square 1, measured once on a noise of its own. */
export function colourOf(rateHz: number, shade: Shade): Colour {
  const rough: Colour = {
    white: shade.white ?? 0,
    pink: shade.pink ?? 0,
    brown: shade.brown ?? 0,
    through: shade.through ?? 1,
    low: shade.lowHz === undefined ? 1 : 1 - Math.exp((-2 * Math.PI * shade.lowHz) / rateHz),
    high: shade.highHz === undefined ? 0 : 1 - Math.exp((-2 * Math.PI * shade.highHz) / rateHz),
    resonances: (shade.resonances ?? []).map(({ hz, q, gain }) => resonanceOf(rateHz, hz, q, gain)),
    scale: 1,
  };
  const heard = new Float32Array(Math.round(0.7 * rateHz));
  fillColour(diceOf(7, 'scale'), rough, heard);
  const power = heard.reduce((sum, value) => sum + value * value, 0) / heard.length;
  return { ...rough, scale: 1 / Math.sqrt(Math.max(1e-20, power)) };
}

/** What rubs in a machine: 1/f and white, with resonances of the frame. */
export function frameNoise(
  dice: Dice,
  rateHz: number,
  frame: { readonly many: Span; readonly hz: Span; readonly white: Span; readonly lowHz: Span },
): Colour {
  return colourOf(rateHz, {
    white: pick(dice, frame.white),
    pink: 1,
    brown: pick(dice, [0, 0.4]),
    through: pick(dice, [0.3, 0.7]),
    lowHz: pick(dice, frame.lowHz),
    highHz: pick(dice, [60, 160]),
    resonances: Array.from({ length: count(dice, frame.many) }, () => ({
      hz: pickRatio(dice, frame.hz),
      q: pickRatio(dice, [1.2, 7]),
      gain: pick(dice, [0.4, 1.3]),
    })),
  });
}

/** Noise between two frequencies: resonances that stand in a row, none quite in its place. */
export function bandNoise(dice: Dice, rateHz: number, [fromHz, toHz]: Span): Colour {
  const row = 3;
  const step = (toHz / fromHz) ** (1 / row);
  return colourOf(rateHz, {
    white: 1,
    through: 0,
    resonances: Array.from({ length: row }, (_, i) => ({
      hz: fromHz * step ** (i + pick(dice, [0.3, 0.7])),
      q: 1.3 / (step - 1),
      gain: pick(dice, [0.7, 1.3]),
    })),
  });
}

/** Fills with a noise of this colour. */
export function fillColour(dice: Dice, colour: Colour, out: Float32Array): void {
  fillBell(dice, out);
  const { white, pink, brown, through, low, high, resonances, scale } = colour;
  if (pink !== 0 || brown !== 0 || low !== 1 || high !== 0) {
    // 1/f by the three poles of P. Kellet; 1/f² by one that leaks.
    let [p0, p1, p2, b, l, h] = [0, 0, 0, 0, 0, 0];
    for (let i = 0; i < out.length; i += 1) {
      const w = out[i] as number;
      p0 = 0.997_65 * p0 + w * 0.099_046;
      p1 = 0.963 * p1 + w * 0.296_516;
      p2 = 0.57 * p2 + w * 1.052_691;
      b = 0.985 * b + 0.17 * w;
      l += low * (white * w + pink * (p0 + p1 + p2 + 0.1848 * w) + brown * b - l);
      h += high * (l - h);
      out[i] = l - h;
    }
  }
  if (resonances.length === 0) {
    for (let i = 0; i < out.length; i += 1) out[i] = scale * (out[i] as number);
    return;
  }
  // Two resonances a pass: half the way through memory.
  const source = out.slice();
  const keep = scale * through;
  for (let k = 0; k < resonances.length; k += 2) {
    const { c1, c2, gain } = resonances[k] ?? silent;
    const { c1: d1, c2: d2, gain: other } = resonances[k + 1] ?? silent;
    const [level, second, first] = [gain * scale, other * scale, k === 0];
    let [y1, y2, z1, z2, x1, x2] = [0, 0, 0, 0, 0, 0];
    for (let i = 0; i < out.length; i += 1) {
      const x = source[i] as number;
      const rise = x - x2;
      const y = c1 * y1 - c2 * y2 + rise;
      const z = d1 * z1 - d2 * z2 + rise;
      x2 = x1;
      x1 = x;
      y2 = y1;
      y1 = y;
      z2 = z1;
      z1 = z;
      out[i] = (first ? keep * x : (out[i] as number)) + level * y + second * z;
    }
  }
}

const silent: Resonance = { c1: 0, c2: 0, gain: 0 };
