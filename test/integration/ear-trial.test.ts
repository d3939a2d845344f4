/** Versions of the ear's models on trial: changed while it runs, and taken back when their process crashes. Simulated sound. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { earModelId, faultModelId } from '../../agent/senses/ear/knowledge.ts';
import { earRig, type EarRig } from './ear-rig.ts';
import { crashUntilTakenBack } from './site-models.ts';
import { until } from './sync-rig.ts';

const turner = { kind: 'sewing' } as const;

/** The ear's process, when it is another than these and both its models are open. */
async function earOtherThan({ desk, ear }: EarRig, others: readonly number[]): Promise<number> {
  let pid = 0;
  await until(
    'another process hears',
    () => {
      if (desk.view().process?.running !== true || desk.view().faultModel === null) return false;
      pid = ear();
      return pid !== 0 && !others.includes(pid);
    },
    60_000,
  );
  return pid;
}

for (const [id, what] of [
  [earModelId, 'of the levels'],
  [faultModelId, 'of the faults'],
] as const) {
  test(
    `a version ${what} on trial whose process crashes three times is taken back, and it is told`,
    { timeout: 170_000 },
    async (t) => {
      const rig = await earRig(t, { turner });
      const { desk, models, logged } = rig;
      await models.bring(id, '8.0.0');
      await models.use(id, '8.0.0', true);
      desk.start(new AbortController().signal);
      const first = await earOtherThan(rig, []);
      const inUse = () => (id === earModelId ? desk.view().model : desk.view().faultModel);
      assert.deepEqual([inUse(), desk.view().onTrial], [`${id}@8.0.0`, []]);

      await models.bring(id, '8.1.0');
      await models.use(id, '8.1.0', false);
      await until('the new one is used', () => inUse() === `${id}@8.1.0`, 20_000);
      assert.deepEqual(desk.view().onTrial, [`${id}@8.1.0`]);
      const versions = { id, onTrial: '8.1.0', before: '8.0.0' };
      const seen = await crashUntilTakenBack(models, versions, [first], (others) => earOtherThan(rig, others));
      assert.ok(logged.includes('a model was taken back'));
      await earOtherThan(rig, seen);
      assert.deepEqual([inUse(), desk.view().onTrial], [`${id}@8.0.0`, []]);
    },
  );
}

test('a crash counts against the model on trial alone', { timeout: 120_000 }, async (t) => {
  const rig = await earRig(t, { turner });
  const { desk, models } = rig;
  const { installed } = models;
  for (const id of [earModelId, faultModelId]) {
    await models.bring(id, '8.0.0');
    await models.use(id, '8.0.0', id === earModelId);
  }
  desk.start(new AbortController().signal);
  const pid = await earOtherThan(rig, []);
  assert.deepEqual(desk.view().onTrial, [`${faultModelId}@8.0.0`]);
  process.kill(pid, 'SIGSEGV');
  await until('it is noted', () => installed.slot(faultModelId).trial?.crashes === 1);
  assert.deepEqual([installed.slot(earModelId).trial, installed.slot(earModelId).active], [null, '8.0.0']);
});
