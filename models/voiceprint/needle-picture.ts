/**
 * What speaks for a click at every place of a turning cylinder. The axis is the angle by the straight line from pulse to pulse, cut into rows, one
 * a feeder's pitch, and rows into places, half a needle wide. What is no click has energies as a sum of squares has (gamma); a click of a
 * height adds its height, which fades within a millisecond. How much likelier the energies are with the click than without is
 * summed over heights, because how loud a click is depends on the cam. Pure.
 *
 * Invariants (test/unit/models/voiceprint-needle-picture.test.ts):
 *  P1  Energies of the frames are shared out among the places: none is lost or counted twice.
 *  P2  The strongest evidence stands where a click begins, whatever the speed.
 */

/** Heights of clicks over what is no click, by energy. */
const heights = [0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128];
/** Clicks too faint to be heard; the others are of any height. */
const unheardShare = 0.5;
/** A click's energy falls to 1/e within so many frames. */
const fadeFrames = 4.5;
/** So many are looked at. */
const clickFrames = 9;
/** Half the degrees of freedom of a frame that is no click: fewer than its samples have, because noise is coloured. */
const shapePerFrame = 2;
/** Louder than so many times the click that is asked about counts no more: something else banged. */
const mostOver = 4;

export interface NeedlePicture {
  /** Row behind row. */
  readonly energies: Float32Array;
  /** Logarithms of likelihood ratios of a click that begins there. */
  readonly evidence: Float32Array;
  /** Of a row. */
  readonly places: number;
  /** Rows of a turn. */
  readonly feeders: number;
  /** Frames of each turn. */
  readonly lengths: readonly number[];
}

/**
 * @param frames energies of clicks, as `clickEnvelope` gives them
 * @param pulses frames (and shares) at which whole turns were
 * @returns null where somewhere nothing at all is heard
 */
export function needlePicture(
  frames: Float32Array,
  pulses: readonly number[],
  feeders: number,
  places: number,
): NeedlePicture | null {
  const lengths = pulses.slice(1).map((pulse, turn) => pulse - (pulses[turn] ?? pulse));
  const [first, last] = [pulses[0] ?? 0, pulses.at(-1) ?? 0];
  if (lengths.length === 0 || lengths.some((length) => !(length > 0)) || first < 0 || last > frames.length) return null;
  const energies = energiesByPlace(frames, pulses, feeders * places);
  const quiet = quietOf(energies, places);
  if (quiet.some((value) => !(value > 0))) return null;
  const relative = energies.map((value, g) => value / (quiet[Math.floor(g / places)] as number));
  const framesAPlace = (last - first) / (lengths.length * feeders * places);
  return { energies, evidence: evidenceOf(relative, framesAPlace), places, feeders, lengths };
}

/** Means of the energies over each place. */
function energiesByPlace(frames: Float32Array, pulses: readonly number[], placesATurn: number): Float32Array {
  const sums = new Float64Array(frames.length + 1);
  for (let i = 0; i < frames.length; i += 1) sums[i + 1] = (sums[i] as number) + (frames[i] as number);
  const until = (at: number): number => {
    const i = Math.floor(at);
    return (sums[i] as number) + (at - i) * (frames[i] ?? 0);
  };
  const energies = new Float32Array((pulses.length - 1) * placesATurn);
  for (let turn = 0; turn + 1 < pulses.length; turn += 1) {
    const [from, to] = [pulses[turn] as number, pulses[turn + 1] as number];
    const wide = (to - from) / placesATurn;
    let before = until(from);
    for (let place = 0; place < placesATurn; place += 1) {
      const behind = until(Math.min(to, from + wide * (place + 1)));
      energies[turn * placesATurn + place] = (behind - before) / wide;
      before = behind;
    }
  }
  return energies;
}

/** How loud each row and its two neighbours are without their clicks: a click is much shorter than a pitch. */
function quietOf(energies: Float32Array, places: number): Float64Array {
  const rows = energies.length / places;
  return Float64Array.from({ length: rows }, (_, row) => {
    const near = energies.slice(Math.max(0, row - 1) * places, Math.min(rows, row + 2) * places).sort();
    return near[near.length >> 1] ?? 0;
  });
}

/** Log-likelihood ratio of a click of any height that begins in the middle of a place. */
function evidenceOf(relative: Float32Array, framesAPlace: number): Float32Array {
  const out = new Float32Array(relative.length).fill(Math.log(unheardShare));
  const share = Math.log((1 - unheardShare) / heights.length);
  for (const height of heights) {
    for (const [g, value] of evidenceOfHeight(relative, height, framesAPlace).entries()) {
      const [one, other] = [out[g] as number, value + share];
      const most = Math.max(one, other);
      out[g] = most + Math.log1p(Math.exp(Math.min(one, other) - most));
    }
  }
  return out;
}

function evidenceOfHeight(relative: Float32Array, height: number, framesAPlace: number): Float32Array {
  const shape = shapePerFrame * framesAPlace;
  const faded = (places: number): number => Math.exp((-Math.max(0, places) * framesAPlace) / fadeFrames);
  // Mean of the click over each place, the first of which it fills by half.
  const levels = Array.from({ length: Math.ceil(clickFrames / framesAPlace) }, (_, tap) => {
    return 1 + (height * fadeFrames * (faded(tap - 0.5) - faded(tap + 0.5))) / framesAPlace;
  });
  const none = -shape * levels.reduce((sum, level) => sum + Math.log(level), 0);
  const out = new Float32Array(relative.length).fill(none);
  for (const [tap, level] of levels.entries()) {
    const gain = shape * (1 - 1 / level);
    const most = mostOver * level;
    for (let g = 0; g + tap < out.length; g += 1)
      out[g] = (out[g] as number) + gain * Math.min(most, relative[g + tap] as number);
  }
  return out;
}
