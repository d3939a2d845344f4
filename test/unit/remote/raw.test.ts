import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bundleOf, redact } from '../../../agent/remote/bundle.ts';
import { createExecutor } from '../../../agent/remote/kinds.ts';
import { fits, type RawPorts } from '../../../agent/remote/raw.ts';
import type { TrendPoint } from '../../../agent/store/history.ts';
import { maxResultBytes } from '../../../cloud-bridge/contract.ts';
import { desk, noRaw, openLedger, signed } from './making.ts';

const t0 = 1_800_000_000_000;
const point = (at: number, value: TrendPoint['value'], quality: TrendPoint['quality'] = 'good'): TrendPoint => ({
  atMs: t0 + at,
  value,
  quality,
});
const window = { machine: 'ls-1', signal: 'spindle.speed', fromMs: t0, toMs: t0 + 60_000 };

function setUp(points: readonly TrendPoint[], more: Partial<RawPorts> = {}) {
  const ledger = openLedger();
  const asked: string[] = [];
  const raw: RawPorts = {
    mode: 'ask',
    trend: async ({ maxPoints = 500 }) => ({
      source: 'ring',
      found: points.length,
      points: points.slice(0, maxPoints),
    }),
    bundle: async () => ({ agentVersion: '1.2.3' }),
    askRequest: async (request) => {
      asked.push(request.body);
      return ledger.ask(request);
    },
    wallMs: () => t0,
    ...more,
  };
  const settings = { propose: () => assert.fail(), confirm: () => assert.fail() };
  const alertAction = () => assert.fail();
  const execute = createExecutor({ state: () => ({}), alertAction, settings, raw });
  const run = (kind: string, body: object) =>
    execute({ id: 'c-1', kind, body: JSON.stringify({ by: 'amina', ...body }), key: 'k' });
  return { ledger, asked, run };
}

test('W1: off answers nothing, without a look at what there is', async () => {
  const { run } = setUp([], noRaw);
  assert.equal((await run('request-window', window)).code, 'raw-off');
  assert.equal((await run('request-bundle', {})).code, 'raw-off');
});

test('W1: a request waits until somebody allows it, and a permission serves one answer to that very request', async () => {
  const { run, ledger, asked } = setUp([point(0, 1), point(250, 2)]);
  const first = await run('request-window', window);
  assert.deepEqual([first.ok, first.code, first.body], [false, 'asks', {}]);
  assert.equal((await run('request-bundle', {})).code, 'asks');
  // Whoever allows it sees who asks for what.
  assert.deepEqual(JSON.parse(asked[0] ?? ''), { ...window, by: 'amina' });
  for (const { id } of ledger.requests()) ledger.decide(id, 'allowed', t0);
  assert.equal((await run('request-window', { ...window, toMs: window.toMs + 1 })).code, 'asks');
  assert.equal((await run('request-window', { ...window, by: 'omar' })).code, 'asks');
  const answer = await run('request-window', window);
  assert.deepEqual([answer.ok, answer.body['v']], [true, [1, 2]]);
  assert.equal((await run('request-window', window)).code, 'asks');
  assert.deepEqual((await run('request-bundle', {})).body, { agentVersion: '1.2.3' });
  assert.equal((await run('request-bundle', {})).code, 'asks');
  for (const { id } of ledger.requests()) ledger.decide(id, 'denied', t0);
  assert.equal((await run('request-window', window)).code, 'denied');
});

test('W3: readings come by column, with what is not good told by its place', async () => {
  const { run } = setUp([point(-500, 7), point(100, null, 'bad'), point(350, 8), point(350, true, 'uncertain')], {
    mode: 'on',
  });
  const { body } = await run('request-window', window);
  assert.deepEqual(body, {
    ...window,
    t0: t0 - 500,
    t: [0, 600, 250, 0],
    v: [7, null, 8, true],
    q: [
      [1, 'bad'],
      [3, 'uncertain'],
    ],
  });
});

test('W3: no text, no span of more than an hour, nothing of before the ring', async () => {
  const texts = setUp([point(0, 'operator 7')], { mode: 'on' });
  const refused = await texts.run('request-window', window);
  assert.deepEqual([refused.code, JSON.stringify(refused.body).includes('operator 7')], ['body-invalid', false]);
  const { run } = setUp([point(0, 1)], { mode: 'on' });
  for (const wrong of [
    { toMs: window.fromMs },
    { toMs: window.fromMs + 3_600_001 },
    { machine: '../x' },
    { signal: '' },
    { fromMs: 'now' },
    { more: 1 },
  ]) {
    assert.equal((await run('request-window', { ...window, ...wrong })).code, 'body-invalid', JSON.stringify(wrong));
  }
  assert.equal((await setUp([], { mode: 'on' }).run('request-window', window)).code, 'not-in-ring');
  const minutes: Partial<RawPorts> = {
    mode: 'on',
    trend: async () => ({ source: 'summaries', found: 1, points: [point(0, 1)] }),
  };
  assert.equal((await setUp([], minutes).run('request-window', window)).code, 'not-in-ring');
});

test('W2: what does not fit is refused with its number, and uses up no permission', async () => {
  const many = Array.from({ length: 20_000 }, (_, at) => point(at, at / 7));
  const { run, asked } = setUp(many);
  const outcome = await run('request-window', window);
  assert.deepEqual([outcome.ok, outcome.code, outcome.body, asked], [false, 'too-large', { readings: 20_000 }, []]);
});

test('W2: whatever fits makes a result that may be sent', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: 'binary', maxLength: 30 }),
      fc.integer({ min: 1, max: 9_000 }),
      async (text, times) => {
        const body = { text: text.repeat(times) };
        if (!fits(body)) return;
        const { ask } = desk({ execute: async () => ({ ok: true, code: null, body }) });
        const result = await ask(signed());
        assert.equal(result?.ok, true);
        assert.ok(Buffer.byteLength(result?.answer ?? '') <= maxResultBytes);
      },
    ),
    { numRuns: 60 },
  );
});

test('a bundle gives way at the oldest lines of the log until it fits', () => {
  const line = (n: number) => JSON.stringify({ level: 30, n, msg: 'x'.repeat(400) });
  const parts = { agentVersion: '1', node: 'v24', platform: 'linux-x64', status: { ok: true }, checks: [{ id: 'a' }] };
  const bundle = bundleOf({ ...parts, log: Array.from({ length: 200 }, (_, n) => line(n)) });
  assert.ok(fits(bundle));
  const kept = bundle['log'] as { n: number }[];
  assert.ok(kept.length > 40);
  assert.equal(kept.at(-1)?.n, 199);
  assert.equal(kept.length + Number(bundle['logLeftOut']), 200);
  const huge = bundleOf({ ...parts, checks: [{ id: 'x'.repeat(60_000) }], log: [line(1)] });
  assert.ok(fits(huge));
  assert.deepEqual([huge['checks'], huge['checksLeftOut'], huge['agentVersion']], [[], 1, '1']);
});

test('a bundle holds no secret, should one ever be logged', () => {
  const secret = 'S3cr"e/t';
  const lines = [
    JSON.stringify({
      password: secret,
      uplinkPassword: secret,
      'api-token': secret,
      authorization: `Bearer ${secret}`,
      n: 1,
    }),
    JSON.stringify({ url: `mqtt://gw-1:S3cr-t@host:1883/x`, msg: 'at mqtt://host:1883' }),
    JSON.stringify({ pem: '-----BEGIN PRIVATE KEY-----\nS3crMC4CAQ\n-----END PRIVATE KEY-----\n', n: 2 }),
  ];
  for (const line of lines) {
    const clean = redact(line);
    assert.ok(!clean.includes('S3cr'), clean);
    assert.ok(typeof JSON.parse(clean) === 'object');
  }
  assert.match(redact(lines[1] ?? ''), /at mqtt:\/\/host:1883/);
});
