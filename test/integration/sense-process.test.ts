import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import type { SenseState } from '../../agent/senses/process.ts';
import { ForkThread } from '../../agent/senses/fork.ts';
import { isRunning } from '../support/running.ts';
import { senseOf } from './sense-process-rig.ts';
import { until } from './sync-rig.ts';

/** Both ways a process is started: by the thread that asks for it, and by another. */
const ways = ['here', 'in a thread'] as const;

function started(t: TestContext, mode: string, way: (typeof ways)[number] = 'here') {
  const states: SenseState[] = [];
  const pids: number[] = [];
  let alive = 0;
  const forks = new ForkThread();
  const sense = senseOf(mode, {
    ...(way === 'here' ? {} : { fork: forks.fork }),
    onState: (state) => states.push(state),
    onMessage: (message) => {
      if (message.kind === 'ready') pids.push(message.pid);
      else alive += 1;
    },
  });
  t.after(async () => {
    await sense.stop();
    await forks.stop();
  });
  sense.start(new AbortController().signal);
  return { sense, states, pids, alive: () => alive };
}

test('a sense runs in a process of its own, and a stop ends it within 2 s, also one that does not want to', async (t) => {
  for (const [mode, way] of [
    ['well', 'here'],
    ['stubborn', 'here'],
    ['well', 'in a thread'],
    ['stubborn', 'in a thread'],
  ] as const) {
    const { sense, states, pids, alive } = started(t, mode, way);
    await until('it lives', () => alive() > 2);
    const [pid = 0] = pids;
    assert.notEqual(pid, process.pid);
    assert.ok(isRunning(pid));
    const fromMs = performance.now();
    await sense.stop();
    assert.ok(performance.now() - fromMs < 2_000, 'H2');
    assert.equal(isRunning(pid), false);
    const heard = alive();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(alive(), heard, 'H3');
    assert.deepEqual([states.at(0)?.running, states.at(-1)?.running], [true, false]);
  }
});

test('one that crashes, exits or hangs is replaced, and said to loop when it goes on', async (t) => {
  for (const [mode, end, way] of [
    ['segfault', 'SIGSEGV', 'here'],
    ['exits', 'exit 3', 'here'],
    ['hangs', 'SIGKILL', 'here'],
    ['segfault', 'SIGSEGV', 'in a thread'],
    ['hangs', 'SIGKILL', 'in a thread'],
  ] as const) {
    const { sense, states, pids } = started(t, mode, way);
    await until(`three of ${mode}`, () => sense.state().looping);
    assert.equal(sense.state().lastEnd, end);
    assert.ok(sense.state().restarts >= 2 && new Set(pids).size === pids.length, 'a process each');
    assert.equal(states.at(-1)?.looping, true);
    await sense.stop();
    assert.deepEqual(pids.filter(isRunning), []);
  }
});

test('H1: what is no message is counted, and is no sign of life', async (t) => {
  const { sense, alive } = started(t, 'nonsense');
  await until('it is counted', () => sense.state().unreadable > 10);
  assert.equal(alive(), 0);
  await until('it is taken for hanging', () => sense.state().restarts > 0);
  assert.equal(sense.state().lastEnd, 'SIGKILL');
});

test('settings that cannot be read end the child with exit code 2', async (t) => {
  const { sense } = started(t, 'unheard-of');
  await until('it has ended', () => sense.state().lastEnd !== null);
  assert.equal(sense.state().lastEnd, 'exit 2');
});

test('H2: when the agent is killed its child is gone within 2 s, also one that hangs', async () => {
  for (const [mode, way] of [
    ['stubborn', 'here'],
    ['hangs-at-once', 'here'],
    ['hangs-at-once', 'in a thread'],
  ] as const) {
    const parent = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'sense-parent.ts'), mode, way],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    const [line] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string];
    const pid = Number(line);
    assert.ok(isRunning(pid));
    parent.kill('SIGKILL');
    await until(`the child that is ${mode} is gone`, () => !isRunning(pid), 2_000);
  }
});
