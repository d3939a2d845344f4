import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { requireProgram } from '../support/peers.ts';
import { listener } from '../support/ports.ts';
import { wavOf } from '../support/wav.ts';
import { frequencyOf, Listening } from './microphone-watcher.ts';

const rateHz = 16_000;
const tone = (seconds: number, hz: number) =>
  Float32Array.from({ length: seconds * rateHz }, (_, i) => 0.5 * Math.sin((i / rateHz) * 2 * Math.PI * hz));

function file(t: TestContext, name: string, bytes: Buffer): string {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-microphone-'));
  t.after(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10 }));
  const path = join(dir, name);
  writeFileSync(path, bytes);
  return path;
}
const wav = { kind: 'pcm', bits: 24, channels: 2, rateHz } as const;

test('a WAV file is played once, at its own pace, and every sample is as it was', async (t) => {
  const samples = tone(1, 440);
  const mic = new Listening(t, { endpoint: `file://${file(t, 'a.wav', wavOf(samples, wav))}` });
  const startedMs = performance.now();
  await mic.start();
  await mic.until('it has ended', (all) => all.links().includes('down ended'));
  const tookMs = performance.now() - startedMs;
  assert.ok(tookMs > 900 && tookMs < 2_000, `${tookMs} ms`);
  assert.equal(mic.endSample, rateHz);
  assert.ok(mic.last(rateHz).every((value, i) => Math.abs(value - (samples[i] ?? 0)) < 1e-6));
  // It is over: not trouble, not silence, and not played again.
  await mic.microphone.stop();
  assert.deepEqual([mic.links(), mic.logged, mic.gaps()], [['up connected', 'down ended'], [], []]);
});

test('a file that is played again and again has no gap at its seam', async (t) => {
  const samples = tone(0.25, 440);
  const mic = new Listening(t, { endpoint: `file://${file(t, 'a.wav', wavOf(samples, wav))}?loop=1` });
  await mic.start();
  await mic.until('four rounds', ({ endSample }) => endSample >= rateHz);
  const heard = mic.microphone.read(0, 0, rateHz);
  assert.ok(heard?.kind === 'samples');
  assert.ok(heard.samples.every((value, i) => Math.abs(value - (samples[i % samples.length] ?? 0)) < 1e-6));
  await mic.microphone.stop();
  assert.deepEqual([mic.links(), mic.gaps()], [['up connected'], []]);
});

test('a pulse on the second channel is found where it was put', async (t) => {
  const stereo = Buffer.alloc(3 * rateHz * 4);
  const pulses: number[] = [];
  for (let at = 4_000; at < 3 * rateHz - 100; at += 4_000) pulses.push(at + 9.5);
  for (const middle of pulses) {
    for (let i = middle - 9.5; i <= middle + 9.5; i += 1) stereo.writeInt16LE(16_000, i * 4 + 2);
  }
  const head = wavOf([], { kind: 'pcm', bits: 16, channels: 2, rateHz });
  head.writeUInt32LE(stereo.length, 40);
  const path = file(t, 'a.wav', Buffer.concat([head, stereo]));
  const mic = new Listening(t, { endpoint: `file://${path}`, hasPulse: true });
  await mic.start();
  await mic.until('it has ended', (all) => all.links().includes('down ended'));
  assert.ok(mic.pulses.length >= 7, String(mic.pulses.length));
  for (const at of mic.pulses)
    assert.ok(
      pulses.some((middle) => Math.abs(middle - at) < 0.01),
      String(at),
    );
  assert.equal(mic.microphone.counts().pulses, mic.pulses.length);
});

test('files that are cut short, empty, without a sample, of another rate or not there are told with the reason', async (t) => {
  const good = wavOf(tone(0.1, 440), wav);
  const slow = Buffer.from(good);
  slow.writeUInt32LE(8_000, 24);
  const cases: readonly (readonly [string, string])[] = [
    ['truncated', file(t, 'cut.wav', good.subarray(0, 1_000))],
    ['no-sound', file(t, 'nothing.wav', wavOf([], wav))],
    ['format-refused', file(t, 'slow.wav', slow)],
    ['not-there', '/nowhere/a.wav'],
  ];
  for (const [reason, path] of cases) {
    const mic = new Listening(t, { endpoint: `file://${path}?loop=1`, backoff: { minMs: 60_000, maxMs: 60_000 } });
    await mic.start();
    await mic.until(reason, ({ logged }) => logged.length > 0);
    assert.match(mic.logged[0] ?? '', new RegExp(`"code":"DRV-532".*"reason":"${reason}"`), reason);
    await mic.microphone.stop();
  }
});

test('a FLAC file is played through ffmpeg, at its own rate and pace', async (t) => {
  if (!requireProgram(t, 'ffmpeg')) return;
  const path = file(t, 'a.flac', Buffer.alloc(0));
  const source = 'sine=frequency=997:sample_rate=44100:duration=2';
  const made = spawnSync('ffmpeg', ['-loglevel', 'error', '-f', 'lavfi', '-i', source, '-y', path], {
    encoding: 'utf8',
  });
  assert.equal(made.status, 0, made.stderr);
  const mic = new Listening(t, { endpoint: `file://${path}` });
  const startedMs = performance.now();
  await mic.start();
  await mic.until('it has ended', (all) => all.links().includes('down ended'));
  assert.ok(performance.now() - startedMs > 1_200);
  assert.deepEqual([mic.endSample, mic.microphone.counts().rateHz, mic.gaps()], [88_200, 44_100, []]);
  const hz = frequencyOf(mic.last(80_000), 44_100);
  assert.ok(Math.abs(hz - 997) < 0.02, String(hz));
});

test('a file that tells ffmpeg to call somebody is not obeyed', async (t) => {
  if (!requireProgram(t, 'ffmpeg')) return;
  let calls = 0;
  const port = await listener(t, () => {
    calls += 1;
  });
  const text = `#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nhttp://127.0.0.1:${port}/a.ts\n#EXT-X-ENDLIST\n`;
  const mic = new Listening(t, { endpoint: `file://${file(t, 'list.m3u8', Buffer.from(text))}` });
  await mic.start();
  await mic.until('it is refused', ({ logged }) => logged.length > 0);
  await mic.microphone.stop();
  assert.equal(calls, 0);
});
