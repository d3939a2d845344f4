/** The page in a real browser, of a machine with an eye: its alerts, the roll map, and a cloth that is taught. */
import assert from 'node:assert/strict';
import { after, test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import sharp from 'sharp';
import { createFloor, type Floor } from '../unit/page/floor.ts';
import { alertView, rollListed } from '../unit/page/floor-demo.ts';
import { axeSource, beginPage, expectClean, openAs, sharedBrowser, watch } from './page-browser.ts';

const shared = sharedBrowser();
after(() => shared.close());
const begin = (t: TestContext, floor: Floor) => beginPage(t, shared, floor);

test('an alert of the eye shows its picture, needle and metre, and leads to the roll map, where a maintainer begins a roll', async (t) => {
  const floor = createFloor();
  floor.setMachine('ck-1', { hasEye: true });
  floor.rolls = [rollListed(8), rollListed(7, { id: 'R-7', endedMs: Date.now() - 3_600_000, lengthM: 101.5 })];
  const crop = 'ab'.repeat(32);
  const grey = { create: { width: 60, height: 40, channels: 3 as const, background: '#888888' } };
  floor.crops.set(crop, await sharp(grey).webp().toBuffer());
  const setting = await begin(t, floor);
  if (setting === null) return;
  const tab = await openAs(t, setting, 'omar');
  const faults = watch(tab, setting.url);
  const place = { rollFromM: 12.345, rollToM: 12.5, roll: 8, crop, isSimulated: true };
  floor.raise(
    alertView({
      occurrence: 'occ-line',
      machine: 'ck-1',
      type: 'needle_line',
      text: 'Needle line in the cloth',
      cause: 'needle_or_sinker',
      evidence: { needle: 1207, k: 2, needleUnknown: null, ...place },
    }),
  );
  const card = tab.locator('[data-occurrence="occ-line"]');
  await card.getByText('Needle 1207 ± 2').waitFor();
  await card.getByText('At 12.35 m of roll 8').waitFor();
  await card.getByText('Simulated cloth').waitFor();
  // Not `waitForFunction`: what it asks again it evaluates in the page, whose policy forbids that.
  const shown = async (name: string, widthPx: number) => {
    while ((await tab.evaluate(`document.querySelector('${name}').naturalWidth`)) !== widthPx) await delay(20);
  };
  await shown('img.crop', 60);

  await card.getByRole('link', { name: 'Roll map' }).click();
  const tile = tab.locator('[data-machine="ck-1"]');
  await tile.getByRole('img', { name: 'Faults of roll 8 along its metres' }).waitFor();
  await shown('img.roll-map', 120);
  await tile.getByLabel('Roll', { exact: true }).selectOption('7');
  await tile.getByRole('img', { name: 'Faults of roll R-7' }).waitFor();
  await tile.getByLabel('Name of the next roll').fill('R-9');
  await tile.getByRole('button', { name: 'The cloth was cut: a roll begins' }).click();
  await tile.getByRole('img', { name: 'Faults of roll R-9' }).waitFor();
  assert.deepEqual(
    floor.rolls.map(({ id }) => id),
    ['R-9', '8', 'R-7'],
  );
  await expectClean(tab, await axeSource(), 'roll map');
  assert.deepEqual(faults, []);

  const viewer = await openAs(t, setting, 'mina');
  await viewer.locator('[data-machine="ck-1"]').getByText('Roll map', { exact: true }).click();
  await viewer.getByRole('img', { name: 'Faults of roll R-9' }).waitFor();
  assert.equal(await viewer.getByRole('button', { name: 'The cloth was cut' }).count(), 0);
});

test('a maintainer teaches the eye a cloth: asked first, progress, stop, what was learned; a viewer only looks on', async (t) => {
  const floor = createFloor();
  floor.setMachine('ck-1', { hasEye: true });
  const setting = await begin(t, floor);
  if (setting === null) return;
  const tab = await openAs(t, setting, 'omar');
  const faults = watch(tab, setting.url);
  const tile = tab.locator('[data-machine="ck-1"]');
  await tile.getByText('Cloth', { exact: true }).click();
  await tile.getByText('The eye was not shown single-jersey yet').waitFor();

  const teach = tile.getByRole('button', { name: 'Teach this cloth' });
  const sure = tile.getByRole('button', { name: 'Only good cloth is running: teach it' });
  await teach.click();
  await tile.getByText('Only good cloth must be running now.').waitFor();
  await tile.getByRole('button', { name: 'Cancel' }).click();
  assert.deepEqual(floor.taught, [], 'nothing was begun');
  await teach.click();
  await sure.click();
  await tile.getByText('Waiting for the first picture of 12…').waitFor();
  const begun = floor.cloth.teaching;
  assert.ok(begun !== null);
  floor.cloth = { ...floor.cloth, teaching: { ...begun, picture: 5 } };
  await tile.getByText('Picture 5 of 12').waitFor();
  assert.equal(await teach.count(), 0);
  await expectClean(tab, await axeSource(), 'a cloth is being taught');
  await tile.getByRole('button', { name: 'Stop teaching' }).click();
  await teach.click();
  await sure.click();
  await tile.getByText('Waiting for the first picture').waitFor();
  assert.deepEqual(
    floor.taught.map(({ deed, by }) => [deed, by]),
    [
      ['teach', 'omar'],
      ['cancel', 'omar'],
      ['teach', 'omar'],
    ],
  );

  const viewer = await openAs(t, setting, 'mina');
  const seen = viewer.locator('[data-machine="ck-1"]');
  await seen.getByText('Cloth', { exact: true }).click();
  await seen.getByText('Waiting for the first picture').waitFor();
  assert.equal(await seen.getByRole('button', { name: /[Tt]each/ }).count(), 0);

  const of = { machine: 'ck-1', fabric: 'single-jersey' };
  const report = {
    ok: true as const,
    ...of,
    version: 4,
    images: 11,
    threshold: 1.0234,
    refused: [{ image: 'picture 3', reason: 'too dark: brightness 20 of 255' }],
    seconds: 9,
    advice: ['Focus the camera on them, and teach again.'],
  };
  const known = { version: 4, taughtMs: Date.now(), images: 11 };
  floor.cloth = { ...floor.cloth, known, teaching: { ...begun, state: 'done', picture: 12, report } };
  for (const at of [tile, seen]) {
    await at.getByText('Learned as version 4 from 11 pictures, threshold 1.02.').waitFor();
    await at.getByText('picture 3: too dark: brightness 20 of 255').waitFor();
    await at.getByText('Focus the camera on them').waitFor();
    await at.getByText('The eye knows single-jersey: version 4').waitFor();
  }
  const why = { message: 'AGT-822 ck-1', meaning: 'It took too long.', cure: 'See the camera.' };
  const failed = { ok: false as const, ...of, images: 0, refused: [], advice: [], ...why };
  await teach.click();
  await sure.click();
  await tile.getByText('Waiting for the first picture').waitFor();
  floor.cloth = {
    ...floor.cloth,
    teaching: { ...begun, state: 'failed', report: failed },
  };
  await tile.getByText('It took too long.').waitFor();
  await tile.getByText('See the camera.').waitFor();
  await expectClean(tab, await axeSource(), 'a cloth was not learned');
  assert.deepEqual(faults, []);
});
