import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cell, signalHead, signalLines, stateHead, stateLines } from '../../../agent/store/view-tables.ts';
import { signalRow, stateRow } from './view-rows.ts';

test('V4: a cell that would be a formula is text, numbers stay numbers, and quotes are doubled', () => {
  assert.equal(cell('=HYPERLINK("http://x")'), `"'=HYPERLINK(""http://x"")"`);
  for (const text of ['+1', '-1', '@a', '\tx']) assert.ok(cell(text).replace('"', '').startsWith("'"), text);
  assert.equal(cell(-3.5), '-3.5');
  assert.equal(cell('a,b'), '"a,b"');
  assert.equal(cell(null), '');
  fc.assert(fc.property(fc.string(), (text) => !/^"?[=+\-@\t\r\n]/.test(cell(text))));
});

test('tables have both times, and as many cells in each line as in their head', () => {
  const cells = (line: string) => line.trim().split(',').length;
  const text = signalLines([signalRow(0, -2, 4)], 'CEL', 'Asia/Dhaka');
  assert.ok(text.startsWith('2026-01-05T06:00:00.000Z,2026-01-05 12:00,motor.temp,CEL,1,-2,4,4,60,60,60'), text);
  assert.equal(cells(text), cells(signalHead));
  const states = stateLines([stateRow(0, { RUN: 20, FAULT: 40 }, { '=cmd': 30 })], 'Asia/Dhaka');
  assert.equal(cells(states), cells(stateHead));
  assert.ok(states.includes(",'=cmd 30 s"), states);
});
