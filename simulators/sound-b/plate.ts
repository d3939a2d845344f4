/**
 * Blows by generator b: a part meets a plate. Physics: a plate that is held at its rim has modes at (m/a)² + (n/b)², so as many in every
 * kilohertz; a mode is driven as its shape is at the place of the blow, heard as it is at the place that radiates; losses take the heights
 * first; waves of bending run the faster the higher they are, so the heights arrive first. The force is that of Hertz: the harder the
 * blow, the shorter it touches and the brighter it sounds. (Generator a draws modes by chance and lets them bounce.)
 */
import { bell, pick, type Dice, type Span } from './dice.ts';

interface Mode {
  readonly hz: number;
  readonly tauS: number;
  readonly delayS: number;
  readonly m: number;
  readonly n: number;
}

export interface Plate {
  readonly modes: readonly Mode[];
  /** Where on it the sound leaves, shares of its sides. */
  readonly ear: readonly [number, number];
}

export interface PlateTraits {
  readonly lowestHz: number;
  readonly highestHz: number;
  /** No more modes than this; of more, chance leaves some out. */
  readonly most: number;
  /** Loss factor of the material, and what is lost beside, 1/s. */
  readonly loss: number;
  readonly drain: number;
  /** How much later 1 kHz comes than the highest, s. */
  readonly bendS: number;
}

export function plateOf(dice: Dice, traits: PlateTraits): Plate {
  const sides = pick(dice, [1.15, 2.2]) ** 2;
  const all: Mode[] = [];
  for (let m = 1; m < 60; m += 1) {
    for (let n = 1; n < 60; n += 1) {
      // No plate is quite even, and none quite held.
      const hz = ((traits.lowestHz * (m * m + sides * n * n)) / (1 + sides)) * (1 + 0.02 * bell(dice));
      if (hz > traits.highestHz) break;
      const delayS = traits.bendS * (Math.sqrt(1000 / hz) - Math.sqrt(1000 / traits.highestHz));
      all.push({ hz, tauS: 1 / (Math.PI * hz * traits.loss + traits.drain), delayS: Math.max(0, delayS), m, n });
    }
  }
  const keep = traits.most / all.length;
  return { modes: all.filter(() => dice() < keep), ear: [pick(dice, [0.1, 0.9]), pick(dice, [0.1, 0.9])] };
}

/** What is heard of a blow at each of three strengths, the hardest last. */
export type Blow = readonly Float32Array[];
export const strengths = [0.5, 1, 2] as const;

/**
 * A blow of strength 1 touches for `contactMs` and has the energy of a wave of root mean square 1 that decays in `decayS`; a blow of
 * strength s is to be played s times as loud.
 */
export function blowOn(dice: Dice, rateHz: number, plate: Plate, contactMs: number, decayS = 0.0045): Blow {
  const at: readonly [number, number] = [pick(dice, [0.08, 0.92]), pick(dice, [0.08, 0.92])];
  const answers = strengths.map((strength) =>
    answerOf(rateHz, plate, at, (contactMs / 1000) * strength ** -0.2, strength),
  );
  const [, middle = new Float32Array(1)] = answers;
  const scale = Math.sqrt((decayS * rateHz) / 2 / Math.max(1e-20, energyOf(middle)));
  return answers.map((answer, i) => answer.map((value) => (value * scale) / (strengths[i] ?? 1)));
}

function answerOf(
  rateHz: number,
  { modes, ear }: Plate,
  at: readonly [number, number],
  contactS: number,
  strength: number,
): Float32Array {
  const touch = Math.max(2, Math.round(contactS * rateHz));
  // Force of Hertz: the indentation of a half sine to the power 3/2.
  const force = Float32Array.from({ length: touch }, (_, i) => Math.sin((Math.PI * (i + 0.5)) / touch) ** 1.5);
  const push = (strength * touch) / force.reduce((sum, value) => sum + value, 0) / touch;
  const longestS = modes.reduce((most, { tauS, delayS }) => Math.max(most, 5.5 * tauS + delayS), 0.001);
  const out = new Float32Array(Math.min(Math.ceil(longestS * rateHz), Math.ceil(0.12 * rateHz)) + touch);
  for (const { hz, tauS, delayS, m, n } of modes) {
    const w = (2 * Math.PI * hz) / rateHz;
    if (w > 0.95 * Math.PI) continue;
    const radius = Math.exp(-1 / (tauS * rateHz));
    const [c1, c2] = [2 * radius * Math.cos(w), radius * radius];
    const shape = shapeOf(m, n, at) * shapeOf(m, n, ear);
    const drive = push * shape * Math.sin(w) * Math.sqrt(hz / 1000);
    let [y1, y2] = [0, 0];
    const from = Math.round(delayS * rateHz);
    const end = Math.min(out.length, from + Math.ceil(5.5 * tauS * rateHz) + touch);
    for (let i = from; i < end; i += 1) {
      const y = c1 * y1 - c2 * y2 + (i - from < touch ? drive * (force[i - from] as number) : 0);
      y2 = y1;
      y1 = y;
      out[i] = (out[i] as number) + y;
    }
  }
  return out;
}

const shapeOf = (m: number, n: number, [x, y]: readonly [number, number]): number =>
  Math.sin(Math.PI * m * x) * Math.sin(Math.PI * n * y);

/** A rod or a small part with a few notes of its own, which no plate answers: a needle, a latch, a tongue of sheet metal. */
export function ping(
  dice: Dice,
  rateHz: number,
  part: { readonly notes: number; readonly hz: Span; readonly tauMs: Span; readonly contactMs: number },
): Blow {
  const modes = Array.from({ length: part.notes }, (_, i) => ({
    hz: part.hz[0] * (part.hz[1] / part.hz[0]) ** ((i + dice()) / part.notes),
    tauS: pick(dice, part.tauMs) / 1000,
    delayS: 0,
    m: 1,
    n: 1,
  }));
  return blowOn(
    dice,
    rateHz,
    { modes, ear: [pick(dice, [0.3, 0.7]), 0.5] },
    part.contactMs,
    (part.tauMs[0] + part.tauMs[1]) / 2000,
  );
}

export const energyOf = (samples: Float32Array): number => samples.reduce((sum, value) => sum + value * value, 0);
