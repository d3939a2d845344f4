import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { candidates, nameOf, pathOf, runbookLanguages, titleOf } from '../../../agent/runbooks/lookup.ts';

test('the site goes before what ships, the profile before the type, the wanted language before English', () => {
  const shown = candidates({ type: 'oil_low', profile: 'p-1', language: 'bn' });
  assert.deepEqual(
    shown.map(({ from, name }) => `${from} ${pathOf(name)}`),
    [
      'site bn/oil_low.p-1.md',
      'site en/oil_low.p-1.md',
      'site bn/oil_low.md',
      'site en/oil_low.md',
      'shipped bn/oil_low.p-1.md',
      'shipped en/oil_low.p-1.md',
      'shipped bn/oil_low.md',
      'shipped en/oil_low.md',
    ],
  );
  assert.deepEqual(
    candidates({ type: 'oil_low', profile: null, language: 'en' }, ['shipped']).map(({ name }) => pathOf(name)),
    ['en/oil_low.md'],
  );
});

test('a name is told by its file and back, and no file name leads out of the folder', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 80 }),
      fc.constantFrom(...runbookLanguages),
      (file, language) => {
        const name = nameOf(language, file);
        if (name === null) return;
        assert.equal(pathOf(name), `${language}/${file}`);
        assert.equal(normalize(pathOf(name)), pathOf(name));
      },
    ),
  );
  for (const file of [
    '../x.md',
    'x/y.md',
    '.md',
    'X.md',
    'x.y.z.md',
    'x.md.tmp',
    'x..md',
    'x.A.md',
    `${'x'.repeat(61)}.md`,
  ]) {
    assert.equal(nameOf('en', file), null, file);
  }
  assert.deepEqual(nameOf('vi', 'oil_low.p-1.md'), { type: 'oil_low', profile: 'p-1', language: 'vi' });
});

test('the title is the first heading', () => {
  assert.equal(titleOf('# Oil low\n\nx'), 'Oil low');
  assert.equal(titleOf('Oil low\n# x'), null);
});

test('the languages are those of the page', () => {
  const entries = readdirSync(join(import.meta.dirname, '../../../agent/web/languages'), { withFileTypes: true });
  const ofPage = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  assert.deepEqual([...runbookLanguages].toSorted(), ofPage.toSorted());
});
