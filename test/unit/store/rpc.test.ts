import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startThread } from '../../../agent/store/rpc.ts';

test('a thread that dies rejects what waits and all that comes, and says that it is dead', async () => {
  const client = startThread<{ ask: { in: null; out: null } }>(
    new URL('data:text/javascript,setTimeout(() => { throw new TypeError("out of memory") }, 20)'),
    null,
  );
  assert.equal(client.isDead(), false);
  await assert.rejects(client.call('ask', null), /AGT-206/);
  assert.equal(client.isDead(), true);
  await assert.rejects(client.call('ask', null), /AGT-206/);
  await client.end();
});
