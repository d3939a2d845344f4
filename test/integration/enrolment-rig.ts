/** Gateways that have joined a bridge with certificates, for the integration tests. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createPublicKey, type KeyObject } from 'node:crypto';
import { once, type EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import mqtt, { type IClientOptions } from 'mqtt';
import { ackMessage, ackSignatureHolds, topicOf } from '../../cloud-bridge/contract.ts';
import { identityFiles } from '../../agent/sync/identity.ts';
import { body, event, seal, temporaryDir } from '../unit/bridge/making.ts';
import { bridgeCommand, runBridge, type RunningBridge } from './bridge-process.ts';

const root = join(import.meta.dirname, '../..');
const launcher = join(root, 'agent/bin/selvedge');
export const selvedge = (...args: string[]) => {
  const { status, stderr, stdout } = spawnSync(launcher, args, { encoding: 'utf8' });
  return { code: status, stderr, stdout };
};

export interface Site {
  readonly dir: string;
  readonly bridgeDir: string;
  readonly bridge: RunningBridge;
  readonly mqtts: number;
  readonly enrolment: number;
}
/** A bridge that gateways may join, on its own broker unless `broker` is the port of another one. */
export async function runSite(
  t: TestContext,
  more: { readonly dir?: string; readonly args?: readonly string[]; readonly broker?: number } = {},
): Promise<Site> {
  const dir = more.dir ?? temporaryDir(t);
  const bridgeDir = join(dir, 'bridge');
  assert.equal(bridgeCommand(['init', '--data-dir', bridgeDir]).code, 0);
  const bridge = await runBridge(t, bridgeDir, more.args ?? []);
  const { mqtts, enrolment } = JSON.parse(readFileSync(join(bridgeDir, 'endpoints.json'), 'utf8')) as {
    readonly mqtts: number | null;
    readonly enrolment: number;
  };
  return { dir, bridgeDir, bridge, enrolment, mqtts: more.broker ?? mqtts ?? 0 };
}

export function enrol({ dir, bridgeDir, mqtts }: Site, gateway: string, ...more: string[]): string {
  const out = join(dir, `${gateway}.join.json`);
  const args = [
    'enrol',
    '--gateway',
    gateway,
    '--site',
    'demo',
    '--data-dir',
    bridgeDir,
    '--out',
    out,
    '--broker',
    `mqtts://127.0.0.1:${mqtts}`,
    ...more,
  ];
  const done = bridgeCommand(args);
  assert.equal(done.code, 0, done.stderr);
  return out;
}

export function joined(site: Site, gateway: string, dataDir = join(site.dir, gateway)): string {
  const file = enrol(site, gateway);
  const done = selvedge('join', file, '--data-dir', dataDir);
  assert.equal(done.code, 0, done.stderr);
  return dataDir;
}

export function settings(dataDir: string, more: IClientOptions = {}): IClientOptions {
  const files = identityFiles(dataDir);
  const pem = readFileSync(files.certificate, 'utf8');
  return { protocolVersion: 4, reconnectPeriod: 0, ca: readFileSync(files.ca), cert: pem, key: pem, ...more };
}

export async function connect(t: TestContext, site: Site, gateway: string, dataDir: string) {
  const client = await mqtt.connectAsync(`mqtts://127.0.0.1:${site.mqtts}`, settings(dataDir));
  client.on('error', () => undefined);
  t.after(() => client.endAsync(true));
  const bridgeKey = createPublicKey(readFileSync(identityFiles(dataDir).bridgeKey));
  await client.subscribeAsync(topicOf('demo', gateway, 'ack'), { qos: 1 });
  const send = async (payload: Buffer, as = gateway) => {
    const answer = once(client as unknown as EventEmitter, 'message');
    await client.publishAsync(topicOf('demo', as, 'up'), payload, { qos: 1 });
    const ack = ackMessage.parse(JSON.parse(String(((await answer) as [string, Buffer])[1])));
    assert.ok(ackSignatureHolds(ack, bridgeKey));
    return ack;
  };
  return { client, send };
}

export const batchOf = (gateway: string, key: KeyObject, seq: number) =>
  seal(body({ gateway, seq, records: [event(seq)] }), key).payload;
