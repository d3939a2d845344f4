/** The machine's side of the line protocol, for tests: a raw TCP serial server, and a pair of ptys made by socat. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { constants, existsSync, readFileSync } from 'node:fs';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { SpeakingMachine } from '../support/called-machine.ts';

/** A line of docs/machines.md, sewing-retrofit-csv, with the given stitch counter. */
export const retrofitLine = (stitches: number): string => `3,24.5,1.27,80,55,${stitches},4200\n`;

export const noise = Buffer.from([0x00, 0xff, 0x41, 0x2c, 0x80, 0x0a, 0x31, 0x2c, 0x32, 0x0a]);

/** Sends a retrofit line every `everyMs` to everyone who is connected. */
export class TcpLinePeer extends SpeakingMachine {
  readonly #everyMs: number;
  #stitches = 0;

  constructor(everyMs: number) {
    super();
    this.#everyMs = everyMs;
  }

  override async listen(): Promise<void> {
    await super.listen();
    this.takeTurns(this.#everyMs, () => {
      if (!this.speaks) return;
      this.#stitches += 10;
      if (this.isNoisy) this.send(noise);
      this.send(retrofitLine(this.#stitches));
    });
  }
}

/** Ends a program at once: an adapter that is pulled says no good-bye, and SIGTERM lets socat linger. */
export async function killed(program: ChildProcess | null): Promise<void> {
  if (program === null || program.exitCode !== null || program.signalCode !== null) return;
  program.kill('SIGKILL');
  await once(program, 'exit');
}

/** Two ptys joined by socat: the agent opens `device`, the machine writes to `far`. Unplugging ends socat and both ptys. */
export class PtyPair {
  readonly device: string;
  readonly #far: string;
  #socat: ChildProcess | null = null;
  #handle: FileHandle | null = null;

  constructor(folder: string) {
    this.device = `${folder}/device`;
    this.#far = `${folder}/far`;
  }

  async plug(): Promise<void> {
    const socat = spawn('socat', [`pty,raw,echo=0,link=${this.device}`, `pty,raw,echo=0,link=${this.#far}`], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    this.#socat = socat;
    const until = performance.now() + 10_000;
    while (!existsSync(this.device) || !existsSync(this.#far)) {
      if (performance.now() > until) throw new TypeError('socat made no ptys');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    // A process that leads a session would take the pty for its terminal, and die of SIGHUP when it goes.
    this.#handle = await open(this.#far, constants.O_RDWR | constants.O_NOCTTY);
  }

  async send(bytes: string | Uint8Array): Promise<void> {
    await this.#handle?.write(Buffer.from(bytes));
  }

  /** As `send`, but resolves only when socat has passed the bytes on, so that they lie at the device before anybody opens it. */
  async sendThrough(text: string): Promise<void> {
    const before = this.#passedBytes();
    await this.send(text);
    const until = performance.now() + 10_000;
    while (this.#passedBytes() < before + text.length) {
      if (performance.now() > until) throw new TypeError('socat passes nothing on');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** What socat has written so far, as Linux counts it (proc(5)). */
  #passedBytes(): number {
    const io = readFileSync(`/proc/${this.#socat?.pid ?? 0}/io`, 'utf8');
    return Number(/^wchar: (\d+)$/m.exec(io)?.[1] ?? 0);
  }

  async unplug(): Promise<void> {
    const socat = this.#socat;
    this.#socat = null;
    await killed(socat);
    await this.#handle?.close();
    this.#handle = null;
    // What a killed socat leaves behind; the kernel takes a real device's name away itself.
    await Promise.all([this.device, this.#far].map((link) => rm(link, { force: true })));
  }
}
