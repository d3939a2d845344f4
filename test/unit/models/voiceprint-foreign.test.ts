import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seeded } from '../../../models/statistics/split.ts';
import { ForeignGate, type ForeignReason } from '../../../models/voiceprint/foreign.ts';

const rateHz = 16_000;
const pieceMs = 512;
const length = (rateHz * pieceMs) / 1000;
const speed = 4_000;

/** Something beside the machine, at a time in seconds. */
type Beside = (timeS: number) => number;
const silence: Beside = () => 0;
const tone =
  (hz: number): Beside =>
  (timeS) =>
    Math.sin(2 * Math.PI * hz * timeS);
const alternating: Beside = (timeS) => tone(Math.floor(2 * timeS) % 2 === 0 ? 800 : 1_000)(timeS);
const siren: Beside = (timeS) => Math.sin(2 * Math.PI * (1_000 * timeS - 127 * Math.cos(Math.PI * timeS)));
/** A hook that runs dry: 3 to 4 kHz, up and down three times a second. */
const squeal: Beside = (timeS) => Math.sin(2 * Math.PI * (3_500 * timeS - 26.5 * Math.cos(6 * Math.PI * timeS)));
/** A voice whose pitch glides, in syllables four times a second. */
const voice: Beside = (timeS) => {
  const syllable = Math.max(0, Math.sin(2 * Math.PI * 4 * timeS));
  let sum = 0;
  for (let h = 1; h <= 12; h += 1) sum += Math.sin(2 * Math.PI * h * (140 * timeS - 1.5 * Math.cos(3 * timeS))) / h;
  return syllable * sum;
};

/** A machine whose noise is steady and that knocks at each stitch, and something beside it. */
function listen() {
  const gate = new ForeignGate();
  const random = seeded(7);
  let at = 0;
  const piece = (runs: boolean, beside: Beside) => {
    const samples = Float32Array.from({ length }, (_, i) => {
      const timeS = (at * length + i) / rateHz;
      const sinceStitch = timeS % (60 / speed);
      const knock = 0.3 * Math.exp(-sinceStitch * 300) * Math.sin(2 * Math.PI * 1_900 * sinceStitch);
      return (runs ? knock + 0.1 * (random() - 0.5) : 0.003 * (random() - 0.5)) + 0.1 * beside(timeS);
    });
    at += 1;
    return { samples, rateHz, fromMs: (at - 1) * pieceMs, toMs: at * pieceMs };
  };
  const run = (pieces: number, beside: Beside = silence, at = speed): (ForeignReason | null)[] =>
    Array.from({ length: pieces }, () => gate.running(piece(true, beside), at));
  const stand = (pieces: number, beside: Beside = silence): void => {
    for (let i = 0; i < pieces; i += 1) gate.standing(piece(false, beside));
  };
  return { run, stand };
}
const passed = (answers: readonly (ForeignReason | null)[]) => share(answers, null);
const share = (answers: readonly (ForeignReason | null)[], reason: ForeignReason | null) =>
  answers.filter((one) => one === reason).length / answers.length;

test('a voice beside the machine is left out as speech, and what comes after it is not', () => {
  const { run } = listen();
  assert.equal(share(run(20), null), 1);
  assert.ok(share(run(10, voice), 'speech') >= 0.8);
  assert.equal(share(run(10), null), 1);
});

for (const [name, sound] of Object.entries({ steady: tone(3_000), alternating, siren })) {
  test(`X2: an alarm (${name}) is left out at once, for a while; heard while the machine stands, for longer`, () => {
    const { run, stand } = listen();
    run(20);
    const short = run(10, sound);
    // Some of it may be taken for a voice.
    assert.ok(passed(short) <= 0.2 && share(short, 'alarm') >= 0.6, JSON.stringify(short));
    stand(4, sound);
    run(4);
    const long = run(30, sound);
    assert.ok(passed(long) <= 0.2 && share(long, 'alarm') >= 0.6, JSON.stringify(long));
  });
}

test('X2: a tone that is not heard while the machine stands is the machine’s at once', () => {
  const { run, stand } = listen();
  run(20);
  run(4, tone(3_000));
  stand(4);
  assert.equal(share(run(20, tone(3_000)), null), 1);
});

test('X2: a hook that squeals is judged but for a quarter of a minute at most, however often the machine stops', () => {
  const { run, stand } = listen();
  run(20);
  const answers = [...run(60, squeal)];
  assert.ok(answers.filter((one) => one !== null).length * pieceMs <= 16_000, JSON.stringify(answers));
  assert.ok(passed(answers.slice(-20)) >= 0.9);
  stand(4);
  assert.ok(passed(run(20, squeal)) >= 0.9);
});

test('X2: an alarm that goes on and on is not left out for ever', () => {
  const { run, stand } = listen();
  run(20);
  stand(4, siren);
  const answers: (ForeignReason | null)[] = [];
  for (let i = 0; i < 70; i += 1) {
    answers.push(...run(10, siren));
    stand(1, siren);
  }
  assert.ok(answers.filter((one) => one === 'alarm').length * pieceMs <= 301_000);
  assert.ok(share(answers.slice(-50), null) >= 0.8);
});

test('what stays beside a machine becomes its own within half a minute, whatever it is', () => {
  const { run } = listen();
  run(20);
  const hum: Beside = (timeS) => [1, 2, 3, 4, 5, 6].reduce((sum, h) => sum + tone(h * 230)(timeS) / h, 0);
  assert.equal(run(5, hum)[2], 'speech', 'at first it may be a voice');
  run(50, hum);
  assert.equal(share(run(10, hum), null), 1);
});

test('each speed has its own sound, another rate is begun anew, and what is too short is let pass', () => {
  const { run } = listen();
  for (const at of [1_000, 2_000, 3_000, 4_000]) assert.equal(share(run(4, silence, at), null), 1);
  const gate = new ForeignGate();
  const about = { fromMs: 0, toMs: 1 };
  assert.equal(gate.running({ samples: new Float32Array(0), rateHz, ...about }, speed), null);
  for (const rate of [16_000, 48_000, 44_100]) {
    const random = seeded(rate);
    const samples = Float32Array.from({ length: rate / 2 }, () => random() - 0.5);
    assert.equal(gate.running({ samples, rateHz: rate, ...about }, speed), null, String(rate));
  }
});
