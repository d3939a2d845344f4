/**
 * Our driver's path on one connection, as fast as it goes: planned, asked, framed, decoded to values, made readings and
 * delivered. Eight machines behind the connection, each with one request under way, as the poller has it; only the clock that
 * spreads polls over time is left out. `PORT WARM_MS FOR_MS`; prints reads/s.
 */
import { openTcpBus } from '../../drivers/modbus/tcp-bus.ts';
import { signalItems } from '../../drivers/modbus/decode.ts';
import { functionOfTable, planBlocks } from '../../drivers/modbus/plan.ts';
import { MachineFeed } from '../../drivers/feed.ts';
import { profileSchema } from '../../drivers/profiles/schema.ts';
import { benchProfile } from './load-profile.ts';

const machines = 8;
const [port = 0, warmMs = 0, forMs = 0] = process.argv.slice(2).map(Number);
const profile = profileSchema.parse(benchProfile);
const clock = { wallMs: () => Date.now(), monotonicMs: () => performance.now() };
let wrong = 0;
const ports = {
  clock,
  log: () => undefined,
  sink: (event: Parameters<ConstructorParameters<typeof MachineFeed>[1]['sink']>[0]) => {
    if (event.kind !== 'readings' || event.readings.length !== 100 || event.readings[99]?.value !== 1099) wrong += 1;
  },
};

const up = Promise.withResolvers<undefined>();
const bus = openTcpBus(
  '127.0.0.1',
  port,
  { onUp: () => up.resolve(undefined), onDown: () => process.exit(1), onDiscard: () => (wrong += 1) },
  { connectTimeoutMs: 3000, staleAfterMs: 3000, monotonicMs: clock.monotonicMs },
);
await up.promise;
const fromMs = performance.now() + warmMs;
let reads = 0;

async function poll(unit: number): Promise<void> {
  const feed = new MachineFeed(`m-${unit}`, ports);
  const blocks = planBlocks(signalItems(profile), { maxRegisters: 125, maxGapRegisters: 8 });
  for (let nowMs = 0; nowMs < fromMs + forMs;) {
    for (const { table, address, count, items } of blocks) {
      feed.requested();
      const reply = await bus.read({ unit, fn: functionOfTable[table], address, count }, 1000);
      if (reply.kind !== 'data') process.exit(1);
      const at = feed.now();
      const readings = items.map((item) =>
        feed.reading(item.signal, item.decode(reply.data, item.address - address), at),
      );
      feed.deliver(readings, at);
    }
    nowMs = performance.now();
    if (nowMs >= fromMs) reads += 1;
  }
}

await Promise.all(Array.from({ length: machines }, (_, unit) => poll(unit + 1)));
if (wrong > 0) process.exit(1);
process.stdout.write(`${(reads * 1000) / forMs}\n`);
await bus.close();
