/**
 * Random profiles, requests and hostile input through the public interface of the driver, against a server that records every
 * frame it gets: nothing reaches it but reads and what a profile lists. What is allowed is computed here from the random profile by
 * the rules of docs/drivers/modbus.md, with no code of `drivers/`.
 */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { createModbusDriver, openBus } from '../../../drivers/modbus/driver.ts';
import { profileSchema } from '../../../drivers/profiles/schema.ts';
import { EventLog, realPorts } from '../../contract/driver.ts';
import { CalledMachine } from '../../support/called-machine.ts';
import { withCrc } from './modbus-peer.ts';
import { Random, runs, seed } from './modbus-random.ts';

/** A write as the wire shows it. */
interface Seen {
  readonly unit: number;
  readonly pdu: Buffer;
}

/** Answers in every way a server may, and records. */
class Recorder extends CalledMachine {
  readonly functions = new Map<number, number>();
  readonly writes: Seen[] = [];
  misfits = 0;
  readonly #random: Random;
  readonly #framing: 'tcp' | 'rtu';

  constructor(framing: 'tcp' | 'rtu', random: Random) {
    super();
    this.#framing = framing;
    this.#random = random;
  }

  protected override welcome(socket: Socket): void {
    socket.on('data', (chunk) => this.#take(socket, chunk));
  }

  #take(socket: Socket, chunk: Buffer): void {
    let at = 0;
    const head = this.#framing === 'tcp' ? 7 : 1;
    while (at < chunk.length) {
      const fn = chunk[at + head] ?? 0;
      // A server that believes nothing: by the length the frame says where there is one, else by its function.
      const pduLength =
        this.#framing === 'tcp'
          ? chunk.readUInt16BE(at + 4) - 1
          : fn === 15 || fn === 16
            ? 6 + (chunk[at + 6] ?? 0)
            : 5;
      const end = at + head + pduLength;
      const pdu = Buffer.from(chunk.subarray(at + head, end));
      const unit = chunk[at + head - 1] ?? 0;
      this.functions.set(fn, (this.functions.get(fn) ?? 0) + 1);
      if (fn < 1 || fn > 4) this.writes.push({ unit, pdu });
      else if (pdu.length !== 5) this.misfits += 1;
      const answer = this.#answer(fn, pdu);
      if (answer !== null) {
        if (this.#framing === 'tcp') {
          const header = Buffer.from([chunk[at] ?? 0, chunk[at + 1] ?? 0, 0, 0, 0, answer.length + 1, unit]);
          socket.write(Buffer.concat([header, answer]));
        } else socket.write(withCrc(Buffer.concat([Buffer.from([unit]), answer])));
      }
      at = end + (this.#framing === 'tcp' ? 0 : 2);
    }
  }

  #answer(fn: number, pdu: Buffer): Buffer | null {
    const random = this.#random;
    if (random.chance(0.002)) return null;
    if (random.chance(0.02)) return Buffer.from([fn | 0x80, 1 + random.below(11)]);
    if (fn > 4) {
      const echo = Buffer.from(pdu.subarray(0, 5));
      if (random.chance(0.05)) echo[1 + random.below(4)] = random.below(256);
      return echo;
    }
    const count = pdu.readUInt16BE(3);
    const data = Buffer.alloc(fn <= 2 ? Math.ceil(count / 8) : count * 2);
    return Buffer.concat([Buffer.from([fn, data.length]), data]);
  }
}

const types = ['uint16', 'int16', 'uint32', 'int32', 'float32', 'bcd16', 'bcd32'] as const;
const names = ['a.one', 'a.two', 'a.three', 'a.four', 'a.five'] as const;

interface Rule {
  readonly table: 'holding' | 'coil';
  readonly address: number;
  readonly type: (typeof types)[number];
  readonly order: 'ABCD' | 'CDAB' | 'BADC' | 'DCBA';
  readonly scale: number;
  readonly offset: number;
  readonly range: readonly [number, number];
}

/** The rules of one machine by name. Ranges are often more than the type holds: such profiles are refused, and go in all the same. */
function randomRules(random: Random): Map<string, Rule> {
  const rules = new Map<string, Rule>();
  for (const [i, name] of names.entries()) {
    if (random.chance(0.3)) continue;
    const table = random.chance(0.2) ? 'coil' : 'holding';
    const edge = random.below(70_000) - 30_000;
    const range: readonly [number, number] =
      table === 'coil'
        ? random.of([0, 1] as const, [0, 0] as const, [1, 1] as const)
        : [edge, edge + random.below(random.of(3, 500, 100_000))];
    rules.set(name, {
      table,
      address: random.of(i * 10, 65_500 + i * 2, 1_000 + random.below(100) * 10 + i * 2),
      type: random.of(...types),
      order: random.of('ABCD', 'CDAB', 'BADC', 'DCBA'),
      scale: table === 'coil' ? 1 : random.of(1, 1, 0.1, 0.5, 10, -1, -0.01),
      offset: table === 'coil' ? 0 : random.of(0, 0, 0, 100, -40),
      range,
    });
  }
  return rules;
}

function profileOf(rules: ReadonlyMap<string, Rule>) {
  return profileSchema.parse({
    profile: 'random',
    version: 1,
    title: 'Random',
    kind: 'other',
    protocol: 'modbus',
    verified: false,
    source: ['a test'],
    polls: { normal: { intervalMs: 500 } },
    signals: { 'spindle.speed': { kind: 'gauge', unit: 'RPM', from: { table: 'input', address: 0 } } },
    writes: Object.fromEntries(
      [...rules].map(([name, { order, ...rule }]) => [name, { title: 'x', ...rule, wordOrder: order }]),
    ),
    states: [{ state: 'IDLE' }],
  });
}

const twoRegisters = new Set(['uint32', 'int32', 'float32', 'bcd32']);

/** The value on the wire in the unit, or a sentence that says what is wrong with the frame. */
function judge(pdu: Buffer, rules: ReadonlyMap<string, Rule>): string | null {
  const fn = pdu[0];
  const address = pdu.readUInt16BE(1);
  if (fn === 5) {
    const on = pdu.readUInt16BE(3);
    if (on !== 0xff00 && on !== 0) return 'no value of a coil';
    const value = on === 0 ? 0 : 1;
    const isListed = [...rules.values()].some(
      (rule) => rule.table === 'coil' && rule.address === address && rule.range[0] <= value && value <= rule.range[1],
    );
    return isListed && pdu.length === 5 ? null : `coil ${address} is not listed for ${value}`;
  }
  if (fn !== 6 && fn !== 16) return `function ${fn}`;
  const registers = fn === 6 ? 1 : pdu.readUInt16BE(3);
  const data = fn === 6 ? pdu.subarray(3) : pdu.subarray(6);
  if (data.length !== registers * 2) return 'a length that does not fit';
  for (const rule of rules.values()) {
    if (rule.table !== 'holding' || rule.address !== address) continue;
    if (registers !== (twoRegisters.has(rule.type) ? 2 : 1)) continue;
    const value = valueOf(data, rule);
    const dust = 1e-6 * Math.max(1, Math.abs(value));
    if (value >= rule.range[0] - dust && value <= rule.range[1] + dust) return null;
  }
  return `register ${address} gets ${data.toString('hex')}, which is not listed`;
}

function valueOf(data: Buffer, { type, order, scale, offset }: Rule): number {
  const bytes = Buffer.from(data);
  if (order === 'BADC' || order === 'DCBA') bytes.swap16();
  if (bytes.length === 4 && (order === 'CDAB' || order === 'DCBA')) {
    bytes.set(Buffer.concat([bytes.subarray(2), bytes.subarray(0, 2)]));
  }
  const raw = {
    uint16: () => bytes.readUInt16BE(0),
    int16: () => bytes.readInt16BE(0),
    uint32: () => bytes.readUInt32BE(0),
    int32: () => bytes.readInt32BE(0),
    float32: () => bytes.readFloatBE(0),
    bcd16: () => Number(bytes.toString('hex')),
    bcd32: () => Number(bytes.toString('hex')),
  }[type]();
  return raw * scale + offset;
}

function hostileValue(random: Random, rule: Rule | undefined): unknown {
  const [low, high] = rule?.range ?? [0, 10];
  switch (random.below(12)) {
    case 0:
      return low;
    case 1:
      return high;
    case 2:
      return low - 1;
    case 3:
      return high + 1;
    case 4:
      return random.of(Number.NaN, Infinity, -Infinity, -0, 1e308, 2 ** 53, 65_536, -1, 5e-324);
    case 5:
      return random.of<unknown>('300', null, undefined, [300], 300n, Symbol('300'), new Date(300));
    case 6:
      return { valueOf: () => low };
    case 7:
      return random.chance(0.5);
    default:
      return low + random.below(Math.max(1, Math.min(1e6, high - low + 1)));
  }
}

const hostileNames = ['', '__proto__', 'constructor', 'hasOwnProperty', 'spindle.speed', 'A.ONE', 'a.one ', 'a.one\0'];

async function fuzz(t: TestContext, framing: 'tcp' | 'rtu', wanted: number): Promise<void> {
  const random = new Random(seed);
  // Unit 0 is allowed over TCP, and must never be written there.
  const firstUnit = framing === 'tcp' ? 0 : 1;
  const [perDriver, perMachine] = [8, 50];
  const recorder = new Recorder(framing, random);
  await recorder.listen();
  let asked = 0;
  let judged = 0;
  const outcomes = new Map<string, number>();
  for (let at = 0; at < wanted; at += perDriver * perMachine) {
    const rulesOf = Array.from({ length: perDriver }, () => randomRules(random));
    const machines = rulesOf.map((rules, i) => ({
      machine: `m${i}`,
      unit: i + firstUnit,
      profile: profileOf(rules),
      writes: random.chance(0.9),
    }));
    const log = new EventLog();
    const driver = createModbusDriver(
      {
        endpoint: `${framing === 'tcp' ? 'modbus' : 'modbus+rtu'}://127.0.0.1:${recorder.port}`,
        machines,
        timeoutMs: 40,
        backoff: { minMs: 5, maxMs: 10 },
      },
      realPorts(log),
    );
    await driver.start(new AbortController().signal);
    await log.until('the link', 5_000, (events) => events.some((event) => event.kind === 'link' && event.up));
    const first = recorder.writes.length;
    await Promise.all(
      machines.map(async ({ machine }, i) => {
        for (let nth = 0; nth < perMachine; nth += 1) {
          const name = random.chance(0.1) ? random.of('', ...hostileNames) : random.of(...names);
          const value = hostileValue(random, rulesOf[i]?.get(name));
          const deadlineMs = random.chance(0.02) ? Number.NaN : performance.now() + 5_000;
          const whom = random.chance(0.02) ? 'm99' : machine;
          const result = await driver.write(whom, name, value as number, deadlineMs);
          outcomes.set(result.outcome, (outcomes.get(result.outcome) ?? 0) + 1);
          asked += 1;
        }
      }),
    );
    await driver.stop();
    for (const { unit, pdu } of recorder.writes.slice(first)) {
      judged += 1;
      assert.equal(
        unit === 0 || machines[unit - firstUnit]?.writes !== true,
        false,
        `seed ${seed}: unit ${unit} may not be written`,
      );
      const wrong = judge(pdu, rulesOf[unit - firstUnit] ?? new Map());
      assert.equal(wrong, null, `seed ${seed}: ${pdu.toString('hex')} ${wrong}`);
    }
  }
  await recorder.close();
  const sent = [...outcomes].reduce((n, [key, count]) => (key.startsWith('not-') ? n : n + count), 0);
  const seen = [...recorder.functions].toSorted(([a], [b]) => a - b).map(([fn, count]) => `${fn}: ${count}`);
  t.diagnostic(
    `seed ${seed}; ${asked} asked; ${JSON.stringify(Object.fromEntries(outcomes))}; functions ${seen.join(', ')}`,
  );
  assert.equal(judged, sent, 'each write that left reached the server exactly once');
  assert.ok(judged > wanted / 20, 'enough of them were allowed to show something');
  assert.equal(recorder.misfits, 0);
  for (const fn of recorder.functions.keys()) assert.ok([1, 2, 3, 4, 5, 6, 16].includes(fn), `function ${fn}`);
}

test(
  '200,000 random and hostile writes over TCP: only what a profile lists reaches the server',
  { timeout: 600_000 },
  (t) => fuzz(t, 'tcp', runs(200_000)),
);

test(
  '20,000 random and hostile writes over RTU: only what a profile lists reaches the server',
  { timeout: 600_000 },
  (t) => fuzz(t, 'rtu', runs(20_000)),
);

for (const framing of ['tcp', 'rtu'] as const) {
  test(`${framing}: 20,000 things that only look like an allowed write leave nothing that writes`, async () => {
    const random = new Random(seed + 1);
    const recorder = new Recorder(framing, random);
    await recorder.listen();
    const { promise: up, resolve } = Promise.withResolvers<void>();
    const bus = openBus(
      { kind: framing === 'tcp' ? 'tcp' : 'rtu-tcp', host: '127.0.0.1', port: recorder.port },
      { onUp: resolve, onDown: () => {}, onDiscard: () => {} },
      { connectTimeoutMs: 3_000, staleAfterMs: 60_000, monotonicMs: () => performance.now() },
    );
    await up;
    let heldBack = 0;
    for (let i = 0; i < 20_000; i += 1) {
      // A function that reads would be asked as a read, of four numbers: that is no write and would only wait.
      const fn = random.chance(0.5)
        ? 5 + random.below(251)
        : random.of(0, 5, 6, 15, 16, 22, 23, 43, -1, 4.5, Number.NaN);
      const pdu = Uint8Array.from({ length: 1 + random.below(12) }, () => random.below(256));
      pdu[0] = Math.max(5, fn & 0xff);
      const forged = { unit: random.below(256), fn, address: random.below(65_536), count: 1, pdu: () => pdu };
      const reply = await bus.write(forged as never, 50, performance.now() + 1_000);
      if (!reply.hasLeft && reply.kind === 'failed' && reply.reason === 'held-back') heldBack += 1;
    }
    await bus.close();
    await recorder.close();
    assert.equal(heldBack, 20_000);
    assert.deepEqual(recorder.writes, []);
    assert.deepEqual([...recorder.functions], []);
  });
}
