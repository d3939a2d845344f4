import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deviation, mean } from '../../../models/statistics/metrics.ts';
import { seeded } from '../../../models/statistics/split.ts';
import { fusedScore, type BranchValues } from '../../../models/voiceprint/fused-score.ts';

/** What a clip has that is as usual as can be: the levels are told from the threshold on. */
const usual: BranchValues = { levels: -2.5, orders: 0, signs: { slip: 0, looseness: 0 } };
const without: BranchValues = { levels: -2.5, orders: 0, signs: null };

const more: readonly ((values: BranchValues, by: number) => BranchValues)[] = [
  (values, by) => ({ ...values, levels: values.levels + by }),
  (values, by) => ({ ...values, orders: (values.orders ?? 0) + by }),
  ({ signs, ...values }, by) => ({ ...values, signs: signs && { ...signs, slip: signs.slip + by } }),
  ({ signs, ...values }, by) => ({ ...values, signs: signs && { ...signs, looseness: signs.looseness + by } }),
];

test('W1: more of any value never lowers the score', () => {
  const random = seeded(1);
  const any = () => 16 * random() - 6;
  for (let i = 0; i < 500; i += 1) {
    const values = { levels: any(), orders: any(), signs: { slip: any(), looseness: any() } };
    for (const raise of more) assert.ok(fusedScore(raise(values, random())) >= fusedScore(values));
  }
});

test('W2: normal samples have the middle 0 and the spread 1, with signs and without', () => {
  const random = seeded(2);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  for (const hasSigns of [true, false]) {
    const scores = Array.from({ length: 40_000 }, () =>
      fusedScore({
        levels: normal() - 2.5,
        orders: normal(),
        signs: hasSigns ? { slip: normal(), looseness: normal() } : null,
      }),
    );
    assert.ok(Math.abs(mean(scores)) < 0.03, `mean ${mean(scores)}`);
    assert.ok(Math.abs(deviation(scores) - 1) < 0.03, `spread ${deviation(scores)}`);
  }
});

test('W3: one value that is far out is told, whatever the others say of a normal sample', () => {
  for (const [i, raise] of more.entries()) assert.ok(fusedScore(raise(usual, 6)) > 3, `value ${i}`);
  const deaf = { levels: -4, orders: -1.5, signs: { slip: 6, looseness: -1.5 } };
  assert.ok(fusedScore(deaf) > 3);
  assert.ok(fusedScore({ ...without, levels: 3.5, orders: -1.5 }) > 3);
});

test('W3: a sign that is no more than usual adds next to nothing', () => {
  const odd = { ...usual, orders: 4 };
  for (const slip of [-3, 0, 1]) {
    const apart = fusedScore({ ...odd, signs: { slip, looseness: 0 } }) - fusedScore({ ...odd, signs: null });
    assert.ok(Math.abs(apart) < 0.2, `slip ${slip}: ${apart}`);
  }
});

test('W4: without branch B the score is that of branch A, in spreads above its middle', () => {
  assert.equal(fusedScore({ levels: 1, orders: null, signs: null }), 3.5);
  assert.equal(fusedScore({ levels: -2.5, orders: null, signs: null }), 0);
});
