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
import { join } from 'node:path';
import { loadProfile } from '../../../drivers/profiles/load.ts';
import type { Profile } from '../../../drivers/profiles/schema.ts';
import { createStollDriver } from '../../../drivers/stoll/driver.ts';
import { driverContract } from '../../contract/driver.ts';
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
      peer: {
        breakLink: () => recorder.hangUp(),
        fallSilent: () => recorder.fallSilent(),
        restore: () => recorder.restore(),
        disturb: () => recorder.disturb(),
        connections: () => recorder.connections,
        accepted: () => recorder.acceptedCount,
        writes: () => recorder.writtenBytes,
      },
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
