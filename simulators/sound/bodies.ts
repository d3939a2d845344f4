/**
 * What is heard of one blow: the answer of a struck body, and bursts of noise. Made once for a machine and then only added, which is what
 * makes the simulator fast.
 */
import { between, type Random, type Range } from '../random.ts';
import { bandBank, bankOf, colour, fillWhite, octavesHz, type Spectrum } from './noise.ts';
import { addAt } from './sources.ts';

/** How a struck body answers. */
export interface Body {
  readonly modes: number;
  readonly fromHz: number;
  readonly toHz: number;
  /** 1/e of the amplitude. */
  readonly decayMs: Range;
  /** Levels of the octaves; 30 to 70 modes give one that resembles it, not one that has it. */
  readonly spectrum: Spectrum;
  /** Noise while the parts touch; how long, and how much of the energy it is (a quarter if not said). */
  readonly contactMs: number;
  readonly contactShare?: number;
  /** How often it bounces; each bounce comes 3–5 ms after and is about half as strong. */
  readonly bounces: number;
}

/**
 * The answer of a body to a blow. Physics: modes that decay, each with its own frequency; a contact that is no impulse; bounces. The
 * energy is that of a wave of root mean square 1 that decays at the middle of `decayMs`.
 */
export function responseOf(random: Random, rateHz: number, body: Body): Float32Array {
  const middleS = (body.decayMs[0] + body.decayMs[1]) / 2000;
  const once = new Float32Array(Math.ceil(rateHz * (5.5 * (body.decayMs[1] / 1000) + body.contactMs / 1000)));
  const octaves = octavesHz.map(() => new Float32Array(once.length));
  for (let m = 0; m < body.modes; m += 1) {
    const hz = body.fromHz * (body.toHz / body.fromHz) ** random();
    const decayS = between(random, body.decayMs) / 1000;
    const into = octaves[Math.max(0, Math.min(octavesHz.length - 1, Math.round(Math.log2(hz / 125))))] ?? once;
    ring(into, (2 * Math.PI * hz) / rateHz, Math.exp(-1 / (decayS * rateHz)), 0.3 + 0.7 * random(), random());
  }
  for (const [i, part] of octaves.entries()) {
    const energy = energyOf(part);
    const scale = energy === 0 ? 0 : Math.sqrt(10 ** ((body.spectrum[i] ?? -60) / 10) / energy);
    addAt(once, 0, part, scale);
  }
  addContact(random, rateHz, body, once);
  const whole = new Float32Array(once.length + Math.ceil(body.bounces * 0.005 * rateHz));
  let from = 0;
  let gain = 1;
  for (let bounce = 0; bounce <= body.bounces; bounce += 1) {
    addAt(whole, from, once, gain);
    from += Math.round(between(random, [0.003, 0.005]) * rateHz);
    gain *= between(random, [0.35, 0.6]);
  }
  const scale = Math.sqrt((middleS * rateHz) / 2 / Math.max(1e-12, energyOf(whole)));
  return whole.map((value) => value * scale);
}

/** Adds a decaying sine by its recurrence. */
function ring(into: Float32Array, w: number, keep: number, level: number, phase: number): void {
  const a = 2 * keep * Math.cos(w);
  const b = -keep * keep;
  let last = (level * Math.sin(2 * Math.PI * phase - w)) / keep;
  let here = level * Math.sin(2 * Math.PI * phase);
  for (let i = 0; i < into.length; i += 1) {
    into[i] = (into[i] as number) + here;
    const next = a * here + b * last;
    last = here;
    here = next;
  }
}

function addContact(random: Random, rateHz: number, body: Body, once: Float32Array): void {
  const contact = Math.round((body.contactMs / 1000) * rateHz);
  if (contact === 0) return;
  const white = new Float32Array(once.length);
  fillWhite(random, white);
  for (let i = 0; i < white.length; i += 1) {
    white[i] = i < contact ? (white[i] as number) * Math.sin((Math.PI * (i + 0.5)) / contact) : 0;
  }
  const noisy = new Float32Array(once.length);
  colour(white, bankOf(rateHz, body.spectrum), noisy);
  const share = body.contactShare ?? 0.25;
  const energy = (share / (1 - share)) * energyOf(once);
  addAt(once, 0, noisy, Math.sqrt(energy / Math.max(1e-12, energyOf(noisy))));
}

const energyOf = (samples: Float32Array): number => samples.reduce((sum, value) => sum + value * value, 0);

/** Bursts of noise between two frequencies with a fast rise: what penetrating cloth or scraping sounds like. */
export function burstsOf(
  random: Random,
  rateHz: number,
  burst: { readonly fromHz: number; readonly toHz: number; readonly lengthMs: Range; readonly variants: number },
): Float32Array[] {
  const bands = bandBank(rateHz, burst.fromHz, burst.toHz);
  return Array.from({ length: burst.variants }, () => {
    const length = Math.round((between(random, burst.lengthMs) / 1000) * rateHz);
    const white = new Float32Array(2 * length + 1);
    fillWhite(random, white);
    for (let i = 0; i < white.length; i += 1) white[i] = (white[i] as number) * Math.exp((-2.5 * i) / length);
    const noisy = new Float32Array(white.length);
    colour(white, bands, noisy);
    return noisy;
  });
}
