/**
 * The figures of voiceprint.md §1, taken from sound. It shares no code with the generator. What is not said there is settled here: the
 * recordings went to 8 kHz; an envelope is the root mean square of short frames (1 ms for impulses and decay, 5 ms for depth).
 */

export interface Figures {
  /** 125 Hz to 4 kHz, and 5.7–8 kHz ("6k"), dB beside all of them together. */
  readonly octavesDb: readonly number[];
  readonly kurtosis: number;
  /** Standard deviation of the envelope by its mean. */
  readonly depthLow: number;
  readonly depthHigh: number;
  readonly impulsesPerS: number;
  /** Peaks of the impulses beside the middle of the envelope. */
  readonly impulseHeight: number;
  readonly decayMs: number;
  readonly flatness: number;
}

const size = 2048;

export function measure(samples: Float32Array, rateHz: number): Figures {
  const sound = between(samples, rateHz, 60, 8000);
  const spectrum = spectrumOf(sound, rateHz);
  const bandPower = (fromHz: number, toHz: number): number =>
    spectrum.reduce((sum, p, k) => (inside((k * rateHz) / size, fromHz, toHz) ? sum + p : sum), 0);
  const edges = [125, 250, 500, 1000, 2000, 4000].map((hz) => [hz / Math.SQRT2, hz * Math.SQRT2] as const);
  const powers = [...edges, [4000 * Math.SQRT2, 8000] as const].map(([from, to]) => bandPower(from, to));
  const total = powers.reduce((sum, p) => sum + p, 0);
  const impulses = impulsesOf(sound, rateHz);
  const heard = spectrum.filter((_, k) => inside((k * rateHz) / size, 100, 8000));
  return {
    octavesDb: powers.map((p) => 10 * Math.log10(p / total)),
    kurtosis: kurtosisOf(sound),
    depthLow: depthOf(between(samples, rateHz, 500, 2000), rateHz),
    depthHigh: depthOf(between(samples, rateHz, 2000, 6000), rateHz),
    ...impulses,
    flatness: Math.exp(mean(heard.map((p) => Math.log(p + 1e-30)))) / mean(heard),
  };
}

const inside = (hz: number, from: number, to: number): boolean => hz >= from && hz < to;
export const mean = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length;

export function kurtosisOf(samples: Float32Array): number {
  let [second, fourth] = [0, 0];
  for (const value of samples) {
    second += value ** 2;
    fourth += value ** 4;
  }
  return (fourth * samples.length) / second ** 2;
}

/** Root mean square of frames one after another. */
export function envelope(samples: Float32Array, rateHz: number, frameS: number): number[] {
  const frame = Math.round(frameS * rateHz);
  return Array.from({ length: Math.floor(samples.length / frame) }, (_, i) => {
    let sum = 0;
    for (let k = i * frame; k < (i + 1) * frame; k += 1) sum += (samples[k] ?? 0) ** 2;
    return Math.sqrt(sum / frame);
  });
}

function depthOf(samples: Float32Array, rateHz: number): number {
  const levels = envelope(samples, rateHz, 0.005);
  const middle = mean(levels);
  return Math.sqrt(mean(levels.map((level) => (level - middle) ** 2))) / middle;
}

/** Peaks above 2.5 times the middle of the envelope, at most one in 40 ms; decay is that of their mean course. */
function impulsesOf(samples: Float32Array, rateHz: number) {
  const levels = envelope(samples, rateHz, 0.001);
  const middle = [...levels].sort((a, b) => a - b)[Math.floor(levels.length / 2)] ?? 0;
  const peaks: number[] = [];
  for (let i = 20; i < levels.length - 40; i += 1) {
    const here = levels[i] ?? 0;
    if (here < 2.5 * middle) continue;
    if (levels.slice(i - 20, i + 21).some((level, k) => level > here || (level === here && k < 20))) continue;
    peaks.push(i);
  }
  const course = Array.from({ length: 40 }, (_, k) => mean(peaks.map((i) => levels[i + k] ?? 0)) - middle);
  const at = course.findIndex((level) => level < (course[0] ?? 0) / Math.E);
  const [before, after] = [course[at - 1] ?? 0, course[at] ?? 0];
  const decayMs = at < 1 ? NaN : at - 1 + (before - (course[0] ?? 0) / Math.E) / (before - after);
  const heights = peaks.map((i) => (levels[i] ?? 0) / middle).sort((a, b) => a - b);
  return {
    impulsesPerS: (peaks.length * rateHz) / samples.length,
    impulseHeight: heights[Math.floor(heights.length / 2)] ?? 0,
    decayMs,
  };
}

/** Everything below and above is taken away by four poles each. */
export function between(samples: Float32Array, rateHz: number, fromHz: number, toHz: number): Float32Array {
  let out = samples;
  for (const q of [0.541, 1.307]) out = twoPoles(twoPoles(out, rateHz, fromHz, q, -1), rateHz, toHz, q, 1);
  return out;
}

function twoPoles(samples: Float32Array, rateHz: number, hz: number, q: number, side: 1 | -1): Float32Array {
  const w = (2 * Math.PI * hz) / rateHz;
  const alpha = Math.sin(w) / (2 * q);
  const a0 = 1 + alpha;
  const b = (1 - side * Math.cos(w)) / a0;
  const [a1, a2] = [(-2 * Math.cos(w)) / a0, (1 - alpha) / a0];
  const out = new Float32Array(samples.length);
  let [x1, x2, y1, y2] = [0, 0, 0, 0];
  for (let i = 0; i < samples.length; i += 1) {
    const x = samples[i] ?? 0;
    const y = (b / 2) * (x + x2) + side * b * x1 - a1 * y1 - a2 * y2;
    [x2, x1, y2, y1] = [x1, x, y1, y];
    out[i] = y;
  }
  return out;
}

/** Mean power of Hann-windowed frames (Welch), one side. */
export function spectrumOf(samples: Float32Array, rateHz: number): number[] {
  const power = Array.from({ length: size / 2 }, () => 0);
  const window = Float64Array.from({ length: size }, (_, i) => Math.sin((Math.PI * i) / size) ** 2);
  for (let from = 0; from + size <= samples.length; from += size / 2) {
    const re = Float64Array.from(window, (w, i) => w * (samples[from + i] ?? 0));
    const im = new Float64Array(size);
    fourier(re, im);
    for (let k = 0; k < size / 2; k += 1) power[k] = (power[k] ?? 0) + (re[k] ?? 0) ** 2 + (im[k] ?? 0) ** 2;
  }
  return power.map((p) => p / rateHz);
}

function fourier(re: Float64Array, im: Float64Array): void {
  const n = re.length;
  for (let i = 1, j = 0; i < n; i += 1) {
    let bit = n >> 1;
    for (; (j & bit) !== 0; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      [re[i], re[j]] = [re[j] ?? 0, re[i] ?? 0];
      [im[i], im[j]] = [im[j] ?? 0, im[i] ?? 0];
    }
  }
  for (let length = 2; length <= n; length *= 2) {
    for (let k = 0; k < length / 2; k += 1) {
      const [c, s] = [Math.cos((-2 * Math.PI * k) / length), Math.sin((-2 * Math.PI * k) / length)];
      for (let i = k; i < n; i += length) {
        const j = i + length / 2;
        const tr = c * (re[j] ?? 0) - s * (im[j] ?? 0);
        const ti = s * (re[j] ?? 0) + c * (im[j] ?? 0);
        re[j] = (re[i] ?? 0) - tr;
        im[j] = (im[i] ?? 0) - ti;
        re[i] = (re[i] ?? 0) + tr;
        im[i] = (im[i] ?? 0) + ti;
      }
    }
  }
}

/** Power at one frequency, in units of the mean square of a sine of that amplitude. */
export function lineAt(samples: ArrayLike<number>, cyclesPerSample: (i: number) => number): number {
  let [re, im] = [0, 0];
  for (let i = 0; i < samples.length; i += 1) {
    const angle = 2 * Math.PI * cyclesPerSample(i);
    re += (samples[i] ?? 0) * Math.cos(angle);
    im += (samples[i] ?? 0) * Math.sin(angle);
  }
  return (2 * (re * re + im * im)) / samples.length ** 2;
}
