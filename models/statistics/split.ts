/** Drawing by a seed: the same seed gives the same split on every computer. Pure. */

/** Numbers in 0 … 1 by mulberry32, a generator of 32 bits of state that is the same everywhere. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 15), z | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 4294967296;
  };
}

/** A shuffled copy (Fisher–Yates). */
export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const list = [...items];
  for (let i = list.length - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1));
    const a = list[i] as T;
    list[i] = list[j] as T;
    list[j] = a;
  }
  return list;
}

/** The first `count` of the shuffled items are taught, the others held back to be scored. */
export function splitBySeed<T>(items: readonly T[], count: number, seed: number): { taught: T[]; held: T[] } {
  const order = shuffled(items, seeded(seed));
  return { taught: order.slice(0, count), held: order.slice(count) };
}

/** Parts of nearly equal size; item i is in part i mod `parts`, so neighbours of a shuffled list are in different ones. */
export function foldsOf<T>(items: readonly T[], parts: number): T[][] {
  const folds = Array.from({ length: Math.min(parts, items.length) }, (): T[] => []);
  items.forEach((item, i) => folds[i % folds.length]?.push(item));
  return folds;
}
