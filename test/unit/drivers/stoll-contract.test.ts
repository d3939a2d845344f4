/** The shared driver suite on event streams: over TCP, and in a file that comes and goes. */
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadProfile } from '../../../drivers/profiles/load.ts';
import type { Profile } from '../../../drivers/profiles/schema.ts';
import { createStollDriver } from '../../../drivers/stoll/driver.ts';
import { assertEventInvariants, driverContract, EventLog, realPorts } from '../../contract/driver.ts';
import { Recorder } from './stoll-peer.ts';

const profile: Profile = {
  ...loadProfile('knit-flat-stoll-events', []),
  'stoll-events': { silenceS: 0.6, lateAfterS: 120 },
};
const backoff = { minMs: 50, maxMs: 200 };

driverContract({
  name: 'stoll events over TCP',
  silenceToGapMs: 2_000,
  async create(ports) {
    const recorder = new Recorder();
    await recorder.listen();
    recorder.work(40);
    return {
      driver: createStollDriver(
        { endpoint: `tcp://127.0.0.1:${recorder.port}`, machine: 'fk-1', profile, backoff },
        ports,
      ),
      peer: recorder.asPeer(),
      dispose: () => recorder.dispose(),
    };
  },
});

/** Whether this process has the file open: what a machine would see as a connection. */
function opened(file: string): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(file);
    } catch {
      return false;
    }
  }).length;
}

driverContract({
  name: 'stoll events in a file',
  silenceToGapMs: 2_000,
  async create(ports) {
    const dir = mkdtempSync(join(tmpdir(), 'selvedge-stoll-'));
    const file = join(dir, 'events.jsonl');
    let seq = 0;
    let speaks = true;
    let noisy = false;
    let mostOpened = 0;
    const line = (type: number, id: number): string => {
      seq += 1;
      return `${JSON.stringify({ generation: 1, seq, time: Date.now(), type, id, param: '3' })}\n`;
    };
    writeFileSync(file, line(2, 1));
    const working = setInterval(() => {
      mostOpened = Math.max(mostOpened, opened(file));
      if (!speaks || !existsSync(file)) return;
      appendFileSync(file, noisy ? `?\n${line(1, 3)}` : line(1, 3));
    }, 40);
    return {
      driver: createStollDriver({ endpoint: `file://${file}`, machine: 'fk-1', profile, backoff }, ports),
      peer: {
        breakLink: async () => renameSync(file, `${dir}/away`),
        fallSilent: () => void (speaks = false),
        restore: async () => {
          speaks = true;
          if (existsSync(`${dir}/away`)) renameSync(`${dir}/away`, file);
        },
        disturb: () => void (noisy = true),
        connections: () => opened(dir),
        accepted: () => mostOpened,
        writes: () => 0,
      },
      dispose: async () => {
        clearInterval(working);
        rmSync(dir, { recursive: true });
      },
    };
  },
});

test('times of the machine: ties are told apart, a clock set back or ahead is replaced and in doubt', async (t) => {
  const recorder = new Recorder();
  await recorder.listen();
  t.after(() => recorder.dispose());
  const log = new EventLog();
  const driver = createStollDriver(
    { endpoint: `tcp://127.0.0.1:${recorder.port}`, machine: 'fk-1', profile, backoff },
    realPorts(log),
  );
  await driver.start(new AbortController().signal);
  t.after(() => driver.stop());
  const now = Date.now() - 30_000;
  for (const [time, id] of [
    [now, 1],
    [now, 3],
    [now, 1],
    [now - 10_000, 6],
    [now - 9_000, 1],
    [Date.now() + 3_600_000, 7],
    [now + 5_000, 1],
  ] as const) {
    recorder.record(2, id, { time });
  }
  await log.until(
    'seven states',
    5_000,
    () => log.readings('fk-1').filter((one) => one.signal === 'mc.state').length === 7,
  );
  const got = log.readings('fk-1').filter((one) => one.signal === 'mc.state');
  const { receivedTimeMs } = got[5] ?? assert.fail();
  assert.deepEqual(
    got.map((one) => [one.sourceTimeMs, one.value, one.quality === 'good' ? 'good' : one.reason]),
    [
      [now, 1, 'good'],
      [now + 1, 3, 'good'],
      [now + 2, 1, 'good'],
      [now + 3, 6, 'source-clock-set-back'],
      // The clock goes on from where it was set to, until it has caught up with what was told.
      [now + 4, 1, 'source-clock-set-back'],
      [receivedTimeMs, 7, 'source-clock-ahead'],
      [receivedTimeMs + 1, 1, 'source-clock-set-back'],
    ],
  );
  assertEventInvariants(['fk-1'], log.events);
});
