/** The heap after a full collection, for tests that nothing is held for longer than it is needed. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

/** Bytes of the heap that are in use. */
export function heapBytes(): number {
  gc();
  gc();
  return process.memoryUsage().heapUsed;
}

/**
 * Bytes that this process holds on to: the heap and what lies beside it, such as pixels. The resident size is no measure of that: an
 * allocator keeps what the largest picture needed, and gives it back when it likes.
 */
export function heldBytes(): number {
  gc();
  gc();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return heapUsed + external + arrayBuffers;
}
