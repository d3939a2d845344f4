/** A broken needle on the page: from the alert to the second person, on one tablet, with hostile names, and on paper. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createFloor } from '../unit/page/floor.ts';
import { alertView } from '../unit/page/floor-demo.ts';
import { goodPassword } from '../unit/page/harness.ts';
import { axeSource, beginPage, expectClean, openAs, sharedBrowser, watch, wide } from './page-browser.ts';

const shared = sharedBrowser();
after(() => shared.close());

const broken = () =>
  alertView(
    {
      occurrence: 'occ-needle',
      machine: 'ls-1',
      type: 'needle_broken',
      text: 'Needle broken',
      priority: 'urgent',
      cause: 'needle.broken',
    },
    { runbook: 'Look for every piece of the needle.' },
  );

/** The page with the alert of a break, and the case the real desk opened for it. */
async function begin(t: Parameters<typeof beginPage>[0]) {
  const floor = createFloor();
  const setting = await beginPage(t, shared, floor);
  if (setting === null) return null;
  await setting.users.add('rita', 'maintainer', goodPassword);
  floor.needles.ran('ls-1');
  floor.counted.stitch += 42;
  floor.counted.piece += 1;
  const alert = broken();
  const { type, cause, machine, occurrence: id } = alert.record;
  const told = { type, cause, machine, id, onsetMs: Date.now() + 1 };
  floor.needles.stepped({ transition: 'raised', occurrence: told as never }, Date.now());
  floor.raise(alert);
  return { ...setting, floor };
}

test('two people on one tablet: from the alert to the closed case, which is printed on one page', async (t) => {
  const setting = await begin(t);
  if (setting === null) return;
  const tab = await openAs(t, setting, 'omar', { viewport: { width: 820, height: 1180 } });
  const faults = watch(tab, setting.url);
  await tab.locator('[data-occurrence="occ-needle"]').getByRole('link', { name: 'Case of this needle' }).click();
  await tab.getByRole('heading', { name: 'Broken needle: Lockstitch 1' }).waitFor();
  await tab.getByText('Still to do: list the pieces of the needle.').waitFor();
  await tab.getByText('Pieces 12 to 13 of the machine’s counter; 13 was under the needle').waitFor();
  await tab.getByText('Stitches 5\u202f000 to 5\u202f042').waitFor();

  await tab.getByRole('button', { name: '+ Point' }).click();
  await tab.getByRole('button', { name: '+ Shank' }).click();
  assert.equal(await tab.getByRole('button', { name: '+ Point' }).isDisabled(), true, 'listed once');
  await tab.getByLabel('Another piece').fill('<img src=x onerror=alert(1)>\u202e');
  await tab.getByRole('button', { name: 'Add a piece' }).click();
  await tab.getByText('Not found yet: 3.').waitFor();
  // One too many: it is struck out, and stays to be read.
  await tab.getByRole('button', { name: '+ Blade' }).click();
  await tab.getByText('Not found yet: 4.').waitFor();
  await tab.locator('[data-fragment="4"] summary').click();
  const strike = tab.getByRole('button', { name: 'Strike out: Blade' });
  assert.equal(await strike.isDisabled(), true, 'the reason must be said');
  await tab.getByLabel('Why it is no piece of this needle: Blade').fill('a pin of the fixture');
  await strike.click();
  await tab.getByText('Not found yet: 3.').waitFor();
  await tab.locator('[data-fragment="4"] del').getByText('Blade').waitFor();
  await tab.locator('[data-fragment="4"]').getByText('a pin of the fixture').waitFor();
  assert.equal(await tab.getByRole('button', { name: '+ Blade' }).isDisabled(), false, 'it can be listed anew');
  await tab.getByLabel('Where it was found: Point').fill('in the throat plate');
  await tab.getByRole('checkbox', { name: 'Found: Point' }).click();
  await tab.getByText('Not found yet: 2.').waitFor();
  await tab.locator('.fragments').getByText('in the throat plate').waitFor();
  await tab.getByRole('checkbox', { name: 'Found: Shank' }).click();
  await tab.getByText('Not found yet: 1.').waitFor();
  assert.equal(await tab.getByRole('button', { name: 'All pieces are found' }).count(), 0);
  const axe = await axeSource();
  await expectClean(tab, axe, 'with a piece missing');
  await tab.locator('[data-fragment="3"]').getByRole('checkbox').click();
  await tab.getByRole('button', { name: 'All pieces are found' }).click();
  await tab.getByText('It cannot be: omar.').waitFor();
  await expectClean(tab, axe, 'before the second person');

  const sign = async (name: string, password: string): Promise<void> => {
    await tab.getByLabel('User name').fill(name);
    await tab.getByLabel('Password').fill(password);
    await tab.getByRole('button', { name: 'Close the case' }).click();
  };
  await sign('omar', goodPassword);
  await tab.getByText('It must be another person').waitFor();
  await sign('rita', 'thirteen red bobbins');
  await tab.getByText('The name or the password is wrong.').waitFor();
  assert.equal(await tab.getByLabel('Password').inputValue(), '', 'no password stays on a shared tablet');
  await sign('mina', goodPassword);
  await tab.getByText('Only a maintainer or an administrator may do this.').waitFor();
  await sign('rita', goodPassword);
  await tab.getByText('Closed: the needle is complete').first().waitFor();
  await tab.getByText('rita closed the case as the second person').waitFor();
  assert.equal(await tab.getByRole('checkbox', { name: 'Found: Point' }).isDisabled(), true);
  await expectClean(tab, axe, 'closed');

  await tab.evaluate('window.print = () => { document.title = "printed"; }');
  await tab.getByRole('button', { name: 'Print the record' }).click();
  assert.equal(await tab.title(), 'printed');
  await tab.emulateMedia({ media: 'print' });
  assert.equal(await tab.getByText('Record of a broken needle').isVisible(), true);
  assert.equal(await tab.locator('[data-fragment="4"]').getByText('a pin of the fixture').isVisible(), true);
  assert.equal(await tab.locator('[data-fragment="4"] summary').count(), 0);
  assert.equal(await tab.getByRole('button', { name: 'Print the record' }).isVisible(), false);
  assert.equal(await tab.locator('.top').isVisible(), false);
  const pdf = (await tab.pdf({ format: 'A4', preferCSSPageSize: true })).toString('latin1');
  assert.equal(pdf.match(/\/Type\s*\/Page\b/g)?.length, 1, 'one page of paper');
  assert.deepEqual(faults, []);
});

test('a piece that cannot be found: the goods are isolated, and a viewer looks on', async (t) => {
  const setting = await begin(t);
  if (setting === null) return;
  const tab = await openAs(t, setting, 'omar', { viewport: { width: 360, height: 740 } });
  await tab.goto(`${setting.url}/#/needle-case`);
  await tab
    .locator('.needle-cases')
    .getByRole('link', { name: /Lockstitch 1/ })
    .click();
  await tab.getByRole('button', { name: '+ Eye' }).click();
  await tab.getByRole('button', { name: 'Not found: Eye' }).click();
  await tab.locator('.fragments').getByText('Not found · omar').waitFor();
  await tab.getByText('A piece cannot be found').click();
  const say = tab.getByRole('button', { name: 'Say that the goods are isolated' });
  assert.equal(await say.isDisabled(), true, 'what was done must be said');
  await tab.getByLabel('They went through the needle detector').click();
  await tab.getByLabel('What was done, and by whom').fill('bundle 4, twice, by the detector of line 2');
  await say.click();
  await tab.getByText('It cannot be: omar.').waitFor();
  await expectClean(tab, await axeSource(), 'a phone, before the second person');
  const overflow = await tab.evaluate('document.documentElement.scrollWidth - window.innerWidth');
  assert.ok(Number(overflow) <= 0, `nothing is wider than a phone: ${String(overflow)}`);
  // Somebody finds it after all: what was said is taken back.
  await tab.getByRole('checkbox', { name: 'Found: Eye' }).click();
  await tab.getByText('one person says that the needle is complete').waitFor();

  // One look fails: it is said, and gone with the next one.
  await tab.route('**/api/needle-cases/**', (route) => route.abort(), { times: 1 });
  const away = tab.getByText('The gateway does not answer. Check the connection and try again.');
  await away.waitFor();
  await away.waitFor({ state: 'detached' });

  const other = await openAs(t, setting, 'rita', { ...wide, locale: 'vi-VN' });
  await other.goto(tab.url());
  await other.getByRole('checkbox', { name: 'Đã tìm thấy: Lỗ kim' }).waitFor();
  assert.equal(await other.getByRole('button', { name: '+ Lỗ kim' }).isDisabled(), true, 'listed in another language');

  const viewer = await openAs(t, setting, 'mina', wide);
  await viewer.locator('[data-occurrence="occ-needle"]').getByRole('link', { name: 'Case of this needle' }).click();
  await viewer.getByText('You are signed in as a viewer: you can look and print.').waitFor();
  assert.equal(await viewer.locator('.fragments').getByRole('checkbox').first().isDisabled(), true);
  assert.equal(await viewer.getByRole('button', { name: /Close|All pieces|Add/ }).count(), 0);
});

test('a needle that broke unnoticed is told by hand, in the language of who tells it', async (t) => {
  const setting = await begin(t);
  if (setting === null) return;
  const tab = await openAs(t, setting, 'omar', { ...wide, locale: 'vi-VN' });
  await tab.goto(`${setting.url}/#/needle-case`);
  await tab.getByText('Kim gãy mà máy không báo').click();
  await tab.getByLabel('Máy', { exact: true }).selectOption('ov-1');
  await tab.getByRole('button', { name: 'Mở hồ sơ' }).click();
  await tab.getByText('Máy không báo kim gãy nên không ai biết gãy lúc nào').waitFor();
  assert.equal(setting.floor.needles.views(true).length, 2);
});
