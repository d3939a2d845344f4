/**
 * What shows that an alert is right, in a real browser: the curve with the limit and the moment, the crop with its heat map, the picture of a
 * sound with what stands out; and the page for who needs more contrast.
 */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Locator } from 'playwright-core';
import sharp from 'sharp';
import { heatMapOf } from '../../agent/senses/eye/heat-map.ts';
import { SoundHistory } from '../../agent/senses/ear/history.ts';
import { pictureAxis } from '../../agent/senses/ear/picture-axis.ts';
import { drawn, pictureOf } from '../../agent/senses/ear/picture.ts';
import { parts } from '../../models/voiceprint/ear.ts';
import { bandEdgesHz, bands } from '../../models/voiceprint/front-end.ts';
import { alertView } from '../unit/page/floor-demo.ts';
import { createFloor } from '../unit/page/floor.ts';
import { axeSource, beginPage, expectClean, openAs, sharedBrowser, watch, wide } from './page-browser.ts';

const shared = sharedBrowser();
after(() => shared.close());

const hot = (raisedMs: number) =>
  alertView({
    occurrence: 'occ-hot',
    machine: 'ls-1',
    type: 'motor_hot',
    text: 'Motor too hot',
    signal: 'motor.temp',
    priority: 'high',
    onsetMs: raisedMs - 30_000,
    raisedMs,
    evidence: { value: 91.4, limit: 85 },
  });

test('an alert that was judged by a value shows how it went, with its limit, when somebody opens it', async (t) => {
  const floor = createFloor();
  const setting = await beginPage(t, shared, floor);
  if (setting === null) return;
  floor.raise(hot(Date.now() - 60_000));
  const tab = await openAs(t, setting, 'mina');
  const faults = watch(tab, setting.url);
  const card = tab.locator('[data-occurrence="occ-hot"]');
  assert.equal(await card.locator('canvas').count(), 0, 'nothing is fetched before it is asked for');
  await card.getByText('How it went').click();
  await card.locator('.alert-curve canvas').waitFor();
  await card
    .getByText(/^Motor temperature: from .* °C to .* °C\. The alert was raised at .* The limit is 85 °C\./)
    .waitFor();
  await expectClean(tab, await axeSource(), 'an alert with its curve');
  assert.equal(
    await tab.locator('[data-occurrence="occ-overload"]').getByText('How it went').count(),
    0,
    'a code has none',
  );
  assert.deepEqual(faults, []);
});

/** Where it is on the screen. */
async function boxOf(at: Locator) {
  const { x, y, width, height } = (await at.boundingBox()) ?? assert.fail('it is on the screen');
  return { left: x, top: y, right: x + width, bottom: y + height };
}
const hasLoaded = async (picture: Locator) => {
  while (!(await picture.evaluate((one) => 'naturalWidth' in one && Number(one.naturalWidth) > 0))) await delay(20);
};
const near = (a: number, b: number, by: number, what: string) =>
  assert.ok(Math.abs(a - b) <= by, `${what}: ${a}, ${b}`);
function sameBox(a: Awaited<ReturnType<typeof boxOf>>, b: Awaited<ReturnType<typeof boxOf>>): void {
  for (const side of ['left', 'top', 'right', 'bottom'] as const) near(a[side], b[side], 0.6, side);
}

/** Grey cloth with a hole, and the heat map of it as the eye makes it: the hole at twice the threshold, and close to it below. */
async function hole() {
  const [width, height] = [120, 96];
  const isHole = (x: number, y: number) => x >= 24 && x < 56 && y >= 16 && y < 48;
  const of = <T>(each: (x: number, y: number) => T): T[] =>
    Array.from({ length: width * height }, (_, i) => each(i % width, Math.floor(i / width)));
  const pixels = Uint8Array.from(of((x, y) => (isHole(x, y) ? 20 : 140)));
  const heat = Float32Array.from(of((x, y) => (isHole(x, y) ? 1.84 : x >= 24 && x < 56 && y < 72 ? 0.8 : 0.1)));
  const map = heatMapOf({ picture: { width, height, pixels }, heat }) ?? assert.fail('it is hot');
  return {
    size: { width, height },
    crop: await sharp(pixels, { raw: { width, height, channels: 1 } })
      .webp()
      .toBuffer(),
    heatMap: await sharp(map.pixels, { raw: { width, height, channels: 4 } })
      .webp({ lossless: true })
      .toBuffer(),
  };
}

const line = (occurrence: string, evidence: Readonly<Record<string, string | number | null>>) =>
  alertView({
    occurrence,
    machine: 'ck-1',
    type: 'hole',
    text: 'Hole in the cloth',
    cause: 'yarn_or_feeder',
    evidence: { needle: null, k: null, needleUnknown: 'no-angle', rollFromM: 12.3, roll: 8, ...evidence },
  });

test('an alert of the eye has its heat map over the crop, hot by the threshold, which a key turns off and on', async (t) => {
  const { size, ...files } = await hole();
  const [crop, heatMap, other, gone] = ['ab', 'cd', 'ef', '99'].map((two) => two.repeat(32)) as [
    string,
    string,
    string,
    string,
  ];
  const floor = createFloor();
  floor.setMachine('ck-1', { hasEye: true });
  floor.crops.set(crop, files.crop);
  floor.crops.set(heatMap, files.heatMap);
  floor.crops.set(other, files.crop);
  const setting = await beginPage(t, shared, floor);
  if (setting === null) return;
  floor.raise(line('occ-hole', { crop, heatMap, heatPeak: 1.84 }));
  const tab = await openAs(t, setting, 'mina');
  const faults = watch(tab, setting.url);
  const card = tab.locator('[data-occurrence="occ-hole"]');
  const [picture, over] = [card.locator('img.crop'), card.getByRole('img', { name: 'Heat map' })];
  await hasLoaded(picture);
  await hasLoaded(over);
  sameBox(await boxOf(over), await boxOf(picture));
  await card.getByText('Heat map: the worst place is at 1.8 times the taught limit.').waitFor();
  await card.getByText('Orange, outlined: further off than good cloth goes').waitFor();

  /** The colour that is on the screen at a pixel of the crop. */
  const seen = async (x: number, y: number) => {
    const { data, info } = await sharp(await picture.screenshot())
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    const [column, row] = [
      Math.floor(((x + 0.5) / size.width) * info.width),
      Math.floor(((y + 0.5) / size.height) * info.height),
    ];
    const at = info.channels * (row * info.width + column);
    return [data[at] ?? 0, data[at + 1] ?? 0, data[at + 2] ?? 0] as const;
  };
  const isGrey = ([red, green, blue]: readonly [number, number, number], about: number) => {
    near(red, about, 16, 'red');
    near(green, about, 16, 'green');
    near(blue, about, 16, 'blue');
  };
  const [red, green, blue] = await seen(40, 32);
  assert.ok(red > green + 20 && green > blue + 10, `the hole is orange: ${red} ${green} ${blue}`);
  isGrey(await seen(25, 32), 0);
  isGrey(await seen(27, 32), 255);
  const close = await seen(40, 60);
  assert.ok(close[2] > close[0] + 30, `what is close to the threshold is blue: ${close.join()}`);
  isGrey(await seen(90, 32), 140);
  await expectClean(tab, await axeSource(), 'a crop with its heat map');

  const control = card.getByRole('checkbox', { name: 'Heat map' });
  await control.focus();
  await tab.keyboard.press('Space');
  await over.waitFor({ state: 'detached' });
  isGrey(await seen(40, 32), 20);
  assert.equal(await card.getByText('Orange, outlined').count(), 0);
  await expectClean(tab, await axeSource(), 'a crop without its heat map');
  await tab.keyboard.press('Space');
  await over.waitFor();
  sameBox(await boxOf(over), await boxOf(picture));

  // Of a line that no picture shows by itself there is none, and of one that was removed neither.
  floor.raise(line('occ-faint', { crop, heatMap: null, heatPeak: 0.47 }));
  const faint = tab.locator('[data-occurrence="occ-faint"]');
  await faint
    .getByText('No place of this picture by itself is beyond the taught limit: the worst is at 0.4 times of it.')
    .waitFor();
  floor.raise(line('occ-gone', { crop: other, heatMap: gone, heatPeak: 2 }));
  const without = tab.locator('[data-occurrence="occ-gone"]');
  await hasLoaded(without.locator('img.crop'));
  await without.locator('img.heat').waitFor({ state: 'detached' });
  for (const one of [faint, without]) assert.equal(await one.getByRole('checkbox', { name: 'Heat map' }).count(), 0);
  assert.deepEqual(faults, []);
});

interface Drawn {
  readonly getBBox: () => { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
}
/** Of a text in a drawing, in units of that. */
const letters = (text: Locator) =>
  text.evaluate((one) => {
    const { x, y, width, height } = (one as unknown as Drawn).getBBox();
    return { left: x, top: y, right: x + width, bottom: y + height };
  });

/** Half a minute in which bands 4 and 5, around the second order of 5,000 a minute, are 9 dB louder than taught, and 70 to 79 quieter. */
function heardColumns() {
  const history = new SoundHistory();
  const print = { bands, gaussians: [{ middle: new Float32Array(bands) }] } as never;
  const features = Float32Array.from({ length: parts * bands }, (_, band) =>
    band === 4 || band === 5 ? 9 : band >= 70 && band < 80 ? -9 : 0,
  );
  for (let piece = 0; piece < 60; piece += 1) history.add(piece * 512, features, print);
  return history.columns();
}
const hz = (from: number, to: number) =>
  [bandEdgesHz(from)[0], bandEdgesHz(to)[1]].map((edge) => Math.round(edge)).join('-');

test('an alert of the ear has what stands out marked in its picture, where it is, and says it in words', async (t) => {
  const [spectrogram, old] = ['ab'.repeat(32), 'cd'.repeat(32)] as const;
  const columns = heardColumns();
  const bytes = (await pictureOf(columns)) ?? assert.fail('there is a picture');
  const floor = createFloor();
  floor.setMachine('ls-1', { hasEar: true });
  floor.crops.set(spectrogram, bytes);
  floor.crops.set(old, bytes);
  const setting = await beginPage(t, shared, floor);
  if (setting === null) return;
  const evidence = { speed: 5000, bands: `level ${hz(70, 79)} Hz -9 dB; level ${hz(4, 5)} Hz +9.2 dB` };
  const odd = { machine: 'ls-1', type: 'sound_odd', text: 'The machine does not sound like itself' };
  const shown = { ...evidence, spectrogram, spectrogramAxis: pictureAxis };
  floor.raise(alertView({ ...odd, occurrence: 'occ-odd', evidence: shown }));
  floor.raise(alertView({ ...odd, occurrence: 'occ-old', evidence: { ...evidence, spectrogram: old } }));
  const tab = await openAs(t, setting, 'mina');
  const faults = watch(tab, setting.url);
  const card = tab.locator('[data-occurrence="occ-odd"]');
  const picture = card.getByRole('img', { name: /The last minute of sound/ });
  await hasLoaded(picture);
  const box = await boxOf(picture);
  sameBox(await boxOf(card.locator('.sound-marks')), box);

  // Rows of the picture, as it is drawn, in which the newest moment is louder or quieter than taught: against where the marks are on the screen.
  const { width, height, pixels } = drawn(columns);
  const rows = (isIt: (red: number, blue: number) => boolean) =>
    Array.from({ length: height }, (_, y) => y).filter((y) => {
      const at = 3 * (y * width + width - 1);
      return y > height / 2 && isIt(pixels[at] ?? 0, pixels[at + 2] ?? 0);
    });
  const perPx = (box.bottom - box.top) / height;
  // A mark goes by the edges of its bands, which reach half a band, 1.5 of these pixels, over those that are drawn on each side; its frame
  // stands 1.5 outside of that, with half of its line.
  const reach = (1.5 + 1.5 + 0.5) * perPx + 0.6;
  for (const [at, drawnAt, label] of [
    [0, rows((red, blue) => blue > red + 60), `${Math.round((bandEdgesHz(70)[0] ?? 0) / 10) / 100}–`],
    [1, rows((red, blue) => red > blue + 60), 'order 2 · 167 Hz'],
  ] as const) {
    const mark = card.locator('.sound-mark').nth(at);
    assert.ok(drawnAt.length > 2);
    const [top, bottom] = [box.top + (drawnAt[0] ?? 0) * perPx, box.top + ((drawnAt.at(-1) ?? 0) + 1) * perPx];
    const band = await boxOf(mark.locator('.sound-band').nth(1).locator('.edge'));
    near(band.top, top, reach, `${label} begins`);
    near(band.bottom, bottom, reach, `${label} ends`);
    const upper = await boxOf(mark.locator('.sound-band').nth(0).locator('.edge'));
    near(band.top - upper.top, (198 / 390) * (box.bottom - box.top), 1, 'the same in the other half');
    // In pixels of the picture, and without the light around its letters.
    const words = await letters(mark.locator('text'));
    assert.ok((await mark.locator('text').textContent())?.startsWith(label));
    assert.ok(words.left >= 0 && words.right <= width && words.bottom <= height, `its label is in it: ${words.bottom}`);
    near((words.top + words.bottom) / 2, ((top + bottom) / 2 - box.top) / perPx, 8, 'its label is beside it');
  }
  const order = await boxOf(card.locator('.sound-mark').nth(1).locator('.order').nth(1));
  const band = await boxOf(card.locator('.sound-mark').nth(1).locator('.sound-band').nth(1).locator('.edge'));
  assert.ok(order.top >= band.top && order.bottom <= band.bottom, 'the order lies in its band');

  const list = card.getByRole('listitem').filter({ hasText: 'than taught' });
  assert.deepEqual(await list.allTextContents(), [
    `order 2 · 167 Hz (${hz(4, 5).replace('-', '–')} Hz): 9.2 dB louder than taught`,
    await list.nth(1).textContent(),
  ]);
  assert.match((await list.nth(1).textContent()) ?? '', /kHz: 9\.0 dB quieter than taught$/);
  // Of a picture whose axis nobody told nothing is marked; what stands out is said all the same.
  const before = tab.locator('[data-occurrence="occ-old"]');
  await before.getByText('order 2 · 167 Hz').waitFor();
  assert.equal(await before.locator('.sound-marks').count(), 0);
  await expectClean(tab, await axeSource(), 'a sound with its marks');
  assert.deepEqual(faults, []);
});

test('who asks the device for more contrast gets it, light and dark, clean to axe', async (t) => {
  const setting = await beginPage(t, shared);
  if (setting === null) return;
  const axe = await axeSource();
  for (const colorScheme of ['light', 'dark'] as const) {
    const tab = await openAs(t, setting, 'mina', { ...wide, contrast: 'more', colorScheme });
    const ground = await tab.evaluate('getComputedStyle(document.body).backgroundColor');
    assert.equal(ground, colorScheme === 'light' ? 'rgb(255, 255, 255)' : 'rgb(0, 0, 0)');
    await expectClean(tab, axe, `more contrast, ${colorScheme}`);
  }
});
