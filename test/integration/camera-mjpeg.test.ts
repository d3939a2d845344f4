import 'reflect-metadata';
import assert from 'node:assert/strict';
import { createPrivateKey, webcrypto } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:https';
import { test } from 'node:test';
import { SubjectAlternativeNameExtension, X509CertificateGenerator } from '@peculiar/x509';
import sharp from 'sharp';
import type { Frame } from '../../drivers/camera/frame.ts';
import { heldBytes } from '../support/heap.ts';
import { cameraThat, HttpCamera, jpegOf, part, streamHead } from './camera-peer.ts';
import { Watched } from './camera-watcher.ts';
import { Random, runs, seed } from '../unit/drivers/modbus-random.ts';

const go = new AbortController().signal;
/** Its first picture says that it is there; what comes then is the test's. */
const streaming =
  (first: Uint8Array = Buffer.alloc(0)) =>
  (socket: { write(bytes: Uint8Array | string): unknown }) => {
    socket.write(streamHead);
    socket.write(first);
  };
const mean = ({ pixels }: Frame) => pixels.reduce((sum, value) => sum + value, 0) / pixels.length;

test('pictures arrive grey, with the times of both sides and where the cloth was', async (t) => {
  const peer = await cameraThat(t, streaming());
  const watched = new Watched(t, { endpoint: peer.url });
  await watched.camera.start(go);
  await watched.until('it is connected', ({ events }) => events.length > 0);
  const before = Date.now();
  peer.send(part(await jpegOf(100), 'X-Timestamp: 1767603600.250', 'X-Encoder-Count: 4711'));
  await watched.until('the first picture', ({ frames }) => frames.length === 1);
  peer.send(part(await jpegOf(200), 'X-Index-Mark: 1'));
  await watched.until('the second picture', ({ frames }) => frames.length === 2);
  peer.send(part(await jpegOf(30), 'X-Timestamp: 12.5', 'X-Encoder-Count: many'));
  await watched.until('the third picture', ({ frames }) => frames.length === 3);
  const [first, second, third] = watched.frames;
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  assert.deepEqual([first.width, first.height, first.pixels.length], [64, 48, 64 * 48]);
  assert.ok(Math.abs(mean(first) - 100) < 2 && Math.abs(mean(second) - 200) < 2);
  assert.deepEqual([first.capturedMs, first.capturedBy], [1_767_603_600_250, 'camera']);
  assert.deepEqual(first.index, { kind: 'encoder', count: 4711 });
  assert.deepEqual(
    [second.capturedMs, second.capturedBy, second.index],
    [second.receivedMs, 'receipt', { kind: 'mark', isThere: true }],
  );
  assert.ok(first.receivedMs >= before && first.receivedMs <= Date.now());
  // A camera whose clock was never set, and a count that is none.
  assert.deepEqual([third.capturedBy, third.index], ['receipt', null]);
});

test('whoever gets a picture gets it masked', async (t) => {
  const peer = await cameraThat(t, streaming(part(await jpegOf(20, { square: 250 }))));
  const watched = new Watched(t, { endpoint: peer.url, mask: [{ x: 0, y: 0, width: 0.5, height: 0.5 }] });
  await watched.camera.start(go);
  await watched.until('a picture', ({ frames }) => frames.length > 0);
  const [frame] = watched.frames;
  assert.ok(frame !== undefined);
  for (let y = 0; y < 24; y += 1) for (let x = 0; x < 32; x += 1) assert.equal(frame.pixels[y * 64 + x], 128);
  assert.ok((frame.pixels[40 * 64 + 50] ?? 255) < 30);
  assert.equal(
    frame.masked?.reduce((sum, one) => sum + one, 0),
    32 * 24,
  );
});

test('C3: while somebody looks the newest waits, and the others are counted', async (t) => {
  const peer = await cameraThat(t, streaming());
  const { promise: looking, resolve: letGo } = Promise.withResolvers<void>();
  const watched = new Watched(t, { endpoint: peer.url }, () => looking);
  await watched.camera.start(go);
  await watched.until('it is connected', ({ events }) => events.length > 0);
  for (const [at, grey] of [40, 60, 80, 100, 120].entries()) {
    peer.send(part(await jpegOf(grey)));
    await watched.until('it came', ({ camera }) => camera.counts().received === at + 1);
    if (at === 0) await watched.until('it is looked at', ({ frames }) => frames.length === 1);
  }
  letGo();
  await watched.until('the newest', ({ frames }) => frames.length === 2);
  assert.ok(Math.abs(mean(watched.frames[1] ?? assert.fail()) - 120) < 2);
  const { received, dropped, delivered } = watched.camera.counts();
  assert.deepEqual([received, dropped, delivered], [5, 3, 2]);
});

test('a redirection is refused and not followed; so is every answer that is no stream of pictures', async (t) => {
  const elsewhere = await cameraThat(t, streaming(part(await jpegOf(9))));
  const answers: readonly [string, string][] = [
    [`HTTP/1.1 302 Found\r\nLocation: ${elsewhere.plainUrl}\r\nContent-Length: 0\r\n\r\n`, 'redirected'],
    ['HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n', 'access-denied'],
    ['HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n', 'http-404'],
    ['HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 3\r\n\r\nhey', 'no-stream'],
    [`${streamHead}--frame\r\nContent-Length: 8388609\r\n\r\n`, 'part-too-long'],
    [`${streamHead}--frame\r\n${'x'.repeat(9_000)}`, 'headers-too-long'],
    [`${streamHead}--frame\r\n\r\n${'x'.repeat(8_400_000)}`, 'part-too-long'],
    [`${streamHead}--frame\r\nContent-Length: 3\r\n\r\nabcdefghijklmnopqrst`, 'bad-delimiter'],
    [`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 'no-http'],
    ['SSH-2.0-OpenSSH_9.2\r\n', 'no-http'],
  ];
  for (const [answer, reason] of answers) {
    const peer = await cameraThat(t, (socket) => socket.write(answer));
    const watched = new Watched(t, { endpoint: peer.url });
    await watched.camera.start(go);
    await watched.until(
      `${reason} twice`,
      ({ logged }) => logged.some((line) => line.includes(`"reason":"${reason}"`)) && peer.requests.length >= 2,
    );
    assert.equal(watched.frames.length, 0, reason);
    assert.match(watched.logged[0] ?? '', /DRV-502/);
    await watched.camera.stop();
    await watched.until('it hung up', () => peer.connections === 0);
    await peer.close();
  }
  assert.deepEqual(elsewhere.requests, []);
});

test('user and password go into the header of the request, and nowhere else', async (t) => {
  const peer = await cameraThat(t, (socket) => socket.write('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n'));
  const watched = new Watched(t, { endpoint: peer.url, credentials: { user: 'amina', password: 'geheim:x' } });
  await watched.camera.start(go);
  await watched.until('it was refused', ({ logged }) => logged.length > 0);
  // RFC 7617: base64 of user, colon, password.
  assert.match(peer.requests[0] ?? '', /\r\nAuthorization: Basic YW1pbmE6Z2VoZWltOng=\r\n/i);
  assert.doesNotMatch(JSON.stringify([watched.logged, watched.events]), /geheim|amina|YW1pbmE/);
});

test('C5: a camera that falls silent is told, called again, and well when it is back', async (t) => {
  const peer = new HttpCamera(streaming());
  await peer.listen();
  t.after(() => peer.close());
  const health = { stalledMs: 300, raiseMs: 100, clearMs: 100 };
  const watched = new Watched(t, { endpoint: peer.url, health });
  await watched.camera.start(go);
  await watched.until('it is stalled', (all) => all.states().includes('stalled'));
  await watched.until('it is called again', () => peer.requests.length >= 2);
  const random = new Random(seed);
  const sending = setInterval(() => void jpegOf(60 + random.below(60)).then((jpeg) => peer.send(part(jpeg))), 40);
  t.after(() => clearInterval(sending));
  await watched.until('it is well', (all) => all.states().at(-1) === 'ok');
  await peer.close();
  await watched.until('it is stalled again', (all) => all.states().at(-1) === 'stalled');
  assert.equal(watched.links().at(-1)?.startsWith('down '), true);
  await peer.listen();
  await watched.until('it is well again', (all) => all.states().at(-1) === 'ok');
  assert.ok(watched.camera.counts().reconnects >= 1);
});

test('C5: a camera that looks into the dark is told', async (t) => {
  const peer = await cameraThat(t, streaming());
  const watched = new Watched(t, { endpoint: peer.url, health: { raiseMs: 100, clearMs: 100 } });
  await watched.camera.start(go);
  let grey = 2;
  const sending = setInterval(() => void jpegOf(grey).then((jpeg) => peer.send(part(jpeg))), 30);
  t.after(() => clearInterval(sending));
  await watched.until('it is black', (all) => all.states().at(-1) === 'black');
  assert.equal(watched.camera.counts().reason, '100 % of the picture is black');
  grey = 90;
  await watched.until('it is well', (all) => all.states().at(-1) === 'ok');
});

test('C4: stopped at any moment it leaves no connection and tells nothing more', async (t) => {
  const picture = part(await jpegOf(50));
  const peer = await cameraThat(t, (socket) => {
    socket.write(streamHead);
    for (let n = 0; n < 50; n += 1) socket.write(picture);
  });
  for (const waitMs of [0, 1, 5, 20, 50]) {
    const watched = new Watched(t, { endpoint: peer.url });
    await watched.camera.start(go);
    await new Promise((resolve) => void setTimeout(resolve, waitMs));
    await watched.camera.stop();
    const told = watched.events.length + watched.frames.length;
    await new Promise((resolve) => void setTimeout(resolve, 30));
    assert.equal(watched.events.length + watched.frames.length, told);
    await watched.until('it hung up', () => peer.connections === 0);
  }
  const aborted = new Watched(t, { endpoint: peer.url });
  const abort = new AbortController();
  await aborted.camera.start(abort.signal);
  await aborted.until('pictures', ({ frames }) => frames.length > 0);
  abort.abort();
  await aborted.until('it hung up', () => peer.connections === 0);
});

test('an HTTPS camera is believed only with a certificate that is known', async (t) => {
  const { cert, key } = await ownCertificate();
  const picture = part(await jpegOf(77));
  const server = createServer({ cert, key }, (_request, response) => {
    response.writeHead(200, { 'content-type': 'multipart/x-mixed-replace; boundary=frame' });
    response.write(picture);
    response.write(picture);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const endpoint = `mjpeg+https://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/`;
  const stranger = new Watched(t, { endpoint, credentials: { user: 'amina', password: 'geheim' } });
  await stranger.camera.start(go);
  await stranger.until('it is refused', ({ logged }) => logged.length > 0);
  assert.match(stranger.logged[0] ?? '', /"reason":"certificate-refused"/);
  await stranger.camera.stop();
  assert.equal(stranger.frames.length, 0);
  const known = new Watched(t, { endpoint, ca: cert });
  await known.camera.start(go);
  await known.until('a picture', ({ frames }) => frames.length > 0);
  await known.camera.stop();
});

async function ownCertificate(): Promise<{ readonly cert: string; readonly key: string }> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=camera of a test',
    notBefore: new Date(Date.now() - 3_600_000),
    notAfter: new Date(Date.now() + 3_600_000),
    signingAlgorithm: algorithm,
    keys,
    extensions: [new SubjectAlternativeNameExtension([{ type: 'ip', value: '127.0.0.1' }])],
  });
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  return { cert: certificate.toString('pem'), key: String(key.export({ type: 'pkcs8', format: 'pem' })) };
}

// ——— pictures that are none ———

/** The header of a JPEG with another size: SOF0 is FF C0, two bytes of length, one of precision, height, width (ITU-T T.81 §B.2.2). */
function sized(jpeg: Buffer, width: number, height: number): Buffer {
  const bytes = Buffer.from(jpeg);
  const at = bytes.indexOf(Buffer.from([0xff, 0xc0]));
  assert.ok(at > 0);
  bytes.writeUInt16BE(height, at + 5);
  bytes.writeUInt16BE(width, at + 7);
  return bytes;
}

test('C2: truncated, huge, CMYK, 16-bit, empty and mislabelled pictures, and bombs, are refused and counted; the next one counts', async (t) => {
  const good = await jpegOf(100);
  const noise = Buffer.from(Array.from({ length: 64 * 48 * 4 }, (_, at) => (at * 37) % 256));
  const cmyk = await sharp(noise, { raw: { width: 64, height: 48, channels: 4 } })
    .toColourspace('cmyk')
    .jpeg()
    .toBuffer();
  const png16 = await sharp(noise.subarray(0, 64 * 48), { raw: { width: 64, height: 48, channels: 1 } })
    .toColourspace('grey16')
    .png()
    .toBuffer();
  const png = await sharp({
    create: { width: 20_000, height: 20_000, channels: 3, background: 'black' },
    limitInputPixels: false,
  })
    .png()
    .toBuffer();
  const refused: readonly (readonly [string, Buffer])[] = [
    ['truncated', good.subarray(0, good.length - 20)],
    ['cut in its header', good.subarray(0, 30)],
    ['a bomb that says 65500 × 65500', sized(good, 65_500, 65_500)],
    ['a size of nothing', sized(good, 0, 0)],
    ['another height than it has', sized(good, 64, 4_000)],
    ['CMYK', cmyk],
    ['a PNG of 16 bits that says it is a JPEG', png16],
    ['a PNG of 1.2 GB in 1.2 MB', png],
    ['text', Buffer.from('no picture')],
    ['nothing but the magic bytes', Buffer.from([0xff, 0xd8, 0xff])],
    ['no byte at all', Buffer.alloc(0)],
  ];
  const peer = await cameraThat(t, streaming());
  const watched = new Watched(t, { endpoint: peer.url });
  await watched.camera.start(go);
  await watched.until('it is connected', ({ events }) => events.length > 0);
  for (const [at, [what, bytes]] of refused.entries()) {
    peer.send(part(bytes));
    await watched.until(`${what} is refused`, ({ camera }) => camera.counts().refused === at + 1);
    assert.equal(watched.frames.length, at, what);
    peer.send(part(good));
    await watched.until('the next is taken', ({ frames }) => frames.length === at + 1);
  }
  peer.send(Buffer.from('--frame\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi\r\n'));
  await watched.until('text is refused', ({ camera }) => camera.counts().refused === refused.length + 1);
  assert.deepEqual(watched.links(), ['up connected'], 'the stream goes on');
});

test(
  'C2: a thousand mutated pictures: each is refused, or is whole; nothing leaks',
  { timeout: 110_000 },
  async (t) => {
    const random = new Random(seed + 5);
    const good = await jpegOf(100, { width: 96, height: 64, square: 160 });
    const peer = await cameraThat(t, streaming());
    const watched = new Watched(t, { endpoint: peer.url });
    await watched.camera.start(go);
    await watched.until('it is connected', ({ events }) => events.length > 0);
    let afterWarmUpBytes = 0;
    const count = runs(1_000);
    for (let n = 0; n < count; n += 1) {
      const bytes = Buffer.from(random.chance(0.3) ? good.subarray(0, random.below(good.length)) : good);
      for (let flips = random.below(8); flips > 0 && bytes.length > 0; flips -= 1)
        bytes[random.below(bytes.length)] = random.below(256);
      peer.send(part(bytes));
      await watched.until(
        `picture ${n} was judged`,
        ({ camera }) => camera.counts().refused + camera.counts().delivered === n + 1,
      );
      if (n === count / 4) afterWarmUpBytes = heldBytes();
      const frame = watched.frames.pop();
      if (frame !== undefined) assert.equal(frame.pixels.length, frame.width * frame.height);
    }
    const { refused, delivered, received, dropped } = watched.camera.counts();
    t.diagnostic(`${refused} refused, ${delivered} taken`);
    // Parts of no byte are refused before they count as pictures.
    assert.ok(received + dropped <= count && refused > count / 10 && delivered > 0);
    // Each of the others kept whole would be 4.6 MB of pixels; half of that is less than any of them.
    const grownBytes = heldBytes() - afterWarmUpBytes;
    assert.ok(grownBytes < 2_000_000, `${grownBytes} bytes more`);
  },
);
