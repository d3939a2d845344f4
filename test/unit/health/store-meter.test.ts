import assert from 'node:assert/strict';
import test from 'node:test';
import { StoreMeter } from '../../../agent/health.ts';
import type { StoreStats } from '../../../agent/store/open.ts';

test('a store that hangs is asked one question, not one a period', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  let asked = 0;
  const meter = new StoreMeter(() => {
    asked += 1;
    return new Promise<StoreStats>(() => {});
  });
  meter.start(1_000);
  t.mock.timers.tick(60_000);
  meter.stop();
  assert.equal(asked, 1);
  assert.equal(meter.latest, null);
});

test('a store that fails once is asked again', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  let asked = 0;
  const meter = new StoreMeter(() => {
    asked += 1;
    return Promise.reject(new TypeError('busy'));
  });
  meter.start(1_000);
  await Promise.resolve();
  await new Promise((resolve) => setImmediate(resolve));
  t.mock.timers.tick(1_000);
  meter.stop();
  assert.equal(asked, 2);
});
