/** A cloth taught from the page of a real agent, by the camera of a simulated machine. Simulated cloth throughout. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { z } from 'zod';
import { alertRecord, eventRecord } from '../../cloud-bridge/contract.ts';
import { operations } from '../../agent/page/api.ts';
import { isRunning } from '../support/running.ts';
import { as, goodPassword } from '../unit/page/harness.ts';
import { isListening, rows, run, start, startAgent, temporaryDir, writeConfig } from './bad-input-rig.ts';
import { until } from './sync-rig.ts';

const camera = { position: 'encoder', fps: 8, widthPx: 512, heightPx: 256, pxPerMm: 9 };
const simulated = { id: 'ck-1', kind: 'circular-knit', map: 'knit-circular-kf4-tcp', protocol: 'kf4-tcp', unit: 1 };
const listening = z.object({
  machines: z.array(z.object({ endpoint: z.string(), camera: z.object({ endpoint: z.string() }) })),
});

function cmdline(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

/** An agent that was not taught the cloth before its camera, and a maintainer before its page. */
async function begin(t: TestContext) {
  const dir = temporaryDir(t);
  const scenario = {
    version: 1,
    site: 'demo',
    description: 'good cloth',
    faults: [],
    machines: [{ ...simulated, parameters: { speedRpm: 35 }, camera }],
  };
  writeFileSync(join(dir, 'scenario.yaml'), JSON.stringify(scenario));
  const floor = start(t, ['simulate', join(dir, 'scenario.yaml'), '--seed', '5']);
  const [machine] = listening.parse(await floor.until('the simulator', isListening)).machines;
  assert.ok(machine !== undefined);
  const { needles, circumferenceMm } = { needles: 2639, circumferenceMm: (2639 * 0.85 * 25.4) / 28 };
  const cloth = { fabric: 'jersey', mmPerPx: 1 / 9, needles, firstNeedle: 0, feeders: 96, coursesPerCm: 18 };
  const config = writeConfig(dir, {
    machines: [
      {
        id: 'ck-1',
        profile: 'knit-circular-kf4-tcp',
        unit: 1,
        endpoint: machine.endpoint,
        eye: { ...cloth, camera: machine.camera.endpoint, circumferenceMm, position: 'encoder', simulated: true },
      },
    ],
  });
  const dataDir = join(dir, 'agent');
  const added = await run(
    t,
    ['user', 'add', 'omar', '--role', 'maintainer', '--data-dir', dataDir],
    `${goodPassword}\n`,
  );
  assert.equal(added.code, 0, added.stderr);
  const boss = await run(t, ['user', 'add', 'asha', '--role', 'admin', '--data-dir', dataDir], `${goodPassword}\n`);
  assert.equal(boss.code, 0, boss.stderr);
  const agent = await startAgent(t, config);
  const url = String(agent.lines.find((line) => typeof line['page'] === 'string')?.['page']);
  const signedIn = await fetch(`${url}/api/session/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'omar', password: goodPassword }),
  });
  const { csrf } = operations.login.response.parse(await signedIn.json());
  const who = { cookie: signedIn.headers.getSetCookie()[0]?.split(';')[0] ?? '', csrf };
  const path = `${url}/api/machines/ck-1/cloth`;
  const look = async () =>
    operations.cloth.response.parse(await (await fetch(path, { headers: { cookie: who.cookie } })).json());
  const post = (deed: 'teach' | 'teach/cancel') =>
    fetch(`${path}/${deed}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...as(who) },
      body: '{}',
    });
  const teachers = () =>
    readdirSync('/proc').filter((name) => {
      const words = /^\d+$/.test(name) ? cmdline(name) : [];
      return words.includes('teach') && words.includes(config) && isRunning(Number(name));
    });
  return { dataDir, agent, look, post, teachers };
}

test('taught from the page the eye knows the cloth, and the journal who taught it', { timeout: 240_000 }, async (t) => {
  const { dataDir, agent, look, post, teachers } = await begin(t);
  assert.deepEqual(await look(), { fabric: 'jersey', known: null, teaching: null });
  const bodies = (table: string) =>
    rows(join(dataDir, 'journal.db'), `SELECT body FROM ${table} ORDER BY id`).map(
      (body) => JSON.parse(body) as unknown,
    );
  const taughtState = () =>
    bodies('alert')
      .map((body) => alertRecord.parse(body))
      .findLast(({ rule }) => rule === 'eye-not-taught')?.state;
  await until('it says that it was not taught', () => taughtState() === 'active-unacked', 30_000);

  assert.equal((await post('teach')).status, 200);
  assert.equal((await post('teach')).status, 409);
  const between: number[] = [];
  await until('it has ended', async () => {
    const { teaching } = await look();
    if (teaching?.state === 'running' && teaching.picture !== between.at(-1)) between.push(teaching.picture);
    return teaching?.state !== 'running';
  });
  assert.ok(
    between.some((picture) => picture > 0 && picture < 12),
    JSON.stringify(between),
  );
  const { known, teaching } = await look();
  assert.equal(teaching?.state, 'done', JSON.stringify(teaching));
  assert.ok(teaching.report?.ok === true);
  assert.deepEqual([teaching.report.version, teaching.report.images, known?.version, known?.images], [1, 12, 1, 12]);
  await until('what was taught is used', () => taughtState() === 'returned-unacked', 30_000);
  const [deed] = bodies('event')
    .map((body) => eventRecord.parse(body))
    .filter(({ event }) => event === 'cloth_taught');
  assert.deepEqual([deed?.machine, deed?.phase], ['ck-1', 'instant']);
  assert.deepEqual(deed?.data, { fabric: 'jersey', version: 1, images: 12, by: 'omar' });

  assert.deepEqual(teachers(), []);

  // The agent is killed: the process ends with its next picture, and nothing half is kept.
  assert.equal((await post('teach')).status, 200);
  await until('it is at work', async () => ((await look()).teaching?.picture ?? 0) > 0);
  assert.equal(teachers().length, 1);
  await agent.kill();
  await until('nobody teaches any more', () => teachers().length === 0, 10_000);
  assert.deepEqual(readdirSync(join(dataDir, 'styles/ck-1/jersey')), ['1']);
});
