/** The driver on our own simulated machine, found by its names, under every disturbance that is for OPC UA. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createOpcuaDriver } from '../../drivers/opcua/driver.ts';
import { loadOpcuaLibrary } from '../../drivers/opcua/library.ts';
import { ownCertificate } from '../../drivers/opcua/own-certificate.ts';
import { loadProfile } from '../../drivers/profiles/load.ts';
import { loadScenario, scenarioFile } from '../../simulators/scenario/load.ts';
import type { ScenarioDisturbance } from '../../simulators/scenario/schema.ts';
import { createOpcuaServer } from '../../simulators/servers/opcua.ts';
import { assertEventInvariants, EventLog, realPorts } from '../contract/driver.ts';

const folder = await mkdtemp(join(tmpdir(), 'selvedge-opcua-sim-'));
const pkiDir = join(folder, 'own');
after(() => rm(folder, { recursive: true }));

const machine = 'ck-1';
const generic = loadProfile('opcua-machinery', []);
const disturbance = (verb: ScenarioDisturbance['verb'], offsetS = 0): ScenarioDisturbance => ({
  machine,
  verb,
  atS: [0, 0],
  count: 1,
  params: { delayMs: 0, code: 6, bytes: 0, offsetS },
});

test('our simulated knitting machine is found by its names, and stays right through link loss, restart and a wrong clock', async () => {
  await ownCertificate(await loadOpcuaLibrary(), pkiDir);
  const loaded = loadScenario(scenarioFile('demo'));
  const simulated = loaded.ok ? loaded.scenario.machines.find(({ id }) => id === machine) : undefined;
  assert.ok(simulated !== undefined);
  const server = createOpcuaServer({ machine: simulated, port: 0, random: Math.random });
  await server.start();
  let rolls = 0;
  const show = () => {
    rolls += 1;
    server.latch(
      new Map<string, number | string>([
        ['item.state', 'Executing'],
        ['operation.mode', 'Processing'],
        ['stop.cause', 'none'],
        ['cylinder.speed', 27],
        ['yarn.tension', 4.5],
        ['power.active', 2200],
        ['cam.temp', 41.5],
        ['oil.level', 80],
        ['revolution.count', 1000 + rolls],
        ['fabric.length', 53300],
        ['roll.count', rolls],
        ['energy.total', 123456],
      ]),
      Date.now(),
    );
  };
  show();
  const log = new EventLog();
  const driver = createOpcuaDriver(
    {
      endpoint: server.endpoint,
      machines: [{ machine, profile: generic }],
      security: { mode: 'SignAndEncrypt', policy: 'Basic256Sha256' },
      serverFingerprint: server.fingerprint ?? undefined,
      trustDir: join(folder, 'trust'),
      pkiDir,
      backoff: { minMs: 50, maxMs: 200 },
      heartbeatMs: 200,
      timeoutMs: 30_000,
    },
    realPorts(log),
  );
  const last = (signal: string) => log.readings(machine).findLast((one) => one.signal === signal);
  const isShown = () => last('roll.count')?.value === rolls;
  const gapIs = (phase: 'opened' | 'closed') => log.gaps(machine).at(-1)?.phase === phase;
  try {
    await driver.start(new AbortController().signal);
    await log.until('the rolls', 60_000, isShown);
    const all = new Set(
      log
        .readings(machine)
        .filter((one) => one.quality === 'good')
        .map((one) => one.signal),
    );
    assert.deepEqual(
      [...all].sort(),
      // Every variable of docs/machines.md under its own canonical name.
      Object.keys(loadProfile('knit-circular-opcua', []).signals).sort(),
    );

    server.setLink(false);
    await log.until('a gap', 30_000, () => gapIs('opened'));
    show();
    server.setLink(true);
    await log.until('the rolls after the loss', 60_000, () => isShown() && gapIs('closed'));

    server.disturb(disturbance('restart'));
    await log.until('a gap of the restart', 30_000, () => gapIs('opened'));
    show();
    await log.until('the rolls after the restart', 60_000, () => isShown() && gapIs('closed'));

    server.disturb(disturbance('clock_step', -7200));
    show();
    await log.until('the rolls under a wrong clock', 60_000, isShown);
    for (const { sourceTimeMs, receivedTimeMs } of log.readings(machine)) {
      assert.ok(Math.abs(receivedTimeMs - sourceTimeMs) < 60_000, 'no time of two hours ago is let through');
    }
    assertEventInvariants([machine], log.events);
  } finally {
    await driver.stop();
    await server.stop();
  }
});
