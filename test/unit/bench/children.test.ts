/** How benches and tests find the processes that the agent has started. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
import { childOf, childrenOf } from '../../support/children.ts';

/** A process of this one whose command line has the word. */
function run(t: TestContext, word: string): number {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)', word], { stdio: 'ignore' });
  t.after(async () => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  return child.pid ?? 0;
}

test('a process is found by its module, in the sources and in a build, and no other is', async (t) => {
  const source = run(t, '/a/senses/nose/child.ts');
  const built = run(t, '/dist/0123/agent-senses-nose-child-AbCd.mjs');
  const shadow = run(t, '/a/senses/nose/shadow-child.ts');
  assert.equal(await childOf('senses/nose/shadow-child', process.pid), shadow);
  await childOf('dist/0123', process.pid);
  assert.deepEqual(new Set(childrenOf('senses/nose/child')), new Set([source, built]));
  assert.deepEqual(childrenOf('senses/nose/shadow-child.ts'), [shadow]);
});

test('one that comes later is waited for', async (t) => {
  const found = childOf('senses/late/child', process.pid);
  const pid = run(t, '/a/senses/late/child.ts');
  assert.equal(await found, pid);
});

test('where none comes, what there is is named', async (t) => {
  run(t, '/a/senses/nose/child.ts');
  await childOf('senses/nose/child', process.pid);
  const none = childOf('senses/tongue/child', process.pid, { withinMs: 100 });
  await assert.rejects(none, /no senses\/tongue\/child within 100 ms.*senses\/nose\/child\.ts/);
  await assert.rejects(childOf('any', 4_999_999, { withinMs: 0 }), /4999999 has started nothing/);
});
