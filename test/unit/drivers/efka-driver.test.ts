import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Driver } from '../../../drivers/contract.ts';
import { createEfkaDriver, type EfkaDriverOptions } from '../../../drivers/efka/driver.ts';
import { DriverError } from '../../../drivers/errors.ts';
import { loadProfile } from '../../../drivers/profiles/load.ts';
import { assertEventInvariants, driverContract, EventLog, realPorts } from '../../contract/driver.ts';
import { efkaAnswer, EfkaPeer } from './efka-peer.ts';

const profile = loadProfile('sewing-efka-serial', []);
const running = { E3: '00', '02': 'A2', '08': '80', '00': '00', '61': '8CA' };
const quick = { normal: 40, slow: 80 };
const backoff = { minMs: 50, maxMs: 200 };

driverContract({
  name: 'EFKA over TCP',
  silenceToGapMs: 1_000,
  async create(ports) {
    const peer = new EfkaPeer();
    for (const address of [0xf0, 0xf1]) peer.set(address, running);
    await peer.listen();
    const machines = [
      { machine: 'm-1', profile, polls: quick },
      { machine: 'm-2', address: 0xf1, profile, polls: quick },
    ];
    return {
      driver: createEfkaDriver({ endpoint: peer.endpoint, machines, timeoutMs: 150, backoff }, ports),
      peer: peer.asPeer(efkaAnswer(0xf7, '02=FF')),
      dispose: () => peer.close(),
    };
  },
});

interface Rig {
  readonly peer: EfkaPeer;
  readonly log: EventLog;
  readonly driver: Driver;
  readonly logged: Record<string, unknown>[];
}

async function rig(
  t: TestContext,
  drives: Readonly<Record<string, number>> = { 'm-1': 0xf0 },
  options: Partial<EfkaDriverOptions> = {},
  clock?: () => number,
): Promise<Rig> {
  const peer = new EfkaPeer();
  for (const address of Object.values(drives)) peer.set(address, running);
  await peer.listen();
  const log = new EventLog();
  const logged: Record<string, unknown>[] = [];
  const machines = Object.entries(drives).map(([machine, address]) => ({ machine, address, profile, polls: quick }));
  const ports = {
    ...realPorts(log),
    log: (_level: unknown, _message: string, fields: Record<string, unknown>) => void logged.push(fields),
    ...(clock === undefined ? {} : { clock: { wallMs: () => Date.now(), monotonicMs: clock } }),
  };
  const driver = createEfkaDriver({ endpoint: peer.endpoint, machines, timeoutMs: 150, backoff, ...options }, ports);
  t.after(async () => {
    await driver.stop();
    await peer.close();
    assertEventInvariants(driver.machines, log.events);
    assert.equal(peer.writes, 0, 'nothing but questions was sent');
  });
  return { peer, log, driver, logged };
}

const valueOf = (log: EventLog, signal: string, machine = 'm-1') =>
  log.readings(machine).findLast((reading) => reading.signal === signal);
const discards = (log: EventLog) => log.events.flatMap((event) => (event.kind === 'discarded' ? [event.reason] : []));

test('a drive is read: every signal of the profile, and E3 before all else', async (t) => {
  const { peer, log, driver } = await rig(t, undefined, { timeoutMs: 500 });
  await driver.start(new AbortController().signal);
  await log.until('all signals', 5_000, () => log.goods('m-1') >= 11);
  assert.equal(peer.questions[0]?.parameter, 'E3');
  assert.equal(valueOf(log, 'spindle.speedset')?.value, 4500);
  assert.equal(valueOf(log, 'status.standstill')?.value, false);
  assert.equal(valueOf(log, 'pedal.position')?.value, 'forward');
  assert.equal(valueOf(log, 'link.timeout')?.value, false);
});

test('a drive whose E3 is not 0 is asked once and then left alone, however often the connection comes and goes', async (t) => {
  const { peer, log, driver, logged } = await rig(t);
  peer.set(0xf0, { E3: '32' });
  await driver.start(new AbortController().signal);
  await log.until('an open gap', 5_000, () => log.gaps('m-1').length > 0);
  assert.equal(log.gaps('m-1')[0]?.reason, 'drive-would-stop-without-polls');
  const told = logged.find(({ code }) => code === 'DRV-311') ?? assert.fail('not told');
  assert.equal(told['stopsAfterMs'], 500);
  for (let i = 0; i < 3; i += 1) {
    await peer.close();
    const ups = log.events.filter((event) => event.kind === 'link' && event.up).length;
    await log.until('a link that is down', 5_000, (events) => events.some((e) => e.kind === 'link' && !e.up));
    await peer.listen();
    await log.until(
      'a link that is up',
      5_000,
      (events) => events.filter((e) => e.kind === 'link' && e.up).length > ups,
    );
  }
  assert.deepEqual(
    peer.questions.map(({ parameter }) => parameter),
    ['E3'],
  );
  assert.equal(log.readings('m-1').length, 0);
});

test('a drive that is left alone is asked again after an hour, and read when E3 is 0 then', async (t) => {
  let aheadMs = 0;
  const { peer, log, driver } = await rig(t, { 'm-1': 0xf0 }, {}, () => performance.now() + aheadMs);
  peer.set(0xf0, { E3: 'FF' });
  await driver.start(new AbortController().signal);
  await log.until('an open gap', 5_000, () => log.gaps('m-1').length > 0);
  peer.set(0xf0, { E3: '00' });
  aheadMs = 3_590_000;
  await peer.close();
  await peer.listen();
  await log.until('a new connection', 5_000, () => peer.accepted === 2);
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(peer.questions.length, 1);
  aheadMs = 3_601_000;
  await peer.close();
  await peer.listen();
  await log.until('a good reading', 5_000, () => log.goods('m-1') > 0);
});

test('E3 set while the drive is polled ends the polls', async (t) => {
  let aheadMs = 0;
  const { peer, log, driver } = await rig(t, { 'm-1': 0xf0 }, {}, () => performance.now() + aheadMs);
  await driver.start(new AbortController().signal);
  await log.until('good readings', 5_000, () => log.goods('m-1') > 20);
  peer.set(0xf0, { E3: '0A' });
  aheadMs = 61_000;
  await log.until('an open gap', 5_000, () => log.gaps('m-1').length > 0);
  assert.equal(log.gaps('m-1')[0]?.reason, 'drive-would-stop-without-polls');
  const count = peer.questions.length;
  assert.equal(peer.questions.at(-1)?.parameter, 'E3');
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal(peer.questions.length, count);
});

for (const [what, value] of [
  ['does not have E3', undefined],
  ['answers E3 with what is no number', 'OFF'],
] as const) {
  test(`a drive that ${what} is not polled`, async (t) => {
    const { peer, log, driver } = await rig(t);
    if (value === undefined) peer.values.delete('240/E3');
    else peer.set(0xf0, { E3: value });
    await driver.start(new AbortController().signal);
    await log.until('an open gap', 5_000, () => log.gaps('m-1').length > 0);
    assert.equal(log.gaps('m-1')[0]?.reason, 'drive-monitor-unknown');
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.equal(peer.questions.length, 1);
  });
}

test('a refused parameter is bad with its reason, and costs no other signal', async (t) => {
  const { peer, log, driver } = await rig(t, undefined, { timeoutMs: 500 });
  peer.values.delete('240/08');
  peer.misbehave = ({ parameter }) => (parameter === '61' ? { raw: () => Buffer.from('%F00001') } : null);
  await driver.start(new AbortController().signal);
  await log.until('readings', 5_000, () => log.readings('m-1').some(({ signal }) => signal === 'spindle.speedset'));
  await log.until('good readings', 5_000, () => log.goods('m-1') >= 27);
  const speed = valueOf(log, 'spindle.speedset');
  assert.equal(speed?.quality === 'bad' ? speed.reason : speed, 'efka-parameter-unknown');
  const pedal = valueOf(log, 'pedal.position');
  assert.equal(pedal?.quality === 'bad' ? pedal.reason : pedal, 'refused-by-drive');
  assert.equal(peer.questions.filter(({ parameter }) => parameter === '61').length, 1, 'it rests for half a minute');
  assert.deepEqual(discards(log), []);
});

test('an error of two digits counts once nothing follows it', async (t) => {
  const { peer, log, driver } = await rig(t);
  peer.misbehave = ({ parameter }) => (parameter === '61' ? { raw: () => Buffer.from('%F015') } : null);
  await driver.start(new AbortController().signal);
  await log.until('readings', 5_000, () => log.readings('m-1').some(({ signal }) => signal === 'spindle.speedset'));
  const speed = valueOf(log, 'spindle.speedset');
  assert.equal(speed?.quality === 'bad' ? speed.reason : speed, 'efka-access-denied');
});

const flip = (answer: Buffer): Buffer => {
  const damaged = Buffer.from(answer);
  damaged[6] = (damaged[6] ?? 0) ^ 0x01;
  return damaged;
};
const wrongs: Readonly<Record<string, readonly [raw: (answer: Buffer) => Buffer | readonly Buffer[], reason: string]>> =
  {
    'a wrong BCC': [(answer) => flip(answer), 'bad-checksum'],
    'another address': [() => efkaAnswer(0xf4, '61=FFF'), 'wrong-unit'],
    'another parameter': [() => efkaAnswer(0xf0, '62=FFF'), 'wrong-function'],
    'a torn answer': [(answer) => answer.subarray(0, 6), 'truncated'],
    // 61=F003: noise made an ETX of the last digit, and of the ETX the BCC of what stands before it.
    'an answer cut short by noise that fits its BCC': [() => Buffer.from('01f00236313d463030038db0', 'hex'), 'garbage'],
    'an acknowledgement': [() => Buffer.from([0xf0, 0x06]), 'wrong-function'],
    noise: [() => Buffer.from('\u0000\u0001\u0002A=B\u0003', 'latin1'), 'garbage'],
  };
for (const [what, [raw, reason]] of Object.entries(wrongs)) {
  test(`${what} is thrown away and counted, and the question repeated`, async (t) => {
    const { peer, log, driver } = await rig(t, undefined, { timeoutMs: 500 });
    let isDone = false;
    peer.misbehave = ({ parameter }) => {
      if (parameter !== '61' || isDone) return null;
      isDone = true;
      return { raw };
    };
    await driver.start(new AbortController().signal);
    await log.until('the signal', 5_000, () => valueOf(log, 'spindle.speedset') !== undefined);
    assert.deepEqual(
      new Set(log.readings('m-1').flatMap(({ signal, value }) => (signal === 'spindle.speedset' ? [value] : []))),
      new Set([4500]),
    );
    assert.ok(discards(log).includes(reason as never), discards(log).join());
    assert.equal(log.gaps('m-1').length, 0);
  });
}

test('a late answer is nobody else’s, a duplicate neither', async (t) => {
  const { peer, log, driver } = await rig(t, { 'm-1': 0xf0, 'm-2': 0xf1 });
  peer.set(0xf1, { '61': '7D0' });
  let late = 0;
  peer.misbehave = ({ parameter, address }, nth) => {
    if (parameter === '61' && address === 0xf0 && late < 3) {
      late += 1;
      return { delayMs: 190 };
    }
    return nth % 4 === 0 ? { raw: (answer) => [answer, answer] } : null;
  };
  await driver.start(new AbortController().signal);
  await log.until(
    'late and duplicate',
    8_000,
    () => discards(log).includes('late') && discards(log).includes('duplicate'),
  );
  await log.until('both', 8_000, () => ['m-1', 'm-2'].every((m) => valueOf(log, 'spindle.speedset', m) !== undefined));
  for (const [machine, speed] of [
    ['m-1', 4500],
    ['m-2', 4000],
  ] as const) {
    for (const { signal, value, quality } of log.readings(machine)) {
      if (signal === 'spindle.speedset') assert.deepEqual([quality, value], ['good', speed]);
      if (signal === 'status.standstill') assert.equal(value, false);
    }
  }
});

test('a line that echoes is read as one that does not', async (t) => {
  const { peer, log, driver } = await rig(t, undefined, { timeoutMs: 500 });
  peer.echoes = true;
  await driver.start(new AbortController().signal);
  await log.until('good readings', 5_000, () => log.goods('m-1') > 40);
  assert.deepEqual(discards(log), []);
});

test('a late NAK is nobody else’s: E3 is not taken for refused, nor another parameter', async (t) => {
  const { peer, log, driver } = await rig(t);
  peer.values.delete('240/61');
  // Behind the time-out of 150 ms and the 50 ms in which the line is left alone.
  peer.misbehave = ({ parameter }) => (parameter === '61' ? { delayMs: 230 } : null);
  await driver.start(new AbortController().signal);
  await log.until('late', 5_000, () => discards(log).filter((reason) => reason === 'late').length >= 3);
  const goods = log.goods('m-1');
  await log.until('readings go on', 5_000, () => log.goods('m-1') > goods + 20);
  assert.ok(log.gaps('m-1').every(({ reason }) => reason === 'timeout'));
  for (const reading of log.readings('m-1')) {
    if (reading.signal !== 'spindle.speedset') assert.equal(reading.quality, 'good', reading.signal);
    else assert.equal(reading.quality, 'bad');
  }
});

test('what cannot be polled is refused when the driver is made, with everything that is wrong', () => {
  const make =
    (machines: EfkaDriverOptions['machines'], endpoint = 'tcp://127.0.0.1:1'): (() => Driver) =>
    () =>
      createEfkaDriver({ endpoint, machines }, realPorts(new EventLog()));
  const hasCode =
    (code: string, ...words: string[]) =>
    (error: unknown): boolean =>
      error instanceof DriverError && error.entry.code === code && words.every((word) => error.message.includes(word));
  assert.throws(make([]), hasCode('DRV-312'));
  assert.throws(
    make([
      { machine: 'a', profile, address: 5 },
      { machine: 'b', profile, polls: { fast: 100 } },
      { machine: 'b', profile: loadProfile('sewing-retrofit-csv', []) },
    ]),
    hasCode('DRV-312', 'address 5', 'poll class fast', 'is there twice', 'not for EFKA', 'belongs to b'),
  );
  assert.throws(make([{ machine: 'a', profile }], 'modbus://h:502'), hasCode('DRV-300'));
});
