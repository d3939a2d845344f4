/** A machine that records events, by hand: it keeps all lines and sends them anew to everyone who connects. */
import type { Socket } from 'node:net';
import { SpeakingMachine } from '../../support/called-machine.ts';

export type EventFields = Readonly<Record<string, unknown>>;

export class Recorder extends SpeakingMachine {
  readonly #kept: string[] = [];
  #seq = 0;
  /** Sent to whoever connects. */
  resends = true;

  protected override welcome(socket: Socket): void {
    if (this.speaks && this.resends) for (const line of this.#kept) socket.write(line);
  }

  /** Records an event with the next number and sends it. */
  record(type: number, id: number, more: EventFields = {}): void {
    this.#seq += 1;
    const event = { generation: 'g1', seq: this.#seq, time: new Date().toISOString(), type, id, ...more };
    const line = `${JSON.stringify(event)}\n`;
    this.#kept.push(line);
    if (this.speaks) this.send(line);
  }

  /** Pieces come out, one after the other. */
  work(everyMs: number): void {
    this.record(2, 1);
    this.takeTurns(everyMs, () => {
      if (this.isNoisy) this.send(Buffer.from([0xff, 0x7b, 0x22, 0x0a]));
      if (this.speaks) this.record(1, 3, { param: '7' });
    });
  }
}
