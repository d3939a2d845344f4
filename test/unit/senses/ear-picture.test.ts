import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { SoundHistory } from '../../../agent/senses/ear/history.ts';
import { pictureAxis } from '../../../agent/senses/ear/picture-axis.ts';
import { drawn, pictureOf } from '../../../agent/senses/ear/picture.ts';
import { maxPictureBytes } from '../../../agent/senses/ear/settings.ts';
import { axisOf, yOf } from '../../../agent/web/sound-marks.ts';
import { parts } from '../../../models/voiceprint/ear.ts';
import { bandEdgesHz, bands } from '../../../models/voiceprint/front-end.ts';
import { seeded } from '../../../models/statistics/split.ts';

const columns = (of: (band: number) => number, pieces = 120) => {
  const history = new SoundHistory();
  const features = Float32Array.from({ length: parts * bands }, (_, i) => (i < bands ? of(i) : 0));
  const print = { bands, gaussians: [{ middle: new Float32Array(bands) }] } as never;
  for (let piece = 0; piece < pieces; piece += 1) history.add(piece * 512, features, print);
  return history.columns();
};
/** Rows of the newest column, from the top, in which that part of the colour is largest. */
const rowsOf = (picture: ReturnType<typeof drawn>, isIt: (red: number, green: number, blue: number) => boolean) => {
  const { width, height, pixels } = picture;
  return Array.from({ length: height }, (_, y) => y).filter((y) => {
    const at = 3 * (y * width + width - 1);
    return isIt(pixels[at] ?? 0, pixels[at + 1] ?? 0, pixels[at + 2] ?? 0);
  });
};
const axis = axisOf(pictureAxis) ?? assert.fail('the axis is one that is read');

test('what is drawn of a band lies where the axis says, in both halves, whichever band it is', () => {
  for (let band = 0; band < bands; band += 1) {
    const picture = drawn(columns((one) => (one === band ? 12 : 0)));
    assert.deepEqual([picture.width, picture.height], [axis.widthPx, axis.heightPx]);
    const [from, to] = bandEdgesHz(band);
    const lower = axis.panels[1] ?? assert.fail('there are two halves');
    const red = rowsOf(picture, (r, g) => r - g > 60).filter((y) => y >= lower.top);
    const middle = (yOf(from, axis, lower) + yOf(to, axis, lower)) / 2;
    // Two bands are drawn as one row of three pixels.
    assert.equal(red.length, 3);
    assert.ok(
      (red[0] ?? NaN) <= middle + 0.6 && middle - 0.6 <= (red[2] ?? NaN) + 1,
      `${band}: ${red.join()}, ${middle}`,
    );
    const upper = axis.panels[0] ?? assert.fail('there are two halves');
    assert.ok(Math.abs(lower.top - upper.top - (yOf(from, axis, lower) - yOf(from, axis, upper))) < 1e-9);
    assert.deepEqual(
      rowsOf(picture, (r, g, b) => r === 255 && g === 255 && b === 128).filter((y) => y < upper.bottom),
      red.map((y) => y - lower.top),
    );
  }
});

test('what is louder than taught is red where it is louder and nowhere else, what is quieter blue', () => {
  const picture = drawn(columns((band) => (band >= 20 && band < 24 ? 12 : band >= 90 && band < 92 ? -12 : 0)));
  const lower = axis.panels[1]?.top ?? NaN;
  const of = (rows: readonly number[]) => rows.filter((y) => y >= lower).map((y) => y - lower);
  assert.deepEqual(of(rowsOf(picture, (r, g) => r - g > 60)), [156, 157, 158, 159, 160, 161]);
  assert.deepEqual(of(rowsOf(picture, (_r, g, b) => b - g > 60)), [54, 55, 56]);
});

test('the picture of a minute of noise is small enough to be sent', async () => {
  const random = seeded(3);
  const noise = columns(() => 40 * random());
  const bytes = (await pictureOf(noise)) ?? assert.fail('there is one');
  assert.ok(bytes.length <= maxPictureBytes);
  const { width, height } = await sharp(bytes).metadata();
  assert.deepEqual([width, height], [axis.widthPx, axis.heightPx]);
});
