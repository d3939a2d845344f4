/** What a record of a broken needle says, in each language. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bn } from '../../../agent/web/languages/bn/index.ts';
import { vi } from '../../../agent/web/languages/vi/index.ts';
import { zh } from '../../../agent/web/languages/zh/index.ts';
import {
  actWord,
  isListed,
  pieceRecorded,
  pieceWord,
  recordTime,
  usualPieces,
} from '../../../agent/web/needle-words.ts';
import { english, languageOf, languages } from '../../../agent/web/speech.ts';

const speakers = [english, languageOf('zh', zh), languageOf('vi', vi), languageOf('bn', bn)];
const names = { point: 'Point', eye: 'Eye', blade: 'Blade', shank: 'Shank' };

test('a record is dated by the clock of 24 hours in every language', () => {
  const at = (locale: string, hour: number) => recordTime(locale, 'UTC')(Date.UTC(2026, 2, 1, hour, 5, 9));
  for (const { locale } of Object.values(languages)) {
    assert.notEqual(at(locale, 3), at(locale, 15));
    for (const hour of [0, 15]) {
      const hours = new Intl.NumberFormat(locale, { minimumIntegerDigits: 2, useGrouping: false }).format(hour);
      assert.match(at(locale, hour), new RegExp(`(?<!\\p{Nd})${hours}:`, 'u'), `${locale} ${hour}`);
    }
    assert.doesNotMatch(at(locale, 15), /[ap]m|午|অপরাহ্ন|বিকাল|CH/i, locale);
  }
});

test('a usual piece is recorded by one name, whoever lists it in which language, and read in each', () => {
  for (const { say, code } of speakers) {
    for (const piece of usualPieces) {
      const shown = say(`needles.piece.${piece}`);
      for (const text of [shown, ` ${shown.toUpperCase()} `, shown.normalize('NFD')])
        assert.equal(pieceRecorded(text, say), names[piece], code);
      assert.equal(pieceWord(names[piece], say), shown, code);
      const act = { kind: 'listed', atMs: 0, by: 'omar', name: names[piece] } as const;
      const tick = { kind: 'ticked', atMs: 1, by: 'omar', fragment: 1, found: true, where: null } as const;
      const one = { fragments: [{ number: 1, name: names[piece], ofBreak: 1 }] } as never;
      const strike = { kind: 'unlisted', atMs: 2, by: 'omar', fragment: 1, reason: 'a pin' } as const;
      const words = say('needles.act.unlisted', { name: 'omar', piece: shown });
      assert.equal(actWord(strike, one, say), `${words} (a pin)`);
      assert.equal(actWord(act, one, say), say('needles.act.listed', { name: 'omar', piece: shown }));
      assert.equal(actWord(tick, one, say), say('needles.act.found', { name: 'omar', piece: shown }));
    }
  }
});

test('a usual piece is listed once for each break, and any other piece keeps its own name', () => {
  const fragment = (name: string, ofBreak: number) => ({ name, ofBreak, withdrawn: null });
  const struck = { ...fragment('Point', 1), withdrawn: { by: 'omar', atMs: 1, reason: 'a pin' } };
  assert.equal(isListed('point', { fragments: [struck], breaks: 1 }), false);
  assert.equal(isListed('point', { fragments: [fragment('Point', 1)], breaks: 1 }), true);
  assert.equal(isListed('eye', { fragments: [fragment('Point', 1)], breaks: 1 }), false);
  assert.equal(isListed('point', { fragments: [fragment('Point', 1)], breaks: 2 }), false);
  for (const { say } of speakers) {
    const usual = usualPieces.flatMap((piece) => [names[piece], say(`needles.piece.${piece}`)]);
    const known = new Set(usual.map((text) => text.normalize('NFC').toLowerCase()));
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        fc.pre(!known.has(text.trim().normalize('NFC').toLowerCase()));
        assert.equal(pieceRecorded(text, say), text.trim());
        assert.equal(pieceWord(text, say), text);
      }),
    );
  }
});
