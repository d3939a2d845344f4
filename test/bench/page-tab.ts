/** What a person's browser shows of the page, and when: measured in Chromium, from the first byte asked for to the frame after the change. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { gzipSync } from 'node:zlib';
import { chromium, type Browser, type Page as Tab } from 'playwright-core';
import { BenchFailure } from './processes.ts';

const executablePath = '/usr/bin/chromium';
const launchArguments = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
];
const waitMs = 60_000;

export const launchBrowser = (): Promise<Browser> => chromium.launch({ executablePath, args: [...launchArguments] });

/** Runs before the page's own scripts: keeps long tasks, and the moment after the frame in which a card of an alert came up. */
const watcher = `
  window.seen = { longTasks: [], cards: {} };
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.seen.longTasks.push({ atMs: entry.startTime, ms: entry.duration });
  }).observe({ type: 'longtask', buffered: true });
  const note = () => {
    for (const card of document.querySelectorAll('.alert[data-occurrence]')) {
      const id = card.dataset.occurrence;
      if (id in window.seen.cards) continue;
      window.seen.cards[id] = null;
      const name = card.querySelector('.alert-machine')?.textContent ?? '';
      // The frame after the next one shows it for certain.
      requestAnimationFrame(() => setTimeout(() => {
        window.seen.cards[id] = { name, atMs: performance.timeOrigin + performance.now() };
      }, 0));
    }
  };
  new MutationObserver(note).observe(document, { childList: true, subtree: true });
`;

export interface OpenTab {
  readonly tab: Tab;
  /** From the first byte asked for to all machines and alerts on the screen, ms. */
  readonly firstViewMs: number;
  /** Of the scripts that came before that, as gzip makes them, kB of 1000 bytes. */
  readonly initialJsGzipKb: number;
}

/** Opens the page in a browser that has never been there. */
export async function openTab(
  browser: Browser,
  page: { readonly url: string; readonly cookie: string },
  machines: number,
): Promise<OpenTab> {
  const context = await browser.newContext({ viewport: { width: 1360, height: 900 } });
  const [name = '', value = ''] = page.cookie.split('=');
  await context.addCookies([{ name, value, url: page.url }]);
  const tab = await context.newPage();
  tab.setDefaultTimeout(waitMs);
  await tab.addInitScript(watcher);
  const scripts: Promise<number>[] = [];
  tab.on('response', (response) => {
    if (response.request().resourceType() !== 'script') return;
    scripts.push(response.body().then((body) => gzipSync(body, { level: 9 }).length));
  });
  await tab.goto(page.url, { waitUntil: 'commit' });
  const firstViewMs = (await tab.evaluate(`new Promise((resolve) => {
    const look = () => {
      const whole = document.querySelectorAll('.tile').length >= ${machines} && document.querySelector('#alerts') !== null;
      if (whole) requestAnimationFrame(() => setTimeout(() => resolve(performance.now()), 0));
      else requestAnimationFrame(look);
    };
    look();
  })`)) as number;
  const sizes = await Promise.all(scripts);
  return { tab, firstViewMs, initialJsGzipKb: sizes.reduce((sum, size) => sum + size, 0) / 1000 };
}

/** The moment a card of this machine that was not there before is on the screen, UTC ms that follow the monotonic clock. */
export async function cardShownMs(tab: Tab, name: string, afterMs: number): Promise<number> {
  const handle = await tab.waitForFunction(
    ([wanted, after]) => {
      const { cards } = (
        globalThis as unknown as { seen: { cards: Record<string, { name: string; atMs: number } | null> } }
      ).seen;
      const found = Object.values(cards).find((card) => card !== null && card.name === wanted && card.atMs > after);
      return found?.atMs ?? null;
    },
    [name, afterMs] as const,
    { polling: 50 },
  );
  const at = await handle.jsonValue();
  if (at === null) throw new BenchFailure(`no card of ${name}`);
  return at;
}

/** From the touch to the first rows of the list of what is over, ms. */
export async function listOpenMs(tab: Tab): Promise<number> {
  return (await tab.evaluate(`new Promise((resolve, reject) => {
    const details = [...document.querySelectorAll('details')].find((one) => one.closest('section')?.getAttribute('aria-labelledby') === 'history-title');
    if (details === undefined) { reject(new TypeError('no list of past alerts')); return; }
    const from = performance.now();
    details.querySelector('summary').click();
    const look = () => {
      if (details.querySelectorAll('tbody tr').length > 0) requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - from), 0));
      else requestAnimationFrame(look);
    };
    look();
  })`)) as number;
}

/** Tasks of the page's thread over 100 ms since \`sinceMs\` of the tab's own clock. */
export const longTasks = async (tab: Tab, sinceMs: number): Promise<number> =>
  (await tab.evaluate(
    `window.seen.longTasks.filter((task) => task.atMs >= ${sinceMs} && task.ms > 100).length`,
  )) as number;
export const tabNowMs = async (tab: Tab): Promise<number> => (await tab.evaluate('performance.now()')) as number;

/** Violations of WCAG A and AA, and of good practice, that axe finds on what the tab shows. */
export async function axeViolations(tab: Tab): Promise<number> {
  await tab.evaluate(await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'));
  return (await tab.evaluate(`(async () => {
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    return (await axe.run(document, { runOnly: { type: 'tag', values: tags } })).violations.length;
  })()`)) as number;
}
