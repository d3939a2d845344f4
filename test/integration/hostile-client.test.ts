/**
 * Somebody with valid credentials of his own goes at another gateway: on the embedded broker, on mosquitto with the shipped ACL, and on
 * mosquitto with the ACL left out, where he reads and writes everything. He is given the victim's own batches, byte for byte.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import BetterSqlite from 'better-sqlite3';
import mqtt from 'mqtt';
import { zstdCompressSync } from 'node:zlib';
import { gatewayKeys } from '../../agent/sync/keys.ts';
import { identityFiles } from '../../agent/sync/identity.ts';
import type { SealedBatch } from '../../agent/store/outbox.ts';
import { signAck, signBatch, signStatus, topicOf, type AckMessage, type Channel } from '../../cloud-bridge/contract.ts';
import { requireProgram } from '../support/peers.ts';
import { alert, body, bootB, event, seal, status, temporaryDir } from '../unit/bridge/making.ts';
import { runMosquittoWithCertificates } from './bridge-peers.ts';
import { bridgeCommand, runBridge } from './bridge-process.ts';
import { batchOf, connect, joined, runSite, settings, type Site } from './enrolment-rig.ts';
import { drained, runGateway, until } from './sync-rig.ts';

const brokers = ['the embedded broker', 'mosquitto with the ACL', 'mosquitto without it'] as const;
type Broker = (typeof brokers)[number];

async function runOn(
  t: TestContext,
  broker: Broker,
): Promise<{ site: Site; log: () => string; args: readonly string[] }> {
  if (broker === 'the embedded broker') return { site: await runSite(t), log: () => '', args: [] };
  const dir = temporaryDir(t);
  const bridgeDir = join(dir, 'bridge');
  assert.equal(bridgeCommand(['init', '--data-dir', bridgeDir]).code, 0);
  const acl = broker === 'mosquitto with the ACL';
  const { port, log } = await runMosquittoWithCertificates(t, dir, bridgeDir, { acl });
  const args = ['--broker', `mqtts://127.0.0.1:${port}`, '--broker-ca', join(bridgeDir, 'ca/ca.pem')];
  return { site: await runSite(t, { dir, args, broker: port }), log, args };
}

/** Everything the bridge has of one gateway, as text; but for how often its own bytes came again, which any copy of them counts up. */
function allOf(bridgeDir: string, gateway: string): string {
  const db = new BetterSqlite(join(bridgeDir, 'bridge.db'), { readonly: true });
  try {
    const tables = db
      .prepare(
        "SELECT m.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c ON c.name = 'gateway' WHERE m.type = 'table'",
      )
      .pluck()
      .all()
      .map(String);
    assert.ok(tables.length >= 8, tables.join());
    const rowsOf = (table: string) => db.prepare(`SELECT * FROM ${table} WHERE gateway = ?`).all(gateway);
    const lines = (table: string) => rowsOf(table).map((row) => `${table} ${JSON.stringify(row)}`);
    return tables
      .flatMap(lines)
      .sort()
      .join('\n')
      .replace(/"repeats":\d+/g, '"repeats":…');
  } finally {
    db.close();
  }
}

/** Publishes one message as `gateway`, on a connection of its own, and waits until the broker took it or hung up. */
async function publishAs(site: Site, dataDir: string, topic: string, payload: string | Buffer, retain = false) {
  const client = await mqtt.connectAsync(`mqtts://127.0.0.1:${site.mqtts}`, settings(dataDir));
  client.on('error', () => undefined);
  await new Promise<void>((resolve) => {
    client.on('close', () => resolve());
    client.publish(topic, payload, { qos: 1, retain }, () => resolve());
  });
  await client.endAsync(true);
}

for (const broker of brokers) {
  test(
    `${broker}: another gateway's client changes nothing of the victim, takes nothing from its outbox, and leaves a trace`,
    { timeout: 300_000 },
    async (t) => {
      if (broker !== 'the embedded broker' && !requireProgram(t, 'mosquitto')) return;
      const { site, log, args } = await runOn(t, broker);
      const [victimDir, attackerDir] = [joined(site, 'gw-1'), joined(site, 'gw-2')];
      const { privateKey } = gatewayKeys(victimDir);
      const attackerKey = gatewayKeys(attackerDir).privateKey;
      const files = identityFiles(victimDir);
      const pem = readFileSync(files.certificate, 'utf8');
      const letters: (string | null)[] = [];
      const victim = await runGateway(
        t,
        {
          dataDir: victimDir,
          port: site.mqtts,
          gateway: { id: 'gw-1', site: 'demo', key: privateKey, password: '' },
          bridgeDir: site.bridgeDir,
        },
        {
          url: `mqtts://127.0.0.1:${site.mqtts}`,
          password: null,
          ca: readFileSync(files.ca, 'utf8'),
          identity: () => ({ gatewayKey: privateKey, certificate: { cert: pem, key: pem } }),
          onDeadLetter: ({ code }) => letters.push(code),
        },
      );
      // What goes over the wire, for whoever can read it.
      const sealed: SealedBatch[] = [];
      const take = victim.store.take.bind(victim.store);
      victim.store.take = async (request) => {
        const batches = await take(request);
        sealed.push(...batches);
        return batches;
      };
      const commit = async (n: number) =>
        await victim.store.commit([{ lane: 'live', record: event(n) }], { urgent: true });
      await commit(1);
      await drained(victim.store);
      await until('the birth', () => allOf(site.bridgeDir, 'gw-1').includes('"online":1'));
      const before = allOf(site.bridgeDir, 'gw-1');

      const upOf = (
        batch: SealedBatch,
        change: (header: Record<string, unknown>) => void,
        bytes: Uint8Array = batch.bytes,
      ) => {
        const name = { gateway: 'gw-1', boot: batch.boot, seq: batch.seq, sha256: batch.sha256 };
        const header: Record<string, unknown> = {
          v: 1,
          ...name,
          bytes: bytes.length,
          sig: signBatch(name, privateKey),
        };
        change(header);
        return Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), bytes]);
      };
      /** All that can be made of a genuine batch, and of nothing. */
      const attacksOn = (batch: SealedBatch): readonly [Channel, string | Buffer, boolean?][] => {
        const name = { gateway: 'gw-1', boot: batch.boot, seq: batch.seq, sha256: batch.sha256 };
        const forged = body({ gateway: 'gw-1', boot: batch.boot, seq: batch.seq, records: [event(1), alert(2)] });
        const says = (result: AckMessage['result'], code: string | null) =>
          JSON.stringify(
            signAck({ v: 1, ...name, result, code, retryAfterS: result === 'later' ? 300 : null }, attackerKey),
          );
        return [
          ['up', seal(forged, attackerKey).payload],
          ['up', seal({ ...forged, seq: 99 }, attackerKey).payload],
          ['up', upOf(batch, (header) => (header['sig'] = signBatch(name, attackerKey)))],
          ['up', upOf(batch, (header) => delete header['sig'])],
          ['up', upOf(batch, () => undefined, randomBytes(200))],
          ['up', upOf(batch, (header) => (header['v'] = 7), randomBytes(200))],
          ['up', upOf(batch, (header) => (header['bytes'] = 1_000_000_000))],
          ['up', upOf(batch, (header) => (header['seq'] = batch.seq + 1))],
          ['up', upOf(batch, () => undefined, Buffer.concat([batch.bytes, randomBytes(50_000)]))],
          ['up', upOf(batch, () => undefined, zstdCompressSync(Buffer.alloc(50_000_000)))],
          ['up', Buffer.from(JSON.stringify(name))],
          [
            'status',
            JSON.stringify(status({ gateway: 'gw-1', boot: batch.boot, connection: 999, online: false })),
            true,
          ],
          [
            'status',
            JSON.stringify(signStatus('demo', status({ gateway: 'gw-1', boot: bootB, online: true }), attackerKey)),
            true,
          ],
          ['status', JSON.stringify(status({ gateway: 'gw-1', boot: bootB, previousBoot: batch.boot })), true],
          ['blob', randomBytes(1_000)],
          ['res', '{"v":1,"id":"x","ok":true}'],
          ['ack', says('stored', null), true],
          ['ack', says('refused', 'conflict'), true],
          ['ack', says('later', 'busy'), true],
          ['cmd', '{"v":1,"kind":"set-config","body":{}}', true],
          ['ack', 'x'.repeat(60_000), true],
        ];
      };
      const attack = async (batch: SealedBatch) => {
        for (const [channel, payload, retain] of attacksOn(batch)) {
          await publishAs(site, attackerDir, topicOf('demo', 'gw-1', channel), payload, retain);
        }
        await publishAs(
          site,
          attackerDir,
          topicOf('elsewhere', 'gw-1', 'up'),
          upOf(batch, () => undefined),
        );
        // A death in the name of the victim, as his own last will.
        const dying = await mqtt
          .connectAsync(`mqtts://127.0.0.1:${site.mqtts}`, {
            ...settings(attackerDir),
            will: {
              topic: topicOf('demo', 'gw-1', 'status'),
              payload: Buffer.from(
                JSON.stringify(status({ gateway: 'gw-1', boot: batch.boot, connection: 1_000, online: false })),
              ),
              qos: 1,
              retain: true,
            },
          })
          .catch(() => null);
        dying?.on('error', () => undefined);
        dying?.stream.destroy();
      };
      /** A batch of the attacker's own that is answered: what came before it was dealt with. */
      let own = 0;
      const settled = async () => {
        const { send, client } = await connect(t, site, 'gw-2', attackerDir);
        assert.equal((await send(batchOf('gw-2', attackerKey, ++own))).result, 'stored');
        await client.endAsync(true);
      };

      const [first] = sealed;
      assert.ok(first !== undefined);
      await attack(first);
      await settled();
      assert.equal(allOf(site.bridgeDir, 'gw-1'), before);

      // Now with batches that are on their way and not answered: the bridge is away, and the attacker is there before it is back.
      const known = sealed.length;
      await site.bridge.stop();
      if (args.length > 0) {
        for (const n of [2, 3]) await commit(n);
        await until('two unanswered batches', () => sealed.length > known);
        for (const batch of sealed.slice(known, known + 1)) await attack(batch);
      } else {
        for (const n of [2, 3]) await commit(n);
      }
      const again = await runBridge(t, site.bridgeDir, [
        ...args,
        ...(args.length > 0 ? [] : ['--mqtts-port', String(site.mqtts)]),
      ]);
      const back: Site = { ...site, bridge: again };
      const during = sealed.slice(known, known + 1);
      for (const batch of during) {
        for (const [channel, payload, retain] of attacksOn(batch)) {
          await publishAs(back, attackerDir, topicOf('demo', 'gw-1', channel), payload, retain);
        }
      }
      await drained(victim.store);
      await commit(4);
      await drained(victim.store);
      const counts = await victim.store.outboxCounts();
      assert.deepEqual([letters, counts.dead, counts.records], [[], 0, 0]);
      const db = new BetterSqlite(join(site.bridgeDir, 'bridge.db'), { readonly: true });
      t.after(() => db.close());
      assert.deepEqual(
        db.prepare("SELECT n FROM record_event WHERE gateway = 'gw-1' ORDER BY n").pluck().all(),
        [1, 2, 3, 4],
      );
      assert.deepEqual(db.prepare("SELECT count(*) FROM record_alert WHERE gateway = 'gw-1'").pluck().get(), 0);
      assert.equal(db.prepare("SELECT count(*) FROM boot WHERE gateway = 'gw-1'").pluck().get(), 1);
      assert.ok(victim.uplink.view().connected);

      const audit = bridgeCommand(['audit', '--data-dir', site.bridgeDir])
        .stdout.trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { event: string; who: string; did: string; on: string; why: string });
      const tries = audit.filter((line) => line.event === 'refused' && line.on.includes('/gw-1/'));
      const told = (channel: string, who: string) =>
        tries.some((line) => line.who === who && line.on.endsWith(`/gw-1/${channel}`));
      if (broker === 'the embedded broker') {
        for (const channel of ['up', 'status', 'blob', 'res', 'ack', 'cmd']) assert.ok(told(channel, 'gw-2'), channel);
      } else if (broker === 'mosquitto with the ACL') {
        assert.deepEqual(tries, [], 'nothing came through');
        for (const channel of ['up', 'status', 'blob', 'res', 'ack', 'cmd']) {
          assert.match(log(), new RegExp(`Denied PUBLISH from gw-2 .*selvedge/v1/demo/gw-1/${channel}`));
        }
      } else {
        for (const channel of ['up', 'status', 'blob']) assert.ok(told(channel, 'unknown'), channel);
        assert.deepEqual(
          new Set(tries.map(({ why }) => why)),
          new Set(['bad-signature', 'damaged', 'unnamed', 'foreign']),
        );
      }
      assert.ok(audit.length < 200, `${audit.length} lines`);
    },
  );
}

test(
  'bombs, lengths, later versions and SQL of a gateway that is let in cost the bridge no memory and other gateways nothing',
  { timeout: 300_000 },
  async (t) => {
    const site = await runSite(t);
    const [attackerDir, otherDir] = [joined(site, 'gw-2'), joined(site, 'gw-1')];
    const key = gatewayKeys(attackerDir).privateKey;
    const { send } = await connect(t, site, 'gw-2', attackerDir);
    const other = await connect(t, site, 'gw-1', otherDir);
    const otherKey = gatewayKeys(otherDir).privateKey;
    const pid = site.bridge.child.pid ?? 0;
    const rssMB = () => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1_024;
    let seq = 0;
    const of = (more: Parameters<typeof seal>[2], records: unknown[] = [event(1)]) => {
      const made = body({ gateway: 'gw-2', seq: ++seq });
      return seal(made, key, { content: JSON.stringify({ ...made, records }), ...more }).payload;
    };
    const sql = "x'); DROP TABLE record_event; --";
    const attempts: readonly (() => readonly [Buffer, RegExp])[] = [
      () => [of({ bytes: zstdCompressSync(Buffer.alloc(300_000_000)) }), /^refused too-large$/],
      // A frame that says it holds a gigabyte (RFC 8878, 3.1.1.1.4: eight bytes of content size), in one segment.
      () => [of({ bytes: Buffer.from('28b52ffde000000040000000001300007b7d', 'hex') }), /^refused malformed$/],
      () => [of({ bytes: Buffer.from('28b52ffd00881300007b7d', 'hex') }), /^refused malformed$/],
      () => [of({ content: '['.repeat(500_000) }), /^refused malformed$/],
      () => [of({ content: `{"v":1,"records":[${'{"v":1},'.repeat(100_000)}{"v":1}]}` }), /^refused malformed$/],
      () => [of({ content: '{"__proto__":{"v":9},"v":1}' }), /^refused malformed$/],
      () => [of({ bytes: randomBytes(60_000) }), /^refused malformed$/],
      () => [of({ v: 99 }), /^later unknown-version$/],
      () => [of({ content: JSON.stringify({ v: 99, records: [] }) }), /^later unknown-version$/],
      () => [of({}, [{ ...event(1), v: 99 }]), /^later unknown-version$/],
      () => [of({}, [{ ...event(1), machine: sql }]), /^refused malformed$/],
      () => [of({}, [{ ...event(1), kind: sql }]), /^refused malformed$/],
      () => [of({}, [{ ...event(1), n: 2 ** 60 }]), /^refused malformed$/],
      () => [of({}, [{ ...event(seq * 10), data: { [sql]: sql } }]), /^stored null$/],
      () => [of({}, [{ ...alert(seq * 10 + 1), text: sql, type: 'x', occurrence: sql }]), /^stored null$/],
    ];
    const round = async () => {
      for (const make of attempts) {
        const [payload, expected] = make();
        const { result, code } = await send(payload);
        assert.match(`${result} ${code}`, expected);
      }
    };
    await round();
    const before = rssMB();
    for (let again = 0; again < 10; again++) {
      await round();
      const startedMs = performance.now();
      assert.equal((await other.send(batchOf('gw-1', otherKey, again + 1))).result, 'stored');
      assert.ok(performance.now() - startedMs < 2_000);
    }
    const grown = rssMB() - before;
    t.diagnostic(`${attempts.length * 10} attempts: ${grown.toFixed(1)} MB`);
    // One try at half a gigabyte of them would show.
    assert.ok(grown < 160, `${grown} MB more`);
    const db = new BetterSqlite(join(site.bridgeDir, 'bridge.db'), { readonly: true });
    t.after(() => db.close());
    assert.equal(db.prepare("SELECT count(*) FROM record_event WHERE gateway = 'gw-1'").pluck().get(), 10);
    assert.equal(db.prepare('SELECT count(*) FROM record_alert WHERE text = ?').pluck().get(sql), 11);
  },
);

test(
  'MQTT packets of any length and any bytes, before and after the login, cost the bridge no memory and others nothing',
  { timeout: 300_000 },
  async (t) => {
    const site = await runSite(t);
    const [attackerDir, otherDir] = [joined(site, 'gw-2'), joined(site, 'gw-1')];
    const other = await connect(t, site, 'gw-1', otherDir);
    const otherKey = gatewayKeys(otherDir).privateKey;
    const pid = site.bridge.child.pid ?? 0;
    const rssMB = () => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1_024;
    const { connect: connectTls } = await import('node:tls');
    const { cert, key, ca } = settings(attackerDir) as { cert: string; key: string; ca: Buffer };
    const hello = Buffer.from('100f00044d515454040200000003782d31', 'hex');
    const hit = (bytes: readonly Buffer[]) =>
      new Promise<void>((resolve) => {
        const socket = connectTls({ host: '127.0.0.1', port: site.mqtts, cert, key, ca });
        socket.on('error', () => undefined);
        socket.on('close', () => resolve());
        socket.on('data', () => undefined);
        socket.on('secureConnect', () => {
          for (const part of bytes) socket.write(part);
          // What is not cut at once has no more to say.
          setTimeout(() => socket.destroy(), 300);
        });
      });
    const long = [
      Buffer.from([0x10, 0xff, 0xff, 0xff, 0x7f]),
      // A gigabyte takes five bytes of length, which MQTT does not have (3.1.1, 2.2.3).
      Buffer.from([0x30, 0x80, 0x80, 0x80, 0x80, 0x04]),
      Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f]),
      Buffer.from([0x82, 0xff, 0xff, 0xff, 0x7f]),
    ];
    const filler = Buffer.alloc(1024 * 1024, 0x30);
    const before = rssMB();
    for (let round = 0; round < 5; round++) {
      await Promise.all(long.flatMap((head) => [hit([head, filler, filler]), hit([hello, head, filler, filler])]));
      await Promise.all(Array.from({ length: 20 }, () => hit([randomBytes(2_000)])));
      await Promise.all(Array.from({ length: 20 }, () => hit([hello, randomBytes(2_000)])));
      assert.equal((await other.send(batchOf('gw-1', otherKey, round + 1))).result, 'stored');
    }
    const grown = rssMB() - before;
    t.diagnostic(`${grown.toFixed(1)} MB`);
    assert.ok(grown < 64, `${grown} MB more`);
  },
);
