/** A TCP connection that carries bytes. Failures arrive at `onClosed` with one word group, never as an exception. */
import { connect } from 'node:net';
import { reasonOf } from '../serial/transport.ts';

export interface SocketHandlers {
  readonly onOpen: () => void;
  readonly onBytes: (bytes: Uint8Array) => void;
  /** Called once, whether it was ever open or not, unless `close` was called first. */
  readonly onClosed: (reason: string) => void;
}

export interface ByteSocket {
  write(bytes: Uint8Array): void;
  /** Ends the connection from our side as if it had failed: `onClosed` is called. */
  fail(reason: string): void;
  /** Resolves when the socket is closed. */
  close(): Promise<void>;
}

/** A few times the longest answer. */
const readBytes = 2048;

export function openSocket(host: string, port: number, handlers: SocketHandlers, connectTimeoutMs: number): ByteSocket {
  let over = false;
  // Into a buffer of its own: without, Node takes 64 kB for every read and gives back most of it, which frays the memory.
  const onread = {
    buffer: new Uint8Array(readBytes),
    callback: (count: number, into: Uint8Array): boolean => {
      if (!over) handlers.onBytes(Buffer.from(into.subarray(0, count)));
      return true;
    },
  };
  const socket = connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 10_000, onread });
  socket.resume();
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
  });
  const fail = (reason: string): void => {
    if (over) return;
    over = true;
    socket.destroy();
    handlers.onClosed(reason);
  };
  socket.setTimeout(connectTimeoutMs);
  socket.once('timeout', () => fail('timeout'));
  socket.once('connect', () => {
    // From here silence is judged by requests and their timeouts.
    socket.setTimeout(0);
    if (!over) handlers.onOpen();
  });
  socket.on('error', (error) => fail(reasonOf(error)));
  socket.once('end', () => fail('connection-lost'));
  socket.once('close', () => fail('connection-lost'));
  return {
    write(bytes) {
      if (!over) socket.write(bytes);
    },
    fail,
    close() {
      over = true;
      socket.destroy();
      return closed;
    },
  };
}
