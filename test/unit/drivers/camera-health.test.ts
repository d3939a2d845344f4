import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  defaultHealthOptions,
  passTime,
  seeFrame,
  startHealth,
  troubles,
  type CameraHealth,
} from '../../../drivers/camera/health.ts';
import { type FrameMeasure, measureFrame } from '../../../drivers/camera/measure.ts';
import { type CameraReference, referenceOf } from '../../../drivers/camera/scene.ts';
import { Random } from './modbus-random.ts';

const [width, height] = [160, 120];
type Look = (x: number, y: number) => number;

/** Cloth of a fine weave between two dark borders, with noise as every sensor has it. */
const cloth =
  ({ shift = 0, gain = 1, phase = 0 } = {}): Look =>
  (x, y) => {
    const at = x - shift;
    if (at < 20 || at > 135) return 30 * gain;
    return (120 + 40 * Math.sin((at + phase) * 1.9) * Math.sin(y * 1.7)) * gain;
  };

function shot(scene: Look, random: Random, blurred = 0): Uint8Array {
  const pixels = new Uint8Array(width * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      let value = 0;
      // A lens out of focus is the mean of what lies around.
      for (let dx = -blurred; dx <= blurred; dx += 1) value += scene(x + dx, y) / (2 * blurred + 1);
      pixels[y * width + x] = Math.max(0, Math.min(255, Math.round(value + random.below(5) - 2)));
    }
  }
  return pixels;
}

class Rig {
  readonly random = new Random(7);
  health: CameraHealth = startHealth(0);
  nowMs = 0;
  reference: CameraReference | null = null;
  readonly measures: FrameMeasure[] = [];
  readonly states: string[] = [];

  #note(health: CameraHealth): void {
    if (health.state !== this.health.state) this.states.push(health.state);
    this.health = health;
  }

  /** Five frames a second for so long. */
  see(ms: number, scene: Look, { blurred = 0, frozen = false } = {}): void {
    let pixels = shot(scene, this.random, blurred);
    for (const endMs = this.nowMs + ms; this.nowMs < endMs;) {
      this.nowMs += 200;
      if (!frozen) pixels = shot(scene, this.random, blurred);
      const measure = measureFrame({ width, height, pixels, masked: null });
      this.measures.push(measure);
      this.#note(seeFrame(this.health, measure, this.nowMs, this.reference));
    }
  }

  wait(ms: number): void {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs;) {
      this.nowMs += 500;
      this.#note(passTime(this.health, this.nowMs));
    }
  }

  teach(): void {
    this.see(5_000, cloth());
    this.reference = referenceOf(this.measures);
    assert.ok(this.reference !== null);
  }
}

test('a camera that is well is well, whatever the light does and however the cloth runs by', () => {
  const rig = new Rig();
  rig.teach();
  for (let phase = 0; phase < 40; phase += 1) rig.see(400, cloth({ phase: phase * 3, gain: 0.7 + phase / 80 }));
  assert.deepEqual(rig.states, ['ok']);
  assert.equal(rig.health.reason, null);
});

test('H4: without frames it is stalled, from the first moment on; with frames it is well again', () => {
  const rig = new Rig();
  rig.wait(2_500);
  assert.deepEqual(rig.states, []);
  rig.wait(1_000);
  assert.deepEqual(rig.states, ['stalled']);
  assert.match(rig.health.reason ?? '', /^no picture for [34] s$/);
  rig.see(1_500, cloth());
  assert.equal(rig.health.state, 'stalled', 'one picture is no health');
  rig.see(1_500, cloth());
  assert.deepEqual(rig.states, ['stalled', 'ok']);
});

test('H4: the very same picture again and again is stalled, too', () => {
  const rig = new Rig();
  rig.see(1_000, cloth());
  rig.see(9_000, cloth(), { frozen: true });
  assert.deepEqual(rig.states, ['ok']);
  rig.see(2_000, cloth(), { frozen: true });
  // A new picture, but the same for ten seconds again.
  assert.deepEqual(rig.states, ['ok']);
  rig.see(11_000, cloth(), { frozen: true });
  assert.deepEqual(rig.states, ['ok', 'stalled']);
  assert.match(rig.health.reason ?? '', /^the very same picture for 1\d s$/);
});

test('black, over-exposed, defocused and moved are each told with their figure, and end', () => {
  const cases: readonly [string, Look, number, RegExp][] = [
    ['black', () => 3, 0, /^100 % of the picture is black$/],
    ['over-exposed', cloth({ gain: 3 }), 0, /^\d+ % of the picture is white$/],
    ['defocused', cloth(), 3, /^sharpness is \d+ % of what was taught$/],
    ['moved', cloth({ shift: 8 }), 0, /^it is moved by \d\.\d % of the picture$/],
    ['moved', (x, y) => (y < 50 ? 200 : 60) + (x % 3), 0, /^it shows another scene than was taught$/],
  ];
  for (const [state, scene, blurred, reason] of cases) {
    const rig = new Rig();
    rig.teach();
    rig.see(8_000, scene, { blurred });
    // Focus is judged at once, the place over many pictures: another scene is told as the one first and as the other then.
    assert.deepEqual([rig.states[0], rig.states.at(-1)], ['ok', state]);
    assert.match(rig.health.reason ?? '', reason);
    rig.see(8_000, cloth());
    assert.equal(rig.health.state, 'ok');
  }
});

test('H1: a moment is no trouble, and between the two limits nothing changes', () => {
  const rig = new Rig();
  rig.see(1_000, cloth());
  const dark =
    (share: number): Look =>
    (x) =>
      x < width * share ? 3 : 120;
  rig.see(1_800, dark(1));
  rig.see(1_000, cloth());
  assert.deepEqual(rig.states, ['ok'], 'shorter than two seconds');
  rig.see(4_000, dark(0.95));
  assert.deepEqual(rig.states, ['ok'], 'between the limits it is not raised');
  rig.see(3_000, dark(1));
  rig.see(4_000, dark(0.95));
  assert.deepEqual(rig.states, ['ok', 'black'], 'between the limits it is not cleared');
  rig.see(3_000, dark(0.5));
  assert.deepEqual(rig.states, ['ok', 'black', 'ok']);
});

test('H2: in the dark nobody judges focus and place; silence is worse than all', () => {
  const rig = new Rig();
  rig.teach();
  rig.see(8_000, () => 3, { blurred: 3 });
  assert.equal(rig.health.latches.defocused.isOn, false);
  rig.wait(4_000);
  assert.equal(rig.health.state, 'stalled');
  assert.equal(rig.health.latches.black.isOn, true);
});

test('H3: without a reference nothing is said of focus and place', () => {
  const rig = new Rig();
  rig.see(5_000, cloth({ shift: 15 }), { blurred: 4 });
  assert.deepEqual(rig.states, ['ok']);
});

test('files are never stalled', () => {
  const options = { ...defaultHealthOptions, stalledMs: null };
  const later = passTime(startHealth(0), 1_000_000, options);
  assert.equal(later.state, 'starting');
});

test('what the mask covers makes a camera neither black nor white', () => {
  const pixels = new Uint8Array(100 * 100).fill(120);
  const masked = new Uint8Array(100 * 100);
  for (let at = 0; at < 9_900; at += 1) {
    masked[at] = 1;
    pixels[at] = at % 2 === 0 ? 0 : 255;
  }
  const { blackShare, whiteShare, sharpness } = measureFrame({ width: 100, height: 100, pixels, masked });
  assert.deepEqual([blackShare, whiteShare, sharpness], [0, 0, 0]);
  masked.fill(1);
  assert.equal(measureFrame({ width: 100, height: 100, pixels, masked }).blackShare, 0);
});

test('any frames at any times: a state has its reason, and one that is told held its time', () => {
  const measure = fc.record({
    blackShare: fc.constantFrom(0, 0.95, 1),
    whiteShare: fc.constantFrom(0, 0.2, 0.5),
    sharpness: fc.constantFrom(0.1, 0.6, 1),
    columns: fc.constant([] as readonly number[]),
    rows: fc.constant([] as readonly number[]),
    pitchPx: fc.constant(null),
    lean: fc.constant(null),
    hash: fc.nat(1_000_000),
  });
  const reference = { sharpness: 1, columns: [], rows: [], pitchPx: null, lean: null };
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(1_500), fc.option(measure)), { maxLength: 60 }), (steps) => {
      let health = startHealth(0);
      let nowMs = 0;
      for (const [ms, frame] of steps) {
        nowMs += ms;
        const before = health;
        health = frame === null ? passTime(health, nowMs) : seeFrame(health, frame, nowMs, reference);
        assert.equal(health.reason === null, health.state === 'ok' || health.state === 'starting');
        assert.equal(health.reason === '', false);
        for (const trouble of troubles) {
          const latch = health.latches[trouble];
          if (latch.isOn === before.latches[trouble].isOn || trouble === 'stalled') continue;
          const sinceMs = before.latches[trouble].changingSinceMs ?? nowMs;
          assert.ok(nowMs - sinceMs >= 2_000, `${trouble} after ${nowMs - sinceMs} ms`);
        }
        const worst = troubles.find((trouble) => health.latches[trouble].isOn);
        assert.equal(health.state, worst ?? (health.frames === 0 ? 'starting' : 'ok'));
      }
    }),
    { numRuns: 1_000 },
  );
});
