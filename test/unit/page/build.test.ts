import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { buildPage, ensurePageBuilt } from '../../../agent/page/build.ts';
import { tempDir } from './harness.ts';

test('two starts at once make one whole build; what is old or half-made is cleared away', async (t) => {
  const dist = join(await tempDir(t), 'dist');
  // A build of older sources, and one whose process died (no process has this number).
  await mkdir(join(dist, '0123456789abcdef'), { recursive: true });
  await mkdir(join(dist, '.building-4999999'));
  const [first, second] = await Promise.all([ensurePageBuilt(dist), ensurePageBuilt(dist)]);
  assert.equal(first, second);
  assert.deepEqual(
    (await readdir(dist)).map((name) => join(dist, name)),
    [first],
  );
  const html = await readFile(join(first, 'index.html'), 'utf8');
  assert.doesNotMatch(html, /https?:\/\//, 'nothing comes from elsewhere');
  assert.doesNotMatch(html, /<script(?![^>]*src=)/, 'no inline script');
  assert.doesNotMatch(html, /<style|style=/, 'no inline style');

  const before = await stat(join(first, 'index.html'));
  assert.equal(await buildPage(dist), first);
  assert.equal((await stat(join(first, 'index.html'))).mtimeMs, before.mtimeMs, 'a build that is there is taken');
});

test('a folder that cannot be written is told in words', async (t) => {
  const file = join(await tempDir(t), 'a-file');
  await writeFile(file, '');
  await assert.rejects(ensurePageBuilt(join(file, 'dist')), /AGT-503/);
});

test('no page is built with a text that a language lacks, and it is named', async (t) => {
  const dist = join(await tempDir(t), 'dist');
  const lacking = async () => ['vi: floor.skip: is missing', 'bn: floor.skip: is empty'];
  await assert.rejects(buildPage(dist, lacking), /AGT-503.*agent\/web\/languages: vi: floor\.skip: is missing/);
  await assert.rejects(readdir(dist), /ENOENT/);
});
