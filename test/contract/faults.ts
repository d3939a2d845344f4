/**
 * A driver against the simulator of its machine, with each fault verb the simulator has: whatever the machine and its wire do, what
 * the driver calls good is what the machine showed, and it goes on when the trouble is over. A row of the table is one driver with
 * one simulator; `faultContract` makes a test of it for every verb that applies.
 *
 * Beside D1 … D5 and D7 of `drivers/contract.ts`:
 *  - Every good value is one the machine showed, at most `maxAgeMs` before it was received; where one answer brings all signals,
 *    all of them are of the same moment.
 *  - The trouble is told in the way the row expects: a gap, a discard, bad readings, or not at all.
 *  - D6 by the simulator's own book: nothing that came in would have changed anything.
 */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Driver, DriverEvent, DriverPorts, Reading, Value } from '../../drivers/contract.ts';
import { createFloorModel } from '../../simulators/floor/model.ts';
import {
  disturbanceVerbs,
  scenarioSchema,
  type DisturbanceVerb,
  type ScenarioDisturbance,
  type ScenarioMachine,
} from '../../simulators/scenario/schema.ts';
import type { MachineServer } from '../../simulators/servers/server.ts';
import { assertEventInvariants, EventLog, realPorts } from './driver.ts';

/** The verbs of a scenario, and the machine's power switch. */
export const faultVerbs = [...disturbanceVerbs, 'offline'] as const;
export type FaultVerb = (typeof faultVerbs)[number];

/** What the driver must have told of a trouble before it is over. */
export type Told = (events: readonly DriverEvent[]) => boolean;

export interface FaultCase {
  /** How often, for how long and with what, as in a scenario; not for `offline`, which lasts `offlineMs`. */
  readonly with?: Partial<Pick<ScenarioDisturbance, 'forS' | 'count'>> & {
    readonly params?: Partial<ScenarioDisturbance['params']>;
  };
  /** Name and test of what is told; null: nothing but readings. */
  readonly told: readonly [what: string, Told] | null;
  /** How old a good value may be when it is received, where it is not `maxAgeMs` of the row. */
  readonly maxAgeMs?: number;
}

export interface FaultRow {
  readonly name: string;
  readonly machine: Pick<ScenarioMachine, 'kind' | 'map' | 'protocol'> & { readonly unit?: number };
  readonly available?: (t: TestContext) => boolean;
  readonly server: (machine: ScenarioMachine) => MachineServer;
  /** A driver on the server that listens; what is made for it beside is taken down with `t.after`. Time-outs ≤ 200 ms. */
  readonly driver: (t: TestContext, server: MachineServer, machine: string, ports: DriverPorts) => Promise<Driver>;
  /** Every verb that applies to the machine. What is missing here does not. */
  readonly cases: Partial<Record<FaultVerb, FaultCase>>;
  /** One answer brings all signals of the machine. */
  readonly isAtOnce: boolean;
  readonly maxAgeMs: number;
  /** Longest time until the trouble shows, and until it is over. Default 10 000. */
  readonly withinMs?: number;
}

/** What the machine shows changes this often. */
const tickMs = 25;
/** Model time of a tick: the faster it runs, the more it changes. */
const modelTickMs = 250;
const offlineMs = 400;
const id = 'm-1';
/** Between the tick and its receipt lie a timer and the event loop of one process. */
const slackMs = 100;

export const opened =
  (...reasons: readonly string[]): Told =>
  (events) =>
    events.some(
      (e) => e.kind === 'gap' && e.phase === 'opened' && (reasons.length === 0 || reasons.includes(e.reason)),
    );
export const discarded =
  (...reasons: readonly string[]): Told =>
  (events) =>
    events.some((e) => e.kind === 'discarded' && reasons.includes(e.reason));

/** One tick of the machine: what it showed, and from when to when. */
interface Shown {
  readonly fromMs: number;
  toMs: number;
  readonly values: ReadonlyMap<string, Value>;
}

/** Runs the machine: its values change with every tick, its counters by another step each, so that no two ticks are alike. */
function runMachine(row: FaultRow) {
  const scenario = scenarioSchema.parse({ version: 1, site: 'test', machines: [{ id, ...row.machine }] });
  const model = createFloorModel(scenario, 1, { tickMs: modelTickMs });
  const [view] = model.machines;
  assert.ok(view !== undefined);
  const server = row.server(view.scenario);
  const shown: Shown[] = [];
  const latch = (): void => {
    model.step(modelTickMs);
    const values = new Map(view.values());
    [...view.counters()].forEach(([signal, { wrapsAt }], i) => {
      values.set(signal, (1000 + (shown.length + 1) * (i + 3)) % wrapsAt);
    });
    const nowMs = Date.now();
    const last = shown.at(-1);
    if (last !== undefined) last.toMs = nowMs;
    shown.push({ fromMs: nowMs, toMs: Number.POSITIVE_INFINITY, values });
    server.latch(values, nowMs);
  };
  latch();
  const timer = setInterval(latch, tickMs);
  return { server, shown, stop: () => clearInterval(timer) };
}

const isSame = (told: Value, true_: Value | undefined): boolean =>
  typeof told === 'number' && typeof true_ === 'number' ? Math.abs(told - true_) < 1e-6 : told === true_;

/** Throws where a good reading is not what the machine showed. Returns how many good readings there were. */
export function assertTrue(
  events: readonly DriverEvent[],
  shown: readonly Shown[],
  { isAtOnce, maxAgeMs }: { readonly isAtOnce: boolean; readonly maxAgeMs: number },
): number {
  let count = 0;
  for (const event of events) {
    if (event.kind !== 'readings') continue;
    const goods = event.readings.filter((reading) => reading.quality === 'good');
    count += goods.length;
    for (const group of isAtOnce ? [goods] : goods.map((one) => [one])) {
      const [first] = group;
      if (first === undefined) continue;
      const { receivedTimeMs } = first;
      const possible = shown.filter(
        ({ fromMs, toMs }) => fromMs <= receivedTimeMs + 1 && toMs >= receivedTimeMs - maxAgeMs - slackMs,
      );
      const isTrue = possible.some(({ values }) => group.every((one) => isSame(one.value, values.get(one.signal))));
      if (!isTrue) assert.fail(`nothing the machine showed of late: ${tell(group)}, but ${tellShown(group, possible)}`);
    }
  }
  return count;
}

const tell = (group: readonly Reading[]) => group.map((one) => `${one.signal} ${String(one.value)}`).join(', ');
const tellShown = (group: readonly Reading[], possible: readonly Shown[]) =>
  possible.map(({ values }) => group.map((one) => String(values.get(one.signal))).join(', ')).join(' | ');

function disturbance(row: FaultRow, verb: DisturbanceVerb, more: FaultCase['with'] = {}): ScenarioDisturbance {
  const machines = [{ id, ...row.machine }];
  const disturbances = [{ machine: id, verb, atS: 0, ...more }];
  const [one] = scenarioSchema.parse({ version: 1, site: 'test', machines, disturbances }).disturbances;
  assert.ok(one !== undefined);
  return one;
}

/** Registers a test for every verb that applies to the row. */
export function faultContract(row: FaultRow): void {
  const withinMs = row.withinMs ?? 10_000;
  for (const verb of faultVerbs) {
    const fault = row.cases[verb];
    if (fault === undefined) continue;
    test(`${row.name}, ${verb}: what is called good is true, and it goes on`, async (t) => {
      if (row.available !== undefined && !row.available(t)) return;
      const { server, shown, stop } = runMachine(row);
      const log = new EventLog();
      t.after(stop);
      t.after(() => server.stop());
      await server.start();
      const driver = await row.driver(t, server, id, realPorts(log));
      t.after(() => driver.stop());
      assert.deepEqual([server.clients, log.events], [0, []], 'it starts nothing before it is started (D7)');
      await driver.start(new AbortController().signal);
      await log.until('good readings', withinMs, () => log.goods(id) > 0);
      const signals = new Set(log.readings(id).map(({ signal }) => signal));

      const before = log.events.length;
      const since = (events: readonly DriverEvent[]) => events.slice(before);
      if (verb === 'offline') {
        server.setLink(false);
        setTimeout(() => server.setLink(true), offlineMs);
      } else server.disturb(disturbance(row, verb, fault.with));
      const atMs = Date.now();
      const { told } = fault;
      if (told !== null) await log.until(told[0], withinMs, (events) => told[1](since(events)));

      // Every signal has a good value that was true after the trouble, and no gap is open.
      const overMs = Math.max(Date.now(), atMs + 1000 * (fault.with?.forS ?? 0));
      await log.until('every signal again', withinMs, () => {
        if (log.gaps(id).at(-1)?.phase === 'opened') return false;
        const fresh = log.readings(id).filter((one) => one.quality === 'good' && one.receivedTimeMs > overMs);
        return new Set(fresh.map(({ signal }) => signal)).size >= (row.isAtOnce ? signals.size : 3);
      });
      if (told === null) assert.deepEqual(since(log.gaps(id)), [], 'nobody would have noticed');

      const stopping = performance.now();
      await driver.stop();
      assert.ok(performance.now() - stopping < 1_000, 'stop takes less than a second (D5)');
      const count = log.events.length;
      while (server.clients > 0) await new Promise((resolve) => setTimeout(resolve, 5));
      await new Promise((resolve) => setTimeout(resolve, 50));
      assert.equal(log.events.length, count, 'no event after the stop (D5)');
      assertEventInvariants([id], log.events);
      const maxAgeMs = fault.maxAgeMs ?? row.maxAgeMs;
      assert.ok(assertTrue(log.events, shown, { isAtOnce: row.isAtOnce, maxAgeMs }) > 0);
      assert.equal(server.writes, 0, 'nothing is written to a machine (D6)');
    });
  }
}
