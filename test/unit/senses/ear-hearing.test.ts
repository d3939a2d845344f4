import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Enrolling } from '../../../agent/senses/ear/enrolling.ts';
import { Hearing, type HearingTold, type SoundPiece, type SpeedPrint } from '../../../agent/senses/ear/hearing.ts';
import { historyBands, historyColumns } from '../../../agent/senses/ear/history.ts';
import { seeded } from '../../../models/statistics/split.ts';
import { parts } from '../../../models/voiceprint/ear.ts';
import { bands } from '../../../models/voiceprint/front-end.ts';
import { piecesASample } from '../../../models/voiceprint/pool.ts';

/** Features of a machine: a level a band, with a spread of its own from piece to piece; `fault` dB are added to some bands. */
function machine(seed: number) {
  const random = seeded(seed);
  return (fault = 0) =>
    Float32Array.from(
      { length: parts * bands },
      (_, i) =>
        -30 -
        (i % bands) / 8 +
        3 * (random() + random() + random() - 1.5) +
        (i % bands > 70 && i % bands < 90 ? fault : 0),
    );
}

function taught(features: () => Float32Array, speed = 4000): SpeedPrint[] {
  const enrolling = new Enrolling(40, bands);
  for (let i = 0; i < 60; i += 1) enrolling.add({ fromMs: i, toMs: i, speed, features: features() });
  return [...enrolling.learn().prints];
}

const silence = new Float32Array(0);
const pieceMs = 500;
const piece = (at: number): SoundPiece => ({
  fromMs: at * pieceMs,
  toMs: (at + 1) * pieceMs,
  samples: silence,
  rateHz: 48_000,
});

/** Lets half seconds go by, with a poll five times in each. */
function listen(
  hearing: Hearing,
  pieces: readonly { readonly speed: number | null; readonly features: Float32Array }[],
): HearingTold[] {
  const told: HearingTold[] = [];
  for (const [at, { speed }] of pieces.entries()) {
    for (let i = 0; i < 5; i += 1) {
      hearing.poll({ timeMs: at * pieceMs + i * 100, isRunning: speed !== 0, speed });
    }
    hearing.offer(piece(at));
    for (const open of hearing.take()) {
      told.push(...hearing.heard(open, pieces[open.fromMs / pieceMs]?.features ?? silence).told);
    }
  }
  return told;
}

test('H1: only pieces amid a run at one speed are taken, and the others are counted by their reason', () => {
  const hearing = new Hearing([]);
  const one = machine(1);
  const speeds = [0, 0, 4000, 4000, 4000, 4000, 4300, 4300, 4300, 4300, null, null, 0, 0, 0];
  listen(
    hearing,
    speeds.map((speed) => ({ speed, features: one() })),
  );
  const { standing, unsteady, speedUnknown, notPolled, judged, dropped } = hearing.counts();
  assert.ok(standing > 0 && unsteady > 0 && speedUnknown > 0 && notPolled > 0);
  assert.equal(judged, 0);
  // Seconds 3 and 4 at one speed, 7 and 8 at the other: their neighbours have a poll of something else.
  const open = speeds.length - standing - unsteady - speedUnknown - notPolled - dropped;
  assert.ok(open >= 4 && open <= 6, String(open));
});

test('H2: a fault is one occurrence that begins with the sound and ends when it is gone', () => {
  const healthy = machine(2);
  const hearing = new Hearing(taught(() => pooledMean(healthy)));
  const half = (fault: number) => ({ speed: 4000, features: healthy(fault) });
  const told = listen(hearing, [
    ...Array.from({ length: 400 }, () => half(0)),
    ...Array.from({ length: 400 }, () => half(8)),
    ...Array.from({ length: 800 }, () => half(0)),
  ]);
  const steps = told.filter(({ kind }) => kind !== 'judged');
  assert.deepEqual(
    steps.map(({ kind }) => kind),
    ['began', 'ended'],
  );
  const [began] = steps;
  assert.ok(began?.kind === 'began');
  assert.ok(began.sinceMs >= 196_000 && began.sinceMs <= 204_000, String(began.sinceMs));
  assert.ok(began.atMs - 200_000 <= 40_000, `told after ${began.atMs - 200_000} ms`);
  assert.ok(began.score > began.threshold);
  assert.ok(began.ranges.length > 0);
});

test('H2: the same machine without a fault tells nothing in three hours', () => {
  const healthy = machine(3);
  const hearing = new Hearing(taught(() => pooledMean(healthy)));
  const told = listen(
    hearing,
    Array.from({ length: 2 * 3 * 3_600 }, () => ({ speed: 4000, features: healthy() })),
  );
  assert.deepEqual(
    told.filter(({ kind }) => kind !== 'judged'),
    [],
  );
  assert.ok(hearing.counts().judged > 2_000);
});

test('H4: what staff said changes what is told of the same sound', () => {
  const healthy = machine(2);
  const prints = taught(() => pooledMean(healthy));
  const weak = (pieces: number) => Array.from({ length: pieces }, () => ({ speed: 4000, features: healthy(0.85) }));
  const kinds = (told: readonly HearingTold[]) => told.map(({ kind }) => kind).filter((kind) => kind !== 'judged');

  const plain = new Hearing(prints);
  const told = listen(plain, weak(800)).find(({ kind }) => kind === 'began');
  assert.ok(told?.kind === 'began');
  const lay = (told.score - told.threshold) / told.spread;
  assert.ok(lay > 0 && lay < 2, `the fault of this test lies ${lay} spreads above`);
  assert.equal(told.moved, 0);

  assert.deepEqual(kinds(listen(new Hearing(prints, lay + 1), weak(800))), [], 'a false alarm is not told again');
  const lowered = new Hearing(prints, -1);
  const sooner = listen(lowered, weak(800)).find(({ kind }) => kind === 'began');
  assert.ok(sooner?.kind === 'began' && sooner.atMs < told.atMs);
  assert.ok(Math.abs(sooner.threshold - (told.threshold - told.spread)) < 1e-9);
  assert.equal(sooner.moved, -1);
});

test('H4: an occurrence that lasts ends when the threshold is moved above it', () => {
  const healthy = machine(2);
  const hearing = new Hearing(taught(() => pooledMean(healthy)));
  const half = (at: number) => ({ speed: 4000, features: healthy(0.85), at });
  let moved = false;
  const told: HearingTold[] = [];
  for (let at = 0; at < 1600; at += 1) {
    for (let i = 0; i < 5; i += 1) hearing.poll({ timeMs: at * pieceMs + i * 100, isRunning: true, speed: 4000 });
    hearing.offer(piece(at));
    for (const open of hearing.take()) told.push(...hearing.heard(open, half(at).features).told);
    if (!moved && hearing.isOdd) {
      moved = true;
      hearing.move(3);
    }
  }
  assert.deepEqual(
    told.map(({ kind }) => kind).filter((kind) => kind !== 'judged'),
    ['began', 'ended'],
  );
});

test('H3: a speed that was not taught is counted and not judged', () => {
  const healthy = machine(4);
  const hearing = new Hearing(taught(() => pooledMean(healthy)));
  const told = listen(
    hearing,
    Array.from({ length: 120 }, () => ({ speed: 3000, features: healthy(20) })),
  );
  assert.deepEqual(told, []);
  assert.ok(hearing.counts().untaughtSpeed > 10);
});

test('H4: without polls pieces wait no longer than there is room, and are counted', () => {
  const hearing = new Hearing([]);
  for (let i = 0; i < 100; i += 1) hearing.offer(piece(i));
  assert.equal(hearing.counts().notPolled, 60);
  assert.deepEqual(hearing.take(), []);
});

test('H1: whatever the polls say, every piece is taken, counted or waits', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(0, 4000, 4400, null), { maxLength: 60 }), (speeds) => {
      const hearing = new Hearing([]);
      let taken = 0;
      for (const [second, speed] of speeds.entries()) {
        hearing.poll({ timeMs: second * 1000, isRunning: speed !== 0, speed });
        hearing.offer(piece(second));
        // Of what stood some is heard as the hall, and counted as standing.
        taken += hearing.take().filter((open) => open.speed > 0).length;
      }
      const { standing, unsteady, speedUnknown, notPolled } = hearing.counts();
      const rest = speeds.length - taken - standing - unsteady - speedUnknown - notPolled;
      assert.ok(rest >= 0 && rest <= 40);
    }),
  );
});

test('the picture of a minute holds 64 levels twice a second, and the difference to what was taught', () => {
  const healthy = machine(5);
  const hearing = new Hearing(taught(() => pooledMean(healthy)));
  listen(
    hearing,
    Array.from({ length: 200 }, () => ({ speed: 4000, features: healthy(10) })),
  );
  const columns = hearing.history.columns();
  assert.equal(columns.length, historyColumns);
  assert.ok(columns.every(({ levels, off }) => levels.length === historyBands && off?.length === historyBands));
  const odd = columns.at(-1)?.off?.[40] ?? 0;
  assert.ok(odd > 6 && odd < 14, String(odd));
});

/** As a sample of pieces is: their mean. */
function pooledMean(features: () => Float32Array): Float32Array {
  const all = Array.from({ length: piecesASample }, () => features());
  return Float32Array.from(
    { length: parts * bands },
    (_, i) => all.reduce((sum, one) => sum + (one[i] ?? 0), 0) / all.length,
  );
}

/** A second of a glide through five harmonics: a voice, as the gate hears it. */
const voice = (seconds: number) =>
  Float32Array.from({ length: Math.round(16_000 * seconds) }, (_, i) => {
    const phase = 2 * Math.PI * (150 * (i / 16_000) - 2 * Math.cos((3 * i) / 16_000));
    return 0.1 * [1, 2, 3, 4, 5].reduce((sum, h) => sum + Math.sin(h * phase) / h, 0);
  });

test('H1: pieces with a voice in them are counted as speech and not taken, and too many of them are told until there are fewer', () => {
  const hearing = new Hearing([]);
  const random = seeded(9);
  const noise = () => Float32Array.from({ length: 8_000 }, () => 0.02 * (random() - 0.5));
  const [spoken, quiet] = [voice(0.5), noise()];
  let taken = 0;
  let at = 0;
  const listenTo = (pieces: number, isSpoken: (i: number) => boolean) => {
    for (let i = 0; i < pieces; i += 1, at += 1) {
      for (let k = 0; k < 5; k += 1) hearing.poll({ timeMs: at * pieceMs + k * 100, isRunning: true, speed: 4000 });
      const samples = quiet.map((value, n) => value + (isSpoken(i) ? (spoken[n] ?? 0) : 0));
      hearing.offer({ ...piece(at), samples, rateHz: 16_000 });
      taken += hearing.take().length;
    }
  };
  listenTo(130, () => false);
  assert.deepEqual([hearing.counts().speech, hearing.leavesOutTooMuch], [0, false]);
  // Every other piece: what is heard all the time would be the machine's.
  const before = taken;
  listenTo(240, (i) => i % 5 < 3);
  assert.ok(hearing.counts().speech > 120, String(hearing.counts().speech));
  assert.equal(taken - before + hearing.counts().speech, 240);
  assert.equal(hearing.leavesOutTooMuch, true);
  listenTo(200, () => false);
  assert.equal(hearing.leavesOutTooMuch, false);
});
