import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SeenCloth, type SeenStretch, type SeenView } from '../../../models/vision/seen-cloth.ts';

const view = (alongFromMm: number, more: Partial<SeenView> = {}): SeenView => ({
  alongFromMm,
  alongToMm: alongFromMm + 60,
  acrossFrom: 0,
  acrossShare: 1,
  ...more,
});

/** A tube: so many pictures a revolution, each `share` of the way round, `stepMm` of cloth a revolution. */
function tube(cloth: SeenCloth, revolutions: number, pictures: number, share: number, stepMm: number, viewMm: number) {
  const frames = Math.round(revolutions * pictures);
  for (let i = 0; i <= frames; i += 1) {
    const turns = i / pictures;
    cloth.looked({
      alongFromMm: turns * stepMm,
      alongToMm: turns * stepMm + viewMm,
      acrossFrom: turns,
      acrossShare: share,
    });
  }
}

const shareOf = (stretches: readonly SeenStretch[]) =>
  stretches.reduce((sum, { fromMm, toMm, unseen }) => sum + unseen * (toMm - fromMm), 0) /
  stretches.reduce((sum, { fromMm, toMm }) => sum + toMm - fromMm, 0);

test('L1, L2: a web that is seen from edge to edge is one stretch with nothing unseen, as far as the view has left it', () => {
  const cloth = new SeenCloth();
  assert.equal(cloth.take(), null);
  for (let mm = 0; mm <= 1000; mm += 20) cloth.looked(view(mm));
  assert.deepEqual(cloth.take(), {
    newestMm: 1060,
    isAnew: true,
    stretches: [{ fromMm: 0, toMm: 1000, unseen: 0, reason: null }],
  });
  for (let mm = 1000; mm <= 1200; mm += 20) cloth.looked(view(mm));
  const next = cloth.take();
  assert.deepEqual(next?.stretches, [{ fromMm: 1000, toMm: 1200, unseen: 0, reason: null }]);
  assert.equal(next.isAnew, false);
});

test('L2: pictures that reach half way round a tube have looked at half of it', () => {
  const all = new SeenCloth();
  tube(all, 20, 32, 1 / 16, 50, 50);
  assert.ok(shareOf(all.take()?.stretches ?? []) < 0.06);
  const half = new SeenCloth();
  tube(half, 20, 32, 1 / 64, 50, 50);
  const stretches = half.take()?.stretches ?? [];
  assert.ok(Math.abs(shareOf(stretches) - 0.5) < 0.06, String(shareOf(stretches)));
  assert.ok(stretches.every(({ reason }) => reason === 'overload'));
  // A view half as high as the cloth a revolution cannot have looked at more than half.
  const low = new SeenCloth();
  tube(low, 20, 32, 1 / 16, 100, 50);
  assert.ok(Math.abs(shareOf(low.take()?.stretches ?? []) - 0.5) < 0.06);
});

test('L3: what passed while the pictures showed nothing is a stretch of its own, with the reason', () => {
  const cloth = new SeenCloth();
  for (let mm = 0; mm <= 500; mm += 20) cloth.looked(view(mm));
  cloth.missed('camera');
  for (let mm = 1000; mm <= 1500; mm += 20) cloth.looked(view(mm));
  cloth.missed('no-position');
  for (let mm = 2000; mm <= 2500; mm += 20) cloth.looked(view(mm));
  for (let mm = 3000; mm <= 3100; mm += 20) cloth.looked(view(mm));
  assert.deepEqual(
    cloth.take()?.stretches.map(({ fromMm, toMm, unseen, reason }) => [fromMm, toMm, unseen, reason]),
    [
      [0, 560, 0, null],
      [560, 1000, 1, 'camera'],
      [1000, 1560, 0, null],
      [1560, 2000, 1, 'no-position'],
      [2000, 2560, 0, null],
      [2560, 3000, 1, 'overload'],
      [3000, 3100, 0, null],
    ],
  );
});

test('a machine that stands still or is turned back a little adds no cloth', () => {
  const cloth = new SeenCloth();
  for (let mm = 0; mm <= 200; mm += 20) cloth.looked(view(mm));
  for (let i = 0; i < 100; i += 1) cloth.looked(view(200));
  for (let mm = 200; mm >= 0; mm -= 20) cloth.looked(view(mm));
  for (let mm = 0; mm <= 300; mm += 20) cloth.looked(view(mm));
  assert.deepEqual(cloth.take()?.stretches, [{ fromMm: 0, toMm: 300, unseen: 0, reason: null }]);
});

test('L4: a counter that fell or jumped begins anew and says so, and numbers that are none change nothing', () => {
  for (const jump of [-5000, 200_000]) {
    const cloth = new SeenCloth();
    for (let mm = 10_000; mm <= 11_000; mm += 20) cloth.looked(view(mm));
    cloth.take();
    cloth.looked(view(11_000 + jump));
    for (let mm = 0; mm <= 100; mm += 20) cloth.looked(view(11_000 + jump + mm));
    cloth.looked(view(Number.NaN));
    cloth.looked(view(0, { alongToMm: -5 }));
    const report = cloth.take();
    assert.deepEqual(report, {
      newestMm: 11_160 + jump,
      isAnew: true,
      stretches: [{ fromMm: 11_000 + jump, toMm: 11_100 + jump, unseen: 0, reason: null }],
    });
    assert.equal(cloth.take()?.isAnew, false);
  }
});

test('L1, L4: whatever the frames show, the stretches follow each other, are few, and their shares are shares', () => {
  const frame = fc.record({
    stepMm: fc.double({ min: -300, max: 3000, noNaN: true }),
    viewMm: fc.double({ min: 0, max: 100_000, noNaN: true }),
    acrossFrom: fc.double({ min: -5, max: 5, noNaN: true }),
    acrossShare: fc.double({ min: -1, max: 2, noNaN: true }),
    missed: fc.option(fc.constantFrom('camera' as const, 'no-position' as const)),
  });
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 60 }), (frames) => {
      const cloth = new SeenCloth();
      let at = 0;
      let end: number | null = null;
      for (const { stepMm, viewMm, missed, ...across } of frames) {
        if (missed !== null) cloth.missed(missed);
        at += stepMm;
        cloth.looked({ alongFromMm: at, alongToMm: at + viewMm, ...across });
        const report = cloth.take();
        assert.ok(report !== null && report.stretches.length <= 64);
        if (report.isAnew) end = null;
        for (const { fromMm, toMm, unseen, reason } of report.stretches) {
          if (end !== null) assert.equal(fromMm, end);
          assert.ok(toMm > fromMm && unseen >= 0 && unseen <= 1);
          assert.equal(reason === null, unseen === 0);
          end = toMm;
        }
      }
    }),
    { numRuns: 100 },
  );
});
