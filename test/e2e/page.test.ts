/** The page in a real browser. The rest of the agent is a stand-in: the page is what is tested here. */
import assert from 'node:assert/strict';
import { after, test, type TestContext } from 'node:test';
import type { Page as Tab } from 'playwright-core';
import { ensurePageBuilt } from '../../agent/page/build.ts';
import { pauseMs } from '../../agent/writes/desk.ts';
import { createFloor, type Floor } from '../unit/page/floor.ts';
import { alertView } from '../unit/page/floor-demo.ts';
import { goodPassword, startPage } from '../unit/page/harness.ts';
import {
  axeSource,
  beginPage,
  expectClean,
  hasChromium,
  newTab,
  openAs,
  screenshotFile,
  sharedBrowser,
  stream,
  watch,
  wide,
} from './page-browser.ts';

const shared = sharedBrowser();
after(() => shared.close());
const begin = (t: TestContext, floor?: Floor) => beginPage(t, shared, floor);

const threadBreak = () =>
  alertView(
    {
      occurrence: 'occ-thread',
      machine: 'ov-1',
      type: 'thread_break',
      text: 'Needle thread broken',
      priority: 'medium',
      cause: 'material.thread_break',
      evidence: { code: '11' },
    },
    { runbook: 'Thread anew, check the needle for burrs, then thread tension and spool.' },
  );

test('from the set-up link to the first alert: set up, sign out, sign in, see it live, acknowledge it', async (t) => {
  if (!hasChromium(t)) return;
  const { page, floor, links } = await startPage(t, {
    webDir: await ensurePageBuilt(),
    stream,
  });
  const origin = page.url ?? '';
  const browser = await shared.get();
  const tab = await newTab(browser, wide);
  t.after(() => tab.context().close());
  const faults = watch(tab, origin);

  await tab.goto(origin);
  await tab.getByRole('heading', { name: 'This page is not set up yet' }).waitFor();
  assert.equal(links.length, 1);
  await tab.goto(links[0] ?? '');
  await tab.getByRole('heading', { name: 'Set up this page' }).waitFor();
  assert.equal(new URL(tab.url()).hash, '', 'the token must leave the address bar');

  await tab.getByLabel('User name').fill('asha');
  await tab.getByLabel('Password', { exact: true }).fill('short');
  await tab.getByLabel('Password again').fill('short');
  await tab.getByRole('button', { name: 'Create administrator' }).click();
  await tab.getByText('needs at least 10 characters').waitFor();
  await tab.getByLabel('Password', { exact: true }).fill(goodPassword);
  await tab.getByLabel('Password again').fill(goodPassword);
  await tab.getByRole('button', { name: 'Create administrator' }).click();
  await tab.getByRole('heading', { name: /What is wrong now/ }).waitFor();

  await tab.getByRole('button', { name: 'Sign out' }).click();
  await tab.getByLabel('User name').fill('asha');
  await tab.getByLabel('Password').fill('not my password');
  await tab.getByRole('button', { name: 'Sign in' }).click();
  await tab.getByText('The name or the password is wrong.').waitFor();
  await tab.getByLabel('Password').fill(goodPassword);
  await tab.getByRole('button', { name: 'Sign in' }).click();
  await tab.locator('.alert').first().waitFor();

  let loads = 0;
  tab.on('load', () => (loads += 1));
  floor.raise(threadBreak());
  const card = tab.locator('[data-occurrence="occ-thread"]');
  await card.getByRole('heading', { name: 'Needle thread broken' }).waitFor();
  await card.getByText('Cause: Thread break').waitFor();
  await card.getByText('Thread anew, check the needle').waitFor();
  await tab.getByText('New alert, Overlock 1: Needle thread broken').waitFor({ state: 'attached' });

  await card.getByRole('button', { name: /^Add note/ }).click();
  await card.getByLabel('Note').fill('new needle too');
  await card.getByRole('button', { name: /^Acknowledge/ }).click();
  await card.getByText('Active, acknowledged').waitFor();
  assert.equal(await card.getByRole('button', { name: /^Acknowledge/ }).count(), 0);
  assert.deepEqual(floor.acks, [{ occurrence: 'occ-thread', actor: 'asha', comment: 'new needle too' }]);
  assert.equal(loads, 0, 'nothing of this may need a reload');
  assert.deepEqual(faults, []);
});

test('a viewer sees the alerts and has nothing to acknowledge with; a maintainer has', async (t) => {
  const setting = await begin(t);
  if (setting === null) return;
  const viewer = await openAs(t, setting, 'mina');
  await viewer.getByText('You are signed in as a viewer').waitFor();
  assert.equal(await viewer.getByRole('button', { name: /^Acknowledge/ }).count(), 0);
  // Not only the button is missing: the server refuses, whatever the browser sends.
  const status = (await viewer.evaluate(`(async () => {
    const { csrf } = await (await fetch('/api/session')).json();
    const headers = { 'content-type': 'application/json', 'x-csrf-token': csrf };
    return (await fetch('/api/alerts/occ-overload/ack', { method: 'POST', headers, body: '{}' })).status;
  })()`)) as number;
  assert.equal(status, 403);
  assert.equal(setting.floor.acks.length, 0);

  const maintainer = await openAs(t, setting, 'omar');
  const card = maintainer.locator('[data-occurrence="occ-overload"]');
  await card.locator('.alert-head').getByText('Line 2 · Station 4', { exact: true }).waitFor();
  await card.getByRole('button', { name: /^Acknowledge/ }).click();
  await card.getByText('by omar').waitFor();
  // The other open page hears of it too.
  await viewer.locator('[data-occurrence="occ-overload"]').getByText('by omar').waitFor();
});

test('a maintainer changes a set-point in two steps; a viewer has none to change', async (t) => {
  const setting = await begin(t);
  if (setting === null) return;
  const { writable } = setting.floor;
  const viewer = await openAs(t, setting, 'mina');
  assert.equal(await viewer.getByText('Set-points').count(), 0);
  const tab = await openAs(t, setting, 'omar');
  assert.equal(await tab.locator('[data-machine="ls-2"]').getByText('Set-points').count(), 0, 'writing is off there');
  const machine = tab.locator('[data-machine="ls-1"]');
  await machine.getByText('Set-points').click();
  const row = machine.locator('[data-set-point="speed.max"]');
  await row.getByText('4000').waitFor();
  await row.getByText('200 to 5000').waitFor();

  const propose = async (value: string): Promise<void> => {
    await row.getByRole('button', { name: /^Change/ }).click();
    await row.getByLabel('New value').fill(value);
    assert.ok(await row.getByRole('button', { name: 'Propose' }).isDisabled(), 'a reason is needed');
    await row.getByLabel('Why').fill('thicker cloth');
    await row.getByRole('button', { name: 'Propose' }).click();
  };
  await propose('9000');
  await row.getByText('The value is not one the profile allows').waitFor();
  await row.getByRole('button', { name: 'Cancel' }).click();

  await propose('3200');
  await row.getByText(/4000 .*→ 3200/).waitFor();
  await row.getByText(/Confirm within \d+ s/).waitFor();
  assert.deepEqual(writable.written, [], 'nothing is sent before it is confirmed');
  await row.getByRole('button', { name: 'Take back' }).click();
  await row.getByText('Taken back. Nothing was sent.').waitFor();

  await propose('3200');
  const write = row.getByRole('button', { name: 'Write to the machine' });
  assert.ok(await write.isDisabled());
  await row.getByLabel('The new value again').fill('3300');
  await row.getByLabel('Your password').fill(goodPassword);
  await write.click();
  await row.getByText('The confirmation does not fit the proposal').waitFor();
  await row.getByLabel('The new value again').fill('3200');
  await write.click();
  await row.getByText(/^Written\. The machine has 3200/).waitFor();
  assert.deepEqual(writable.written, [['speed.max', 3200]]);

  // The other set-point, a switch; the machine does not answer.
  writable.answer = () => ({ outcome: 'unknown', reason: 'timeout', readBack: false });
  const light = machine.locator('[data-set-point="status.light"]');
  await light.getByRole('button', { name: /^Change/ }).click();
  await light.getByLabel('New value').selectOption('on');
  await light.getByLabel('Why').fill('dark');
  await light.getByRole('button', { name: 'Propose' }).click();
  await light.getByText('Writes follow one another too fast').waitFor();
  await new Promise((resolve) => setTimeout(resolve, pauseMs));
  await light.getByRole('button', { name: 'Propose' }).click();
  await light.getByText('off → on').waitFor();
  await tab.evaluate(await axeSource());
  const found = (await tab.evaluate('axe.run(document.querySelector(".set-points"))')) as {
    violations: { id: string }[];
  };
  assert.deepEqual(
    found.violations.map((one) => one.id),
    [],
  );
  await light.getByLabel('The new value again').selectOption('on');
  await light.getByLabel('Your password').fill(goodPassword);
  await light.getByRole('button', { name: 'Write to the machine' }).click();
  await light
    .getByText(/Not known whether the machine did it.*It was not sent again\. After it the machine had off\./)
    .waitFor();
});

test('the seconds left to confirm a set-point count one by one, at a machine of which nothing new is read too', async (t) => {
  const setting = await begin(t);
  if (setting === null) return;
  setting.floor.frozen.add('ls-1');
  const tab = await openAs(t, setting, 'omar');
  const machine = tab.locator('[data-machine="ls-1"]');
  await machine.getByText('Set-points').click();
  const row = machine.locator('[data-set-point="speed.max"]');
  await row.getByRole('button', { name: /^Change/ }).click();
  await row.getByLabel('New value').fill('3200');
  await row.getByLabel('Why').fill('thicker cloth');
  await row.getByRole('button', { name: 'Propose' }).click();
  await row.getByText(/Confirm within \d+ s/).waitFor();
  // Every text that stood there, whatever else the computer does meanwhile; the oldest first.
  const shown = (await tab.evaluate(`new Promise((done) => {
    const row = document.querySelector('[data-machine="ls-1"] [data-set-point="speed.max"]');
    const seen = [];
    const look = () => {
      const left = /Confirm within (\\d+) s/.exec(row.textContent)?.[1];
      if (left !== undefined && Number(left) !== seen.at(-1)) seen.push(Number(left));
      if (seen.length < 6) return;
      watcher.disconnect();
      done(seen);
    };
    const watcher = new MutationObserver(look);
    watcher.observe(row, { subtree: true, childList: true, characterData: true });
    look();
  })`)) as number[];
  const steps = shown.slice(1).map((left, i) => (shown[i] ?? 0) - left);
  assert.ok(steps.filter((step) => step === 1).length >= 3, `one by one, not ${shown.join(', ')}`);
  await row.getByRole('button', { name: 'Take back' }).click();
});

test('a lost connection is plain to see, and the page comes back with what it missed', async (t) => {
  const floor = createFloor();
  const setting = await begin(t, floor);
  if (setting === null) return;
  const tab = await openAs(t, setting, 'omar');
  await tab.locator('[data-connection="live"]').waitFor();
  await setting.page.stop();
  await tab.getByText('No connection to the gateway').waitFor();
  await tab.locator('[data-machine="ls-2"]').getByText('was: Running').waitFor();
  assert.ok(
    await tab
      .getByRole('button', { name: /^Acknowledge/ })
      .first()
      .isDisabled(),
  );

  floor.raise(threadBreak());
  const { dataDir, port } = setting;
  const again = await startPage(t, { webDir: await ensurePageBuilt(), port, dataDir, stream }, floor);
  assert.equal(again.port, port);
  // Sessions survive the restart: nobody has to sign in for the alarm.
  await tab.locator('[data-occurrence="occ-thread"]').waitFor();
  await tab.locator('[data-connection="live"]').waitFor();
  assert.equal(await tab.getByText('No connection to the gateway').count(), 0);
});

test('a value that is not good never looks good', async (t) => {
  const setting = await begin(t);
  if (setting === null) return;
  const tab = await openAs(t, setting, 'mina');
  const offline = tab.locator('[data-machine="rt-1"]');
  await offline.getByText('Not read since').waitFor();
  assert.match(await offline.locator('[data-signal="oil.level"]').innerText(), /–\s*bad: not connected/);
  const uncertain = tab.locator('[data-machine="ls-2"] [data-signal="piece.count"]');
  assert.match(await uncertain.innerText(), /uncertain: counter was reset/);
  assert.equal(await tab.locator('[data-machine="ck-1"] .mark').count(), 0, 'and a good one has no mark');

  setting.floor.frozen.add('ck-1');
  setting.floor.setMachine('ck-1', { lastGoodMs: Date.now() - 60_000 });
  const old = tab.locator('[data-machine="ck-1"]');
  await old.getByText('No good reading since').waitFor();
  await old.locator('[data-signal="cylinder.speed"]').getByText('old').waitFor();
});

test('text of a machine is text, whatever it holds', async (t) => {
  const setting = await begin(t);
  if (setting === null) return;
  const nasty = '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>';
  setting.floor.setMachine('ls-1', { name: nasty, cause: nasty });
  setting.floor.raise(
    alertView(
      { occurrence: 'occ-nasty', machine: 'ls-1', type: 'x', text: nasty, evidence: { code: nasty } },
      { runbook: nasty },
    ),
  );
  const tab = await openAs(t, setting, 'omar');
  await tab.locator('[data-occurrence="occ-nasty"] h3').getByText(nasty).waitFor();
  assert.equal(await tab.locator('#app img').count(), 0);
  assert.notEqual(await tab.title(), 'owned');
});

for (const scheme of ['light', 'dark'] as const) {
  test(`axe finds no violation of WCAG A and AA, ${scheme}, wide and on a phone`, async (t) => {
    const setting = await begin(t);
    if (setting === null) return;
    const axe = await axeSource();
    for (const viewport of [wide.viewport, { width: 375, height: 740 }]) {
      // The page forbids foreign scripts; for this tab alone the rule is lifted.
      const options = { viewport, colorScheme: scheme, bypassCSP: true };
      const tab = await openAs(t, setting, 'omar', options);
      await tab.locator('summary', { hasText: 'Show what is over' }).click();
      await tab.locator('table').waitFor();
      for (const summary of await tab.locator('[data-machine="ls-1"] summary').all()) await summary.click();
      await tab.locator('[data-set-point]').first().waitFor();
      await tab
        .getByRole('button', { name: /^Change/ })
        .first()
        .click();
      await expectClean(tab, axe, `${scheme} ${viewport.width}`);
      assert.deepEqual(await tooWide(tab), [], `wider than a window of ${viewport.width} px`);
      await tab.getByRole('button', { name: 'Sign out' }).click();
      await tab.getByRole('heading', { name: 'Sign in' }).waitFor();
      await expectClean(tab, axe, `${scheme} ${viewport.width} sign-in`);
    }
  });
}

/** What reaches over the right edge of the window and is not scrolled inside a box of its own. */
async function tooWide(tab: Tab): Promise<string[]> {
  return (await tab.evaluate(`(() => {
    const { clientWidth, scrollWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    return [...document.querySelectorAll('body *')]
      .filter((element) => element.getBoundingClientRect().right > clientWidth)
      .map((element) => element.outerHTML.slice(0, 120));
  })()`)) as string[];
}

test('everything can be reached and done with the keyboard alone', async (t) => {
  const setting = await begin(t);
  if (setting === null) return;
  const tab = await openAs(t, setting, 'omar');
  await tab.locator('body').press('Tab');
  assert.equal(await tab.evaluate('document.activeElement.textContent'), 'Skip to what is wrong now');
  await tab.keyboard.press('Enter');
  // From the first alert on: its "What to do", then its button.
  for (let i = 0; i < 6; i += 1) {
    await tab.keyboard.press('Tab');
    const label = String(await tab.evaluate("document.activeElement.getAttribute('aria-label')"));
    if (label.startsWith('Acknowledge: Lockstitch 1')) break;
  }
  await tab.keyboard.press('Enter');
  await tab.locator('[data-occurrence="occ-overload"]').getByText('by omar').waitFor();
  assert.equal(setting.floor.acks.length, 1);
});

test('touch targets are at least 44 px high on a phone', async (t) => {
  const setting = await begin(t);
  if (setting === null) return;
  const tab = await openAs(t, setting, 'omar', {
    viewport: { width: 375, height: 740 },
    hasTouch: true,
    isMobile: true,
  });
  for (const target of await tab.locator('button:visible, select:visible').all()) {
    const box = await target.boundingBox();
    assert.ok(box !== null && box.height >= 44, `${await target.innerText()}: ${String(box?.height)} px`);
  }
});

test('the screenshot of the documentation shows the floor', async (t) => {
  const floor = createFloor();
  const setting = await begin(t, floor);
  if (setting === null) return;
  floor.raise(threadBreak());
  const tab = await openAs(t, setting, 'omar', { ...wide, colorScheme: 'light', deviceScaleFactor: 1 });
  await tab.locator('[data-occurrence="occ-thread"]').waitFor();
  await tab.locator('[data-connection="live"]').waitFor();
  await tab.locator('.curve[aria-label*="last "]').nth(4).waitFor();
  const path = await screenshotFile(t, 'page.png');
  const png = await tab.screenshot({ path, fullPage: true });
  assert.ok(png.length > 20_000, 'a picture of the page is larger than an empty one');
});
