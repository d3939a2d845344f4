/** A headless Chromium for the tests of the page, and the page itself with its web application. */
import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import type { TestContext } from 'node:test';
import { chromium, type Browser, type BrowserContextOptions, type Page as Tab } from 'playwright-core';

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

/** One browser for a whole file: starting it costs more than any test. */
export function sharedBrowser(): { readonly get: () => Promise<Browser>; readonly close: () => Promise<void> } {
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
