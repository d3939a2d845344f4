/** The drivers of machines that talk by themselves, against the simulators: the shared suite, and every fault verb. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Driver, DriverPorts, Reading } from '../../drivers/contract.ts';
import { createKnitFloorDriver } from '../../drivers/knit-floor/driver.ts';
import { loadProfile } from '../../drivers/profiles/load.ts';
import type { Profile } from '../../drivers/profiles/schema.ts';
import { createStollDriver } from '../../drivers/stoll/driver.ts';
import type { Value } from '../../simulators/maps/map.ts';
import { createKf4Machine } from '../../simulators/servers/kf4.ts';
import type { MachineServer } from '../../simulators/servers/server.ts';
import { createStollRecorder } from '../../simulators/servers/stoll.ts';
import { assertEventInvariants, driverContract, EventLog, realPorts } from '../contract/driver.ts';
import { disturbance } from '../support/disturbance.ts';
import { freePort } from '../support/ports.ts';

const floor: Profile = { ...loadProfile('knit-circular-kf4-tcp', []), 'knit-floor': { silenceS: 0.8 } };
const flat: Profile = {
  ...loadProfile('knit-flat-stoll-events', []),
  'stoll-events': { silenceS: 0.8, lateAfterS: 120 },
};
const backoff = { minMs: 50, maxMs: 200 };

/** What a machine shows, moved by the test; latched every 50 ms as the floor does it. */
class Shown {
  readonly values = new Map<string, Value>();
  latching = true;
  readonly #timer: NodeJS.Timeout;

  constructor(server: MachineServer, values: Record<string, Value>, grows: string) {
    for (const [signal, value] of Object.entries(values)) this.values.set(signal, value);
    this.#timer = setInterval(() => {
      if (!this.latching) return;
      this.values.set(grows, Number(this.values.get(grows)) + 1);
      server.latch(this.values, Date.now());
    }, 50);
  }
  stop(): void {
    clearInterval(this.#timer);
  }
}
const board = {
  'lamp.green': true,
  'lamp.red': false,
  'lamp.yellow': false,
  'cylinder.speed': 31,
  'revolution.count': 4,
};
const recorder = { 'mc.state': 1, 'piece.count': 0 };

/** A rig of the suite; the simulator counts no connections, so what a driver holds is seen by its health. */
function rig(
  name: string,
  make: (ports: DriverPorts) => Promise<{ server: MachineServer; shown: Shown; driver: Driver }>,
) {
  driverContract({
    name,
    silenceToGapMs: 3_000,
    async create(ports) {
      const { server, shown, driver } = await make(ports);
      const connected = (): number => driver.health().filter((one) => one.connected).length;
      let accepted = 0;
      const counting = setInterval(() => (accepted = Math.max(accepted, connected())), 5);
      return {
        driver,
        peer: {
          breakLink: async () => server.setLink(false),
          fallSilent: () => void (shown.latching = false),
          restore: async () => {
            shown.latching = true;
            server.setLink(true);
          },
          disturb: () => server.disturb(disturbance('garbage', { count: 1000, params: { bytes: 3 } })),
          connections: connected,
          accepted: () => accepted,
          writes: () => server.writes,
        },
        dispose: async () => {
          clearInterval(counting);
          shown.stop();
          await server.stop();
        },
      };
    },
  });
}

rig('simulated floor board that calls', async (ports) => {
  const port = await freePort();
  const server = createKf4Machine({ port: 0, random: Math.random, unit: 7, calls: `127.0.0.1:${port}` });
  const endpoint = `knit-floor+tcp-listen://127.0.0.1:${port}`;
  const driver = createKnitFloorDriver(
    { endpoint, machines: [{ machine: 'ck-7', unit: 7, profile: floor }], backoff },
    ports,
  );
  await server.start();
  return { server, driver, shown: new Shown(server, board, 'revolution.count') };
});

rig('simulated recorder', async (ports) => {
  const server = createStollRecorder({ port: 0, random: Math.random, file: null });
  await server.start();
  const driver = createStollDriver({ endpoint: server.endpoint, machine: 'fk-1', profile: flat, backoff }, ports);
  return { server, driver, shown: new Shown(server, recorder, 'piece.count') };
});

interface Running {
  readonly server: MachineServer;
  readonly shown: Shown;
  readonly log: EventLog;
  readonly last: (signal: string) => Reading | undefined;
  readonly until: (what: string, holds: () => boolean) => Promise<void>;
}
async function running(
  t: TestContext,
  server: MachineServer,
  shown: Shown,
  make: (ports: DriverPorts) => Driver,
): Promise<Running> {
  const log = new EventLog();
  const driver = make(realPorts(log));
  await driver.start(new AbortController().signal);
  const [machine = ''] = driver.machines;
  t.after(async () => {
    await driver.stop();
    shown.stop();
    await server.stop();
    assertEventInvariants(driver.machines, log.events);
  });
  return {
    server,
    shown,
    log,
    last: (signal) => log.readings(machine).findLast((one) => one.signal === signal),
    until: (what, holds) => log.until(what, 8_000, holds),
  };
}
async function runningBoard(t: TestContext): Promise<Running> {
  const server = createKf4Machine({ port: 0, random: Math.random, unit: 7, calls: null });
  await server.start();
  const shown = new Shown(server, board, 'revolution.count');
  const machines = [{ machine: 'ck-7', unit: 7, profile: floor }];
  return running(t, server, shown, (ports) =>
    createKnitFloorDriver({ endpoint: server.endpoint, machines, backoff }, ports),
  );
}
async function runningRecorder(t: TestContext, file: string | null = null): Promise<Running> {
  const server = createStollRecorder({ port: 0, random: Math.random, file });
  await server.start();
  const shown = new Shown(server, recorder, 'piece.count');
  return running(t, server, shown, (ports) =>
    createStollDriver({ endpoint: server.endpoint, machine: 'fk-1', profile: flat, backoff }, ports),
  );
}

for (const verb of ['coalesce', 'split', 'drop', 'delay', 'garbage', 'restart'] as const) {
  test(`floor board, ${verb}: only what was shown is told, and it goes on`, async (t) => {
    const { server, shown, log, until, last } = await runningBoard(t);
    await until('a lamp', () => last('lamp.green')?.value === true);
    const extra = verb === 'restart' ? { forS: 0.3 } : { count: 12, params: { delayMs: 40, bytes: 4 } };
    server.disturb(disturbance(verb, extra));
    const rounds = log.readings('ck-7').filter((one) => one.signal === 'revolution.count').length;
    await until('rounds go on', () => {
      return log.readings('ck-7').filter((one) => one.signal === 'revolution.count').length > rounds + 30;
    });
    shown.values.set('lamp.green', false);
    shown.values.set('lamp.red', true);
    await until('the red lamp', () => last('lamp.red')?.value === true && last('lamp.green')?.value === false);
    // Noise may hold digits, and what it makes of them nobody can tell from a message; the rest sends nothing that was not shown.
    if (verb === 'garbage') return;
    for (const { signal, quality, value } of log.readings('ck-7')) {
      if (quality === 'bad') assert.fail(`${signal} is bad`);
      if (signal === 'cylinder.speed') assert.equal(value, 31);
      if (signal === 'lamp.yellow') assert.equal(value, false);
    }
  });
}

for (const file of [false, true]) {
  const where = file ? 'recorder in a file' : 'recorder';
  const start = (t: TestContext): Promise<Running> => {
    if (!file) return runningRecorder(t);
    const dir = mkdtempSync(join(tmpdir(), 'selvedge-recorder-'));
    t.after(() => rmSync(dir, { recursive: true }));
    return runningRecorder(t, join(dir, 'events.jsonl'));
  };

  test(`${where}, resend, garbage and hold_back: every piece counts once`, async (t) => {
    const { server, shown, log, until, last } = await start(t);
    await until('pieces', () => Number(last('piece.count')?.value) >= 5);
    server.disturb(disturbance('resend'));
    server.disturb(disturbance('garbage', { count: 5 }));
    server.disturb(disturbance('hold_back', { forS: 0.4 }));
    await until('more pieces', () => Number(last('piece.count')?.value) >= 30);
    shown.latching = false;
    const made = Number(shown.values.get('piece.count'));
    const first = log.readings('fk-1').find((one) => one.signal === 'piece.count');
    assert.equal(first?.value, 1);
    // The first latch tells no piece: what was made before is not this recording's.
    await until('all pieces', () => last('piece.count')?.value === made - 1);
    assert.ok(log.events.some((event) => event.kind === 'discarded' && event.reason === 'duplicate'));
    assert.deepEqual(
      log.readings('fk-1').flatMap((one) => (one.signal === 'piece.count' ? [one.value] : [])),
      Array.from({ length: made - 1 }, (_, i) => i + 1),
    );
  });

  test(`${where}, data_gap, restore, warm_start and cold_start: unknown where the machine does not know`, async (t) => {
    const { server, log, until, last } = await start(t);
    await until('production', () => last('mc.state')?.value === 1);
    server.disturb(disturbance('data_gap', { forS: 0.2 }));
    await until('a gap', () =>
      log.gaps('fk-1').some(({ reason, phase }) => reason === 'data-gap' && phase === 'closed'),
    );
    await until('production again', () => last('mc.state')?.value === 1);
    assert.equal(last('pattern.name')?.quality, 'bad', 'the pattern was not told again');

    server.disturb(disturbance('restore'));
    await until('the pattern', () => last('pattern.name')?.value === 'Front 42');

    server.disturb(disturbance('warm_start', { forS: 0.2 }));
    await until('a warm start', () => last('start.mode')?.value === 'warm start');
    assert.equal(last('pattern.name')?.value, 'Front 42');

    const before = log.readings('fk-1').length;
    server.disturb(disturbance('cold_start', { forS: 0.2 }));
    await until('a cold start', () => last('start.mode')?.value === 'cold start');
    const since = log.readings('fk-1').slice(before);
    assert.ok(
      since.some((one) => one.signal === 'pattern.name' && one.quality === 'bad' && one.reason === 'state-unknown'),
    );
    await until('production', () => last('mc.state')?.value === 1);
  });
}

test('recorder, restart: what was recorded meanwhile comes late, once and in order', async (t) => {
  const { server, log, until, last } = await runningRecorder(t);
  await until('pieces', () => Number(last('piece.count')?.value) >= 5);
  server.disturb(disturbance('restart', { forS: 0.4 }));
  await until('a gap', () => log.gaps('fk-1').length > 0);
  await until('more pieces', () => Number(last('piece.count')?.value) >= 30);
  const counts = log.readings('fk-1').flatMap((one) => (one.signal === 'piece.count' ? [Number(one.value)] : []));
  assert.deepEqual(
    counts,
    Array.from({ length: counts.length }, (_, i) => i + 1),
  );
});
