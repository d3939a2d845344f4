import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { test, type TestContext } from 'node:test';
import { jpegOf } from './camera-peer.ts';
import { Watched } from './camera-watcher.ts';

const go = new AbortController().signal;

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-images-'));
  t.after(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10 }));
  return dir;
}
const greys = ({ frames }: Watched) => frames.map(({ pixels }) => Math.round((pixels[0] ?? 0) / 10) * 10);

test('a folder is read in the order of its names, once, and then what is added behind', async (t) => {
  const dir = folder(t);
  for (const [name, grey] of [
    ['b.jpg', 100],
    ['a.jpg', 50],
    ['c.jpeg', 150],
  ] as const)
    writeFileSync(join(dir, name), await jpegOf(grey));
  writeFileSync(join(dir, 'notes.txt'), 'no picture');
  const watched = new Watched(t, { endpoint: pathToFileURL(dir).href, filesEveryMs: 20 });
  await watched.camera.start(go);
  await watched.until('all three', ({ frames }) => frames.length === 3);
  assert.deepEqual(greys(watched), [50, 100, 150]);
  // Written beside and renamed: a file that is being written would be taken for a damaged one.
  writeFileSync(join(dir, '.d.part'), await jpegOf(200));
  renameSync(join(dir, '.d.part'), join(dir, 'd.jpg'));
  writeFileSync(join(dir, 'aa.jpg'), await jpegOf(10));
  await watched.until('the new one', ({ frames }) => frames.length === 4);
  assert.deepEqual(greys(watched), [50, 100, 150, 200]);
  assert.equal(watched.states().includes('stalled'), false);
  const { refused, dropped } = watched.camera.counts();
  assert.deepEqual([refused, dropped], [0, 0]);
});

test('none is left out because somebody looks slowly', async (t) => {
  const dir = folder(t);
  for (let n = 0; n < 12; n += 1) writeFileSync(join(dir, `${String(n).padStart(2, '0')}.jpg`), await jpegOf(20 * n));
  const slowly = () => new Promise<void>((resolve) => void setTimeout(resolve, 30));
  const watched = new Watched(t, { endpoint: pathToFileURL(dir).href, filesEveryMs: 5 }, slowly);
  await watched.camera.start(go);
  await watched.until('all of them', ({ frames }) => frames.length === 12);
  assert.deepEqual(
    greys(watched),
    Array.from({ length: 12 }, (_, n) => 20 * n),
  );
  assert.equal(watched.camera.counts().dropped, 0);
});

test('one image is one picture; a damaged or mislabelled file is counted and the next one counts', async (t) => {
  const dir = folder(t);
  const jpeg = await jpegOf(70);
  writeFileSync(join(dir, '1.jpg'), jpeg.subarray(0, 100));
  writeFileSync(join(dir, '2.png'), jpeg);
  writeFileSync(join(dir, '3.jpg'), jpeg);
  const all = new Watched(t, { endpoint: pathToFileURL(dir).href, filesEveryMs: 20 });
  await all.camera.start(go);
  await all.until('the good one', ({ frames }) => frames.length === 1);
  assert.equal(all.camera.counts().refused, 2);
  const one = new Watched(t, { endpoint: pathToFileURL(join(dir, '3.jpg')).href });
  await one.camera.start(go);
  await one.until('the picture', ({ frames }) => frames.length === 1);
  assert.deepEqual(greys(one), [70]);
});

test('a folder that is not there, or goes, is told, and read when it comes', async (t) => {
  const dir = folder(t);
  const place = join(dir, 'later');
  const watched = new Watched(t, { endpoint: pathToFileURL(place).href, filesEveryMs: 20 });
  await watched.camera.start(go);
  await watched.until('it is told', ({ logged }) => logged.length > 0);
  assert.match(watched.logged[0] ?? '', /DRV-502.*"reason":"not-there"/);
  const ready = folder(t);
  writeFileSync(join(ready, 'a.jpg'), await jpegOf(90));
  renameSync(ready, place);
  await watched.until('its picture', ({ frames }) => frames.length === 1);
  rmSync(place, { recursive: true });
  await watched.until('it is told that it went', (all) => all.links().at(-1) === 'down not-there');
});
