/** The page's API on the real agent: a machine on a line, the pipeline, both databases and a bridge behind it. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { z } from 'zod';
import { operations, type OperationName } from '../../agent/page/api.ts';
import { as, goodPassword, openStream, type SignedIn } from '../unit/page/harness.ts';
import { listener } from '../support/ports.ts';
import { rows, run, runBridge, startAgent, temporaryDir, writeConfig, type Line } from './bad-input-rig.ts';
import { until } from './sync-rig.ts';

/** A retrofit line whose oil and bobbin are what the test says. */
async function runMachine(t: TestContext): Promise<{ readonly endpoint: string; oil: number; bobbin: number }> {
  const machine = { endpoint: '', oil: 80, bobbin: 55 };
  let stitches = 0;
  const port = await listener(t, (socket) => {
    const timer = setInterval(() => {
      stitches += 10;
      socket.write(`3,24.5,1.27,${machine.oil},${machine.bobbin},${stitches},4200\n`);
    }, 100);
    socket.on('close', () => clearInterval(timer));
  });
  machine.endpoint = `tcp://127.0.0.1:${port}`;
  return machine;
}

interface Client extends SignedIn {
  /** The answer, which is as the table of the API says; `more` is the rest of the address. */
  get<T extends OperationName>(
    name: T,
    more?: string,
  ): Promise<z.output<(typeof operations)[T]['response'] & z.ZodType>>;
  /** Status and code of the refusal, if it is one. */
  ack(occurrence: string, body: object, headers?: Record<string, string>): Promise<[number, string | null]>;
}

/** Signs in as a browser does. */
async function signIn(url: string, name: string): Promise<Client> {
  const post = { method: 'POST', headers: { 'content-type': 'application/json' } };
  const answer = await fetch(`${url}/api/session/login`, {
    ...post,
    body: JSON.stringify({ name, password: goodPassword }),
  });
  const session = operations.login.response.parse(await answer.json());
  const who = { cookie: answer.headers.getSetCookie()[0]?.split(';')[0] ?? '', csrf: session.csrf };
  assert.match(String(answer.headers.getSetCookie()[0]), /HttpOnly; SameSite=Strict/);
  return {
    ...who,
    async get(operation, more = '') {
      const { path, response } = operations[operation];
      const got = await fetch(url + path + more, { headers: { cookie: who.cookie } });
      assert.equal(got.status, 200, path + more);
      return (response as z.ZodType).parse(await got.json()) as never;
    },
    async ack(occurrence, body, headers = {}) {
      const got = await fetch(`${url}/api/alerts/${occurrence}/ack`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...as(who, headers) },
        body: JSON.stringify(body),
      });
      const { error } = (await got.json()) as { error?: { code: string } };
      return [got.status, error?.code ?? null];
    },
  };
}

test('a person signs in, sees the real machine, acknowledges its alert, and the fleet store knows who did', async (t) => {
  const dir = temporaryDir(t);
  const machine = await runMachine(t);
  const { port, bridge } = await runBridge(t, dir);
  const dataDir = join(dir, 'agent');
  for (const [name, role] of [
    ['asha', 'admin'],
    ['omar', 'maintainer'],
    ['mina', 'viewer'],
  ] as const) {
    const done = await run(t, ['user', 'add', name, '--role', role, '--data-dir', dataDir], `${goodPassword}\n`);
    assert.equal(done.code, 0, done.stderr);
  }
  const config = writeConfig(dir, {
    machines: [{ id: 'rt-1', name: 'Retrofit 1', profile: 'sewing-retrofit-csv', endpoint: machine.endpoint }],
    summaries: { openMinuteEveryS: 1 },
    rules: { 'bobbin-run-out': { latch: true } },
    uplink: {
      url: `mqtt://127.0.0.1:${port}`,
      bridgeKey: 'bridge/bridge.pub.pem',
      password: 'file:uplink.password',
    },
  });
  const agent = await startAgent(t, config);
  const url = String(agent.lines.find((line: Line) => typeof line['page'] === 'string')?.['page']);
  assert.equal((await fetch(`${url}/api/machines`)).status, 401);
  const omar = await signIn(url, 'omar');
  const mina = await signIn(url, 'mina');

  const stream = openStream(Number(new URL(url).port), omar);
  t.after(() => stream.close());
  const first = await stream.next(({ event }) => event !== 'heartbeat');
  assert.equal(first.event, 'snapshot');
  assert.deepEqual(
    (first.data as { machines: { id: string }[] }).machines.map(({ id }) => id),
    ['rt-1'],
  );

  await until('a reading on the page', async () => (await omar.get('machines')).items[0]?.state === 'RUN', 10_000);
  const [seen] = (await omar.get('machines')).items;
  assert.deepEqual([seen?.name, seen?.gap, seen?.protocol], ['Retrofit 1', null, 'line']);
  const signal = (name: string) => {
    const view = seen?.signals.find((one) => one.signal === name);
    return [view?.value, view?.quality];
  };
  assert.deepEqual(signal('oil.level'), [80, 'good']);
  assert.deepEqual(signal('spindle.speed'), [4200, 'good']);
  assert.deepEqual(signal('head.temp'), [24.5, 'good']);
  await stream.next(({ event, data }) => event === 'machine' && (data as { state: string }).state === 'RUN');

  machine.oil = 9;
  const isAlert = (state: string) => (one: { event: string; data: unknown }) =>
    one.event === 'alert' && (one.data as { state: string }).state === state;
  const raised = (await stream.next(isAlert('active-unacked'))).data as { occurrence: string; rule: string };
  assert.equal(raised.rule, 'oil-low');
  const { occurrence } = raised;
  const [open, ...others] = (await mina.get('alerts')).items;
  assert.deepEqual(others, []);
  assert.deepEqual(
    [open?.occurrence, open?.machine, open?.state, open?.signal, open?.verified],
    [occurrence, 'rt-1', 'active-unacked', 'oil.level', true],
  );
  assert.match(String(open?.runbook), /^Fill up/);

  const journal = (sql: string) => rows(join(dataDir, 'journal.db'), sql);
  const acked = "SELECT occurrence, state, json_extract(body, '$.actor') FROM alert WHERE transition = 'acked'";
  assert.deepEqual(await mina.ack(occurrence, {}), [403, 'not-allowed']);
  assert.deepEqual(await omar.ack(occurrence, {}, { 'x-csrf-token': mina.csrf }), [403, 'csrf']);
  assert.deepEqual(await omar.ack('nothing', {}), [404, 'unknown-occurrence']);
  assert.deepEqual(journal(acked), []);
  assert.deepEqual(await omar.ack(occurrence, { comment: 'filled up' }), [200, null]);
  // Durable before the answer.
  assert.deepEqual(journal(acked), [`${occurrence},active-acked,omar`]);
  const [after] = (await mina.get('alerts')).items;
  assert.deepEqual([after?.state, after?.actor, after?.evidence['comment']], ['active-acked', 'omar', 'filled up']);
  await stream.next(isAlert('active-acked'));
  assert.deepEqual(await omar.ack(occurrence, {}), [409, 'not-open']);

  machine.oil = 80;
  const gone = await stream.next(({ event }) => event === 'alert-gone');
  assert.deepEqual(gone.data, { occurrence });
  assert.deepEqual((await omar.get('alerts')).items, []);
  const [past] = (await omar.get('alerts', '?state=normal')).items;
  assert.deepEqual([past?.occurrence, past?.transition], [occurrence, 'closed']);
  assert.match(String(past?.runbook), /^Fill up/);

  // One that latches: acknowledged while it held, it waits for a second word when it is over.
  machine.bobbin = 0;
  const second = (await stream.next((one) => isAlert('active-unacked')(one) && one.data !== raised)).data;
  const latching = (second as { occurrence: string }).occurrence;
  assert.deepEqual(await omar.ack(latching, {}), [200, null]);
  machine.bobbin = 90;
  await stream.next(isAlert('latched'));
  assert.deepEqual(await omar.ack(latching, { comment: 'new bobbin' }), [200, null]);
  await stream.next(({ event, data }) => event === 'alert-gone' && (data as typeof raised).occurrence === latching);
  assert.deepEqual(await omar.ack(latching, {}), [404, 'unknown-occurrence']);

  const span = `&from=${Date.now() - 600_000}&to=${Date.now() + 600_000}`;
  const trend = () => omar.get('trend', `?machine=rt-1&signal=stitch.total${span}`);
  await until('stored points', async () => (await trend()).t.length > 3, 15_000);
  const { t: times, v: values } = await trend();
  assert.ok(times.every((ms, index) => index === 0 || ms >= (times[index - 1] ?? 0)));
  assert.ok(values.every((value) => value === null || value % 10 === 0));
  assert.ok(values.some((value) => value !== null && value > 0));

  const summaries = (more: string) => omar.get('summaries', `?machine=rt-1${span}${more}`);
  await until('a summary', async () => (await summaries('&signal=oil.level')).items.length > 0, 15_000);
  const [level] = (await summaries('&signal=oil.level')).items;
  assert.ok(level?.kind === 'summary' && level.good > 0 && (level.min ?? 0) >= 9 && (level.max ?? 100) <= 80);
  const [states] = (await summaries('&limit=1')).items;
  assert.ok(states?.kind === 'state-summary' && (states.seconds['RUN'] ?? 0) > 0);

  const stored = "SELECT gateway, transition, actor, json_extract(evidence, '$.comment') FROM record_alert";
  const atBridge = () =>
    rows(join(dir, 'bridge/bridge.db'), `${stored} WHERE transition = 'acked' AND rule = 'oil-low'`);
  await until('the acknowledgement in the fleet store', () => atBridge().length > 0, 15_000);
  assert.deepEqual(atBridge(), ['gw-1,acked,omar,filled up']);
  const health = await omar.get('health');
  assert.deepEqual([health.uplink.configured, health.uplink.connected, health.page.clients], [true, true, 1]);
  assert.ok(health.uplink.acked > 0);
  stream.close();
  assert.equal(await agent.stop(), 0);
  assert.equal(await bridge.stop(), 0);
});
