/** The ear over the page's API: who may say what an alert was and who may teach, and what is told. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { operations } from '../../../agent/page/api.ts';
import { english } from '../../../agent/web/speech.ts';
import {
  knownSoundWord,
  labelWord,
  movedRoundsWord,
  movedWord,
  otherVersionsWord,
  pathWord,
  roundsWord,
  soundOutcomeWord,
  soundProgress,
  suspectedWords,
  toldWord,
} from '../../../agent/web/sound-words.ts';
import { alertView } from './floor-demo.ts';
import { createFloor } from './floor.ts';
import { as, call, goodPassword, signIn, startPage, type SignedIn } from './harness.ts';

async function begin(t: TestContext) {
  const floor = createFloor();
  floor.setMachine('ls-1', { hasEar: true });
  floor.raise(alertView({ occurrence: 'occ-odd', machine: 'ls-1', type: 'sound_odd', text: 'Odd' }));
  floor.raise(alertView({ occurrence: 'occ-oil', machine: 'ls-1', type: 'oil_low', text: 'Oil' }));
  const { port, users } = await startPage(t, {}, floor);
  await users.add('asha', 'admin', goodPassword);
  await users.add('omar', 'maintainer', goodPassword);
  await users.add('mina', 'viewer', goodPassword);
  const [omar, mina] = [await signIn(port, 'omar'), await signIn(port, 'mina')];
  const get = (machine: string) => call(port, `/api/machines/${machine}/sound`, { headers: as(mina) });
  const post = (who: SignedIn, path: string, body: object = {}) =>
    call(port, `/api/${path}`, { method: 'POST', body, headers: as(who) });
  return { floor, port, omar, mina, get, post };
}
const codeOf = (answer: { json: Record<string, unknown> }) => (answer.json['error'] as { code: string }).code;
const deeds = [
  ['alerts/occ-odd/label', { said: 'false-alarm' }],
  ['alerts/occ-odd/label/take-back', {}],
  ['machines/ls-1/sound/teach', {}],
  ['machines/ls-1/sound/teach/cancel', {}],
] as const;

test('a viewer sees what the ear knows, and says and teaches nothing; without a token of the page nobody does', async (t) => {
  const { floor, port, omar, mina, get, post } = await begin(t);
  const answer = await get('ls-1');
  assert.equal(answer.status, 200);
  assert.equal(operations.sound.response.parse(answer.json).print, null);
  const none = await get('ck-1');
  assert.deepEqual([none.status, codeOf(none)], [404, 'no-ear']);
  for (const [path, body] of deeds) {
    assert.equal((await post(mina, path, body)).status, 403, path);
    const stray = await call(port, `/api/${path}`, { method: 'POST', body, headers: { cookie: omar.cookie } });
    assert.deepEqual([stray.status, codeOf(stray)], [403, 'csrf'], path);
    assert.equal((await call(port, `/api/${path}`, { method: 'POST', body })).status, 401, path);
  }
  assert.deepEqual(floor.heard, []);
});

test('a maintainer says under the own name what an alert was, and takes it back', async (t) => {
  const { floor, omar, get, post } = await begin(t);
  const said = await post(omar, 'alerts/occ-odd/label', { said: 'real', cause: '  bent needle ' });
  assert.equal(said.status, 200);
  const [label] = operations.labelSound.response.parse(said.json).labels;
  assert.deepEqual([label?.said, label?.cause, label?.by], ['real', 'bent needle', 'omar']);
  const empty = await post(omar, 'alerts/occ-odd/label', { said: 'false-alarm', cause: ' ' });
  assert.equal(operations.labelSound.response.parse(empty.json).labels[0]?.cause, null);
  assert.equal(operations.sound.response.parse((await get('ls-1')).json).moved, 1.5);
  assert.equal((await post(omar, 'alerts/occ-odd/label/take-back')).status, 200);
  const twice = await post(omar, 'alerts/occ-odd/label/take-back');
  assert.deepEqual([twice.status, codeOf(twice)], [409, 'no-label']);
  assert.deepEqual(
    floor.heard.map(({ deed, by }) => [deed, by]),
    [
      ['real', 'omar'],
      ['false-alarm', 'omar'],
      ['take-back', 'omar'],
    ],
  );
});

test('what is no alert of the ear, and what says something else, is refused', async (t) => {
  const { floor, omar, post } = await begin(t);
  for (const occurrence of ['occ-oil', 'nothing']) {
    const answer = await post(omar, `alerts/${occurrence}/label`, { said: 'real' });
    assert.deepEqual([answer.status, codeOf(answer)], [404, 'unknown-occurrence']);
  }
  for (const body of [{}, { said: 'maybe' }, { said: 'real', cause: 'x'.repeat(201) }, { said: 'real', by: 'asha' }]) {
    assert.equal((await post(omar, 'alerts/occ-odd/label', body)).status, 400, JSON.stringify(body));
  }
  assert.deepEqual(floor.heard, []);
});

test('a maintainer enrols a machine under the own name, one enrolment at a time, and stops it', async (t) => {
  const { floor, omar, get, post } = await begin(t);
  const early = await post(omar, 'machines/ls-1/sound/teach/cancel');
  assert.deepEqual([early.status, codeOf(early)], [409, 'not-running']);
  assert.equal((await post(omar, 'machines/ls-1/sound/teach', { samples: 5 })).status, 400);
  const begun = await post(omar, 'machines/ls-1/sound/teach');
  assert.equal(begun.status, 200);
  const again = await post(omar, 'machines/ls-1/sound/teach', { samples: 60 });
  assert.deepEqual([again.status, codeOf(again)], [409, 'busy']);
  const { teaching } = operations.sound.response.parse((await get('ls-1')).json);
  assert.deepEqual([teaching?.state, teaching?.wanted, teaching?.by], ['running', 40, 'omar']);
  assert.equal((await post(omar, 'machines/ls-1/sound/teach/cancel')).status, 200);
  for (const deed of ['teach', 'teach/cancel'])
    assert.equal(codeOf(await post(omar, `machines/ck-1/sound/${deed}`)), 'no-ear');
  assert.deepEqual(floor.heard, [
    { deed: 'teach', of: 'ls-1', by: 'omar' },
    { deed: 'cancel', of: 'ls-1', by: 'omar' },
  ]);
});

const at = (ms: number) => `at ${ms}`;
const version = (number: number) => ({ version: number, taughtMs: number, speeds: [{ speed: 4000, samples: 40 }] });

test('what the card says: what is known, what is kept beside it, how far each speed is, and what became of it', () => {
  assert.match(knownSoundWord({ print: null, versions: [version(1)] }, at, english), /was not taught this machine yet/);
  assert.equal(
    knownSoundWord({ print: 2, versions: [version(2), version(1)] }, at, english),
    'The ear knows this machine: version 2, taught at 2 at 1 speed.',
  );
  assert.equal(
    otherVersionsWord({ print: 2, versions: [version(2), version(1)] }, at, english),
    'Kept beside it: version 1, at 1.',
  );
  assert.equal(otherVersionsWord({ print: 1, versions: [version(1)] }, at, english), null);
  const speeds = [
    { speed: 4000.4, samples: 47 },
    { speed: 2500, samples: 12 },
  ];
  assert.deepEqual(soundProgress({ wanted: 40, speeds }, english), [
    '4000 a minute: 40 of 40 samples, enough',
    '2500 a minute: 12 of 40 samples, 28 still needed',
  ]);
  const about = { by: 'omar', startedMs: 1, wanted: 40, speeds, version: null, leftOut: [], reason: null };
  assert.equal(soundOutcomeWord({ ...about, state: 'running' }, english), null);
  assert.match(soundOutcomeWord({ ...about, state: 'stopped' }, english) ?? '', /nothing was learned/);
  assert.equal(
    soundOutcomeWord({ ...about, state: 'failed', reason: 'no room' }, english),
    'Nothing was learned: no room.',
  );
  assert.equal(
    soundOutcomeWord({ ...about, state: 'done', version: 3, leftOut: [{ speed: 900, samples: 2 }] }, english),
    'Learned as version 3 at 2 speeds. Too little was heard at 1 other speed. The ear uses it within seconds.',
  );
});

test('what the card says of what was said: who, what, and by how much it moved the threshold', () => {
  const label = {
    occurrence: 'o',
    print: 2,
    atMs: 1,
    spreads: 0.5,
    by: 'omar',
    cause: 'bent needle',
    said: 'real',
  } as const;
  assert.equal(labelWord(label, english), 'omar said: a real fault (bent needle).');
  assert.equal(labelWord({ said: 'false-alarm', cause: null, by: 'omar' }, english), 'omar said: a false alarm.');
  const view = { mostMove: 3, print: 2, labels: [label, { ...label, occurrence: 'p', print: 1 }] };
  assert.equal(movedWord({ ...view, moved: 0 }, english), null);
  assert.equal(
    movedWord({ ...view, moved: -0.75 }, english),
    'The threshold of this machine is lowered by 0.8 spreads, from 1 answer.',
  );
  assert.match(movedWord({ ...view, moved: 3 }, english) ?? '', /raised by 3\.0 spreads.*teach it anew/);
  assert.equal(toldWord({ moved: 0, movedBy: null }, english), null);
  assert.equal(
    toldWord({ moved: 1.5, movedBy: '1 false alarm (o)' }, english),
    'Told by a threshold that was raised by 1.5 spreads: 1 false alarm (o)',
  );
});

test('what rounds told, how their threshold is moved and that a machine has none is said, each apart from the levels', () => {
  assert.equal(pathWord({ path: 'rounds' }, english), 'Heard in several rounds, one a minute, in a row.');
  assert.deepEqual([pathWord({ path: 'levels' }, english), pathWord({}, english)], [null, null]);
  assert.match(roundsWord({ rounds: 'teach-anew' }, english) ?? '', /not heard in rounds.*Teach it anew\.$/);
  assert.deepEqual([roundsWord({ rounds: 'on' }, english), roundsWord({ rounds: null }, english)], [null, null]);
  const about = { print: 2, atMs: 1, spreads: 0.5, by: 'omar', cause: null, said: 'false-alarm' } as const;
  const labels = [
    { ...about, occurrence: 'a' },
    { ...about, occurrence: 'b', path: 'rounds' },
    { ...about, occurrence: 'c', path: 'rounds' },
  ] as const;
  const view = { print: 2, labels: [...labels], mostMove: 3, moved: 1, movedRounds: 1.5 };
  assert.equal(movedWord(view, english), 'The threshold of this machine is raised by 1.0 spreads, from 1 answer.');
  assert.equal(movedRoundsWord(view, english), 'The threshold of its rounds is raised by 1.5 spreads, from 2 answers.');
  assert.equal(movedRoundsWord({ ...view, movedRounds: 0 }, english), null);
});

test('what is suspected is told in words, with where to look, and as a guess', () => {
  assert.deepEqual(suspectedWords({ suspected: 'bentNeedle 0.82; bluntNeedle 0.1' }, english), [
    'It may be, as a guess and no finding:',
    'a bent needle (82 %): take the needle out and roll it on a flat plate',
    'a blunt needle (10 %): change the needle',
  ]);
  assert.deepEqual(
    suspectedWords(
      { suspected: 'badNeedle 0.7', angle: '143 ± 4 degrees', needles: '512 ± 2; 487 ± 2' },
      english,
    ).slice(2),
    ['it is loudest at 143 ± 4 degrees of the shaft after its mark', 'the needle may be one of 512 ± 2, 487 ± 2'],
  );
  assert.deepEqual(suspectedWords({ suspected: null }, english), []);
  assert.deepEqual(suspectedWords({ suspected: 'nobody-knows 0.5' }, english), []);
});
