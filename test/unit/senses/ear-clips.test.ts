import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { main } from '../../../agent/commands/clip.ts';
import { clipKey, Clips, mostClips, openClip, pcmOf, sealClip } from '../../../agent/senses/ear/clips.ts';
import { readWav } from '../../../models/voiceprint/wav.ts';
import { temporaryDir } from '../models/making.ts';

const hex = '0123456789abcdef'.repeat(4);
const key = clipKey(hex);
const samples = Float32Array.from({ length: 4_800 }, (_, i) => 0.5 * Math.sin(i / 7));
const clip = { machine: 'ls-1', atMs: 1_767_600_000_000, rateHz: 48_000, pcm: pcmOf(samples) };
const dayMs = 86_400_000;

test('C1: a clip is opened with its key and no other, and what was changed in it, head or sound, is refused', () => {
  const sealed = Buffer.from(sealClip(clip, key));
  assert.deepEqual(openClip(sealed, key), { ...clip, pcm: Buffer.from(clip.pcm) });
  assert.throws(() => openClip(sealed, clipKey('f'.repeat(64))), /AGT-836/);
  for (const at of [0, 12, 40, 80, 100, sealed.length - 1]) {
    const changed = Buffer.from(sealed);
    changed[at] = (changed[at] ?? 0) ^ 1;
    assert.throws(() => openClip(changed, key), /AGT-836/, `byte ${at}`);
  }
  for (const length of [0, 9, 30, 70, sealed.length - 1]) {
    assert.throws(() => openClip(sealed.subarray(0, length), key), /AGT-836/, `${length} bytes`);
  }
});

test('C1: the sound is not in it, and two clips of the same sound are not alike', () => {
  const [one, two] = [Buffer.from(sealClip(clip, key)), Buffer.from(sealClip(clip, key))];
  for (let at = 0; at + 16 <= clip.pcm.length; at += 16)
    assert.ok(!one.includes(Buffer.from(clip.pcm.subarray(at, at + 16))));
  assert.ok(!two.subarray(-64).equals(one.subarray(-64)));
});

test('a key is 64 hexadecimal digits', () => {
  for (const text of ['', 'secret', hex.slice(1), `${hex}0`, hex.replace('0', 'g')]) {
    assert.throws(() => clipKey(text), /AGT-835/);
  }
});

test('C2: clips go when their days are over, when there are too many, and when the machine keeps none any more', (t) => {
  const dataDir = temporaryDir(t);
  const folder = join(dataDir, 'ear-clips', 'ls-1');
  const clips = new Clips(dataDir, new Map([['ls-1', 2]]));
  assert.equal(clips.keep('ls-9', 1, sealClip(clip, key)), null, 'not asked for');
  assert.ok(!existsSync(join(dataDir, 'ear-clips')));
  const nowMs = 100 * dayMs;
  for (const agoDays of [0, 1, 3]) assert.ok(clips.keep('ls-1', nowMs - agoDays * dayMs, sealClip(clip, key)) !== null);
  writeFileSync(join(folder, 'half.clip.tmp'), 'x');
  clips.sweep(nowMs);
  assert.deepEqual(readdirSync(folder).length, 2, 'the old one is gone, and so is what a power cut left');
  assert.deepEqual(clips.counts(), { kept: 3, removed: 2, failed: 0 });
  assert.equal(statSync(join(folder, readdirSync(folder)[0] ?? '')).mode & 0o077, 0, 'nobody else reads it');
  for (let i = 0; i < mostClips; i += 1) clips.keep('ls-1', nowMs + i, new Uint8Array(1));
  clips.sweep(nowMs);
  const left = readdirSync(folder);
  assert.equal(left.length, mostClips);
  assert.ok(
    left.every((name) => Number(name.split('-')[0]) >= nowMs),
    'the oldest went',
  );
  new Clips(dataDir, new Map()).sweep(nowMs);
  assert.deepEqual(readdirSync(folder), []);
});

test('C2: what cannot be kept is counted', (t) => {
  const dataDir = temporaryDir(t);
  mkdirSync(join(dataDir, 'ear-clips'));
  writeFileSync(join(dataDir, 'ear-clips', 'ls-1'), 'a file where the folder is to be');
  const clips = new Clips(dataDir, new Map([['ls-1', 1]]));
  assert.equal(clips.keep('ls-1', 1, new Uint8Array(1)), null);
  assert.equal(clips.counts().failed, 1);
});

test('the command writes the sound as WAV for who has the key', async (t) => {
  const dir = temporaryDir(t);
  const [file, out, keyFile] = [join(dir, 'a.clip'), join(dir, 'a.wav'), join(dir, 'key')];
  writeFileSync(file, sealClip(clip, key));
  writeFileSync(keyFile, `${hex}\n`);
  assert.equal(await main(['--key', `file:${keyFile}`, '--file', file, '--out', out]), 0);
  const sound = readWav(readFileSync(out), 'clip');
  assert.equal(sound.rateHz, 48_000);
  assert.ok(sound.samples.every((value, i) => Math.abs(value - (samples[i] ?? 9)) < 1e-4));
  await assert.rejects(main(['--key', hex, '--file', file, '--out', out]), /AGT-103/);
  await assert.rejects(main(['--key', `file:${keyFile}`, '--file', keyFile, '--out', out]), /AGT-836/);
  await assert.rejects(main(['--key', `file:${keyFile}`, '--file', join(dir, 'no'), '--out', out]), /AGT-100/);
});
