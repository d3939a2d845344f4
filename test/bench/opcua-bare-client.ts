/** The library's own loop and nothing else: subscribes to the same variables as the agent, and counts what comes. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as library from 'node-opcua-client';
import { OPCUACertificateManager } from 'node-opcua';
import { everyMs, nameOf, variables } from './opcua-floor.ts';

const { AttributeIds, ClientMonitoredItemGroup, OPCUAClient, TimestampsToReturn } = library;
const [endpoint = ''] = process.argv.slice(2);
const client = OPCUAClient.create({
  endpointMustExist: false,
  // The library's own store of certificates would be made in the home folder.
  clientCertificateManager: new OPCUACertificateManager({ rootFolder: mkdtempSync(join(tmpdir(), 'selvedge-bare-')) }),
});
await client.connect(endpoint);
const session = await client.createSession();
const index = (await session.readNamespaceArray()).indexOf('urn:selvedge:bench');
const subscription = await session.createSubscription2({
  requestedPublishingInterval: everyMs,
  requestedMaxKeepAliveCount: 10,
  requestedLifetimeCount: 600,
  maxNotificationsPerPublish: 0,
  publishingEnabled: true,
  priority: 0,
});
let count = 0;
const group = ClientMonitoredItemGroup.create(
  subscription,
  Array.from({ length: variables }, (_, variable) => ({
    nodeId: `ns=${index};s=${nameOf(variable)}`,
    attributeId: AttributeIds.Value,
  })),
  { samplingInterval: 0, queueSize: 50, discardOldest: true },
  TimestampsToReturn.Both,
);
group.on('changed', () => (count += 1));
await new Promise((resolve) => group.once('initialized', resolve));
process.stdout.write('reading\n');
process.stdin.on('data', () => process.stdout.write(`${count}\n`));
