/** What shows that an alert is right: the curve with the limit and the moment, in a real browser; and the page for who needs more contrast. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
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
