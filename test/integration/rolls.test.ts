/**
 * Rolls as a user has them: what the eye tells goes in at the border of the pipeline, and the map comes out of the verb and the page, beside
 * a store that is open; and a real agent, whose camera shows nothing, is told of rolls.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import sharp from 'sharp';
import type { FabricFinding } from '../../agent/findings.ts';
import { operations } from '../../agent/page/api.ts';
import { main as rollMap } from '../../agent/commands/roll-map.ts';
import { pageSources } from '../../agent/page-sources.ts';
import { createPipeline } from '../../agent/pipeline.ts';
import type { Pipeline } from '../../agent/pipeline-ports.ts';
import type { RollListed } from '../../agent/rolls/read.ts';
import { loadRuleSet, shippedRules } from '../../agent/rules/load.ts';
import { openStore, type Store } from '../../agent/store/open.ts';
import { loadProfile } from '../../drivers/profiles/load.ts';
import { type RollMap, rollMapSchema } from '../../models/vision/roll-map.ts';
import { freePort, listener } from '../support/ports.ts';
import { goodPassword } from '../unit/page/harness.ts';
import { needleLine, setupOf } from '../unit/pipeline/rig.ts';
import { run, startAgent, writeConfig } from './bad-input-rig.ts';
import { runVerb } from './verb.ts';

const machine = 'ck-1';
const model = 'fabric-anomaly@1.0.0';
const circular = loadProfile('knit-circular-kf4-tcp', []);
const web = { widthMm: 2000, fabric: 'jersey', mmPerTurn: 50, countsAlone: false };

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-rolls-'));
  t.after(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10 }));
  return dir;
}

interface Kept {
  readonly store: Store;
  readonly pipeline: Pipeline;
}

async function begin(dataDir: string): Promise<Kept> {
  const clock = { wallMs: () => Date.now(), monotonicMs: () => performance.now() };
  const store = await openStore({ dataDir, clock });
  const pipeline = createPipeline({
    machines: [setupOf(machine, circular, { web })],
    rules: loadRuleSet({}, {}, shippedRules()),
    clock,
    recovery: store.recovery,
    out: { journal: (entries, urgent) => store.commit(entries, { urgent }), ring: () => undefined },
  });
  return { store, pipeline };
}

function seen({ pipeline }: Kept, fromMm: number, toMm: number, unseen = 0, isAnew = false): void {
  const reason = unseen === 0 ? null : ('overload' as const);
  const stretches = [{ fromMm, toMm, unseen, reason }];
  pipeline.fabric.seen({ machine, model, isSimulated: true, newestMm: toMm, isAnew, stretches });
}

function found({ pipeline }: Kept, more: Partial<FabricFinding>): void {
  const now = Date.now();
  const own = { machine, model, fabric: 'jersey', acrossFromMm: 300, acrossToMm: 302, alongErrorMm: 2 };
  pipeline.fabric.told(needleLine({ ...own, firstMs: now, lastMs: now, ...more }));
}
const spot = { class: 'hole', shape: 'spot', cause: 'machine_or_handling', needle: null, k: null } as const;

type Answer = { readonly machine: string; readonly roll: RollListed; readonly map: RollMap };
const verb = <T>(t: TestContext, ...args: string[]) => runVerb<T>(t, 'roll-map', '--machine', machine, ...args);

test('the verb beside an open store gives picture, table and data of a roll, over a kill in the middle of it', async (t) => {
  const dir = folder(t);
  const dataDir = join(dir, 'agent');
  const config = writeConfig(dir, {
    machines: [
      {
        id: machine,
        profile: 'knit-circular-kf4-tcp',
        endpoint: 'tcp://127.0.0.1:1',
        eye: {
          camera: 'mjpeg+http://127.0.0.1:1/stream',
          fabric: 'jersey',
          mmPerPx: 0.1,
          needles: 2000,
          feeders: 90,
          coursesPerCm: 18,
          circumferenceMm: 2000,
          position: 'encoder',
          score: { grades: { B: 20, A: 10 } },
        },
      },
    ],
  });
  const before = await begin(dataDir);
  // The eye counts from 7 m.
  seen(before, 7_000, 17_000, 0, true);
  found(before, { id: 1, ...spot, needleUnknown: 'no-angle', rollFromMm: 12_000, rollToMm: 12_010, acrossToMm: 305 });
  found(before, { id: 2, rollFromMm: 15_000, rollToMm: 15_400 });
  seen(before, 17_000, 17_500);
  await before.pipeline.stored();
  // No drain: as a kill would leave it, what was not told is not there.
  await before.store.close();

  const kept = await begin(dataDir);
  t.after(() => kept.store.close());
  seen(kept, 100, 10_100, 0.5, true);
  found(kept, { id: 1, ...spot, needleUnknown: 'no-angle', rollFromMm: 5_000, rollToMm: 5_030 });
  kept.pipeline.fabric.rollBegin(machine, 'R-2');
  await kept.pipeline.stored();

  const out = (name: string) => join(dir, name);
  const where = ['--config', config];
  const data = await verb<Answer>(t, ...where, '--roll', '1', '--out', out('map.json'));
  assert.equal(data.code, 0, data.err);
  const map = rollMapSchema.parse(JSON.parse(readFileSync(out('map.json'), 'utf8')));
  assert.deepEqual(data.report?.map, map);
  // 10 m, of what passed at the kill nobody knows how much, and 10 m of which half the width was looked at.
  assert.deepEqual(map.roll, { id: '1', machine, fabric: 'jersey', lengthMm: 20_000, widthMm: 2000 });
  assert.deepEqual(map.gaps, [
    { fromMm: 10_000, toMm: 10_000, share: 1, reason: 'not-running' },
    { fromMm: 10_000, toMm: 20_000, share: 0.5, reason: 'overload' },
  ]);
  // The line lasted when its process was killed: it goes to where was looked.
  assert.deepEqual(
    map.defects.map(({ class: name, fromMm, toMm, needle, k }) => [name, fromMm, toMm, needle, k]),
    [
      ['hole', 5_000, 5_010, null, null],
      ['needle_line', 8_000, 10_000, 1207, 2],
      ['hole', 14_900, 14_930, null, null],
    ],
  );
  // By hand: a hole of 10 mm 2, a line through two metres 8, a hole of 30 mm 4; 14 points on 15 m of 2 m: 46.7 per 100 m².
  assert.deepEqual([map.score.points, map.score.total], [[2, 8, 4], 14]);
  assert.deepEqual([map.score.inspectedM, map.score.isComplete, map.score.grade], [15, false, 'none']);
  assert.ok(Math.abs((map.score.pointsPer100M2 ?? 0) - 46.6667) < 1e-3);
  assert.match(
    data.out,
    /3 faults: 14 points, 46\.7 per 100 m², grade none; 15\.0 of 20\.0 m looked at \(not complete\)/,
  );

  const table = await verb<Answer>(t, '--data-dir', dataDir, '--last', '2', '--out', out('map.csv'));
  assert.equal(table.code, 0, table.err);
  assert.equal(table.report?.map.score.grade, null, 'nothing agreed without a configuration');
  assert.deepEqual(readFileSync(out('map.csv'), 'utf8').split('\r\n').slice(1, 3), [
    '5.000,5.010,2.0,300.0,305.0,hole,machine_or_handling,2,,,no-angle,2,4.200,1.000,1,',
    '8.000,10.000,2.0,300.0,302.0,needle_line,needle_or_sinker,8,1207,2,,2,4.200,1.000,2,',
  ]);
  const picture = await verb<Answer>(t, ...where, '--roll', '1', '--out', out('map.png'));
  assert.equal(picture.code, 0, picture.err);
  const { format, width } = await sharp(out('map.png')).metadata();
  assert.deepEqual([format, width], ['png', 1200]);

  const list = await verb<{ rolls: RollListed[] }>(t, '--data-dir', dataDir, '--list');
  assert.deepEqual(
    list.report?.rolls.map(({ number, id, why, lengthM }) => [number, id, why, lengthM]),
    [
      [2, 'R-2', 'asked', null],
      [1, '1', 'first', 20],
    ],
  );
  assert.match(list.out, /^roll R-2 \(number 2\) {2}jersey {2}from .* UTC, on the machine\nroll 1 {2}jersey/);
  const none = await verb(t, '--data-dir', dataDir, '--roll', 'R-9', '--out', out('none.json'));
  assert.deepEqual([none.code, none.report], [1, null]);

  // The page has the same map from the same store.
  const sources = pageSources({
    pipeline: kept.pipeline,
    store: kept.store,
    scores: new Map([[machine, { grades: [{ name: 'B', most: 50 }], holes: 'by-size' }]]),
    uplink: () => assert.fail('not asked'),
    health: () => ({}),
    writes: {} as never,
    cloth: null,
    sound: null,
    views: {} as never,
    runbooks: {} as never,
  });
  const file = async (name: 'json' | 'png') => Buffer.from((await sources.rolls.file(machine, '1', name)) ?? []);
  const shown = rollMapSchema.parse(JSON.parse((await file('json')).toString()));
  assert.deepEqual({ ...shown, score: { ...shown.score, grade: 'none' } }, map);
  assert.equal(shown.score.grade, 'B');
  assert.equal((await sharp(await file('png')).metadata()).width, 1200);
  assert.equal(await sources.rolls.file('ck-9', null, 'json'), null);
});

test('arguments that make no sense are refused with what would', async (t) => {
  const dir = folder(t);
  for (const [args, why] of [
    [['--out', 'a.png'], /--config FILE or --data-dir DIR/],
    [['--data-dir', dir, '--out', 'a.pdf'], /ends in \.png/],
    [['--data-dir', dir], /--out FILE is missing/],
    [['--data-dir', dir, '--out', 'a.png', '--roll', '1', '--last', '1'], /either --roll ID or --last N/],
    [['--data-dir', dir, '--out', 'a.png', '--last', '0'], /--last takes a number/],
    [['--data-dir', dir, '--list', '--out', 'a.png'], /--list goes without/],
    [['--data-dir', dir, '--list'], /no agent has run there/],
  ] as const) {
    await assert.rejects(rollMap(['--machine', machine, ...args]), why, args.join(' '));
  }
});

test('a real agent is told of rolls by the verb and on the page, and knows them after a start', async (t) => {
  const dir = folder(t);
  const floor = await listener(t);
  const dataDir = join(dir, 'agent');
  const config = writeConfig(dir, {
    machines: [
      {
        id: machine,
        profile: 'knit-circular-kf4-tcp',
        endpoint: `tcp://127.0.0.1:${floor}`,
        eye: {
          camera: `mjpeg+http://127.0.0.1:${await freePort()}/stream`,
          fabric: 'jersey',
          mmPerPx: 0.1,
          needles: 2000,
          feeders: 90,
          coursesPerCm: 18,
          circumferenceMm: 2000,
          position: 'telemetry',
        },
      },
    ],
  });
  const added = await run(
    t,
    ['user', 'add', 'omar', '--role', 'maintainer', '--data-dir', dataDir],
    `${goodPassword}\n`,
  );
  assert.equal(added.code, 0, added.stderr);
  const admin = await run(t, ['user', 'add', 'asha', '--role', 'admin', '--data-dir', dataDir], `${goodPassword}\n`);
  assert.equal(admin.code, 0, admin.stderr);
  const agent = await startAgent(t, config);
  const beginning = (...more: string[]) =>
    runVerb<{ ok: boolean; roll: { number: number; id: string } | null }>(
      t,
      'roll',
      'begin',
      '--config',
      config,
      '--machine',
      machine,
      ...more,
    );
  const first = await beginning('--id', 'R-17');
  assert.equal(first.code, 0, first.err);
  assert.deepEqual([first.report?.ok, first.report?.roll?.number, first.report?.roll?.id], [true, 1, 'R-17']);
  assert.match(first.out, /roll R-17 of ck-1 has begun/);

  const url = String(agent.lines.find((line) => typeof line['page'] === 'string')?.['page']);
  const post = { method: 'POST', headers: { 'content-type': 'application/json' } };
  const session = await fetch(`${url}/api/session/login`, {
    ...post,
    body: JSON.stringify({ name: 'omar', password: goodPassword }),
  });
  const { csrf } = operations.login.response.parse(await session.json());
  const headers = { cookie: session.headers.getSetCookie()[0]?.split(';')[0] ?? '', 'x-csrf-token': csrf };
  const rolls = `${url}/api/machines/${machine}/rolls`;
  const begun = await fetch(rolls, { method: 'POST', headers: { ...headers, ...post.headers }, body: '{}' });
  assert.deepEqual(await begun.json(), { number: 2, id: '2' });
  const { items } = operations.rolls.response.parse(await (await fetch(rolls, { headers })).json());
  assert.deepEqual(
    items.map(({ number, id, endedMs }) => [number, id, endedMs === null]),
    [
      [2, '2', true],
      [1, 'R-17', false],
    ],
  );
  const get = async (path: string) => fetch(`${url}/api/machines/${machine}/roll-map.${path}`, { headers });
  const map = operations.rollMap.response.parse(await (await get('json?roll=R-17')).json());
  assert.deepEqual([map.roll.id, map.roll.lengthMm, map.score.pointsPer100M2], ['R-17', 0, null]);
  const png = Buffer.from(await (await get('png')).arrayBuffer());
  assert.equal((await sharp(png).metadata()).format, 'png');
  assert.equal((await fetch(rolls)).status, 401);
  assert.equal(await agent.stop(), 0);

  const nobody = await beginning();
  assert.deepEqual([nobody.code, nobody.report?.ok, nobody.report?.roll], [1, false, null]);
  await startAgent(t, config);
  const next = await beginning();
  assert.deepEqual([next.code, next.report?.roll?.number], [0, 3]);
});
