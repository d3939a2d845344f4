/** What people do with alerts, on the real agent: it stands over a restart, once, and the fleet store has it. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { z } from 'zod';
import { operations } from '../../agent/page/api.ts';
import { listener } from '../support/ports.ts';
import { as, goodPassword } from '../unit/page/harness.ts';
import { rows, run, runBridge, startAgent, temporaryDir, writeConfig, type Line } from './bad-input-rig.ts';
import { until } from './sync-rig.ts';

type Answer = { readonly status: number; readonly json: Record<string, unknown> };

/** Signs in and gives the ways to ask. */
async function signIn(url: string, name: string) {
  const json = { 'content-type': 'application/json' };
  const body = JSON.stringify({ name, password: goodPassword });
  const answer = await fetch(`${url}/api/session/login`, { method: 'POST', headers: json, body });
  const { csrf } = operations.login.response.parse(await answer.json());
  const who = { cookie: answer.headers.getSetCookie()[0]?.split(';')[0] ?? '', csrf };
  const ask = async (path: string, init: RequestInit): Promise<Answer> => {
    const got = await fetch(`${url}/api/${path}`, init);
    return { status: got.status, json: (await got.json()) as Record<string, unknown> };
  };
  return {
    get: async <T extends z.ZodType>(path: string, response: T): Promise<z.output<T>> =>
      response.parse((await ask(path, { headers: as(who) })).json),
    act: (occurrence: string, deed: string, said: object) =>
      ask(`alerts/${occurrence}/${deed}`, {
        method: 'POST',
        headers: { ...json, ...as(who) },
        body: JSON.stringify(said),
      }),
  };
}

test('what was done with an alert stands after a restart, once, closes with it, and is in the fleet store', async (t) => {
  const dir = temporaryDir(t);
  const machine = { oil: 9 };
  const port = await listener(t, (socket) => {
    const timer = setInterval(() => socket.write(`3,24.5,1.27,${machine.oil},55,100,4200\n`), 100);
    socket.on('close', () => clearInterval(timer));
  });
  const { port: broker, bridge } = await runBridge(t, dir);
  const dataDir = join(dir, 'agent');
  for (const [name, role] of [
    ['asha', 'admin'],
    ['omar', 'maintainer'],
  ] as const) {
    const done = await run(t, ['user', 'add', name, '--role', role, '--data-dir', dataDir], `${goodPassword}\n`);
    assert.equal(done.code, 0, done.stderr);
  }
  const config = writeConfig(dir, {
    machines: [{ id: 'rt-1', name: 'R', profile: 'sewing-retrofit-csv', endpoint: `tcp://127.0.0.1:${port}` }],
    uplink: {
      url: `mqtt://127.0.0.1:${broker}`,
      bridgeKey: 'bridge/bridge.pub.pem',
      password: 'file:uplink.password',
    },
  });
  const pageOf = (agent: { readonly lines: readonly Line[] }) =>
    String(agent.lines.find((line) => typeof line['page'] === 'string')?.['page']);
  const open = async (who: Awaited<ReturnType<typeof signIn>>) =>
    (await who.get('alerts', operations.alerts.response)).items.find(({ rule }) => rule === 'oil-low');

  const first = await startAgent(t, config);
  const omar = await signIn(pageOf(first), 'omar');
  await until('an alert', async () => (await open(omar)) !== undefined, 20_000);
  const { occurrence = '' } = (await open(omar)) ?? {};
  assert.equal((await omar.act(occurrence, 'shelve', { forS: 3600 })).json['state'], 'shelved');
  assert.equal((await omar.act(occurrence, 'shelve', { forS: 3600 })).status, 409);
  assert.equal((await omar.act(occurrence, 'unshelve', {})).json['state'], 'active-unacked');
  assert.equal((await omar.act(occurrence, 'assign', { to: 'asha' })).status, 200);
  assert.equal((await omar.act(occurrence, 'comment', { text: 'needs a can of oil' })).status, 200);
  const close = { cause: 'machine-setting', action: 'oiled', comment: 'tank was empty' };
  assert.equal((await omar.act(occurrence, 'close', close)).json['state'], 'active-acked');
  const before = (await open(omar))?.acts;
  assert.deepEqual([before?.assigned?.to, before?.closing?.comment, before?.count], ['asha', 'tank was empty', 3]);
  assert.equal(await first.stop(), 0);

  const second = await startAgent(t, config);
  const again = await signIn(pageOf(second), 'omar');
  assert.deepEqual((await open(again))?.acts, before);
  const stored = "SELECT count(*) FROM event WHERE event = 'alert_act'";
  assert.deepEqual(rows(join(dataDir, 'journal.db'), stored), ['3']);
  machine.oil = 80;
  await until('its end', async () => (await open(again)) === undefined, 20_000);
  const past = (await again.get('alerts?state=normal', operations.alerts.response)).items;
  assert.deepEqual(past.find((one) => one.occurrence === occurrence)?.acts, before);
  const { items } = await again.get(`alerts/${occurrence}/acts`, operations.alertHistory.response);
  assert.deepEqual(
    items
      .map((one) => (one.kind === 'alert' ? one.transition : String(one.data['act'])))
      .filter((told) => told !== 'unverified' && told !== 'verified'),
    ['raised', 'shelved', 'unshelved', 'assign', 'comment', 'close', 'acked', 'returned', 'closed'],
  );

  // The next one of the same rule: nobody has it, and what is said of the old one is refused.
  machine.oil = 9;
  await until('another alert', async () => (await open(again)) !== undefined, 20_000);
  const fresh = await open(again);
  assert.notEqual(fresh?.occurrence, occurrence);
  assert.equal((await again.act(occurrence, 'shelve', { forS: 3600 })).status, 409);
  assert.equal((await again.act(occurrence, 'comment', { text: 'late' })).status, 409);
  assert.equal((await again.act('nothing', 'comment', { text: 'x' })).status, 404);
  const still = await open(again);
  assert.deepEqual([still?.state, still?.acts], ['active-unacked', null]);
  const figures = await again.get('alert-figures', operations.alertFigures.response);
  assert.equal(figures.worst.find(({ rule }) => rule === 'oil-low')?.raised, 2);
  assert.equal(figures.operators, 1);

  const atBridge = () =>
    rows(
      join(dir, 'bridge/bridge.db'),
      "SELECT json_extract(data, '$.act') FROM record_event WHERE event = 'alert_act'",
    );
  await until('the acts in the fleet store', () => atBridge().length > 2, 20_000);
  assert.deepEqual(atBridge().sort(), ['assign', 'close', 'comment']);
  assert.equal(await second.stop(), 0);
  assert.equal(await bridge.stop(), 0);
});
