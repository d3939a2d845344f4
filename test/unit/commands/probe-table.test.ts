/** The table of a probe stays readable whatever is in the registers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { floatText, probeTable } from '../../../agent/commands/probe-table.ts';
import { rowsOf } from '../../../drivers/modbus/probe.ts';

const word = fc.integer({ min: 0, max: 0xffff });
const cell = fc.record({
  table: fc.constantFrom('holding' as const, 'input' as const),
  address: word,
  value: fc.option(word),
  exception: fc.constant(2),
});

test('no line is wider than 120 columns, and no cell touches its neighbour', () => {
  fc.assert(
    fc.property(fc.array(cell, { minLength: 1, maxLength: 20 }), (cells) => {
      for (const line of probeTable(rowsOf(cells))) {
        assert.ok(line.length <= 120, line);
        assert.match(line, /^[ -~]*$/);
      }
    }),
  );
  const [, head, first] = probeTable(
    rowsOf([0, 1].map((address) => ({ table: 'holding', address, value: 0xffff, exception: null }))),
  );
  assert.equal(head?.trim().split(/ {1,}(?!ABCD|CDAB|BADC|DCBA)/).length, 14);
  assert.equal(first?.trim().split(/ +/).length, 14);
});

test('a float fits its column and is at most a thousandth of itself away', () => {
  fc.assert(
    fc.property(fc.float(), (value) => {
      const text = floatText(value);
      assert.ok(text.length <= 9, text);
      if (Number.isFinite(value))
        assert.ok(Math.abs(Number(text) - value) <= Math.abs(value) * 0.006, `${value} ${text}`);
      else assert.match(text, /^(NaN|-?inf)$/);
    }),
  );
  for (const [value, text] of [
    [Math.fround(23.4), '23.4'],
    [1_234_567, '1234567'],
    [-0, '0'],
    [Math.fround(-1_234_567.5), '-1234568'],
    [Math.fround(1e10), '1.00e10'],
  ] as const) {
    assert.equal(floatText(value), text);
  }
});

test('bits have a table of their own, and what is not there says so', () => {
  const lines = probeTable(
    rowsOf([
      { table: 'coil', address: 16, value: 1, exception: null },
      { table: 'coil', address: 17, value: null, exception: 3 },
    ]),
  );
  assert.match(lines[2] ?? '', /^ +16 +00017 +1$/);
  assert.match(lines[3] ?? '', /17 +00018 +no such address \(exception 3\)$/);
});
