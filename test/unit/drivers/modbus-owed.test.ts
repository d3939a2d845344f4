/** Whom an RTU bus may ask while an answer is owed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OwedReplies } from '../../../drivers/modbus/owed.ts';
import type { ReadRequest } from '../../../drivers/modbus/pdu.ts';

const request = (unit: number, address: number, fn: ReadRequest['fn'] = 3): ReadRequest => ({
  unit,
  fn,
  address,
  count: 1,
});

test('while an answer is owed only what it cannot be mistaken for is asked', () => {
  const owed = new OwedReplies();
  owed.owe(request(1, 0), 1_000, 500);
  assert.equal(owed.waitMs(request(1, 50), 1_500), 500);
  assert.equal(owed.waitMs(request(1, 0), 1_500), 0, 'the same registers: either answer is true');
  assert.equal(owed.waitMs(request(2, 50), 1_500), 0, 'another unit');
  assert.equal(owed.waitMs(request(1, 50, 4), 1_500), 0, 'another function');
  assert.equal(owed.waitMs(request(1, 50), 2_000), 0, 'twice the time-out is over');
});

test('an answer to the repetition may be the first one; then the second is owed', () => {
  const owed = new OwedReplies();
  owed.owe(request(1, 0), 1_000, 500);
  owed.answered(request(1, 0), 1_600, 500, 1_700);
  assert.equal(owed.waitMs(request(1, 50), 1_700), 900);
  owed.paid(request(1, 0));
  assert.equal(owed.waitMs(request(1, 50), 1_700), 0);
});

test('others pass a request that must wait, in their order', () => {
  const owed = new OwedReplies();
  owed.owe(request(1, 0), 0, 500);
  const queue = [{ request: request(1, 50) }, { request: request(2, 0) }, { request: request(3, 0) }];
  assert.deepEqual(owed.take(queue, 600), { waiting: { request: request(2, 0) } });
  assert.deepEqual(owed.take(queue, 600), { waiting: { request: request(3, 0) } });
  assert.deepEqual(owed.take(queue, 600), { waitMs: 400 });
  assert.deepEqual(owed.take(queue, 1_000), { waiting: { request: request(1, 50) } });
  assert.equal(owed.take(queue, 1_000), null);
});
