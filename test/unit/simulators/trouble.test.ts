import { test } from 'node:test';
import assert from 'node:assert/strict';
import { createReplyTrouble } from '../../../simulators/servers/reply-trouble.ts';
import { createRandom } from '../../../simulators/random.ts';
import { disturbance } from '../../support/disturbance.ts';

const clean = { drop: false, delayMs: 0, wrongUnit: false, exception: null, garbage: null };

test('a trouble meets exactly as many replies as it says, and several can meet one', () => {
  const trouble = createReplyTrouble(createRandom(1, 'x'), () => 0);
  trouble.arm(disturbance('late_reply', { count: 2, params: { delayMs: 1300 } }));
  trouble.arm(disturbance('wrong_unit'));
  assert.deepEqual(trouble.next(), { ...clean, delayMs: 1300, wrongUnit: true });
  assert.deepEqual(trouble.next(), { ...clean, delayMs: 1300 });
  assert.deepEqual(trouble.next(), clean);
});

test('a trouble with a span meets every reply in it', () => {
  let now = 1000;
  const trouble = createReplyTrouble(createRandom(1, 'x'), () => now);
  trouble.arm(disturbance('drop', { forS: 2 }));
  for (now = 1000; now < 3000; now += 100) assert.equal(trouble.next().drop, true);
  assert.deepEqual(trouble.next(), clean);
});

test('garbage has the asked length, an exception the asked code', () => {
  const trouble = createReplyTrouble(createRandom(1, 'x'), () => 0);
  trouble.arm(disturbance('garbage', { params: { bytes: 17 } }));
  assert.equal(trouble.next().garbage?.length, 17);
  trouble.arm(disturbance('exception', { params: { code: 4 } }));
  assert.equal(trouble.next().exception, 4);
});
