/** The view Shift in a real browser: on the stand-in floor, and on a real agent whose calendar has a shift that never stops. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test, type TestContext } from 'node:test';
import type { Page as Tab } from 'playwright-core';
import { run, startAgent, temporaryDir, writeConfig, type Line } from '../integration/bad-input-rig.ts';
import { retrofitThatSews } from '../support/retrofit.ts';
import { calendarSchema, weekdays, type ShiftCalendar } from '../../agent/time/calendar.ts';
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

const shared = sharedBrowser();
after(() => shared.close());

const calendar = calendarSchema.parse({
  plans: [
    {
      shifts: [
        { id: 'early', name: 'Early <b>shift</b>', days: [...weekdays], from: '06:00', to: '14:00' },
        { id: 'late', name: 'Late', days: [...weekdays], from: '14:00', to: '22:00' },
      ],
    },
  ],
}) as ShiftCalendar;
const early = Date.parse('2026-03-02T00:00:00Z');

async function goTo(tab: Tab, hash: string, ready: string): Promise<void> {
  await tab.evaluate(`location.hash = ${JSON.stringify(hash)}`);
  await tab.locator(ready).first().waitFor();
}

async function begin(t: TestContext) {
  const setting = await beginPage(t, shared);
  if (setting === null) return null;
  const { floor } = setting;
  floor.views.calendar = calendar;
  floor.setMachine('ck-1', { hasEye: true });
  floor.setMachine('ls-1', { hasEye: true });
  const { machines } = floor.views.shift;
  floor.views.shift = {
    ...floor.views.shift,
    machines: machines.map((one) => (one.machine === 'ls-1' ? { ...one, cloth: { found: 3, metres: 150 } } : one)),
  };
  return setting;
}

test('the shift fits 360 px and 1920 px, is clean to axe, and runs no script the policy forbids', async (t) => {
  const setting = await begin(t);
  if (setting === null) return;
  const axe = await axeSource();
  for (const width of [360, 1920]) {
    const tab = await openAs(t, setting, 'mina', { viewport: { width, height: 900 } });
    const faults = watch(tab, setting.url);
    await goTo(tab, `#/shift/${early}`, '.shift-machine');
    assert.equal(
      await tab.evaluate('document.documentElement.scrollWidth > document.documentElement.clientWidth'),
      false,
    );
    await expectClean(tab, axe, `shift at ${width} px`);
    assert.deepEqual(faults, []);
  }
});

test('a shift has its name and the times of the site, each machine its states, stops, counters and defects; what is unknown says so', async (t) => {
  const setting = await begin(t);
  if (setting === null) return;
  const tab = await openAs(t, setting, 'mina');
  await goTo(tab, `#/shift/${early + 1}`, '.shift-machine');
  await tab.getByRole('heading', { name: 'Shift: Early <b>shift</b>' }).waitFor();
  assert.match((await tab.locator('.shift-times').textContent()) ?? '', /2 Mar 2026.* 06:00 to .*2 Mar 2026.* 14:00/);
  const machine = (id: string) => tab.locator(`.shift-machine[data-machine="${id}"]`);
  await machine('ls-1').locator('[data-state="RUN"]').getByText('5 h 00 min · 62.5 %').waitFor();
  await machine('ls-1').locator('[data-state="UNKNOWN"]').getByText('50 min').waitFor();
  await machine('ls-1').getByText('≈ 30 min of the unknown time lies in hours').waitFor();
  assert.equal(await machine('ls-2').locator('.shift-cut').count(), 0);
  await machine('ls-1').locator('.shift-stops').getByText('Other causes').waitFor();
  assert.equal(await machine('ls-1').locator('.shift-stops > div').count(), 6);
  await machine('ls-1').locator('[data-signal="piece.count"]').getByText('90').waitFor();
  await machine('ls-1').locator('.shift-defects').getByText('2 (3 found in 150 m looked at)').waitFor();
  // Of a machine of which nothing is told, all time is unknown, and no rate is made of no metre.
  await machine('ck-1').locator('[data-state="UNKNOWN"]').getByText('8 h 00 min · 100 %').waitFor();
  await machine('ck-1').locator('.shift-defects').getByText('unknown: no metre was looked at').waitFor();
  assert.equal(await machine('ls-2').locator('.shift-defects').count(), 0);
  // By the keyboard to the shift after it, and back.
  await tab.getByRole('link', { name: 'Next shift' }).focus();
  await tab.keyboard.press('Enter');
  await tab.getByRole('heading', { name: 'Shift: Late' }).waitFor();
  await tab.getByRole('link', { name: 'Previous shift' }).click();
  await tab.getByRole('heading', { name: 'Shift: Early <b>shift</b>' }).waitFor();
  const href = await tab.getByRole('link', { name: 'Table (CSV)' }).getAttribute('href');
  const csv = (await tab.evaluate(`fetch(${JSON.stringify(href)}).then((answer) => answer.text())`)) as string;
  assert.match(csv, /^shift,from_utc,/);
  assert.ok(csv.includes('2026-03-02 06:00,2026-03-02 14:00'));
  // What is not added up yet says so, and has no table.
  setting.floor.views.shift = { ...setting.floor.views.shift, isWhole: false };
  await tab.getByRole('link', { name: 'Current shift' }).click();
  await tab.getByText('The shift is being added up…').waitFor();
  assert.equal(await tab.getByRole('link', { name: 'Table (CSV)' }).count(), 0);
});

test('on paper it is A4 across, without navigation and buttons, and the button prints', async (t) => {
  const setting = await begin(t);
  if (setting === null) return;
  const tab = await openAs(t, setting, 'mina');
  await goTo(tab, `#/shift/${early}`, '.shift-machine');
  await tab.evaluate('window.print = () => { document.title = "printed"; }');
  await tab.getByRole('button', { name: 'Print' }).click();
  assert.equal(await tab.title(), 'printed');
  await tab.emulateMedia({ media: 'print' });
  for (const hidden of ['.top', '.views', '.on-screen']) {
    assert.equal(await tab.locator(`${hidden}:visible`).count(), 0, hidden);
  }
  const pdf = (await tab.pdf({ preferCSSPageSize: true })).toString('latin1');
  const sizes = [...pdf.matchAll(/\/MediaBox\s*\[0 0 ([\d.]+) ([\d.]+)\]/g)].map((found) => found.slice(1).map(Number));
  assert.ok(sizes.length > 0);
  for (const [width = 0, height = 0] of sizes) {
    assert.ok(Math.abs(width - 842) < 2 && Math.abs(height - 595) < 2, `${width} × ${height}`);
  }
});

test('the shift speaks the language that is chosen', async (t) => {
  const setting = await begin(t);
  if (setting === null) return;
  const tab = await openAs(t, setting, 'mina', { ...wide, locale: 'bn-BD' });
  await goTo(tab, `#/shift/${early}`, '.shift-machine');
  await tab.getByRole('heading', { name: /^শিফট/ }).waitFor();
  await tab.getByText('অবস্থা অনুযায়ী সময়').first().waitFor();
});

test('on a real agent the running shift counts what a machine makes, and its time is no longer than the shift', async (t) => {
  if (!hasChromium(t)) return;
  const dir = temporaryDir(t);
  for (const [name, role] of [
    ['mina', 'viewer'],
    ['asha', 'admin'],
  ]) {
    const args = ['user', 'add', String(name), '--role', String(role), '--data-dir', join(dir, 'agent')];
    assert.equal((await run(t, args, `${goodPassword}\n`)).code, 0);
  }
  const { endpoint, stitches } = await retrofitThatSews(t);
  const machines = [{ id: 'rt-1', name: 'Retrofit 1', line: 'Line 1', profile: 'sewing-retrofit-csv', endpoint }];
  const shifts = [{ id: 'always', name: 'Always', days: [...weekdays], from: '00:00', to: '00:00' }];
  const site = { id: 'demo', name: 'Demo', timeZone: 'Asia/Kolkata', calendar: { plans: [{ shifts }] } };
  const config = writeConfig(dir, { site, machines, summaries: { openMinuteEveryS: 1 } });
  const agent = await startAgent(t, config);
  const url = String(agent.lines.find((line: Line) => typeof line['page'] === 'string')?.['page']);
  const tab = await newTab(await shared.get(), wide);
  t.after(() => tab.context().close());
  const faults = watch(tab, url);
  await tab.goto(url);
  await tab.getByLabel('User name').fill('mina');
  await tab.getByLabel('Password').fill(goodPassword);
  await tab.getByRole('button', { name: 'Sign in' }).click();
  await tab.locator('.tile').first().waitFor();
  await goTo(tab, '#/shift', '.shift-machine[data-machine="rt-1"]');
  await tab.getByRole('heading', { name: 'Shift: Always' }).waitFor();
  await tab.locator('.shift-machine [data-state="RUN"]').waitFor({ timeout: 60_000 });
  await tab.locator('.shift-machine [data-signal="stitch.total"]').waitFor({ timeout: 60_000 });
  const told = (await tab.evaluate(`fetch('/api/shift').then((answer) => answer.json())`)) as {
    shift: { fromMs: number; toMs: number };
    toldToMs: number;
    machines: { seconds: Record<string, number>; counters: { signal: string; delta: number }[] }[];
  };
  const seconds = Object.values(told.machines[0]?.seconds ?? {}).reduce((sum, s) => sum + s, 0);
  assert.ok(seconds <= (told.toldToMs - told.shift.fromMs) / 1000 + 1e-6);
  assert.equal((told.shift.fromMs + 5.5 * 3_600_000) % 86_400_000, 0, 'midnight of the site');
  const counted = told.machines[0]?.counters.find(({ signal }) => signal === 'stitch.total')?.delta ?? 0;
  assert.ok(counted > 0 && counted <= stitches(), `${counted} of ${stitches()}`);
  assert.deepEqual(faults, []);
});
