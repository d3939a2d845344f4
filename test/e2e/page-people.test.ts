/** Users, shared tablets and what was done, in a real browser. */
import assert from 'node:assert/strict';
import { after, test, type TestContext } from 'node:test';
import type { Page as Tab } from 'playwright-core';
import { alertView } from '../unit/page/floor-demo.ts';
import { goodPassword } from '../unit/page/harness.ts';
import { axeSource, beginPage, expectClean, newTab, openAs, sharedBrowser, watch, wide } from './page-browser.ts';

const shared = sharedBrowser();
after(() => shared.close());
const begin = (t: TestContext) => beginPage(t, shared);
const goodPin = '274916';

async function people(tab: Tab): Promise<void> {
  await tab.getByRole('link', { name: 'People' }).click();
  await tab.getByRole('heading', { name: 'Your account' }).waitFor();
}
/** Until so many tones were begun in all: the policy of the page lets nothing wait inside it. */
async function toned(tab: Tab, count: number): Promise<void> {
  const script = `new Promise((done) => { const look = () => window.tones >= ${count} ? done(window.tones) : setTimeout(look, 20); look(); })`;
  assert.equal(await tab.evaluate(script), count);
}
async function signInByPin(tab: Tab, pin: string): Promise<void> {
  await tab.getByLabel('Who are you?').selectOption('omar');
  await tab.getByLabel('PIN', { exact: true }).fill(pin);
  await tab.getByRole('button', { name: 'Sign in with PIN' }).click();
}

test('an admin adds somebody, who chooses a password by the link; a viewer has no part of this', async (t) => {
  const setting = await begin(t);
  if (setting === null) return;
  const boss = await openAs(t, setting, 'asha');
  const faults = watch(boss, setting.url);
  await people(boss);
  await boss.getByLabel('User name').fill('Lina!');
  await boss.getByRole('button', { name: 'Add user' }).click();
  await boss.getByText('Something is missing or not written as it should be.').waitFor();
  await boss.getByLabel('User name').fill('lina');
  await boss.getByRole('button', { name: 'Add user' }).click();
  const link = (await boss.locator('.people-link code').textContent()) ?? '';
  await boss.locator('[data-user="lina"]').getByText('Link not used yet').waitFor();

  const lina = await newTab(setting.browser, wide);
  t.after(() => lina.context().close());
  await lina.goto(link);
  await lina.getByRole('heading', { name: 'Welcome' }).waitFor();
  assert.equal(new URL(lina.url()).hash, '', 'the token must leave the address bar');
  await lina.getByLabel('New password', { exact: true }).fill(goodPassword);
  await lina.getByLabel('New password again').fill(goodPassword);
  await lina.getByRole('button', { name: 'Set password and sign in' }).click();
  await people(lina);
  assert.equal(await lina.getByRole('heading', { name: 'Users' }).count(), 0);
  const status = (await lina.evaluate(`(async () => (await fetch('/api/people')).status)()`)) as number;
  assert.equal(status, 403, 'not only the part is missing: the server refuses');

  const row = boss.locator('[data-user="lina"]');
  await row.getByRole('button', { name: /^Lock/ }).click();
  await row.getByText('Locked', { exact: true }).waitFor();
  await lina.getByRole('heading', { name: 'Sign in' }).waitFor();
  await row.getByRole('button', { name: /^Remove/ }).click();
  await row.getByRole('button', { name: /^Really/ }).click();
  await row.waitFor({ state: 'detached' });
  await boss.getByLabel('Only of this user').fill('asha');
  await boss.getByRole('button', { name: 'Show', exact: true }).click();
  await boss.getByRole('cell', { name: 'Removed a user' }).waitFor();
  await expectClean(boss, await axeSource(), 'people, as an admin');
  assert.deepEqual(faults, []);
});

test('a PIN opens a tablet that an admin enrolled and no other device; five wrong ones lock it', async (t) => {
  const setting = await begin(t);
  if (setting === null) return;
  const omar = await openAs(t, setting, 'omar');
  await people(omar);
  await omar.getByText('PIN for shared tablets').click();
  await omar.getByLabel('Your password').fill(goodPassword);
  await omar.getByLabel('New PIN').fill('123456');
  await omar.getByRole('button', { name: 'Set PIN' }).click();
  await omar.getByText('This PIN does not do').waitFor();
  await omar.getByLabel('New PIN').fill(goodPin);
  await omar.getByRole('button', { name: 'Set PIN' }).click();
  await omar.getByText('Your PIN is set.').waitFor();
  await omar.getByRole('button', { name: 'Sign out', exact: true }).click();
  await omar.getByRole('heading', { name: 'Sign in' }).waitFor();
  assert.equal(await omar.getByLabel('Who are you?').count(), 0, 'this is no shared tablet');

  const tablet = await openAs(t, setting, 'asha', { viewport: { width: 360, height: 740 } });
  const faults = watch(tablet, setting.url);
  await people(tablet);
  await tablet.getByLabel('Name of this device').fill('Line 2 <script>alert(1)</script>');
  await tablet.getByRole('button', { name: 'Make this device a shared tablet' }).click();
  await tablet.locator('[data-tablet]').getByText('This device').waitFor();
  const width = (await tablet.evaluate('document.documentElement.scrollWidth')) as number;
  assert.ok(width <= 360, `the page is ${width} wide at 360`);
  await tablet.getByRole('button', { name: 'Sign out', exact: true }).click();
  await tablet.getByText('Shared tablet: Line 2 <script>').waitFor();
  await expectClean(tablet, await axeSource(), 'the sign-in by PIN');
  await signInByPin(tablet, goodPin);
  await tablet.getByText('omar', { exact: false }).first().waitFor();
  await tablet.getByRole('button', { name: 'Sign out', exact: true }).click();

  for (let i = 0; i < 4; i += 1) {
    await signInByPin(tablet, '111999');
    await tablet.getByText('The name or the PIN is wrong.').waitFor();
  }
  await signInByPin(tablet, '111999');
  await tablet.getByText('Too many wrong tries. This PIN works again').waitFor();
  assert.deepEqual(faults, []);
});

test('a new alert sounds where somebody turned that on, and the switch is kept on the device', async (t) => {
  const setting = await begin(t);
  if (setting === null) return;
  const tab = await openAs(t, setting, 'mina');
  const faults = watch(tab, setting.url);
  await tab.evaluate(`(() => {
    window.tones = 0;
    const make = AudioContext.prototype.createOscillator;
    AudioContext.prototype.createOscillator = function () { window.tones += 1; window.audio = this; return make.call(this); };
  })()`);
  const box = tab.getByLabel('Sound for new alerts');
  const alarm = (occurrence: string, priority: 'high' | 'low') =>
    alertView({
      occurrence,
      machine: 'ov-1',
      type: 'thread_break',
      text: `Needle thread broken ${occurrence}`,
      priority,
      state: 'active-unacked',
      cause: 'material.thread_break',
      evidence: {},
    });
  assert.equal(await box.isChecked(), false);
  setting.floor.raise(alarm('one', 'high'));
  await tab.getByRole('heading', { name: 'Needle thread broken one' }).waitFor();
  assert.equal(await tab.evaluate('window.tones'), 0, 'off at first');
  await box.check();
  await toned(tab, 2);
  setting.floor.raise(alarm('two', 'low'));
  await tab.getByRole('heading', { name: 'Needle thread broken two' }).waitFor();
  assert.equal(await tab.evaluate('window.tones'), 2, 'not for a low one');
  setting.floor.raise(alarm('three', 'high'));
  await toned(tab, 4);
  // As a phone does that takes a call.
  await tab.evaluate('window.audio.suspend()');
  await tab.getByText('Touch the page once').waitFor();
  await tab.locator('h1').first().click();
  await tab.getByText('Touch the page once').waitFor({ state: 'detached' });
  await tab.reload();
  await tab.getByText('Touch the page once').waitFor();
  assert.equal(await box.isChecked(), true);
  assert.deepEqual(faults, []);
});
