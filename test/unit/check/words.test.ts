import { test } from 'node:test';
import assert from 'node:assert/strict';
import { wordProblems, wordsIn } from '../../check/words.ts';
import { repositoryFiles } from '../../check/files.ts';

const registry = ['registry', 'npmjs', 'org'].join('.');
const outside = ['..', 'shared'].join('/');

test('the repository has no forbidden words', () => {
  assert.deepEqual(wordProblems(repositoryFiles()), []);
});

test('a registry host and a path outside are told with their line', () => {
  assert.match(
    wordsIn('package-lock.json', `{\n"resolved": "https://${registry}/x"`)[0] ?? '',
    /^package-lock\.json:2: /,
  );
  assert.match(wordsIn('docs/x.md', `see ${outside}/y`)[0] ?? '', /^docs\/x\.md:1: /);
});

test('only the CI script may name the folder outside', () => {
  assert.deepEqual(wordsIn('.ci/run', outside), []);
  assert.equal(wordsIn('.ci/run', registry).length, 1);
  assert.deepEqual(wordsIn('agent/x.ts', "import '../shar.ts'"), []);
});
