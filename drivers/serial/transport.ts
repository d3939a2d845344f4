/**
 * The two ways a line of text arrives: a raw TCP socket (serial device server) or a serial port. One connection each; trying
 * again is the driver's.
 */
import { stat } from 'node:fs/promises';
import { connect } from 'node:net';
import type { SerialPort } from 'serialport';
import { DriverError, driverErrors } from '../errors.ts';
import type { LineEndpoint, SerialSettings } from './endpoint.ts';
import { findPort, type DeviceFolders } from './find-port.ts';

export interface ConnectionHandlers {
  readonly onOpen: () => void;
  readonly onBytes: (bytes: Uint8Array) => void;
  /**
   * Called once, whether it was ever open or not, unless `close` was called first.
   * `detail`: more than the word group can say, for the log; absent where there is no more.
   */
  readonly onClosed: (reason: string, detail?: string) => void;
}

export interface Connection {
  /** Sends bytes of a question. What cannot be sent any more is dropped; the connection then ends by itself. */
  write(bytes: Uint8Array): void;
  /** Resolves when the socket or the port is closed; safe at any moment, also while opening. */
  close(): Promise<void>;
  /** True when the device that was opened is not there any more, or another one has its name. Always false for TCP. */
  isReplaced(): Promise<boolean>;
}

/** Starts connecting. Failures arrive at `onClosed` with one word group, never as an exception. */
export function openConnection(
  endpoint: LineEndpoint,
  handlers: ConnectionHandlers,
  connectTimeoutMs: number,
  folders?: DeviceFolders,
): Connection {
  return endpoint.kind === 'tcp'
    ? openTcp(endpoint.host, endpoint.port, handlers, connectTimeoutMs)
    : openSerial(endpoint.path, endpoint.settings, handlers, folders);
}

function openTcp(host: string, port: number, handlers: ConnectionHandlers, connectTimeoutMs: number): Connection {
  let over = false;
  const socket = connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 10_000 });
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
  });
  const finish = (reason: string): void => {
    if (over) return;
    over = true;
    socket.destroy();
    handlers.onClosed(reason);
  };
  socket.setTimeout(connectTimeoutMs);
  socket.once('timeout', () => finish('timeout'));
  socket.once('connect', () => {
    // Silence on an open line is judged by the driver, which knows how often a line is due.
    socket.setTimeout(0);
    if (!over) handlers.onOpen();
  });
  socket.on('data', (bytes) => {
    if (!over) handlers.onBytes(bytes);
  });
  socket.on('error', (error) => finish(reasonOf(error)));
  socket.once('close', () => finish('connection-lost'));
  return {
    write(bytes) {
      if (!over) socket.write(bytes);
    },
    close() {
      over = true;
      socket.destroy();
      return closed;
    },
    isReplaced: () => Promise.resolve(false),
  };
}

function openSerial(
  name: string,
  settings: SerialSettings,
  handlers: ConnectionHandlers,
  folders?: DeviceFolders,
): Connection {
  let over = false;
  let port: SerialPort | null = null;
  let path = name;
  let identity: string | null = null;
  const finish = (reason: string, detail?: string): void => {
    if (over) return;
    over = true;
    handlers.onClosed(reason, detail);
  };
  // Both are awaited by close(): a port may only be closed when its opening is through.
  const opened = (async () => {
    // The binding is a native library: an installation without serial machines never loads it.
    const serialport = await import('serialport');
    // An adapter that was plugged in again may have another name now.
    path = await findPort(name, folders);
    if (over) return;
    const opening = new serialport.SerialPort({ path, ...settings, autoOpen: false });
    port = opening;
    opening.on('error', (error) => finish(reasonOf(error)));
    opening.once('close', () => finish('unplugged'));
    await new Promise<void>((resolve, reject) => {
      opening.open((error) => (error ? reject(error) : resolve()));
    });
    if (over) return;
    // A dead client leaves bytes in the driver's buffer, older than anything we may call now.
    await new Promise<void>((resolve, reject) => {
      opening.flush((error) => (error ? reject(error) : resolve()));
    });
    identity = await identityOf(path);
    if (over) return;
    handlers.onOpen();
    opening.on('data', (bytes: Buffer) => {
      if (!over) handlers.onBytes(bytes);
    });
  })().catch(async (error: unknown) => {
    await closePort(port);
    finish(reasonOf(error), error instanceof DriverError ? error.message : undefined);
  });
  return {
    write(bytes) {
      if (!over && port?.isOpen === true) port.write(Buffer.from(bytes));
    },
    async close() {
      over = true;
      await opened;
      await closePort(port);
    },
    async isReplaced() {
      return identity !== null && (await identityOf(path)) !== identity;
    },
  };
}

/**
 * The binding now and then misses an unplugging: when it falls between two reads, the second gives no bytes and no error, and
 * the binding reads on for ever. The name of the device tells as well: it is gone, or is that of a new device file.
 * Null where the system has no device files.
 */
async function identityOf(path: string): Promise<string | null> {
  if (process.platform === 'win32') return null;
  try {
    const { ino, rdev, ctimeMs } = await stat(path);
    return `${ino} ${rdev} ${ctimeMs}`;
  } catch {
    return 'gone';
  }
}

async function closePort(port: SerialPort | null): Promise<void> {
  if (port === null || !port.isOpen) return;
  await new Promise<void>((resolve) => {
    // An unplugged port reports an error here; it is closed all the same.
    port.close(() => resolve());
  });
}

const reasonByCode: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection-refused',
  ECONNRESET: 'connection-lost',
  EPIPE: 'connection-lost',
  ETIMEDOUT: 'timeout',
  EHOSTUNREACH: 'host-unreachable',
  ENETUNREACH: 'host-unreachable',
  ENOTFOUND: 'host-not-found',
  EAI_AGAIN: 'host-not-found',
};

/** One word group for an error of a socket or a port. The binding of serial ports reports by text alone, so words are looked for where there is no code. */
export function reasonOf(error: unknown): string {
  if (error instanceof DriverError && error.entry === driverErrors.serialPortAmbiguous) return 'device-ambiguous';
  if (error instanceof DriverError && error.entry === driverErrors.serialPortAbsent) return 'device-absent';
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
  if (code !== null && reasonByCode[code] !== undefined) return reasonByCode[code];
  const text = error instanceof Error ? error.message : String(error);
  if (/no such file|cannot find|file not found/i.test(text)) return 'device-absent';
  if (/permission denied|access denied/i.test(text)) return 'permission-denied';
  if (/lock|busy|temporarily unavailable/i.test(text)) return 'device-busy';
  return 'connection-failed';
}
