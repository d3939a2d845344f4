/** What teaching says of a camera that gives no picture: its own trouble, with which somebody can do something. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import sharp from 'sharp';
import { fromCamera, learnFrom, type Gathered } from '../../agent/senses/teaching.ts';
import { DriverError } from '../../drivers/errors.ts';
import { freePort, listener } from '../support/ports.ts';
import { shippedSession } from './simulated-tube.ts';

const gather = (endpoint: string, withinMs = 1_000): Promise<Gathered> =>
  fromCamera({ camera: 'ck-1', endpoint, mask: [], ringRowsPx: 0, images: 12, everyMs: 0, withinMs });

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-teach-camera-'));
  t.after(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10 }));
  return dir;
}

test('a camera that nobody reaches is told as that, with its reason, and not as too little cloth', async (t) => {
  const gathered = await gather(`mjpeg+http://127.0.0.1:${await freePort()}/stream`);
  const session = await shippedSession(t);
  await assert.rejects(learnFrom(gathered, session), (error) => {
    assert.ok(error instanceof DriverError);
    assert.equal(error.entry.code, 'DRV-502');
    assert.match(error.message, /^DRV-502 ck-1: no picture came within 1 s \(.*refused/);
    assert.match(error.entry.cure, /that the camera is on/);
    return true;
  });
});

test('a camera that takes the connection and is silent gives no picture either', async (t) => {
  const port = await listener(t);
  const { trouble, good } = await gather(`mjpeg+http://127.0.0.1:${port}/stream`);
  assert.deepEqual(good, []);
  assert.equal(trouble?.message, 'DRV-502 ck-1: no picture came within 1 s');
});

test('what is no picture is not one that came', async (t) => {
  const dir = folder(t);
  writeFileSync(join(dir, '1.jpg'), 'no picture');
  const { trouble } = await gather(`file://${dir}`);
  assert.match(trouble?.message ?? '', /^DRV-502 ck-1: .* \(DRV-5\d\d/);
});

test('a camera that is read through ffmpeg says that it is not there', async (t) => {
  const { PATH } = process.env;
  process.env['PATH'] = folder(t);
  t.after(() => {
    process.env['PATH'] = PATH;
  });
  const { trouble } = await gather(`rtsp://127.0.0.1:${await freePort()}/stream`);
  assert.equal(trouble?.entry.code, 'DRV-501');
});

test('a camera whose pictures are not good enough has given some: they are named, and it has no trouble', async (t) => {
  const dir = folder(t);
  const black = { create: { width: 512, height: 256, channels: 3 as const, background: '#000000' } };
  await sharp(black).png().toFile(join(dir, '1.png'));
  const { trouble, refused } = await gather(`file://${dir}`);
  assert.equal(trouble, null);
  assert.match(refused[0]?.reason ?? '', /^too dark/);
});
