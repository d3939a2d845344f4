import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  feedbackOf,
  Feedbacks,
  keepLabels,
  labelsVersion,
  mostLabels,
  movedBy,
  readLabels,
  withLabel,
  type SoundLabel,
} from '../../../agent/senses/ear/labels.ts';
import { keyPair, temporaryDir } from '../models/making.ts';

const label = (occurrence: string, more: Partial<SoundLabel> = {}): SoundLabel => ({
  occurrence,
  print: 1,
  said: 'false-alarm',
  cause: null,
  by: 'omar',
  atMs: 1,
  spreads: 0.5,
  ...more,
});

test('L1: an occurrence has the last label that was said, and the same again changes nothing', () => {
  const first = withLabel([], label('o-1'), [1]);
  assert.ok(typeof first !== 'string');
  assert.equal(withLabel(first, label('o-1', { by: 'asha', atMs: 9 }), [1]), 'same');
  const second = withLabel(first, label('o-1', { said: 'real', cause: 'bent needle' }), [1]);
  assert.ok(typeof second !== 'string');
  assert.deepEqual(
    second.map(({ said, cause }) => [said, cause]),
    [['real', 'bent needle']],
  );
});

test('L2: labels of another print move nothing', () => {
  const labels = [label('o-1', { spreads: 1.5 }), label('o-2', { print: 2, spreads: 0 })];
  assert.deepEqual(
    [
      feedbackOf(labels, 1).moved,
      feedbackOf(labels, 2).moved,
      feedbackOf(labels, 3).moved,
      feedbackOf(labels, null).moved,
    ],
    [2.5, 1, 0, 0],
  );
});

test('L3: what is full takes no more, unless labels of prints that are gone make room; no label of one that is there goes', () => {
  const full = Array.from({ length: mostLabels }, (_, i) => label(`o-${i}`, { print: i < 3 ? 1 : 2 }));
  assert.equal(withLabel(full, label('new', { print: 2 }), [1, 2]), 'full');
  const after = withLabel(full, label('new', { print: 2 }), [2]);
  assert.ok(typeof after !== 'string');
  assert.equal(after.length, mostLabels - 3 + 1);
  assert.ok(after.every(({ print }) => print === 2));
  const again = withLabel(full, label('o-7', { print: 2, said: 'real' }), [1, 2]);
  assert.equal(
    typeof again === 'string' ? again : again.length,
    mostLabels,
    'another word of one that is there has room',
  );
});

test('labels are kept signed; what was changed is not believed, moves nothing and is told', (t) => {
  const dataDir = temporaryDir(t);
  const { publicKey, privateKey } = keyPair();
  assert.deepEqual([readLabels(dataDir, 'ls-1', publicKey), labelsVersion(dataDir, 'ls-1')], [[], 0]);
  const warned: string[] = [];
  const feedbacks = new Feedbacks(dataDir, publicKey, (_level, message) => warned.push(message));
  assert.equal(feedbacks.of('ls-1', 1).moved, 0);
  keepLabels(dataDir, 'ls-1', [label('o-1')], privateKey);
  assert.deepEqual(readLabels(dataDir, 'ls-1', publicKey), [label('o-1')]);
  assert.equal(feedbacks.of('ls-1', 1).moved, 1.5, 'read anew when something was said');
  keepLabels(dataDir, 'ls-1', [label('o-1', { spreads: 1 })], privateKey);
  const file = join(dataDir, 'voiceprints/ls-1/labels/2/labels.json');
  writeFileSync(file, readFileSync(file, 'utf8').replace('"spreads": 1', '"spreads": 2'));
  assert.throws(() => readLabels(dataDir, 'ls-1', publicKey), { key: 'statsInvalid' });
  assert.equal(feedbacks.of('ls-1', 1).moved, 0);
  assert.equal(feedbacks.of('ls-1', 1).moved, 0);
  assert.equal(warned.length, 1, 'once');
  for (let i = 0; i < 8; i += 1) keepLabels(dataDir, 'ls-1', [label(`o-${i}`)], privateKey);
  assert.equal(readdirSync(join(dataDir, 'voiceprints/ls-1/labels')).length, 5, 'versions are bounded');
});

test('it is told by which labels a threshold was moved', () => {
  const labels = [
    label('b-1'),
    label('b-2', { cause: 'door' }),
    label('b-3', { said: 'real', cause: 'bent needle', spreads: 2 }),
  ];
  assert.equal(
    movedBy(feedbackOf(labels, 1), 'levels'),
    '2 false alarms (b-1, b-2: door); 1 real fault (b-3: bent needle)',
  );
  assert.equal(movedBy(feedbackOf([], 1), 'levels'), null);
});

test('L2: what was said of alerts that rounds began moves the threshold of rounds alone, within the same bounds', () => {
  const labels = [
    label('o-1', { spreads: 0.5 }),
    label('o-2', { path: 'rounds', spreads: 1 }),
    label('o-3', { path: 'rounds', spreads: 40 }),
  ];
  const feedback = feedbackOf(labels, 1);
  assert.deepEqual([feedback.moved, feedback.movedRounds], [1.5, 3]);
  assert.equal(movedBy(feedback, 'levels'), '1 false alarm (o-1)');
  assert.equal(movedBy(feedback, 'rounds'), '2 false alarms (o-2, o-3)');
  const real = feedbackOf([...labels, label('o-4', { path: 'rounds', said: 'real', spreads: 1.5 })], 1);
  assert.deepEqual([real.moved, real.movedRounds], [1.5, 0.5]);
});
