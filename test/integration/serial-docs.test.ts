/** The examples of docs/drivers/serial.md and docs/drivers/efka.md, as a reader would copy them, on machines that send what the pages say. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { loadConfig } from '../../agent/config/load.ts';
import { loadSources, type WatchedMachine } from '../../agent/sources.ts';
import { repository } from '../check/files.ts';
import { EventLog, realPorts } from '../contract/driver.ts';
import { listener } from '../support/ports.ts';
import { tempDir } from './modbus-peers.ts';
import { assertAsPromised, copyFiles, machinesAt, promisedIn, type Promised } from './page-examples.ts';

/** Copies the files of a page; the machines of its configuration, where each is in this test. */
function filesOf(t: TestContext, page: string, endpoints: Readonly<Record<string, string>>): WatchedMachine[] {
  const dir = tempDir(t);
  copyFiles(page, dir);
  // As it stands, the page's configuration is right as well.
  const asWritten = loadConfig(join(dir, 'agent.yaml'), {});
  assert.equal(asWritten.machines.length, Object.keys(endpoints).length);
  return machinesAt(dir, endpoints);
}

/** What is promised in the table behind `from`. */
function promised(page: string, from: number): Promised[] {
  const [table = ''] = /(?:^\|.*\n)+/m.exec(page.slice(from)) ?? [];
  return promisedIn(table);
}

async function readAll(t: TestContext, watched: readonly WatchedMachine[], enough: number): Promise<EventLog> {
  const makeSources = await loadSources(watched);
  const log = new EventLog();
  const options = { dataDir: tempDir(t), ports: realPorts(log), identified: () => {}, secret: () => '' };
  const drivers = watched.flatMap((one) => makeSources([one], options));
  t.after(() => Promise.all(drivers.map((driver) => driver.stop())));
  for (const driver of drivers) await driver.start(new AbortController().signal);
  for (const { config } of watched)
    await log.until(`readings of ${config.id}`, 20_000, () => log.readings(config.id).length >= enough);
  await Promise.all(drivers.map((driver) => driver.stop()));
  return log;
}

function check(log: EventLog, machine: WatchedMachine, table: readonly Promised[], state: string): void {
  assert.equal(table.length, Object.keys(machine.profile.signals).length, 'the table has every signal');
  assertAsPromised(log, machine, table, state);
}

test('the three examples of the page on lines read what the page says', async (t) => {
  const page = readFileSync(join(repository, 'docs/drivers/serial.md'), 'utf8');
  const sent = [...page.matchAll(/^`(acme-\w+)` is sent `([^`]+)` and reads:$/gm)];
  assert.equal(sent.length, 3);
  const endpoints: Record<string, string> = {};
  for (const [, profile = '', escaped = ''] of sent) {
    const bytes = Buffer.from(
      escaped
        .replaceAll('\\r', '\r')
        .replaceAll('\\n', '\n')
        .replaceAll(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
      'latin1',
    );
    const id = { 'acme-fields': 'f-1', 'acme-pattern': 'p-1', 'acme-fixed': 'x-1' }[profile] ?? assert.fail(profile);
    const port = await listener(t, (socket) => {
      const timer = setInterval(() => socket.write(bytes), 50);
      socket.on('close', () => clearInterval(timer));
      socket.on('data', () => assert.fail('something was sent to a machine'));
    });
    endpoints[id] = `tcp://127.0.0.1:${port}`;
  }
  const watched = filesOf(t, page, endpoints);
  const log = await readAll(t, watched, 8);
  for (const machine of watched) {
    const at = sent.find(([, profile]) => profile === machine.profile.profile)?.index ?? assert.fail();
    check(log, machine, promised(page, at), 'RUN');
  }
});

test('the example of the page on EFKA drives reads what the page says', async (t) => {
  const page = readFileSync(join(repository, 'docs/drivers/efka.md'), 'utf8');
  const telegrams = new Map(
    [...page.matchAll(/^\| ((?:[0-9A-F]{2} )+)\| ((?:[0-9A-F]{2} )+)\|/gm)].map(([, question = '', answer = '']) => [
      question.replaceAll(' ', ''),
      answer.replaceAll(' ', ''),
    ]),
  );
  assert.equal(telegrams.size, 5);
  const strangers: string[] = [];
  const port = await listener(t, (socket) => {
    socket.on('data', (bytes) => {
      const answer = telegrams.get(bytes.toString('hex').toUpperCase());
      if (answer === undefined) strangers.push(bytes.toString('hex'));
      else socket.write(Buffer.from(answer, 'hex'));
    });
  });
  const watched = filesOf(t, page, { 'ls-7': `tcp://127.0.0.1:${port}` });
  const log = await readAll(t, watched, 11);
  const [machine] = watched;
  assert.ok(machine !== undefined);
  check(log, machine, promised(page, page.indexOf('It reads:')), 'RUN');
  assert.deepEqual(strangers, []);
});
