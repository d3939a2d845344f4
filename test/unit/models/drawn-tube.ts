/**
 * A tube drawn by hand: 2639 needles, 53.3 mm a revolution, a view of 64 × 70 mm, a frame every 50th of a turn. The frames hold
 * what a camera would see of the faults, cut at the edges of the view; nothing of it comes from the code that is tested.
 */
import type { DefectClass, Shape } from '../../../models/vision/classify.ts';
import { defaultTrackerOptions, type Sighting, type TrackerOptions } from '../../../models/vision/track.ts';
import type { SeenFrame } from '../../../models/vision/tracker.ts';

export const needles = 2639;
export const stepMm = 53.3;
export const viewNeedles = 84;
export const viewMm = 70;
export const options: TrackerOptions = { ...defaultTrackerOptions, period: needles, stepMm };

export interface Fault {
  readonly class: DefectClass;
  readonly shape: Shape;
  /** What of it is in the view at a turn: its box round the tube and along the roll; null: nothing. */
  readonly at: (turns: number) => readonly Pick<Sighting, 'acrossFrom' | 'acrossTo' | 'alongFromMm' | 'alongToMm'>[];
}

/** Needle in the middle of the view. */
export const middleAt = (turns: number): number => needles * (turns - Math.floor(turns));
/** Newest and oldest cloth of the view, mm of the roll: it slides down by a step a turn. */
export const spanAt = (turns: number): readonly [number, number] => [
  turns * stepMm - viewMm / 2,
  turns * stepMm + viewMm / 2,
];
export const isInView = (needle: number, turns: number): boolean => {
  const off = Math.abs(needle - middleAt(turns)) % needles;
  return Math.min(off, needles - off) < viewNeedles / 2;
};

/** A piece of cloth: seen as long as it is in view. */
export function piece(name: DefectClass, needle: number, mm: number, halfNeedles = 2, halfMm = 2): Fault {
  const at = (turns: number) => {
    const [from, to] = spanAt(turns);
    if (!isInView(needle, turns) || mm - halfMm < from || mm + halfMm > to) return [];
    return [
      {
        acrossFrom: needle - halfNeedles,
        acrossTo: needle + halfNeedles,
        alongFromMm: mm - halfMm,
        alongToMm: mm + halfMm,
      },
    ];
  };
  return { class: name, shape: 'spot', at };
}

/** What a needle knits from a place of the roll to another; it may move by some needles a turn. */
export function line(needle: number, fromMm: number, toMm: number, perTurn = 0): Fault {
  const at = (turns: number) => {
    const [from, to] = spanAt(turns);
    const own = needle + perTurn * Math.floor(turns);
    const start = Math.max(from, fromMm);
    const end = Math.min(to, toMm);
    if (!isInView(own, turns) || end - start < 6) return [];
    return [{ acrossFrom: own - 0.7, acrossTo: own + 0.7, alongFromMm: start, alongToMm: end }];
  };
  return { class: 'needle_line', shape: 'vertical', at };
}

/** What a feeder knits: stands at one height of the view, again a step further down. */
export function band(standingMm: number, fromTurn: number, toTurn: number): Fault {
  const at = (turns: number) => {
    if (turns < fromTurn || turns > toTurn) return [];
    const middle = middleAt(turns);
    return [0, -stepMm]
      .map((off) => standingMm + off)
      .filter((off) => Math.abs(off) < viewMm / 2 - 2)
      .map((off) => ({
        acrossFrom: middle - viewNeedles / 2,
        acrossTo: middle + viewNeedles / 2,
        alongFromMm: turns * stepMm + off - 0.5,
        alongToMm: turns * stepMm + off + 0.5,
      }));
  };
  return { class: 'barre', shape: 'horizontal', at };
}

/** Frames every 50th of a turn; every place is off by some noise, drawn anew in each frame. */
export function framesOf(
  faults: readonly Fault[],
  turns: number,
  seed = 1,
  skip: (turns: number) => boolean = () => false,
) {
  let state = seed >>> 0;
  const noise = (size: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 4294967296 - 0.5) * 2 * size;
  };
  const frames: SeenFrame[] = [];
  for (let i = 0; i < turns * 50; i += 1) {
    const at = 0.003 + i / 50;
    const [alongFromMm, alongToMm] = spanAt(at);
    const sightings = faults.flatMap((fault) =>
      fault.at(at).map((box): Sighting => {
        const offNeedles = noise(1);
        const offMm = noise(0.5);
        const acrossFrom = box.acrossFrom + offNeedles;
        const acrossTo = box.acrossTo + offNeedles;
        const middle = (acrossFrom + acrossTo) / 2;
        return {
          class: fault.class,
          shape: fault.shape,
          score: 2 + noise(0.5),
          place: {
            at: middle - needles * Math.floor(middle / needles),
            randomSd: 0.6,
            systematicSd: 0.3,
            isAnchored: true,
          },
          acrossFrom,
          acrossTo,
          alongFromMm: box.alongFromMm + offMm,
          alongToMm: box.alongToMm + offMm,
          alongSdMm: 0.5,
        };
      }),
    );
    if (!skip(at)) frames.push({ timeMs: at * 1714, turns: at, alongFromMm, alongToMm, sightings });
  }
  return frames;
}
