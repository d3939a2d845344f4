/** The bridge's fleet page in a real browser, before a real bridge process and real connections of gateways. */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, test, type TestContext } from 'node:test';
import type { MqttClient } from 'mqtt';
import type { BrowserContextOptions, Page as Tab } from 'playwright-core';
import { topicOf, type BatchBody, type StatusMessage } from '../../cloud-bridge/contract.ts';
import { dataDir } from '../../cloud-bridge/files.ts';
import { initialise } from '../../cloud-bridge/keys.ts';
import { SqliteStore } from '../../cloud-bridge/store/store.ts';
import {
  bridgeCommand,
  connectGateway,
  registerGateway,
  runBridge,
  type GatewayClient,
  type RunningBridge,
  type TestGateway,
} from '../integration/bridge-process.ts';
import { checked } from '../unit/bridge/histories.ts';
import { alert, body, event, keyPair, seal, status, temporaryDir } from '../unit/bridge/making.ts';
import { hasChromium, newTab, sharedBrowser, watch } from './page-browser.ts';

const wide = { viewport: { width: 1360, height: 900 } };
const axeSource = () => readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const shared = sharedBrowser();
after(() => shared.close());

interface Member extends GatewayClient {
  readonly gateway: TestGateway;
}
interface Floor {
  readonly dir: string;
  readonly bridge: RunningBridge;
  readonly origin: string;
  readonly key: string;
  readonly join: (id: string, site?: string) => Promise<Member>;
}

async function begin(t: TestContext): Promise<Floor> {
  const dir = temporaryDir(t);
  await registerGateway(dir, 'gw-first', 'hall-1');
  const bridge = await runBridge(t, dir);
  return {
    dir,
    bridge,
    origin: `http://127.0.0.1:${bridge.api}`,
    key: (await readFile(join(dir, 'api-key'), 'utf8')).trim(),
    join: async (id, site = 'hall-1') => {
      const gateway = await registerGateway(dir, id, site);
      return { ...(await connectGateway(t, bridge.mqtt, gateway, dir)), gateway };
    },
  };
}

async function born(client: MqttClient, { site, id }: TestGateway, more: Partial<StatusMessage> = {}): Promise<void> {
  const birth = status({ gateway: id, atMs: Date.now(), agentVersion: '1.4.0', ...more });
  await client.publishAsync(topicOf(site, id, 'status'), JSON.stringify(birth), { qos: 1, retain: true });
}
async function send({ gateway, send }: Member, more: Partial<BatchBody>): Promise<void> {
  const batch = seal(body({ site: gateway.site, gateway: gateway.id, sealedMs: Date.now(), ...more }), gateway.key);
  assert.equal((await send(batch.payload)).result, 'stored');
}

async function openPage(
  t: TestContext,
  { origin }: Pick<Floor, 'origin'>,
  options: BrowserContextOptions = wide,
): Promise<Tab> {
  const tab = await newTab(await shared.get(), options);
  t.after(() => tab.context().close());
  await tab.goto(`${origin}/`);
  return tab;
}
async function giveKey(tab: Tab, key: string): Promise<void> {
  await tab.getByLabel('Key', { exact: true }).fill(key);
  await tab.getByLabel('Key', { exact: true }).press('Enter');
}
/** Asks the bridge now: coming back to the tab does. */
const look = (tab: Tab) => tab.evaluate(`document.dispatchEvent(new Event('visibilitychange'))`);
const row = (tab: Tab, gateway: string) =>
  tab.getByRole('row').filter({ has: tab.getByRole('rowheader', { name: gateway }) });
/** The text of a figure above the table. */
const figure = (tab: Tab, name: string) => tab.locator('#totals div', { hasText: name }).locator('dd').first();

test('a key opens the page: who is up, who has gone down, how fresh, which alerts, and what needs somebody on top', async (t) => {
  if (!hasChromium(t)) return;
  const floor = await begin(t);
  const [fine, failing, alarmed] = [
    await floor.join('a-fine'),
    await floor.join('b-failing'),
    await floor.join('c-alarmed', 'hall-2'),
  ];
  for (const member of [fine, failing, alarmed]) await born(member.client, member.gateway);
  await send(fine, { records: [event(1), event(2)] });
  await send(failing, { records: [event(1)], clock: 'unsynced' });
  await send(alarmed, {
    records: [
      alert(1, { priority: 'urgent' }),
      alert(2, { occurrence: 'o-2', priority: 'urgent' }),
      alert(3, { occurrence: 'o-2', priority: 'urgent', transition: 'closed', state: 'normal' }),
      alert(7, { occurrence: 'o-3', priority: 'low', transition: 'shelved', state: 'shelved' }),
    ],
  });

  const tab = await openPage(t, floor);
  const faults = watch(tab, floor.origin);
  await giveKey(tab, floor.key);
  await row(tab, 'c-alarmed').getByText('1 urgent').waitFor();
  assert.equal(new URL(tab.url()).href, `${floor.origin}/`, 'the key stands in no address');
  const names = () => tab.getByRole('rowheader').allInnerTexts();
  assert.deepEqual(await names(), ['c-alarmed', 'b-failing', 'a-fine']);
  const texts = await row(tab, 'c-alarmed').getByRole('cell').allInnerTexts();
  const [state = '', site, data = '', alerts, missing, clock, agent] = texts;
  assert.match(state, /✓ Up\s+connected for \d+ (s|min)/);
  assert.match(data, /^\d+ (s|min) old$/);
  assert.deepEqual(
    [site, alerts?.replaceAll(/\s+/g, ' '), missing, clock, agent],
    ['hall-2', '1 urgent 1 silenced', '3', 'Kept by a time service', '1.4.0'],
  );
  await row(tab, 'b-failing').getByText('Not kept by a time service').waitFor();

  // It goes down: its broker says so, and it comes to the top.
  await born(failing.client, failing.gateway, { online: false });
  await look(tab);
  await row(tab, 'b-failing')
    .getByText(/✕ Down/)
    .waitFor();
  await row(tab, 'b-failing')
    .getByText(/last heard \d+ (s|min) ago/)
    .waitFor();
  assert.deepEqual(await names(), ['b-failing', 'c-alarmed', 'a-fine']);
  assert.equal(await figure(tab, 'Down').innerText(), '1');
  assert.equal(await figure(tab, 'Urgent alerts').innerText(), '1');

  // Taken out of service here: nobody waits for it any more.
  rmSync(join(floor.dir, 'gateways', 'b-failing.json'));
  await look(tab);
  await row(tab, 'b-failing')
    .getByText(/– May not connect/)
    .waitFor();
  assert.deepEqual(await names(), ['c-alarmed', 'a-fine', 'b-failing']);
  assert.equal(await figure(tab, 'Down').innerText(), '0');

  await tab.getByLabel('Find a site or gateway').fill('HALL-2');
  assert.deepEqual(await names(), ['c-alarmed']);
  assert.equal(await tab.locator('#place').innerText(), '1–1 of 1');
  await tab.getByLabel('Find a site or gateway').fill('');

  await tab.getByRole('button', { name: 'Forget the key' }).click();
  await tab.getByLabel('Key', { exact: true }).waitFor();
  assert.equal(await tab.getByRole('row').count(), 0);
  assert.equal(await tab.evaluate('sessionStorage.length + localStorage.length + document.cookie.length'), 0);
  assert.deepEqual(faults, []);
});

test('a wrong key, and one that may not read, are told in words; the key is not kept', async (t) => {
  if (!hasChromium(t)) return;
  const floor = await begin(t);
  const made = bridgeCommand(['api-key', 'add', '--data-dir', floor.dir, '--name', 'prometheus', '--scope', 'metrics']);
  assert.equal(made.code, 0, made.stderr);
  const tab = await openPage(t, floor);
  const faults = watch(tab, floor.origin);
  await giveKey(tab, 'office.not-the-key');
  await tab.getByText('This key is wrong, or was removed.').waitFor();
  await giveKey(tab, 'two words');
  await tab.getByText('A key is one word').waitFor();
  const metrics = made.stdout.match(/prometheus\.\S+/)?.[0] ?? '';
  await giveKey(tab, metrics);
  await tab.getByText('This key may not read: it needs the scope read.').waitFor();
  assert.equal(await tab.evaluate('sessionStorage.length'), 0);
  await giveKey(tab, floor.key);
  await figure(tab, 'Gateways').waitFor();
  // The tab keeps it while it is open.
  await tab.reload();
  await figure(tab, 'Gateways').waitFor();
  // Somebody else behind the same address has tried wrong keys: nobody has looked at this one.
  await tab.route('**/api/fleet?*', (route) =>
    route.fulfill({
      status: 429,
      headers: { 'content-type': 'application/json', 'retry-after': '60' },
      body: JSON.stringify({ error: { code: 'too-many-keys', message: 'too many' } }),
    }),
  );
  await look(tab);
  await tab.getByRole('alert').getByText('Too many wrong keys came from this address. Try again in 1 min.').waitFor();
  assert.equal(await tab.evaluate('sessionStorage.length'), 1);
  await figure(tab, 'Gateways').waitFor();
  assert.deepEqual(faults, []);
});

test('what a gateway says of itself is text and nothing else', async (t) => {
  if (!hasChromium(t)) return;
  const floor = await begin(t);
  const evil = `<script>window.hit = 1</script><img src=x onerror="window.hit = 1">`;
  const member = await floor.join('gw-evil');
  await born(member.client, member.gateway, { agentVersion: evil });
  const tab = await openPage(t, floor);
  const faults = watch(tab, floor.origin);
  // Names come from the bridge's own store: whoever could write there has the same said of them.
  await tab.route('**/api/fleet?*', async (route) => {
    const response = await route.fetch();
    const text = await response.text();
    const named = text
      .replaceAll('"gw-evil"', JSON.stringify(evil))
      .replaceAll('"hall-1"', JSON.stringify(`'"><b>${evil}`));
    await route.fulfill({ response, body: named });
  });
  await giveKey(tab, floor.key);
  const cells = row(tab, '<script>');
  await cells.getByText(evil, { exact: true }).first().waitFor();
  assert.equal(await cells.getByText(evil, { exact: true }).count(), 2, 'the name and the version');
  assert.equal(await tab.evaluate('window.hit ?? 0'), 0);
  assert.equal(await tab.locator('#fleet script, #fleet img, #fleet b').count(), 0);
  assert.deepEqual(faults, []);
});

test('a thousand gateways are shown a hundred at a time, with the one that has gone down on top', async (t) => {
  if (!hasChromium(t)) return;
  const dir = temporaryDir(t);
  initialise(dataDir(dir));
  const store = SqliteStore.open(dataDir(dir), 1);
  const nowMs = Date.now();
  // As `bridge enrol` registers them.
  const publicKey = keyPair().publicKey.export({ type: 'spki', format: 'pem' });
  mkdirSync(join(dir, 'gateways'), { recursive: true });
  for (let at = 0; at < 1000; at += 1) {
    const gateway = `gw-${String(at).padStart(4, '0')}`;
    const known = { v: 1, gateway, site: `hall-${at % 7}`, publicKey };
    writeFileSync(join(dir, 'gateways', `${gateway}.json`), JSON.stringify(known), { mode: 0o600 });
    store.commit([checked({ gateway, site: `hall-${at % 7}`, sealedMs: nowMs })], nowMs);
  }
  store.applyStatus('hall-0', status({ gateway: 'gw-0777', online: false }), nowMs);
  store.close();
  const bridge = await runBridge(t, dir);
  const tab = await openPage(t, { origin: `http://127.0.0.1:${bridge.api}` });
  await giveKey(tab, (await readFile(join(dir, 'api-key'), 'utf8')).trim());
  const place = tab.locator('#place');
  await tab.getByText('1–100 of 1\u202f000').waitFor();
  const names = () => tab.getByRole('rowheader').allInnerTexts();
  const first = await names();
  assert.deepEqual([first.length, first[0], first[1]], [100, 'gw-0777', 'gw-0000']);
  assert.equal(await tab.getByRole('button', { name: 'Before' }).isDisabled(), true);
  const shown = new Set(first);
  for (let at = 1; at < 10; at += 1) {
    await tab.getByRole('button', { name: 'Next' }).click();
    for (const name of await names()) shown.add(name);
  }
  assert.equal(await place.innerText(), '901–1\u202f000 of 1\u202f000');
  assert.equal(shown.size, 1000);
  assert.equal(await tab.getByRole('button', { name: 'Next' }).isDisabled(), true);
});

test('a bridge that does not answer is said, with how old what is shown is, and shown again when it is back', async (t) => {
  if (!hasChromium(t)) return;
  const floor = await begin(t);
  const member = await floor.join('gw-1');
  await born(member.client, member.gateway);
  await send(member, { records: [event(1)] });
  const tab = await openPage(t, floor);
  await giveKey(tab, floor.key);
  await row(tab, 'gw-1').waitFor();
  await floor.bridge.stop();
  await look(tab);
  await tab.getByRole('alert').getByText('The bridge does not answer. What is shown is old.').waitFor();
  await tab.getByText(/^Age of what is shown: \d+ (s|min)$/).waitFor();
  await tab.getByText('No answer from the bridge').waitFor();
  await row(tab, 'gw-1').getByText('Up').waitFor();
  // On the same port, as a bridge that is started again has it.
  await runBridge(t, floor.dir, ['--api-port', String(floor.bridge.api)]);
  await look(tab);
  await tab.getByText('Bridge answers').waitFor();
  // Its broker has started with it: nobody is connected yet.
  await row(tab, 'gw-1')
    .getByText(/✕ Down/)
    .waitFor();
  assert.equal(await tab.getByText('The bridge does not answer').count(), 0);
});

test('it is used by keyboard and on a phone, by people and by screen readers', async (t) => {
  if (!hasChromium(t)) return;
  const floor = await begin(t);
  const members = [await floor.join('gw-1'), await floor.join('gw-2', 'hall-2')];
  for (const member of members) await born(member.client, member.gateway);
  for (const [at, member] of members.entries()) await send(member, { records: at === 0 ? [event(1)] : [alert(1)] });
  for (const options of [
    wide,
    { ...wide, colorScheme: 'dark' },
    { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true },
  ] as const) {
    const tab = await openPage(t, floor, { ...options, bypassCSP: true });
    await tab.evaluate(await axeSource());
    const violations = async () =>
      tab.evaluate(
        `axe.run(document, { resultTypes: ['violations'] }).then((found) => found.violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html).join(' ')))`,
      );
    assert.deepEqual(await violations(), []);
    assert.equal(await tab.evaluate('document.activeElement?.id'), 'key');
    await tab.keyboard.type(floor.key);
    await tab.keyboard.press('Enter');
    await row(tab, 'gw-2').waitFor();
    assert.deepEqual(await violations(), []);
    const wider = await tab.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
    assert.ok(Number(wider) <= 0, `the page is wider than its screen by ${String(wider)}`);
    if ('isMobile' in options) continue;
    // Everything that does something is reached with the tab key.
    await tab.getByRole('link', { name: 'To the gateways' }).focus();
    const reached: string[] = [];
    for (let at = 0; at < 2; at += 1) {
      await tab.keyboard.press('Tab');
      reached.push(String(await tab.evaluate('document.activeElement?.id')));
    }
    assert.deepEqual(reached, ['forget', 'find']);
  }
});
