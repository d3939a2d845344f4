/**
 * Files that are no good pictures, a thousand of every kind: through the folder a camera is read from, and through `teach`. Each is refused with its
 * code or is whole, all are counted, and nothing is left open or kept.
 */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { test, type TestContext } from 'node:test';
import sharp from 'sharp';
import { imageLimits } from '../../drivers/camera/image-file.ts';
import { heldBytes } from '../support/heap.ts';
import { temporaryDir } from '../unit/models/making.ts';
import { Random, runs, seed } from '../unit/drivers/modbus-random.ts';
import { Watched } from './camera-watcher.ts';
import { eyeRig, machine } from './eye-rig.ts';
import { runVerb } from './verb.ts';

const go = new AbortController().signal;
const size = { width: 96, height: 64 };
const grey = { raw: { ...size, channels: 1 } } as const;
const noise = Buffer.from(Array.from({ length: 96 * 64 * 4 }, (_, at) => (at * 37) % 251));

interface Kind {
  readonly name: string;
  readonly bytes: Buffer;
  /** Refused as it is, before anything was changed in it. */
  readonly isBad: boolean;
}

async function kinds(): Promise<readonly [Kind, ...Kind[]]> {
  const one = noise.subarray(0, 96 * 64);
  const wide = sharp({
    create: { width: 20_000, height: 20_000, channels: 3, background: 'black' },
    limitInputPixels: false,
  });
  return [
    { name: 'grey.png', bytes: await sharp(one, grey).toColourspace('b-w').png().toBuffer(), isBad: false },
    { name: 'grey.jpg', bytes: await sharp(one, grey).jpeg().toBuffer(), isBad: false },
    { name: 'grey.webp', bytes: await sharp(one, grey).webp().toBuffer(), isBad: false },
    {
      name: 'cmyk.jpg',
      bytes: await sharp(noise, { raw: { ...size, channels: 4 } })
        .toColourspace('cmyk')
        .jpeg()
        .toBuffer(),
      isBad: true,
    },
    { name: 'deep.png', bytes: await sharp(one, grey).toColourspace('grey16').png().toBuffer(), isBad: true },
    { name: 'bomb.png', bytes: await wide.png().toBuffer(), isBad: true },
    { name: 'jpeg.png', bytes: await sharp(one, grey).jpeg().toBuffer(), isBad: true },
    { name: 'empty.jpg', bytes: Buffer.alloc(0), isBad: true },
  ];
}

function mutant(random: Random, { bytes, name }: Kind): Buffer {
  const copy = Buffer.from(random.chance(0.3) ? bytes.subarray(0, random.below(bytes.length + 1)) : bytes);
  // A bomb stays one: of its long data a few bytes would make a damaged file like any other.
  const reach = name === 'bomb.png' ? Math.min(copy.length, 64) : copy.length;
  if (reach === 0) return copy;
  for (let flips = random.below(6); flips > 0; flips -= 1) copy[random.below(reach)] = random.below(256);
  return copy;
}

const openFiles = () => readdirSync('/proc/self/fd').length;

test(
  'a thousand files of a folder: each is refused or whole, all are counted, none is left open, nothing is kept',
  { timeout: 110_000 },
  async (t: TestContext) => {
    const random = new Random(seed + 6);
    const all = await kinds();
    const count = runs(1_000);
    const dir = join(temporaryDir(t), 'pictures');
    mkdirSync(dir);
    for (let n = 0; n < count; n += 1) {
      const kind = all[n % all.length] ?? all[0];
      writeFileSync(join(dir, `${String(n).padStart(6, '0')}-${kind.name}`), mutant(random, kind));
    }
    // One that is too long to be read at all; it takes no room on the disk.
    const huge = join(dir, '999999-huge.png');
    writeFileSync(huge, all[0].bytes);
    truncateSync(huge, imageLimits.maxFileBytes + 1);
    const watched = new Watched(t, { endpoint: pathToFileURL(dir).href, filesEveryMs: 1 });
    const openBefore = openFiles();
    await watched.camera.start(go);
    const looked = () => watched.camera.counts().refused + watched.camera.counts().delivered;
    const take = () => {
      for (const { pixels, width, height } of watched.frames.splice(0)) {
        assert.equal(pixels.length, width * height);
        assert.ok(pixels.length <= imageLimits.maxPixels);
      }
    };
    await watched.until('a quarter', () => looked() >= count / 4, 60_000);
    take();
    const held = heldBytes();
    await watched.until('all', () => looked() === count + 1, 60_000);
    take();
    const { refused, delivered, dropped, state } = watched.camera.counts();
    t.diagnostic(`${refused} refused, ${delivered} taken`);
    assert.equal(dropped, 0, 'a file is there later, too');
    assert.equal(state === 'stalled', false);
    // Five of the eight kinds are refused as they are.
    assert.ok(refused > (count * 5) / 8 && delivered > 20);
    const grown = heldBytes() - held;
    // The pixels of what was taken meanwhile would be more.
    assert.ok(grown < 500_000 + delivered * 1_000, `${grown} bytes more`);
    await watched.camera.stop();
    assert.ok(openFiles() <= openBefore + 2, `${openFiles()} files are open, ${openBefore} were`);
    const codes = new Set(watched.logged.flatMap((line) => /"reason":"(DRV-\d+)"/.exec(line)?.[1] ?? []));
    for (const code of ['DRV-511', 'DRV-512', 'DRV-513', 'DRV-514']) assert.ok(codes.has(code), code);
  },
);

test('teach learns from none of them, names each, and ends', { timeout: 110_000 }, async (t) => {
  const { bring, use, write } = await eyeRig(t);
  await bring('8.0.0', { taught: false });
  await use('8.0.0', true);
  const { config } = await write();
  const all = (await kinds()).filter(({ isBad }) => isBad);
  const random = new Random(seed + 7);
  const dir = join(temporaryDir(t), 'bad');
  mkdirSync(dir);
  for (let n = 0; n < 40; n += 1) {
    const kind = all[n % all.length];
    if (kind === undefined) continue;
    writeFileSync(
      join(dir, `${String(n).padStart(2, '0')}-${kind.name}`),
      n < all.length ? kind.bytes : mutant(random, kind),
    );
  }
  const words = ['vision', '--config', config, '--machine', machine, '--fabric', 'jersey', '--from', dir];
  const { code, report, err } = await runVerb<{ ok: boolean; refused: { image: string; reason: string }[] }>(
    t,
    'teach',
    ...words,
  );
  assert.equal(code, 1, err);
  assert.equal(report?.ok, false);
  assert.equal(report.refused.length, 40);
  for (const { reason, image } of report.refused) assert.match(reason, /^(DRV-51[1-4]|MDL-20\d) /, image);
  assert.match(err, /MDL-201/);
});
