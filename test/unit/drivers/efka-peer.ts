/**
 * EFKA drives of a few lines for the driver's tests, written from the manual (402280, §7.5 to §7.9) and knowing nothing of `drivers/` or
 * `simulators/`. They answer from plain texts, keep the watch of E3, and misbehave on demand.
 */
import type { Socket } from 'node:net';
import { AnsweringMachine } from '../../support/called-machine.ts';

export interface PeerQuestion {
  readonly address: number;
  readonly parameter: string;
}

export type Misbehaviour =
  | 'ignore'
  | { readonly raw: (answer: Buffer) => Buffer | readonly Buffer[] }
  | { readonly delayMs: number };

export function efkaAnswer(address: number, text: string): Buffer {
  const covered = [address, 0x02, ...Buffer.from(text, 'latin1'), 0x03];
  return Buffer.from([0x01, ...covered, covered.reduce((check, byte) => check ^ byte, 0)]);
}

export class EfkaPeer extends AnsweringMachine {
  /** Value by `address/parameter`; what is not there is refused with NAK, an address without any is silent. */
  readonly values = new Map<string, string>();
  readonly questions: PeerQuestion[] = [];
  misbehave: (question: PeerQuestion, nth: number) => Misbehaviour | null = () => null;
  /** Gives every byte back, as a two-wire line does. */
  echoes = false;
  /** Where bytes go besides the sockets: a pty. */
  toTty: ((bytes: Buffer) => void) | null = null;
  #held = Buffer.alloc(0);

  set(address: number, values: Readonly<Record<string, string>>): void {
    for (const [parameter, value] of Object.entries(values)) this.values.set(`${address}/${parameter}`, value);
  }

  protected override welcome(socket: Socket): void {
    socket.on('data', (bytes) => this.receive(bytes));
  }

  override send(bytes: Buffer): void {
    super.send(bytes);
    this.toTty?.(bytes);
  }

  /** A question is `01 ADR 02 P P 05`, six bytes; anything else may be a write, and counts as one. */
  receive(bytes: Buffer): void {
    if (this.echoes) this.send(bytes);
    this.#held = Buffer.concat([this.#held, bytes]);
    while (this.#held.length >= 6) {
      const frame = this.#held.subarray(0, 6);
      if (frame[0] !== 0x01 || frame[2] !== 0x02 || frame[5] !== 0x05) {
        this.writes += 1;
        this.#held = this.#held.subarray(1);
        continue;
      }
      this.#held = this.#held.subarray(6);
      this.#answer({ address: frame[1] ?? 0, parameter: frame.toString('latin1', 3, 5) });
    }
  }

  #answer(question: PeerQuestion): void {
    const { address, parameter } = question;
    this.questions.push(question);
    if (![...this.values.keys()].some((key) => key.startsWith(`${address}/`))) return;
    const value = this.values.get(`${address}/${parameter}`);
    const answer = value === undefined ? Buffer.from([address, 0x15]) : efkaAnswer(address, `${parameter}=${value}`);
    const wrong = this.misbehave(question, this.questions.length);
    if (wrong === 'ignore') return;
    if (wrong === null) this.send(answer);
    else if ('delayMs' in wrong) setTimeout(() => this.send(answer), wrong.delayMs);
    else for (const part of [wrong.raw(answer)].flat()) this.send(part);
  }
}
