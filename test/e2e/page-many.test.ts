/** The page beside more machines than fit a screen: what is far is brief, what comes near is whole, and no state is ever missing. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createFloor } from '../unit/page/floor.ts';
import { alertView } from '../unit/page/floor-demo.ts';
import { axeSource, beginPage, expectClean, openAs, sharedBrowser, watch } from './page-browser.ts';

const shared = sharedBrowser();
after(() => shared.close());
const count = 60;

test('of many machines those off the screen show name and state alone, kept up to date, until they come near', async (t) => {
  const floor = createFloor();
  const [first] = floor.machines;
  assert.ok(first !== undefined);
  floor.machines = Array.from({ length: count }, (_, index) => ({
    ...first,
    id: `sew-${index}`,
    name: `Machine ${index}`,
    state: 'RUN' as const,
    hasEye: index === count - 1,
  }));
  const setting = await beginPage(t, shared, floor);
  if (setting === null) return;
  const tab = await openAs(t, setting, 'asha');
  const faults = watch(tab, setting.url);
  assert.equal(await tab.locator('.tile').count(), count);
  const last = tab.locator(`[data-machine="sew-${count - 1}"]`);
  const near = tab.locator('[data-machine="sew-0"]');
  await near.scrollIntoViewIfNeeded();
  await near.locator('.readings').first().waitFor();

  await tab.evaluate('window.scrollTo(0, 0)');
  await last.getByText('Running').waitFor();
  assert.equal(await last.locator('.readings').count(), 0, 'what nobody sees is not drawn');
  const fault = {
    machine: `sew-${count - 1}`,
    type: 'hole',
    text: 'Hole',
    occurrence: 'hole',
    evidence: { rollFromM: 3.2 },
  };
  floor.raise(alertView(fault));
  await tab.locator('[data-occurrence="hole"]').getByRole('link', { name: 'Roll map' }).click();
  await tab.locator('.machine-view .rolls').waitFor();
  await tab.goBack();
  await last.getByText('Running').waitFor();
  floor.setMachine(`sew-${count - 1}`, { state: 'FAULT', stateSinceMs: Date.now() });
  await last.getByText('Fault', { exact: true }).waitFor();

  await last.scrollIntoViewIfNeeded();
  await last.locator('.readings').first().waitFor();
  await expectClean(tab, await axeSource(), 'sixty machines');

  await last.locator('summary').first().click();
  await near.scrollIntoViewIfNeeded();
  await near.locator('.readings').first().waitFor();
  assert.equal(await last.locator('details[open]').count(), 1, 'what somebody opened stays open');
  assert.deepEqual(faults, []);
});
