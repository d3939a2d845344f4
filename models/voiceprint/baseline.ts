/**
 * The plain way to hear that a machine is odd, to be printed beside every figure of the ear: the mean level of each band against those of the
 * enrolled clips, with a tenth of the covariance replaced. It does not hear what changes over time. Pure.
 */
import { mean } from '../statistics/metrics.ts';
import { partOf, type Heard } from './ear.ts';
import { distanceOf, gaussianOf } from './gaussian.ts';

const levels = 0;
const shrinkage = 0.1;

/** @param clips all heard in the same bands; @returns what scores another clip */
export function baselineOf(clips: readonly Heard[], bands: number): (clip: Heard) => number {
  const rows = ({ windows }: Heard) => windows.map((window) => partOf(window, levels, bands));
  const gaussian = gaussianOf(clips.flatMap(rows), shrinkage);
  return (clip) => mean(rows(clip).map((row) => distanceOf(gaussian, row)));
}
