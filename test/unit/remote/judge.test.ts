import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { maxCommandBytes } from '../../../cloud-bridge/contract.ts';
import { commandKey, judgeCommand, maxSessionAgeMs, tooLate } from '../../../agent/remote/judge.ts';
import { keyPair } from '../bridge/making.ts';
import { bridge, desk, fields, session, signed } from './making.ts';

const keys = [commandKey(bridge.publicKey)];
const judged = (payload: Buffer) => {
  const found = judgeCommand(payload, 'gw-1', keys);
  return found.verdict === 'drop' ? found.reason : found.verdict === 'refuse' ? found.code : 'take';
};

test('G1: only what the bridge signed for this gateway is taken', () => {
  assert.equal(judged(signed()), 'take');
  assert.equal(judged(signed({ gateway: 'gw-2' })), 'wrong-gateway');
  assert.equal(judged(signed({}, keyPair().privateKey)), 'bad-signature');
  const good = JSON.parse(signed().toString()) as Record<string, unknown>;
  for (const [name, value] of Object.entries({ id: 'x', counter: 2, kind: 'shelve', body: '[]', notAfterMs: 1 })) {
    assert.equal(judged(Buffer.from(JSON.stringify({ ...good, [name]: value }))), 'bad-signature', name);
  }
  assert.equal(judged(Buffer.from(JSON.stringify({ ...good, more: 1 }))), 'malformed');
  assert.equal(judged(Buffer.alloc(maxCommandBytes + 1, 0x20)), 'too-large');
});

test('a future version is answered as not understood, whatever else it holds, and never taken', () => {
  const good = JSON.parse(signed().toString()) as Record<string, unknown>;
  assert.equal(judged(Buffer.from(JSON.stringify({ ...good, v: 2 }))), 'unknown-version');
  assert.equal(judged(Buffer.from(JSON.stringify({ v: 9, gateway: 'gw-1', id: 'a', counter: 1 }))), 'unknown-version');
  assert.equal(judged(Buffer.from(JSON.stringify({ v: 9, gateway: 'gw-2', id: 'a', counter: 1 }))), 'wrong-gateway');
  assert.equal(judged(Buffer.from(JSON.stringify({ v: 0, gateway: 'gw-1', id: 'a', counter: 1 }))), 'malformed');
});

test('G2: the wall clock judges only while it is synced', () => {
  const at = { session, wallMs: 2_000, monotonicMs: 1_000 };
  const message = { session: session.id, notAfterMs: 1_999 };
  assert.equal(tooLate(message, { ...at, clock: 'synced' }), 'expired');
  assert.equal(tooLate({ ...message, notAfterMs: 2_000 }, { ...at, clock: 'synced' }), null);
  for (const clock of ['unsynced', 'stepped'] as const) {
    assert.equal(tooLate(message, { ...at, clock }), null);
    assert.equal(tooLate(message, { ...at, clock, monotonicMs: maxSessionAgeMs }), null);
    assert.equal(tooLate(message, { ...at, clock, monotonicMs: maxSessionAgeMs + 1 }), 'session-old');
  }
  // A session of any age, where the clock is good and the command says how long it holds; not where it says nothing.
  const old = { ...at, clock: 'synced', monotonicMs: maxSessionAgeMs * 9 } as const;
  assert.equal(tooLate({ ...message, notAfterMs: 3_000 }, old), null);
  assert.equal(tooLate({ ...message, notAfterMs: null }, old), 'session-old');
  assert.equal(tooLate({ session: 'e'.repeat(32), notAfterMs: null }, { ...at, clock: 'synced' }), 'wrong-session');
});

/** Good commands with one thing wrong in them, and rubbish of every shape. */
function hostile(): fc.Arbitrary<Buffer> {
  const good = JSON.parse(signed().toString()) as Record<string, unknown>;
  const text = signed().toString();
  const other = keyPair().privateKey;
  const foreign = signed({ counter: 99 }, other);
  const anything = fc.oneof(fc.jsonValue(), fc.constant(-1), fc.string({ maxLength: 40 }));
  const changed = fc
    .tuple(fc.constantFrom(...Object.keys(good), '__proto__', 'constructor', 'extra'), anything)
    .filter(([name, value]) => JSON.stringify(good[name]) !== JSON.stringify(value))
    // Whatever the version is raised to is told to be unknown.
    .map(([name, value]) => Buffer.from(JSON.stringify(Object.fromEntries([...Object.entries(good), [name, value]]))));
  const flipped = fc
    .tuple(fc.nat(text.length - 1), fc.integer({ min: 1, max: 255 }))
    .map(([at, mask]) => {
      const bytes = Buffer.from(text);
      bytes[at] = (bytes[at] ?? 0) ^ mask;
      return bytes;
    })
    // Another spelling of the same signature is the same command.
    .filter((bytes) => !sameMeaning(bytes, good));
  return fc.oneof(
    { weight: 3, arbitrary: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)) },
    { weight: 3, arbitrary: fc.json({ maxDepth: 2 }).map((json) => Buffer.from(json)) },
    { weight: 2, arbitrary: changed },
    { weight: 2, arbitrary: flipped },
    { weight: 1, arbitrary: fc.nat(text.length - 1).map((end) => Buffer.from(text.slice(0, end))) },
    { weight: 1, arbitrary: fc.constant(foreign) },
    { weight: 1, arbitrary: fc.constantFrom(signed({ gateway: 'gw-2' }), signed({ session: 'f'.repeat(32) })) },
  );
}

function sameMeaning(bytes: Buffer, good: Record<string, unknown>): boolean {
  try {
    const { sig, ...rest } = JSON.parse(bytes.toString()) as { sig: string };
    const { sig: goodSig, ...goodRest } = good;
    const plain = (text: unknown) => Buffer.from(String(text), 'base64').toString('hex');
    return JSON.stringify(rest) === JSON.stringify(goodRest) && plain(sig) === plain(goodSig);
  } catch {
    return false;
  }
}

test('G1, G3: of 200,000 hostile messages none is executed, and none throws', async () => {
  const { ask, executed, desk: made } = desk();
  await fc.assert(
    fc.asyncProperty(hostile(), async (payload) => {
      const result = await ask(payload);
      assert.ok(result === null || !result.ok);
      assert.equal(executed.length, 0);
    }),
    { numRuns: 200_000 },
  );
  assert.equal(made.counts().received, 200_000);
  // The control: the same desk does execute what it should.
  assert.equal((await ask(signed({ id: fields.id })))?.ok, true);
});
