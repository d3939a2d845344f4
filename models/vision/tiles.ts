/** Tiles of 256 × 256 px on a grid of 256, as the eye is scored by: each takes the highest score in it. Pure. */
import type { ScoreMap } from './blobs.ts';
import type { Box } from './grey.ts';

export const tilePx = 256;
/** A tile of good cloth counts when so much of it is cloth. */
export const leastClothShare = 0.9;

/** Side of a cell of the score map, in pixels of the image. */
export const cellPx = 8;

export interface Tile {
  /** Left and top pixel. */
  readonly x: number;
  readonly y: number;
  readonly score: number;
  /** 0 … 1. */
  readonly clothShare: number;
}

export function tilesOf(map: ScoreMap, cloth: Box): Tile[] {
  const cells = tilePx / cellPx;
  const tiles: Tile[] = [];
  for (let y = 0; y + cells <= map.height; y += cells) {
    for (let x = 0; x + cells <= map.width; x += cells) {
      const left = x * cellPx;
      const top = y * cellPx;
      tiles.push({ x: left, y: top, score: highest(map, x, y, cells), clothShare: shareOf(cloth, left, top) });
    }
  }
  return tiles;
}

function highest(map: ScoreMap, left: number, top: number, cells: number): number {
  let most = 0;
  for (let y = top; y < top + cells; y += 1) {
    for (let x = left; x < left + cells; x += 1) most = Math.max(most, map.scores[y * map.width + x] ?? 0);
  }
  return most;
}

function shareOf(cloth: Box, left: number, top: number): number {
  const width = Math.max(0, Math.min(cloth.right, left + tilePx) - Math.max(cloth.left, left));
  const height = Math.max(0, Math.min(cloth.bottom, top + tilePx) - Math.max(cloth.top, top));
  return (width * height) / (tilePx * tilePx);
}
