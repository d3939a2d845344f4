import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { startThread, startWhenAsked } from '../../../agent/store/rpc.ts';

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

test('a thread nobody asks ends, the next call starts another, and no call is lost at the edge', async () => {
  let started = 0;
  const echo = `import { parentPort } from 'node:worker_threads';
    parentPort.on('message', ({ id, input }) => parentPort.postMessage({ id, value: input }));`;
  const threads: { isDead(): boolean }[] = [];
  const client = startWhenAsked<{ echo: { in: number; out: number } }>(() => {
    started++;
    const thread = startThread<{ echo: { in: number; out: number } }>(
      new URL(`data:text/javascript,${encodeURIComponent(echo)}`),
      null,
    );
    threads.push(thread);
    return thread;
  }, 3);
  for (let i = 0; i < 40; i++) {
    assert.deepEqual(await Promise.all([client.call('echo', i), client.call('echo', -i)]), [i, -i]);
    // Up to the edge and past it.
    await delay(i % 6);
  }
  assert.ok(started > 1 && started <= 40, `${started} threads`);
  await client.end();
  assert.deepEqual(
    threads.filter((thread) => !thread.isDead()),
    [],
  );
});
