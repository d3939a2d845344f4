/** Bytes cut at any places, and blocks put together again. */
import type { Hole, SoundBlock } from '../../../../drivers/microphone/sound.ts';

export function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const places = [0, ...at.map((place) => place % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  return places.slice(1).map((to, index) => bytes.subarray(places[index], to));
}

export function joined(blocks: readonly SoundBlock[], channels: number) {
  const holes: Hole[] = [];
  let from = 0;
  for (const block of blocks) {
    for (const hole of block.holes) {
      const last = holes.at(-1);
      if (last?.to === from + hole.from) holes[holes.length - 1] = { from: last.from, to: from + hole.to };
      else holes.push({ from: from + hole.from, to: from + hole.to });
    }
    from += block.channels[0]?.length ?? 0;
  }
  const samples = Array.from({ length: channels }, (_, index) =>
    blocks.flatMap((block) => [...(block.channels[index] ?? [])]),
  );
  return { channels: samples, holes };
}
