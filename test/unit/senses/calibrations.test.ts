import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { EyeConfig } from '../../../agent/config/config.ts';
import {
  keepCalibration,
  needleZeroOf,
  newestCalibration,
  readCalibration,
  settingOf,
} from '../../../agent/senses/calibrations.ts';
import { ModelError } from '../../../models/errors.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const refused = (error: unknown) => error instanceof ModelError && error.key === 'statsInvalid';
const eye: EyeConfig = {
  camera: 'mjpeg+http://192.0.2.61/stream',
  mask: [],
  fabric: 'single-jersey',
  mmPerPx: 0.111,
  needles: 2639,
  firstNeedle: 1,
  feeders: 96,
  coursesPerCm: 18,
  circumferenceMm: 2033,
  position: 'encoder',
  ringRowsPx: 16,
  countsPerRevolution: 4096,
  rising: true,
  needleZero: null,
  behind: null,
  score: { grades: [], holes: 'by-size' },
  simulated: false,
};

function dataDir(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-calibrations-'));
  t.after(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10 }));
  return dir;
}

function keep(dir: string, zeroNeedle: number): void {
  const setting = settingOf(eye, 512);
  assert.ok(setting !== null);
  keepCalibration(
    dir,
    {
      machine: 'ck-1',
      calibratedMs: 1_767_600_000_000,
      by: 'rahima',
      needle: 1207,
      zeroNeedle,
      zeroError: 0.7,
      direction: -1,
      columns: -1,
      isNumberingKnown: true,
      revolutions: 5,
      setting,
    },
    privateKey,
  );
}

test('the newest calibration is used, with who made it and when', (t) => {
  const dir = dataDir(t);
  const said = { zeroError: 0.5, direction: 1, columns: 1 };
  assert.equal(newestCalibration(dir, 'ck-1'), null);
  assert.deepEqual(needleZeroOf(dir, 'ck-1', eye, 512, publicKey), { zeroNeedle: null, ...said });
  keep(dir, 700.2);
  keep(dir, 812.4);
  assert.equal(newestCalibration(dir, 'ck-1'), 2);
  const found = { zeroNeedle: 812.4, zeroError: 0.7, direction: -1, columns: -1 };
  assert.deepEqual(needleZeroOf(dir, 'ck-1', eye, 512, publicKey), found);
  const { by, calibratedMs, version } = readCalibration(dir, 'ck-1', publicKey) ?? assert.fail('none');
  assert.deepEqual([by, calibratedMs, version], ['rahima', 1_767_600_000_000, 2]);
  // C2
  const configured = { ...eye, needleZero: 33 };
  assert.deepEqual(needleZeroOf(dir, 'ck-1', configured, 512, publicKey), { zeroNeedle: 33, ...said });
});

test('C1: made in another setting it does not count, and it is said which', (t) => {
  const dir = dataDir(t);
  keep(dir, 700.2);
  for (const [what, other, widthPx] of [
    ['mmPerPx', { mmPerPx: 0.12 }, 512],
    ['camera', { camera: 'mjpeg+http://192.0.2.62/stream' }, 512],
    ['countsPerRevolution', { countsPerRevolution: 2048 }, 512],
    ['position', { position: 'index' }, 512],
    ['rising', { rising: false }, 512],
    ['widthPx', {}, 640],
  ] as const) {
    assert.throws(
      () => needleZeroOf(dir, 'ck-1', { ...eye, ...other }, widthPx, publicKey),
      (error) => refused(error) && error instanceof Error && error.message.includes(`another ${what}`),
      what,
    );
  }
  const polled: EyeConfig = { ...eye, position: 'telemetry' };
  assert.equal(needleZeroOf(dir, 'ck-1', polled, 512, publicKey).zeroNeedle, null);
});

test('changed, signed by another gateway or of another machine it is refused', (t) => {
  const dir = dataDir(t);
  keep(dir, 700.2);
  const other = createPublicKey(generateKeyPairSync('ed25519').privateKey);
  assert.throws(() => readCalibration(dir, 'ck-1', other), refused);
  appendFileSync(join(dir, 'calibrations/ck-1/1/calibration.json'), ' ');
  assert.throws(() => readCalibration(dir, 'ck-1', publicKey), refused);
});
