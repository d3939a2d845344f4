/** The plain loop of the library: reads 100 registers over and over. `PORT WARM_MS FOR_MS`; prints reads/s. */
import modbus from 'modbus-serial';

const [port = 0, warmMs = 0, forMs = 0] = process.argv.slice(2).map(Number);
const client = new modbus.default();
await client.connectTCP('127.0.0.1', { port });
client.setID(1);
const fromMs = performance.now() + warmMs;
let reads = 0;
for (let nowMs = 0; nowMs < fromMs + forMs;) {
  const { data } = await client.readHoldingRegisters(0, 100);
  if (data[99] !== 1099) process.exit(1);
  nowMs = performance.now();
  if (nowMs >= fromMs) reads += 1;
}
process.stdout.write(`${(reads * 1000) / forMs}\n`);
client.close(() => process.exit());
