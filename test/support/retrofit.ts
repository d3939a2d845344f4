/** A lockstitch machine with a sensor box that sends lines of CSV (profile `sewing-retrofit-csv`): it sews ten stitches a tenth of a second. */
import type { TestContext } from 'node:test';
import { listener } from './ports.ts';

export interface Retrofit {
  readonly endpoint: string;
  /** What it has counted by now. */
  readonly stitches: () => number;
}

/** It stands when the test ends. */
export async function retrofitThatSews(t: TestContext): Promise<Retrofit> {
  let stitches = 0;
  const port = await listener(t, (socket) => {
    const timer = setInterval(() => {
      stitches += 10;
      socket.write(`3,24.5,1.27,80,55,${stitches},4200\n`);
    }, 100);
    socket.on('close', () => clearInterval(timer));
  });
  return { endpoint: `tcp://127.0.0.1:${port}`, stitches: () => stitches };
}
