/** The views Floor, Machine and Health in a real browser: on the stand-in floor, and on a real agent with machines on lines. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Page as Tab } from 'playwright-core';
import { en } from '../../agent/web/languages/en/index.ts';
import { vi } from '../../agent/web/languages/vi/index.ts';
import { run, startAgent, temporaryDir, writeConfig, type Line } from '../integration/bad-input-rig.ts';
import { until } from '../integration/sync-rig.ts';
import { retrofitThatSews } from '../support/retrofit.ts';
import { createFloor } from '../unit/page/floor.ts';
import { alertView } from '../unit/page/floor-demo.ts';
import { goodPassword } from '../unit/page/harness.ts';
import {
  axeSource,
  beginPage,
  expectClean,
  hasChromium,
  newTab,
  openAs,
  sharedBrowser,
  watch,
  wide,
} from './page-browser.ts';

const hourMs = 3_600_000;
const shared = sharedBrowser();
after(() => shared.close());

/** Goes to a view by its address, as a link or a bookmark does. */
async function goTo(tab: Tab, hash: string, ready: string): Promise<void> {
  await tab.evaluate(`location.hash = ${JSON.stringify(hash)}`);
  await tab.locator(ready).first().waitFor();
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

const views = [
  ['#/floor', '.floor-view [data-signal="stitch.total"]'],
  ['#/machine/ls-1', '.stops-table'],
  ['#/machine', '.choice a'],
  ['#/health', '.drivers-table'],
  ['#/andon', '.andon-tile'],
] as const;

test('the views fit 360 px and 1920 px, are clean to axe, and run no script the policy forbids', async (t) => {
  const setting = await beginPage(t, shared);
  if (setting === null) return;
  const axe = await axeSource();
  for (const width of [360, 1920]) {
    const tab = await openAs(t, setting, 'omar', { viewport: { width, height: 900 } });
    const faults = watch(tab, setting.url);
    for (const [hash, ready] of views) {
      await goTo(tab, hash, ready);
      assert.deepEqual(await tooWide(tab), [], `${hash} at ${width} px`);
      await expectClean(tab, axe, `${hash} at ${width} px`);
    }
    assert.deepEqual(faults, []);
  }
});

test('machines stand by line, each with its state in words, its speed, its day and what is wrong with it', async (t) => {
  const setting = await beginPage(t, shared);
  if (setting === null) return;
  const tab = await openAs(t, setting, 'mina');
  await tab.getByRole('link', { name: 'Floor' }).click();
  await tab.locator('[data-signal="stitch.total"]').first().waitFor();
  assert.deepEqual(await tab.locator('.line-name bdi').allTextContents(), ['Knitting', 'Line 2']);
  const tile = (id: string) => tab.locator(`.floor-view [data-machine="${id}"]`);
  await tile('ls-1').getByText('Fault', { exact: true }).waitFor();
  await tile('ls-1').getByText('Open alerts: 1, urgent: 1').waitFor();
  await tile('ls-1').getByText('120', { exact: true }).waitFor();
  await tile('rt-1')
    .getByText(/Not read since .*connection lost/)
    .waitFor();
  // Of the last machine nothing is known of today: that is said, and is no zero.
  await tile('ck-1').locator('[data-signal="revolution.count"]').getByText('unknown').waitFor();
  // A name is text, whatever is in it.
  setting.floor.setMachine('ls-2', { name: '<script>alert(1)</script>' });
  await tile('ls-2').getByText('<script>alert(1)</script>').waitFor();
  await tile('ls-1').getByRole('link', { name: 'Lockstitch 1' }).click();
  await tab.getByRole('heading', { name: 'Lockstitch 1' }).waitFor();
  await tab.getByText('Cause not told').waitFor();
  await tab.locator('.states-table [data-state="UNKNOWN"]').waitFor();
});

test('the wall screen shows urgent alerts and states, has nothing to press, and says when the connection is lost', async (t) => {
  const setting = await beginPage(t, shared);
  if (setting === null) return;
  const tab = await openAs(t, setting, 'mina', { viewport: { width: 1920, height: 1080 } });
  await goTo(tab, '#/andon', '.andon-tile');
  assert.equal(await tab.locator('button:visible, select:visible, a:visible:not(.skip)').count(), 0);
  assert.equal(await tab.locator('.andon-tile').count(), setting.floor.machines.length);
  await tab.locator('.andon-alerts').getByText('The main motor is overloaded').waitFor();
  await tab.locator('.andon-alerts').getByText('Lockstitch 1 · Line 2 · Station 4').waitFor();
  assert.equal(await tab.getByText('Oil level is low').count(), 0, 'it is not urgent');
  // Machines that do not fit are on another page.
  await tab.setViewportSize({ width: 700, height: 380 });
  await tab.getByText(/Page \d of 3/).waitFor();
  await setting.page.stop();
  await tab.getByText('No connection to the gateway: what you see is old.').waitFor();
  await tab.locator('.andon-tile').getByText('was: Fault').first().waitFor();
});

/** Machines of the wall screen that are not whole inside the window. */
async function outside(tab: Tab): Promise<string[]> {
  return (await tab.evaluate(`[...document.querySelectorAll('.andon-tile')]
    .filter((tile) => {
      const { top, left, right, bottom } = tile.getBoundingClientRect();
      return top < 0 || left < 0 || right > innerWidth || bottom > innerHeight;
    })
    .map((tile) => tile.dataset.machine)`)) as string[];
}

test('on the wall screen every machine of many short lines comes up whole, under alerts and a lost connection too', async (t) => {
  const floor = createFloor();
  const [first] = floor.machines;
  assert.ok(first !== undefined);
  floor.machines = Array.from({ length: 24 }, (_, index) => ({
    ...first,
    id: `sew-${index}`,
    name: index === 0 ? 'W'.repeat(10_000) : `Machine ${index}`,
    line: `Line ${Math.floor(index / 3)}`,
  }));
  floor.alerts = [];
  for (const id of ['a', 'b', 'c', 'd']) {
    const text = id === 'a' ? 'long '.repeat(2_000) : 'Needle broken';
    floor.raise(
      alertView({ occurrence: `occ-${id}`, machine: 'sew-1', type: 'needle_broken', text, priority: 'urgent' }),
    );
  }
  const setting = await beginPage(t, shared, floor);
  if (setting === null) return;
  const tab = await openAs(t, setting, 'mina', { viewport: { width: 1920, height: 1080 } });
  await goTo(tab, '#/andon', '.andon-tile');
  await tab.locator('.andon-alerts li').nth(3).waitFor();
  assert.deepEqual(await outside(tab), []);
  await setting.page.stop();
  await tab.getByText('No connection to the gateway: what you see is old.').waitFor();
  const came = new Set<string>();
  const pageNow = tab.locator('[data-page]');
  const count = Number(/of (\d+)/.exec((await pageNow.textContent()) ?? '')?.[1]);
  for (let turn = 0; turn < count; turn += 1) {
    const shown = (await tab.evaluate(
      `[...document.querySelectorAll('.andon-tile')].map((tile) => tile.dataset.machine)`,
    )) as string[];
    for (const id of shown) came.add(id);
    assert.deepEqual(await outside(tab), []);
    const at = await pageNow.getAttribute('data-page');
    if (turn < count - 1) await tab.locator(`[data-page]:not([data-page="${at}"])`).waitFor();
  }
  assert.equal(came.size, 24);
});

test('a trend tells, and gives as a table, the time its curve is of: moved, not answered, and in another language', async (t) => {
  const setting = await beginPage(t, shared);
  if (setting === null) return;
  const tab = await openAs(t, setting, 'mina');
  await goTo(tab, '#/machine/ls-2', '[data-band="minutes"]');
  await tab.locator('#band-range').selectOption(String(24 * hourMs));
  const chart = tab.locator('[data-trend]');
  const hint = tab.locator('[data-band]');
  const drawnAfter = async (act: () => Promise<unknown>): Promise<void> => {
    const before = await chart.getAttribute('data-drawn');
    await act();
    await tab.locator(`[data-trend]:not([data-drawn="${before}"])`).waitFor();
  };
  const endOfTable = async (): Promise<number> => {
    const href = await tab.getByRole('link', { name: /Table of this signal/ }).getAttribute('href');
    return Number(new URL(href ?? '', setting.url).searchParams.get('to'));
  };
  await tab.locator('[data-trend][aria-label*="Last 24 hours"]:not([data-drawn="0"])').waitFor();
  assert.ok((await endOfTable()) > Date.now() - hourMs);
  await drawnAfter(() => tab.getByRole('button', { name: 'Earlier' }).click());
  const movedTo = await endOfTable();
  assert.ok(movedTo < Date.now() - 5 * hourMs, 'the table is of what is on the screen');
  const told = await hint.textContent();
  assert.match(told ?? '', /–.*From/);
  assert.ok((await chart.getAttribute('aria-label'))?.includes('–'));

  // Not answered: the curve of before keeps its own time.
  await tab.route('**/band?*', (route) => route.abort());
  await tab.getByRole('button', { name: 'Earlier' }).click();
  await tab.locator('.band-trend .problem').waitFor();
  assert.equal(await hint.textContent(), told);
  assert.equal(await endOfTable(), movedTo);
  await drawnAfter(() => tab.unroute('**/band?*'));
  assert.ok((await endOfTable()) < movedTo - 5 * hourMs, 'it is asked for again');

  const picture = `document.querySelector('[data-trend] canvas').toDataURL()`;
  const inEnglish = await tab.evaluate(picture);
  await drawnAfter(() => tab.locator('.language select').selectOption('bn'));
  await until('the axes in Bangla', async () => (await tab.evaluate(picture)) !== inEnglish);

  await setting.page.stop();
  await tab.locator('.band-trend .choice button:enabled').first().waitFor({ state: 'detached' });
});

test('a viewer sees how the gateway fares and has no examination; the server gives none either', async (t) => {
  const setting = await beginPage(t, shared);
  if (setting === null) return;
  const viewer = await openAs(t, setting, 'mina');
  await goTo(viewer, '#/health', '[data-driver="ls-1"]');
  await viewer.locator('[data-fact="health.bytes-a-day"]').getByText('41 MB').waitFor();
  assert.equal(await viewer.getByRole('heading', { name: 'Examination' }).count(), 0);
  assert.equal(await viewer.evaluate(`fetch('/api/doctor').then((answer) => answer.status)`), 403);
  const maintainer = await openAs(t, setting, 'omar');
  await goTo(maintainer, '#/health', '[data-check="disk"]');
  await maintainer.getByText('What to do: Make room on the disk.').waitFor();
  setting.floor.views.examined = null;
  await maintainer.getByRole('button', { name: 'Examine again' }).click();
  await maintainer.getByText('The examination gave no answer').waitFor();
});

test('the views speak the language that is chosen', async (t) => {
  const floor = createFloor();
  const needle = { occurrence: 'occ-needle', machine: 'ls-2', rule: 'needle-broken', type: 'needle_broken' };
  floor.raise(alertView({ ...needle, text: en['rule.needle-broken'], priority: 'urgent' }));
  const setting = await beginPage(t, shared, floor);
  if (setting === null) return;
  const tab = await openAs(t, setting, 'mina', { ...wide, locale: 'vi-VN' });
  await goTo(tab, '#/floor', '.floor-view [data-signal="stitch.total"]');
  await tab.getByRole('heading', { name: 'Xưởng' }).waitFor();
  await goTo(tab, '#/health', '[data-driver="ls-1"]');
  await tab.getByRole('heading', { name: 'Tình trạng' }).waitFor();
  await goTo(tab, '#/machine/ls-2', '[data-occurrence="occ-needle"]');
  await tab.locator('[data-occurrence="occ-needle"]').getByText(vi['rule.needle-broken'], { exact: true }).waitFor();
  await goTo(tab, '#/andon', '.andon-tile');
  await tab.locator('.andon-alerts').getByText(vi['rule.needle-broken'], { exact: true }).waitFor();
});

test('what the gateway does not answer is told in the language of the page, and is never an empty box', async (t) => {
  const setting = await beginPage(t, shared);
  if (setting === null) return;
  const tab = await openAs(t, setting, 'omar', { ...wide, locale: 'vi-VN' });
  const asked = /\/api\/(today|health|doctor|alerts|alert-figures|machines)/;
  const expectProblems = async (text: string): Promise<void> => {
    for (const [hash, boxes] of [
      ['#/floor', 1],
      // The trend, the past, the alerts.
      ['#/machine/ls-2', 3],
      // The health, the examination.
      ['#/health', 2],
      ['#/alert-figures', 1],
    ] as const) {
      await goTo(tab, hash, '.problem');
      const told = tab.locator('main .problem').getByText(text, { exact: true });
      await until(`${hash}: ${boxes} times ${text}`, async () => (await told.count()) === boxes);
      assert.equal(await tab.locator('main .problem').count(), boxes, hash);
    }
  };
  await tab.route(asked, (route) => route.abort());
  await expectProblems(vi['problem.offline']);
  await tab.unroute(asked);
  const refusal = { error: { code: 'busy', message: 'Too many at once.' } };
  await tab.route(asked, (route) => route.fulfill({ status: 429, json: refusal }));
  await expectProblems(vi['problem.busy']);
});

test('what was read before the connection was lost is told as of then, and figures and alerts are read again', async (t) => {
  const setting = await beginPage(t, shared);
  if (setting === null) return;
  const tab = await openAs(t, setting, 'mina');
  // Acknowledged: as many alerts as before.
  await goTo(tab, '#/machine/ls-1', '[data-occurrence="occ-overload"]');
  const state = tab.locator('[data-occurrence="occ-overload"] td').last();
  await state.getByText(en['alert-state.active-unacked'], { exact: true }).waitFor();
  setting.floor.alerts = setting.floor.alerts.map((alert) =>
    alert.record.occurrence === 'occ-overload'
      ? { ...alert, record: { ...alert.record, state: 'active-acked', actor: 'omar' } }
      : alert,
  );
  await state.getByText(en['alert-state.active-acked'], { exact: true }).waitFor();

  await tab.clock.install();
  await goTo(tab, '#/alert-figures', '.alert-figures .figures');
  const asOf = tab.locator('.alert-figures').getByText(/^As of /);
  const before = await asOf.textContent();
  await tab.clock.fastForward(61_000);
  await asOf.and(tab.locator(`:not(:text-is("${before}"))`)).waitFor();

  await goTo(tab, '#/machine/ls-2', '[data-signal="spindle.speed"]');
  await tab.locator('.signals-table [data-signal="spindle.speed"] .good-mark').first().waitFor();
  await setting.page.stop();
  await tab.locator('.signals-table [data-signal="spindle.speed"] .old-mark').first().waitFor();
  assert.equal(await tab.locator('.signals-table .good-mark').count(), 0);
  await goTo(tab, '#/floor', '.floor-view [data-machine="ls-2"]');
  await tab
    .locator('[data-machine="ls-2"] [data-signal="spindle.speed"]')
    .getByText(/^was: /)
    .waitFor();
});

test('on a real agent the day counts up, the machine has a past, its tables can be read, and health names its driver', async (t) => {
  if (!hasChromium(t)) return;
  const dir = temporaryDir(t);
  for (const [name, role] of [
    ['omar', 'maintainer'],
    ['asha', 'admin'],
  ]) {
    const args = ['user', 'add', String(name), '--role', String(role), '--data-dir', join(dir, 'agent')];
    assert.equal((await run(t, args, `${goodPassword}\n`)).code, 0);
  }
  const one = { profile: 'sewing-retrofit-csv', line: 'Line 1' };
  const machines = [
    { id: 'rt-2', name: 'Retrofit 2', station: 'Station 10', endpoint: (await retrofitThatSews(t)).endpoint, ...one },
    { id: 'rt-1', name: 'Retrofit 1', station: 'Station 9', endpoint: (await retrofitThatSews(t)).endpoint, ...one },
  ];
  const config = writeConfig(dir, { machines, summaries: { openMinuteEveryS: 1 } });
  const agent = await startAgent(t, config);
  const url = String(agent.lines.find((line: Line) => typeof line['page'] === 'string')?.['page']);
  const tab = await newTab(await shared.get(), wide);
  t.after(() => tab.context().close());
  const faults = watch(tab, url);
  await tab.goto(url);
  await tab.getByLabel('User name').fill('omar');
  await tab.getByLabel('Password').fill(goodPassword);
  await tab.getByRole('button', { name: 'Sign in' }).click();
  await tab.getByRole('heading', { name: 'Nothing is wrong.' }).or(tab.locator('.tile').first()).first().waitFor();

  await goTo(tab, '#/floor', '.floor-view [data-machine="rt-1"]');
  assert.deepEqual(await tab.locator('.floor-view h4').allTextContents(), ['Retrofit 1', 'Retrofit 2']);
  const stitchesToday = async (): Promise<number> => {
    const { machines: told } = (await tab.evaluate(`fetch('/api/today').then((answer) => answer.json())`)) as {
      machines: { machine: string; counters: { signal: string; delta: number }[] }[];
    };
    const mine = told.find(({ machine }) => machine === 'rt-1');
    return mine?.counters.find(({ signal }) => signal === 'stitch.total')?.delta ?? 0;
  };
  await until('stitches of today', async () => (await stitchesToday()) > 0);
  const before = await stitchesToday();
  await until('more stitches of today', async () => (await stitchesToday()) > before);
  await tab
    .locator('.floor-view [data-machine="rt-1"] [data-signal="stitch.total"]')
    .filter({ hasNotText: 'unknown' })
    .waitFor();

  await goTo(tab, '#/machine/rt-1', '.states-table [data-state="RUN"]');
  await tab.locator('.timeline .bar-run').first().waitFor({ state: 'attached' });
  await tab.locator('[data-band="ring"]').getByText('From').waitFor();
  await tab.getByLabel('Time range').first().selectOption({ label: 'Last 24 hours' });
  await tab.locator('[data-band="minutes"]').getByText('From').waitFor();
  // Moved into the past by a key, and back by a button.
  const chart = tab.locator('[data-trend]');
  const drawn = await chart.getAttribute('data-drawn');
  await chart.focus();
  await tab.keyboard.press('ArrowLeft');
  await tab.getByRole('button', { name: 'To now' }).and(tab.locator(':enabled')).waitFor();
  await tab.locator(`[data-trend]:not([data-drawn="${drawn}"])`).waitFor();
  const moved = await chart.getAttribute('data-drawn');
  await tab.getByRole('button', { name: 'To now' }).click();
  await tab.getByRole('button', { name: 'Later' }).and(tab.locator(':disabled')).waitFor();
  await tab.locator(`[data-trend]:not([data-drawn="${moved}"])`).waitFor();
  const csv = async (name: RegExp): Promise<string[]> => {
    const href = await tab.getByRole('link', { name }).getAttribute('href');
    const text = (await tab.evaluate(`fetch(${JSON.stringify(href)}).then((answer) => answer.text())`)) as string;
    return text.trim().split('\r\n');
  };
  const [head = '', ...lines] = await csv(/Table of states/);
  assert.match(head, /^time_utc,time_site,run_s,/);
  const runs = lines.map((line) => Number(line.split(',')[2]));
  assert.ok(
    runs.some((s) => s > 0 && s <= 60),
    lines.join('|'),
  );
  const [signalHead = '', ...signalLines] = await csv(/Table of this signal/);
  assert.match(signalHead, /^time_utc,time_site,signal,/);
  assert.ok(signalLines.length > 0);
  assert.ok(signalLines.every((line) => !Number.isNaN(Date.parse(line.split(',')[0] ?? ''))));

  await goTo(tab, '#/health', '[data-driver="rt-1"]');
  await tab.locator('[data-driver="rt-2"]').getByText('Retrofit 2').waitFor();
  await tab.locator('[data-check="node"]').waitFor();
  await tab.locator('[data-check="data-dir"], [data-check="folder"], [data-check="disk"]').first().waitFor();
  assert.deepEqual(faults, []);
});
