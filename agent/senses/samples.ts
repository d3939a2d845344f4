/**
 * Whether pictures are good enough to learn a cloth from: bright enough, in focus, of one cloth, each of another part of it. What is
 * wrong is named by the picture. Pure.
 *
 * Invariant (test/integration/teach-samples.test.ts): of pictures of one cloth that ran by none is refused; one that is dark, blinded,
 * blurred, of another cloth, shows the same cloth as the one before, or has a fault, is named with its reason.
 */
import type { FrameMeasure } from '../../drivers/camera/measure.ts';
import type { Grey } from '../../models/vision/grey.ts';

export interface Sample {
  readonly name: string;
  readonly image: Grey;
  readonly measure: Pick<FrameMeasure, 'blackShare' | 'whiteShare' | 'sharpness' | 'pitchPx'>;
  /** Mean brightness, 0 … 255. */
  readonly level: number;
}

export interface Refusal {
  readonly image: string;
  readonly reason: string;
}

/** Below it the steps between grey values are as large as what shall be seen. */
const darkest = 35;
const brightest = 225;
const mostBlack = 0.3;
const mostWhite = 0.1;
/** Sharpness as a share of that of the others. */
const leastSharp = 0.6;
/** Brightness and pitch against those of the others, as a share. */
const mostOffLevel = 0.2;
const mostOffPitch = 0.08;
/** A score of so many times the usual one is a fault, or another cloth. */
const mostPeak = 1.75;
/** So many pictures must be there to say what is usual. */
const leastSamples = 4;

/** Whether a picture says how its camera stands: in the dark and in the glare none does. */
export const isLit = ({ blackShare, whiteShare }: Sample['measure']): boolean =>
  blackShare <= mostBlack && whiteShare <= mostWhite;

/** Why nothing can be learned from a picture, whatever the others show; null: something can. */
export function unfit({ measure, level }: Pick<Sample, 'measure' | 'level'>): string | null {
  if (level < darkest || measure.blackShare > mostBlack) return `too dark: brightness ${Math.round(level)} of 255`;
  if (level > brightest || measure.whiteShare > mostWhite) {
    return `too bright: ${Math.round(measure.whiteShare * 100)} % of it is white`;
  }
  return null;
}

/** What differs from the others: blurred, darker or lighter, or another cloth. */
export function differing(samples: readonly Sample[]): readonly Refusal[] {
  if (samples.length < leastSamples) return [];
  const sharpness = medianOf(samples.map(({ measure }) => measure.sharpness));
  const level = medianOf(samples.map((one) => one.level));
  const pitches = samples.flatMap(({ measure }) => measure.pitchPx ?? []);
  // A pitch that only some show says nothing of the others.
  const pitchPx = pitches.length > samples.length / 2 ? medianOf(pitches) : null;
  return samples.flatMap(({ name, measure, level: own }): Refusal[] => {
    const found = measure.pitchPx;
    if (pitchPx !== null && found !== null && Math.abs(found / pitchPx - 1) > mostOffPitch) {
      const [here, there] = [found.toFixed(1), pitchPx.toFixed(1)];
      return [{ image: name, reason: `another cloth or distance: a pitch of ${here} px, the others ${there}` }];
    }
    if (measure.sharpness < leastSharp * sharpness) {
      const percent = Math.round((100 * measure.sharpness) / sharpness);
      return [{ image: name, reason: `blurred: ${percent} % as sharp as the others` }];
    }
    if (Math.abs(own / level - 1) > mostOffLevel) {
      return [
        {
          image: name,
          reason: `another light or cloth: brightness ${Math.round(own)}, the others ${Math.round(level)}`,
        },
      ];
    }
    return [];
  });
}

/**
 * Pictures whose worst place is far worse than those of the others.
 * @param peaks highest score of each, by what the others taught
 */
export function faulty(names: readonly string[], peaks: readonly number[]): readonly Refusal[] {
  const usual = medianOf(peaks);
  if (peaks.length < leastSamples || usual <= 0) return [];
  return names.flatMap((image, at): Refusal[] => {
    const peak = peaks[at] ?? 0;
    if (peak < mostPeak * usual) return [];
    return [
      { image, reason: `differs from the others (${peak.toFixed(1)}, usually ${usual.toFixed(1)}): a fault in it?` },
    ];
  });
}

/** Of the least difference at other places: less is the same cloth, with the noise of the camera. */
const sameShare = 0.8;
/** Other places that are tried, px; some of them put wale on wale and course on course. */
const shifts = Array.from({ length: 60 }, (_, n): readonly [number, number] => [
  ((n * 37) % 101) - 50,
  ((n * 23) % 77) - 38,
]).filter(([x, y]) => Math.abs(x) > 4 || Math.abs(y) > 4);

/** Whether two pictures show the same cloth at the same place: the machine stood. */
export function isSameCloth(a: Grey, b: Grey): boolean {
  if (a.width !== b.width || a.height !== b.height || a.width < 200 || a.height < 160) return false;
  const elsewhere = Math.min(...shifts.map(([dx, dy]) => difference(a, b, dx, dy)));
  return difference(a, b, 0, 0) < sameShare * elsewhere;
}

function difference(a: Grey, b: Grey, dx: number, dy: number): number {
  const { width, height } = a;
  let [sum, count] = [0, 0];
  // Some ten thousand pixels are enough, of any picture.
  const step = Math.max(1, Math.floor(Math.sqrt((width * height) / 20_000)));
  for (let y = 40; y < height - 40; y += step) {
    for (let x = 52; x < width - 52; x += step) {
      sum += Math.abs((a.pixels[y * width + x] ?? 0) - (b.pixels[(y + dy) * width + x + dx] ?? 0));
      count += 1;
    }
  }
  return sum / Math.max(1, count);
}

const medianOf = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
