/** The page in a real browser, in each of its languages: the one that is chosen, kept on the device, or asked for by the browser. */
import assert from 'node:assert/strict';
import { after, test, type TestContext } from 'node:test';
import type { BrowserContextOptions, Page as Tab } from 'playwright-core';
import { en } from '../../agent/web/languages/en/index.ts';
import { createFloor } from '../unit/page/floor.ts';
import { alertView, rollListed } from '../unit/page/floor-demo.ts';
import { goodPassword } from '../unit/page/harness.ts';
import { axeSource, beginPage, expectClean, newTab, sharedBrowser, watch, wide, type Setting } from './page-browser.ts';

const shared = sharedBrowser();
after(() => shared.close());

/** What a person must read in each language, written here a second time: a catalogue that is changed by mistake is seen. */
const expected = {
  en: {
    lang: 'en-GB',
    signIn: 'Sign in',
    headings: ['What is wrong now', 'Machines', 'Uplink', 'Past alerts'],
    running: 'Running',
    alert: 'Needle thread broken',
    cause: 'Cause: Thread break',
    speed: '3\u202f850',
  },
  zh: {
    lang: 'zh-CN',
    signIn: '登录',
    headings: ['当前问题', '机器', '上行连接', '历史报警'],
    running: '运行中',
    alert: '面线断线',
    cause: '原因：断线',
    speed: '3,850',
  },
  vi: {
    lang: 'vi-VN',
    signIn: 'Đăng nhập',
    headings: ['Sự cố hiện tại', 'Máy', 'Kết nối lên máy chủ', 'Cảnh báo đã qua'],
    running: 'Đang chạy',
    alert: 'Đứt chỉ kim',
    cause: 'Nguyên nhân: Đứt chỉ',
    speed: '3.850',
  },
  bn: {
    lang: 'bn-BD',
    signIn: 'সাইন ইন',
    headings: ['এখন কী সমস্যা', 'মেশিন', 'আপলিংক', 'আগের সতর্কতা'],
    running: 'চলছে',
    alert: 'সুইয়ের সুতা ছেঁড়া',
    cause: 'কারণ: সুতা ছেঁড়া',
    speed: '৩,৮৫০',
  },
} as const;
type Code = keyof typeof expected;

const threadBreak = () =>
  alertView({
    occurrence: 'occ-thread',
    machine: 'ov-1',
    rule: 'thread-break',
    type: 'thread_break',
    text: 'Needle thread broken',
    cause: 'material.thread_break',
  });

async function begin(t: TestContext): Promise<Setting | null> {
  const floor = createFloor();
  floor.setMachine('ck-1', { hasEye: true });
  floor.setMachine('ls-1', { hasEar: true });
  // A name as sites give them, and a beginning that is told with its day.
  floor.rolls = [rollListed(8, { id: 'LOT-2026/0042-shift-B', beganMs: Date.now() - 86_400_000 })];
  floor.raise(threadBreak());
  return beginPage(t, shared, floor);
}

async function open(t: TestContext, setting: Setting, options: BrowserContextOptions = wide): Promise<Tab> {
  const tab = await newTab(setting.browser, options);
  tab.setDefaultTimeout(25_000);
  t.after(() => tab.context().close());
  await tab.goto(setting.url);
  await tab.locator('#name').waitFor();
  return tab;
}

async function signIn(tab: Tab): Promise<void> {
  await tab.locator('#name').fill('omar');
  await tab.locator('#password').fill(goodPassword);
  await tab.locator('button[type=submit]').click();
  await tab.locator('[data-occurrence="occ-thread"]').waitFor();
}

const choose = (tab: Tab, code: Code) => tab.locator('.language select').selectOption(code);

async function expectLanguage(tab: Tab, code: Code): Promise<void> {
  const words = expected[code];
  await tab.locator(`html[lang="${words.lang}"]`).waitFor({ state: 'attached' });
  for (const heading of words.headings)
    await tab.getByRole('heading', { level: 2 }).filter({ hasText: heading }).first().waitFor();
  await tab.locator('[data-machine="ls-2"] .state').filter({ hasText: words.running }).waitFor();
  const speed = tab.locator('[data-machine="ls-2"] [data-signal="spindle.speed"] .value');
  await speed.filter({ hasText: words.speed }).waitFor();
  const card = tab.locator('[data-occurrence="occ-thread"]');
  await card.getByRole('heading', { name: words.alert, exact: true }).waitFor();
  await card.getByText(words.cause, { exact: true }).waitFor();
}

/** Everything a person sees or is told on the page, without the texts of `own`. */
async function readOf(tab: Tab, own: readonly string[]): Promise<string> {
  const text = (await tab.evaluate(`(() => {
    const spoken = ['aria-label', 'title', 'alt', 'placeholder'];
    const told = [...document.querySelectorAll('*')].flatMap((e) => spoken.map((a) => e.getAttribute(a) ?? ''));
    return [document.title, document.body.innerText, ...told].join('\\n');
  })()`)) as string;
  return own.reduce((rest, one) => (one === '' ? rest : rest.replaceAll(one, '')), text);
}

/** Sentences and phrases of the English catalogue, without what they are filled with. */
const englishPhrases = Object.values(en)
  .flatMap((text) => text.split(/\{\w+\}/))
  .map((part) => part.replaceAll(/^[\s,.:;()]+|[\s,.:;()]+$/g, ''))
  .filter((part) => part.length >= 8 && /\p{L} \p{L}/u.test(part) && !part.startsWith('selvedge'));

for (const code of ['zh', 'vi', 'bn'] as const) {
  test(`in ${code} every part of the page speaks that language, and axe finds nothing`, async (t) => {
    const setting = await begin(t);
    if (setting === null) return;
    const tab = await open(t, setting);
    const faults = watch(tab, setting.url);
    await tab.getByRole('heading', { name: 'Sign in' }).waitFor();
    await choose(tab, code);
    await tab.getByRole('heading', { name: expected[code].signIn, exact: true }).waitFor();
    await signIn(tab);
    await expectLanguage(tab, code);
    // Whatever can be opened is opened, and what it fetches is waited for.
    await tab.evaluate(`for (const one of document.querySelectorAll('details')) one.open = true`);
    await tab.locator('.rolls select').waitFor();
    await tab.locator('[data-set-point="speed.max"]').waitFor();
    await tab.locator('table').waitFor();
    await tab.locator('.cloth-body > p').first().waitFor();
    // What the site named and wrote itself stays as it is.
    const { machines, alerts, history } = setting.floor;
    const own = [...alerts, ...history].flatMap(({ record, runbook }) => [record.text, runbook ?? '']);
    const read = await readOf(tab, [...machines.map(({ name }) => name), ...own]);
    const left = englishPhrases.filter((phrase) => read.includes(phrase));
    assert.deepEqual(left, [], 'English on a page of another language');
    await expectClean(tab, await axeSource(), code);
    await tab.setViewportSize({ width: 360, height: 740 });
    const width = (await tab.evaluate('document.documentElement.scrollWidth')) as number;
    assert.ok(width <= 360, `nothing is wider than a small phone: ${width}`);
    assert.deepEqual(faults, []);
  });
}

test('the language follows the browser until a person chooses one, which the device keeps', async (t) => {
  const setting = await begin(t);
  if (setting === null) return;
  const tab = await open(t, setting, { ...wide, locale: 'vi-VN' });
  await tab.getByRole('heading', { name: expected.vi.signIn, exact: true }).waitFor();
  // A refusal is told in the language too, and follows it when another is chosen.
  await tab.locator('#name').fill('omar');
  await tab.locator('#password').fill('not my password');
  await tab.locator('button[type=submit]').click();
  await tab.getByText('Tên hoặc mật khẩu không đúng.').waitFor();
  await choose(tab, 'zh');
  await tab.getByText('用户名或密码错误。').waitFor();
  await choose(tab, 'vi');
  await signIn(tab);
  await expectLanguage(tab, 'vi');
  await choose(tab, 'bn');
  await expectLanguage(tab, 'bn');
  await tab.reload();
  await expectLanguage(tab, 'bn');
  await choose(tab, 'en');
  await expectLanguage(tab, 'en');
});

test('a language that the gateway does not give now leaves the page in its own, and can be chosen again', async (t) => {
  const setting = await begin(t);
  if (setting === null) return;
  const tab = await open(t, setting, { ...wide, locale: 'vi-VN' });
  await tab.getByRole('heading', { name: expected.vi.signIn, exact: true }).waitFor();
  await tab.context().setOffline(true);
  const refused = tab.waitForEvent('requestfailed');
  await choose(tab, 'zh');
  await refused;
  await tab.waitForFunction(`document.querySelector('.language select').value === 'vi'`);
  await tab.getByRole('heading', { name: expected.vi.signIn, exact: true }).waitFor();
  await tab.context().setOffline(false);
  await choose(tab, 'zh');
  await tab.getByRole('heading', { name: expected.zh.signIn, exact: true }).waitFor();
});

test('who opens an invitation chooses the language on it, and is told in it what is wrong; the device keeps it', async (t) => {
  const setting = await begin(t);
  if (setting === null) return;
  const guest = await newTab(setting.browser, { ...wide, locale: 'bn-BD' });
  t.after(() => guest.context().close());
  await guest.goto(`${setting.url}/#join=${'x'.repeat(43)}`);
  await guest.getByRole('heading', { name: 'স্বাগতম' }).waitFor();
  await choose(guest, 'vi');
  await guest.getByRole('heading', { name: 'Chào mừng' }).waitFor();
  const passwords = guest.locator('input[autocomplete="new-password"]');
  for (const i of [0, 1]) await passwords.nth(i).fill(goodPassword);
  await guest.getByRole('button', { name: 'Đặt mật khẩu và đăng nhập' }).click();
  await guest.getByText('Liên kết này đã dùng hoặc quá hạn.').waitFor();
  await guest.goto(setting.url);
  await guest.getByRole('heading', { name: expected.vi.signIn, exact: true }).waitFor();
});
