/**
 * The suite every driver passes: the promises D1 … D7 of `drivers/contract.ts`, checked against a peer that can fall silent,
 * break the connection and come back. A driver's own test file calls `driverContract` with a rig of its protocol.
 */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Driver, DriverEvent, DriverPorts, GapEvent, Reading } from '../../drivers/contract.ts';

/** One driver under test with the peer it talks to. Nothing of the driver is started. */
export interface DriverRig {
  readonly driver: Driver;
  readonly peer: DriverPeer;
  /** Ends the peer; called after the driver was stopped. */
  dispose(): Promise<void>;
}

/** What the suite does to the machine's side. */
export interface DriverPeer {
  /** The connection ends and new ones are refused, until `restore`. */
  breakLink(): Promise<void>;
  /** The connection stays, nothing is answered or sent, until `restore`. */
  fallSilent(): void;
  restore(): Promise<void>;
  /** From now on noise of the protocol's kind arrives as well: frames or lines nobody asked for. */
  disturb?(): void;
  /** Open connections, as the peer sees them; for a pty, whether anybody has it open. */
  connections(): number;
  /** Connections ever made. */
  accepted(): number;
  /** Requests that would change something at the machine. */
  writes(): number | Promise<number>;
}

export interface DriverHarness {
  /** Name in the test titles. */
  readonly name: string;
  /** Makes a peer that answers and a driver pointed at it; back-off and timeouts short (≤ 200 ms). */
  create(ports: DriverPorts): Promise<DriverRig>;
  /** Skips the test and returns false where the rig needs a program that is missing. */
  readonly available?: (t: TestContext) => boolean;
  /** Longest time from silence to the opened gap, in ms. */
  readonly silenceToGapMs: number;
  /** Encrypted and numbered messages leave no room for noise: what does not fit ends the connection, which D3 tests. */
  readonly noiseless?: true;
  /** Longest time from a restored peer to a closed gap, in ms. Default 5000. */
  readonly recoveryMs?: number;
}

/** Everything a driver told, with waiting for what it will tell. */
export class EventLog {
  readonly events: DriverEvent[] = [];
  readonly #waiting = new Set<() => void>();

  readonly sink = (event: DriverEvent): void => {
    this.events.push(event);
    for (const check of this.#waiting) check();
  };

  /** Resolves when `holds` is true of the events, at once or after one of the next; rejects after `withinMs`. */
  async until(what: string, withinMs: number, holds: (events: readonly DriverEvent[]) => boolean): Promise<void> {
    if (holds(this.events)) return;
    await new Promise<void>((resolve, reject) => {
      const check = (): void => {
        if (!holds(this.events)) return;
        clearTimeout(timer);
        this.#waiting.delete(check);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(check);
        const seen = this.events.slice(-8).map((event) => JSON.stringify(event).slice(0, 200));
        reject(
          new assert.AssertionError({ message: `not within ${withinMs} ms: ${what}; last events: ${seen.join(' ')}` }),
        );
      }, withinMs);
      this.#waiting.add(check);
    });
  }

  gaps(machine: string): GapEvent[] {
    return this.events.filter((event): event is GapEvent => event.kind === 'gap' && event.machine === machine);
  }

  readings(machine: string): Reading[] {
    return this.events.flatMap((event) =>
      event.kind === 'readings' && event.machine === machine ? event.readings : [],
    );
  }

  goods(machine: string): number {
    return this.readings(machine).filter((reading) => reading.quality === 'good').length;
  }
}

/** Real clocks, no jitter, and a log that a test may read. */
export function realPorts(log: EventLog): DriverPorts {
  return {
    clock: { wallMs: () => Date.now(), monotonicMs: () => performance.now() },
    random: () => 0.5,
    sink: log.sink,
    log: () => {},
  };
}

/** Checks over a whole run that hold for any driver: D2, D3, D4. Throws an AssertionError where one is broken. */
export function assertEventInvariants(machines: readonly string[], events: readonly DriverEvent[]): void {
  for (const machine of machines) {
    let open = null as GapEvent | null;
    for (const event of events) {
      if (event.machine !== machine) continue;
      if (event.kind === 'gap') {
        assert.equal(event.phase, open === null ? 'opened' : 'closed', 'gaps open and close in turn (D3)');
        assert.match(event.reason, /^[a-z0-9-]+$/);
        if (event.phase === 'closed') {
          assert.equal(event.fromMs, open?.fromMs, 'a gap closes with the start it was opened with');
          assert.ok(event.toMs !== null && event.toMs >= event.fromMs, 'a closed gap has its end');
        } else assert.equal(event.toMs, null, 'an open gap has no end');
        open = event.phase === 'opened' ? event : null;
      }
      if (event.kind === 'trouble') assert.ok(open !== null, 'only an open gap has another reason');
      if (event.kind === 'discarded') assert.ok(event.count > 0);
      if (event.kind !== 'readings') continue;
      assert.ok(event.readings.length > 0, 'an empty batch is no news');
      for (const reading of event.readings) checkReading(machine, reading, open);
    }
  }
}

function checkReading(machine: string, reading: Reading, open: GapEvent | null): void {
  assert.equal(reading.machine, machine);
  assert.ok(
    Number.isFinite(reading.sourceTimeMs) && Number.isFinite(reading.receivedTimeMs),
    'both times are there (D4)',
  );
  assert.ok(Number.isFinite(reading.monotonicMs), 'the monotonic time is there (D4)');
  if (reading.quality === 'bad') {
    assert.equal(reading.value, null, 'a bad reading has no value (D2)');
    assert.match(reading.reason, /^[a-z0-9-]+$/);
    return;
  }
  assert.equal(open, null, `no ${reading.quality} reading while a gap is open (D3)`);
  if (typeof reading.value === 'number') assert.ok(Number.isFinite(reading.value), 'a number is finite (D2)');
}

/** Registers the suite's tests for one driver. */
export function driverContract(harness: DriverHarness): void {
  const recoveryMs = harness.recoveryMs ?? 5_000;
  const within = 5_000;

  const contractTest = (
    title: string,
    body: (rig: DriverRig, log: EventLog, machine: string) => Promise<void>,
  ): void => {
    test(`${harness.name}: ${title}`, async (t) => {
      if (harness.available !== undefined && !harness.available(t)) return;
      const log = new EventLog();
      const rig = await harness.create(realPorts(log));
      const machine = rig.driver.machines[0];
      assert.ok(machine !== undefined, 'a driver has at least one machine');
      try {
        await body(rig, log, machine);
        assertEventInvariants(rig.driver.machines, log.events);
        assert.equal(await rig.peer.writes(), 0, 'nothing is written to a machine (D6)');
      } finally {
        await rig.driver.stop();
        await rig.dispose();
      }
    });
  };

  contractTest('D7 a driver that was made but not started touches nothing', async (rig, log) => {
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(rig.peer.accepted(), 0);
    assert.deepEqual(log.events, []);
    assert.equal(rig.driver.health().length, rig.driver.machines.length);
    await rig.driver.stop();
  });

  contractTest('D4 every machine is read, with both times of every reading', async (rig, log) => {
    const startedMs = Date.now();
    await rig.driver.start(new AbortController().signal);
    for (const machine of rig.driver.machines) {
      await log.until('good readings', within, () => log.goods(machine) > 0);
      for (const reading of log.readings(machine)) {
        assert.ok(reading.receivedTimeMs >= startedMs - 1 && reading.receivedTimeMs <= Date.now() + 1);
        assert.ok(Math.abs(reading.sourceTimeMs - reading.receivedTimeMs) < 60_000);
      }
      const health = rig.driver.health().find((entry) => entry.machine === machine);
      assert.equal(health?.connected, true);
      assert.ok((health?.requests ?? 0) > 0);
      assert.ok(health?.lastGoodMs !== null && health?.lastGoodMs !== undefined && health.lastGoodMs >= startedMs - 1);
    }
  });

  contractTest(
    'D3 a peer that hangs up gives one gap from the last good contact, closed on return',
    async (rig, log, machine) => {
      await rig.driver.start(new AbortController().signal);
      await log.until('a good reading', within, () => log.goods(machine) > 0);
      await rig.peer.breakLink();
      await log.until('an open gap', within, () => log.gaps(machine).at(-1)?.phase === 'opened');
      const lastGoodMs = log.readings(machine).findLast((reading) => reading.quality === 'good')?.receivedTimeMs;
      const fromMs = log.gaps(machine).at(-1)?.fromMs;
      assert.ok(fromMs !== undefined && lastGoodMs !== undefined);
      assert.ok(fromMs >= lastGoodMs && fromMs <= Date.now(), 'the gap begins with the last good contact');
      // A second attempt at least: its failure must not open a second gap.
      await new Promise((resolve) => setTimeout(resolve, 400));
      assert.equal(log.gaps(machine).filter((gap) => gap.phase === 'opened').length - closedGaps(log, machine), 1);
      assert.equal(rig.driver.health().find((entry) => entry.machine === machine)?.connected, false);
      await rig.peer.restore();
      await log.until('a closed gap', recoveryMs, () => log.gaps(machine).at(-1)?.phase === 'closed');
      const goods = log.goods(machine);
      await log.until('readings go on', recoveryMs, () => log.goods(machine) > goods);
      assert.ok((rig.driver.health().find((entry) => entry.machine === machine)?.reconnects ?? 0) >= 1);
    },
  );

  contractTest('D3 a silent peer opens a gap in time, and is read again when it speaks', async (rig, log, machine) => {
    await rig.driver.start(new AbortController().signal);
    await log.until('a good reading', within, () => log.goods(machine) > 0);
    rig.peer.fallSilent();
    await log.until('an open gap', harness.silenceToGapMs, () => log.gaps(machine).at(-1)?.phase === 'opened');
    await rig.peer.restore();
    await log.until('a closed gap', recoveryMs, () => log.gaps(machine).at(-1)?.phase === 'closed');
  });

  contractTest(
    'D1 a peer that is not there at the start is an event and a retry, never an error',
    async (rig, log, machine) => {
      await rig.peer.breakLink();
      await rig.driver.start(new AbortController().signal);
      await log.until('an open gap', within, () => log.gaps(machine).length > 0);
      assert.equal(log.goods(machine), 0);
      await rig.peer.restore();
      await log.until('a good reading', recoveryMs, () => log.goods(machine) > 0);
    },
  );

  const noiseTest = harness.noiseless === true ? () => undefined : contractTest;
  noiseTest('D2 noise never becomes a value, and reading goes on beside it', async (rig, log, machine) => {
    assert.ok(rig.peer.disturb !== undefined, 'the peer can make noise');
    await rig.driver.start(new AbortController().signal);
    await log.until('a good reading', within, () => log.goods(machine) > 0);
    rig.peer.disturb();
    await log.until('a discard', within, (events) => events.some((event) => event.kind === 'discarded'));
    const goods = log.goods(machine);
    await log.until('readings go on', recoveryMs, () => log.goods(machine) > goods + 1);
    assert.ok((rig.driver.health().find((entry) => entry.machine === machine)?.discarded ?? 0) > 0);
  });

  contractTest(
    'D5 after stop there is no connection and no further event; stop may be called twice',
    async (rig, log, machine) => {
      await rig.driver.start(new AbortController().signal);
      await log.until('a good reading', within, () => log.goods(machine) > 0);
      const stopping = performance.now();
      await rig.driver.stop();
      assert.ok(performance.now() - stopping < 1_000, 'stop takes less than a second');
      const count = log.events.length;
      await rig.driver.stop();
      await eventually('no connection left', () => rig.peer.connections() === 0);
      await new Promise((resolve) => setTimeout(resolve, 300));
      assert.equal(log.events.length, count);
      assert.equal(rig.driver.health()[0]?.connected, false);
    },
  );

  contractTest('D5 stop in the middle of connecting leaves nothing', async (rig, log) => {
    await rig.driver.start(new AbortController().signal);
    await rig.driver.stop();
    const count = log.events.length;
    await eventually('no connection left', () => rig.peer.connections() === 0);
    assert.equal(log.events.length, count);
  });

  contractTest('aborting the signal is the same as stop', async (rig, log, machine) => {
    const controller = new AbortController();
    await rig.driver.start(controller.signal);
    await log.until('a good reading', within, () => log.goods(machine) > 0);
    controller.abort();
    const count = log.events.length;
    await eventually('no connection left', () => rig.peer.connections() === 0);
    assert.equal(log.events.length, count);
  });

  contractTest('a signal aborted before the start starts nothing', async (rig, log) => {
    await rig.driver.start(AbortSignal.abort());
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(rig.peer.accepted(), 0);
    assert.deepEqual(log.events, []);
  });
}

function closedGaps(log: EventLog, machine: string): number {
  return log.gaps(machine).filter((gap) => gap.phase === 'closed').length;
}

/** The other side notices a closed socket some turns later. */
async function eventually(what: string, holds: () => boolean, withinMs = 2_000): Promise<void> {
  const until = performance.now() + withinMs;
  while (!holds()) {
    assert.ok(performance.now() < until, `not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
