/** The page of a real agent whose broker is cut off, and of one that is started anew: every view of the table of views. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test, type TestContext } from 'node:test';
import type { Page as Tab } from 'playwright-core';
import { run, runBridge, startAgent, temporaryDir, writeConfig } from '../integration/bad-input-rig.ts';
import { runProxy, until } from '../integration/sync-rig.ts';
import { freePort } from '../support/ports.ts';
import { retrofitThatSews } from '../support/retrofit.ts';
import { goodPassword } from '../unit/page/harness.ts';
import { hasChromium, newTab, sharedBrowser, watch, wide } from './page-browser.ts';
import { becomes, pendingOf, settled } from './page-keys.ts';

const shared = sharedBrowser();
after(() => shared.close());

/** Two machines, an agent with an uplink through a proxy, and an admin. */
async function begin(t: TestContext) {
  const dir = temporaryDir(t);
  const { port: broker } = await runBridge(t, dir);
  const proxy = await runProxy(t, () => broker);
  const added = ['user', 'add', 'asha', '--role', 'admin', '--data-dir', join(dir, 'agent')];
  assert.equal((await run(t, added, `${goodPassword}\n`)).code, 0);
  const profile = 'sewing-retrofit-csv';
  const machines = await Promise.all(
    ['rt-1', 'rt-2'].map(async (id) => ({
      id,
      name: `Retrofit ${id}`,
      profile,
      endpoint: (await retrofitThatSews(t)).endpoint,
    })),
  );
  const page = await freePort();
  const config = writeConfig(dir, {
    page: { port: page },
    machines,
    summaries: { openMinuteEveryS: 1 },
    uplink: {
      url: `mqtt://127.0.0.1:${proxy.port}`,
      bridgeKey: 'bridge/bridge.pub.pem',
      password: 'file:uplink.password',
    },
  });
  return { proxy, config, url: `http://127.0.0.1:${page}` };
}

async function signIn(tab: Tab): Promise<void> {
  await tab.getByLabel('User name').fill('asha');
  await tab.getByLabel('Password').fill(goodPassword);
  await tab.getByRole('button', { name: 'Sign in', exact: true }).click();
  await tab.locator('nav.views').waitFor();
}

/** A view is there, with what it fetches first. */
async function ready(tab: Tab): Promise<void> {
  await tab.locator('main :is(h2, [aria-label], .andon-tile)').first().waitFor();
  await becomes(tab, `![...document.querySelectorAll('main .loading')].some((one) => one.checkVisibility())`);
}

const allViews = async (tab: Tab): Promise<string[]> =>
  (await tab.evaluate(`[...document.querySelectorAll('nav.views a')].map((a) => a.getAttribute('href'))`)) as string[];

async function goTo(tab: Tab, hash: string): Promise<void> {
  await tab.evaluate(`location.hash = ${JSON.stringify(hash)}`);
  await ready(tab);
}

/** What a view lists: machines, drivers, people, alerts and links, each as often as it stands there. */
const listed = async (tab: Tab): Promise<string[]> => {
  const names = ['machine', 'driver', 'user', 'occurrence', 'case'];
  const script = `[
    ...${JSON.stringify(names)}.flatMap((name) =>
      [...document.querySelectorAll('main [data-' + name + ']')].map((one) => name + ' ' + one.dataset[name])),
    ...[...document.querySelectorAll('main a[href^="#/"]')].map((one) => one.getAttribute('href')),
  ]`;
  return ((await tab.evaluate(script)) as string[]).toSorted();
};

const away = (tab: Tab) => tab.locator('[data-uplink-away]');
const waitingNow = async (tab: Tab): Promise<number> =>
  Number(/(\d[\d\u202f]*)$/.exec((await away(tab).textContent()) ?? '')?.[1]?.replaceAll('\u202f', ''));

test('with the broker cut off every view loads afresh, asks no other host, and says what waits; when it is back, that is said without a reload', async (t) => {
  if (!hasChromium(t)) return;
  const { proxy, config, url } = await begin(t);
  await startAgent(t, config);
  const tab = await newTab(await shared.get(), wide);
  t.after(() => tab.context().close());
  const faults = watch(tab, url);
  await tab.goto(url);
  await signIn(tab);
  await ready(tab);
  const views = await allViews(tab);
  assert.ok(views.length >= 10);
  await away(tab).waitFor({ state: 'detached' });
  proxy.mode = 'cut';
  await away(tab).waitFor();
  for (const hash of views) {
    // Afresh: nothing of the page is left from before.
    await tab.goto('about:blank');
    await tab.goto(`${url}/${hash}`);
    await ready(tab);
    if (hash === '#/andon') {
      await tab.locator('.andon-tile').first().waitFor();
      continue;
    }
    await away(tab).waitFor();
    await until('records that wait', async () => (await waitingNow(tab)) > 0);
    assert.equal(await tab.locator('.stale-banner').count(), 0, `${hash}: the gateway itself is there`);
  }
  // The present, not what was known before the cut.
  const stitches = () =>
    tab.evaluate(`fetch('/api/machines').then((answer) => answer.json()).then(({ items }) =>
    items[0].signals.find(({ signal }) => signal === 'stitch.total').value)`);
  const before = Number(await stitches());
  await until('more stitches', async () => Number(await stitches()) > before);
  const mark = await tab.evaluate('(window.mark = String(performance.timeOrigin))');
  proxy.mode = 'open';
  await away(tab).waitFor({ state: 'detached' });
  await goTo(tab, '#/health');
  await tab.locator('[data-uplink].is-up').waitFor();
  assert.equal(await tab.evaluate('window.mark'), mark, 'without a reload');
  assert.deepEqual(
    faults.filter((fault) => !fault.includes('about:blank')),
    [],
  );
});

test('with the agent away every view says that it is old; started anew, each lists what it listed, once', async (t) => {
  if (!hasChromium(t)) return;
  const { config, url } = await begin(t);
  const first = await startAgent(t, config);
  const tab = await newTab(await shared.get(), wide);
  t.after(() => tab.context().close());
  await tab.goto(url);
  await signIn(tab);
  const views = await allViews(tab);
  const pending = pendingOf(tab);
  const before = new Map<string, string[]>();
  for (const hash of views) {
    await goTo(tab, hash);
    await settled(tab, pending);
    before.set(hash, await listed(tab));
  }
  assert.ok((before.get('#/floor') ?? []).filter((one) => one.startsWith('machine ')).length === 2);
  assert.equal(await first.stop(), 0);
  for (const hash of views) {
    await tab.evaluate(`location.hash = ${JSON.stringify(hash)}`);
    await tab
      .getByText(/No connection to the gateway/)
      .locator('visible=true')
      .first()
      .waitFor();
  }
  await tab.evaluate(`location.hash = '#/'`);
  await startAgent(t, config);
  // The session ended with the agent that kept it.
  const form = tab.getByRole('heading', { name: 'Sign in', exact: true });
  await form.or(tab.locator('[data-connection="live"]')).first().waitFor();
  if (await form.isVisible()) await signIn(tab);
  await tab.locator('[data-connection="live"]').waitFor();
  for (const hash of views) {
    await goTo(tab, hash);
    assert.equal(await tab.locator('.stale-banner').count(), 0, hash);
    await until(
      `what ${hash} listed before`,
      async () => {
        const now = await listed(tab);
        return JSON.stringify(now) === JSON.stringify(before.get(hash));
      },
      20_000,
    );
  }
});
