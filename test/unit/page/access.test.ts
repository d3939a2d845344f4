import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { operations } from '../../../agent/page/api.ts';
import type { Operation } from '../../../agent/page/operation.ts';
import { openApi } from '../../../agent/page/openapi.ts';
import { loadAssets } from '../../../agent/page/assets.ts';
import { createServer } from '../../../agent/page/server.ts';
import { createLimiter } from '../../../agent/page/limiter.ts';
import { createSessions } from '../../../agent/page/sessions.ts';
import { createStream } from '../../../agent/page/stream.ts';
import { createUserStore } from '../../../agent/page/users.ts';
import { createFloor, random, realClock, silentLog } from './floor.ts';
import { as, call, cheapPasswords, goodPassword, signIn, startPage, tempDir } from './harness.ts';

/** The routes that answer without a session, and why none of them tells anything about the floor. */
const publicRoutes: Readonly<Record<string, string>> = {
  'GET /': 'a plain file of the web application',
  'GET /assets/app-1.js': 'a plain file of the web application',
  'GET /api/session': 'says 401 and whether the page is set up',
  'POST /api/session/login': 'the way in',
  'POST /api/session/setup': 'the way in for the first admin',
};

async function webFolder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'selvedge-web-'));
  await mkdir(join(dir, 'assets'));
  await writeFile(join(dir, 'index.html'), '<!doctype html><title>x</title>');
  await writeFile(join(dir, 'assets', 'app-1.js'), 'export {};');
  return dir;
}

/** Every route that the server really registers, asked of the server and not of our table. */
async function registeredRoutes(webDir: string, dataDir: string): Promise<{ method: string; url: string }[]> {
  const floor = createFloor();
  const app = createServer({
    sources: floor.sources,
    users: createUserStore({ dataDir, passwords: cheapPasswords(), random, clock: realClock }),
    sessions: createSessions({ file: join(dataDir, 's.json'), clock: realClock, random, log: silentLog }),
    limiter: createLimiter(() => 0),
    stream: createStream({ floor: () => floor, clock: realClock, epoch: 'e' }),
    clock: realClock,
    log: silentLog,
    site: () => ({ name: 'x', timeZone: 'UTC', gateway: 'gw' }),
    agentVersion: '0',
    secure: false,
    port: () => 1,
    adminMade: () => ({ movedTo: null }),
    assets: await loadAssets(webDir),
    hostNames: [],
    tls: null,
  });
  await app.ready();
  const routes: { method: string; url: string }[] = [];
  // The router's own print-out: paths are nested, so they are put together by depth.
  const stack: string[] = [];
  for (const line of app.printRoutes({ commonPrefix: false }).split('\n')) {
    const match = /^([│ ]*)[├└]── (.*?) \((.*)\)$/.exec(line.replaceAll('\u00a0', ' '));
    if (match === null) continue;
    const depth = (match[1] ?? '').length / 4;
    stack.length = depth;
    stack[depth] = match[2] ?? '';
    for (const method of (match[3] ?? '').split(', ')) routes.push({ method, url: stack.join('') });
  }
  await app.close();
  return routes;
}

test('every registered route refuses a request without a session, except the listed public ones', async (t) => {
  const webDir = await webFolder();
  t.after(() => rm(webDir, { recursive: true, force: true, maxRetries: 10 }));
  const routes = await registeredRoutes(webDir, await tempDir(t));
  assert.equal(routes.length, Object.keys(operations).length + 2, 'the walk must see every route');
  const { port, users } = await startPage(t, { webDir });
  await users.add('boss', 'admin', goodPassword);
  for (const { method, url } of routes) {
    const body = method === 'GET' ? {} : { body: {} };
    const answer = await call(
      port,
      url.replace(':occurrence', 'occ-oil').replace(':machine', 'ls-1').replace(':write', 'write-1'),
      { method, ...body },
    );
    const key = `${method} ${url}`;
    if (key in publicRoutes) {
      assert.doesNotMatch(answer.text, /ls-1|occ-|spindle|machines/, `${key} tells about the floor`);
      continue;
    }
    assert.ok([401, 403].includes(answer.status), `${key} answered ${answer.status}`);
    assert.deepEqual(Object.keys(answer.json), ['error'], `${key} says more than an error`);
  }
});

test('a route that does not say who may use it cannot be registered', async (t) => {
  const { page } = await startPage(t);
  assert.ok(page.url !== null);
  const floor = createFloor();
  const dataDir = await tempDir(t);
  const app = createServer({
    sources: floor.sources,
    users: createUserStore({ dataDir, passwords: cheapPasswords(), random, clock: realClock }),
    sessions: createSessions({ file: join(dataDir, 's.json'), clock: realClock, random, log: silentLog }),
    limiter: createLimiter(() => 0),
    stream: createStream({ floor: () => floor, clock: realClock, epoch: 'e' }),
    clock: realClock,
    log: silentLog,
    site: () => ({ name: 'x', timeZone: 'UTC', gateway: 'gw' }),
    agentVersion: '0',
    secure: false,
    port: () => 1,
    adminMade: () => ({ movedTo: null }),
    assets: [],
    hostNames: [],
    tls: null,
  });
  assert.throws(() => app.get('/api/forgotten', () => 'data'), /AGT-507/);
  await app.close();
});

test('before the first admin every route but set-up is refused, also with the session of a viewer', async (t) => {
  const { port, users } = await startPage(t);
  await users.add('mina', 'viewer', goodPassword);
  const login = await call(port, '/api/session/login', {
    method: 'POST',
    body: { name: 'mina', password: goodPassword },
  });
  assert.equal(login.status, 403);
  for (const operation of Object.values<Operation>(operations)) {
    if (operation.access === 'public') continue;
    const answer = await call(port, operation.path, {
      method: operation.method,
      ...(operation.method === 'POST' ? { body: {} } : {}),
    });
    assert.equal(answer.status, 403, operation.path);
  }
  const session = await call(port, '/api/session');
  assert.deepEqual([session.status, session.json['setupNeeded']], [401, true]);
});

test('a viewer sees everything and acknowledges nothing; a maintainer acknowledges under the own name', async (t) => {
  const { port, users, floor } = await startPage(t);
  await users.add('boss', 'admin', goodPassword);
  await users.add('mina', 'viewer', goodPassword);
  await users.add('omar', 'maintainer', goodPassword);
  const viewer = await signIn(port, 'mina');
  for (const path of ['/api/machines', '/api/alerts', '/api/summaries', '/api/health', '/api/openapi.json']) {
    assert.equal((await call(port, path, { headers: as(viewer) })).status, 200, path);
  }
  const refused = await call(port, '/api/alerts/occ-overload/ack', { method: 'POST', body: {}, headers: as(viewer) });
  assert.equal(refused.status, 403);
  assert.equal(floor.acks.length, 0);

  const maintainer = await signIn(port, 'omar');
  const post = { method: 'POST', headers: as(maintainer) };
  const done = await call(port, '/api/alerts/occ-overload/ack', { ...post, body: { comment: ' cleaned the hook ' } });
  assert.equal(done.status, 200);
  assert.deepEqual(floor.acks, [{ occurrence: 'occ-overload', actor: 'omar', comment: 'cleaned the hook' }]);
  assert.equal((await call(port, '/api/alerts/occ-overload/ack', { ...post, body: {} })).status, 409);
  assert.equal((await call(port, '/api/alerts/nothing/ack', { ...post, body: {} })).status, 404);
});

test('a change needs the CSRF token of its session', async (t) => {
  const { port, users, floor } = await startPage(t);
  await users.add('boss', 'admin', goodPassword);
  const boss = await signIn(port, 'boss');
  const other = await signIn(port, 'boss');
  for (const csrf of [undefined, 'guess', other.csrf]) {
    const headers = { cookie: boss.cookie, ...(csrf === undefined ? {} : { 'x-csrf-token': csrf }) };
    const answer = await call(port, '/api/alerts/occ-overload/ack', { method: 'POST', body: {}, headers });
    assert.equal(answer.status, 403);
  }
  assert.equal(floor.acks.length, 0);
});

test('a foreign Host is refused on loopback, for files too', async (t) => {
  const { port, users } = await startPage(t);
  await users.add('boss', 'admin', goodPassword);
  const boss = await signIn(port, 'boss');
  for (const host of ['evil.example', `evil.example:${port}`, '10.1.2.3', '127.0.0.1.evil.example', '[::2]', 'a b']) {
    for (const path of ['/', '/api/machines', '/api/session']) {
      const answer = await call(port, path, { headers: as(boss, { host }) });
      assert.ok(answer.status === 421 || answer.status === 400, `${host}${path}: ${answer.status}`);
    }
  }
  for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, 'localhost:9999']) {
    assert.equal((await call(port, '/api/machines', { headers: as(boss, { host }) })).status, 200, host);
  }
});

test('a request that another site made is refused, whatever it carries', async (t) => {
  const { port, users, floor } = await startPage(t);
  await users.add('boss', 'admin', goodPassword);
  const boss = await signIn(port, 'boss');
  const foreign = [
    { origin: 'http://evil.example' },
    { origin: 'null' },
    { origin: `http://127.0.0.1:${port + 1}` },
    { origin: `https://127.0.0.1:${port}` },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
  ];
  for (const headers of foreign) {
    const ack = { method: 'POST', body: {}, headers: as(boss, headers) };
    assert.equal((await call(port, '/api/alerts/occ-overload/ack', ack)).status, 403);
    assert.equal((await call(port, '/api/machines', { headers: as(boss, headers) })).status, 403);
    const login = { method: 'POST', body: { name: 'boss', password: goodPassword }, headers };
    assert.equal((await call(port, '/api/session/login', login)).status, 403);
  }
  assert.equal(floor.acks.length, 0);
  const own = as(boss, { origin: `http://127.0.0.1:${port}`, 'sec-fetch-site': 'same-origin' });
  assert.equal(
    (await call(port, '/api/alerts/occ-overload/ack', { method: 'POST', body: {}, headers: own })).status,
    200,
  );
});

test('only JSON is taken: a form of another site cannot sign anybody in', async (t) => {
  const { port, users } = await startPage(t);
  await users.add('boss', 'admin', goodPassword);
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
    const ask = { method: 'POST', body: { name: 'boss', password: goodPassword }, headers: { 'content-type': type } };
    assert.equal((await call(port, '/api/session/login', ask)).status, 415, type);
  }
});

test('every answer carries the security headers, and no script but our own files may run', async (t) => {
  const { port } = await startPage(t);
  for (const path of ['/', '/api/session', '/api/machines', '/nothing']) {
    const { headers } = await call(port, path);
    const policy = String(headers['content-security-policy']);
    assert.match(policy, /default-src 'none'/);
    assert.match(policy, /script-src 'self'(;|$)/);
    assert.doesNotMatch(policy, /unsafe/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['referrer-policy'], 'no-referrer');
  }
  assert.equal((await call(port, '/api/session')).headers['cache-control'], 'no-store');
});

test('bad queries are answered with what is wrong, never with a stack trace', async (t) => {
  const { port, users, floor } = await startPage(t);
  await users.add('boss', 'admin', goodPassword);
  const headers = as(await signIn(port, 'boss'));
  for (const path of [
    '/api/alerts?state=loud',
    '/api/trend?machine=ls-1&signal=spindle.speed&from=abc&to=1',
    '/api/trend?machine=ls-1&signal=spindle.speed&from=10&to=1',
    '/api/summaries?limit=100000',
    '/api/summaries?from=2&to=1',
  ]) {
    const answer = await call(port, path, { headers });
    assert.equal(answer.status, 400, path);
    assert.doesNotMatch(answer.text, /\.ts:|\n\s+at /);
  }
  floor.sources.health = () => {
    throw new TypeError('secret detail');
  };
  const broken = await call(port, '/api/health', { headers });
  assert.equal(broken.status, 500);
  assert.doesNotMatch(broken.text, /secret detail/);
});

test('lists are {items, next} and the history is read page by page', async (t) => {
  const { port, users } = await startPage(t);
  await users.add('boss', 'admin', goodPassword);
  const headers = as(await signIn(port, 'boss'));
  const machines = await call(port, '/api/machines', { headers });
  assert.deepEqual(Object.keys(machines.json), ['items', 'next']);
  assert.ok(operations.machines.response.safeParse(machines.json).success);
  const open = await call(port, '/api/alerts', { headers });
  assert.ok(operations.alerts.response.safeParse(open.json).success);
  assert.equal((open.json['items'] as unknown[]).length, 3);
  const seen: unknown[] = [];
  let cursor: unknown = null;
  do {
    const more: string = typeof cursor === 'string' ? `&cursor=${cursor}` : '';
    const { json } = await call(port, `/api/alerts?state=all&limit=1${more}`, { headers });
    seen.push(...(json['items'] as { occurrence: string }[]).map((item) => item.occurrence));
    cursor = json['next'];
  } while (cursor !== null);
  assert.deepEqual(seen, ['occ-oil', 'occ-overload', 'occ-offline', 'occ-old']);
});

test('the OpenAPI document names every route of the table with its access', () => {
  const { paths } = openApi('1.2.3') as { paths: Record<string, Record<string, { security: unknown[] }>> };
  for (const operation of Object.values<Operation>(operations)) {
    const path = operation.path.replaceAll(/:(\w+)/g, '{$1}');
    const entry = paths[path]?.[operation.method.toLowerCase()];
    assert.ok(entry !== undefined, path);
    assert.equal(entry.security.length, operation.access === 'public' ? 0 : 1);
  }
});
