/** What a record of a broken needle says, in each language. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordTime } from '../../../agent/web/needle-words.ts';
import { languages } from '../../../agent/web/speech.ts';

test('a record is dated by the clock of 24 hours in every language', () => {
  const at = (locale: string, hour: number) => recordTime(locale, 'UTC')(Date.UTC(2026, 2, 1, hour, 5, 9));
  for (const { locale } of Object.values(languages)) {
    assert.notEqual(at(locale, 3), at(locale, 15));
    for (const [hour, text] of [
      [0, '00'],
      [15, '15'],
    ] as const) {
      const hours = new Intl.NumberFormat(locale, { minimumIntegerDigits: 2, useGrouping: false }).format(hour);
      assert.match(at(locale, hour), new RegExp(`(?<!\\p{Nd})${hours}:`, 'u'), `${locale} ${text}`);
    }
    assert.doesNotMatch(at(locale, 15), /[ap]m|午|অপরাহ্ন|বিকাল|CH/i, locale);
  }
});
