import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AlertView } from '../../../agent/live.ts';
import { createNotifier } from '../../../agent/notify/notifier.ts';
import { alertView } from '../page/floor-demo.ts';

const alarm = (occurrence: string, state: AlertView['record']['state'] = 'active-unacked') =>
  alertView({ occurrence, machine: 'ls-1', type: 'motor_hot', text: 'Motor too hot', priority: 'urgent', state });

/** A notifier whose one target takes everything, and what it was told. */
function begin(openBefore?: ReadonlySet<string>) {
  let alerts: readonly AlertView[] = [];
  const told: string[] = [];
  const clock = { ms: 0, wallMs: () => clock.ms, monotonicMs: () => clock.ms };
  const notifier = createNotifier({
    targets: [{ name: 'hook', kind: 'webhook', url: 'https://hook.example/', secret: null, priorities: ['urgent'] }],
    alerts: () => alerts,
    ...(openBefore === undefined ? {} : { openBefore }),
    machineName: (id) => id,
    site: () => ({ id: 'demo', name: 'Demo', timeZone: 'UTC' }),
    gateway: 'gw',
    send: async (_target, { notices }) => void told.push(...notices.map(({ occurrence }) => occurrence)),
    clock,
    log: { info: () => undefined, warn: () => undefined },
  });
  const look = async (now: readonly AlertView[]) => {
    alerts = now;
    clock.ms += 3_600_000;
    notifier.look();
    // The target answers at once: its promise is settled by the next turn.
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { look, told };
}

test('what was open before a start is no news; what the start itself raised is', async () => {
  const { look, told } = begin(new Set(['old']));
  await look([alarm('old'), alarm('raised-by-the-start')]);
  assert.deepEqual(told, ['raised-by-the-start']);
});

test('an alert that is put aside and comes back is told once; the next occurrence is news', async () => {
  const { look, told } = begin(new Set());
  await look([alarm('a')]);
  await look([alarm('a', 'shelved')]);
  await look([alarm('a')]);
  await look([alarm('a', 'suppressed-by-design')]);
  await look([alarm('a')]);
  await look([]);
  await look([alarm('b')]);
  assert.deepEqual(told, ['a', 'b']);
});
