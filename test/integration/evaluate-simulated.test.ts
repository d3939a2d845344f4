/**
 * `selvedge evaluate vision --simulated` as its user runs it, on a few trials drawn here. The controls: told a wrong zero, the same eye
 * names no needle rightly; shown good cloth for worn, it finds nothing.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { runInside } from './simulators-process.ts';
import { runVerb } from './verb.ts';

interface Report {
  readonly needles: readonly {
    readonly position: string;
    readonly truth: number;
    readonly named: number | null;
    readonly k: number | null;
    readonly revolutions: number | null;
  }[];
  readonly missed: number;
  readonly falsePer100m: number;
  readonly falseUpper95Per100m: number;
  readonly clothM: number;
  readonly metreErrorMm: { readonly p95: number; readonly places: number; readonly missed: number };
  readonly byLot: readonly { readonly lot: string; readonly lines: number; readonly falseFindings: number }[];
  readonly generator: string;
  readonly simulated: boolean;
}
interface Trial {
  calibration: { zeroNeedle: number };
  readonly machine: { readonly needles: number };
}

const folder = mkdtempSync(join(tmpdir(), 'selvedge-trials-test-'));
const data = join(folder, 'data');
after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));

/** A machine of 19 inch E20: half the needles of a large one, and half the time. */
before(async () => {
  const scenario = join(folder, 'trials.json');
  const plan = {
    lot: 'small',
    diameterInch: 19,
    gauge: 20,
    feeders: 60,
    fps: 11,
    each: 1,
    clean: 1,
    strength: [0.6, 1.1],
  };
  const roll = { metres: 1, holes: 1 };
  writeFileSync(scenario, JSON.stringify({ version: 1, dataset: 'needle-trials', ...plan, roll }));
  assert.equal((await runInside([scenario, '--dataset', data, '--seed', '6']).ended).code, 0);
});

const needles = Math.round(Math.PI * 19 * 20);
const apart = (a: number, b: number) => Math.min((a - b + needles) % needles, (b - a + needles) % needles);

test('every line is told within three revolutions, named ± k, and nothing else is; with polls no needle is named', async (t) => {
  const { code, err, out, report } = await runVerb<Report>(t, 'evaluate', 'vision', '--simulated', '--data', data);
  assert.equal(code, 0, err);
  assert.ok(report !== null);
  assert.deepEqual([report.simulated, report.generator, report.missed], [true, 'a', 0]);
  assert.deepEqual(
    report.needles.map(({ position }) => position),
    ['index', 'encoder', 'telemetry'],
  );
  for (const { position, truth, named, k, revolutions } of report.needles) {
    assert.ok(revolutions !== null && revolutions > 0 && revolutions <= 3, `${position}: ${revolutions}`);
    if (position === 'telemetry') assert.deepEqual([named, k], [null, null]);
    else assert.ok(named !== null && k !== null && k <= 2 && apart(named, truth) <= k, `${named} ± ${k}, not ${truth}`);
  }
  assert.equal(report.falsePer100m, 0);
  assert.ok(report.clothM > 0.5 && report.falseUpper95Per100m > 100 / report.clothM);
  assert.ok(report.metreErrorMm.places >= 2 && report.metreErrorMm.p95 <= 5, JSON.stringify(report.metreErrorMm));
  assert.deepEqual(
    report.byLot.map(({ lot, lines, falseFindings }) => [lot, lines, falseFindings]),
    [
      ['small', 3, 0],
      ['roll', 0, 0],
    ],
  );
  assert.match(out, /simulated cloth/);
});

test('control: with a zero that is twenty needles off, what is named is wrong', async (t) => {
  for (const kind of ['index', 'encoder']) {
    for (const name of readdirSync(join(data, kind)).filter((one) => one.endsWith('.json'))) {
      const file = join(data, kind, name);
      const trial = JSON.parse(readFileSync(file, 'utf8')) as Trial;
      trial.calibration.zeroNeedle = (trial.calibration.zeroNeedle + 20) % trial.machine.needles;
      writeFileSync(file, JSON.stringify(trial));
    }
  }
  const { code, report } = await runVerb<Report>(t, 'evaluate', 'vision', '--simulated', '--data', data);
  assert.equal(code, 0);
  const named = report?.needles.filter((one) => one.named !== null) ?? [];
  assert.equal(named.length, 2);
  for (const one of named) assert.ok(apart(one.named ?? 0, one.truth) > (one.k ?? 0));
});

test('wrong words are refused with exit 2, a folder without trials too', async (t) => {
  const nothing = join(folder, 'nothing');
  for (const [words, pattern] of [
    [['--simulated', '--seeds', '3'], /--seeds does not go with --simulated/],
    [['--data', data, '--seed', '3'], /--seed goes with --simulated/],
    [['--simulated', '--trials', '0'], /--trials takes 1 … 1000/],
    [['--simulated', '--generator', 'c'], /--generator is a or b/],
    [['--simulated', '--data', data, '--seed', '1'], /do not go with it/],
    [['--simulated', '--data', nothing], /AGT-100 .*truth\.json/],
  ] as const) {
    const { code, err } = await runVerb(t, 'evaluate', 'vision', ...words);
    assert.equal(code, 2, words.join(' '));
    assert.match(err, pattern);
  }
});
