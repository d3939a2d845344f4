/** The desk that has cloth taught, with real processes that behave, and that do not. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { ClothTaught } from '../../../agent/pipeline-ports.ts';
import { TeachDesk, type ClothView, type TeachDeskParts } from '../../../agent/senses/teach-desk.ts';
import { gatewayKeys } from '../../../agent/sync/keys.ts';
import { isRunning } from '../../support/running.ts';

const script = join(import.meta.dirname, 'teach-child-modes.ts');
const fabric = 'single-jersey';
const limit = { timeout: 60_000 };

function rig(t: TestContext, mode: string, more: Partial<TeachDeskParts> = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-teach-'));
  t.after(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10 }));
  const dataDir = join(dir, 'data');
  mkdirSync(dataDir);
  const deeds: (ClothTaught & { readonly machine: string })[] = [];
  const logged: string[] = [];
  const run = { mode };
  const desk = new TeachDesk({
    eyes: [
      { id: 'ck-1', fabric },
      { id: 'ck-2', fabric: 'rib' },
    ],
    dataDir,
    publicKey: gatewayKeys(dataDir).publicKey,
    model: () => 'eye@1.0.0',
    command: (machine, cloth) => {
      const quiet = '--disable-warning=ExperimentalWarning';
      return [process.execPath, quiet, script, run.mode, dataDir, machine, cloth];
    },
    taught: async (machine, taught) => void deeds.push({ machine, ...taught }),
    clock: { wallMs: () => 1_767_600_000_500 },
    log: (level, message) => void logged.push(`${level} ${message}`),
    ...more,
  });
  t.after(() => desk.stop());
  desk.start(new AbortController().signal);
  const teaching = (): NonNullable<ClothView['teaching']> => {
    const seen = desk.view('ck-1')?.teaching;
    assert.ok(seen !== null && seen !== undefined);
    return seen;
  };
  /** Nobody is told of these moments but who looks. */
  const until = async (holds: () => boolean) => {
    while (!holds()) await delay(5);
  };
  const end = async () => {
    await until(() => teaching().state !== 'running');
    const { report } = teaching();
    assert.ok(report !== null);
    return report;
  };
  const pids = () => JSON.parse(readFileSync(join(dataDir, 'pids'), 'utf8')) as [number, number];
  return { dataDir, desk, deeds, logged, run, teaching, until, end, pids };
}

test('T2: what was learned is told with its report, and who taught it is kept', limit, async (t) => {
  const { desk, deeds, teaching, end } = rig(t, 'learns');
  assert.deepEqual(desk.view('ck-1'), { fabric, known: null, teaching: null });
  const begun = desk.teach('ck-1', 'omar');
  assert.ok(typeof begun !== 'string');
  assert.deepEqual(begun.teaching, {
    state: 'running',
    picture: 0,
    of: 0,
    startedMs: 1_767_600_000_500,
    report: null,
  });
  const report = await end();
  assert.deepEqual([report.ok, teaching().state, teaching().picture, teaching().of], [true, 'done', 3, 3]);
  assert.ok(report.ok);
  assert.deepEqual(report.refused, [{ image: 'picture 2', reason: 'too dark' }]);
  assert.equal(report.seconds, 10, 'it stands back behind the polls');
  assert.deepEqual(deeds, [{ machine: 'ck-1', fabric, version: 1, images: 3, by: 'omar' }]);
  // Version 2 is of the model in the shadow.
  assert.deepEqual(desk.view('ck-1')?.known, { version: 1, taughtMs: 1_767_600_000_000, images: 3 });
  assert.equal(desk.view('ck-2')?.known, null);
});

test('T1: one at a time on a gateway; only machines with an eye; nothing after stop', limit, async (t) => {
  const { desk, until, teaching, run, end } = rig(t, 'hangs');
  assert.equal(desk.teach('ls-1', 'omar'), 'no-eye');
  assert.equal(desk.view('ls-1'), null);
  assert.equal(await desk.cancel('ls-1', 'omar'), 'no-eye');
  assert.equal(await desk.cancel('ck-1', 'omar'), 'not-running');
  assert.ok(typeof desk.teach('ck-1', 'omar') !== 'string');
  assert.equal(desk.teach('ck-1', 'asha'), 'busy');
  assert.equal(desk.teach('ck-2', 'asha'), 'busy');
  await until(() => teaching().picture === 1);
  assert.equal(await desk.cancel('ck-2', 'asha'), 'not-running');
  assert.equal(teaching().state, 'running');
  await desk.cancel('ck-1', 'asha');
  run.mode = 'learns';
  assert.ok(typeof desk.teach('ck-1', 'asha') !== 'string', 'the next may begin');
  assert.equal((await end()).ok, true);
  await desk.stop();
  assert.equal(desk.teach('ck-1', 'omar'), 'busy');
});

test('T1, C2: cancelled, it is gone with all that it started, and says who stopped it', limit, async (t) => {
  const { desk, deeds, until, teaching, end, pids } = rig(t, 'hangs');
  desk.teach('ck-1', 'omar');
  await until(() => teaching().picture === 1);
  const all = pids();
  assert.ok(all.every(isRunning));
  const view = await desk.cancel('ck-1', 'asha');
  assert.deepEqual(all.filter(isRunning), []);
  assert.ok(typeof view !== 'string' && view.teaching?.state === 'failed');
  const report = await end();
  assert.ok(!report.ok);
  assert.match(report.message, /^AGT-824 asha$/);
  assert.deepEqual(deeds, []);
});

test('T1: after stop there is no process', limit, async (t) => {
  const { desk, until, teaching, pids } = rig(t, 'hangs');
  desk.teach('ck-1', 'omar');
  await until(() => teaching().picture === 1);
  const all = pids();
  await desk.stop();
  assert.deepEqual(all.filter(isRunning), []);
});

test('C1: a process that takes too long is ended', limit, async (t) => {
  // Long enough for it to start and to have begun.
  const { desk, end, pids } = rig(t, 'hangs', { withinMs: 4_000 });
  desk.teach('ck-1', 'omar');
  const report = await end();
  assert.ok(!report.ok && report.message.startsWith('AGT-822'), JSON.stringify(report));
  assert.deepEqual(pids().filter(isRunning), []);
});

test('T3: stopped when it had learned already, it has taught', limit, async (t) => {
  const { desk, deeds, until, teaching, end } = rig(t, 'hangs-late');
  desk.teach('ck-1', 'omar');
  await until(() => teaching().picture === 3);
  await desk.cancel('ck-1', 'asha');
  const report = await end();
  assert.ok(report.ok);
  assert.deepEqual([report.version, report.images, teaching().state], [1, 3, 'done']);
  assert.match(report.advice[0] ?? '', /learned already/);
  assert.deepEqual(deeds, [{ machine: 'ck-1', fabric, version: 1, images: 3, by: 'omar' }]);
});

test(
  'T2: a process that dies, lies, floods or talks nonsense has taught nothing, and why is told',
  limit,
  async (t) => {
    const { desk, deeds, run, end } = rig(t, '');
    for (const [mode, message] of [
      ['dies', /^AGT-823 SIGSEGV$/],
      ['complains', /^AGT-823 AGT-101 the configuration cannot be used$/],
      ['lies', /^AGT-823 exit 0$/],
      ['misnames', /^AGT-823 exit 1$/],
      ['odd', /^AGT-823 exit 0$/],
      ['floods', /^AGT-823 SIGKILL$/],
      ['refuses', /^MDL-310 too few$/],
    ] as const) {
      run.mode = mode;
      assert.ok(typeof desk.teach('ck-1', 'omar') !== 'string', mode);
      const report = await end();
      assert.ok(!report.ok, mode);
      assert.match(report.message, message, mode);
      assert.notEqual(report.cure, '', mode);
    }
    assert.deepEqual([deeds, desk.view('ck-1')?.known], [[], null]);
  },
);

test('C1: a program that is not there is a failure with its reason', limit, async (t) => {
  const { desk, end } = rig(t, '', { command: () => ['/no/such/program'] });
  desk.teach('ck-1', 'omar');
  const report = await end();
  assert.ok(!report.ok);
  assert.match(report.message, /^AGT-823 .*ENOENT/);
});

test('that who taught it could not be kept does not hide that it was taught', limit, async (t) => {
  const { desk, logged, end } = rig(t, 'learns', { taught: () => Promise.reject(new RangeError('disk full')) });
  desk.teach('ck-1', 'omar');
  assert.equal((await end()).ok, true);
  assert.ok(logged.includes('error who taught a cloth could not be kept'));
});
