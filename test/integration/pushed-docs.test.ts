/**
 * The examples of docs/drivers/knit-floor.md and stoll-events.md, as a reader would copy them, with peers written in Python that
 * share no line with us.
 */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { groupByBus, loadSources } from '../../agent/sources.ts';
import type { Driver, Value } from '../../drivers/contract.ts';
import { interpret } from '../../drivers/profiles/interpret.ts';
import { repository } from '../check/files.ts';
import { EventLog, realPorts } from '../contract/driver.ts';
import { requireProgram } from '../support/peers.ts';
import { freePort } from '../support/ports.ts';
import { end, output, tempDir } from './modbus-peers.ts';
import { machinesAt } from './page-examples.ts';

const pageOf = (name: string): string => readFileSync(join(repository, 'docs/drivers', name), 'utf8');

interface Peer {
  readonly port: number;
  say(line: string): void;
  /** Ends it; resolves with the bytes anybody sent it. */
  received(): Promise<number>;
}
async function python(t: TestContext, script: string, ...args: string[]): Promise<Peer> {
  const child: ChildProcess = spawn('/usr/bin/python3', [join(import.meta.dirname, script), ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.after(() => end(child));
  const [, port] = await output(child, 'stdout', /ready (\d+)/);
  return {
    port: Number(port),
    say: (line) => void child.stdin?.write(`${line}\n`),
    received: async () => {
      const counted = output(child, 'stdout', /received (\d+)/);
      child.stdin?.end();
      return Number((await counted)[1]);
    },
  };
}

/** The machines of the page's `agent.yaml`, with their endpoints where the peers are. */
async function agentOf(t: TestContext, page: string, endpoint: string) {
  const [, text] = /^.*`agent\.yaml`:\n\n```yaml\n([\s\S]*?)^```$/m.exec(page) ?? assert.fail('no agent.yaml');
  const dir = tempDir(t);
  writeFileSync(join(dir, 'agent.yaml'), text ?? '');
  const ids = [...(text ?? '').matchAll(/- \{ id: ([\w-]+), profile/g)].map(([, id = '']) => id);
  const watched = machinesAt(dir, Object.fromEntries(ids.map((id) => [id, endpoint])));
  const log = new EventLog();
  const makeSources = await loadSources(watched);
  const options = { dataDir: dir, ports: realPorts(log), identified: () => {}, secret: () => '' };
  const drivers: Driver[] = groupByBus(watched).flatMap((bus) => makeSources(bus, options));
  t.after(() => Promise.all(drivers.map((driver) => driver.stop())));
  for (const driver of drivers) await driver.start(new AbortController().signal);
  const [first] = watched;
  return { log, profile: first?.profile ?? assert.fail('no machine') };
}

/** What the page promises of each signal: value and quality. */
const promisedBy = (page: string) =>
  [...page.matchAll(/^\| `([a-z.]+)` \| ([^|]+) \| (good|uncertain: `[a-z-]+`) \|$/gm)].map(
    ([, signal = '', value, quality]) => ({
      signal,
      value,
      quality,
    }),
  );

function told(log: EventLog, machine: string) {
  return new Map(
    log.readings(machine).map((reading) => [
      reading.signal,
      {
        signal: reading.signal,
        value: String(reading.value),
        quality: reading.quality === 'good' ? 'good' : `${reading.quality}: \`${reading.reason}\``,
      },
    ]),
  );
}
function stateOf(log: EventLog, machine: string, profile: Parameters<typeof interpret>[0]) {
  const values = new Map<string, Value>();
  for (const { signal, value } of log.readings(machine)) if (value !== null) values.set(signal, value);
  const { state, cause } = interpret(profile, null, values) ?? assert.fail('no state');
  return [state, cause];
}

test('the knit floor page: two boards call, and what the page says is read', async (t) => {
  if (!requireProgram(t, '/usr/bin/python3')) return;
  const page = pageOf('knit-floor.md');
  const port = await freePort();
  const { log, profile } = await agentOf(t, page, `knit-floor+tcp-listen://127.0.0.1:${port}`);
  const packets = [...page.matchAll(/^\| `([0-9xA-F ]+)` \| [^|]+ \|$/gm)].map(([, packet = '']) =>
    packet
      .split(' ')
      .map((part) => (part.startsWith('0x') ? `\\x${part.slice(2)}` : part))
      .join(''),
  );
  assert.deepEqual(packets, ['7', '203031', '700', '2741', '\\xFF9']);
  const [number = '', ...rest] = packets;
  const seven = await python(t, 'knit-floor-peer.py', 'call', String(port), number);
  const twelve = await python(t, 'knit-floor-peer.py', 'call', String(port), '12');
  for (const packet of rest) {
    seven.say('~0.2');
    seven.say(packet);
  }
  const promised = promisedBy(page);
  assert.equal(promised.length, 6);
  await log.until('the quality check and a sign of life behind the noise', 10_000, (events) => {
    return events.some((event) => event.kind === 'discarded') && told(log, 'ck-7').has('quality.check');
  });
  await log.until('twelve', 10_000, () => log.goods('ck-12') > 0);
  const got = told(log, 'ck-7');
  for (const one of promised) assert.deepEqual(got.get(one.signal), one);
  assert.deepEqual(stateOf(log, 'ck-7', profile), ['RUN', null]);
  assert.equal((await seven.received()) + (await twelve.received()), 0, 'nothing is sent to a machine');
});

test('a device server with a board behind it, with packets joined, torn and spoilt', async (t) => {
  if (!requireProgram(t, '/usr/bin/python3')) return;
  const server = await python(t, 'knit-floor-peer.py', 'serve');
  const page = pageOf('knit-floor.md')
    .replace(/^ {2}- \{ id: ck-12.*\n/m, '')
    .replace(', unit: 7', '');
  const { log } = await agentOf(t, page, `tcp://127.0.0.1:${server.port}`);
  for (const packet of ['1', '~0.05', '1700', '~0.05', '359', '~0.4', '\\x00\\xfe', '2', '1', '~0.4', '8'])
    server.say(packet);
  await log.until('the button', 10_000, () => told(log, 'ck-7').has('button.count'));
  const got = told(log, 'ck-7');
  assert.equal(got.get('lamp.yellow')?.value, 'true');
  assert.equal(got.get('lamp.red')?.value, 'true');
  assert.equal(got.get('cylinder.speed')?.value, '35');
  assert.equal(await server.received(), 0);
});

test('the page of Stoll events: what the machine sends is read as the page says', async (t) => {
  if (!requireProgram(t, '/usr/bin/python3')) return;
  const page = pageOf('stoll-events.md');
  const machine = await python(t, 'stoll-peer.py');
  const { log, profile } = await agentOf(t, page, `tcp://127.0.0.1:${machine.port}`);
  const [, lines = ''] = /```json\n([\s\S]*?)```/.exec(page) ?? [];
  assert.equal(lines.trim().split('\n').length, 7);
  for (const line of lines.trim().split('\n')) machine.say(line);
  const promised = promisedBy(page);
  assert.equal(promised.length, 8);
  await log.until('the stop', 10_000, () => told(log, 'fk-1').get('mc.state')?.value === '3');
  const got = told(log, 'fk-1');
  for (const one of promised) assert.deepEqual(got.get(one.signal), one);
  assert.deepEqual(stateOf(log, 'fk-1', profile), ['STOP_MATERIAL', 'knit.yarn_feed_fault']);
  assert.doesNotMatch(JSON.stringify(log.events), /Amina|9f86|two needles/);
  assert.equal(await machine.received(), 0);
});

test('a file of the page’s lines is replayed, and what is appended follows', async (t) => {
  const page = pageOf('stoll-events.md');
  const file = join(tempDir(t), 'events.jsonl');
  const [, lines = ''] = /```json\n([\s\S]*?)```/.exec(page) ?? [];
  // Recorded long ago: everything is told, late.
  writeFileSync(file, lines.replaceAll('TIME', '2026-03-02T08:15:00.250Z'));
  const { log } = await agentOf(t, page, `file://${file}`);
  await log.until('the stop', 10_000, () => told(log, 'fk-1').get('mc.state')?.value === '3');
  assert.deepEqual(told(log, 'fk-1').get('piece.count'), {
    signal: 'piece.count',
    value: '1',
    quality: 'uncertain: `before-start`',
  });
  assert.equal(told(log, 'fk-1').get('mc.state')?.quality, 'uncertain: `delivered-late`');
  const next = { generation: 'a', seq: 7, time: Date.now(), type: 2, id: 1 };
  writeFileSync(file, `${JSON.stringify(next)}\n`, { flag: 'a' });
  await log.until('production', 10_000, () => told(log, 'fk-1').get('mc.state')?.quality === 'good');
});
