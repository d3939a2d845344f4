/**
 * How much of a serial line at 19,200 bit/s the driver uses: four slaves of 100 registers are polled faster than the line can
 * carry, so that there is always a request to send; what came of it against what the line could carry at most.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createModbusDriver } from '../../drivers/modbus/driver.ts';
import { profileSchema } from '../../drivers/profiles/schema.ts';
import type { Bench, BenchContext, Measured } from './bench.ts';
import type { Run } from './judge.ts';
import { benchProfile, registers } from './load-profile.ts';
import { start, startScript } from './processes.ts';
import { pollMs } from './rtu-time.ts';

const name = 'rtu-19200:pollsPct';
const baud = 19_200;
const units = [1, 2, 3, 4];
const warmMs = 2000;
const forMs = 15_000;

export const rtu: Bench = {
  bars: [{ name, unit: '%', direction: 'higher', judged: 'ours', limit: 95, referenceBaseline: null }],
  measure: async (context: BenchContext): Promise<ReadonlyMap<string, Measured>> => {
    const all: Run[] = [];
    if (spawnSync('socat', ['-V']).status !== 0) {
      return new Map([[name, { runs: all, unmeasured: 'not run: it needs socat' }]]);
    }
    for (let run = 1; run <= context.runs; run += 1) {
      const polls = await pollsOnLine(join(context.dir, `line-${run}`), context.signal);
      const pollsPct = (polls / (forMs / pollMs(baud, registers))) * 100;
      all.push({ ours: pollsPct, baseline: null });
      context.say(`run ${run}: ${polls} polls in ${forMs / 1000} s, ${pollsPct.toFixed(1)} % of the line`);
    }
    return new Map([[name, { runs: all, unmeasured: null }]]);
  },
};

/** Whole good polls within the window. */
async function pollsOnLine(path: string, signal: AbortSignal): Promise<number> {
  const line = startScript('rtu-line.ts', [baud]);
  const port = await line.line();
  const pty = start('socat', ['-t', '0', `PTY,link=${path},raw,echo=0,wait-slave`, `TCP:127.0.0.1:${port},nodelay`]);
  let polls = 0;
  const profile = profileSchema.parse(benchProfile);
  const driver = createModbusDriver(
    {
      endpoint: `modbus+rtu://${path}?baudRate=${baud}&parity=even`,
      machines: units.map((unit) => ({ machine: `dev-${unit}`, unit, profile, polls: { normal: 100 } })),
    },
    {
      clock: { wallMs: () => Date.now(), monotonicMs: () => performance.now() },
      random: Math.random,
      log: () => undefined,
      sink: (event) => {
        if (event.kind === 'readings' && event.readings.every(({ quality }) => quality === 'good')) polls += 1;
      },
    },
  );
  try {
    while (!existsSync(path)) await delay(10, undefined, { signal });
    await driver.start(signal);
    await delay(warmMs, undefined, { signal });
    const fromMs = performance.now();
    const before = polls;
    await delay(forMs, undefined, { signal });
    return (polls - before) * (forMs / (performance.now() - fromMs));
  } finally {
    await driver.stop();
    await pty.end();
    await line.end();
  }
}
