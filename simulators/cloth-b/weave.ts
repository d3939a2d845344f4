/** Weaves by generator b: each end and each pick is a bent cylinder; which of the two is higher at a point is what is seen there. */
import { child, gradientNoise, normal } from './dice.ts';
import { nothing, type Relief } from './relief.ts';

export interface WeaveB {
  readonly seed: number;
  /** Whether the end is over the pick. */
  readonly over: (end: number, pick: number) => boolean;
  readonly endMm: number;
  readonly pickMm: number;
  readonly tone: number;
  readonly unevenness: number;
}

/** What is wrong with an end or a pick at a place of it. Factors on radius and tone; null: it is not there. */
export type WrongYarn = (
  kind: 'end' | 'pick',
  yarn: number,
  xMm: number,
  yMm: number,
) => readonly [radius: number, tone: number] | null;
export const right: readonly [number, number] = [1, 1];

/** What there is to know about the crossings in a view, `ends` a row. */
interface Crossings {
  readonly firstEnd: number;
  readonly firstPick: number;
  readonly ends: number;
  /** 1: the end is over the pick; −1: under it. */
  readonly side: Int8Array;
  /** Thickness of end and pick, and how far they are off their places, in shares of their pitch. */
  readonly endThick: Float32Array;
  readonly pickThick: Float32Array;
  readonly endOff: Float32Array;
  readonly pickOff: Float32Array;
}

function cross(weave: WeaveB, relief: Relief): Crossings {
  const { endMm, pickMm, seed, unevenness } = weave;
  const firstEnd = Math.floor(relief.leftMm / endMm) - 2;
  const firstPick = Math.floor(relief.topMm / pickMm) - 2;
  const ends = Math.ceil(relief.width / relief.perMm / endMm) + 5;
  const picks = Math.ceil(relief.height / relief.perMm / pickMm) + 5;
  const size = ends * picks;
  const crossings: Crossings = {
    firstEnd,
    firstPick,
    ends,
    side: new Int8Array(size),
    endThick: new Float32Array(size),
    pickThick: new Float32Array(size),
    endOff: new Float32Array(size),
    pickOff: new Float32Array(size),
  };
  const [warpSeed, weftSeed, wave] = [child(seed, 1), child(seed, 2), child(seed, 3)];
  for (let p = 0; p < picks; p += 1) {
    const pick = firstPick + p;
    const sway = 0.08 * unevenness * normal(wave, pick, 9);
    for (let e = 0; e < ends; e += 1) {
      const end = firstEnd + e;
      const i = p * ends + e;
      crossings.side[i] = weave.over(end, pick) ? 1 : -1;
      crossings.endThick[i] = 1 + 0.12 * unevenness * gradientNoise(warpSeed, pick / 11, end * 1.71);
      crossings.pickThick[i] = 1 + 0.14 * unevenness * gradientNoise(weftSeed, end / 10, pick * 1.37);
      // Every yarn has a way of its own that it meanders along, changing slowly.
      crossings.endOff[i] = 0.08 * unevenness * normal(wave, end) * Math.sin(pick / 7 + end * 2.4);
      crossings.pickOff[i] = sway * Math.sin(end / 8 + pick * 1.7);
    }
  }
  return crossings;
}

export function layWeave(weave: WeaveB, relief: Relief, wrong: WrongYarn | null): void {
  const { endMm, pickMm } = weave;
  const { firstEnd, firstPick, ends, side, ...of } = cross(weave, relief);
  const rise = 0.3;
  for (let y = 0; y < relief.height; y += 1) {
    const yMm = relief.topMm + (y + 0.5) / relief.perMm;
    const v = yMm / pickMm - firstPick;
    const p = Math.floor(v);
    const beforeP = Math.floor(v - 0.5);
    const tv = v - 0.5 - beforeP;
    const easeV = 0.5 - 0.5 * Math.cos(Math.PI * tv);
    const slopeV = 0.5 * Math.PI * Math.sin(Math.PI * tv);
    for (let x = 0; x < relief.width; x += 1) {
      const xMm = relief.leftMm + (x + 0.5) / relief.perMm;
      const u = xMm / endMm - firstEnd;
      const e = Math.floor(u);
      const at = p * ends + e;
      const i = y * relief.width + x;
      const ofEnd = wrong === null ? right : wrong('end', firstEnd + e, xMm, yMm);
      const ofPick = wrong === null ? right : wrong('pick', firstPick + p, xMm, yMm);
      let best: number = nothing;
      if (ofEnd !== null) {
        const thick = of.endThick[at] ?? 1;
        const radius = 0.46 * endMm * ofEnd[0] * thick;
        const away = (u - e - 0.5 - (of.endOff[at] ?? 0)) * endMm;
        if (Math.abs(away) < radius) {
          const from = side[beforeP * ends + e] ?? 0;
          const step = (side[(beforeP + 1) * ends + e] ?? 0) - from;
          best = rise * endMm * (from + step * easeV) + 0.7 * Math.sqrt(radius * radius - away * away);
          relief.nx[i] = away / radius;
          relief.ny[i] = (-rise * endMm * step * slopeV) / pickMm;
          relief.tone[i] = weave.tone * 0.93 * ofEnd[1] * thick;
        }
      }
      if (ofPick !== null) {
        const thick = of.pickThick[at] ?? 1;
        const radius = 0.47 * pickMm * ofPick[0] * thick;
        const away = (v - p - 0.5 - (of.pickOff[at] ?? 0)) * pickMm;
        if (Math.abs(away) < radius) {
          const beforeE = Math.floor(u - 0.5);
          const tu = u - 0.5 - beforeE;
          const from = -(side[p * ends + beforeE] ?? 0);
          const step = -(side[p * ends + beforeE + 1] ?? 0) - from;
          const height = from + step * (0.5 - 0.5 * Math.cos(Math.PI * tu));
          const z = rise * pickMm * height + 0.7 * Math.sqrt(radius * radius - away * away);
          if (z > best) {
            best = z;
            relief.nx[i] = (-rise * pickMm * step * 0.5 * Math.PI * Math.sin(Math.PI * tu)) / endMm;
            relief.ny[i] = away / radius;
            relief.tone[i] = weave.tone * ofPick[1] * thick;
          }
        }
      }
      relief.z[i] = best;
    }
  }
}
