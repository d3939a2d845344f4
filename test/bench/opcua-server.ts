/** A server of 1000 variables that all change ten times a second, by its own process; prints when each round was set. */
import { writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { DataType } from 'node-opcua';
import { makeBareServer } from '../support/opcua-server.ts';
import { everyMs, nameOf, valueOf, variables } from './opcua-floor.ts';

const [report = ''] = process.argv.slice(2);
const { server, addVariable, stop } = await makeBareServer({
  port: 0,
  namespace: 'urn:selvedge:bench',
  machine: 'Bench',
  isEncrypted: false,
});
const all = Array.from({ length: variables }, (_, variable) => addVariable(nameOf(variable), valueOf(variable, 0)));
await server.start();

/** When round `i + 1` was set, UTC ms. */
const atMs: number[] = [];
const beganMs = performance.now();
const set = (): void => {
  const round = atMs.length + 1;
  atMs.push(Date.now());
  for (const [variable, one] of all.entries()) {
    one.setValueFromSource({ dataType: DataType.Double, value: valueOf(variable, round) });
  }
  // On a grid of its own: a late round does not move those behind it.
  setTimeout(set, Math.max(0, beganMs + (round + 1) * everyMs - performance.now()));
};
set();
process.stdout.write(
  `${server.endpoints[0]?.port ?? 0} ${server.endpoints[0]?.endpointDescriptions()[0]?.endpointUrl ?? ''}\n`,
);
createInterface({ input: process.stdin }).on('line', () => {
  writeFileSync(report, JSON.stringify(atMs));
  process.stdout.write('reported\n');
});
process.once('SIGTERM', () => void stop().finally(() => process.exit(0)));
