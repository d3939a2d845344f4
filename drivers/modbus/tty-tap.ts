/** What modbus-serial keeps to itself: the bytes of its port, in and out, and errors that are Errors. */
import { EventEmitter } from 'node:events';
import type { ModbusRTU } from 'modbus-serial/ModbusRTU.js';
import { reasonOf } from '../serial/transport.ts';

/** The library throws and passes objects that look like errors and are none. */
export function asError(error: unknown): Error {
  if (error instanceof Error) return error;
  const message =
    typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : String(error);
  return new TypeError(message, { cause: error });
}

/* oxlint-disable no-underscore-dangle -- the names are the library's */

export interface TapOptions {
  /** Of more, the newest are kept. */
  readonly maxBytes: number;
  /** Asked of every frame the library makes; what may not leave never reaches the port. */
  readonly mayLeave: (frame: Uint8Array) => boolean;
  /** Something came; the library does not see it. */
  readonly onBytes?: () => void;
  /** Where the library does not tell that the port is closed or broken. */
  readonly onLost?: (reason: string) => void;
}

/**
 * Sees every byte of the port before the library does, which has no public way to show them. A test notices when a new
 * version of the library keeps port or bytes elsewhere.
 */
export class Tap {
  readonly #options: TapOptions;
  #port: object | null = null;
  #bytes = Buffer.alloc(0);
  /** The last step before the port asks `mayLeave`. Where that could not be arranged nothing is written to a machine. */
  isGuarded = false;
  /** Frames of functions that write that went to the port. */
  writesLeft = 0;

  constructor(options: TapOptions) {
    this.#options = options;
  }

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  watch(client: ModbusRTU): void {
    const port: unknown = '_port' in client ? client._port : null;
    if (typeof port !== 'object' || port === null || !('_client' in port)) return;
    this.#port = port;
    this.#guard(port);
    // The library stops listening when it closes a port; a write that fails after that would end the process.
    if (port instanceof EventEmitter) port.on('error', () => {});
    if (!(port._client instanceof EventEmitter)) return;
    const { maxBytes, onBytes, onLost } = this.#options;
    if (onBytes !== undefined) port._client.removeAllListeners('data');
    port._client.prependListener('data', (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]).subarray(-maxBytes);
      onBytes?.();
    });
    if (onLost === undefined) return;
    port._client.on('error', (error: unknown) => onLost(reasonOf(asError(error))));
    port._client.on('close', () => onLost('unplugged'));
  }

  #guard(port: object): void {
    if (!('write' in port) || typeof port.write !== 'function') return;
    const write = port.write.bind(port) as (frame: Buffer) => void;
    port.write = (frame: Buffer): void => {
      if (!this.#options.mayLeave(frame)) return;
      if ((frame[1] ?? 0) > 4) this.writesLeft += 1;
      write(frame);
    };
    this.isGuarded = true;
  }

  /** What has come since the last call. The library forgets it too. */
  take(): Uint8Array {
    const bytes = this.#bytes;
    this.#bytes = Buffer.alloc(0);
    if (this.#port !== null && '_buffer' in this.#port) this.#port._buffer = Buffer.alloc(0);
    return bytes;
  }
}
