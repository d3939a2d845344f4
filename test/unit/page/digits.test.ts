/** A PIN is the same PIN, whatever keyboard types it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { asciiDigits } from '../../../agent/web/digits.ts';
import { pinLogin, setPin } from '../../../agent/web/people-client.ts';

const plain = '0123456789';
/** The ten digits of each script as the runtime itself writes them. */
const scripts = Intl.supportedValuesOf('numberingSystem')
  .map((system) => {
    const format = new Intl.NumberFormat('en', { numberingSystem: system, useGrouping: false });
    return Array.from(plain, (digit) => format.format(Number(digit)));
  })
  .filter((digits) => digits.every((digit) => /^\p{Nd}$/u.test(digit)));

test('the decimal digits of every script are 0 to 9', () => {
  assert.ok(scripts.length > 50, String(scripts.length));
  for (const digits of scripts) assert.equal(asciiDigits(digits.join('')), plain, digits.join(''));
  assert.equal(asciiDigits('৪৭১৯০২'), '471902');
});

test('what is no decimal digit stays as it was typed, and so does what is plain already', () => {
  assert.equal(asciiDigits('²½Ⅷ五 ৷a'), '²½Ⅷ五 ৷a');
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const once = asciiDigits(text);
      assert.equal(asciiDigits(once), once);
      assert.equal(once.replaceAll(/[0-9]/g, ''), text.replaceAll(/\p{Nd}/gu, ''));
    }),
  );
});

test('a PIN is sent in plain digits, at signing in and when it is set', async (t) => {
  const sent: unknown[] = [];
  t.mock.method(globalThis, 'fetch', async (_path: string, { body }: { readonly body: string }) => {
    sent.push(JSON.parse(body));
    return Response.json({});
  });
  await pinLogin('রহিম ২', '৪৭১৯০২');
  await setPin('সাত ৭', '٤٧١٩٠٢', 'token');
  assert.deepEqual(sent, [
    { name: 'রহিম ২', pin: '471902' },
    { password: 'সাত ৭', pin: '471902' },
  ]);
});
