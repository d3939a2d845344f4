/**
 * Bad input that an agent goes on with: it says so once with the cure, works for all else, ends with 0 at SIGTERM, and loses
 * nothing that is stored. What ends a command is in `bad-input.test.ts`.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { freePort, listener } from '../support/ports.ts';
import {
  assertKept,
  assertNoStack,
  assertOneLine,
  damage,
  events,
  fillStore,
  isStatus,
  rows,
  run,
  runBridge,
  startAgent,
  temporaryDir,
  writeConfig,
  type Line,
  type Running,
} from './bad-input-rig.ts';

/** Lines of the log that need a person. */
const complaints = (agent: Running): readonly Line[] => agent.lines.filter((line) => Number(line['level']) >= 40);

/** Runs the agent of `config` until everything is delivered; every event of `before` is at the bridge then. */
async function deliverAll(t: TestContext, dir: string, config: string, before: readonly string[]): Promise<void> {
  const agent = await startAgent(t, config);
  await agent.until(
    'an empty outbox',
    (line) => line['uplink'] === 'connected' && line['outboxRecords'] === 0 && line['outboxBatches'] === 0,
  );
  assert.equal(await agent.stop(), 0);
  const named = (row: string): string => row.split(',').slice(0, 2).join(',');
  assertKept(before.map(named), rows(join(dir, 'bridge/bridge.db'), 'SELECT boot, n FROM record_event'));
  assertKept(before, events(dir));
}

describe('bad input that an agent goes on with', { concurrency: 2 }, () => {
  test('machines that cannot be read cost only themselves: a gap, an alert, a line with the cure', async (t) => {
    const dir = temporaryDir(t);
    const silent = await listener(t);
    const speaking = await listener(t, (socket) => {
      const timer = setInterval(() => socket.write('12,35.5,1.2,80,50,12345,1\n'), 250);
      socket.on('close', () => clearInterval(timer));
    });
    const bad = {
      closed: { profile: 'sewing-modbus-ref', endpoint: `modbus://127.0.0.1:${await freePort()}` },
      silent: { profile: 'sewing-modbus-ref', endpoint: `modbus://127.0.0.1:${silent}` },
      plain: { profile: 'knit-circular-opcua', endpoint: `opc.tcp://127.0.0.1:${silent}` },
      'no-line': { profile: 'sewing-retrofit-csv', endpoint: 'serial:///dev/selvedge-none?baudRate=9600' },
      'no-bus': { profile: 'sewing-modbus-ref', endpoint: 'modbus+rtu:///dev/selvedge-bus' },
    };
    const names = Object.keys(bad).toSorted();
    const good = { id: 'good', profile: 'sewing-retrofit-csv', endpoint: `tcp://127.0.0.1:${speaking}` };
    const machines = [...Object.entries(bad).map(([id, machine]) => ({ id, ...machine })), good];
    const agent = await startAgent(t, writeConfig(dir, { machines, rules: { offline: { afterS: 1 } } }));
    const status = await agent.until('all alerts', (line) => Number(line['activeAlerts']) >= names.length);
    assert.ok(Number((status['lastGoodMs'] as Line)['good']) > 0);
    assert.equal(await agent.stop(), 0);
    assertNoStack(agent.stderr());
    // The good one is fed by this process, which a busy computer may keep waiting.
    const told = complaints(agent).filter((line) => line['machine'] !== 'good');
    assert.deepEqual([...new Set(told.map((line) => String(line['machine'])))].toSorted(), names);
    const reasons = told.map((line) => `${String(line['machine'])} ${String(line['reason'])}`);
    assert.equal(new Set(reasons).size, reasons.length, `one line for each reason: ${reasons.join(', ')}`);
    for (const { code, reason, cure } of told) assert.ok(code === 'DRV-102' && reason !== '' && cure !== '');
    const journal = join(dir, 'agent/journal.db');
    for (const sql of [
      "SELECT machine FROM event WHERE event = 'gap' AND phase = 'opened'",
      "SELECT machine FROM alert WHERE type = 'offline' AND transition = 'raised'",
    ]) {
      assert.deepEqual(rows(journal, `${sql} AND machine <> 'good'`).toSorted(), names, sql);
    }
  });

  test('a wrong password: the broker refuses, records wait, and the right one delivers all of them', async (t) => {
    const dir = temporaryDir(t);
    const { port, bridge } = await runBridge(t, dir);
    const uplink = { url: `mqtt://127.0.0.1:${port}`, bridgeKey: 'bridge/bridge.pub.pem' };
    writeFileSync(join(dir, 'wrong.password'), 'not-the-password\n');
    const wrong = writeConfig(dir, { uplink: { ...uplink, password: 'file:wrong.password' } });
    const agent = await startAgent(t, wrong);
    const refused = (line: Line): boolean => line['uplink'] === 'refused: not authorised';
    const first = await agent.until(
      'the refusal in the status',
      (line) => refused(line) && Number(line['outboxRecords']) > 0,
    );
    await agent.until(
      'a later one',
      (line) => isStatus(line) && agent.lines.indexOf(line) > agent.lines.indexOf(first),
    );
    assert.equal(await agent.stop(), 0);
    assertNoStack(agent.stderr());
    const told = complaints(agent);
    assert.deepEqual(
      told.map((line) => line['code']),
      ['AGT-303'],
    );
    assert.match(String(told[0]?.['cure']), /password.*selvedge bridge allow/);
    assert.doesNotMatch(JSON.stringify(agent.lines), /not-the-password/);
    const before = events(dir);
    await deliverAll(t, dir, writeConfig(dir, { uplink: { ...uplink, password: 'file:uplink.password' } }), before);
    assert.equal(await bridge.stop(), 0);
  });

  test('a wrong bridge key: answers are not believed, records wait, and the right one delivers all of them', async (t) => {
    const dir = temporaryDir(t);
    const { port, bridge } = await runBridge(t, dir);
    assert.equal((await run(t, ['bridge', 'init', '--data-dir', join(dir, 'stranger')])).code, 0);
    const uplink = { url: `mqtt://127.0.0.1:${port}`, password: 'file:uplink.password', ackTimeoutS: 1 };
    const wrong = writeConfig(dir, { uplink: { ...uplink, bridgeKey: 'stranger/bridge.pub.pem' } });
    const agent = await startAgent(t, wrong);
    // Sent again and answered again: said once all the same.
    await agent.until('batches sent again', (line) => Number(line['redelivered']) > 1);
    assert.equal(await agent.stop(), 0);
    const told = complaints(agent).filter((line) => line['code'] === 'AGT-304');
    assert.equal(told.length, 1);
    assert.match(String(told[0]?.['cure']), /bridge\.pub\.pem/);
    const waiting = "SELECT (SELECT count(*) FROM outbox) + (SELECT sum(records) FROM batch WHERE state = 'pending')";
    const [records = '0'] = rows(join(dir, 'agent/journal.db'), waiting);
    assert.ok(Number(records) > 0);
    assert.deepEqual(rows(join(dir, 'agent/journal.db'), "SELECT seq FROM batch WHERE state <> 'pending'"), []);
    const right = writeConfig(dir, { uplink: { ...uplink, bridgeKey: 'bridge/bridge.pub.pem' } });
    await deliverAll(t, dir, right, events(dir));
    assert.equal(await bridge.stop(), 0);
  });

  test('a broker that is not there is said once with the cure; records wait', async (t) => {
    const dir = temporaryDir(t);
    assert.equal((await run(t, ['bridge', 'init', '--data-dir', join(dir, 'bridge')])).code, 0);
    writeFileSync(join(dir, 'uplink.password'), 'any\n');
    const url = `mqtt://127.0.0.1:${await freePort()}`;
    const uplink = { url, password: 'file:uplink.password', bridgeKey: 'bridge/bridge.pub.pem' };
    const agent = await startAgent(t, writeConfig(dir, { uplink }));
    const isCut = (line: Line): boolean => line['uplink'] === 'connection-refused' && Number(line['outboxRecords']) > 0;
    const first = await agent.until('the cut in the status', isCut);
    await agent.until(
      'a later one',
      (line) => isStatus(line) && agent.lines.indexOf(line) > agent.lines.indexOf(first),
    );
    assert.equal(await agent.stop(), 0);
    assertNoStack(agent.stderr());
    assert.deepEqual(
      complaints(agent).map((line) => [line['code'], typeof line['cure']]),
      [['AGT-305', 'string']],
    );
  });

  test('a configuration that is spoilt while the agent runs changes nothing', async (t) => {
    const dir = temporaryDir(t);
    const config = writeConfig(dir);
    const agent = await startAgent(t, config);
    writeFileSync(config, 'version: 1\nsite: {\n');
    const said = await agent.until('the complaint', (line) =>
      /cannot be used; the old one stays/.test(String(line['msg'])),
    );
    assert.match(String(said['error']), /AGT-101 .*agent\.yaml:\d+:\d+: .*; right: /);
    const seen = agent.lines.length;
    await agent.until('a status line', (line) => isStatus(line) && agent.lines.indexOf(line) >= seen);
    assert.equal(await agent.stop(), 0);
    assertNoStack(agent.stderr());
  });

  test('damaged databases are put aside, said and journaled; what still reads is kept', async (t) => {
    const dir = temporaryDir(t);
    await fillStore(dir, 2_000, 1_200);
    const [journal, ring] = ['journal.db', 'ring.db'].map((name) => join(dir, 'agent', name)) as [string, string];
    const blocks = (): string[] => rows(ring, 'SELECT machine, from_ms, to_ms, boot, points, hex(bytes) FROM block');
    const before = { events: events(dir), blocks: blocks() };
    const damaged = [damage(journal), damage(ring)];
    const agent = await startAgent(t, writeConfig(dir));
    const told = complaints(agent).filter((line) => line['code'] === 'AGT-209');
    assert.deepEqual(
      told.map((line) => /(\w+\.db)\.bad-\d{8}T\d{6}Z \(\d+ rows saved/.exec(String(line['file']))?.[1]),
      ['journal.db', 'ring.db'],
    );
    assert.ok(told.every((line) => String(line['cure']).includes('.bad file')));
    assert.equal(await agent.stop(), 0);
    assertNoStack(agent.stderr());
    const aside = readdirSync(join(dir, 'agent')).filter((name) => /\.bad-\d{8}T\d{6}Z$/.test(name));
    assert.deepEqual(
      aside
        .toSorted()
        .map((name) => readFileSync(join(dir, 'agent', name)).compare(damaged.shift() ?? Buffer.alloc(0))),
      [0, 0],
      'what was put aside is as it was found',
    );
    const quarantined = "SELECT count(*) FROM event WHERE event = 'store_quarantined'";
    assert.deepEqual(rows(journal, quarantined), ['2']);
    for (const [was, is] of [
      [before.events, new Set(events(dir))],
      [before.blocks, new Set(blocks())],
    ] as const) {
      const kept = was.filter((row) => is.has(row)).length;
      assert.ok(kept > 0.95 * was.length, `${kept} of ${was.length} rows kept`);
    }
  });

  test('a file that is no database at all is put aside the same way', async (t) => {
    const dir = temporaryDir(t);
    await fillStore(dir, 20, 0);
    const journal = join(dir, 'agent/journal.db');
    for (const name of ['journal.db', 'lock.db']) {
      writeFileSync(join(dir, 'agent', name), 'no database, whatever its name says\n'.repeat(1_000));
    }
    assertOneLine(await run(t, ['outbox', 'list', '--data-dir', join(dir, 'agent')]), /AGT-204 .*journal\.db/);
    const agent = await startAgent(t, writeConfig(dir));
    assert.deepEqual(
      complaints(agent).map((line) => line['code']),
      ['AGT-209'],
    );
    assert.equal(await agent.stop(), 0);
    assert.equal(rows(journal, "SELECT machine FROM event WHERE event = 'agent_started'").length, 1);
    assert.ok(readdirSync(join(dir, 'agent')).some((name) => name.startsWith('journal.db.bad-')));
    assert.ok(existsSync(join(dir, 'agent/ring.db')));
  });
});
