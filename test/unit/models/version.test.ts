import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { compareVersions, isVersion } from '../../../models/package/version.ts';

test('the order is that of semver.org, clause 11', () => {
  // The example of the document, in its order.
  const rising = [
    '1.0.0-alpha',
    '1.0.0-alpha.1',
    '1.0.0-alpha.beta',
    '1.0.0-beta',
    '1.0.0-beta.2',
    '1.0.0-beta.11',
    '1.0.0-rc.1',
    '1.0.0',
    '1.0.1',
    '1.1.0',
    '2.0.0',
    '10.0.0',
  ];
  for (const [i, a] of rising.entries()) {
    for (const [j, b] of rising.entries()) {
      assert.equal(Math.sign(compareVersions(a, b)), Math.sign(i - j), `${a} and ${b}`);
    }
  }
});

test('a version is three numbers and perhaps words; no folder name that surprises', () => {
  for (const good of ['0.0.0', '1.2.3', '1.2.3-rc.1', '1.2.3-0a', '999999999.0.0']) assert.ok(isVersion(good), good);
  const bad = [
    '',
    '1',
    '1.2',
    '1.2.3.4',
    'v1.2.3',
    '01.2.3',
    '1.2.3-',
    '1.2.3-01',
    '1.2.3+5',
    '1.2.3-a..b',
    '../1.2.3',
  ];
  bad.push('1.2.3/..', '1.2.3 ', '1.2.3-RC', `1.2.3-${'a'.repeat(40)}`, '1000000000000.0.0', '1.2.3\n');
  for (const text of bad) assert.ok(!isVersion(text), text);
});

const words = fc.oneof(fc.nat(30).map(String), fc.stringMatching(/^[a-z]{1,3}$/));
const version = fc
  .tuple(fc.nat(3), fc.nat(3), fc.nat(3), fc.array(words, { maxLength: 3 }))
  .map(([a, b, c, pre]) => `${a}.${b}.${c}${pre.length === 0 ? '' : `-${pre.join('.')}`}`);

test('the order is total: never both ways, never in a circle, and equal means the same text', () => {
  fc.assert(
    fc.property(version, version, version, (a, b, c) => {
      assert.ok(isVersion(a));
      // `+ 0` as minus nothing is something to a strict comparison.
      assert.equal(Math.sign(compareVersions(a, b)) + 0, -Math.sign(compareVersions(b, a)) + 0);
      assert.equal(compareVersions(a, b) === 0, a === b);
      if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0) assert.ok(compareVersions(a, c) <= 0);
    }),
  );
});
