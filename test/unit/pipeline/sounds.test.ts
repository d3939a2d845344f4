import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadProfile } from '../../../drivers/profiles/load.ts';
import type { OddSound } from '../../../agent/pipeline-ports.ts';
import { oddSound, Rig, setupOf, standing } from './rig.ts';

const sewing = loadProfile('sewing-modbus-ref', []);
const machines = [setupOf('ls-1', sewing, { hasEar: true })];
const odd = (rig: Rig, more: Partial<OddSound> = {}): OddSound =>
  oddSound({
    sinceMs: rig.wallMs - 20_000,
    speed: 4000,
    ranges: [{ what: 'level', fromHz: 3000, toHz: 8000, db: 9.04 }],
    suspected: [
      { fault: 'bentNeedle', probability: 0.8249 },
      { fault: 'bluntNeedle', probability: 0.1 },
    ],
    angle: { degrees: 142.6, k: 3.2 },
    needles: { needles: [512, 487], k: 2 },
    ...more,
  });
const ears = (rig: Rig) => rig.alerts().filter(({ type }) => type === 'sound_odd');

test('S1: a stretch of odd sound is one event that is opened and closed, and one occurrence', () => {
  const rig = new Rig({ machines });
  const { occurrence } = rig.pipeline.sound.began(odd(rig));
  assert.ok(occurrence !== null);
  const [raised] = ears(rig);
  assert.equal(raised?.onsetMs, rig.wallMs - 20_000, 'since the first odd sound');
  assert.equal(raised?.evidence['bands'], 'level 3000-8000 Hz +9 dB');
  assert.equal(raised?.evidence['suspected'], 'bentNeedle 0.82; bluntNeedle 0.1');
  assert.equal(raised?.evidence['angle'], '143 ± 4 degrees');
  assert.equal(raised?.evidence['needles'], '512 ± 2; 487 ± 2');
  rig.pass(60_000);
  rig.pipeline.sound.ended('ls-1', rig.wallMs);
  const events = rig.events('sound_odd');
  assert.deepEqual(
    events.map(({ phase }) => phase),
    ['opened', 'closed'],
  );
  assert.equal(ears(rig).at(-1)?.transition, 'returned');
  assert.deepEqual(new Set(ears(rig).map((alert) => alert.occurrence)).size, 1);
});

test('S1: an end without a beginning, and a machine that nobody watches, tell nothing', () => {
  const rig = new Rig({ machines });
  rig.pipeline.sound.ended('ls-1', rig.wallMs);
  assert.equal(rig.pipeline.sound.began(odd(rig, { machine: 'nobody' })).occurrence, null);
  assert.deepEqual([rig.events('sound_odd').length, ears(rig).length], [0, 0]);
});

test('S2: when the ear is started anew its alert stays until it has listened long enough', () => {
  const rig = new Rig({ machines });
  rig.pipeline.sound.began(odd(rig));
  rig.pipeline.sound.anew('ls-1', rig.wallMs);
  assert.deepEqual(
    rig.events('sound_odd').map(({ phase, data }) => [phase, data['lost'] ?? null]),
    [
      ['opened', null],
      ['closed', true],
    ],
  );
  assert.notEqual(ears(rig).at(-1)?.transition, 'returned');
  rig.pipeline.sound.calm('ls-1', rig.wallMs);
  assert.equal(ears(rig).at(-1)?.transition, 'returned');
});

test('S2: what it has found again since is not ended by having listened long enough', () => {
  const rig = new Rig({ machines });
  rig.pipeline.sound.began(odd(rig));
  rig.pipeline.sound.anew('ls-1', rig.wallMs);
  rig.pipeline.sound.began(odd(rig));
  rig.pipeline.sound.calm('ls-1', rig.wallMs);
  assert.notEqual(ears(rig).at(-1)?.transition, 'returned');
});

test('who hears of the alert is told what to do', () => {
  const rig = new Rig({ machines });
  assert.match(rig.pipeline.runbook('ls-1', 'ear-odd-sound') ?? '', /Go and listen/);
});

test('that a machine was enrolled is kept as an event', async () => {
  const rig = new Rig({ machines });
  await rig.pipeline.sound.taught('ls-1', { version: 3 });
  assert.deepEqual(
    rig.events('voiceprint_taught').map(({ data }) => data['version']),
    [3],
  );
});

test('an alert says by how much and by which labels the threshold was moved, and what is needed to label it', () => {
  const rig = new Rig({ machines });
  rig.pipeline.sound.began(odd(rig, { moved: 1.5, movedBy: '1 false alarm (b-1: loose cover)' }));
  const { score, threshold, spread, print, moved, movedBy } = ears(rig)[0]?.evidence ?? {};
  assert.deepEqual(
    { score, threshold, spread, print, moved, movedBy },
    { score: 6.21, threshold: 5.5, spread: 0.25, print: 2, moved: 1.5, movedBy: '1 false alarm (b-1: loose cover)' },
  );
});

test('what was said of an alert is kept as an event', async () => {
  const rig = new Rig({ machines });
  await rig.pipeline.sound.labelled('ls-1', { occurrence: 'o', said: 'real', cause: 'bent needle', by: 'omar' });
  const [event] = rig.events('sound_labelled');
  assert.deepEqual(
    [event?.phase, event?.machine, event?.data['cause'], event?.data['by']],
    ['instant', 'ls-1', 'bent needle', 'omar'],
  );
});

test('what the ear says of itself becomes an alert, and ends', () => {
  const rig = new Rig({ machines });
  rig.read('ls-1', standing);
  const of = (type: string) => rig.alerts().filter((alert) => alert.type === type);
  for (const [name, type] of [
    ['microphone.dead', 'microphone_dead'],
    ['ear.not_taught', 'ear_not_taught'],
    ['ear.judges_nothing', 'ear_judges_nothing'],
    ['ear.crash_loop', 'ear_down'],
  ] as const) {
    const condition = { kind: 'condition', machine: 'ls-1', name, atMs: rig.wallMs, text: null } as const;
    rig.pipeline.accept({ ...condition, active: true });
    rig.pass(1_000);
    assert.equal(of(type).at(-1)?.transition, 'raised', name);
    rig.pipeline.accept({ ...condition, active: false });
    rig.pass(1_000);
    assert.equal(of(type).at(-1)?.transition, 'returned', name);
  }
});
