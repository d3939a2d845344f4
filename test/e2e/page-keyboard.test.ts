/** The page by keyboard alone: every view of the table of views, and what people do in each. */
import assert from 'node:assert/strict';
import { after, test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Page as Tab, Route } from 'playwright-core';
import { createFloor } from '../unit/page/floor.ts';
import { rollListed } from '../unit/page/floor-demo.ts';
import { goodPassword } from '../unit/page/harness.ts';
import { until } from '../integration/sync-rig.ts';
import { beginPage, newTab, sharedBrowser, watch, wide, type Setting } from './page-browser.ts';
import { becomes, expectAllReached, expectFocus, pendingOf, press, reach, settled, walk, write } from './page-keys.ts';

const shared = sharedBrowser();
after(() => shared.close());

/** A floor that has something of everything, with an open case of a needle. */
async function begin(t: TestContext): Promise<Setting | null> {
  const floor = createFloor();
  floor.setMachine('ck-1', { hasEye: true });
  floor.setMachine('ls-1', { hasEar: true });
  floor.rolls = [rollListed(8)];
  const setting = await beginPage(t, shared, floor);
  if (setting === null) return null;
  await setting.users.add('rita', 'maintainer', goodPassword);
  await floor.needles.open('ls-1', 'mina', null);
  return setting;
}

/** Signs in by the keyboard. */
async function enter(t: TestContext, setting: Setting, name: string): Promise<Tab> {
  const tab = await newTab(setting.browser, wide);
  t.after(() => tab.context().close());
  pendingOf(tab);
  await tab.goto(setting.url);
  await tab.getByRole('heading', { name: 'Sign in', exact: true }).waitFor();
  await write(tab.getByLabel('User name'), name);
  await write(tab.getByLabel('Password'), goodPassword);
  await tab.keyboard.press('Enter');
  await tab.locator('nav.views').waitFor();
  await expectFocus(tab, 'after the sign-in');
  return tab;
}

/** The view that the navigation shows is that of the address. */
const isOfAddress = `document.querySelector('nav.views a[aria-current]')?.getAttribute('href') === '#/' + (location.hash.split('/')[1] ?? '')`;

/** A view is there, and no more the one before it, with all it fetches first. */
async function ready(tab: Tab): Promise<void> {
  await becomes(tab, isOfAddress);
  await settled(tab, pendingOf(tab));
  await tab.locator('main :is(h2, [aria-label], .andon-tile)').first().waitFor();
  await becomes(tab, `![...document.querySelectorAll('main .loading')].some((one) => one.checkVisibility())`);
}

/** Goes to a view by the navigation, from wherever the focus is. */
async function open(tab: Tab, hash: string): Promise<void> {
  await press(tab.locator(`nav.views a[href="${hash}"]`), 'Enter', 'Shift+Tab');
  await becomes(tab, `location.hash === ${JSON.stringify(hash)}`);
  await ready(tab);
}

/** Every stop from the first to the last and back again. */
async function walkAll(tab: Tab, where: string): Promise<void> {
  await tab.evaluate(`document.querySelector('a[href], button, input, select').focus()`);
  const there = await walk(tab, where);
  const back = await walk(tab, `${where}, back`, 'Shift+Tab');
  await expectAllReached(tab, [...there, ...back], where);
  // What came late, as the text of a runbook does, is on the way back alone.
  const [first, ...others] = there.map(({ id }) => id);
  // Between the last and the first a browser may stop at what is its own.
  assert.deepEqual(
    back.map(({ id }) => id).filter((id) => others.includes(id)),
    others.toReversed(),
    `${where}: the way back is the way there`,
  );
  assert.ok(
    back.some(({ id }) => id === first),
    `${where}: back at the first`,
  );
}

/** Of every view in the table of views, the first one too: the navigation shows it whole. */
async function allViews(tab: Tab): Promise<string[]> {
  const script = `[...document.querySelectorAll('nav.views a')].map((link) => link.getAttribute('href'))`;
  const hashes = (await tab.evaluate(script)) as string[];
  assert.ok(hashes.length >= 10, hashes.join(' '));
  return hashes;
}

test('every view is reached by the navigation, and each of its controls by Tab, seen, in the order of reading, there and back', async (t) => {
  const setting = await begin(t);
  if (setting === null) return;
  const tab = await enter(t, setting, 'asha');
  const faults = watch(tab, setting.url);
  for (const hash of await allViews(tab)) {
    await open(tab, hash);
    if (!(await tab.locator('nav.views').isVisible())) {
      // A view without controls: a key leads out of it.
      await expectFocus(tab, hash);
      assert.equal((await walk(tab, hash)).length, 1, `${hash} has nothing to press`);
      await tab.keyboard.press('Escape');
      await tab.locator('nav.views').waitFor();
      await ready(tab);
      continue;
    }
    await walkAll(tab, hash);
    // One of what the view lists: a machine, a case, a runbook.
    const one = tab.locator(`main a[href^="${hash}/"]`).first();
    if (hash === '#/' || (await one.count()) === 0) continue;
    const address = await one.getAttribute('href');
    await press(one);
    await becomes(tab, `location.hash === ${JSON.stringify(address)}`);
    await ready(tab);
    await expectFocus(tab, `one of ${hash}`);
    await walkAll(tab, new URL(tab.url()).hash);
  }
  assert.deepEqual(faults, []);
});

test('by keyboard: the trend is moved, a shift chosen, the gateway examined, and their tables reached', async (t) => {
  const setting = await begin(t);
  if (setting === null) return;
  const tab = await enter(t, setting, 'omar');
  await open(tab, '#/machine');
  await press(tab.locator('main').getByRole('link', { name: 'Lockstitch 2' }));
  const chart = tab.locator('[data-trend]:not([data-drawn="0"])');
  await chart.waitFor();
  const before = await tab.locator('#band-range').inputValue();
  const moved = async (act: () => Promise<void>): Promise<void> => {
    const drawn = await chart.getAttribute('data-drawn');
    await act();
    await tab.locator(`[data-trend]:not([data-drawn="${drawn}"])`).waitFor();
    await expectFocus(tab, 'after the trend was moved');
  };
  await press(tab.locator('#band-range'), 'ArrowDown');
  assert.notEqual(await tab.locator('#band-range').inputValue(), before);
  await chart.waitFor();
  await moved(() => press(chart, 'ArrowLeft'));
  await moved(() => press(tab.getByRole('button', { name: 'Earlier' })));
  await moved(() => press(tab.getByRole('button', { name: 'Later' }), ' '));
  // It has nothing more to do once it was pressed.
  await moved(() => press(tab.getByRole('button', { name: 'To now' })));
  await reach(tab.getByRole('link', { name: /Table of this signal/ }));

  await open(tab, '#/shift');
  await press(tab.getByRole('link', { name: 'Previous shift' }));
  await becomes(tab, `/^#\\/shift\\/\\d+$/.test(location.hash)`);
  await ready(tab);
  await press(tab.getByRole('link', { name: 'Previous shift' }));
  await ready(tab);
  await reach(tab.getByRole('link', { name: 'Table (CSV)' }));
  await reach(tab.getByRole('button', { name: 'Print' }));

  await open(tab, '#/health');
  await press(tab.getByRole('button', { name: 'Examine again' }));
  await tab.locator('[data-check]').first().waitFor();
  await expectFocus(tab, 'after the examination');

  await open(tab, '#/alert-figures');
  await press(tab.getByLabel('Time span'), 'ArrowUp');
  await ready(tab);
  await expectFocus(tab, 'after another span');
});

test('by keyboard: an alert is acknowledged with a note, put aside and taken back, and the session ends', async (t) => {
  const setting = await begin(t);
  if (setting === null) return;
  const tab = await enter(t, setting, 'omar');
  const card = tab.locator('[data-occurrence]').filter({ hasText: 'The main motor is overloaded' });
  await press(card.getByRole('button', { name: /^Add note/ }));
  await write(card.getByLabel('Note'), 'Belt was tight');
  await tab.keyboard.press('Enter');
  await until('the acknowledgement', () => setting.floor.acks.length > 0, 10_000);
  await expectFocus(tab, 'after the acknowledgement');
  assert.deepEqual(
    setting.floor.acks.map(({ comment }) => comment),
    ['Belt was tight'],
  );
  await press(card.locator('details.acts > summary'));
  await write(card.getByLabel('Comment', { exact: true }), 'Ordered a belt');
  await press(card.getByRole('button', { name: 'Add comment' }));
  await card.getByText('Ordered a belt').waitFor();
  await expectFocus(tab, 'after a comment');
  await press(tab.getByRole('button', { name: 'Sign out', exact: true }), 'Enter', 'Shift+Tab');
  await tab.getByRole('heading', { name: 'Sign in', exact: true }).waitFor();
  await expectFocus(tab, 'after the sign-out');
});

test('by keyboard: an admin edits a runbook and takes it back, adds a user, locks and removes them', async (t) => {
  const setting = await begin(t);
  if (setting === null) return;
  const tab = await enter(t, setting, 'asha');
  await open(tab, '#/runbooks');
  await press(tab.locator('main a[href="#/runbooks/offline"]'));
  await press(tab.getByRole('button', { name: 'Edit' }));
  const text = tab.getByLabel('Text (Markdown, at most 64 kB)');
  await write(text, '# Call Mo first');
  await press(tab.getByRole('button', { name: 'Preview' }));
  await tab.locator('.preview').getByRole('heading', { name: 'Call Mo first' }).waitFor();
  await expectFocus(tab, 'after the preview');
  await press(tab.getByRole('button', { name: 'Save for this site' }), 'Enter', 'Shift+Tab');
  await tab.getByText('Saved').waitFor();
  await expectFocus(tab, 'after saving');
  await press(tab.getByRole('button', { name: /^Take back/ }));
  await tab.getByText('Taken back').waitFor();
  // The shipped text is longer, and would push the button off the screen.
  await expectFocus(tab, 'after the shipped text is back');
  await press(tab.getByRole('button', { name: 'Close' }));

  await open(tab, '#/people');
  await write(tab.getByLabel('User name'), 'lina');
  await press(tab.getByRole('radio', { name: /^Viewer/ }), 'ArrowDown');
  await press(tab.getByRole('button', { name: 'Add user' }));
  const row = tab.locator('[data-user="lina"]');
  await row.waitFor();
  await expectFocus(tab, 'after adding a user');
  await press(row.getByRole('button', { name: /^Lock/ }), 'Enter', 'Shift+Tab');
  await row.getByText('Locked', { exact: true }).waitFor();
  await expectFocus(tab, 'after locking');
  await press(row.getByRole('button', { name: /^Remove/ }));
  // What asks once more has the focus, so that a second Enter is meant.
  await press(row.getByRole('button', { name: /^Really/ }));
  await row.waitFor({ state: 'detached' });
  await expectFocus(tab, 'after removing');
});

test('by keyboard: a needle that broke is recorded from the first piece to the second person', async (t) => {
  const setting = await begin(t);
  if (setting === null) return;
  const tab = await enter(t, setting, 'omar');
  await open(tab, '#/needle-case');
  await press(tab.locator('.needle-cases a').first());
  await tab.getByText('Still to do: list the pieces of the needle.').waitFor();
  // The gateway takes so long that the focus waits elsewhere, which the piece then pushes down.
  const slowly = async (route: Route) => {
    await delay(1_500);
    await route.continue();
  };
  await tab.route('**/api/needle-cases/**', slowly);
  await press(tab.getByRole('button', { name: '+ Point' }));
  await tab.locator('[data-fragment="1"]').waitFor();
  await expectFocus(tab, 'after a piece was listed, and its button is disabled');
  await tab.unroute('**/api/needle-cases/**');
  await write(tab.getByLabel('Another piece'), 'pin');
  await tab.keyboard.press('Enter');
  await tab.locator('[data-fragment="2"]').waitFor();
  await expectFocus(tab, 'after another piece');
  await press(tab.locator('[data-fragment="2"] summary'), 'Enter', 'Shift+Tab');
  await write(tab.getByLabel('Why it is no piece of this needle: pin'), 'of the fixture');
  await tab.keyboard.press('Enter');
  await tab.locator('[data-fragment="2"] del').waitFor();
  await expectFocus(tab, 'after a piece was struck out');
  await press(tab.getByRole('checkbox', { name: 'Found: Point' }), ' ', 'Shift+Tab');
  await tab.getByText('Every piece is found.').waitFor();
  await expectFocus(tab, 'after a piece was ticked');
  await press(tab.getByRole('button', { name: 'All pieces are found' }));
  await tab.getByText('Waits for a second person').waitFor();
  await expectFocus(tab, 'after the first person');
  await write(tab.getByLabel('User name'), 'rita');
  await write(tab.getByLabel('Password'), goodPassword);
  await press(tab.getByRole('button', { name: 'Close the case' }));
  await tab.getByText('Closed: the needle is complete').first().waitFor();
  await expectFocus(tab, 'after the second person');
  await reach(tab.getByRole('button', { name: 'Print the record' }));
});
