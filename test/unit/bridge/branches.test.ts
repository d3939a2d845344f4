import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { branchesOf, type KnownBoot } from '../../../cloud-bridge/store/branches.ts';

const boot = (name: string, previous: string | null, sealedMs: number | null = null): KnownBoot => ({
  boot: name,
  previous,
  sealedMs,
});
const plain = (boots: readonly KnownBoot[]) => {
  const { branchOf, older } = branchesOf(boots);
  return {
    branchOf: Object.fromEntries(branchOf),
    older: Object.fromEntries([...older].map(([branch, found]) => [branch, [...found].sort()])),
  };
};

test('F1: the oldest child goes on with the branch of its parent, every other opens one, and descendants inherit it', () => {
  const boots = [boot('a', null, 1), boot('b', 'a', 5), boot('c', 'a', 3), boot('d', 'b', 9), boot('e', 'c', 4)];
  assert.deepEqual(plain(boots), {
    branchOf: { a: 'a', b: 'b', c: 'a', d: 'b', e: 'a' },
    older: { b: ['c', 'e'] },
  });
});

test('F3: a chain has one branch and nothing goes before it; trees that share no boot leave each other alone', () => {
  assert.deepEqual(plain([boot('a', null, 9), boot('b', 'a', 1), boot('c', 'b', 5), boot('x', null, 2)]), {
    branchOf: { a: 'a', b: 'a', c: 'a', x: 'x' },
    older: {},
  });
});

test('boots that name one previous boot are a fork though the bridge never heard of that one', () => {
  assert.deepEqual(plain([boot('b', 'a', 2), boot('c', 'a', 1)]).older, { b: ['c'] });
});

/** Up to twelve boots, each after an earlier one or after none, some with equal or unknown ages. */
const tree = fc
  .array(fc.record({ parent: fc.nat(12), sealedMs: fc.option(fc.nat(6)) }), { minLength: 1, maxLength: 12 })
  .map((made) =>
    made.map(({ parent, sealedMs }, at) => boot(`b${at}`, parent < at ? `b${parent}` : null, sealedMs ?? null)),
  );

test('F2, F3: of two boots on two sides of a fork one goes before the other, of any other two none does', () => {
  const age = ({ sealedMs, boot: name }: KnownBoot) => [sealedMs ?? Infinity, name] as const;
  const isOlder = (a: KnownBoot, b: KnownBoot) => {
    const [[aMs, aName], [bMs, bName]] = [age(a), age(b)];
    return aMs === bMs ? aName < bName : aMs < bMs;
  };
  fc.assert(
    fc.property(tree, (boots) => {
      const known = new Map(boots.map((one) => [one.boot, one]));
      const wayTo = (one: KnownBoot): KnownBoot[] => {
        const parent = one.previous === null ? undefined : known.get(one.previous);
        return parent === undefined ? [one] : [...wayTo(parent), one];
      };
      const { branchOf, older } = branchesOf(boots);
      for (const x of boots) {
        for (const y of boots) {
          const [toX, toY] = [wayTo(x), wayTo(y)];
          const parts = toX.findIndex((step, at) => toY[at]?.boot !== step.boot);
          const [sideX, sideY] = [toX[parts], toY[parts]];
          const expected = parts > 0 && sideX !== undefined && sideY !== undefined && isOlder(sideY, sideX);
          const branch = branchOf.get(x.boot) ?? assert.fail('every boot of a tree has a branch');
          assert.equal(older.get(branch)?.has(y.boot) ?? false, expected, `${y.boot} before ${x.boot}`);
        }
      }
    }),
  );
});

test('F1: the order in which boots are known does not matter', () => {
  const shuffled = tree.chain((boots) =>
    fc.tuple(fc.constant(boots), fc.shuffledSubarray([...boots], { minLength: boots.length })),
  );
  fc.assert(fc.property(shuffled, ([boots, mixed]) => assert.deepEqual(plain(mixed), plain(boots))));
});

test('F4: boots in a circle do not hold it, and none goes before itself', () => {
  const { branchOf, older } = branchesOf([boot('a', 'b', 3), boot('b', 'a', 2), boot('c', 'b', 1), boot('d', 'd', 1)]);
  for (const [branch, found] of older) for (const one of found) assert.notEqual(branchOf.get(one), branch);
});
