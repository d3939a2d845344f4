import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { pictureAxis } from '../../../agent/senses/ear/picture-axis.ts';
import { axisOf, labelPx, marksOf, oddBandsOf, speedError, yOf } from '../../../agent/web/sound-marks.ts';
import { markWord, oddBandWord } from '../../../agent/web/sound-words.ts';
import { english, languageOf } from '../../../agent/web/speech.ts';
import { bn } from '../../../agent/web/languages/bn/index.ts';
import { hzOf, melOf } from '../../../models/voiceprint/mel.ts';
import { bandEdgesHz, bands as bandCount } from '../../../models/voiceprint/front-end.ts';

const axis = axisOf(pictureAxis) ?? assert.fail('the axis of our own pictures is one that is read');
const text = (what: string, from: number, to: number, db: number) =>
  `${what} ${from}-${to} Hz ${db > 0 ? '+' : ''}${db} dB`;

/** Evidence as the agent writes it: up to five ranges of whole bands, the oddest first. */
const told = fc
  .array(
    fc.tuple(
      fc.constantFrom('level', 'change'),
      fc.integer({ min: 0, max: bandCount - 1 }),
      fc.integer({ min: 0, max: 30 }),
      fc.integer({ min: -300, max: 300 }).filter((one) => one !== 0),
    ),
    { minLength: 1, maxLength: 5 },
  )
  .map((ranges) =>
    ranges.map(([what, first, more, tenths]) => {
      const [from] = bandEdgesHz(first);
      const [, to] = bandEdgesHz(Math.min(bandCount - 1, first + more));
      return { what, from: Math.round(from), to: Math.round(to), db: tenths / 10 };
    }),
  );
const evidenceOf = (ranges: readonly { what: string; from: number; to: number; db: number }[], speed: unknown) => ({
  bands: ranges.map(({ what, from, to, db }) => text(what, from, to, db)).join('; '),
  speed: speed as number,
});

test('the mel scale there and back is where it was', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 20_000, noNaN: true }), (hz) => {
      assert.ok(Math.abs(hzOf(melOf(hz)) - hz) < 1e-6 * (1 + hz));
    }),
  );
  // By hand, of Slaney's toolbox: 15 at 1 kHz, 27 more for each factor of 6.4.
  assert.deepEqual([melOf(200), melOf(1000), Math.round(melOf(6400) * 1e6) / 1e6], [3, 15, 42]);
});

test('M1–M3: marks lie at their frequencies in both halves, labels in their order and apart', () => {
  fc.assert(
    fc.property(told, fc.double({ min: 0, max: 8_000, noNaN: true }), (ranges, speed) => {
      const bands = oddBandsOf(evidenceOf(ranges, speed));
      assert.equal(bands.length, ranges.length);
      const marks = marksOf(bands, axis);
      assert.deepEqual(
        marks.map(({ band }) => band),
        bands.toReversed(),
      );
      for (const { band, rows, lines } of marks) {
        for (const [i, { top, bottom }] of rows.entries()) {
          const panel = axis.panels[i] ?? assert.fail('one a half');
          assert.ok(panel.top <= top && top <= bottom && bottom <= panel.bottom);
          // Back from the row to the frequency, where it is within the axis.
          const hzAt = (y: number) => {
            const [low, high] = [melOf(axis.fromHz), melOf(axis.toHz)];
            return hzOf(low + ((panel.bottom - y) / (panel.bottom - panel.top)) * (high - low));
          };
          const within = (hz: number) => Math.min(axis.toHz, Math.max(axis.fromHz, hz));
          assert.ok(Math.abs(hzAt(top) / within(band.toHz) - 1) < 1e-9);
          assert.ok(Math.abs(hzAt(bottom) / within(band.fromHz) - 1) < 1e-9);
          const line = lines[i];
          if (line !== undefined) assert.ok(top <= line && line <= bottom);
        }
        assert.equal(lines.length, band.order === null ? 0 : axis.panels.length);
      }
      const panel = axis.panels.at(-1) ?? assert.fail('there is one');
      for (const [i, { labelY }] of marks.entries()) {
        assert.ok(labelY >= panel.top + labelPx / 2 - 1e-9 && labelY <= panel.bottom - labelPx / 2 + 1e-9);
        const above = marks[i - 1];
        if (above !== undefined) assert.ok(labelY - above.labelY >= labelPx - 1e-9);
      }
    }),
  );
});

test('a label alone stands at its band, and only one that has no room is moved', () => {
  const [high, low] = marksOf(oddBandsOf({ bands: 'level 4000-5000 Hz +6 dB; level 300-400 Hz +3 dB' }), axis);
  for (const mark of [high, low]) {
    const { top = 0, bottom = 0 } = mark?.rows.at(-1) ?? {};
    assert.equal(mark?.labelY, (top + bottom) / 2);
  }
  const [a, b] = marksOf(oddBandsOf({ bands: 'level 300-360 Hz +6 dB; level 380-440 Hz +3 dB' }), axis);
  assert.equal(Math.round((b?.labelY ?? 0) - (a?.labelY ?? 0)), labelPx);
});

test('M2: the higher the frequency, the higher in the picture', () => {
  const [upper] = axis.panels;
  assert.ok(upper !== undefined);
  const hz = fc.double({ min: axis.fromHz, max: axis.toHz, noNaN: true });
  fc.assert(
    fc.property(hz, hz, (a, b) => {
      if (a < b) assert.ok(yOf(a, axis, upper) >= yOf(b, axis, upper));
    }),
  );
  assert.deepEqual([yOf(axis.toHz, axis, upper), yOf(axis.fromHz, axis, upper)], [upper.top, upper.bottom]);
});

test('M4: an order is named where it is in the band, alone, at every speed within the error of the one told', () => {
  fc.assert(
    fc.property(told, fc.double({ min: 20, max: 8_000, noNaN: true }), (ranges, speed) => {
      for (const { what, fromHz, toHz, order } of oddBandsOf(evidenceOf(ranges, speed))) {
        if (what === 'change') assert.equal(order, null);
        if (order === null) continue;
        assert.ok(Math.abs(order.hz - (order.order * speed) / 60) < 1e-9);
        for (let off = -speedError; off <= speedError; off += speedError / 4) {
          const shaft = (speed / 60) * (1 + off);
          const inside: readonly number[] = Array.from({ length: order.order + 3 }, (_, n) => n).filter(
            (n) => n * shaft >= fromHz - 1e-9 && n * shaft <= toHz + 1e-9,
          );
          assert.deepEqual(inside, [order.order], `${fromHz}-${toHz} at ${shaft}`);
        }
      }
    }),
  );
  const orders = (bands: string, speed: number) =>
    oddBandsOf({ bands, speed }).map(({ order }) => order?.order ?? null);
  // A lockstitch machine at 5,000 a minute turns at 83.3 Hz.
  assert.deepEqual(orders('level 61-121 Hz +6.2 dB; level 151-212 Hz +4 dB; level 1200-1600 Hz +3 dB', 5000), [
    1,
    2,
    null,
  ]);
  assert.deepEqual(orders('level 90-121 Hz +6.2 dB', 5000), [null], 'none is in it');
  assert.deepEqual(orders('level 61-85 Hz +6.2 dB', 5000), [null], 'at the edge it may be out of it');
  // A cylinder at 30 a minute: every band has a hundred orders.
  assert.deepEqual(orders('level 393-454 Hz +6.2 dB', 30), [null]);
});

test('M5: what cannot be read is not marked', () => {
  for (const bands of [
    undefined,
    null,
    7,
    '',
    'level',
    'level 1-x Hz +2 dB',
    'noise 1-2 Hz +2 dB',
    'level 9-9 Hz +1 dB',
  ])
    assert.deepEqual(oddBandsOf({ bands: bands as string }), []);
  assert.deepEqual(oddBandsOf({ bands: 'level 300-360 Hz +6 dB', speed: 'fast' })[0]?.order, null);
  assert.equal(
    oddBandsOf({ bands: 'level 300-360 Hz +6 dB; level 400-4' }).length,
    1,
    'what was cut short is left out',
  );
  for (const text of [
    undefined,
    null,
    'linear 0-24000 Hz, 360x390 px, rows 0-390',
    'mel 200-100 Hz, 360x390 px, rows 0-390',
    'mel 15-19700 Hz, 360x390 px, rows 0-391',
    'mel 15-19700 Hz, 360x390 px, rows ',
  ])
    assert.equal(axisOf(text), null, String(text));
  assert.deepEqual(axisOf('mel 15-19700 Hz, 360x192 px, rows 0-192')?.panels, [{ top: 0, bottom: 192 }]);
});

test('what stands out is said in words: the order where there is one, how loud, how much it changes, in every language', () => {
  const bands = oddBandsOf({
    bands: 'level 151-212 Hz +6.2 dB; level 1240-1630 Hz -4 dB; change 393-454 Hz +12.5 dB; change 5000-6000 Hz -3 dB',
    speed: 5000,
  });
  assert.deepEqual(
    bands.map((band) => markWord(band, english)),
    ['order 2 · 167 Hz', '393–454 Hz', '1.24–1.63 kHz', '5–6 kHz'],
  );
  assert.deepEqual(
    bands.map((band) => oddBandWord(band, english)),
    [
      'order 2 · 167 Hz (151–212 Hz): 6.2 dB louder than taught',
      '393–454 Hz: changes 12.5 dB more than taught',
      '1.24–1.63 kHz: 4.0 dB quieter than taught',
      '5–6 kHz: changes 3.0 dB less than taught',
    ],
  );
  assert.match(markWord(bands[0] ?? assert.fail(), languageOf('bn', bn)), /২ · ১৬৭ Hz/);
});
