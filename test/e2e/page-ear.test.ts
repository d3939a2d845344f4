/** The page in a real browser, of a machine with an ear: what staff say of an alert, and a machine that is enrolled. */
import assert from 'node:assert/strict';
import { after, test, type TestContext } from 'node:test';
import { createFloor, type Floor } from '../unit/page/floor.ts';
import { alertView } from '../unit/page/floor-demo.ts';
import { axeSource, beginPage, expectClean, openAs, sharedBrowser, watch } from './page-browser.ts';

const shared = sharedBrowser();
after(() => shared.close());
const begin = (t: TestContext, floor: Floor) => beginPage(t, shared, floor);

const odd = (occurrence: string) =>
  alertView({
    occurrence,
    machine: 'ls-1',
    type: 'sound_odd',
    text: 'The machine does not sound like itself',
    evidence: { moved: 1.5, movedBy: '1 false alarm (b-1)' },
  });

test('a maintainer says of an open and of a past alert what it was, and takes it back; a viewer only reads it', async (t) => {
  const floor = createFloor();
  floor.setMachine('ls-1', { hasEar: true });
  const setting = await begin(t, floor);
  if (setting === null) return;
  const tab = await openAs(t, setting, 'omar');
  const faults = watch(tab, setting.url);
  floor.raise(odd('occ-odd'));
  const card = tab.locator('[data-occurrence="occ-odd"]');
  await card.getByText('Told by a threshold that was raised by 1.5 spreads').waitFor();
  await card.getByLabel('What it was, if you know').fill('bent needle');
  await expectClean(tab, await axeSource(), 'an alert of the ear');
  await card.getByRole('button', { name: 'Real fault' }).click();
  await card.getByText('omar said: a real fault (bent needle).').waitFor();
  assert.equal(await card.getByRole('button', { name: 'False alarm' }).count(), 0);

  const viewer = await openAs(t, setting, 'mina');
  const seen = viewer.locator('[data-occurrence="occ-odd"]');
  await seen.getByText('omar said: a real fault (bent needle).').waitFor();
  assert.equal(await seen.getByRole('button', { name: /Take back|Real fault|False alarm/ }).count(), 0);

  await card.getByRole('button', { name: 'Take back' }).click();
  await card.getByRole('button', { name: 'False alarm' }).click();
  await card.getByText('The threshold of this machine is raised by 1.5 spreads, from').waitFor();

  floor.sound = { ...floor.sound, labels: [], moved: 0 };
  const past = odd('occ-past');
  floor.history = [
    { ...past, record: { ...past.record, state: 'normal', transition: 'closed', clearedMs: Date.now() } },
  ];
  await tab.getByText('Show what is over').click();
  const row = tab.getByRole('row').filter({ hasText: 'does not sound like itself' });
  await row.getByRole('button', { name: 'False alarm' }).click();
  await row.getByText('omar said: a false alarm.').waitFor();
  await expectClean(tab, await axeSource(), 'a past alert of the ear');
  assert.deepEqual(
    floor.heard.map(({ deed, of }) => [deed, of]),
    [
      ['real', 'occ-odd'],
      ['take-back', 'occ-odd'],
      ['false-alarm', 'occ-odd'],
      ['false-alarm', 'occ-past'],
    ],
  );
  assert.deepEqual(faults, []);
});

test('a maintainer enrols a machine: asked first, progress by speed, stop, and what was learned', async (t) => {
  const floor = createFloor();
  floor.setMachine('ls-1', { hasEar: true });
  const setting = await begin(t, floor);
  if (setting === null) return;
  const tab = await openAs(t, setting, 'omar');
  const faults = watch(tab, setting.url);
  const tile = tab.locator('[data-machine="ls-1"]');
  await tile.getByText('Sound', { exact: true }).click();
  await tile.getByText('The ear was not taught this machine yet').waitFor();
  const teach = tile.getByRole('button', { name: 'Teach this sound' });
  const sure = tile.getByRole('button', { name: 'The machine is well: teach it' });
  await teach.click();
  await tile.getByText('The machine must be well now').waitFor();
  await tile.getByRole('button', { name: 'Cancel' }).click();
  assert.deepEqual(floor.heard, [], 'nothing was begun');
  await teach.click();
  await sure.click();
  await tile.getByText('Waiting for the machine to run').waitFor();
  const begun = floor.sound.teaching;
  assert.ok(begun !== null);
  floor.sound = { ...floor.sound, teaching: { ...begun, speeds: [{ speed: 4000, samples: 12 }] } };
  await tile.getByText('4000 a minute: 12 of 40 samples, 28 still needed').waitFor();
  assert.equal(await teach.count(), 0);
  await expectClean(tab, await axeSource(), 'a machine is being enrolled');

  await tile.getByRole('button', { name: 'Stop teaching the sound' }).click();
  await tile.getByText('It was stopped; nothing was learned.').waitFor();
  await teach.click();
  await sure.click();
  await tile.getByText('Waiting for the machine to run').waitFor();
  const speeds = [{ speed: 4000, samples: 40 }];
  floor.sound = {
    ...floor.sound,
    print: 2,
    versions: [2, 1].map((version) => ({ version, taughtMs: Date.now() - 1_000, speeds })),
    teaching: { ...begun, state: 'done', version: 2, speeds },
  };
  await tile.getByText('Learned as version 2 at 1 speed.').waitFor();
  await tile.getByText('The ear knows this machine: version 2').waitFor();
  await tile.getByText('Kept beside it: version 1').waitFor();
  assert.deepEqual(
    floor.heard.map(({ deed, by }) => [deed, by]),
    [
      ['teach', 'omar'],
      ['cancel', 'omar'],
      ['teach', 'omar'],
    ],
  );
  assert.deepEqual(faults, []);
});
