import assert from 'node:assert/strict';
import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { addKey, keyFinder, listKeys, parseExpiry, parseScopes, removeKey } from '../../../cloud-bridge/api-keys.ts';
import { burst, createLimiter, refillMs } from '../../../cloud-bridge/api/limiter.ts';
import type { Scope } from '../../../cloud-bridge/api/operations.ts';
import { buildApi } from '../../../cloud-bridge/api/server.ts';
import { BridgeError } from '../../../cloud-bridge/errors.ts';
import { dataDir } from '../../../cloud-bridge/files.ts';
import { apiKey, initialise } from '../../../cloud-bridge/keys.ts';
import { BridgeMetrics } from '../../../cloud-bridge/metrics.ts';
import { SqliteStore } from '../../../cloud-bridge/store/store.ts';
import { holdToDocument } from './api-document.ts';
import { temporaryDir } from './making.ts';

const withCode = (code: string) => (error: unknown) => error instanceof BridgeError && error.entry.code === code;

function setUp(t: TestContext) {
  const dir = dataDir(temporaryDir(t));
  initialise(dir);
  const store = SqliteStore.open(dir, 1);
  const time = { nowMs: 1_000_000, monotonicMs: 0 };
  const link = { state: () => ({ connected: true, detail: 'test' }) };
  const app = buildApi({
    store,
    metrics: new BridgeMetrics(),
    link,
    nowMs: () => time.nowMs,
    monotonicMs: () => time.monotonicMs,
    findKey: keyFinder(dir, apiKey(dir)),
    bind: '127.0.0.1',
    port: 0,
    tls: null,
  });
  holdToDocument(t, app);
  t.after(async () => {
    await app.close();
    store.close();
  });
  const add = (name: string, scopes: readonly Scope[], expiresMs: number | null = null) =>
    addKey(dir, { name, scopes, expiresMs }, time.nowMs);
  const ask = async (key: string, url = '/api/health', remoteAddress = '127.0.0.1') => {
    const response = await app.inject({ url, remoteAddress, headers: { authorization: `Bearer ${key}` } });
    const code = response.statusCode === 200 ? '' : ` ${response.json<{ error: { code: string } }>().error.code}`;
    return `${response.statusCode}${code}`;
  };
  return { dir, app, time, add, ask };
}

test('a key opens the routes of its scopes and no others', async (t) => {
  const { add, ask } = setUp(t);
  const [reader, scraper, both] = [
    add('reader', ['read']),
    add('scraper', ['metrics']),
    add('both', ['read', 'metrics']),
  ];
  assert.equal(await ask(reader), '200');
  assert.equal(await ask(reader, '/metrics'), '403 scope-missing');
  assert.equal(await ask(scraper, '/metrics'), '200');
  for (const url of ['/api/health', '/api/alerts', '/api/openapi.json']) {
    assert.equal(await ask(scraper, url), '403 scope-missing', url);
    assert.equal(await ask(both, url), '200', url);
  }
  assert.equal(await ask(scraper, '/api/none'), '404 not-found');
});

test('K2: wrong, expired, removed and damaged keys open nothing, at once', async (t) => {
  const { dir, add, ask, time } = setUp(t);
  const key = add('reader', ['read'], time.nowMs + 1000);
  const other = add('other', ['read']);
  for (const wrong of [
    `${key}x`,
    key.slice(0, -1),
    'reader.',
    '.',
    'reader',
    `other.${key.split('.')[1]}`,
    '../api-key.x',
  ]) {
    assert.equal(await ask(wrong), '401 key-wrong', wrong);
  }
  assert.equal(await ask(key), '200');
  time.nowMs += 1000;
  assert.equal(await ask(key), '401 key-expired');
  assert.equal(await ask(other), '200');
  writeFileSync(join(dir.root, 'api-keys/other.json'), '{');
  assert.equal(await ask(other), '401 key-wrong');
  removeKey(dir, 'reader');
  assert.equal(await ask(key), '401 key-wrong');
  assert.throws(() => removeKey(dir, 'reader'), withCode('BRG-130'));
  assert.throws(() => removeKey(dir, '../bridge'), withCode('BRG-130'));
});

test("K1: no file holds the key, and its file is its owner's alone", (t) => {
  const { dir, add } = setUp(t);
  const key = add('reader', ['read']);
  const path = join(dir.root, 'api-keys/reader.json');
  assert.equal(statSync(path).mode & 0o777, 0o600);
  const [, secret = ''] = key.split('.');
  assert.ok(secret.length >= 43);
  for (const entry of readdirSync(dir.root, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) assert.ok(!readFileSync(join(entry.parentPath, entry.name)).includes(secret), entry.name);
  }
  assert.ok(!JSON.stringify(listKeys(dir)).includes('sha256'));
  assert.throws(() => add('reader', ['read']), withCode('BRG-130'));
  assert.throws(() => add('A/B', ['read']), withCode('BRG-107'));
});

test('K3: the key of init opens the API from this computer alone', async (t) => {
  const { dir, add, ask } = setUp(t);
  const local = apiKey(dir);
  for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1'])
    assert.equal(await ask(local, '/metrics', address), '200');
  for (const address of ['192.0.2.7', '::ffff:192.0.2.7', '2001:db8::1']) {
    assert.equal(await ask(local, '/metrics', address), '401 key-wrong', address);
  }
  assert.equal(await ask(add('far', ['read']), '/api/health', '192.0.2.7'), '200');
});

test('guesses of an address are judged at a bounded rate, and other addresses are not held up', async (t) => {
  const { add, ask, time } = setUp(t);
  const key = add('reader', ['read']);
  for (let at = 0; at < burst; at += 1) assert.equal(await ask(`reader.${at}`), '401 key-wrong');
  assert.equal(await ask('reader.x'), '429 too-many-keys');
  assert.equal(await ask(key), '429 too-many-keys');
  assert.equal(await ask(key, '/api/health', '192.0.2.7'), '200');
  time.monotonicMs += refillMs;
  assert.equal(await ask(key), '200');
  assert.equal(await ask('reader.x'), '401 key-wrong');
  assert.equal(await ask('reader.x'), '429 too-many-keys');
});

test('L1: however tries are spread, an address has at most burst + t / refill wrong keys judged', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 3 * refillMs }), { maxLength: 200 }), (gaps) => {
      let now = 0;
      let judged = 0;
      const limiter = createLimiter(() => now);
      for (const gap of gaps) {
        now += gap;
        const address = gap % 2 === 0 ? '2001:db8:1:2::1' : '2001:db8:1:2:3:4:5:6';
        if (limiter.waitMs(address) > 0) continue;
        limiter.failed(address);
        judged += 1;
        assert.ok(judged <= burst + now / refillMs);
      }
    }),
  );
});

test('scopes and times are read, and what is none is told', () => {
  assert.deepEqual(parseScopes('read,metrics,read'), ['read', 'metrics']);
  for (const bad of ['', 'all', 'read,', 'read metrics']) assert.throws(() => parseScopes(bad), withCode('BRG-101'));
  const now = Date.UTC(2026, 0, 1);
  assert.equal(parseExpiry('2d', now), Date.UTC(2026, 0, 3));
  assert.equal(parseExpiry('12h', now), Date.UTC(2026, 0, 1, 12));
  assert.equal(parseExpiry('2026-01-31T08:00Z', now), Date.UTC(2026, 0, 31, 8));
  for (const bad of ['', '0d', 'soon', '2025-12-31', '2026-13-01', '1']) {
    assert.throws(() => parseExpiry(bad, now), withCode('BRG-101'), bad);
  }
});
