/** Files of sound through the real ffmpeg. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { loadSound } from '../../agent/commands/evaluate-voiceprint-data.ts';
import { DriverError } from '../../drivers/errors.ts';
import { flacSamples } from '../../drivers/microphone/flac.ts';
import { decodeArgs, decodeSoundFile } from '../../drivers/microphone/sound-file.ts';
import { requireProgram } from '../support/peers.ts';
import { wavOf, type WavOptions } from '../support/wav.ts';

const folder = mkdtempSync(join(tmpdir(), 'selvedge-sound-'));
after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));

const values = Array.from({ length: 24_000 }, (_, i) => Math.round(20_000 * Math.sin(i / 9)) / 32_768);
const coded = (code: string) => (error: unknown) => error instanceof DriverError && error.entry.code === code;

/** A WAV file, and the same sound as FLAC. */
function files(name: string, options: WavOptions): { readonly wav: string; readonly flac: string } {
  const [wav, flac] = [join(folder, `${name}.wav`), join(folder, `${name}.flac`)];
  writeFileSync(wav, wavOf(values, options));
  const made = spawnSync('ffmpeg', ['-y', '-loglevel', 'error', '-i', wav, flac], { encoding: 'utf8' });
  assert.equal(made.status, 0, made.stderr);
  return { wav, flac };
}

test('FLAC is heard sample by sample as the WAV it was made from, its first channel of many', async (t) => {
  if (!requireProgram(t, 'ffmpeg')) return;
  for (const [channels, bits, rateHz] of [
    [1, 16, 16_000],
    [8, 16, 16_000],
    [2, 24, 44_100],
    [1, 16, 96_000],
  ] as const) {
    const { wav, flac } = files(`${channels}-${bits}`, { kind: 'pcm', bits, channels, rateHz });
    const [one, other] = [await loadSound(wav), await loadSound(flac)];
    assert.equal(other.rateHz, rateHz);
    assert.deepEqual(other.samples, one.samples);
    assert.deepEqual([...other.samples.subarray(0, 500)], values.slice(0, 500));
    assert.equal(flacSamples(readFileSync(flac)), values.length);
  }
});

test('FLAC that is cut short anywhere, or holds something else, is refused', async (t) => {
  if (!requireProgram(t, 'ffmpeg')) return;
  const { flac } = files('whole', { kind: 'pcm', bits: 16, channels: 1, rateHz: 16_000 });
  const whole = readFileSync(flac);
  const cut = join(folder, 'cut.flac');
  for (const share of [0, 0.001, 0.3, 0.6, 0.9, 0.999]) {
    writeFileSync(cut, whole.subarray(0, Math.floor(share * whole.length)));
    await assert.rejects(loadSound(cut), coded('DRV-522'), String(share));
  }
  writeFileSync(cut, 'no sound at all');
  await assert.rejects(loadSound(cut), coded('DRV-522'));
});

test('a list that names another file is not followed', async (t) => {
  if (!requireProgram(t, 'ffmpeg')) return;
  const { wav } = files('secret', { kind: 'pcm', bits: 16, channels: 1, rateHz: 16_000 });
  const list = join(folder, 'list.flac');
  writeFileSync(
    list,
    `#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://127.0.0.1:9/x.ts\nfile://${wav}\n#EXT-X-ENDLIST\n`,
  );
  await assert.rejects(loadSound(list), coded('DRV-522'));
  writeFileSync(list, `ffconcat version 1.0\nfile '${wav}'\n`);
  await assert.rejects(loadSound(list), coded('DRV-522'));
});

test('more sound than allowed, or more time, ends it', async (t) => {
  if (!requireProgram(t, 'ffmpeg')) return;
  const { flac } = files('long', { kind: 'pcm', bits: 16, channels: 1, rateHz: 16_000 });
  await assert.rejects(decodeSoundFile(flac, { bytes: 1_000 }), coded('DRV-523'));
  const slow = join(folder, 'slow');
  writeFileSync(slow, '#!/bin/sh\nsleep 60\n', { mode: 0o755 });
  await assert.rejects(decodeSoundFile(flac, { program: slow, ms: 200 }), coded('DRV-523'));
});

test('without ffmpeg the cure is told; a file that is not there is', async () => {
  const file = join(folder, 'there.flac');
  writeFileSync(file, 'fLaC');
  await assert.rejects(decodeSoundFile(file, { program: 'selvedge-has-no-such-program' }), coded('DRV-521'));
  await assert.rejects(decodeSoundFile(join(folder, 'gone.flac')), coded('DRV-520'));
  await assert.rejects(loadSound(join(folder, 'gone.flac')), coded('DRV-520'));
});

test('a name that looks like an option or an address is a file', () => {
  assert.ok(decodeArgs('-version').every((word) => word !== '-version'));
  assert.ok(decodeArgs('http://x/y.flac').some((word) => word.startsWith('file:/')));
});
