/**
 * Where in a piece of sound the shaft stands at which angle, as the fault graph wants it (models/training/fault/graph.py, which has the same
 * numbers): blocks of eight turns, spread evenly over the piece, each turn at 96 angles. Pure.
 *
 * Invariant (test/unit/models/voiceprint-turning.test.ts): the angle at every sample that is given is the one it was given for.
 */
import type { Turning } from './turning.ts';

export const blocks = 8;
export const turnsABlock = 8;
export const angles = 96;
export const placesAPiece = blocks * turnsABlock * angles;

/** @returns samples from the piece's beginning, `placesAPiece` of them; null: it turns too slowly for one block */
export function placesOf({ turns, stepSamples, source }: Turning): Float32Array | null {
  const last = turns.at(-1) ?? 0;
  // With a pulse blocks begin at whole turns, else wherever the piece does.
  const whole = source === 'pulse';
  const first = whole ? Math.ceil((turns[0] ?? 0) - 1e-9) : (turns[0] ?? 0);
  const room = last - first - turnsABlock;
  if (room < 0) return null;
  const places = new Float32Array(placesAPiece);
  let at = 0;
  for (let block = 0; block < blocks; block += 1) {
    const apart = (room * block) / (blocks - 1);
    const from = first + (whole ? Math.floor(apart) : apart);
    let step = 0;
    for (let i = 0; i < turnsABlock * angles; i += 1, at += 1) {
      const turn = from + i / angles;
      while (step < turns.length - 2 && (turns[step + 1] as number) <= turn) step += 1;
      const [a, b] = [turns[step] as number, turns[step + 1] as number];
      places[at] = (step + (turn - a) / (b - a)) * stepSamples;
    }
  }
  return places;
}
