/** The port of our own simulated OPC UA machine, which is lost and won back for as long as a soak lasts. */
import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { test } from 'node:test';
import { loadScenario, scenarioFile } from '../../simulators/scenario/load.ts';
import { createOpcuaServer } from '../../simulators/servers/opcua.ts';
import { until } from './sync-rig.ts';

/** More than the listeners of one kind that Node takes without a warning. */
const times = 12;

/** Resolves when so many tries of this process to listen have ended so. */
function tries(how: 'asyncEnd' | 'error', count: number): Promise<void> {
  return new Promise((resolve) => {
    const name = `tracing:net.server.listen:${how}`;
    let left = count;
    const ended = () => {
      left -= 1;
      if (left > 0) return;
      unsubscribe(name, ended);
      resolve();
    };
    subscribe(name, ended);
  });
}

/** Somebody else has the port, as soon as it is free. */
async function taken(port: number): Promise<Server> {
  const other = createServer();
  await until('the port is free', async () => {
    other.listen(port, '127.0.0.1');
    return once(other, 'listening').then(
      () => true,
      () => false,
    );
  });
  return other;
}

async function release(other: Server): Promise<void> {
  other.close();
  await once(other, 'close');
}

test('a port that is taken for long, and links that are lost often, leave no listeners behind', async (t) => {
  const loaded = loadScenario(scenarioFile('demo'));
  const machine = loaded.ok ? loaded.scenario.machines.find(({ id }) => id === 'ck-1') : undefined;
  assert.ok(machine !== undefined);
  const warnings: string[] = [];
  const warned = ({ name, message }: Error) => void warnings.push(`${name}: ${message}`);
  process.on('warning', warned);
  t.after(() => process.off('warning', warned));
  const server = createOpcuaServer({ machine, port: 0, random: Math.random });
  await server.start();
  t.after(() => server.stop());
  const port = Number(new URL(server.endpoint.replace('opc.tcp:', 'http:')).port);

  for (let time = 0; time < times; time += 1) {
    server.setLink(false);
    await release(await taken(port));
    const back = tries('asyncEnd', 1);
    server.setLink(true);
    await back;
  }

  server.setLink(false);
  const other = await taken(port);
  const failed = tries('error', times);
  server.setLink(true);
  await failed;
  await release(other);
  await tries('asyncEnd', 1);
  assert.deepEqual(
    warnings.filter((line) => line.startsWith('MaxListeners')),
    [],
  );
});
