import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { speaker } from '../../../drivers/knit-floor/number.ts';

/** The plant the protocol is from has machines 1 to 21. */
const plant = Array.from({ length: 21 }, (_, i) => i + 1);
const heard = (text: string, hasPaused = false, isWhole = true) => ({ text, hasPaused, isWhole });

const machine = (number: number, used = String(number).length) => ({ kind: 'machine', number, used });

test('a number is known after a pause, or as soon as what follows can be only messages', () => {
  assert.deepEqual(speaker(heard('7'), [7]), { kind: 'wait' });
  assert.deepEqual(speaker(heard('7', true), [7]), machine(7));
  assert.deepEqual(speaker(heard('71131'), [7, 12]), machine(7));
  assert.deepEqual(speaker(heard('12\r\n11'), plant), machine(12, 4));
  assert.deepEqual(speaker(heard('1', true), plant), machine(1));
  assert.deepEqual(speaker(heard('12', true), plant), machine(12));
  // 12 and 11, or 1 and 21 and the beginning of another: nothing pauses within a message.
  assert.deepEqual(speaker(heard('1211', true), plant), machine(12));
  assert.deepEqual(speaker(heard('711', true), plant), machine(7));
});

test('a number that is not configured is not taken for a shorter one with a message behind it', () => {
  assert.deepEqual(speaker(heard('12', true), [1, 3]), { kind: 'unknown' });
  assert.deepEqual(speaker(heard('19', true), [1]), { kind: 'unknown' });
  assert.deepEqual(speaker(heard('110', true), [1]), { kind: 'unknown' });
  assert.deepEqual(speaker(heard('1291', true), [1]), { kind: 'ambiguous' });
});

test('19 alone is machine 19; in two pieces it may be 1 and its first sign of life, and nobody is named', () => {
  assert.deepEqual(speaker(heard('19', true), plant), machine(19));
  assert.deepEqual(speaker(heard('19', true, false), plant), { kind: 'ambiguous' });
  assert.deepEqual(speaker(heard('1911', true), plant), { kind: 'ambiguous' });
});

test('what is no number at all is nobody', () => {
  for (const text of ['0 ', '256', '06', 'GET /', '\u0000', '99\n', '٣']) {
    assert.deepEqual(speaker(heard(text), plant).kind, 'unknown', text);
  }
  assert.deepEqual(speaker(heard('1'.repeat(65)), plant), { kind: 'ambiguous' });
});

test('a machine that sends its number alone is never taken for another, whatever the numbers are', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 0, max: 255 }), { minLength: 1, maxLength: 40 }),
      fc.nat(),
      (numbers, at) => {
        const number = numbers[at % numbers.length] ?? 0;
        const text = String(number);
        for (let length = 1; length <= text.length; length += 1) {
          const early = speaker(heard(text.slice(0, length)), numbers);
          assert.ok(early.kind === 'wait' || (early.kind === 'machine' && early.number === number));
        }
        assert.deepEqual(speaker(heard(text, true), numbers), machine(number));
      },
    ),
  );
});
