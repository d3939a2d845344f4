import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { dataDir } from '../../cloud-bridge/files.ts';
import { initialise } from '../../cloud-bridge/keys.ts';
import { requireProgram } from '../support/peers.ts';
import { freePort } from '../support/ports.ts';
import { postgresPrograms, startPostgres } from '../support/postgres.ts';
import { body, seal, temporaryDir } from '../unit/bridge/making.ts';
import { runMosquitto } from './bridge-peers.ts';
import { bridgeCommand, connectGateway, registerGateway, runBridge } from './bridge-process.ts';

const broker = ['--broker', 'mqtt://bridge@127.0.0.1:9'];

test('a store that cannot be meant is refused in a line; no password is taken from the command line', async (t) => {
  const dir = temporaryDir(t);
  initialise(dataDir(dir));
  const run = ['run', '--data-dir', dir, '--api-port', '0'];
  for (const [args, what] of [
    [['--store', 'postgres://u@127.0.0.1/db'], '--store wants --broker'],
    [[...broker, '--store', 'postgres://u:hidden@127.0.0.1/db'], '--store-password-file'],
    [[...broker, '--store', '127.0.0.1'], 'postgres://user@host'],
    [['--store-ca', 'x'], 'belong to --store'],
  ] as const) {
    const { code, stderr } = bridgeCommand([...run, ...args]);
    assert.deepEqual([code, stderr.includes('BRG-101'), stderr.includes(what)], [2, true, true], stderr);
    assert.doesNotMatch(stderr, /hidden/);
  }
});

test('a password that is wrong or missing ends the start; the right one may come from a file or the environment', async (t) => {
  const bin = postgresPrograms();
  if (bin === null || !requireProgram(t, 'mosquitto')) return void requireProgram(t, 'initdb');
  const dir = temporaryDir(t);
  const gateway = await registerGateway(dir);
  const server = await startPostgres(bin, 'the-right-one');
  t.after(() => server.stop());
  const wrong = join(dir, 'wrong');
  writeFileSync(wrong, 'the-wrong-one\n');
  const store = ['--store', server.url];
  for (const given of [[], ['--store-password-file', wrong]]) {
    const { code, stderr } = bridgeCommand([
      'run',
      '--data-dir',
      dir,
      '--api-port',
      '0',
      ...broker,
      ...store,
      ...given,
    ]);
    assert.deepEqual([code, stderr.includes('BRG-151')], [2, true], stderr);
    assert.doesNotMatch(stderr, /the-wrong-one/);
  }

  const workers = await freePort();
  const port = await runMosquitto(t, dir, { bridge: 'b', [gateway.id]: gateway.password }, workers);
  writeFileSync(join(dir, 'b'), 'b\n');
  const there = ['--broker', `mqtt://bridge@127.0.0.1:${workers}`, '--broker-password-file', join(dir, 'b')];
  process.env['PGPASSWORD'] = 'the-right-one';
  t.after(() => delete process.env['PGPASSWORD']);
  const worker = await runBridge(t, dir, [...there, ...store]);
  const { send } = await connectGateway(t, port, gateway, dir);
  assert.equal((await send(seal(body(), gateway.key).payload)).result, 'stored');
  assert.doesNotMatch(worker.log(), /the-right-one/);
});

test('a worker that starts before its database says so, answers later, and stores when the database is there', async (t) => {
  const bin = postgresPrograms();
  if (bin === null || !requireProgram(t, 'mosquitto')) return void requireProgram(t, 'initdb');
  const dir = temporaryDir(t);
  const gateway = await registerGateway(dir);
  const server = await startPostgres(bin);
  t.after(() => server.stop());
  await server.kill();
  const workers = await freePort();
  const port = await runMosquitto(t, dir, { bridge: 'b', [gateway.id]: gateway.password }, workers);
  writeFileSync(join(dir, 'b'), 'b\n');
  const there = ['--broker', `mqtt://bridge@127.0.0.1:${workers}`, '--broker-password-file', join(dir, 'b')];
  const worker = await runBridge(t, dir, [...there, '--store', server.url]);
  assert.match(worker.log(), /BRG-150/);
  const { send } = await connectGateway(t, port, gateway, dir);
  const { payload } = seal(body(), gateway.key);
  const { result, code } = await send(payload);
  assert.deepEqual([result, code], ['later', 'store-down']);
  await server.restart();
  assert.equal((await send(payload)).result, 'stored');
  assert.equal((await worker.stop()).code, 0);
});
