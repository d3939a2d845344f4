/** A real agent and a real bridge with a broker between them, and a hand at the broker that may publish what only the bridge may. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createPrivateKey } from 'node:crypto';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import mqtt from 'mqtt';
import type { CommandView } from '../../cloud-bridge/api/operations.ts';
import {
  commandResult,
  resultSignatureHolds,
  signCommand,
  statusMessage,
  topicOf,
  type CommandMessage,
  type CommandResult,
} from '../../cloud-bridge/contract.ts';
import { publicKeyOf } from '../../cloud-bridge/keys.ts';
import { listener } from '../support/ports.ts';
import { isListening, rows, run, start, startAgent, writeConfig, type Running } from './bad-input-rig.ts';
import { runMosquitto } from './bridge-peers.ts';
import { until } from './sync-rig.ts';

export const brokerPassword = 'bridge-password';

/** The system of these tests says that a time service keeps its clock. */
export function haveSyncedClock(dir: string): void {
  const bin = join(dir, 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, 'timedatectl'), '#!/bin/sh\necho yes\n');
  chmodSync(join(bin, 'timedatectl'), 0o755);
  process.env['PATH'] = `${bin}:${process.env['PATH'] ?? ''}`;
}

export interface Floor {
  readonly dir: string;
  readonly config: string;
  readonly bridgeDir: string;
  readonly bridge: Running;
  readonly agent: Running;
  readonly port: number;
  readonly api: number;
  /** `selvedge bridge command gw-1 …`: what it printed, and its exit code. */
  command(
    kind: string,
    body?: object,
    ...more: string[]
  ): Promise<{ code: number | null; view: CommandView; stderr: string }>;
  /** Steps of alerts in the journal of the gateway: transition and actor, oldest first. */
  alertSteps(): string[];
  openOccurrence(): Promise<string>;
}

/** A retrofit line whose oil is low, so that there is an alert. */
async function machineWithAlert(t: TestContext): Promise<string> {
  let stitches = 0;
  const port = await listener(t, (socket) => {
    const timer = setInterval(() => socket.write(`3,24.5,1.27,9,55,${(stitches += 10)},4200\n`), 100);
    socket.on('close', () => clearInterval(timer));
  });
  return `tcp://127.0.0.1:${port}`;
}

export async function runFloor(
  t: TestContext,
  dir: string,
  broker: 'embedded' | 'mosquitto',
  more: Readonly<Record<string, unknown>> = {},
): Promise<Floor> {
  const bridgeDir = join(dir, 'bridge');
  const at = ['--data-dir', bridgeDir];
  const key = join(dir, 'gateway.pub.pem');
  const passwordFile = join(dir, 'uplink.password');
  const allowed = ['--gateway', 'gw-1', '--site', 'site-1', '--public-key', key, '--password-file', passwordFile];
  for (const args of [
    ['bridge', 'init', ...at],
    ['key', '--data-dir', join(dir, 'agent'), '--out', key],
    ['bridge', 'allow', ...at, ...allowed],
  ]) {
    assert.equal((await run(t, args)).code, 0, args.join(' '));
  }
  const options = ['bridge', 'run', ...at, '--mqtt-port', '0', '--api-port', '0'];
  let port = 0;
  if (broker === 'mosquitto') {
    port = await runMosquitto(t, dir, { bridge: brokerPassword, 'gw-1': readFileSync(passwordFile, 'utf8').trim() });
    writeFileSync(join(dir, 'bridge.password'), `${brokerPassword}\n`);
    options.push('--broker', `mqtt://bridge@127.0.0.1:${port}`, '--broker-password-file', join(dir, 'bridge.password'));
  }
  const bridge = start(t, options);
  const listening = await bridge.until('its listening line', isListening);
  if (broker === 'embedded') port = Number(listening['mqtt']);
  const config = writeConfig(dir, {
    machines: [{ id: 'rt-1', name: 'Retrofit 1', profile: 'sewing-retrofit-csv', endpoint: await machineWithAlert(t) }],
    uplink: {
      url: `mqtt://127.0.0.1:${port}`,
      bridgeKey: 'bridge/bridge.pub.pem',
      password: 'file:uplink.password',
    },
    ...more,
  });
  const agent = await startAgent(t, config);
  await agent.until('its connection', isConnected);
  const api = Number(listening['api']);
  const alertRows = (what: string) => rows(join(dir, 'agent/journal.db'), `SELECT ${what} FROM alert ORDER BY id`);
  const floor: Floor = {
    dir,
    config,
    bridgeDir,
    bridge,
    agent,
    port,
    api,
    command: async (kind, body = {}, ...others) => {
      const json = join(dir, 'command.json');
      writeFileSync(json, 'null');
      const where = ['--data-dir', bridgeDir, '--api', `http://127.0.0.1:${api}`, '--json', json];
      const { code, stderr } = await run(t, [
        'bridge',
        'command',
        'gw-1',
        kind,
        JSON.stringify(body),
        ...where,
        ...others,
      ]);
      return { code, stderr, view: JSON.parse(readFileSync(json, 'utf8')) as CommandView };
    },
    alertSteps: () => alertRows("body ->> 'transition' || ' ' || coalesce(body ->> 'actor', '-')"),
    openOccurrence: async () => {
      await until('an alert', () => alertRows("body ->> 'occurrence'").length > 0, 30_000);
      return alertRows("body ->> 'occurrence'")[0] ?? '';
    },
  };
  await until('the bridge knows the session', async () => (await sessions(bridgeDir)).length > 0, 30_000);
  return floor;
}

const isConnected = (line: Readonly<Record<string, unknown>>) => line['msg'] === 'uplink connected';
const sessions = async (bridgeDir: string) =>
  rows(join(bridgeDir, 'bridge.db'), "SELECT session FROM status WHERE gateway = 'gw-1' AND online = 1");

export interface Hand {
  readonly session: () => string;
  /** A command with the bridge's own key; a counter above all before it unless one is given. */
  readonly sign: (fields: Partial<CommandMessage> & { readonly kind: string }) => Buffer;
  /** Publishes it and resolves with the answer to it, whose signature held. */
  readonly ask: (payload: Buffer) => Promise<CommandResult>;
  /** Publishes it and a ping behind it; rejects when anything but the ping is answered. */
  readonly assertUnanswered: (payload: Buffer) => Promise<void>;
}

/** Connects as the bridge's user at mosquitto. */
export async function handAt(t: TestContext, { port, bridgeDir, dir }: Floor): Promise<Hand> {
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { username: 'bridge', password: brokerPassword });
  t.after(() => client.endAsync(true));
  const key = createPrivateKey(readFileSync(join(bridgeDir, 'bridge.pem'), 'utf8'));
  const gatewayKey = publicKeyOf(readFileSync(join(dir, 'gateway.pub.pem'), 'utf8'));
  assert.ok(gatewayKey !== null);
  let session = '';
  let last = 0;
  const results: CommandResult[] = [];
  client.on('message', (topic, payload) => {
    if (topic.endsWith('/status')) {
      const status = statusMessage.parse(JSON.parse(payload.toString()));
      if (status.online) session = status.session;
      return;
    }
    const result = commandResult.parse(JSON.parse(payload.toString()));
    if (resultSignatureHolds(result, gatewayKey)) results.push(result);
  });
  await client.subscribeAsync([topicOf('site-1', 'gw-1', 'status'), topicOf('site-1', 'gw-1', 'res')], { qos: 1 });
  await until('the birth of the gateway', () => session !== '');
  const send = (payload: Buffer) => client.publishAsync(topicOf('site-1', 'gw-1', 'cmd'), payload, { qos: 1 });
  const hand: Hand = {
    session: () => session,
    sign: (fields) => {
      last = Math.max(last + 1, Date.now());
      const base = { v: 1, gateway: 'gw-1', id: `c-${last}`, session, counter: last, notAfterMs: Date.now() + 60_000 };
      return Buffer.from(
        JSON.stringify(signCommand({ ...base, v: 1, body: JSON.stringify({ by: 'hand' }), ...fields }, key)),
      );
    },
    ask: async (payload) => {
      const before = results.length;
      const { id } = JSON.parse(payload.toString()) as { id: string };
      const found = () => results.slice(before).find((result) => result.id === id);
      await send(payload);
      await until(`an answer to ${id}`, () => found() !== undefined, 20_000);
      return found() ?? assert.fail();
    },
    assertUnanswered: async (payload) => {
      const before = results.length;
      await send(payload);
      // Behind it in the same queue: once this is answered, the one before it never will be.
      const ping = hand.sign({ kind: 'ping' });
      await hand.ask(ping);
      assert.equal(results.length, before + 1);
    },
  };
  return hand;
}
