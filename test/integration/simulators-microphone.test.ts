/** The microphone of a simulated sewing machine, heard by the agent's own driver and by a plain HTTP client. */
import { test, type TestContext } from 'node:test';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { createMicrophone, type Microphone } from '../../drivers/microphone/microphone.ts';
import type { MicrophoneEvent } from '../../drivers/microphone/ports.ts';
import { createMicrophoneServer, type MicrophoneServer } from '../../simulators/servers/microphone.ts';
import { until } from './sync-rig.ts';

const tickS = 0.05;
const perMinute = 3_300;
const rateHz = 48_000;

/** A microphone at a machine whose shaft turns in real time, or so many times as fast. */
async function running(t: TestContext, { port = 0, pace = 1 } = {}): Promise<MicrophoneServer> {
  const server = createMicrophoneServer({
    site: { voice: 4, rateHz, neighbours: 1, snrDb: 12, usualPerMinute: perMinute, load: 0.5, firstNumber: 1 },
    pulse: true,
    tickS,
    port,
    random: Math.random,
    onTrouble: (error) => assert.fail(error.message),
  });
  await server.start();
  const startMs = performance.now();
  let ticks = 0;
  const turning = setInterval(() => {
    for (; ticks * tickS * 1000 <= pace * (performance.now() - startMs); ticks += 1) {
      const turns = (perMinute / 60) * ticks * tickS;
      server.latch({ shaft: { turns, perMinute, trims: 0, temperatureC: 25 }, faults: [] });
    }
  }, 20);
  t.after(async () => {
    clearInterval(turning);
    await server.stop();
  });
  return server;
}

async function asked(url: string, method = 'GET'): Promise<IncomingMessage> {
  const request = get(url.replace(/^wav\+/, ''), { method, agent: false });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.on('error', () => undefined);
  return response;
}

test('the driver hears a running machine without a gap, and a pulse a turn', { timeout: 60_000 }, async (t) => {
  const server = await running(t);
  const pulses: number[] = [];
  const events: MicrophoneEvent[] = [];
  const microphone: Microphone = createMicrophone(
    { microphone: 'ls-1', endpoint: server.endpoint, hasPulse: true },
    {
      clock: { wallMs: () => Date.now(), monotonicMs: () => performance.now() },
      random: Math.random,
      onSound: () => undefined,
      onPulse: (atSample) => pulses.push(atSample),
      onEvent: (event) => events.push(event),
      log: () => undefined,
    },
  );
  await microphone.start(new AbortController().signal);
  t.after(() => microphone.stop());
  await until('it is heard for three seconds', () => microphone.counts().samples >= 3 * rateHz, 40_000);
  const counts = microphone.counts();
  assert.equal(counts.rateHz, rateHz);
  assert.equal(counts.verdict.kind, 'ok');
  const apart = pulses.slice(1).map((at, i) => at - (pulses[i] ?? 0));
  assert.ok(apart.length > 40, `${apart.length} turns`);
  const turn = (60 * rateHz) / perMinute;
  assert.ok(
    apart.every((samples) => Math.abs(samples - turn) < 0.02 * turn),
    `a turn is ${turn} samples, not ${apart.filter((samples) => Math.abs(samples - turn) >= 0.02 * turn).join()}`,
  );
});

test(
  'what is no GET of the stream is refused and counted, and so is a fifth listener',
  { timeout: 60_000 },
  async (t) => {
    const server = await running(t);
    for (const [url, method, status] of [
      [server.endpoint.replace('/audio', '/'), 'GET', 404],
      [server.endpoint, 'POST', 405],
    ] as const) {
      const response = await asked(url, method);
      assert.equal(response.statusCode, status);
      response.destroy();
    }
    assert.equal(server.refused, 2);
    const listeners = await Promise.all(Array.from({ length: 4 }, () => asked(server.endpoint)));
    assert.ok(listeners.every(({ statusCode }) => statusCode === 200));
    const fifth = await asked(server.endpoint);
    assert.equal(fifth.statusCode, 503);
    for (const one of [...listeners, fifth]) one.destroy();
  },
);

test('one who does not read loses sound and holds up nobody', { timeout: 60_000 }, async (t) => {
  // The system's own buffers take megabytes: at this pace they are full in seconds.
  const server = await running(t, { pace: 12 });
  const slow = await asked(server.endpoint);
  slow.pause();
  const quick = await asked(server.endpoint);
  let bytes = 0;
  quick.on('data', (chunk: Buffer) => (bytes += chunk.length));
  await until('something was left out', () => server.dropped > 0, 50_000);
  const then = bytes;
  await until('the other goes on', () => bytes > then + rateHz, 10_000);
  slow.destroy();
  quick.destroy();
});

test('a port that is taken is said so', { timeout: 60_000 }, async (t) => {
  const server = await running(t);
  const port = Number(new URL(server.endpoint.replace(/^wav\+/, '')).port);
  await assert.rejects(running(t, { port }), /SIM-104/);
});
