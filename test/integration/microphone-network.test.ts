import 'reflect-metadata';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createPrivateKey, webcrypto } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { test, type TestContext } from 'node:test';
import { SubjectAlternativeNameExtension, X509CertificateGenerator } from '@peculiar/x509';
import { requireProgram } from '../support/peers.ts';
import { freePort, listener } from '../support/ports.ts';
import { wavOf } from '../support/wav.ts';
import { close, frequencyOf, kill, Listening, rateHz, second, sender, sine } from './microphone-watcher.ts';

test('samples of ffmpeg over TCP, in each form; killed it is stalled, and it comes back', async (t) => {
  if (!requireProgram(t, 'ffmpeg')) return;
  const port = await freePort();
  const serve = (hz: number, format: string) =>
    sender(t, sine(hz), ['-ac', '2', '-f', format, `tcp://127.0.0.1:${port}?listen=1`]);
  for (const format of ['s16le', 's24le', 's32le', 'f32le']) {
    const mic = new Listening(t, {
      endpoint: `tcp://127.0.0.1:${port}?format=${format}&rate=48000&channels=2`,
      health: { stalledMs: 700 },
    });
    const first = serve(440, format);
    await mic.start();
    await mic.until(`a second of ${format}`, ({ endSample }) => endSample > 1.2 * second);
    assert.deepEqual(mic.gaps(), []);
    for (const channel of [0, 1]) close(frequencyOf(mic.last(second, channel), rateHz), 440, 0.05);
    // An eighth of full scale, as ffmpeg makes it, spread over two channels.
    close(Math.max(...mic.last(second)), 0.125 / Math.SQRT2, 0.001);
    await kill(first);
    if (format === 's16le') {
      await mic.until('it is stalled', (all) => all.states().at(-1) === 'stalled');
      serve(660, format);
      await mic.until('it is well', (all) => all.states().at(-1) === 'ok');
      close(frequencyOf(mic.last(second / 2), rateHz), 660, 0.1);
      assert.deepEqual(mic.gaps(), ['connection-lost']);
      assert.ok(mic.links().some((link) => link.startsWith('down ')));
    }
    await mic.microphone.stop();
  }
});

test('a computer where nobody listens, and one that accepts and says nothing, are told and tried again', async (t) => {
  const query = 'format=s16le&rate=48000&channels=1';
  const nobody = new Listening(t, {
    endpoint: `tcp://127.0.0.1:${await freePort()}?${query}`,
    health: { stalledMs: 200 },
  });
  await nobody.start();
  await nobody.until('it is told', (all) => all.logged.length > 0 && all.states().includes('stalled'));
  assert.match(nobody.logged[0] ?? '', /"reason":"connection-refused"/);
  let calls = 0;
  const port = await listener(t, () => {
    calls += 1;
  });
  const silent = new Listening(t, { endpoint: `tcp://127.0.0.1:${port}?${query}`, health: { stalledMs: 200 } });
  await silent.start();
  await silent.until('it is given up and tried again', () => calls >= 2);
  assert.ok(silent.links().includes('down no-data'));
});

/** An HTTP server that answers as it is told. */
async function server(
  t: TestContext,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<number> {
  const http = createServer(answer).listen(0, '127.0.0.1');
  await once(http, 'listening');
  t.after(async () => {
    http.closeAllConnections();
    http.close();
    await once(http, 'close');
  });
  const address = http.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

test('a WAV stream of ffmpeg over HTTP without an end, behind a password', async (t) => {
  if (!requireProgram(t, 'ffmpeg')) return;
  const asked: (string | undefined)[] = [];
  const port = await server(t, (request, response) => {
    asked.push(request.headers.authorization);
    response.writeHead(200, { 'Content-Type': 'audio/wav' });
    const args = [
      '-loglevel',
      'error',
      '-re',
      '-f',
      'lavfi',
      '-i',
      sine(997, 44_100),
      '-c:a',
      'pcm_s24le',
      '-f',
      'wav',
      '-',
    ];
    const child = spawn('ffmpeg', args, { stdio: ['ignore', 'pipe', 'ignore'] });
    t.after(() => child.kill('SIGKILL'));
    child.stdout.pipe(response);
    response.once('close', () => child.kill('SIGKILL'));
  });
  const mic = new Listening(t, {
    endpoint: `wav+http://127.0.0.1:${port}/audio`,
    credentials: { user: 'amina', password: 'geheim' },
  });
  await mic.start();
  await mic.until('a second', ({ endSample }) => endSample > 50_000);
  assert.deepEqual([mic.microphone.counts().rateHz, mic.gaps()], [44_100, []]);
  close(frequencyOf(mic.last(44_100), 44_100), 997, 0.05);
  assert.deepEqual(asked, [`Basic ${Buffer.from('amina:geheim').toString('base64')}`]);
  assert.doesNotMatch(JSON.stringify([mic.logged, mic.events]), /geheim|amina/);
});

test('what is no WAV stream is refused with the reason and nothing of it is heard', async (t) => {
  const good = wavOf(new Float32Array(480), { kind: 'pcm', bits: 16, channels: 1, rateHz });
  const odd = Buffer.from(good);
  odd.writeUInt16LE(85, 20);
  const short = Buffer.from(good);
  short.writeUInt32LE(4, 40);
  const cases: readonly (readonly [string, number, Record<string, string>, Buffer])[] = [
    ['no-wav', 200, {}, Buffer.from('<html>a page of the microphone</html>')],
    ['format-refused', 200, {}, odd],
    ['length-wrong', 200, {}, short],
    ['truncated', 200, {}, good.subarray(0, 100)],
    ['redirected', 302, { Location: 'http://127.0.0.1:1/' }, Buffer.alloc(0)],
    ['access-denied', 401, {}, Buffer.alloc(0)],
    ['http-404', 404, {}, Buffer.alloc(0)],
  ];
  for (const [reason, status, headers, body] of cases) {
    const port = await server(t, (_request, response) => response.writeHead(status, headers).end(body));
    const mic = new Listening(t, { endpoint: `wav+http://127.0.0.1:${port}/a` });
    await mic.start();
    await mic.until(reason, ({ logged }) => logged.length > 0);
    assert.match(mic.logged[0] ?? '', new RegExp(`"code":"DRV-532".*"reason":"${reason}"`));
    if (reason.startsWith('no-') || reason.startsWith('format')) assert.equal(mic.endSample, 0);
    await mic.microphone.stop();
  }
});

test('an HTTPS microphone is believed only with a certificate that is known', async (t) => {
  const { cert, key } = await ownCertificate();
  const asked: (string | undefined)[] = [];
  const https = createTlsServer({ cert, key }, (request, response) => {
    asked.push(request.headers.authorization);
    const sound = wavOf(new Float32Array(4_800), { kind: 'pcm', bits: 16, channels: 1, rateHz });
    sound.writeUInt32LE(0xffffffff, 40);
    response.writeHead(200, { 'Content-Type': 'audio/wav' }).write(sound);
  }).listen(0, '127.0.0.1');
  await once(https, 'listening');
  t.after(() => {
    https.closeAllConnections();
    https.close();
  });
  const address = https.address();
  const endpoint = `wav+https://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/`;
  const credentials = { user: 'amina', password: 'geheim' };
  const stranger = new Listening(t, { endpoint, credentials });
  await stranger.start();
  await stranger.until('it is refused', ({ logged }) => logged.length > 0);
  assert.match(stranger.logged[0] ?? '', /"reason":"certificate-refused"/);
  await stranger.microphone.stop();
  assert.deepEqual([stranger.endSample, asked], [0, []]);
  const known = new Listening(t, { endpoint, credentials, ca: cert });
  await known.start();
  await known.until('sound', ({ endSample }) => endSample === 4_800);
  assert.equal(asked.length, 1);
});

async function ownCertificate(): Promise<{ readonly cert: string; readonly key: string }> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=microphone of a test',
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

test('after the stop no connection is left and nothing more is told', async (t) => {
  const open = new Set<unknown>();
  const port = await listener(t, (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    const timer = setInterval(() => socket.write(Buffer.alloc(1_920)), 20);
    socket.once('close', () => clearInterval(timer));
  });
  const mic = new Listening(t, { endpoint: `tcp://127.0.0.1:${port}?format=s16le&rate=48000&channels=1` });
  const ender = new AbortController();
  await mic.microphone.start(ender.signal);
  await mic.until('sound', ({ endSample }) => endSample > 4_800);
  ender.abort();
  await mic.microphone.stop();
  const told = [mic.events.length, mic.endSample];
  while (open.size > 0) await new Promise(setImmediate);
  assert.deepEqual([mic.events.length, mic.endSample], told);
});

test('silence on the line is sound that is dead', async (t) => {
  const port = await listener(t, (socket) => {
    const timer = setInterval(() => socket.write(Buffer.alloc(1_920)), 20);
    socket.once('close', () => clearInterval(timer));
  });
  const health = { raiseMs: 1_000 };
  const mic = new Listening(t, { endpoint: `tcp://127.0.0.1:${port}?format=s16le&rate=48000&channels=1`, health });
  await mic.start();
  await mic.until('it is dead', (all) => all.states().at(-1) === 'dead');
});
