/** A simulated EFKA drive behind a raw TCP serial server, or at a serial port or pty. */
import type { SerialPort } from 'serialport';
import { SimulatorError } from '../errors.ts';
import { encodeEfkaParameters } from '../maps/efka-serial.ts';
import type { Value } from '../maps/map.ts';
import type { Random } from '../random.ts';
import { EfkaDrive, efkaAnswer, efkaNak, takeEfkaTelegrams } from './efka-drive.ts';
import { loopback, openGate, type Gate } from './gate.ts';
import { createReplyTrouble } from './reply-trouble.ts';
import { createTimers, type MachineServer } from './server.ts';

/** As drives are made. */
export const defaultEfkaAddress = 0xf0;

export interface EfkaServerOptions {
  /** A TCP port, 0 takes a free one; or the path of a serial port. */
  readonly port: number | string;
  readonly address: number;
  /** E3, × 10 ms. */
  readonly monitor: number;
  readonly random: Random;
}

export interface EfkaServer extends MachineServer {
  /** The drive has stopped because nobody talked to it. */
  readonly isStopped: boolean;
  /** Telegrams that would have changed something. */
  readonly sets: number;
}

/** The drive answers some milliseconds after a question. */
const turnaroundMs = 4;
/** What does not go on for so long is over. */
const silenceMs = 100;
const maxUnsentBytes = 64 * 1024;

/** One client: a socket, or the port. */
interface Client {
  send(bytes: Uint8Array): void;
}

export function createEfkaServer(options: EfkaServerOptions): EfkaServer {
  const timers = createTimers();
  const nowMs = (): number => performance.now();
  const trouble = createReplyTrouble(options.random, nowMs);
  const drive = new EfkaDrive(options.address, options.monitor);
  let gate: Gate | null = null;
  let tty: SerialPort | null = null;
  let isUp = true;
  let parameters: ReadonlyMap<string, string> = new Map();

  const respond = (client: Client, reply: Uint8Array, text: string): void => {
    const change = trouble.next();
    if (change.drop) return;
    const address = change.wrongUnit ? (options.address === 0xff ? 0x80 : options.address + 1) : options.address;
    const frame = changed(reply, change.exception, address, text);
    const bytes = change.garbage === null ? frame : Uint8Array.from([...change.garbage, ...frame]);
    timers.after(change.delayMs + turnaroundMs, () => client.send(bytes));
  };
  /** The bytes of the same answer as another drive, or of a refusal: `exception` is the error of the B18 link. */
  const changed = (reply: Uint8Array, exception: number | null, address: number, text: string): Uint8Array => {
    const hex = (value: number): string => value.toString(16).toUpperCase().padStart(2, '0');
    if (exception !== null) return new TextEncoder().encode(`%${hex(address)}00${hex(exception)}`);
    if (address === options.address) return reply;
    return reply[0] === 0x01 ? efkaAnswer(address, text) : efkaNak(address);
  };

  const listener = (client: Client): ((chunk: Uint8Array) => void) => {
    let rest: Uint8Array = new Uint8Array();
    let forget: (() => void) | null = null;
    return (chunk) => {
      forget?.();
      const taken = takeEfkaTelegrams(Uint8Array.from([...rest, ...chunk]));
      rest = taken.rest;
      if (!isUp) return;
      for (const telegram of taken.telegrams) {
        const reply = drive.answer(telegram, parameters, nowMs());
        const text = reply === null ? '' : String.fromCharCode(...reply.subarray(3, -2));
        if (reply !== null) respond(client, reply, text);
      }
      for (const address of taken.broken) if (address === options.address) respond(client, efkaNak(address), '');
      forget = timers.after(silenceMs, () => {
        rest = new Uint8Array();
      });
    };
  };

  const openTty = async (path: string): Promise<SerialPort> => {
    const serialport = await import('serialport');
    const port = new serialport.SerialPort({ path, baudRate: 9600, autoOpen: false });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    port.open((error) => (error ? reject(error) : resolve()));
    await promise.catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      throw new SimulatorError('listenFailed', `cannot open ${path} (${why})`, { cause: error });
    });
    port.on('error', () => undefined);
    port.on('data', listener({ send: (bytes) => void (port.isOpen && port.write(Buffer.from(bytes))) }));
    return port;
  };

  return {
    get endpoint() {
      if (typeof options.port === 'string') return `serial://${options.port}?baudRate=9600`;
      return `tcp://${loopback}:${gate?.port ?? options.port}`;
    },
    fingerprint: null,
    get isStopped() {
      drive.tick(nowMs());
      return drive.isStopped;
    },
    get sets() {
      return drive.sets;
    },
    get writes() {
      return drive.sets;
    },
    get clients() {
      return gate?.sockets.size ?? (tty === null ? 0 : 1);
    },
    async start() {
      if (typeof options.port === 'string') {
        tty = await openTty(options.port);
        return;
      }
      gate = await openGate(options.port, options.random, (socket) => {
        const send = (bytes: Uint8Array): void => {
          if (socket.destroyed) return;
          if (socket.writableLength > maxUnsentBytes) socket.destroy();
          else socket.write(bytes);
        };
        socket.on('data', listener({ send }));
      });
    },
    latch(values: ReadonlyMap<string, Value>) {
      drive.tick(nowMs());
      parameters = encodeEfkaParameters(drive.isStopped ? standing(values) : values);
    },
    setLink(up) {
      if (up && !isUp) drive.restart();
      isUp = up;
      gate?.setOpen(up);
    },
    disturb(disturbance) {
      if (disturbance.verb === 'restart') {
        this.setLink(false);
        timers.after((disturbance.forS ?? 0.8) * 1000, () => this.setLink(true));
      } else trouble.arm(disturbance);
    },
    async stop() {
      timers.clear();
      await gate?.stop();
      gate = null;
      const port = tty;
      tty = null;
      if (port?.isOpen === true) {
        const { promise, resolve } = Promise.withResolvers<void>();
        port.close(() => resolve());
        await promise;
      }
    },
  };
}

/** A drive that its watch has stopped stands in position 2, whatever the pedal asks (manual §7.5). */
function standing(values: ReadonlyMap<string, Value>): ReadonlyMap<string, Value> {
  return new Map([
    ...values,
    ['status.standstill', true],
    ['status.speedreached', false],
    ['status.positionreached', true],
    ['status.position1', false],
    ['status.position2', true],
  ]);
}
