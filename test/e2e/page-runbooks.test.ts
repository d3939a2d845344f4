/** Runbooks in a real browser: at an alert, in the view of all, changed by an admin, and hostile ones. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test, type TestContext } from 'node:test';
import { createFloor } from '../unit/page/floor.ts';
import { alertView } from '../unit/page/floor-demo.ts';
import { axeSource, beginPage, expectClean, openAs, sharedBrowser, watch } from './page-browser.ts';

const shared = sharedBrowser();
after(() => shared.close());

const short = 'Thread anew, check the needle for burrs.';
async function begin(t: TestContext, type = 'thread_break') {
  const floor = createFloor();
  const record = { occurrence: 'occ-thread', machine: 'ov-1', type, text: 'Needle thread broken' };
  floor.raise(alertView({ ...record, priority: 'medium', cause: 'material.thread_break' }, { runbook: short }));
  return beginPage(t, shared, floor);
}
const choose = (tab: Awaited<ReturnType<typeof openAs>>, name: string) =>
  tab.locator('.language select').selectOption({ label: name });

test('an alert shows the runbook in the language of the page, and its short words where there is none', async (t) => {
  const setting = await begin(t);
  if (setting === null) return;
  const tab = await openAs(t, setting, 'mina');
  const faults = watch(tab, setting.url);
  const card = tab.locator('[data-occurrence="occ-thread"]');
  await card.getByRole('heading', { name: 'Do this' }).waitFor();
  await card.getByText(short).waitFor();
  const english = await card.locator('.runbook-text li').allTextContents();
  assert.ok(english.length >= 3);
  assert.equal(await card.getByRole('button', { name: 'Edit' }).count(), 0, 'a viewer edits nothing');
  for (const [name, lang] of [
    ['বাংলা', 'bn-BD'],
    ['简体中文', 'zh-CN'],
    ['Tiếng Việt', 'vi-VN'],
  ] as const) {
    await choose(tab, name);
    await card.locator(`.runbook-text[lang="${lang}"]`).waitFor();
    const steps = await card.locator('.runbook-text li').allTextContents();
    assert.equal(steps.length, english.length);
    assert.notDeepEqual(steps, english);
  }
  assert.deepEqual(faults, []);

  const unknown = await begin(t, 'of_the_site');
  if (unknown === null) return;
  const other = await openAs(t, unknown, 'mina');
  const own = other.locator('[data-occurrence="occ-thread"]');
  await own.getByText(short).waitFor();
  assert.equal(await own.locator('.runbook-text').count(), 0);
});

test('an admin edits at the alert: preview, save, another person sees it, take back', async (t) => {
  const setting = await begin(t);
  if (setting === null) return;
  const tab = await openAs(t, setting, 'asha');
  const faults = watch(tab, setting.url);
  const card = tab.locator('[data-occurrence="occ-thread"]');
  await card.getByRole('button', { name: 'Edit' }).click();
  const text = card.getByLabel('Text (Markdown, at most 64 kB)');
  await text.fill('# Call Mo first\n\n1. <b>Ring</b> [him](javascript:alert%281%29)\n2. See [the list](#/runbooks)');
  await card.getByRole('button', { name: 'Preview' }).click();
  const preview = card.locator('.preview');
  await preview.getByRole('heading', { name: 'Call Mo first' }).waitFor();
  assert.equal(await preview.locator('b').count(), 0);
  assert.deepEqual(
    await preview
      .locator('a')
      .evaluateAll((all: { getAttribute(name: string): string | null }[]) =>
        all.map((one) => one.getAttribute('href')),
      ),
    ['#/runbooks'],
  );
  await expectClean(tab, await axeSource(), 'the editor');
  // Acknowledging takes nothing from who reads or edits, and leaves the focus at the card.
  await card.getByRole('button', { name: /^Acknowledge/ }).click();
  await card.getByRole('button', { name: /^Acknowledge/ }).waitFor({ state: 'detached' });
  assert.match(await text.inputValue(), /^# Call Mo first/);
  assert.ok(await text.isVisible(), 'the steps stay open');
  assert.equal(await tab.evaluate('document.activeElement.dataset.occurrence'), 'occ-thread');
  await card.getByRole('button', { name: 'Save for this site' }).click();
  await card.getByText('Saved. Everybody on this page').waitFor();
  await card.getByText('Written by this site').waitFor();
  assert.match(readFileSync(join(setting.dataDir, 'runbooks/en/thread_break.md'), 'utf8'), /^# Call Mo first/);

  const viewer = await openAs(t, setting, 'mina');
  const seen = viewer.locator('[data-occurrence="occ-thread"]');
  await seen.getByText('What to do').click();
  await seen.getByRole('heading', { name: 'Call Mo first' }).waitFor();

  await text.fill('# Not saved');
  await card.getByLabel('Language of the text').selectOption('zh');
  await card.getByRole('button', { name: 'No, keep my text' }).click();
  assert.equal(await text.inputValue(), '# Not saved');
  assert.equal(await card.getByLabel('Language of the text').inputValue(), 'en');
  await card.getByLabel('Language of the text').selectOption('zh');
  await card.getByRole('button', { name: 'Yes, drop my text' }).click();
  await card.locator('textarea[lang="zh-CN"]').waitFor();
  // The site has none in Chinese: its English one is what a translation begins with.
  assert.match(await text.inputValue(), /^# Call Mo first/);
  await card.getByLabel('Language of the text').selectOption('en');
  await card.locator('textarea[lang="en-GB"]').waitFor();
  assert.match(await text.inputValue(), /^# Call Mo first/);

  await card.getByRole('button', { name: 'Take back' }).click();
  await card.getByText('Taken back.').waitFor();
  await card.getByText('As shipped with Selvedge').waitFor();
  assert.deepEqual(faults, []);
});

test('the view of all runbooks lists them and shows one, clean to axe at 360 px too', async (t) => {
  const setting = await begin(t);
  if (setting === null) return;
  mkdirSync(join(setting.dataDir, 'runbooks/en'), { recursive: true });
  const hostile = `# <script>alert(1)</script> \u202e${'x'.repeat(180)}\n\n![x](http://example.invalid/x.png) <iframe src=//example.invalid>`;
  writeFileSync(join(setting.dataDir, 'runbooks/en/hole.md'), hostile);
  const tab = await openAs(t, setting, 'mina', { viewport: { width: 360, height: 800 } });
  const faults = watch(tab, setting.url);
  await tab.getByRole('link', { name: 'Runbooks' }).click();
  await tab.getByRole('heading', { name: 'Runbooks' }).waitFor();
  await tab.getByRole('link', { name: 'Yarn broken' }).waitFor();
  assert.ok((await tab.locator('.runbooks li').count()) >= 44);
  const axe = await axeSource();
  await expectClean(tab, axe, 'the list');
  assert.deepEqual(await tooWide(tab), []);
  await tab.getByRole('link', { name: 'Motor too hot' }).click();
  await tab.getByRole('heading', { name: 'Motor too hot' }).waitFor();
  await expectClean(tab, axe, 'one runbook');
  assert.match(tab.url(), /#\/runbooks\/motor_hot$/);
  await tab.goto(`${setting.url}/#/runbooks/hole`);
  await tab.getByText('iframe src').waitFor();
  assert.deepEqual(await tooWide(tab), []);
  await tab.goto(`${setting.url}/#/runbooks/no_such_thing`);
  await tab.getByText('There is no runbook').waitFor();
  await choose(tab, '简体中文');
  await tab.locator('html[lang="zh-CN"]').waitFor({ state: 'attached' });
  await tab.context().setOffline(true);
  await tab.goto(`${setting.url}/#/runbooks/another_thing`);
  await tab
    .locator('.runbooks .problem')
    .filter({ hasText: /[一-龥]/ })
    .waitFor();
  assert.deepEqual(faults, []);
});

/** What reaches over the right edge of the window. */
const tooWide = (tab: Awaited<ReturnType<typeof openAs>>) =>
  tab.evaluate(`(() => {
    const { clientWidth, scrollWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    return [...document.querySelectorAll('body *')]
      .filter((element) => element.getBoundingClientRect().right > clientWidth)
      .map((element) => element.outerHTML.slice(0, 120));
  })()`);
