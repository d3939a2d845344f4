/**
 * The gateway's wall clock against everything the agent keeps: a start in 1970, steps of days and seconds, kills between them. The
 * machine's truth log and this process's clock are the measure; neither knows anything of the agent.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { decodeRingBlock } from '../../agent/ring/block.ts';
import { rows, runBridge, temporaryDir, writeConfig } from '../integration/bad-input-rig.ts';
import { endFloor, startFloor, type FloorProcess } from '../integration/simulators-process.ts';
import { until } from '../integration/sync-rig.ts';
import { requireFaketime, startClocked, truthOf, WallClock, type ClockedAgent } from './clock-rig.ts';

const year1970 = Date.UTC(1970, 0, 4);
const minuteMs = 60_000;
/** Polls, ticks and the truth log itself are some hundred ms apart. */
const toleranceMs = 1_000;

const scenario = `version: 1
site: site-1
machines:
  - { id: ls-1, kind: lockstitch, map: sewing-modbus-ref, protocol: modbus-tcp, unit: 1 }
faults:
  - { id: oil, machine: ls-1, fault: oil_low, atS: 4, forS: 600, expect: { as: alert, type: oil_low, withinS: 6 } }
`;

interface Gateway {
  readonly dir: string;
  readonly clock: WallClock;
  readonly config: string;
  readonly truthFile: string;
  readonly floor: FloorProcess;
  readonly journal: (sql: string) => string[];
  readonly atBridge: (sql: string) => string[];
}

async function runGateway(t: TestContext, more: Readonly<Record<string, unknown>> = {}): Promise<Gateway> {
  const dir = temporaryDir(t);
  writeFileSync(join(dir, 'floor.yaml'), scenario);
  const truthFile = join(dir, 'truth.jsonl');
  const { port } = await runBridge(t, dir);
  const floor = startFloor([join(dir, 'floor.yaml'), '--seed', '3', '--truth', truthFile, '--control', '--hold']);
  t.after(() => endFloor(floor));
  const listening = await floor.event('listening');
  const [machine] = listening['machines'] as { endpoint: string; unit: number }[];
  const config = writeConfig(dir, {
    machines: [{ id: 'ls-1', profile: 'sewing-modbus-ref', endpoint: machine?.endpoint, unit: machine?.unit }],
    uplink: { url: `mqtt://127.0.0.1:${port}`, bridgeKey: 'bridge/bridge.pub.pem', password: 'file:uplink.password' },
    ...more,
  });
  return {
    dir,
    clock: new WallClock(dir),
    config,
    truthFile,
    floor,
    journal: (sql) => rows(join(dir, 'agent/journal.db'), sql),
    atBridge: (sql) => rows(join(dir, 'bridge/bridge.db'), sql),
  };
}

/** When each alert was first seen in the journal by this process, true UTC ms. */
/** True time at which the alert was looked for in vain the last time, and at which it was seen. */
async function seeAlert(gateway: Gateway): Promise<{ readonly notYetMs: number; readonly seenMs: number }> {
  let notYetMs = Date.now();
  await until(
    'the alert is raised',
    () => {
      const askedMs = Date.now();
      const isThere = gateway.journal("SELECT n FROM alert WHERE type = 'oil_low'").length > 0;
      if (!isThere) notYetMs = askedMs;
      return isThere;
    },
    40_000,
  );
  return { notYetMs, seenMs: Date.now() };
}

async function delivered(gateway: Gateway, agent: ClockedAgent): Promise<void> {
  const folding = () => gateway.journal("SELECT name FROM total WHERE name LIKE 'fold %'");
  try {
    await until(
      'everything is dated and delivered',
      () => {
        const status = agent.status();
        return folding().length === 0 && status?.['uplink'] === 'connected' && status['outboxRecords'] === 0;
      },
      40_000,
    );
  } catch (error) {
    const told = agent.lines.filter((line) => Number(line['level']) >= 40);
    throw new TypeError(JSON.stringify([folding(), agent.status(), told]), { cause: error });
  }
}

/** Stops machine and agent; everything has reached the bridge then. */
async function finish(gateway: Gateway, agent: ClockedAgent): Promise<void> {
  gateway.floor.say('halt');
  await gateway.floor.event('halted');
  await delay(1_500);
  assert.equal(await agent.stop(), 0, agent.stderr());
  assert.deepEqual(gateway.journal('SELECT count(*) FROM outbox'), ['0']);
  assert.deepEqual(gateway.journal("SELECT count(*) FROM batch WHERE state <> 'acked'"), ['0']);
}

/** The bridge has every event and alert of the journal once, to the millisecond, and nothing else. */
function assertOnceAtBridge(gateway: Gateway): void {
  const columns = 'boot, n, at_ms, machine';
  for (const [table, there] of [
    ['event', 'record_event'],
    ['alert', 'record_alert'],
  ] as const) {
    const order = 'ORDER BY boot, n';
    const own = gateway.journal(`SELECT ${columns} FROM ${table} ${order}`);
    assert.deepEqual(gateway.atBridge(`SELECT ${columns} FROM ${there} ${order}`), own);
    assert.equal(new Set(own.map((row) => row.split(',').slice(0, 2).join('/'))).size, own.length);
  }
}

/** Times of stored readings, UTC ms on the gateway's clock. */
function readingTimes(gateway: Gateway): number[] {
  const db = new Database(join(gateway.dir, 'agent/ring.db'), { readonly: true });
  try {
    const blocks = db.prepare('SELECT bytes FROM block ORDER BY id').pluck().all() as Buffer[];
    return blocks.flatMap((bytes) => decodeRingBlock(bytes).map((reading) => reading.sourceTimeMs));
  } finally {
    db.close();
  }
}

/** Stitches by minute at the bridge against the machine's own count; all of them joined without a hole. */
function assertStitches(gateway: Gateway, offsetMs: number): void {
  const stitches = truthOf(gateway.truthFile)
    .filter((line) => line.kind === 'counter' && line.data['signal'] === 'stitch.total')
    .map((line) => ({ atMs: line.t + offsetMs, value: Number(line.data['value']) }));
  const spans = gateway
    .atBridge(
      `SELECT minute_ms, counter_from, counter_to, counter_delta, counter_uncertainty, counter_from_ms, counter_to_ms
       FROM summary WHERE signal = 'stitch.total' AND counter_delta IS NOT NULL ORDER BY counter_from_ms`,
    )
    .map((row) => row.split(',').map(Number));
  assert.ok(spans.length >= 2, 'more than one minute');
  let before: number | undefined;
  for (const [minute = 0, from = 0, to = 0, delta = 0, uncertainty, fromMs = 0, toMs = 0] of spans) {
    if (before !== undefined) assert.equal(from, before, `the deltas join: ${JSON.stringify(spans)}`);
    before = to;
    assert.deepEqual([delta, uncertainty], [to - from, 0]);
    assert.ok(toMs >= minute && toMs < minute + minuteMs, 'the minute is that of its last reading');
    const counted = (atMs: number) => stitches.findLast((line) => line.atMs <= atMs)?.value ?? stitches[0]?.value ?? 0;
    // The count at the end points lies between those a second earlier and later.
    for (const [value, atMs] of [
      [from, fromMs],
      [to, toMs],
    ] as const) {
      assert.ok(value >= counted(atMs - toleranceMs) && value <= counted(atMs + toleranceMs), `${value} at ${atMs}`);
    }
  }
  assert.equal(before, stitches.at(-1)?.value, 'nothing is missing at the end');
}

/** Seconds by state at the bridge: whole in every minute but the first and the last. */
function assertSeconds(gateway: Gateway): void {
  const minutes = new Map<number, number>();
  for (const row of gateway.atBridge(
    'SELECT minute_ms, total(value) FROM state_summary, json_each(seconds) GROUP BY minute_ms, reading_boot, segment',
  )) {
    const [minute = 0, seconds = 0] = row.split(',').map(Number);
    minutes.set(minute, (minutes.get(minute) ?? 0) + seconds);
  }
  const order = [...minutes.keys()].toSorted((a, b) => a - b);
  for (const minute of order.slice(1, -1)) {
    const seconds = minutes.get(minute) ?? 0;
    assert.ok(Math.abs(seconds - 60) < 0.5, `${seconds} s in the minute ${new Date(minute).toISOString()}`);
  }
  for (const [i, minute] of order.entries()) if (i > 0) assert.equal(minute - (order[i - 1] ?? 0), minuteMs);
}

/** Seconds to add to the true clock so that a minute begins `inS` from now. */
const minuteBeginsIn = (inS: number): number => {
  const secondsToGo = 60 - (Math.floor(Date.now() / 1000) % 60);
  return secondsToGo - inS;
};

describe('the gateway starts in 1970', { concurrency: 1 }, () => {
  for (const kills of [[], ['without the time'], ['just after the step']] as const) {
    const name = kills.length === 0 ? '' : `, killed ${kills.join(', ')}`;
    test(`all works without the time; once it is known all is dated and sent once${name}`, async (t) => {
      if (!requireFaketime(t)) return;
      const gateway = await runGateway(t);
      const { clock } = gateway;
      clock.set(Math.round((year1970 - Date.now()) / 1000));
      const startedMs = Date.now();
      let agent = await startClocked(t, gateway.config, clock);
      const listenedMs = Date.now();
      gateway.floor.say('begin');
      // The true clock will turn out to be some seconds ahead, so that a minute begins in the middle of what is to be dated.
      const trueS = minuteBeginsIn(14);
      const { notYetMs, seenMs } = await seeAlert(gateway);
      await until('the uplink says why it waits', () => agent.status()?.['uplink'] === 'clock-not-set');
      assert.deepEqual([agent.status()?.['clock'], agent.status()?.['knowsTime']], ['unsynced', false]);
      assert.ok(agent.lines.some((line) => line['code'] === 'AGT-306' && line['cure'] !== undefined));
      if (kills.some((kill) => kill === 'without the time')) {
        // Long enough for readings of it to be on the disk.
        await delay(Math.max(0, listenedMs + 10_000 - Date.now()));
        await agent.kill();
        agent = await startClocked(t, gateway.config, clock);
      }
      await delay(Math.max(0, listenedMs + 22_000 - Date.now()));
      assert.deepEqual(gateway.journal('SELECT count(*) FROM batch'), ['0'], 'nothing is sealed');
      assert.deepEqual(gateway.journal('SELECT count(*) FROM summary'), ['0'], 'no minute of a day nobody knows');
      assert.deepEqual(gateway.atBridge('SELECT count(*) FROM record_event'), ['0']);
      const undated = gateway.journal('SELECT boot, n FROM event UNION ALL SELECT boot, n FROM alert');

      clock.set(trueS);
      const steppedMs = Date.now();
      if (kills.some((kill) => kill === 'just after the step')) {
        await until(
          'the step is seen',
          () => gateway.journal("SELECT n FROM event WHERE event = 'clock_step'").length > 0,
        );
        await agent.kill();
        agent = await startClocked(t, gateway.config, clock);
      }
      await delivered(gateway, agent);
      await delay(Math.max(0, steppedMs + 6_000 - Date.now()));
      const open = gateway.journal('SELECT state, raised_ms FROM occurrence WHERE is_open = 1');
      await finish(gateway, agent);

      const onClock = (trueMs: number) => trueMs + clock.offsetMs;
      const built = Date.UTC(2026, 0, 1);
      for (const [table, column] of [
        ['event', 'at_ms'],
        ['event', 'from_ms'],
        ['alert', 'at_ms'],
        ['alert', 'onset_ms'],
        ['alert', 'raised_ms'],
        ['occurrence', 'raised_ms'],
        ['machine', 'at_ms'],
        ['boot', 'started_ms'],
        ['summary', 'minute_ms'],
      ] as const) {
        assert.deepEqual(gateway.journal(`SELECT ${column} FROM ${table} WHERE ${column} < ${built}`), [], table);
      }
      const kept = new Set(gateway.journal('SELECT boot, n FROM event UNION ALL SELECT boot, n FROM alert'));
      assert.deepEqual(
        undated.filter((identity) => !kept.has(identity)),
        [],
        'records keep their identity',
      );
      const [raised = ''] = gateway.journal("SELECT raised_ms FROM alert WHERE type = 'oil_low' ORDER BY id LIMIT 1");
      const told = `raised at ${raised}, seen after ${onClock(notYetMs)} until ${onClock(seenMs)}`;
      assert.ok(Number(raised) > onClock(notYetMs) - toleranceMs && Number(raised) <= onClock(seenMs) + 50, told);
      const [started = ''] = gateway.journal(
        "SELECT at_ms FROM event WHERE event = 'agent_started' ORDER BY id LIMIT 1",
      );
      assert.ok(Number(started) > onClock(startedMs) && Number(started) < onClock(listenedMs), started);
      const times = readingTimes(gateway);
      assert.ok(Math.min(...times) >= onClock(startedMs) && Math.max(...times) <= onClock(Date.now()));
      assertOnceAtBridge(gateway);
      assertStitches(gateway, clock.offsetMs);
      assertSeconds(gateway);
      // Here no time service vouches for the clock; who saw the step says so.
      const sawStep = !kills.some((kill) => kill === 'just after the step');
      assert.deepEqual(gateway.atBridge('SELECT DISTINCT clock FROM batch'), [sawStep ? 'stepped' : 'unsynced']);
      assert.deepEqual(open, [`active-unacked,${raised}`], 'the alert stood all the time and is one');
    });
  }
});

test('steps of a day and of seconds while it works: each is told, nothing is lost, doubled or out of order', async (t) => {
  if (!requireFaketime(t)) return;
  const gateway = await runGateway(t);
  const { clock } = gateway;
  clock.set(0);
  const agent = await startClocked(t, gateway.config, clock);
  gateway.floor.say('begin');
  await until('the outbox is empty', () => agent.status()?.['uplink'] === 'connected');
  const day = 86_400;
  const stepsS = [day, -day, 5, -5, -day, day, 5, 5, -10];
  const told = () =>
    gateway.journal("SELECT json_extract(body, '$.data.stepMs') FROM event WHERE event = 'clock_step' ORDER BY n");
  let offsetS = 0;
  for (const [i, stepS] of stepsS.entries()) {
    await delay(1_200);
    clock.set((offsetS += stepS));
    await until('the step is told', () => told().length === i + 1);
  }
  await delay(1_200);
  await finish(gateway, agent);
  for (const [i, stepMs] of told().entries()) {
    assert.ok(Math.abs(Number(stepMs) - (stepsS[i] ?? 0) * 1000) < 100, `${stepMs} ms for ${stepsS[i]} s`);
  }
  assertOnceAtBridge(gateway);
  // In the order of the segments the deltas join, from the first reading to the last.
  const stitches = truthOf(gateway.truthFile).filter((line) => line.data['signal'] === 'stitch.total');
  let at: number | null = null;
  for (const row of gateway.atBridge(
    `SELECT counter_from, counter_to, counter_delta, counter_uncertainty FROM summary
     WHERE signal = 'stitch.total' AND counter_delta IS NOT NULL ORDER BY segment, minute_ms`,
  )) {
    const [from = 0, to = 0, delta = 0, uncertainty = 0] = row.split(',').map(Number);
    assert.deepEqual([at ?? from, delta, uncertainty], [from, to - from, 0]);
    at = to;
  }
  assert.equal(at, Number(stitches.at(-1)?.data['value']));
  const [state = 'none'] = gateway.atBridge('SELECT clock FROM batch ORDER BY sealed_ms DESC LIMIT 1');
  assert.equal(state, 'stepped');
  const lateMs = Number(agent.status()?.['pollLatenessP99Ms']);
  assert.ok(lateMs < 500, `polls were ${lateMs} ms late: they wait for the monotonic clock alone`);
  assert.deepEqual(
    agent.status()?.['dropped'],
    Object.fromEntries(Object.keys(agent.status()?.['dropped'] ?? {}).map((key) => [key, 0])),
  );
});
