/** A server of 1000 variables that all change ten times a second, by its own process; prints when each round was set. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DataType, MessageSecurityMode, OPCUACertificateManager, OPCUAServer, SecurityPolicy } from 'node-opcua';
import { everyMs, nameOf, valueOf, variables } from './opcua-floor.ts';

const [report = ''] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'selvedge-bench-opcua-'));
const manager = (name: string) =>
  new OPCUACertificateManager({
    rootFolder: join(folder, name),
    automaticallyAcceptUnknownCertificate: true,
    disableFileWatchers: true,
  });
const server = new OPCUAServer({
  host: '127.0.0.1',
  hostname: '127.0.0.1',
  port: 0,
  securityPolicies: [SecurityPolicy.None],
  securityModes: [MessageSecurityMode.None],
  serverCertificateManager: manager('server'),
  userCertificateManager: manager('user'),
});
await server.initialize();
const space = server.engine.addressSpace;
if (space === null) throw new TypeError('no address space');
const own = space.registerNamespace('urn:selvedge:bench');
const machines = own.addFolder('ObjectsFolder', { browseName: 'Machines' });
const machine = own.addObject({ browseName: 'Bench', organizedBy: machines });
const monitoring = own.addObject({ browseName: 'Monitoring', componentOf: machine });
const all = Array.from({ length: variables }, (_, variable) => {
  const browseName = nameOf(variable);
  const added = own.addVariable({
    browseName,
    nodeId: `s=${browseName}`,
    componentOf: monitoring,
    dataType: DataType.Double,
  });
  added.setValueFromSource({ dataType: DataType.Double, value: valueOf(variable, 0) });
  return added;
});
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
process.once('SIGTERM', () => {
  rmSync(folder, { recursive: true, force: true });
  process.exit(0);
});
