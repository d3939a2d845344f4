/**
 * The classical way on the same pieces: root mean square of five octave-wide bands, kurtosis, and how much of the envelope lies at the first
 * orders of the polled speed, each as a number of standard deviations from the machine's normal clips; the root of the mean of their squares is the
 * score. Pure.
 */
import { modelRateHz } from '../../models/voiceprint/front-end.ts';
import { turnsARevolution, type Turner } from '../../models/voiceprint/turning.ts';

const edgesHz = [250, 1000, 2000, 4000, 8000, 16_000] as const;
const orders = [1, 2, 3, 4] as const;
/** Nothing is more alike than so, in the units of the features (dB, or their likes). */
const leastSpread = 0.1;

interface PlainPiece {
  readonly samples: Float32Array;
  readonly speed: number;
}

/** Means over the pieces of a clip. */
export function plainFeatures(pieces: readonly PlainPiece[], turner: Turner): Float64Array {
  const all = pieces.map((piece) => featuresOf(piece, turner));
  const size = all[0]?.length ?? 0;
  return Float64Array.from({ length: size }, (_, i) => all.reduce((sum, one) => sum + (one[i] ?? 0), 0) / all.length);
}

function featuresOf({ samples, speed }: PlainPiece, turner: Turner): number[] {
  const bands = edgesHz.slice(1).map((toHz, i) => bandOf(samples, edgesHz[i] ?? 0, toHz));
  const levels = bands.map((band) => 10 * Math.log10(meanSquare(band) + 1e-14));
  let fourth = 0;
  for (const value of samples) fourth += value ** 4 / samples.length;
  const kurtosis = 10 * Math.log10(fourth / (meanSquare(samples) ** 2 + 1e-28));
  const turnHz = (speed / 60) * turnsARevolution(turner);
  const envelope = samples.map((value) => value * value);
  const middle = meanSquare(samples);
  const lines = orders.map((order) => 10 * Math.log10(amplitudeAt(envelope, order * turnHz) / (middle + 1e-14) + 1e-6));
  return [...levels, kurtosis, ...lines];
}

/** Two sections of second order around the middle of the band (R. Bristow-Johnson's audio EQ cookbook). */
function bandOf(samples: Float32Array, fromHz: number, toHz: number): Float32Array {
  const w = (2 * Math.PI * Math.sqrt(fromHz * toHz)) / modelRateHz;
  const alpha = Math.sin(w) * Math.sinh((Math.LN2 / 2) * Math.log2(toHz / fromHz) * (w / Math.sin(w)));
  const [b0, a1, a2] = [alpha / (1 + alpha), (-2 * Math.cos(w)) / (1 + alpha), (1 - alpha) / (1 + alpha)];
  const out = new Float32Array(samples.length);
  let [x1, x2, y1, y2] = [0, 0, 0, 0];
  for (let i = 0; i < samples.length; i += 1) {
    const x = samples[i] as number;
    const y = b0 * (x - x2) - a1 * y1 - a2 * y2;
    [x2, x1, y2, y1] = [x1, x, y1, y];
    out[i] = y;
  }
  return out;
}

function meanSquare(samples: Float32Array): number {
  let sum = 0;
  for (const value of samples) sum += value * value;
  return sum / samples.length;
}

function amplitudeAt(values: Float32Array, hz: number): number {
  const step = (2 * Math.PI * hz) / modelRateHz;
  let [re, im] = [0, 0];
  for (let i = 0; i < values.length; i += 1) {
    re += (values[i] as number) * Math.cos(step * i);
    im += (values[i] as number) * Math.sin(step * i);
  }
  return Math.hypot(re, im) / values.length;
}

/** Scores by what the normal clips of a machine are like. */
export function plainScorer(normal: readonly Float64Array[]): (features: Float64Array) => number {
  const size = normal[0]?.length ?? 0;
  const middles = Array.from(
    { length: size },
    (_, i) => normal.reduce((sum, one) => sum + (one[i] ?? 0), 0) / normal.length,
  );
  const spreads = middles.map((middle, i) => {
    const variance = normal.reduce((sum, one) => sum + ((one[i] ?? 0) - middle) ** 2, 0) / normal.length;
    return Math.max(leastSpread, Math.sqrt(variance));
  });
  return (features) => {
    const squares = middles.map((middle, i) => (((features[i] ?? 0) - middle) / (spreads[i] ?? 1)) ** 2);
    return Math.sqrt(squares.reduce((sum, value) => sum + value, 0) / size);
  };
}
