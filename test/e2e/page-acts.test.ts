/** The page in a real browser: what people do with an alert beside acknowledging it, and the figures about alerts. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createFloor } from '../unit/page/floor.ts';
import { alertView } from '../unit/page/floor-demo.ts';
import { axeSource, beginPage, expectClean, openAs, sharedBrowser, watch } from './page-browser.ts';

const shared = sharedBrowser();
after(() => shared.close());

const hostile = '<script>alert(1)</script> \u202Egnal';

test('an alert is put aside, taken back, given to somebody, written about and closed with its cause; a new one is untouched', async (t) => {
  const floor = createFloor();
  floor.alerts = [];
  const thread = { machine: 'ls-1', type: 'thread_break', rule: 'thread-break', text: 'Thread broke' };
  floor.raise(alertView({ ...thread, occurrence: 'occ-1' }));
  const setting = await beginPage(t, shared, floor);
  if (setting === null) return;
  const tab = await openAs(t, setting, 'omar');
  const faults = watch(tab, setting.url);
  const viewer = await openAs(t, setting, 'mina');
  const card = tab.locator('[data-occurrence="occ-1"]');
  const seen = viewer.locator('[data-occurrence="occ-1"]');
  const more = () => card.locator('details.acts > summary').click();

  await more();
  await card.getByRole('button', { name: '15 min' }).waitFor();
  await expectClean(tab, await axeSource(), 'the forms of an alert');
  await card.getByRole('button', { name: '15 min' }).click();
  await tab.getByText('Shelved or out of service (1)').click();
  await card.getByText('Put aside until').waitFor();
  assert.equal(await card.getByRole('button', { name: /^Acknowledge/ }).count(), 0);
  await card.getByRole('button', { name: /^Take back/ }).click();
  await card.getByRole('button', { name: /^Acknowledge/ }).waitFor();

  await more();
  await card.getByLabel('Who has it').selectOption('omar');
  assert.equal(await card.getByLabel('Who has it').locator('option').nth(1).textContent(), 'omar (me)');
  assert.deepEqual(await card.getByLabel('Who has it').locator('option').allTextContents(), [
    'Nobody',
    'omar (me)',
    'asha',
  ]);
  await card.getByRole('button', { name: 'Save who has it' }).click();
  await seen.getByText('omar has it').waitFor();
  await card.getByLabel('Comment', { exact: true }).fill(hostile);
  await card.getByRole('button', { name: 'Add comment' }).click();
  await seen.getByText(hostile).waitFor();
  assert.equal(await seen.locator('details.acts').count(), 0, 'a viewer sees it and does nothing');

  await card.getByLabel('What it came from').selectOption('needle');
  await card.getByLabel('What was done').selectOption('replaced-needle');
  await card.getByRole('button', { name: 'Close with this cause' }).click();
  await card.getByText('Acknowledged. It is still there').waitFor();
  await seen.getByText('Cause: Needle. Done: Needle replaced. Said by omar.').waitFor();
  await expectClean(viewer, await axeSource(), 'what was done with an alert');
  assert.equal(floor.alerts[0]?.record.state, 'active-acked');

  // It is over, and another of the same rule comes: what was done with the first is not said of the second.
  floor.alerts = [];
  floor.raise(alertView({ ...thread, occurrence: 'occ-2' }));
  const next = tab.locator('[data-occurrence="occ-2"]');
  await next.getByRole('button', { name: /^Acknowledge/ }).waitFor();
  assert.equal(await next.locator('.act-facts').count(), 0);
  const late = `fetch('/api/alerts/occ-1/shelve', { method: 'POST', headers: { 'content-type': 'application/json', 'x-csrf-token': TOKEN },
    body: '{"forS":900}' }).then((answer) => answer.status)`;
  const token = "fetch('/api/session').then((answer) => answer.json()).then(({ csrf }) => csrf)";
  assert.equal(await tab.evaluate(`${token}.then((TOKEN) => ${late})`), 404);
  await delay(200);
  assert.equal(floor.alerts[0]?.record.state, 'active-unacked');
  assert.deepEqual(faults, []);
});

test('the figures about alerts are plain numbers and tables, in the language of the device', async (t) => {
  const floor = createFloor();
  const at = Date.now();
  for (let i = 0; i < 12; i++) {
    const raisedMs = at - 3_600_000 + i * 10_000;
    const alert = {
      machine: 'ls-1',
      type: 'thread_break',
      rule: 'thread-break',
      text: 'Needle thread broken',
      occurrence: `f-${i}`,
      raisedMs,
    };
    floor.history = [alertView({ ...alert, state: 'normal' }), ...floor.history];
  }
  const setting = await beginPage(t, shared, floor);
  if (setting === null) return;
  const tab = await openAs(t, setting, 'mina', { viewport: { width: 360, height: 800 } });
  const faults = watch(tab, setting.url);
  await tab.goto(`${setting.url}/#/alert-figures`);
  await tab.getByRole('heading', { name: 'The ten most frequent' }).waitFor();
  await tab.getByText('nobody who may act on alerts is signed in').waitFor();
  const row = tab.getByRole('region', { name: 'The ten most frequent' }).getByRole('row').nth(1);
  assert.match(String(await row.textContent()), /^Lockstitch 1Needle thread broken12/);
  await tab.getByRole('region', { name: 'Chattering: 1' }).getByText('7', { exact: true }).waitFor();
  await tab.getByText('Most in 10 minutes: 12').waitFor();
  await expectClean(tab, await axeSource(), 'the figures about alerts');
  const wide = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
  assert.equal(await tab.evaluate(wide), 0, 'nothing sticks out at 360 px');
  await tab.getByLabel('Language').selectOption('vi');
  await tab.getByRole('heading', { name: 'Số liệu cảnh báo' }).waitFor();
  await tab.getByRole('cell', { name: 'Đứt chỉ kim' }).first().waitFor();
  assert.deepEqual(faults, []);
});

test('a flood is one line, machines lost together are one line, and an urgent alert stands beside them', async (t) => {
  const floor = createFloor();
  floor.alerts = [];
  for (const id of ['ls-1', 'ls-2']) floor.setMachine(id, { endpoint: 'tcp://10.0.0.9:502' });
  const thread = { type: 'thread_break', rule: 'thread-break', text: 'Needle thread broken' };
  for (let i = 0; i < 11; i++) floor.raise(alertView({ ...thread, machine: 'ov-1', occurrence: `t-${i}` }));
  floor.raise(alertView({ ...thread, machine: 'ov-1', occurrence: 'urgent', priority: 'urgent' }));
  const silent = { type: 'offline', text: 'The machine does not answer' };
  for (const machine of ['ls-1', 'ls-2']) floor.raise(alertView({ ...silent, machine, occurrence: `off-${machine}` }));
  floor.raise(
    alertView({ machine: 'ls-2', type: 'oil_low', text: 'Oil is low', occurrence: 'oil', signal: 'oil.level' }),
  );
  const setting = await beginPage(t, shared, floor);
  if (setting === null) return;
  const tab = await openAs(t, setting, 'omar');
  const faults = watch(tab, setting.url);
  const lines = tab.locator('#alerts > .alerts > li');
  await tab.getByRole('heading', { name: '11 alerts: Needle thread broken' }).waitFor();
  await tab.getByRole('heading', { name: '2 machines behind tcp://10.0.0.9:502 do not answer' }).waitFor();
  assert.equal(await lines.count(), 3);
  await lines.first().locator('[data-occurrence="urgent"]').waitFor();
  const lost = tab.locator('[data-lost]');
  await lost.getByText('set aside until they answer: 1').click();
  await lost.locator('[data-occurrence="oil"]').waitFor();
  await tab.locator('[data-flood]').getByText('Show them one by one').click();
  assert.equal(await tab.locator('[data-flood] [data-occurrence]').count(), 11);
  await expectClean(tab, await axeSource(), 'a flood');
  await lost.getByRole('button', { name: /^Acknowledge: tcp/ }).click();
  while (floor.acks.length < 2) await delay(20);
  assert.deepEqual(floor.acks.map(({ occurrence }) => occurrence).sort(), ['off-ls-1', 'off-ls-2']);
  await tab.getByLabel('Language').selectOption('vi');
  await tab
    .getByRole('heading', { name: /Đứt chỉ kim$/ })
    .first()
    .waitFor();
  await tab
    .getByLabel(/: Overlock 1, Đứt chỉ kim$/)
    .first()
    .waitFor();
  assert.deepEqual(faults, []);
});

test('what somebody writes at an alert stays while a flood gathers around it, machines are lost and a flood ends', async (t) => {
  const floor = createFloor();
  floor.alerts = [];
  const thread = { type: 'thread_break', text: 'Thread broke', machine: 'ov-1' };
  const raise = (from: number, to: number) => {
    for (let i = from; i < to; i++) floor.raise(alertView({ ...thread, occurrence: `t-${i}` }));
  };
  raise(0, 10);
  const setting = await beginPage(t, shared, floor);
  if (setting === null) return;
  const tab = await openAs(t, setting, 'omar');
  const card = (occurrence: string) => tab.locator(`[data-occurrence="${occurrence}"]`);
  const write = async (occurrence: string, text: string) => {
    await card(occurrence).locator('details.acts > summary').click();
    await card(occurrence).getByLabel('Comment', { exact: true }).fill(text);
  };
  const written = (occurrence: string) => card(occurrence).getByLabel('Comment', { exact: true }).inputValue();
  await write('t-3', 'The guide is worn');
  raise(10, 12);
  await tab.getByRole('heading', { name: '11 alerts: Thread broke' }).waitFor();
  assert.equal(await written('t-3'), 'The guide is worn');

  await tab.locator('[data-flood]').getByText('Show them one by one').click();
  await write('t-5', 'Cone changed');
  floor.alerts = floor.alerts.filter(({ record }) => ['t-3', 't-5'].includes(record.occurrence));
  floor.raise(alertView({ ...thread, occurrence: 'last', text: 'Thread broke', type: 'oil_low' }));
  await card('last').waitFor();
  await card('t-7').waitFor({ state: 'detached' });
  assert.deepEqual([await written('t-3'), await written('t-5')], ['The guide is worn', 'Cone changed']);
});

test('what somebody writes at an alert that was set aside keeps its text, its place and the focus when the machines answer again', async (t) => {
  const floor = createFloor();
  floor.alerts = [];
  for (const id of ['ls-1', 'ls-2']) floor.setMachine(id, { endpoint: 'tcp://10.0.0.9:502' });
  const silent = { type: 'offline', text: 'The machine does not answer', priority: 'high' } as const;
  const low = { type: 'oil_low', text: 'Oil is low', signal: 'oil.level', priority: 'low' } as const;
  const end = (occurrence: string) => {
    floor.alerts = floor.alerts.filter(({ record }) => record.occurrence !== occurrence);
  };
  floor.raise(alertView({ ...silent, machine: 'ls-1', occurrence: 'off-1' }));
  floor.raise(alertView({ ...low, machine: 'ls-1', occurrence: 'oil-1' }));
  floor.raise(alertView({ type: 'hot', text: 'Hot', machine: 'ov-1', occurrence: 'hot', priority: 'medium' }));
  const setting = await beginPage(t, shared, floor);
  if (setting === null) return;
  const tab = await openAs(t, setting, 'omar');
  const card = tab.locator('[data-occurrence="oil-1"]');
  const field = card.getByLabel('Comment', { exact: true });
  const placeOf = () =>
    tab.evaluate(`document.activeElement.closest('[data-line]')?.dataset.line ?? document.activeElement.tagName`);
  await tab.getByText('set aside until they answer: 1').click();
  await card.locator('details.acts > summary').click();
  await field.fill('Topped up');
  await field.press('End');

  // Another machine is lost behind the same endpoint.
  floor.raise(alertView({ ...silent, machine: 'ls-2', occurrence: 'off-2' }));
  await tab.locator('[data-line="alert off-2"]').waitFor();
  assert.deepEqual([await field.inputValue(), await placeOf()], ['Topped up', 'alert off-1']);
  // The machine answers again, and its alert is over.
  end('off-1');
  floor.raise(alertView({ type: 'worn', text: 'Worn', machine: 'ov-1', occurrence: 'worn', priority: 'low' }));
  await tab.locator('[data-occurrence="worn"]').waitFor();
  await tab.locator('[data-occurrence="off-1"]').waitFor({ state: 'detached' });
  await tab.getByText('Other alerts of these machines, which answer again: 1').waitFor();
  assert.deepEqual([await field.inputValue(), await placeOf()], ['Topped up', 'alert off-1']);
  await tab.keyboard.type(' at noon');
  assert.equal(await field.inputValue(), 'Topped up at noon');
  // Nothing is written in it any more, and nobody is in it: it stands by itself.
  await field.fill('');
  await card.locator('details.acts > summary').click();
  await tab.getByRole('heading', { name: 'Machines', exact: true }).click();
  await tab.evaluate('document.activeElement.blur()');
  await tab.locator('[data-line="alert oil-1"]').waitFor();

  // Two machines that are lost together.
  floor.raise(alertView({ ...silent, machine: 'ls-1', occurrence: 'off-3' }));
  const lost = tab.locator('[data-lost]');
  await lost.getByText('set aside until they answer: 1').click();
  await card.locator('details.acts > summary').click();
  await field.fill('Topped up');
  end('off-2');
  end('off-3');
  floor.raise(alertView({ type: 'loose', text: 'Loose', machine: 'ov-1', occurrence: 'loose', priority: 'low' }));
  await tab.getByRole('heading', { name: 'The machines behind tcp://10.0.0.9:502 answer again' }).waitFor();
  assert.deepEqual([await field.inputValue(), await placeOf()], ['Topped up', 'lost tcp://10.0.0.9:502']);
});
