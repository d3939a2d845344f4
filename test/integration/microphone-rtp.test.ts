import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import { requireProgram } from '../support/peers.ts';
import { close, frequencyOf, kill, Listening, rateHz, second, sender, sine } from './microphone-watcher.ts';

async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}

test('L16 of ffmpeg over RTP: the sine has its frequency and no gap; killed it is stalled, and it comes back', async (t) => {
  if (!requireProgram(t, 'ffmpeg')) return;
  const port = await freeUdpPort();
  const out = ['-c:a', 'pcm_s16be', '-f', 'rtp', `rtp://127.0.0.1:${port}`];
  const mic = new Listening(t, {
    endpoint: `rtp://127.0.0.1:${port}?rate=${rateHz}&channels=1`,
    health: { stalledMs: 1_000 },
  });
  await mic.start();
  const first = sender(t, sine(997), out);
  await mic.until('two seconds', ({ endSample }) => endSample > 2 * second);
  assert.deepEqual([mic.gaps(), mic.microphone.counts().refused], [[], {}]);
  close(frequencyOf(mic.last(second), rateHz), 997, 0.05);
  await kill(first);
  await mic.until('it is stalled', (all) => all.states().at(-1) === 'stalled');
  const endMs = mic.microphone.msOf(mic.endSample) ?? 0;
  const before = mic.endSample;
  sender(t, sine(1_234), out);
  await mic.until('it is well again', (all) => all.states().at(-1) === 'ok');
  close(frequencyOf(mic.last(second / 2), rateHz), 1_234, 0.1);
  // The gap is as long as the silence was: numbers go on with the clock.
  assert.ok(mic.gaps().length >= 1 && mic.endSample - before > 1.5 * second, JSON.stringify(mic.gaps()));
  const elapsedMs = performance.now() - endMs;
  close(((mic.endSample - before) * 1000) / rateHz, elapsedMs, 400);
  await mic.microphone.stop();
});

test('two channels over RTP are told apart', async (t) => {
  if (!requireProgram(t, 'ffmpeg')) return;
  const port = await freeUdpPort();
  const mic = new Listening(t, { endpoint: `rtp://127.0.0.1:${port}?rate=44100&channels=2` });
  await mic.start();
  const source = 'aevalsrc=0.5*sin(2*PI*500*t)|0.5*sin(2*PI*1500*t):s=44100';
  sender(t, source, ['-c:a', 'pcm_s16be', '-f', 'rtp', `rtp://127.0.0.1:${port}`]);
  await mic.until('a second', ({ endSample }) => endSample > 50_000);
  close(frequencyOf(mic.last(40_000, 0), 44_100), 500, 0.05);
  close(frequencyOf(mic.last(40_000, 1), 44_100), 1_500, 0.1);
});

test('a lost packet is a gap of its length, and what a stranger sends is not heard', async (t) => {
  const port = await freeUdpPort();
  const mic = new Listening(t, { endpoint: `rtp://127.0.0.1:${port}?rate=48000&channels=1&from=127.0.0.1` });
  await mic.start();
  await mic.until('it listens', (all) => all.links().length > 0);
  const socket = createSocket('udp4');
  t.after(() => socket.close());
  const send = (sequence: number, ssrc = 7): void => {
    const bytes = Buffer.alloc(12 + 960);
    bytes.writeUInt16BE(0x8061, 0);
    bytes.writeUInt16BE(sequence, 2);
    bytes.writeUInt32BE(sequence * 480, 4);
    bytes.writeUInt32BE(ssrc, 8);
    for (let i = 0; i < 480; i += 1) bytes.writeInt16BE(sequence, 12 + i * 2);
    socket.send(bytes, port, '127.0.0.1');
  };
  for (const sequence of [10, 11, 13, 12, 13, 15, 16]) send(sequence);
  send(99, 8);
  socket.send('no RTP', port, '127.0.0.1');
  await mic.until('all of it', ({ endSample }) => endSample === 7 * 480);
  await mic.until('the stranger', (all) => all.microphone.counts().refused['malformed-packet'] === 1);
  assert.deepEqual(mic.microphone.counts().refused, { 'packet-twice': 1, 'foreign-packet': 1, 'malformed-packet': 1 });
  assert.deepEqual(
    mic.events.flatMap((event) => (event.kind === 'gap' ? [event.gap] : [])),
    [{ fromSample: 4 * 480, toSample: 5 * 480, why: 'packets-lost' }],
  );
  const before = mic.microphone.read(0, 0, 4 * 480);
  assert.ok(before?.kind === 'samples');
  assert.deepEqual(
    [0, 480, 960, 1440].map((at) => (before.samples[at] ?? 0) * 32_768),
    [10, 11, 12, 13],
  );
  assert.equal(mic.microphone.read(0, 0, 5 * 480)?.kind, 'gap');
});

test('a port that somebody else has, and an address that is not here, are told', async (t) => {
  const taken = createSocket('udp4').bind(0, '127.0.0.1');
  await once(taken, 'listening');
  t.after(() => taken.close());
  for (const [endpoint, reason] of [
    [`rtp://127.0.0.1:${taken.address().port}?rate=48000`, 'port-in-use'],
    ['rtp://192.0.2.1:5004?rate=48000', 'address-not-here'],
  ] as const) {
    const mic = new Listening(t, { endpoint });
    await mic.start();
    await mic.until(reason, ({ logged }) => logged.length > 0);
    assert.match(mic.logged[0] ?? '', new RegExp(`"code":"DRV-532".*"reason":"${reason}"`));
    await mic.microphone.stop();
  }
});
