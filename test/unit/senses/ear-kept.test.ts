import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import sharp from 'sharp';
import { historyBands, historyColumns } from '../../../agent/senses/ear/history.ts';
import { drawn, pictureOf } from '../../../agent/senses/ear/picture.ts';
import {
  describePrint,
  keepPrint,
  printFor,
  printVersions,
  readTaught,
  type TaughtPrint,
} from '../../../agent/senses/ear/prints.ts';
import {
  askToEnrol,
  enrolTold,
  takeRequest,
  tellEnrolling,
  type EnrolTold,
} from '../../../agent/senses/ear/requests.ts';
import { maxPictureBytes, type SpeedFile } from '../../../agent/senses/ear/settings.ts';
import { seeded } from '../../../models/statistics/split.ts';
import { keyPair, temporaryDir } from '../models/making.ts';

const taught = (model: string, marks: readonly string[]): TaughtPrint => ({
  machine: 'ls-1',
  taughtMs: 1,
  model,
  microphone: 'alsa:hw:1,0',
  rateHz: 48_000,
  levels: { lowDb: -30, highDb: -45 },
  speeds: marks.map((mark, at) => ({
    speed: 1000 * (at + 1),
    samples: 25,
    threshold: 5,
    spread: 0.2,
    stats: Buffer.from(mark),
    faults: null,
  })),
});

const said = (one: SpeedFile) => [one.speed, String(readTaught(one))];

test('Y1: enrolling again makes the next version, and the newest of the model in use is used', (t) => {
  const dataDir = temporaryDir(t);
  const { publicKey, privateKey } = keyPair();
  keepPrint(dataDir, taught('ear@1', ['a', 'b']), privateKey);
  keepPrint(dataDir, taught('ear@2', ['c']), privateKey);
  assert.deepEqual(printVersions(dataDir, 'ls-1'), [2, 1]);
  const { description, prints } = printFor(dataDir, 'ls-1', publicKey, 'ear@1');
  assert.equal(description.version, 1);
  assert.deepEqual(prints.map(said), [
    [1_000, 'a'],
    [2_000, 'b'],
  ]);
  assert.throws(() => printFor(dataDir, 'ls-1', publicKey, 'ear@3'), { key: 'statsInvalid' });
});

test('Y1, Y2: what was learned of faults is kept beside it, speed by speed, and is refused when it was changed', (t) => {
  const dataDir = temporaryDir(t);
  const { publicKey, privateKey } = keyPair();
  const print = taught('ear@1', ['a', 'b']);
  const [first, second] = print.speeds;
  assert.ok(first !== undefined && second !== undefined);
  keepPrint(dataDir, { ...print, speeds: [first, { ...second, faults: Buffer.from('f') }] }, privateKey);
  const { prints, faults } = printFor(dataDir, 'ls-1', publicKey, 'ear@1');
  assert.deepEqual(
    [prints.map(said), faults.map(said)],
    [
      [
        [1_000, 'a'],
        [2_000, 'b'],
      ],
      [[2_000, 'f']],
    ],
  );
  writeFileSync(join(dataDir, 'voiceprints/ls-1/1/faults-2.bin'), 'g');
  assert.throws(() => faults.map(said), { key: 'statsInvalid' });
});

test('Y2: what another key has signed, or what was changed since, is refused', (t) => {
  const dataDir = temporaryDir(t);
  const { publicKey, privateKey } = keyPair();
  keepPrint(dataDir, taught('ear@1', ['a', 'b']), privateKey);
  assert.throws(() => describePrint(dataDir, 'ls-1', keyPair().publicKey, 1), { key: 'statsInvalid' });
  const read = () => printFor(dataDir, 'ls-1', publicKey, 'ear@1').prints.map(said);
  for (const file of ['speed-2.bin', 'print.json', 'print.sig']) {
    const path = join(dataDir, 'voiceprints/ls-1/1', file);
    const before = readFileSync(path);
    const changed = Buffer.from(before);
    changed[0] = (changed[0] ?? 0) ^ 1;
    writeFileSync(path, changed);
    assert.throws(read, { key: 'statsInvalid' }, file);
    writeFileSync(path, before);
  }
  assert.equal(read().length, 2);
  rmSync(join(dataDir, 'voiceprints/ls-1/1/speed-1.bin'));
  assert.throws(read, { key: 'statsInvalid' });
});

test('Q1: a request is taken once, the newest, and a file that cannot be read asks for nothing', (t) => {
  const dataDir = temporaryDir(t);
  assert.equal(takeRequest(dataDir, 'ls-1'), null);
  askToEnrol(dataDir, 'ls-1', 20);
  const id = askToEnrol(dataDir, 'ls-1', 30, 'omar');
  assert.deepEqual(takeRequest(dataDir, 'ls-1'), { id, samples: 30, by: 'omar' });
  assert.equal(takeRequest(dataDir, 'ls-1'), null);
  askToEnrol(dataDir, 'ls-1', 20);
  const file = join(dataDir, 'ear-requests/ls-1.json');
  for (const text of [
    '',
    '{',
    '{"id":"x","samples":20,"by":null}',
    '{"id":"0123456789abcdef","samples":1e9,"by":null}',
  ]) {
    writeFileSync(file, text);
    assert.equal(takeRequest(dataDir, 'ls-1'), null);
    assert.ok(!existsSync(file));
  }
});

test('Q2: what is told belongs to the request with its id', (t) => {
  const dataDir = temporaryDir(t);
  const told: Omit<EnrolTold, 'id'> = {
    state: 'running',
    by: null,
    startedMs: 1,
    wanted: 20,
    speeds: [{ speed: 4000, samples: 3 }],
    version: null,
    leftOut: [],
    reason: null,
  };
  tellEnrolling(dataDir, 'ls-1', { ...told, id: 'a' });
  assert.equal(enrolTold(dataDir, 'ls-1', 'b'), null);
  assert.deepEqual(enrolTold(dataDir, 'ls-1', 'a'), { ...told, id: 'a' });
});

const random = seeded(3);
const columns = Array.from({ length: historyColumns }, (_, i) => ({
  atMs: i * 1000,
  levels: Float32Array.from({ length: historyBands }, () => -60 + 40 * random()),
  // Louder than taught in band 40 for the last ten seconds.
  off: Float32Array.from({ length: historyBands }, (_v, band) => (band === 40 && i >= 100 ? 12 : 0)),
}));

test('the picture of a minute is small enough, and is a picture', async () => {
  const bytes = await pictureOf(columns);
  assert.ok(bytes !== null && bytes.length <= maxPictureBytes, String(bytes?.length));
  const { width, height, format } = await sharp(bytes).metadata();
  assert.deepEqual([width, height, format], [360, 390, 'webp']);
  assert.equal(await pictureOf([]), null);
});

test('what is louder than taught is red where it is louder and nowhere else', () => {
  const { width, height, pixels } = drawn(columns);
  let [inside, outside] = [0, 0];
  for (let y = height / 2 + 3; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const [red = 0, green = 0] = pixels.subarray((y * width + x) * 3);
      if (red - green < 200) continue;
      const band = historyBands - 1 - Math.floor((y - (height / 2 + 3)) / 3);
      if (band === 40 && x >= 300) inside += 1;
      else outside += 1;
    }
  }
  assert.deepEqual([inside, outside], [180, 0]);
});
