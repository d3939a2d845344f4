/**
 * Where in a sound there are clicks: the energy above 3 kHz, frame by frame of a quarter of a millisecond. A knitting machine's hum, its fan and
 * most of the voices of a hall lie below. Pure.
 *
 * Invariant (test/unit/models/voiceprint-click-envelope.test.ts): a click is in its frame or the next two, and a tone below 1.5 kHz is 40 dB down.
 */
export const frameS = 0.00025;
const cutHz = 3_000;

/** @returns mean square of each frame, and how many samples a frame has */
export function clickEnvelope(
  samples: Float32Array,
  rateHz: number,
): { readonly frames: Float32Array; readonly frameSamples: number } {
  const frameSamples = Math.max(1, Math.round(frameS * rateHz));
  const frames = new Float32Array(Math.floor(samples.length / frameSamples));
  // Two sections of second order: Butterworth of the fourth.
  const one = highPass(rateHz, 0.5412);
  const two = highPass(rateHz, 1.3066);
  for (let frame = 0, i = 0; frame < frames.length; frame += 1) {
    let sum = 0;
    for (let k = 0; k < frameSamples; k += 1, i += 1) {
      const value = two(one(samples[i] as number));
      sum += value * value;
    }
    frames[frame] = sum / frameSamples;
  }
  return { frames, frameSamples };
}

/** After Robert Bristow-Johnson's audio EQ cookbook. */
function highPass(rateHz: number, q: number): (value: number) => number {
  const w = (2 * Math.PI * cutHz) / rateHz;
  const alpha = Math.sin(w) / (2 * q);
  const cos = Math.cos(w);
  const a0 = 1 + alpha;
  const b0 = (1 + cos) / 2 / a0;
  const [b1, b2] = [-2 * b0, b0];
  const [a1, a2] = [(-2 * cos) / a0, (1 - alpha) / a0];
  let [x1, x2, y1, y2] = [0, 0, 0, 0];
  return (x) => {
    const y = b0 * x + b1 * x1 + b2 * x2 - a1 * y1 - a2 * y2;
    [x2, x1, y2, y1] = [x1, x, y1, y];
    return y;
  };
}
