/** The model of the eye that runs: changed while it runs, on trial, in the shadow, on an accelerator. Simulated cloth. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { readStyle, styleVersions } from '../../agent/senses/styles.ts';
import { gatewayKeys } from '../../agent/sync/keys.ts';
import { eyeModelId } from '../../agent/senses/eye/model.ts';
import { childrenOf } from '../support/children.ts';
import { isRunning } from '../support/running.ts';
import { temporaryDir } from '../unit/models/making.ts';
import { eyeRig, machine } from './eye-rig.ts';
import { crashUntilTakenBack } from './site-models.ts';
import { until } from './sync-rig.ts';
import { runVerb } from './verb.ts';

const eyeScript = 'senses/eye/child.ts';
const shadowScript = 'senses/eye/shadow-child.ts';
const go = new AbortController().signal;

/** One that has opened its model: it is another than those that were there. */
async function eyeOtherThan(before: readonly number[], isUp: () => boolean): Promise<number> {
  let pid = 0;
  await until(
    'an eye runs',
    () => {
      pid = childrenOf(eyeScript).find((one) => !before.includes(one)) ?? 0;
      return pid !== 0 && isUp();
    },
    30_000,
  );
  return pid;
}

test(
  'another model is used within seconds; one on trial whose process crashes three times is taken back, and it is told',
  { timeout: 120_000 },
  async (t) => {
    const { desk, bring, use, taken, logged, installed, conditions } = await eyeRig(t);
    await bring('8.0.0');
    await use('8.0.0', true);
    desk.start(go);
    const isUp = () => desk.view().process?.running === true && desk.view().cameras.length === 1;
    const first = await eyeOtherThan([], isUp);
    assert.deepEqual([desk.view().model, desk.view().onTrial], [`${eyeModelId}@8.0.0`, false]);

    await bring('8.1.0');
    await use('8.1.0', false);
    const changedMs = performance.now();
    await until('the new one is used', () => desk.view().model === `${eyeModelId}@8.1.0`, 10_000);
    assert.ok(performance.now() - changedMs < 8_000);
    assert.equal(desk.view().onTrial, true);
    const versions = { id: eyeModelId, onTrial: '8.1.0', before: '8.0.0' };
    const seen = await crashUntilTakenBack({ installed, taken }, versions, [first], (others) =>
      eyeOtherThan(others, () => true),
    );
    assert.ok(logged.some((line) => line.startsWith('a model was taken back') && line.includes('AGT-808')));
    await eyeOtherThan(seen, isUp);
    assert.equal(desk.view().model, `${eyeModelId}@8.0.0`);
    const listed = installed.list().map(({ version, state, takenBack }) => [version, state, takenBack]);
    assert.deepEqual(listed, [
      ['8.1.0', 'installed', true],
      ['8.0.0', 'active', false],
    ]);
    // Its own condition is over, too: the eye runs.
    await until(
      'the eye is well',
      () => conditions.findLast(({ name }) => name === 'eye.crash_loop')?.active !== true,
      10_000,
    );

    await use('8.1.0', false);
    await until('a person may use it again', () => desk.view().model === `${eyeModelId}@8.1.0`, 10_000);
    await installed.rollBack(eyeModelId);
    await until('and go back', () => desk.view().model === `${eyeModelId}@8.0.0`, 10_000);
    assert.equal(taken.length, 1);
    const pid = await eyeOtherThan(seen, isUp);
    await desk.stop();
    assert.equal(existsSync(`/proc/${pid}`), false);
  },
);

test('a model that the cloth was not taught with is not run, and it is said', { timeout: 60_000 }, async (t) => {
  const { desk, bring, use, conditions } = await eyeRig(t);
  await bring('8.0.0');
  await use('8.0.0', true);
  desk.start(go);
  const notTaught = () => conditions.findLast(({ name }) => name === 'eye.not_taught')?.active === true;
  await until('it runs', () => desk.view().process?.running === true, 10_000);
  assert.equal(notTaught(), false);
  await bring('8.1.0', { taught: false });
  await use('8.1.0', false);
  await until('it is said', notTaught, 10_000);
  await until(
    'nothing judges the cloth by what another model was taught',
    () => childrenOf(eyeScript).length === 0,
    5_000,
  );
});

test(
  'S1–S3: a version in the shadow judges the same pictures and is counted; it tells nothing, and its crash is not the eye’s',
  { timeout: 120_000 },
  async (t) => {
    const { desk, bring, use, findings, installed, film, dataDir } = await eyeRig(t);
    await bring('8.0.0');
    await use('8.0.0', true);
    await bring('8.1.0');
    await installed.shadow(eyeModelId, '8.1.0');
    film([{ kind: 'needle_line', needle: 1207, fromHeight: 0, toHeight: 1e9, strength: 1 }]);
    desk.start(go);
    await until('a needle line is told', () => findings.some(({ phase }) => phase === 'found'), 60_000);
    await until('the shadow has judged', () => (desk.view().shadow?.pictures ?? 0) > 20, 60_000);
    const { pictures, tiles, msPerPicture, ended, model, beside } = desk.view().shadow ?? assert.fail();
    assert.deepEqual([model, beside, ended], [`${eyeModelId}@8.1.0`, `${eyeModelId}@8.0.0`, null]);
    // The same graph under another number: it agrees about every one of the four tiles of 512 × 512.
    assert.deepEqual([tiles.onlyActive, tiles.onlyShadow], [0, 0]);
    assert.equal(tiles.both + tiles.neither, 4 * pictures);
    assert.ok((msPerPicture.active ?? 0) > 0 && (msPerPicture.shadow ?? 0) > 0);
    assert.ok(findings.every((one) => one.model === `${eyeModelId}@8.0.0`));

    const [eye = 0] = childrenOf(eyeScript);
    const [shadow = 0] = childrenOf(shadowScript, eye);
    assert.notEqual(shadow, 0);
    process.kill(shadow, 'SIGSEGV');
    await until('its end is told', () => desk.view().shadow?.ended === 'SIGSEGV', 10_000);
    const judged = () => desk.view().cameras[0]?.judged ?? 0;
    const before = judged();
    await until('the eye goes on', () => judged() > before + 20, 20_000);
    assert.deepEqual(childrenOf(eyeScript), [eye]);
    assert.deepEqual(childrenOf(shadowScript, eye), []);
    assert.equal(desk.view().process?.restarts, 0);
    await desk.stop();
    const [listed] = installed.list();
    assert.equal(listed?.shadow?.ended, 'SIGSEGV');
    assert.ok((listed?.shadow?.pictures ?? 0) >= pictures);
    assert.ok(existsSync(`${dataDir}/models/shadow-${eyeModelId}.json`));
    assert.equal(desk.view().cameras[0]?.machine, machine);
  },
);

test(
  'teach shows the cloth to the model in the shadow, too; list and doctor say what runs',
  { timeout: 120_000 },
  async (t) => {
    const { bring, use, installed, dataDir, write } = await eyeRig(t);
    await bring('8.0.0', { taught: false });
    await use('8.0.0', true);
    await bring('8.1.0', { taught: false });
    await installed.shadow(eyeModelId, '8.1.0');
    const { config, pictures } = await write();
    const where = ['--config', config];
    const teach = ['vision', ...where, '--machine', machine, '--fabric', 'jersey', '--from', pictures];
    const told = await runVerb<{ version: number }>(t, 'teach', ...teach);
    assert.deepEqual([told.code, told.report?.version], [0, 1], told.err);
    const { publicKey } = gatewayKeys(dataDir);
    const models = styleVersions(dataDir, machine, 'jersey').map(
      (version) => readStyle(dataDir, machine, 'jersey', publicKey, version).description.model,
    );
    assert.deepEqual(models, [`${eyeModelId}@8.1.0`, `${eyeModelId}@8.0.0`]);
    const doctor = await runVerb<{ checks: { id: string; ok: boolean; detail: string }[] }>(t, 'doctor', ...where);
    const eye = doctor.report?.checks.find(({ id }) => id === 'eye');
    const words = 'runs fabric-anomaly@8.0.0 on cpu (models.accelerator: auto): the agent has not tried others yet';
    assert.deepEqual([eye?.ok, eye?.detail], [true, words]);
  },
);

test('killed, the eye takes its shadow with it', { timeout: 120_000 }, async (t) => {
  const { desk, bring, use, installed, film } = await eyeRig(t);
  await bring('8.0.0');
  await use('8.0.0', true);
  await bring('8.1.0');
  await installed.shadow(eyeModelId, '8.1.0');
  desk.start(go);
  film();
  await until('both judge', () => (desk.view().shadow?.pictures ?? 0) > 0, 60_000);
  const [eye = 0] = childrenOf(eyeScript);
  const [shadow = 0] = childrenOf(shadowScript, eye);
  assert.notEqual(shadow, 0);
  process.kill(eye, 'SIGKILL');
  // It has no more than what nobody else on the computer wants.
  await until('the shadow is gone', () => !isRunning(shadow), 10_000);
});

/** Command lines of this computer that hold a text. */
const running = (text: string) =>
  readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').includes(text);
    } catch {
      return false;
    }
  });

test(
  'when the agent is killed its eye and the ffmpeg of its camera are gone within 2 s',
  { timeout: 120_000 },
  async (t) => {
    const dir = temporaryDir(t);
    const ffmpeg = join(dir, 'ffmpeg');
    writeFileSync(ffmpeg, "#!/bin/sh\ntrap '' TERM INT HUP PIPE\nwhile :; do sleep 0.2; done\n", { mode: 0o755 });
    const parent = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'eye-parent.ts'), 'v4l2:///dev/video99'],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { ...process.env, PATH: `${dir}:${process.env['PATH'] ?? ''}`, TMPDIR: dir },
      },
    );
    t.after(() => parent.kill('SIGKILL'));
    const [line] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string];
    assert.equal(line, 'started');
    await until('its ffmpeg runs', () => running(`/bin/sh ${ffmpeg}`).length > 0, 60_000);
    const eyes = childrenOf(eyeScript, parent.pid);
    assert.equal(eyes.length, 1);
    parent.kill('SIGKILL');
    await until('both are gone', () => !eyes.some(isRunning) && running(`/bin/sh ${ffmpeg}`).length === 0, 2_000);
  },
);

test(
  'an accelerator that was found is used; where it cannot be opened the processor is, with the reason',
  { timeout: 60_000 },
  async (t) => {
    const { desk, bring, use, logged } = await eyeRig(t, {
      wanted: 'auto',
      choose: () => Promise.resolve({ chosen: 'cuda', reason: '1 ms a run, the cpu 5 ms', tried: [] }),
    });
    await bring('8.0.0');
    await use('8.0.0', true);
    desk.start(go);
    // The library of CUDA is not here, as on a computer whose driver went since it was tried.
    await until('it was tried', () => logged.some((line) => line.startsWith('what the eye runs on')), 20_000);
    await until(
      'it runs on the processor',
      () => desk.view().why?.startsWith('cuda could not be opened: ') === true,
      20_000,
    );
    assert.equal(desk.view().accelerator, 'cpu');
    assert.equal(desk.view().process?.restarts, 0);
  },
);
