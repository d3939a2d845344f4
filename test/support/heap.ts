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
