/** The page in a real browser, of a machine with an eye and an ear that tell of one needle. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import sharp from 'sharp';
import { pictureAxis } from '../../agent/senses/ear/picture-axis.ts';
import { createFloor } from '../unit/page/floor.ts';
import { alertView } from '../unit/page/floor-demo.ts';
import { axeSource, beginPage, expectClean, openAs, sharedBrowser, watch } from './page-browser.ts';

const shared = sharedBrowser();
after(() => shared.close());

const crop = 'ab'.repeat(32);
const heatMap = 'ef'.repeat(32);
const spectrogram = 'cd'.repeat(32);
const heard = { spectrogramAxis: pictureAxis, bands: 'level 1240-1630 Hz +6.2 dB', speed: 26 };
const picture = (width: number) =>
  sharp({ create: { width, height: 40, channels: 3, background: '#888888' } })
    .webp()
    .toBuffer();
const line = {
  occurrence: 'occ-line',
  machine: 'ck-1',
  type: 'needle_line',
  text: 'Needle line in the cloth',
  cause: 'needle_or_sinker',
  evidence: {
    needle: 317,
    k: 2,
    needleUnknown: null,
    rollFromM: 12.345,
    roll: 8,
    crop,
    heatMap,
    heatPeak: 1.3,
    isSimulated: true,
    incident: 'occ-line',
  },
};
const odd = {
  occurrence: 'occ-odd',
  machine: 'ck-1',
  type: 'sound_odd',
  text: 'The machine does not sound like itself',
  priority: 'medium' as const,
  evidence: { needles: '293 ± 2; 316 ± 2', suspected: 'badNeedle 0.9', spectrogram, ...heard, incident: 'occ-line' },
};
const incident = {
  id: 'occ-line',
  needle: 316,
  k: 2,
  senses: ['eye', 'ear'] as const,
  occurrences: ['occ-line', 'occ-odd'],
  crop,
  spectrogram,
  legend: { heatMap, heatPeak: 1.3, ...heard },
};

test('what eye and ear tell of one needle is one line with both pictures and the needle to change, acknowledged by one touch', async (t) => {
  const floor = createFloor();
  floor.setMachine('ck-1', { hasEye: true, hasEar: true });
  floor.crops.set(crop, await picture(60));
  floor.crops.set(heatMap, await picture(61));
  floor.crops.set(spectrogram, await picture(90));
  const setting = await beginPage(t, shared, floor);
  if (setting === null) return;
  const tab = await openAs(t, setting, 'omar');
  const faults = watch(tab, setting.url);
  const lines = tab.locator('#alerts > .alerts > li');
  const before = await lines.count();

  const alone = { ...incident, needle: null, k: null, senses: ['ear'] as const, occurrences: ['occ-odd'] };
  floor.raise(alertView(odd, { incident: { ...alone, id: 'occ-odd', crop: null } }));
  const oddCard = tab.locator('#alerts > .alerts > li > [data-occurrence="occ-odd"]');
  await oddCard.getByRole('img', { name: /The last minute of sound/ }).waitFor();

  // The eye tells of it, too: both are one line, in the place of one.
  floor.alerts = floor.alerts.filter(({ record }) => record.occurrence !== 'occ-odd');
  for (const one of [line, odd]) floor.raise(alertView(one, { incident }));
  const card = tab.locator('[data-incident="occ-line"]');
  await card.getByRole('heading', { name: 'Change needle 316 (± 2)' }).waitFor();
  await card.getByText('Eye and ear agree').waitFor();
  await card.getByText('Simulated', { exact: true }).waitFor();
  assert.equal(await lines.count(), before + 1);
  const shown = async (name: string, widthPx: number) => {
    const of = `document.querySelector('.senses ${name}')?.naturalWidth`;
    while ((await tab.evaluate(of)) !== widthPx) await delay(20);
  };
  await shown('img.crop', 60);
  await shown('img.heat', 61);
  await shown('img.spectrogram', 90);
  const senses = card.locator('.senses');
  await senses.locator('.sound-marks text', { hasText: '1.24–1.63 kHz' }).waitFor();
  await senses.getByText('1.24–1.63 kHz: 6.2 dB louder than taught').waitFor();
  await senses.getByRole('checkbox', { name: 'Heat map' }).click();
  await senses.locator('img.heat').waitFor({ state: 'detached' });
  await expectClean(tab, await axeSource(), 'an incident');

  await card.getByText('Its 2 alerts').click();
  await card.getByText('Needle 317 ± 2').waitFor();
  await card.getByText('the needle may be one of 293 ± 2, 316 ± 2').waitFor();
  await expectClean(tab, await axeSource(), 'an incident and its alerts');
  await card.getByRole('button', { name: /^Acknowledge: .*, Change needle 316/ }).click();
  await card.getByText('by omar').first().waitFor();
  while ((await card.getByRole('button', { name: /^Acknowledge/ }).count()) > 0) await delay(20);
  assert.deepEqual(floor.acks.map(({ occurrence, actor }) => `${occurrence} ${actor}`).sort(), [
    'occ-line omar',
    'occ-odd omar',
  ]);
  assert.deepEqual(faults, []);

  const viewer = await openAs(t, setting, 'mina');
  const seen = viewer.locator('[data-incident="occ-line"]');
  await seen.getByRole('heading', { name: 'Change needle 316 (± 2)' }).waitFor();
  assert.equal(await seen.getByRole('button', { name: /Acknowledge/ }).count(), 0);
});

test('where one alert is over, or one picture is not here any more, the incident stands with the other', async (t) => {
  const floor = createFloor();
  floor.setMachine('ck-1', { hasEye: true, hasEar: true });
  floor.crops.set(spectrogram, await picture(90));
  const setting = await beginPage(t, shared, floor);
  if (setting === null) return;
  floor.raise(alertView(odd, { incident }));
  const tab = await openAs(t, setting, 'omar');
  const card = tab.locator('[data-incident="occ-line"]');
  await card.getByRole('heading', { name: 'Change needle 316 (± 2)' }).waitFor();
  await card.getByText('The alert that is open').waitFor();
  await card.locator('.senses img.spectrogram').waitFor();
  while ((await card.locator('.senses img.crop').count()) > 0) await delay(20);
  assert.equal(await card.getByRole('checkbox', { name: 'Heat map' }).count(), 0, 'there is nothing for it to lie on');
  await expectClean(tab, await axeSource(), 'an incident without the crop');
});
