import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { judgeEye } from '../../demo/score/eye.ts';
import type { FabricAlert, PlannedFault, TruthLine } from '../../demo/score/report.ts';
import { readCropBytes } from '../../demo/score/senses.ts';

const planned: PlannedFault = {
  id: 'line',
  machine: 'ck-1',
  fault: 'needle_line',
  expect: { as: 'alert', type: 'needle_line', withinS: 14, clearsWithinS: null },
};
const begun: TruthLine = {
  t: 1,
  machine: 'ck-1',
  kind: 'fault',
  id: 'line',
  data: { fault: 'needle_line', needle: 2638, rollM: 0.9 },
};
const evidence = { needle: 1, k: 2, rollFromM: 0.95, crop: 'c', isSimulated: true };

function judged(more: Readonly<Record<string, unknown>>, crop: number | null = 4_000) {
  const alert: FabricAlert = { machine: 'ck-1', type: 'needle_line', evidence: { ...evidence, ...more } };
  return judgeEye({ planned: [planned], truth: [begun], alerts: [alert], needles: () => 2639, cropBytes: () => crop });
}

test('a needle within ± k, also across the last one, at its metre and with a picture is no problem', () => {
  const { rows, problems } = judged({});
  assert.deepEqual(problems, []);
  assert.deepEqual(rows, [
    { id: 'line', machine: 'ck-1', needle: 1, k: 2, trueNeedle: 2638, metre: 0.95, trueM: 0.9, cropBytes: 4_000 },
  ]);
});

for (const [what, more, crop] of [
  ['another needle', { needle: 2 }, 4_000],
  ['no needle', { needle: null, k: null }, 4_000],
  ['another metre', { rollFromM: 1.06 }, 4_000],
  ['no metre', { rollFromM: null }, 4_000],
  ['no picture', {}, null],
  ['cloth that does not say it is drawn', { isSimulated: false }, 4_000],
] as const) {
  test(`${what} is one problem`, () => {
    assert.equal(judged(more, crop).problems.length, 1);
  });
}

test('what was never begun or never told is left to the table of faults', () => {
  const none = { planned: [planned], needles: () => 2639, cropBytes: () => null };
  assert.deepEqual(judgeEye({ ...none, truth: [], alerts: [] }), { rows: [], problems: [] });
  assert.deepEqual(judgeEye({ ...none, truth: [begun], alerts: [] }), { rows: [], problems: [] });
});

test('a picture counts when its content has the hash it is called by', () => {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-crop-'));
  try {
    const sha256 = createHash('sha256').update('crop').digest('hex');
    const folder = join(dir, sha256.slice(0, 2));
    mkdirSync(folder);
    writeFileSync(join(folder, sha256), 'crop');
    assert.equal(readCropBytes(dir, sha256), 4);
    writeFileSync(join(folder, sha256), 'drop');
    assert.equal(readCropBytes(dir, sha256), null);
    assert.equal(readCropBytes(dir, '../../etc/passwd'), null);
  } finally {
    rmSync(dir, { recursive: true, force: true, maxRetries: 10 });
  }
});
