/**
 * Whether batches are sent for the first time in the order they were made: the oldest of a lane first. Pure. Numbers of batches rise
 * within the boot whose records they hold; each lane is a queue of its own. A folder that was put back is another history.
 */
import { z } from 'zod';
import { zstdDecompressSync } from 'node:zlib';

const head = z.object({ boot: z.string(), seq: z.int() });
const body = z.object({ lane: z.string() });

export interface Sent {
  readonly boot: string;
  readonly seq: number;
  readonly lane: string;
}

/** The batch in a payload of the topic `up`: a line of JSON, then zstd; null where it is none. */
export function sentBatch(payload: Buffer): Sent | null {
  const end = payload.indexOf(0x0a);
  if (end < 0) return null;
  const { boot, seq } = head.parse(JSON.parse(payload.toString('utf8', 0, end)));
  const { lane } = body.parse(JSON.parse(zstdDecompressSync(payload.subarray(end + 1)).toString('utf8')));
  return { boot, seq, lane };
}

export class SendOrder {
  readonly #sent = new Set<string>();
  readonly #highest = new Map<string, number>();
  #outOfOrder = 0;

  get outOfOrder(): number {
    return this.#outOfOrder;
  }
  note({ boot, seq, lane }: Sent): void {
    const name = `${boot}/${seq}`;
    if (this.#sent.has(name)) return;
    this.#sent.add(name);
    const highest = this.#highest.get(`${boot} ${lane}`) ?? 0;
    if (seq < highest) this.#outOfOrder += 1;
    this.#highest.set(`${boot} ${lane}`, Math.max(seq, highest));
  }
  /** The folder was put back: what is sent now is sent for the first time by it. */
  forget(): void {
    this.#sent.clear();
    this.#highest.clear();
  }
}
