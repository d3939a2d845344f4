/** The pictures of docs/PAGE.md, taken of the page itself: they are written into docs/ with SELVEDGE_WRITE_SCREENSHOT=1. */
import { after, test } from 'node:test';
import { english } from '../../agent/web/speech.ts';
import { alertView } from '../unit/page/floor-demo.ts';
import { createFloor } from '../unit/page/floor.ts';
import { beginPage, openAs, picture, sharedBrowser } from './page-browser.ts';

const shared = sharedBrowser();
after(() => shared.close());

/** View in the address, what is there when it is whole, file, window. */
const views = [
  ['#/floor', '.floor-view [data-signal="stitch.total"]', 'page-floor.png', { width: 1360, height: 900 }],
  ['#/machine/ls-1', '.states-table [data-state="RUN"]', 'page-machine.png', { width: 1360, height: 900 }],
  ['#/health', '[data-check="disk"]', 'page-health.png', { width: 1360, height: 900 }],
  ['#/andon', '.andon-tile', 'page-andon.png', { width: 1920, height: 1080 }],
  ['#/alert-figures', 'table', 'page-figures.png', { width: 900, height: 900 }],
  ['#/needle-case/occ-needle', '.needle-form', 'page-needle.png', { width: 820, height: 1180 }],
  ['#/shift', '.shift-view', 'page-shift.png', { width: 1360, height: 900 }],
  ['#/runbooks/motor_overload', '.runbook-text', 'page-runbooks.png', { width: 900, height: 900 }],
  ['#/people', '[data-user="omar"]', 'page-people.png', { width: 1360, height: 900 }],
] as const;

/** Alerts as the shipped rules say them, which the page has in each language. */
function floorOfRules() {
  const floor = createFloor();
  floor.alerts = floor.alerts.map((alert) => {
    const rule = alert.record.type.replaceAll('_', '-');
    const text = english.named('rule', rule) ?? alert.record.text;
    return { ...alert, record: { ...alert.record, rule, text } };
  });
  return floor;
}

/** The stand-in floor with a needle that broke, and a past with alerts in it. */
function floorWithPast() {
  const floor = floorOfRules();
  const now = Date.now();
  floor.history = Array.from({ length: 24 }, (_, index) =>
    alertView({
      machine: index % 3 === 0 ? 'ls-2' : 'ls-1',
      type: 'thread_break',
      text: 'Needle thread broken',
      occurrence: `past-${index}`,
      raisedMs: now - 20 * 3_600_000 + index * 1_800_000,
      state: 'normal',
    }),
  );
  floor.needles.ran('ls-1');
  floor.counted.stitch += 42;
  floor.counted.piece += 1;
  const alert = alertView({
    occurrence: 'occ-needle',
    machine: 'ls-1',
    type: 'needle_broken',
    text: 'Needle broken',
    priority: 'urgent',
    cause: 'needle.broken',
  });
  const { type, cause, machine, occurrence: id } = alert.record;
  const told = { type, cause, machine, id, onsetMs: now + 1 };
  floor.needles.stepped({ transition: 'raised', occurrence: told as never }, now);
  floor.raise(alert);
  return floor;
}

test('each view has a picture that is not empty', async (t) => {
  const setting = await beginPage(t, shared, floorWithPast());
  if (setting === null) return;
  const tab = await openAs(t, setting, 'asha');
  for (const [hash, whole, name, viewport] of views) {
    await tab.setViewportSize(viewport);
    await tab.goto(`${setting.url}/${hash}`);
    await tab.locator(whole).first().waitFor();
    if (name === 'page-needle.png') {
      await tab.getByRole('button', { name: '+ Point' }).click();
      await tab.getByRole('button', { name: '+ Shank' }).click();
      await tab.getByRole('checkbox', { name: 'Found: Point' }).click();
      await tab.getByText('Not found yet: 1.').waitFor();
    }
    await picture(t, tab, name);
  }
});

test('the first view has a picture of a phone in Bangla', async (t) => {
  const setting = await beginPage(t, shared, floorOfRules());
  if (setting === null) return;
  const phone = { viewport: { width: 390, height: 844 }, locale: 'bn-BD', deviceScaleFactor: 2 };
  const tab = await openAs(t, setting, 'omar', phone);
  await tab.locator('html[lang="bn-BD"]').waitFor();
  await tab.locator('[data-connection="live"]').waitFor();
  // Until the steps are there the card has those of the profile, which are in English.
  await tab.locator('.runbook-text').nth(1).waitFor();
  await picture(t, tab, 'page-bangla.png');
});
