/**
 * axe over every view of the table of views: each colour scheme at a phone's and a wall's width, and each language.
 * The combinations are chosen so that every pair of width and scheme comes once, and every language at least once.
 */
import { after, test } from 'node:test';
import assert from 'node:assert/strict';
import { createFloor } from '../unit/page/floor.ts';
import { rollListed } from '../unit/page/floor-demo.ts';
import { axeSource, beginPage, expectClean, openAs, sharedBrowser } from './page-browser.ts';
import { becomes } from './page-keys.ts';

const shared = sharedBrowser();
after(() => shared.close());

const looks = [
  { width: 360, colorScheme: 'light', contrast: 'no-preference', locale: 'en-GB' },
  { width: 1920, colorScheme: 'light', contrast: 'no-preference', locale: 'bn-BD' },
  { width: 360, colorScheme: 'dark', contrast: 'no-preference', locale: 'vi-VN' },
  { width: 1920, colorScheme: 'dark', contrast: 'no-preference', locale: 'zh-CN' },
  { width: 360, colorScheme: 'light', contrast: 'more', locale: 'bn-BD' },
  { width: 1920, colorScheme: 'dark', contrast: 'more', locale: 'vi-VN' },
] as const;

for (const { width, colorScheme, contrast, locale } of looks) {
  const look = `${colorScheme}, contrast ${contrast}, ${width} px, ${locale}`;
  test(`axe finds nothing in any view: ${look}`, async (t) => {
    const floor = createFloor();
    floor.setMachine('ck-1', { hasEye: true });
    floor.setMachine('ls-1', { hasEar: true });
    floor.rolls = [rollListed(8)];
    const setting = await beginPage(t, shared, floor);
    if (setting === null) return;
    const opened = await floor.needles.open('ls-1', 'mina', null);
    if (opened.ok) await floor.needles.addFragment(opened.value.id, 'mina', 'Point');
    const viewport = { width, height: 900 };
    const tab = await openAs(t, setting, 'asha', { viewport, colorScheme, contrast, locale });
    const axe = await axeSource();
    const links = `[...document.querySelectorAll('nav.views a')].map((link) => link.getAttribute('href'))`;
    const hashes = (await tab.evaluate(links)) as string[];
    assert.ok(hashes.length >= 10, 'the navigation has every view');
    const check = async (hash: string): Promise<void> => {
      await tab.evaluate(`location.hash = ${JSON.stringify(hash)}`);
      await tab.locator('main :is(h2, [aria-label], .andon-tile)').first().waitFor();
      await becomes(tab, `![...document.querySelectorAll('main .loading')].some((one) => one.checkVisibility())`);
      await expectClean(tab, axe, `${hash}: ${look}`);
    };
    for (const hash of hashes) {
      await check(hash);
      // One of what the view lists: a machine, a case, a runbook.
      const first = `document.querySelector('main a[href^="${hash}/"]')?.getAttribute('href') ?? null`;
      const one = hash === '#/' ? null : ((await tab.evaluate(first)) as string | null);
      if (one !== null) await check(one);
    }
  });
}
