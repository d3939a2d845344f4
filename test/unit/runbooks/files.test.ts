import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { maxRunbookBytes, maxRunbooks, RunbookFiles } from '../../../agent/runbooks/files.ts';
import { tempDir } from '../page/harness.ts';

async function rig(t: TestContext) {
  const dir = await tempDir(t);
  const folder = join(dir, 'runbooks');
  mkdirSync(join(folder, 'en'), { recursive: true });
  const told: { code?: string; reason?: string }[] = [];
  const files = new RunbookFiles(folder, { warn: (data) => told.push(data) });
  const put = (file: string, text: string | Buffer) => writeFileSync(join(folder, 'en', file), text);
  return { dir, folder, files, told, put };
}
const oil = { type: 'oil_low', profile: null, language: 'en' } as const;

test('a file is read as it is now', async (t) => {
  const { files, put, told } = await rig(t);
  assert.equal(await files.read(oil), null);
  put('oil_low.md', 'one');
  assert.equal(await files.read(oil), 'one');
  put('oil_low.md', 'two');
  assert.equal(await files.read(oil), 'two');
  assert.equal(await files.read({ ...oil, language: 'bn' }), null);
  assert.deepEqual(told, []);
});

test('what is too long, no UTF-8, a link, a pipe or a folder is not read, counted, and told once', async (t) => {
  const { files, put, told, folder, dir } = await rig(t);
  put('long.md', 'x'.repeat(maxRunbookBytes + 1));
  put('latin.md', Buffer.from([0x66, 0xfc, 0x72]));
  writeFileSync(join(dir, 'secret'), 'secret');
  symlinkSync(join(dir, 'secret'), join(folder, 'en/link.md'));
  spawnSync('mkfifo', [join(folder, 'en/pipe.md')]);
  mkdirSync(join(folder, 'en/folder.md'));
  for (const type of ['long', 'latin', 'link', 'pipe', 'folder', 'long']) {
    assert.equal(await files.read({ ...oil, type }), null, type);
  }
  assert.equal(files.unusable, 6);
  assert.deepEqual(
    told.map(({ code, reason }) => `${code} ${reason}`),
    [
      'AGT-560 it is longer than 65536 bytes',
      'AGT-560 it is no UTF-8 text',
      'AGT-560 it is a link',
      'AGT-560 it is no file',
      'AGT-560 it is no file',
    ],
  );
  put('most.md', 'x'.repeat(maxRunbookBytes));
  assert.equal((await files.read({ ...oil, type: 'most' }))?.length, maxRunbookBytes);
});

test('a language folder that is a link leads nowhere, for reading and for writing', async (t) => {
  const { files, folder, dir } = await rig(t);
  mkdirSync(join(dir, 'elsewhere'));
  writeFileSync(join(dir, 'elsewhere/oil_low.md'), 'secret');
  symlinkSync(join(dir, 'elsewhere'), join(folder, 'vi'));
  assert.equal(await files.read({ ...oil, language: 'vi' }), null);
  assert.deepEqual(await files.list(), []);
  await assert.rejects(files.write({ ...oil, language: 'vi' }, 'x'), /AGT-562/);
});

test('what is written is there whole, whoever writes at once, and nothing lies beside it', async (t) => {
  const { files, folder } = await rig(t);
  const texts = Array.from({ length: 20 }, (_, i) => String(i).repeat(5_000));
  await Promise.all(texts.map((text) => files.write(oil, text)));
  assert.ok(texts.includes((await files.read(oil)) ?? ''));
  assert.deepEqual(readdirSync(join(folder, 'en')), ['oil_low.md']);
  await files.write(oil, 'last');
  assert.equal(await files.read(oil), 'last');
  await files.write(oil, null);
  await files.write(oil, null);
  assert.equal(await files.read(oil), null);
});

test('no more than five hundred are listed or made; one that is there is still changed', async (t) => {
  const { files, put, told } = await rig(t);
  for (let i = 0; i < maxRunbooks; i++) put(`type_${i}.md`, 'x');
  put('NOT.md', 'x');
  assert.equal((await files.list()).length, maxRunbooks);
  assert.equal(await files.write(oil, 'x'), 'too-many');
  assert.equal(await files.write({ ...oil, type: 'type_7' }, 'y'), 'done');
  put('oil_low.md', 'x');
  assert.equal((await files.list()).length, maxRunbooks);
  assert.deepEqual(
    told.map(({ code }) => code),
    ['AGT-561'],
  );
});

test('a folder that cannot be made refuses the write', async () => {
  const files = new RunbookFiles('/dev/null/runbooks', { warn: () => undefined });
  await assert.rejects(files.write(oil, 'x'), /AGT-562/);
  assert.equal(await files.read(oil), null);
  assert.deepEqual(await files.list(), []);
});
