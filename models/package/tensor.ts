/** Tensors of golden samples: from little-endian bytes, and how far two of them lie apart. Pure. */
import { endianness } from 'node:os';
import { ModelError } from '../errors.ts';
import { elementBytes, type ElementType } from './manifest.ts';

export type TensorData = Uint8Array | Int32Array | BigInt64Array | Float32Array;

/** @throws ModelError `manifestInvalid` where the bytes are no whole number of elements */
export function tensorData(type: ElementType, bytes: Uint8Array): TensorData {
  if (bytes.length % elementBytes[type] !== 0) {
    throw new ModelError('manifestInvalid', `${bytes.length} bytes are no tensor of ${type}`);
  }
  // Every computer Node 24 is made for and this agent runs on is little-endian; another would read nonsense.
  if (endianness() !== 'LE') throw new ModelError('goldenFailed', 'this computer is big-endian');
  // A copy of its own: an array of wider elements must not begin in the middle of a buffer.
  const { buffer } = Uint8Array.from(bytes);
  switch (type) {
    case 'uint8':
      return new Uint8Array(buffer);
    case 'int32':
      return new Int32Array(buffer);
    case 'int64':
      return new BigInt64Array(buffer);
    case 'float32':
      return new Float32Array(buffer);
  }
}

/** How a result lies to what is expected of it. */
export interface Apart {
  readonly ok: boolean;
  /** The largest |got − expected|; Infinity where one of the two is not finite, or there are too many or too few. */
  readonly worst: number;
  /** Elements outside of the tolerance. */
  readonly outside: number;
}

/** |got − expected| ≤ absolute + relative · |expected| for each element. What is not finite is never within. */
export function compareTensors(
  got: ArrayLike<number | bigint>,
  expected: ArrayLike<number | bigint>,
  tolerance: { readonly absolute: number; readonly relative: number },
): Apart {
  if (got.length !== expected.length) return { ok: false, worst: Infinity, outside: expected.length };
  let worst = 0;
  let outside = 0;
  for (let at = 0; at < expected.length; at += 1) {
    const apart = distance(got[at], expected[at]);
    const isWithin = apart <= tolerance.absolute + tolerance.relative * Math.abs(Number(expected[at]));
    if (!isWithin) outside += 1;
    // NaN is further than anything.
    worst = Number.isFinite(apart) ? Math.max(worst, apart) : Infinity;
  }
  return { ok: outside === 0, worst, outside };
}

function distance(a: number | bigint | undefined, b: number | bigint | undefined): number {
  // As numbers 64 bits would lose some.
  return Math.abs(typeof a === 'bigint' && typeof b === 'bigint' ? Number(a - b) : Number(a) - Number(b));
}
