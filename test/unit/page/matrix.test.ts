/** Every operation of the table against everybody who should not get in. A new operation is covered by being in the table. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { operations } from '../../../agent/page/api.ts';
import type { Operation } from '../../../agent/page/operation.ts';
import { covers, roles, type Role } from '../../../agent/page/users.ts';
import { as, call, goodPassword, signIn, startPage, type Answer, type SignedIn, type TestPage } from './harness.ts';

const all = Object.entries<Operation>(operations);
const names: Readonly<Record<Role, string>> = { viewer: 'mina', maintainer: 'omar', admin: 'boss' };
/** What the guard says; any other answer is the handler's own. */
const guardCodes = new Set(['sign-in-needed', 'not-allowed', 'csrf', 'other-site', 'wrong-host', 'set-up-needed']);
/** No field of any operation: a handler that is reached changes nothing. */
const nonsense = { 'no-such-field': true };

const pathOf = (operation: Operation, value: string) => operation.path.replaceAll(/:\w+/g, encodeURIComponent(value));
const codeOf = (answer: Answer) => (answer.json['error'] as { code?: string } | undefined)?.code ?? null;
async function ask(port: number, operation: Operation, headers: Record<string, string>, value = 'nothing') {
  const { method } = operation;
  return call(port, pathOf(operation, value), { method, headers, ...(method === 'GET' ? {} : { body: nonsense }) });
}
async function withEverybody(page: TestPage): Promise<void> {
  for (const role of roles) await page.users.add(names[role], role, goodPassword);
}

type Who = 'nobody' | Role | 'forged origin' | 'forged host' | 'no csrf';
/** What the table says the guard does; null: the handler is reached. */
function expected(operation: Operation, who: Who): string | null {
  if (who === 'forged origin') return '403 other-site';
  if (who === 'forged host') return '421 wrong-host';
  if (operation.access === 'public') return null;
  if (who === 'nobody') return '401 sign-in-needed';
  if (who === 'no csrf') return operation.method === 'GET' ? null : '403 csrf';
  return covers(who, operation.access) ? null : '403 not-allowed';
}

test('every operation answers nobody, each role, a forged origin, a forged host and a missing token as its table says', async (t) => {
  const page = await startPage(t);
  await withEverybody(page);
  const { port } = page;
  const wrong: string[] = [];
  const headersOf: Readonly<Record<Who, (who: SignedIn) => Record<string, string>>> = {
    nobody: () => ({}),
    viewer: (who) => as(who),
    maintainer: (who) => as(who),
    admin: (who) => as(who),
    'forged origin': (who) => as(who, { origin: 'http://evil.example' }),
    'forged host': (who) => as(who, { host: 'evil.example' }),
    'no csrf': ({ cookie }) => ({ cookie }),
  };
  for (const who of Object.keys(headersOf) as Who[]) {
    const role: Role = who === 'viewer' || who === 'maintainer' ? who : 'admin';
    for (const [name, operation] of all) {
      // Anew each time: signing out is one of the operations.
      const answer = await ask(port, operation, headersOf[who](await signIn(port, names[role])));
      const code = codeOf(answer);
      const told = code !== null && guardCodes.has(code) ? `${answer.status} ${code}` : null;
      // Asking who is signed in is answered by its handler, with the same word.
      const wanted = name === 'session' && who === 'nobody' ? '401 sign-in-needed' : expected(operation, who);
      if (told !== wanted || answer.status >= 500) wrong.push(`${who} ${name}: ${answer.status} ${code ?? ''}`);
      if (told !== null && Object.keys(answer.json).some((key) => key !== 'error' && key !== 'setupNeeded')) {
        wrong.push(`${who} ${name} is told more than the refusal`);
      }
    }
  }
  assert.deepEqual(wrong, []);
  assert.deepEqual([page.floor.acks, page.floor.taught, page.floor.heard], [[], [], []]);
});

test('no operation answers by another method', async (t) => {
  const page = await startPage(t);
  await withEverybody(page);
  const boss = await signIn(page.port, 'boss');
  const paths = new Map<string, Set<string>>();
  for (const [, operation] of all) {
    const path = pathOf(operation, 'nothing');
    paths.set(path, (paths.get(path) ?? new Set()).add(operation.method));
  }
  for (const [path, methods] of paths) {
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      if (methods.has(method)) continue;
      const { status } = await call(page.port, path, { method, headers: as(boss) });
      assert.equal(status, 404, `${method} ${path}`);
    }
  }
});

const hostile = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  '\u202Egnp.exe\u202C مرحبا',
  "'; DROP TABLE audit; --",
  '../../etc/passwd',
  'a\u0000b\r\nset-cookie: x=1',
  '__proto__',
  'constructor',
  'x'.repeat(10_240),
];

/** Every field that takes any text, filled with `text`. */
function filled(body: z.ZodType, text: string): Record<string, unknown> {
  const fields = body instanceof z.ZodObject ? Object.keys(body.shape) : [];
  return Object.fromEntries(fields.map((key) => [key, text]));
}

test('hostile names in addresses, queries and bodies are refused or told as data, never run, and nothing breaks', async (t) => {
  const page = await startPage(t);
  await withEverybody(page);
  let boss = await signIn(page.port, 'boss');
  for (const text of hostile) {
    for (const [name, operation] of all) {
      const query =
        operation.query === undefined
          ? ''
          : `?${new URLSearchParams(filled(operation.query, text) as Record<string, string>).toString()}`;
      if (query.length > 60_000) continue;
      const body =
        operation.method === 'GET' ? {} : { body: operation.body === undefined ? {} : filled(operation.body, text) };
      const answer = await call(page.port, `${pathOf(operation, text)}${query}`, {
        method: operation.method,
        headers: as(boss),
        ...body,
      }).catch((error: unknown) => assert.fail(`${name} ${text.slice(0, 30)}: ${String(error)}`));
      const what = `${name} ${text.slice(0, 30)}: ${answer.status} ${answer.text.slice(0, 200)}`;
      assert.ok(answer.status < 500, what);
      assert.doesNotMatch(String(answer.headers['content-type']), /html/, what);
      if (answer.status !== 431) assert.equal(answer.headers['x-content-type-options'], 'nosniff', what);
      assert.doesNotMatch(JSON.stringify(answer.headers['set-cookie'] ?? []), /x=1/, what);
      assert.doesNotMatch(answer.text, /\.ts:\d|\n\s+at |root:x/, what);
      if (name === 'logout') boss = await signIn(page.port, 'boss');
    }
  }
  assert.deepEqual((await page.users.list()).map((user) => user.name).sort(), ['boss', 'mina', 'omar']);
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
});
