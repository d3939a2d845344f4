/** A headless Chromium for the tests of the page, and the page itself with its web application. */
import assert from 'node:assert/strict';
import { access, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import type { TestContext } from 'node:test';
import { chromium, type Browser, type BrowserContextOptions, type Page as Tab } from 'playwright-core';
import { ensurePageBuilt } from '../../agent/page/build.ts';
import { createFloor, type Floor } from '../unit/page/floor.ts';
import { goodPassword, startPage, type TestPage } from '../unit/page/harness.ts';

const executablePath = '/usr/bin/chromium';
const launchArguments = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
] as const;

/** True when Chromium is there; otherwise skips, or fails in CI. */
export function hasChromium(t: TestContext): boolean {
  if (spawnSync(executablePath, ['--version'], { stdio: 'ignore' }).status === 0) return true;
  if (process.env['CI'] === 'true') throw new TypeError(`CI must have every peer: ${executablePath} does not run`);
  t.skip(`${executablePath} does not run`);
  return false;
}

export interface SharedBrowser {
  readonly get: () => Promise<Browser>;
  readonly close: () => Promise<void>;
}

/** One browser for a whole file: starting it costs more than any test. */
export function sharedBrowser(): SharedBrowser {
  let started: Promise<Browser> | null = null;
  return {
    get: () => (started ??= chromium.launch({ executablePath, args: [...launchArguments] })),
    close: async () => {
      await (await started)?.close();
    },
  };
}

/** A tab of a browser profile of its own. Generous: a loaded machine is slow, and a test that waits for ever is cut anyway. */
export async function newTab(browser: Browser, options: BrowserContextOptions): Promise<Tab> {
  const context = await browser.newContext({ reducedMotion: 'reduce', ...options });
  context.setDefaultTimeout(240_000);
  return context.newPage();
}

/** What went wrong in a tab: errors of scripts, of the console (CSP among them), and requests to anywhere else. */
export function watch(tab: Tab, origin: string): string[] {
  const faults: string[] = [];
  tab.on('pageerror', (error) => faults.push(`error: ${error.message}`));
  tab.on('console', (message) => {
    // An expected refusal (401, 403) and a dropped connection are told by the browser too.
    const isNetwork = /Failed to load resource|net::ERR_/.test(message.text());
    if (message.type() === 'error' && !isNetwork) faults.push(`console: ${message.text()}`);
  });
  tab.on('request', (request) => {
    if (!request.url().startsWith(origin)) faults.push(`request: ${request.url()}`);
  });
  return faults;
}

/** Where screenshots go: into docs/ only when asked, otherwise to a folder that is removed. */
export async function screenshotFile(t: TestContext, name: string): Promise<string> {
  if (process.env['SELVEDGE_WRITE_SCREENSHOT'] === '1') {
    const file = join(import.meta.dirname, '..', '..', 'docs', name);
    await access(join(file, '..'));
    return file;
  }
  const dir = await mkdtemp(join(tmpdir(), 'selvedge-shot-'));
  t.after(() => rm(dir, { recursive: true, force: true, maxRetries: 10 }));
  return join(dir, name);
}

/** Pictures what the tab shows, for the documents when asked; a picture of an empty page fails. */
export async function picture(t: TestContext, tab: Tab, name: string): Promise<void> {
  const png = await tab.screenshot({ path: await screenshotFile(t, name) });
  assert.ok(png.length > 10_000, `${name} is larger than an empty page`);
}

/** A window of a desk. */
export const wide = { viewport: { width: 1360, height: 900 } };
/** The script of axe, to be run in a tab. */
export const axeSource = () => readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Quick enough that a test sees a connection go. */
export const stream = { heartbeatMs: 1_000 };

/** A page that runs, and a browser to look at it with. */
export interface Setting extends TestPage {
  readonly browser: Browser;
  readonly url: string;
}

/** The page of `floor` with an admin, a maintainer and a viewer; null (and the test is skipped) without Chromium. */
export async function beginPage(
  t: TestContext,
  shared: SharedBrowser,
  floor: Floor = createFloor(),
): Promise<Setting | null> {
  if (!hasChromium(t)) return null;
  const webDir = await ensurePageBuilt();
  const page = await startPage(t, { webDir, stream }, floor);
  await page.users.add('asha', 'admin', goodPassword);
  await page.users.add('omar', 'maintainer', goodPassword);
  await page.users.add('mina', 'viewer', goodPassword);
  return { ...page, browser: await shared.get(), url: page.page.url ?? '' };
}

/** A tab in which `name` is signed in and sees the alerts. */
export async function openAs(
  t: TestContext,
  setting: Setting,
  name: string,
  options: BrowserContextOptions = wide,
): Promise<Tab> {
  const tab = await newTab(setting.browser, options);
  t.after(() => tab.context().close());
  await tab.goto(setting.url);
  await signIn(tab, name);
  await tab.locator('.alert').first().waitFor();
  return tab;
}

async function signIn(tab: Tab, name: string): Promise<void> {
  // By what it is and not by its words: the page may be in any language.
  const form = tab.locator('form:has(input[autocomplete="username"])');
  await form.locator('input[autocomplete="username"]').fill(name);
  await form.locator('input[type="password"]').fill(goodPassword);
  await form.locator('button[type="submit"]').click();
}

/** Fails when axe finds a violation of WCAG A or AA, or of good practice. */
export async function expectClean(tab: Tab, axe: string, where: string): Promise<void> {
  await tab.evaluate(axe);
  const violations = (await tab.evaluate(`(async () => {
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    const { violations } = await axe.run(document, { runOnly: { type: 'tag', values: tags } });
    return violations.map((v) => v.id + ' (' + v.impact + '): ' + v.nodes.map((n) => n.html.slice(0, 120)).join(' | '));
  })()`)) as string[];
  assert.deepEqual(violations, [], where);
}
