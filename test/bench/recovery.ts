/**
 * How soon a device that was away is read again: devices of their own process are killed, stay away for some seconds and come
 * back on the same port; the time runs from there to the first good reading that the driver delivers.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { createModbusDriver } from '../../drivers/modbus/driver.ts';
import { profileSchema } from '../../drivers/profiles/schema.ts';
import type { Bench, BenchContext, Measured } from './bench.ts';
import { percentile, type Run } from './judge.ts';
import { benchProfile } from './load-profile.ts';
import { BenchFailure, startScript } from './processes.ts';

const name = 'recovery:p95Ms';
const devices = 4;
const cyclesEach = 6;
/** How long a device stays away: from before the driver's first retry to long after its slowest. */
const awayMs = { least: 300, most: 7000 };
/** A device that is not read again within this counts as this. */
const giveUpMs = 20_000;

export const recovery: Bench = {
  bars: [{ name, unit: 'ms', direction: 'lower', judged: 'ours', limit: 2000, referenceBaseline: null }],
  measure: async ({ runs, say, signal }: BenchContext): Promise<ReadonlyMap<string, Measured>> => {
    const all: Run[] = [];
    for (let run = 1; run <= runs; run += 1) {
      const each = await Promise.all(Array.from({ length: devices }, (_, device) => cycles(device, signal)));
      const p95Ms = percentile(each.flat(), 0.95);
      all.push({ ours: p95Ms, baseline: null });
      say(`run ${run}: ${each.flat().length} returns, p95 ${Math.round(p95Ms ?? 0)} ms`);
    }
    return new Map([[name, { runs: all, unmeasured: null }]]);
  },
};

/** Each return of one device, in ms. */
async function cycles(device: number, signal: AbortSignal): Promise<number[]> {
  const waiters: (() => void)[] = [];
  const firstGood = () => new Promise<boolean>((resolve) => waiters.push(() => resolve(true)));
  let slave = startScript('modbus-slave.ts', [0]);
  const port = Number(await slave.line());
  const driver = createModbusDriver(
    {
      endpoint: `modbus://127.0.0.1:${port}`,
      machines: [
        { machine: `dev-${device}`, unit: 1, profile: profileSchema.parse(benchProfile), polls: { normal: 100 } },
      ],
    },
    {
      clock: { wallMs: () => Date.now(), monotonicMs: () => performance.now() },
      random: Math.random,
      log: () => undefined,
      sink: (event) => {
        if (event.kind !== 'readings' || event.readings[0]?.quality !== 'good') return;
        for (const wake of waiters.splice(0)) wake();
      },
    },
  );
  const took: number[] = [];
  try {
    const first = firstGood();
    await driver.start(signal);
    if (!(await Promise.race([first, delay(giveUpMs, false)]))) throw new BenchFailure('the device was never read');
    for (let cycle = 0; cycle < cyclesEach; cycle += 1) {
      await slave.end('SIGKILL');
      await delay(awayMs.least + Math.random() * (awayMs.most - awayMs.least), undefined, { signal });
      waiters.length = 0;
      const good = firstGood();
      slave = startScript('modbus-slave.ts', [port]);
      if ((await slave.line()) !== String(port)) throw new BenchFailure('the device came back on another port');
      const backMs = performance.now();
      await Promise.race([good, delay(giveUpMs)]);
      took.push(performance.now() - backMs);
      // Some good polls in between, so that every absence starts from a connection that works.
      await delay(500, undefined, { signal });
    }
  } finally {
    await driver.stop();
    await slave.end('SIGKILL');
  }
  return took;
}
