import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { alertView } from './floor-demo.ts';
import { goodPassword, openStream, signIn, startPage, as, call } from './harness.ts';

const threadBreak = (occurrence = 'occ-thread') =>
  alertView({ occurrence, machine: 'ov-1', type: 'thread_break', text: 'Needle thread broken' });
const isAlert = (occurrence: string) => (event: { event: string; data: unknown }) =>
  event.event === 'alert' && (event.data as { occurrence: string }).occurrence === occurrence;

test('a page gets everything once, then each change as it comes', async (t) => {
  const { port, users, floor } = await startPage(t);
  await users.add('boss', 'admin', goodPassword);
  const stream = openStream(port, await signIn(port, 'boss'));
  const snapshot = await stream.next((event) => event.event === 'snapshot');
  assert.equal((snapshot.data as { machines: unknown[] }).machines.length, 5);
  floor.raise(threadBreak());
  const alert = await stream.next(isAlert('occ-thread'));
  assert.equal((alert.data as { text: string }).text, 'Needle thread broken');
  floor.alerts = floor.alerts.filter(({ record }) => record.occurrence !== 'occ-thread');
  await stream.next((event) => event.event === 'alert-gone');
  await stream.next((event) => event.event === 'heartbeat');
  assert.equal(stream.received.filter((event) => event.event === 'snapshot').length, 1);
  stream.close();
});

test('T4: an alert that changed is sent without waiting for the next look, and many of them are one', async (t) => {
  const never = 3_600_000;
  const { port, users, floor, page } = await startPage(t, { stream: { intervalMs: never, heartbeatMs: 1_000 } });
  await users.add('boss', 'admin', goodPassword);
  const stream = openStream(port, await signIn(port, 'boss'));
  await stream.next((event) => event.event === 'snapshot');
  for (const name of ['occ-a', 'occ-b', 'occ-c']) {
    floor.raise(threadBreak(name));
    page.poke();
  }
  await stream.next(isAlert('occ-c'));
  assert.deepEqual(
    stream.received
      .filter((event) => event.event === 'alert')
      .map((event) => (event.data as { occurrence: string }).occurrence),
    ['occ-a', 'occ-b', 'occ-c'],
  );
  stream.close();
});

test('a dropped page resumes after the last event it saw, without a snapshot', async (t) => {
  const { port, users, floor, page } = await startPage(t);
  await users.add('boss', 'admin', goodPassword);
  const boss = await signIn(port, 'boss');
  const first = openStream(port, boss);
  const snapshot = await first.next((event) => event.event === 'snapshot');
  first.close();
  await first.ended;
  // Nobody watches meanwhile.
  floor.raise(threadBreak());
  const second = openStream(port, boss, { 'last-event-id': snapshot.id ?? '' });
  await second.next(isAlert('occ-thread'));
  assert.equal(
    second.received.some((event) => event.event === 'snapshot'),
    false,
  );
  assert.equal(page.counts().resumed, 1);
  second.close();
});

test('after a restart the old id is nobody’s: the page gets a snapshot', async (t) => {
  const first = await startPage(t);
  await first.users.add('boss', 'admin', goodPassword);
  const boss = await signIn(first.port, 'boss');
  const stream = openStream(first.port, boss);
  const { id } = await stream.next((event) => event.event === 'snapshot');
  await first.page.stop();
  await stream.ended;
  const second = await startPage(t, { dataDir: first.dataDir, port: first.port }, first.floor);
  const again = openStream(second.port, boss, { 'last-event-id': id ?? '' });
  await again.next((event) => event.event === 'snapshot');
  assert.equal(second.page.counts().resumed, 0);
  again.close();
});

test('a session that ends takes its stream along within a heartbeat', async (t) => {
  const { port, users } = await startPage(t);
  await users.add('boss', 'admin', goodPassword);
  const boss = await signIn(port, 'boss');
  const stream = openStream(port, boss);
  await stream.next((event) => event.event === 'snapshot');
  await call(port, '/api/session/logout', { method: 'POST', body: {}, headers: as(boss) });
  await stream.ended;

  await users.add('mina', 'viewer', goodPassword);
  const viewer = openStream(port, await signIn(port, 'mina'));
  await viewer.next((event) => event.event === 'snapshot');
  await users.remove('mina');
  await viewer.ended;
});

test('a page that does not read holds little memory, misses events and gets a snapshot when it reads again', async (t) => {
  const settings = { intervalMs: 5, heartbeatMs: 1_000, maxQueuedBytes: 20_000, maxLagMs: 600_000 };
  const { port, users, floor, page } = await startPage(t, { stream: settings });
  await users.add('boss', 'admin', goodPassword);
  const boss = await signIn(port, 'boss');
  const socket = net.connect({ port, host: '127.0.0.1' });
  await once(socket, 'connect');
  socket.write(`GET /api/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: ${boss.cookie}\r\n\r\n`);
  let received = '';
  socket.setEncoding('utf8').on('data', (text: string) => (received += text));
  await waitFor(() => received.includes('event: snapshot'));
  socket.pause();
  // Large texts fill the buffers of the system and then ours.
  const big = 'x'.repeat(200_000);
  const grow = setInterval(() => floor.setMachine('ls-1', { cause: `${big}${Math.random()}` }), 5);
  t.after(() => clearInterval(grow));
  await waitFor(() => page.counts().overflows > 0);
  clearInterval(grow);
  floor.setMachine('ls-1', { cause: 'drive.overload' });
  const snapshots = page.counts().snapshots;
  socket.resume();
  await waitFor(() => page.counts().snapshots > snapshots);
  assert.equal(page.counts().overflows, 1, 'an overflow is counted once');
  socket.destroy();
});

test('there is room for a bounded number of pages', async (t) => {
  const { port, users } = await startPage(t, { stream: { intervalMs: 50, heartbeatMs: 100, maxClients: 2 } });
  await users.add('boss', 'admin', goodPassword);
  const boss = await signIn(port, 'boss');
  const open = [openStream(port, boss), openStream(port, boss)];
  await Promise.all(open.map((stream) => stream.next((event) => event.event === 'snapshot')));
  const third = await call(port, '/api/stream', { headers: as(boss) });
  assert.equal(third.status, 503);
  for (const stream of open) stream.close();
});

async function waitFor(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}
