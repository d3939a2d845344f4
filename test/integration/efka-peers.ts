/** What stands at the other end of the line where EFKA drives are tested: a pty with a peer behind it, and drives written in Python. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readlinkSync, realpathSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import type { EfkaPeer } from '../unit/drivers/efka-peer.ts';
import { killed, PtyPair } from './serial-peer.ts';

/** A driver in a hurry. */
export const polls = { normal: 40, slow: 80 };
export const backoff = { minMs: 50, maxMs: 200 };

const python = '/usr/bin/python3';
const script = join(import.meta.dirname, 'efka-peer.py');

/** A pty with a TCP peer behind it; pulling it out ends both. */
export class PtyToPeer {
  readonly device: string;
  readonly #peer: EfkaPeer;
  #socat: ReturnType<typeof spawn> | null = null;

  constructor(folder: string, peer: EfkaPeer) {
    this.device = join(folder, 'usb-EFKA_test-if00');
    this.#peer = peer;
  }

  async plug(): Promise<void> {
    const { host } = new URL(this.#peer.endpoint);
    const before = this.#peer.accepted;
    this.#socat = spawn('socat', [`pty,raw,echo=0,link=${this.device}`, `TCP:${host},nodelay`], { stdio: 'ignore' });
    const until = performance.now() + 10_000;
    while (!existsSync(this.device) || this.#peer.accepted === before) {
      assert.ok(performance.now() < until, 'socat made no pty');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async unplug(): Promise<void> {
    const socat = this.#socat;
    this.#socat = null;
    await killed(socat);
    await rm(this.device, { force: true });
  }

  /** How often this process has it open. */
  opens(): number {
    if (!existsSync(this.device)) return 0;
    const device = realpathSync(this.device);
    return readdirSync('/proc/self/fd').filter((fd) => {
      try {
        return readlinkSync(join('/proc/self/fd', fd)) === device;
      } catch {
        return false;
      }
    }).length;
  }
}

/** A line of what a Python peer tells. */
export interface Told {
  readonly [key: string]: unknown;
}

/** A pty of whose two ends the agent gets one and a Python drive the other. */
export async function pythonDrive(
  t: TestContext,
  drives: readonly string[],
): Promise<{ readonly endpoint: string; readonly told: Told[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'selvedge-pty-'));
  const pty = new PtyPair(folder);
  await pty.plug();
  const slave = spawn(python, [script, 'slave', join(folder, 'far'), ...drives], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(async () => {
    await killed(slave);
    await pty.unplug();
    await rm(folder, { recursive: true });
  });
  const told: Told[] = [];
  const lines = createInterface({ input: slave.stdout });
  const opened = once(lines, 'line');
  lines.on('line', (line) => told.push(JSON.parse(line) as Told));
  await opened;
  return { endpoint: `serial://${pty.device}?baudRate=9600`, told };
}

/** A control in Python asks at `port` for parameters of the drive `address`; resolves with what it tells, line by line. */
export async function pythonControl(port: string, address: string, parameters: readonly string[]): Promise<Told[]> {
  const asked = spawn(python, [script, 'master', port, address, ...parameters], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const told: Told[] = [];
  createInterface({ input: asked.stdout }).on('line', (line) => told.push(JSON.parse(line) as Told));
  await once(asked, 'close');
  return told;
}
