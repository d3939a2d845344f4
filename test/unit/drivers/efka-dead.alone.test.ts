/** What one dead drive costs the others on its line, in real time: alone, since it measures. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEfkaDriver } from '../../../drivers/efka/driver.ts';
import { loadProfile } from '../../../drivers/profiles/load.ts';
import { EventLog, realPorts } from '../../contract/driver.ts';
import { EfkaPeer } from './efka-peer.ts';

const profile = loadProfile('sewing-efka-serial', []);

test('one dead drive of ten costs the others no polls', { timeout: 60_000 }, async (t) => {
  const peer = new EfkaPeer();
  const machines = Array.from({ length: 10 }, (_, i) => ({
    machine: `m-${i}`,
    address: 0xf0 + i,
    profile,
    polls: { normal: 500, slow: 2_000 },
  }));
  for (const { address } of machines) peer.set(address, { E3: '00', '02': 'A2', '08': '80', '00': '00', '61': '8CA' });
  await peer.listen();
  t.after(() => peer.close());
  const log = new EventLog();
  const driver = createEfkaDriver({ endpoint: peer.endpoint, machines }, realPorts(log));
  t.after(() => driver.stop());
  await driver.start(new AbortController().signal);
  await log.until('all drives', 10_000, () => driver.machines.every((machine) => log.goods(machine) > 0));
  peer.misbehave = ({ address }) => (address === 0xf3 ? 'ignore' : null);
  await log.until('the gap of the dead', 10_000, () => log.gaps('m-3').length > 0);
  const before = peer.questions.length;
  const from = performance.now();
  await new Promise((resolve) => setTimeout(resolve, 6_000));
  const asked = peer.questions.slice(before);
  const planned = (9 * (performance.now() - from)) / 500;
  const dead = asked.filter(({ address }) => address === 0xf3).length;
  assert.ok(dead <= 4, `${dead} questions to the dead drive`);
  const others = asked.filter(({ parameter, address }) => parameter === '02' && address !== 0xf3).length;
  // One poll of each at the edges of the span is not counted as lost.
  assert.ok(others >= 0.99 * planned - 9, `${others} of ${Math.round(planned)}`);
  for (const { machine, pollLatenessP99Ms } of driver.health()) {
    if (machine !== 'm-3') assert.ok((pollLatenessP99Ms ?? 0) < 400, `${machine}: ${pollLatenessP99Ms} ms late`);
  }
  assert.equal(log.events.filter((event) => event.kind === 'gap' && event.machine !== 'm-3').length, 0);
});
