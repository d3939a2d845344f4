/** A simulated machine's Modbus server on a plain socket: Modbus TCP, or RTU or ASCII frames behind a serial device server. */
import type { Socket } from 'node:net';
import type { Value } from '../maps/map.ts';
import type { Random } from '../random.ts';
import type { ScenarioDisturbance } from '../scenario/schema.ts';
import { loopback, openGate, type Gate } from './gate.ts';
import {
  answerPdu,
  asciiFrame,
  exceptionPdu,
  gatewayTargetFailed,
  reads,
  rtuFrame,
  takeAsciiRequests,
  takeRtuRequests,
  takeTcpRequests,
  tcpFrame,
  type ModbusRequest,
  type RegisterImage,
} from './modbus-frame.ts';
import { createReplyTrouble } from './reply-trouble.ts';
import { createTimers, type MachineServer } from './server.ts';

export interface ModbusServerOptions {
  readonly transport: 'tcp' | 'rtu' | 'ascii';
  readonly unit: number;
  /** 0 takes a free port. */
  readonly port: number;
  readonly random: Random;
  /** Registers of the machine from what it shows. */
  readonly encode: (values: ReadonlyMap<string, Value>) => RegisterImage;
}

/** A real controller answers some milliseconds after a request came in over its serial line. */
const turnaroundMs = 4;
/** An RTU frame that does not go on within this time is over (serial line specification 2.5.1, generously). */
const rtuSilenceMs = 100;
/** A client that reads nothing is cut off rather than fed without end. */
const maxUnsentBytes = 256 * 1024;
const takeRequests = { tcp: takeTcpRequests, rtu: takeRtuRequests, ascii: takeAsciiRequests } as const;

export function createModbusServer(options: ModbusServerOptions): MachineServer {
  const timers = createTimers();
  const trouble = createReplyTrouble(options.random, () => performance.now());
  let gate: Gate | null = null;
  let image: RegisterImage | null = null;
  let writes = 0;
  const isBus = options.transport !== 'tcp';

  const send = (socket: Socket, bytes: Uint8Array): void => {
    if (socket.destroyed) return;
    if (socket.writableLength > maxUnsentBytes) socket.destroy();
    else socket.write(bytes);
  };

  const answer = (socket: Socket, request: ModbusRequest): void => {
    if (image === null) return;
    const foreign = request.unit !== options.unit;
    // On a bus a unit that is not there says nothing; a TCP device says that it is not there.
    if (foreign && isBus) return;
    const functionCode = request.pdu[0] ?? 0;
    if (!reads(functionCode)) writes += 1;
    const change = trouble.next();
    if (change.drop) return;
    const pdu = foreign
      ? exceptionPdu(functionCode, gatewayTargetFailed)
      : change.exception === null
        ? answerPdu(request.pdu, image)
        : exceptionPdu(functionCode, change.exception);
    const unit = change.wrongUnit ? (request.unit % 247) + 1 : request.unit;
    const frame = framed(options.transport, request.transaction, unit, pdu);
    const bytes = change.garbage === null ? frame : Uint8Array.from([...change.garbage, ...frame]);
    const delayMs = change.delayMs + (isBus ? turnaroundMs : 0);
    if (delayMs === 0) send(socket, bytes);
    else timers.after(delayMs, () => send(socket, bytes));
  };

  const serve = (socket: Socket): void => {
    let rest: Uint8Array = new Uint8Array();
    let forget: (() => void) | null = null;
    socket.on('data', (chunk: Uint8Array) => {
      forget?.();
      forget = null;
      const bytes = rest.length === 0 ? chunk : Uint8Array.from([...rest, ...chunk]);
      const taken = takeRequests[options.transport](bytes);
      rest = taken.rest;
      for (const request of taken.requests) answer(socket, request);
      if (taken.broken) socket.destroy();
      else if (options.transport === 'rtu' && rest.length > 0) {
        forget = timers.after(rtuSilenceMs, () => {
          rest = new Uint8Array();
        });
      }
    });
  };

  const scheme = options.transport === 'tcp' ? 'modbus' : `modbus+${options.transport}`;
  return {
    get endpoint() {
      return `${scheme}://${loopback}:${gate?.port ?? options.port}`;
    },
    fingerprint: null,
    get clients() {
      return gate?.sockets.size ?? 0;
    },
    get writes() {
      return writes;
    },
    async start() {
      gate = await openGate(options.port, options.random, serve);
    },
    latch(values) {
      image = options.encode(values);
    },
    setLink(up) {
      gate?.setOpen(up);
    },
    disturb(disturbance: ScenarioDisturbance) {
      if (disturbance.verb === 'restart') {
        gate?.setOpen(false);
        timers.after((disturbance.forS ?? 0.8) * 1000, () => gate?.setOpen(true));
      } else trouble.arm(disturbance);
    },
    async stop() {
      timers.clear();
      await gate?.stop();
      gate = null;
    },
  };
}

function framed(transport: ModbusServerOptions['transport'], transaction: number, unit: number, pdu: Uint8Array) {
  switch (transport) {
    case 'tcp':
      return tcpFrame(transaction, unit, pdu);
    case 'rtu':
      return rtuFrame(unit, pdu);
    case 'ascii':
      return asciiFrame(unit, pdu);
  }
}
