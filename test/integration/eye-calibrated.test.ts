/** A calibration that is made while the agent runs. Simulated cloth. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keepCalibration, settingOf } from '../../agent/senses/calibrations.ts';
import { eyeRig, machine } from './eye-rig.ts';
import { until } from './sync-rig.ts';

const needles = 2639;

test(
  'without a zero a line has no needle; once calibrated, within seconds, it has its own',
  { timeout: 240_000 },
  async (t) => {
    const rig = await eyeRig(t, {}, { needleZero: null });
    const { findings, desk, eye, dataDir, privateKey } = rig;
    await rig.bring('8.0.0');
    await rig.use('8.0.0', true);
    desk.start(new AbortController().signal);
    rig.film([{ kind: 'needle_line', needle: 1207, fromHeight: 0, toHeight: 1e9, strength: 1 }]);
    await until('the line is told', () => findings.some(({ shape }) => shape === 'vertical'), 90_000);
    assert.deepEqual(
      findings.flatMap(({ needle, needleUnknown }) => (needle === null ? [] : [needleUnknown])),
      [],
    );
    assert.equal(findings.find(({ shape }) => shape === 'vertical')?.needleUnknown, 'not-calibrated');

    const setting = settingOf(eye, 512);
    assert.ok(setting !== null);
    // The camera of the rig: needle 700 in the middle where the count is a multiple of a revolution.
    const found = { machine, calibratedMs: Date.now(), by: 'test', needle: 3, zeroNeedle: 700, zeroError: 0.6 };
    keepCalibration(
      dataDir,
      { ...found, direction: 1, columns: 1, isNumberingKnown: false, revolutions: 5, setting },
      privateKey,
    );
    await until('the needle is named', () => findings.some(({ needle }) => needle !== null), 90_000);
    const named = findings.find(({ needle }) => needle !== null);
    assert.ok(named?.needle !== null && named?.needle !== undefined && named.k !== null);
    const off = Math.abs(named.needle - 1207);
    assert.ok(Math.min(off, needles - off) <= named.k, `${named.needle} ± ${named.k}`);
  },
);
