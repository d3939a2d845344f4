import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import {
  exportStyle,
  importStyle,
  keepStyle,
  listStyles,
  readStyle,
  styleVersions,
  type Taught,
} from '../../../agent/senses/styles.ts';
import { AgentError } from '../../../agent/errors.ts';
import { ModelError } from '../../../models/errors.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const taught: Taught = {
  machine: 'ck-1',
  fabric: 'single-jersey',
  taughtMs: 1_767_600_000_000,
  model: 'fabric-anomaly@1.0.0',
  images: 12,
  widthPx: 512,
  heightPx: 512,
  threshold: 1.02,
  camera: { sharpness: 0.2, columns: [0, 0.25], rows: [], pitchPx: 6.9, lean: 0.01 },
};
const refused = (error: unknown) => error instanceof ModelError && error.key === 'statsInvalid';

function dataDir(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-styles-'));
  t.after(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10 }));
  return dir;
}

test('Y1, V2: teaching again makes the next version; the newest is used, the newest five stay', (t) => {
  const dir = dataDir(t);
  for (let n = 1; n <= 7; n += 1) {
    const { version } = keepStyle(dir, taught, Buffer.from(`stats ${n}`), privateKey);
    assert.equal(version, n);
  }
  assert.deepEqual(styleVersions(dir, 'ck-1', 'single-jersey'), [7, 6, 5, 4, 3]);
  assert.equal(readStyle(dir, 'ck-1', 'single-jersey', publicKey).stats.toString(), 'stats 7');
  assert.equal(readStyle(dir, 'ck-1', 'single-jersey', publicKey, 4).stats.toString(), 'stats 4');
  assert.deepEqual(readStyle(dir, 'ck-1', 'single-jersey', publicKey).description.threshold, 1.02);
  assert.deepEqual(readStyle(dir, 'ck-1', 'single-jersey', publicKey).description.camera, taught.camera);
  assert.throws(() => readStyle(dir, 'ck-1', 'rib', publicKey), refused);
});

test('a style from before the camera was kept with it is read, and says nothing of the camera', (t) => {
  const dir = dataDir(t);
  keepStyle(dir, taught, Buffer.from('stats'), privateKey);
  const at = join(dir, 'styles/ck-1/single-jersey/1');
  const { camera: _, ...old } = JSON.parse(readFileSync(join(at, 'style.json'), 'utf8')) as Record<string, unknown>;
  const text = Buffer.from(JSON.stringify(old));
  writeFileSync(join(at, 'style.json'), text);
  writeFileSync(join(at, 'style.sig'), sign(null, text, privateKey).toString('base64'));
  assert.equal(readStyle(dir, 'ck-1', 'single-jersey', publicKey).description.camera, null);
});

test('V1: what a kill left half written is no version, and is in nobody’s way', (t) => {
  const dir = dataDir(t);
  const folder = join(dir, 'styles/ck-1/single-jersey');
  mkdirSync(join(folder, '1.new'), { recursive: true });
  writeFileSync(join(folder, '1.new/stats.bin'), 'half');
  assert.deepEqual(styleVersions(dir, 'ck-1', 'single-jersey'), []);
  keepStyle(dir, taught, Buffer.from('whole'), privateKey);
  assert.deepEqual(readdirSync(folder), ['1']);
});

test('Y2: a changed file, another gateway’s signature and a style in another place are refused', (t) => {
  const dir = dataDir(t);
  const at = join(dir, 'styles/ck-1/single-jersey/1');
  const again = () => {
    rmSync(join(dir, 'styles'), { recursive: true, force: true, maxRetries: 10 });
    keepStyle(dir, taught, Buffer.from('stats'), privateKey);
  };
  const read = () => readStyle(dir, 'ck-1', 'single-jersey', publicKey);
  for (const file of ['stats.bin', 'style.json', 'style.sig']) {
    again();
    assert.equal(read().stats.toString(), 'stats');
    if (file === 'style.sig')
      writeFileSync(
        join(at, file),
        readFileSync(join(at, file))
          .toString()
          .replace(/^./, (c) => (c === 'A' ? 'B' : 'A')),
      );
    else appendFileSync(join(at, file), ' ');
    assert.throws(read, refused, file);
    rmSync(join(at, file));
    assert.throws(read, refused, `${file} missing`);
  }
  again();
  const other = createPublicKey(generateKeyPairSync('ed25519').privateKey);
  assert.throws(() => readStyle(dir, 'ck-1', 'single-jersey', other), refused);
  mkdirSync(join(dir, 'styles/ck-2/single-jersey/1'), { recursive: true });
  for (const file of readdirSync(at))
    writeFileSync(join(dir, 'styles/ck-2/single-jersey/1', file), readFileSync(join(at, file)));
  assert.throws(() => readStyle(dir, 'ck-2', 'single-jersey', publicKey), refused);
});

test('Y3: an exported style is taken where its signer is trusted, as a version this gateway signs; else it is not', (t) => {
  const [home, away] = [dataDir(t), dataDir(t)];
  const there = generateKeyPairSync('ed25519');
  keepStyle(home, taught, Buffer.from('first'), privateKey);
  keepStyle(home, taught, Buffer.from('second'), privateKey);
  const copy = join(home, 'copy');
  exportStyle(readStyle(home, 'ck-1', 'single-jersey', publicKey, 1), copy, privateKey);
  assert.throws(
    () => exportStyle(readStyle(home, 'ck-1', 'single-jersey', publicKey), copy, privateKey),
    (error) => error instanceof AgentError && error.entry.code === 'AGT-820',
  );
  assert.throws(() => importStyle(away, copy, 'ck-9', [there.publicKey], there.privateKey), refused);
  assert.deepEqual(listStyles(away), []);
  importStyle(away, copy, 'ck-9', [there.publicKey, publicKey], there.privateKey);
  const read = readStyle(away, 'ck-9', 'single-jersey', there.publicKey);
  assert.equal(read.stats.toString(), 'first');
  assert.equal(read.description.camera, null, 'another camera stands elsewhere');
  assert.deepEqual(listStyles(away), [{ machine: 'ck-9', fabric: 'single-jersey' }]);
  // Back on its own machine: how the camera stood is known again.
  importStyle(home, copy, 'ck-1', [publicKey], privateKey);
  const back = readStyle(home, 'ck-1', 'single-jersey', publicKey);
  assert.deepEqual([back.description.version, back.description.camera], [3, taught.camera]);
  appendFileSync(join(copy, 'stats.bin'), ' ');
  assert.throws(() => importStyle(home, copy, 'ck-1', [publicKey], privateKey), refused);
});
