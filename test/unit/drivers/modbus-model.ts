/**
 * A Modbus machine as plain arrays, knowing nothing of `drivers/`, and a poller on it without network: its clock is mocked
 * time, so that half a minute takes a millisecond.
 */
import type { TestContext } from 'node:test';
import type { DriverEvent, Reading } from '../../../drivers/contract.ts';
import { MachineFeed } from '../../../drivers/feed.ts';
import type { Bus } from '../../../drivers/modbus/bus.ts';
import { signalItems } from '../../../drivers/modbus/decode.ts';
import type { ReadRequest, Reply } from '../../../drivers/modbus/pdu.ts';
import { Poller } from '../../../drivers/modbus/poller.ts';
import type { Profile } from '../../../drivers/profiles/schema.ts';

export interface Model {
  /** Register or bit of a function; null where there is none. */
  readonly cell: (fn: number, address: number) => number | null;
  /** Most registers it gives at once; 16 times as many bits. */
  readonly limit: number;
  /** Reads that cross this register are refused. */
  readonly border?: number;
}

/** The answer of the machine: data, or exception 2 or 3. */
export function answer(model: Model, { fn, address, count }: ReadRequest): Reply {
  if (count < 1 || count > model.limit * (fn <= 2 ? 16 : 1)) return { kind: 'exception', code: 3 };
  if (model.border !== undefined && address < model.border && address + count > model.border) {
    return { kind: 'exception', code: 2 };
  }
  const data = new Uint8Array(fn <= 2 ? Math.ceil(count / 8) : count * 2);
  for (let i = 0; i < count; i += 1) {
    const cell = model.cell(fn, address + i);
    if (cell === null) return { kind: 'exception', code: 2 };
    if (fn <= 2) data[i >> 3] = (data[i >> 3] ?? 0) | (cell << (i & 7));
    else data.set([cell >> 8, cell & 0xff], i * 2);
  }
  return { kind: 'data', data };
}

export interface Watched {
  readonly requests: ReadRequest[];
  readonly events: DriverEvent[];
  /** Readings since the last call. */
  readonly taken: () => Reading[];
  /** Requests of the next `cycles` polls. */
  readonly cycles: (cycles: number) => Promise<ReadRequest[]>;
  readonly reconnect: () => void;
  readonly end: () => void;
}

/** One poll a second. `t.mock.timers` must be enabled for setTimeout. */
export function watch(
  t: TestContext,
  profile: Profile,
  reply: (request: ReadRequest, nowMs: number) => Reply,
): Watched {
  let nowMs = 0;
  const requests: ReadRequest[] = [];
  const events: DriverEvent[] = [];
  const ports = {
    clock: { wallMs: () => nowMs, monotonicMs: () => nowMs },
    random: () => 0.5,
    sink: (event: DriverEvent) => void events.push(event),
    log: () => {},
  };
  const poller = new Poller({
    unit: 1,
    items: signalItems(profile),
    limits: {
      maxRegisters: profile.modbus?.maxRegistersPerRead ?? 125,
      maxGapRegisters: profile.modbus?.maxGapRegisters ?? 8,
    },
    intervalsMs: new Map([['normal', 1_000]]),
    timeoutMs: 1_000,
    sharesLine: false,
    probe: { minMs: 250, maxMs: 2_000 },
    feed: new MachineFeed('m', ports),
    ports,
    onAnswer: () => {},
  });
  const bus: Bus = {
    read(request) {
      requests.push(request);
      return Promise.resolve(reply(request, nowMs));
    },
    // A poller only reads.
    write: () => Promise.resolve({ kind: 'failed', reason: 'never-written', hasLeft: false }),
    close: () => Promise.resolve(),
  };
  poller.connected(bus);
  let taken = 0;
  return {
    requests,
    events,
    taken() {
      const some = events.slice(taken).flatMap((event) => (event.kind === 'readings' ? event.readings : []));
      taken = events.length;
      return some;
    },
    async cycles(cycles) {
      const from = requests.length;
      for (let i = 0; i < cycles; i += 1) {
        const stepMs = nowMs === 0 ? 1 : 1_000;
        nowMs += stepMs;
        t.mock.timers.tick(stepMs);
        // The whole poll runs in microtasks, since the machine answers at once.
        await new Promise((resolve) => setImmediate(resolve));
      }
      return requests.slice(from);
    },
    reconnect() {
      poller.disconnected();
      poller.connected(bus);
    },
    end: () => poller.disconnected(),
  };
}
