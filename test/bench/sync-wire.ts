/** What a gateway in steady work sends and receives for one machine with 24 signals in an hour: every byte of its connection to the broker. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench, BenchContext, Measured } from './bench.ts';
import type { Run } from './judge.ts';
import { BenchFailure, startScript } from './processes.ts';
import { answer, makeBridgeDir, startBridge } from './sync-parts.ts';

/** Machines on one gateway. What batch, header, signature and ack cost is shared by them: one machine alone costs most. */
const gateways = [
  { name: 'wire:bytesPerMachineHour', machines: 10 },
  { name: 'wire:bytesPerMachineHourAlone', machines: 1 },
] as const;
const minutes = 20;

interface Wire {
  readonly up: number;
  readonly down: number;
  readonly batches: number;
  readonly connections: number;
  readonly redelivered: number;
  readonly outboxRecords: number;
}

/** Bytes in both directions over so many minutes. */
export async function wireOf(dir: string, machines: number, minutes: number, fromS: number): Promise<Wire> {
  const bridgeDir = join(dir, 'bridge');
  const files = await makeBridgeDir(bridgeDir);
  const bridge = await startBridge(bridgeDir);
  const options = [join(dir, 'gateway'), bridge.port, JSON.stringify(files), machines, minutes, fromS];
  const gateway = startScript('sync-wire-gateway.ts', options);
  try {
    const wire = await answer<Wire>(gateway);
    // What was sent twice, or waits still, was not a steady run.
    if (wire.connections !== 1 || wire.redelivered > 0) throw new BenchFailure('the connection was lost on the way');
    return wire;
  } finally {
    await gateway.end('SIGKILL');
    await bridge.end('SIGKILL');
    rmSync(dir, { recursive: true, force: true, maxRetries: 10 });
  }
}

export const syncWire: Bench = {
  bars: gateways.map(({ name }) => ({
    name,
    unit: 'bytes',
    direction: 'lower',
    judged: 'ours',
    // "Less than", and bytes are whole.
    limit: 99_999,
    referenceBaseline: null,
  })),
  measure: async ({ runs, dir, say }: BenchContext): Promise<ReadonlyMap<string, Measured>> => {
    const measured = new Map<string, Measured>();
    for (const { name, machines } of gateways) {
      const all: Run[] = [];
      for (let run = 1; run <= runs; run += 1) {
        const { up, down, batches } = await wireOf(
          join(dir, `wire-${machines}-${run}`),
          machines,
          minutes,
          run * 1_000,
        );
        const perHour = ((up + down) / machines) * (60 / minutes);
        all.push({ ours: perHour, baseline: null });
        say(
          `run ${run}, ${machines} on a gateway: ${perHour.toFixed(0)} bytes a machine and hour, ${batches} batches, up ${up}, down ${down}`,
        );
      }
      measured.set(name, { runs: all, unmeasured: null });
    }
    return measured;
  },
};
