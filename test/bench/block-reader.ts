/**
 * Reads the blocks of ring.db as docs/STORE.md describes them, by code of its own: what the agent stored is not judged by the
 * code that stored it. Pure.
 */
import { zstdDecompressSync } from 'node:zlib';

export interface StoredColumn {
  readonly signal: string;
  /** Source times in UTC ms. */
  readonly atMs: readonly number[];
  /** Null where the reading is bad. */
  readonly values: readonly unknown[];
  /** Which readings are good. */
  readonly good: readonly boolean[];
}

interface Column {
  readonly dt: readonly number[];
  readonly v: readonly unknown[];
  readonly q?: readonly (readonly [first: number, count: number, quality: string, reason: string])[];
}

export function readBlock(bytes: Uint8Array): StoredColumn[] {
  const block = JSON.parse(zstdDecompressSync(bytes).toString('utf8')) as {
    readonly v: number;
    readonly t0: number;
    readonly signals: Readonly<Record<string, Column>>;
  };
  if (block.v !== 1) throw new TypeError(`a block of version ${block.v}`);
  return Object.entries(block.signals).map(([signal, { dt, v, q = [] }]) => {
    if (dt.length !== v.length) throw new TypeError(`${signal}: ${dt.length} times and ${v.length} values`);
    let atMs = block.t0;
    const good = v.map(() => true);
    for (const [first, count] of q) good.fill(false, first, first + count);
    return { signal, atMs: dt.map((step) => (atMs += step)), values: v, good };
  });
}
