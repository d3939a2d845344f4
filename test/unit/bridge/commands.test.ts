import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { addKey, keyFinder } from '../../../cloud-bridge/api-keys.ts';
import type { CommandView } from '../../../cloud-bridge/api/operations.ts';
import { buildApi } from '../../../cloud-bridge/api/server.ts';
import {
  commandMessage,
  commandSignatureHolds,
  sha256Hex,
  signResult,
  type CommandMessage,
  type CommandResult,
} from '../../../cloud-bridge/contract.ts';
import { dataDir } from '../../../cloud-bridge/files.ts';
import { apiKey, initialise } from '../../../cloud-bridge/keys.ts';
import { BridgeMetrics } from '../../../cloud-bridge/metrics.ts';
import { CommandDesk, maxOpen } from '../../../cloud-bridge/remote/desk.ts';
import { SqliteBook } from '../../../cloud-bridge/remote/sqlite-book.ts';
import { SqliteStore } from '../../../cloud-bridge/store/store.ts';
import { holdToDocument } from './api-document.ts';
import { keyPair, status, temporaryDir } from './making.ts';

const bridge = keyPair();
const gateway = keyPair();
const from = { site: 'demo', gateway: 'demo-gw' };

function setUp(t: TestContext) {
  const dir = dataDir(temporaryDir(t));
  initialise(dir);
  const store = SqliteStore.open(dir, 1);
  const metrics = new BridgeMetrics();
  const time = { nowMs: 1_800_000_000_000 };
  const sent: { topic: string; payload: Buffer }[] = [];
  const broker = { isAway: false, delays: [] as Promise<void>[] };
  const book = SqliteBook.open(dir, 'key', 1);
  const lines: string[] = [];
  const desk = new CommandDesk({
    book,
    store,
    find: (id) => (id === 'demo-gw' ? { id, site: 'demo', key: gateway.publicKey } : null),
    key: bridge.privateKey,
    publish: async (topic, payload) => {
      if (broker.isAway) throw new TypeError('away');
      await broker.delays.shift();
      sent.push({ topic, payload });
    },
    metrics,
    nowMs: () => time.nowMs,
    log: { event: (_level, event, fields) => lines.push(`${event} ${JSON.stringify(fields)}`), error: () => undefined },
  });
  const app = buildApi({
    store,
    metrics,
    link: { state: () => ({ connected: true, detail: 'test' }) },
    commands: desk,
    nowMs: () => time.nowMs,
    monotonicMs: () => 0,
    findKey: keyFinder(dir, apiKey(dir)),
    bind: '127.0.0.1',
    port: 0,
    tls: null,
  });
  holdToDocument(t, app);
  t.after(async () => {
    desk.stop();
    await app.close();
    book.close();
    store.close();
  });
  const keys = { amina: addKey(dir, { name: 'amina', scopes: ['command'], expiresMs: null }, 1) };
  const call = async (method: 'GET' | 'POST', url: string, payload?: object, key = keys.amina) => {
    const headers = { authorization: `Bearer ${key}` };
    const response = await app.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) });
    return { code: response.statusCode, json: response.json<CommandView & { error?: { code: string } }>() };
  };
  const post = (payload: object, id = 'demo-gw') => call('POST', `/api/gateways/${id}/commands`, payload);
  const connect = (online = true) => store.applyStatus('demo', status({ session: 'a'.repeat(32), online }), 1);
  const list = async () => {
    const { json } = await call('GET', '/api/commands');
    return (json as unknown as { items: CommandView[] }).items;
  };
  return { dir, desk, book, metrics, time, sent, broker, lines, keys, call, post, connect, list };
}

function onlyCommand(sent: readonly { payload: Buffer }[], at = -1): CommandMessage {
  return commandMessage.parse(JSON.parse(sent.at(at)?.payload.toString() ?? 'null'));
}

function answerTo(payload: Buffer, more: Partial<CommandResult> = {}, key = gateway.privateKey): Buffer {
  const { id, counter } = commandMessage.parse(JSON.parse(payload.toString()));
  const base = { v: 1, gateway: 'demo-gw', id, counter, command: sha256Hex(payload) } as const;
  return Buffer.from(JSON.stringify(signResult({ ...base, ok: true, code: null, body: '{"a":1}', ...more }, key)));
}

test('a command is signed, for the session of the birth there is, named after the key that asked, and kept', async (t) => {
  const { post, connect, sent, list, lines, time } = setUp(t);
  connect();
  const { code, json } = await post({
    kind: 'ack-alert',
    body: { occurrence: 'o-1', by: 'somebody-else' },
    withinS: 60,
  });
  assert.deepEqual([code, json.state, json.by], [200, 'pending', 'amina']);
  const command = onlyCommand(sent);
  assert.equal(sent[0]?.topic, 'selvedge/v1/demo/demo-gw/cmd');
  assert.ok(commandSignatureHolds(command, bridge.publicKey));
  assert.deepEqual(
    [command.session, command.kind, JSON.parse(command.body), command.notAfterMs],
    ['a'.repeat(32), 'ack-alert', { occurrence: 'o-1', by: 'amina' }, time.nowMs + 60_000],
  );
  assert.deepEqual(await list(), [json]);
  assert.match(lines[0] ?? '', /^command \{"gateway":"demo-gw",.*"command":"ack-alert","by":"amina"\}$/);
});

test('no command goes to a stranger, to a gateway that is away, or with a body that does not fit', async (t) => {
  const { post, connect, sent, call, keys, dir } = setUp(t);
  const ping = { kind: 'ping' };
  assert.equal((await post(ping)).json.error?.code, 'gateway-offline');
  connect();
  assert.equal((await post(ping, 'other')).json.error?.code, 'unknown-gateway');
  assert.equal((await post(ping, 'no%20id')).json.error?.code, 'unknown-gateway');
  for (const wrong of [
    {},
    { kind: 'write' },
    { kind: 'ping', body: [] },
    { ...ping, withinS: 1 },
    { ...ping, by: 'x' },
  ]) {
    assert.equal((await post(wrong)).json.error?.code, 'bad-command', JSON.stringify(wrong));
  }
  const long = { kind: 'ping', body: { a: 'x'.repeat(9_000) } };
  assert.equal((await post(long)).json.error?.code, 'too-large');
  assert.equal((await post({ kind: 'ping', body: { a: 'x'.repeat(20_000) } })).code, 413);
  const reader = addKey(dir, { name: 'reader', scopes: ['read'], expiresMs: null }, 1);
  for (const [method, url] of [
    ['POST', '/api/gateways/demo-gw/commands'],
    ['GET', '/api/commands'],
  ] as const) {
    assert.equal(
      (await call(method, url, method === 'POST' ? ping : undefined, reader)).json.error?.code,
      'scope-missing',
    );
  }
  assert.ok(keys.amina.length > 0);
  connect(false);
  assert.deepEqual(sent, []);
});

test('D2: only an answer of that gateway, signed, to these very bytes counts; and once', async (t) => {
  const { desk, post, connect, sent, metrics, list } = setUp(t);
  connect();
  await post({ kind: 'ping' });
  const payload = sent[0]?.payload ?? Buffer.from('');
  const forged = [
    Buffer.from('{'),
    Buffer.alloc(70_000),
    answerTo(payload, {}, bridge.privateKey),
    answerTo(payload, { gateway: 'other' }),
    answerTo(payload, { command: 'b'.repeat(64) }),
    answerTo(payload, { counter: 1 }),
    answerTo(payload, { id: 'c-other' }),
  ];
  for (const one of forged) await desk.onResult(one, from);
  await desk.onResult(answerTo(payload), { ...from, site: 'elsewhere' });
  assert.equal(metrics.dropped.result, 5);
  assert.equal((await list())[0]?.state, 'pending');
  await desk.onResult(answerTo(payload), from);
  await desk.onResult(answerTo(payload, { ok: false, code: 'failed' }), from);
  const [view] = await list();
  assert.deepEqual([view?.state, view?.code, view?.result], ['done', null, { a: 1 }]);
});

test('what is not answered in time has expired; an answer that comes late still counts', async (t) => {
  const { desk, post, connect, sent, time, list } = setUp(t);
  connect();
  await post({ kind: 'ping', withinS: 10 });
  time.nowMs += 10_000;
  assert.equal((await list())[0]?.state, 'pending');
  time.nowMs += 5_001;
  assert.equal((await list())[0]?.state, 'expired');
  await desk.onResult(answerTo(sent[0]?.payload ?? Buffer.from(''), { ok: false, code: 'expired' }), from);
  const [view] = await list();
  assert.deepEqual([view?.state, view?.code], ['refused', 'expired']);
});

test('D4: a birth brings what is unanswered again, byte for byte, while there is time', async (t) => {
  const { desk, post, connect, sent, time } = setUp(t);
  connect();
  await post({ kind: 'ping', withinS: 10 });
  await desk.onBirth({ site: 'demo', id: 'demo-gw' });
  assert.equal(sent.length, 2);
  assert.deepEqual(sent[1]?.payload, sent[0]?.payload);
  await desk.onBirth({ site: 'demo', id: 'other' });
  time.nowMs += 10_001;
  await desk.onBirth({ site: 'demo', id: 'demo-gw' });
  assert.equal(sent.length, 2);
});

test('D1: what the broker did not take is kept with its counter, and D3: no gateway has more than so many open', async (t) => {
  const { post, connect, sent, broker, list } = setUp(t);
  connect();
  broker.isAway = true;
  assert.equal((await post({ kind: 'ping' })).json.error?.code, 'not-sent');
  const [kept] = await list();
  assert.equal(kept?.state, 'pending');
  broker.isAway = false;
  await post({ kind: 'ping' });
  assert.ok(onlyCommand(sent).counter > (kept?.counter ?? Infinity));
  for (let i = 2; i < maxOpen; i++) assert.equal((await post({ kind: 'ping' })).code, 200);
  assert.equal((await post({ kind: 'ping' })).json.error?.code, 'too-many-open');
});

test('D5: commands reach the broker by rising counter, also where it takes the first one late, or an old one is sent again', async (t) => {
  const { desk, post, connect, sent, broker } = setUp(t);
  connect();
  let takeFirst = (): void => undefined;
  broker.delays = [new Promise((resolve) => (takeFirst = resolve))];
  const asked = [post({ kind: 'ping' }), post({ kind: 'ping' }), post({ kind: 'ping' })];
  // Were the others not held back they would be sent by now.
  await new Promise((resolve) => setTimeout(resolve, 100));
  takeFirst();
  await Promise.all(asked);
  const counters = () => sent.map((_, at) => onlyCommand(sent, at).counter);
  const first = counters();
  assert.deepEqual([first.length, first], [3, first.toSorted((a, b) => a - b)]);
  sent.length = 0;
  broker.delays = [new Promise((resolve) => setTimeout(resolve, 50))];
  await Promise.all([desk.onBirth({ site: 'demo', id: 'demo-gw' }), post({ kind: 'ping' })]);
  const seen = new Set<number>();
  for (const counter of counters()) {
    assert.ok(seen.has(counter) || counter > Math.max(0, ...seen), `${counter} after ${[...seen].join()}`);
    seen.add(counter);
  }
  assert.equal(seen.size, 4);
});

test('C1: counters rise whatever the clock does, and over a lost or damaged book', (t) => {
  const dir = dataDir(temporaryDir(t));
  const order = (atMs: number, id: string) => {
    const base = { gateway: 'demo-gw', id, kind: 'ping', body: '{}', by: 'local' };
    return { ...base, atMs, notAfterMs: atMs + 1000 };
  };
  const book = SqliteBook.open(dir, 'key', 1);
  let last = 0;
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1_000_000 }), fc.uuid(), (atMs, id) => {
      const { counter } = book.add(order(atMs, id), (given) => Buffer.from(String(given))).order;
      assert.ok(counter > last && counter >= atMs);
      last = counter;
    }),
  );
  book.close();
  writeFileSync(join(dir.root, 'commands.db'), 'no database at all, and long enough to be looked at as one');
  const again = SqliteBook.open(dir, 'key', 7);
  assert.equal(again.setAside, join(dir.root, 'commands.db.bad-7'));
  assert.ok(readFileSync(again.setAside).length > 0);
  const { counter } = again.add(order(2_000_000, 'x'), () => Buffer.from('')).order;
  assert.ok(counter > last);
  again.close();
});

test('C2: where it cannot be signed nothing is stored, and no counter is used', (t) => {
  const dir = dataDir(temporaryDir(t));
  const book = SqliteBook.open(dir, 'key', 1);
  const order = { gateway: 'g', id: 'a', kind: 'ping', body: '{}', by: 'local', atMs: 5, notAfterMs: 6 };
  const fail = () => {
    throw new TypeError('no signature');
  };
  assert.throws(() => book.add(order, fail));
  assert.deepEqual(book.page({ limit: 10 }), []);
  assert.equal(book.add(order, () => Buffer.from('')).order.counter, 5);
  book.close();
});

test('the list is paged by key, newest first', async (t) => {
  const { book, call } = setUp(t);
  for (let i = 1; i <= 5; i++) {
    const order = { gateway: i % 2 === 0 ? 'even' : 'odd', id: `c-${i}`, kind: 'ping', body: '{}', by: 'local' };
    book.add({ ...order, atMs: i, notAfterMs: i }, (counter) => Buffer.from(String(counter)));
  }
  const seen: string[] = [];
  let cursor = '';
  for (;;) {
    const { json } = await call('GET', `/api/commands?limit=2${cursor}`);
    const { items, next } = json as unknown as { items: CommandView[]; next: string | null };
    seen.push(...items.map(({ id }) => id));
    if (next === null) break;
    cursor = `&cursor=${next}`;
  }
  assert.deepEqual(seen, ['c-5', 'c-4', 'c-3', 'c-2', 'c-1']);
  const { json } = await call('GET', '/api/commands?gateway=even');
  assert.equal((json as unknown as { items: CommandView[] }).items.length, 2);
  assert.equal((await call('GET', '/api/commands?cursor=x')).code, 400);
});
