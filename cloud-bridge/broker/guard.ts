/**
 * A connection that is cut when a client announces a packet over the limit. The broker library collects a whole packet
 * before it asks anyone, and MQTT allows 256 MiB: this looks at the length in the fixed header (MQTT 3.1.1, 2.2.3) as the
 * bytes pass, and before the login allows only what a CONNECT with a will needs.
 */
import { Duplex } from 'node:stream';
import type { Socket } from 'node:net';

export const maxConnectBytes = 8 * 1024;

/** Follows the packet borders in a stream. `feed` is false as soon as a packet is over the limit or has no legal length. */
export class PacketLengths {
  readonly #maxBytes: number;
  #first = true;
  /** Bytes of the body still to come; null: within the fixed header. */
  #left: number | null = null;
  #length = 0;
  /** 0: the type byte is next; 1..4: that many less one length bytes were read. */
  #headerAt = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  feed(chunk: Uint8Array): boolean {
    for (let at = 0; at < chunk.length;) {
      if (this.#left !== null) {
        const step = Math.min(this.#left, chunk.length - at);
        this.#left -= step;
        at += step;
        if (this.#left === 0) this.#left = null;
        continue;
      }
      const byte = chunk[at] ?? 0;
      at += 1;
      if (this.#headerAt === 0) {
        this.#headerAt = 1;
        this.#length = 0;
        continue;
      }
      this.#length += (byte & 0x7f) * 128 ** (this.#headerAt - 1);
      if (byte < 0x80) {
        if (this.#length > (this.#first ? maxConnectBytes : this.#maxBytes)) return false;
        this.#first = false;
        this.#headerAt = 0;
        this.#left = this.#length === 0 ? null : this.#length;
      } else {
        this.#headerAt += 1;
        if (this.#headerAt > 4) return false;
      }
    }
    return true;
  }
}

/** `socket` as a stream that ends the connection, after `onTooLarge`, when a packet is over `maxBytes`. */
export function guardConnection(socket: Socket, maxBytes: number, onTooLarge: () => void): Duplex {
  const lengths = new PacketLengths(maxBytes);
  const guarded = new Duplex({
    read: () => void socket.resume(),
    write: (chunk: Buffer, _encoding, done) => void socket.write(chunk, done),
    writev: (chunks, done) => void socket.write(Buffer.concat(chunks.map(({ chunk }) => chunk as Buffer)), done),
    final: (done) => void socket.end(done),
    destroy: (error, done) => {
      socket.destroy();
      done(error);
    },
  });
  socket.on('data', (chunk: Buffer) => {
    if (!lengths.feed(chunk)) {
      onTooLarge();
      guarded.destroy();
    } else if (!guarded.push(chunk)) {
      socket.pause();
    }
  });
  socket.on('end', () => guarded.push(null));
  socket.on('error', (error) => guarded.destroy(error));
  socket.on('close', () => guarded.destroy());
  return guarded;
}
