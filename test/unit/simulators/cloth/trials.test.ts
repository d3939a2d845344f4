import { test } from 'node:test';
import assert from 'node:assert/strict';
import { trialPositions, type Trial, type TrialPlan } from '../../../../simulators/cloth/trial.ts';
import { createTrialMaker, type TrialDrawer } from '../../../../simulators/cloth/trials.ts';
import { createTubeEye } from '../../../../simulators/cloth/tube-camera.ts';
import { createTubeEyeB } from '../../../../simulators/cloth-b/tube.ts';

const plan: TrialPlan = {
  diameterInch: 30,
  gauge: 28,
  feeders: 96,
  coursesPerCm: 18,
  rpm: 35,
  ripple: 0.0005,
  revolutions: 3.2,
  lineFrom: [0.2, 1],
  fps: 40,
  widthPx: 256,
  rowsPx: 32,
  pxPerMm: 7,
  tone: 0.7,
  unevenness: 1,
  shakeMm: 0.025,
  strength: [0.6, 1.1],
  skewPpm: 80,
  jitterMs: 0.2,
  latencyMs: [0, 200],
  countsPerRevolution: 4096,
  telemetryMs: 100,
};
const drawers = {
  a: { generator: 'a', createEye: createTubeEye },
  b: { generator: 'b', createEye: createTubeEyeB },
} as const satisfies Record<string, TrialDrawer>;
const needles = 2639;
/** 25.4 mm / 28 · 0.85 at 7 px/mm. */
const walePx = 5.3975;

function frameOf(trial: Trial, frame: number): Uint8Array {
  const pixels = new Uint8Array(plan.widthPx * trial.input.camera.heightPx);
  trial.draw(frame, pixels);
  return pixels;
}
const columns = (pixels: Uint8Array, fromY: number, toY: number): number[] =>
  Array.from({ length: plan.widthPx }, (_, x) => {
    let sum = 0;
    for (let y = fromY; y < toY; y += 1) sum += pixels[y * plan.widthPx + x] ?? 0;
    return sum / (toY - fromY);
  });
/** Distance between two needles the shorter way round. */
const apart = (a: number, b: number): number => {
  const d = (((a - b) % needles) + needles) % needles;
  return Math.min(d, needles - d);
};

test('N1 the same plan, seed and number give the same trial, whatever was made before', () => {
  for (const drawer of Object.values(drawers)) {
    const make = createTrialMaker(plan, 4, drawer);
    const one = make.trial('index', 3, true);
    frameOf(make.trial('encoder', 8, true), 3);
    const again = make.trial('index', 3, true);
    assert.deepEqual([again.input, again.truth], [one.input, one.truth]);
    assert.deepEqual(frameOf(again, 40), frameOf(one, 40));
    assert.notDeepEqual(make.trial('index', 4, true).truth, one.truth);
    assert.equal(one.input.generator, drawer.generator);
  }
});

test('N2 what the gateway gets is the same whether a needle is worn or not, but for the pictures', () => {
  const make = createTrialMaker(plan, 4, drawers.a);
  for (const position of trialPositions) {
    const worn = make.trial(position, 2, true);
    const good = make.trial(position, 2, false);
    assert.deepEqual(worn.input, good.input);
    assert.equal(good.truth.truthNeedle, null);
    assert.equal(good.truth.firstFrame, null);
  }
});

for (const name of ['a', 'b'] as const) {
  test(`N3 ${name}: the line is at the told column in the frames the truth lists, and nowhere else`, () => {
    const make = createTrialMaker(plan, 6, drawers[name]);
    for (const position of trialPositions) {
      const worn = make.trial(position, 1, true);
      const good = make.trial(position, 1, false);
      const { passes, fromRevolutions } = worn.truth;
      assert.ok(passes.length >= 2 && fromRevolutions !== null);
      const margin = worn.input.camera.marginPx;
      for (let frame = 0; frame < worn.input.frames.length; frame += 1) {
        const pass = passes.find((one) => one.frame === frame);
        // Generator b takes its time: of the frames without the line it draws some.
        if (name === 'b' && pass === undefined && frame % 16 !== 0) continue;
        const [a, b] = [frameOf(worn, frame), frameOf(good, frame)];
        if (pass === undefined) {
          // A line whose beginning is in the image shows in less than half of its rows: that frame is not listed.
          const before = passes[0]?.frame ?? 0;
          if (frame < before && frame > before - 4) continue;
          let most = 0;
          for (let x = 12; x < plan.widthPx - 12; x += 1) {
            for (let y = margin; y < plan.rowsPx + margin; y += 1) {
              const i = y * plan.widthPx + x;
              most = Math.max(most, Math.abs((a[i] ?? 0) - (b[i] ?? 0)));
            }
          }
          assert.ok(most <= 1, `${position} frame ${frame} differs by ${most}`);
          continue;
        }
        if (pass.xPx < 12 || pass.xPx > plan.widthPx - 12) continue;
        const dark = columns(b, margin, margin + plan.rowsPx).map((value, x) =>
          Math.max(0, value - (columns(a, margin, margin + plan.rowsPx)[x] ?? 0) - 2),
        );
        const sum = dark.reduce((s, value) => s + value, 0);
        const at = dark.reduce((s, value, x) => s + value * (x + 0.5), 0) / sum;
        assert.ok(Math.abs(at - pass.xPx) < 1.3, `${position} frame ${frame}: ${at}, not ${pass.xPx}`);
      }
    }
  });
}

// From what the gateway gets alone, as an engineer would work it out by hand.
test('with an encoder the worn needle follows from count, column and calibration, to a needle and a half', () => {
  const make = createTrialMaker(plan, 9, drawers.a);
  for (let number = 1; number <= 8; number += 1) {
    const { input, truth } = make.trial('encoder', number, true);
    for (const { frame, xPx } of truth.passes) {
      const share = (input.frames[frame]?.count ?? 0) / 4096;
      const needle =
        input.calibration.zeroNeedle + input.machine.direction * needles * (share % 1) + (xPx - 128) / walePx;
      assert.ok(apart(needle, truth.truthNeedle ?? -1) < 1.5, `${number}: ${needle}, not ${truth.truthNeedle}`);
    }
  }
});

for (const [name, trials] of [
  ['a', 6],
  ['b', 2],
] as const) {
  test(`${name}: with an index the worn needle follows from the times of the mark, to three needles`, () => {
    const make = createTrialMaker(plan, 10, drawers[name]);
    let judged = 0;
    for (let number = 1; number <= trials; number += 1) {
      const trial = make.trial('index', number, true);
      const { input, truth } = trial;
      const { direction } = input.machine;
      const perMs = (needles * 35) / 60_000;
      /** Times at which the mark was in the middle column. */
      const marks: number[] = [];
      for (const [frame, { capturedMs }] of input.frames.entries()) {
        const ring = columns(frameOf(trial, frame), 1, 5);
        const bright = [...ring.keys()].filter((x) => (ring[x] ?? 0) > 110);
        if (bright.length < 4 || (bright[0] ?? 0) < 8 || (bright.at(-1) ?? 0) > plan.widthPx - 9) continue;
        const x = bright.reduce((s, at) => s + at + 0.5, 0) / bright.length;
        // Numbers rise to the right. Where they rise with the turn, what is on the right is still to come.
        marks.push(capturedMs + (direction * ((x - 128) / walePx)) / perMs);
      }
      for (const { frame, xPx } of truth.passes) {
        const atMs = input.frames[frame]?.capturedMs ?? 0;
        const before = marks.findLast((mark) => mark <= atMs);
        const after = marks.find((mark) => mark > atMs);
        if (before === undefined || after === undefined || after - before < 1000) continue;
        judged += 1;
        const share = (atMs - before) / (after - before);
        const needle = input.calibration.zeroNeedle + direction * needles * share + (xPx - 128) / walePx;
        assert.ok(apart(needle, truth.truthNeedle ?? -1) < 3, `${number}: ${needle}, not ${truth.truthNeedle}`);
      }
    }
    assert.ok(judged >= trials, `${judged} passes lay between two marks`);
  });
}

test('telemetry alone is too coarse: whole revolutions that are up to a poll old, never ahead', () => {
  const { input, truth } = createTrialMaker(plan, 11, drawers.a).trial('telemetry', 1, true);
  assert.ok(input.frames.every((frame) => frame.count === undefined) && input.camera.marginPx === 0);
  const startMs = 1_790_000_000_000;
  for (const { receivedMs, revolutions } of input.telemetry) {
    const turned = truth.revolutions.from + ((receivedMs - startMs) / 60_000) * 35;
    assert.ok(turned - revolutions > -0.05 && turned - revolutions < 1.15, `${revolutions} at ${turned}`);
  }
});

test('camera and gateway have clocks of their own, and frames come late but in order', () => {
  const { input } = createTrialMaker(plan, 12, drawers.a).trial('encoder', 1, true);
  const delays = input.frames.map(({ capturedMs, receivedMs }) => receivedMs - capturedMs);
  assert.ok(Math.max(...delays) - Math.min(...delays) <= 205 && Math.max(...delays) - Math.min(...delays) > 50);
  for (const [i, { capturedMs, receivedMs }] of input.frames.entries()) {
    const before = input.frames[i - 1];
    assert.ok(
      before === undefined || (receivedMs > before.receivedMs && Math.abs(capturedMs - before.capturedMs - 25) < 2),
    );
  }
});
