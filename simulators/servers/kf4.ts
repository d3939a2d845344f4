/**
 * A knit floor board: digits without a frame (docs/machines.md, `knit-circular-kf4-tcp`). It calls the floor's computer and says
 * its number, or a device server in front of it takes connections. What anybody says to it, it passes over.
 */
import { connect, type Socket } from 'node:net';
import { kf4Round } from '../maps/kf4.ts';
import type { Value } from '../maps/map.ts';
import type { Random } from '../random.ts';
import { loopback, openGate, type Gate } from './gate.ts';
import { createReplyTrouble } from './reply-trouble.ts';
import { createTimers, type MachineServer } from './server.ts';

export interface Kf4Options {
  /** For a device server; 0 takes a free port. */
  readonly port: number;
  readonly random: Random;
  /** Said first on every connection; null says none. */
  readonly unit: number | null;
  /** HOST:PORT the board calls; null where it is called. */
  readonly calls: string | null;
}

const lamps = [
  ['lamp.yellow', '1'],
  ['lamp.red', '2'],
  ['lamp.green', '3'],
] as const;
/** The board tells that it is there well within the 60 s after which it would be given up. */
const aliveEveryMs = 5_000;
/** The board says its number, then sets up; its lamps come after that. */
const settleMs = 400;
const callAgainMs = 500;
/** Packets joined by `coalesce` wait so long for each other; those torn by `split` come so far apart. */
const coalesceMs = 300;
const splitMs = 30;

export function createKf4Machine(options: Kf4Options): MachineServer {
  const timers = createTimers();
  const trouble = createReplyTrouble(options.random, () => performance.now());
  const sockets = new Set<Socket>();
  let gate: Gate | null = null;
  let up = true;
  let writes = 0;
  let stopped = false;
  let shown: ReadonlyMap<string, Value> | null = null;
  let told: ReadonlyMap<string, Value> | null = null;
  let aliveDueMs = 0;
  let joined = '';
  let coalesceLeft = 0;
  let splitLeft = 0;

  const write = (bytes: Uint8Array): void => {
    for (const socket of sockets) if (!socket.destroyed) socket.write(bytes);
  };
  const say = (message: string): void => {
    const change = trouble.next();
    if (change.drop) return;
    const plain = Buffer.from(message);
    const bytes = change.garbage === null ? plain : Buffer.concat([change.garbage, plain]);
    if (change.delayMs > 0) timers.after(change.delayMs, () => write(bytes));
    else if (coalesceLeft > 0) {
      coalesceLeft -= 1;
      if (joined === '') timers.after(coalesceMs, flush);
      joined += message;
    } else if (splitLeft > 0 && bytes.length > 1) {
      splitLeft -= 1;
      const at = 1 + Math.floor(options.random() * (bytes.length - 1));
      write(bytes.subarray(0, at));
      timers.after(splitMs, () => write(bytes.subarray(at)));
    } else write(bytes);
  };
  const flush = (): void => {
    write(Buffer.from(joined));
    joined = '';
  };

  const greet = (socket: Socket): void => {
    socket.on('data', (bytes) => {
      writes += bytes.length;
    });
    if (options.unit !== null) socket.write(String(options.unit));
    timers.after(settleMs, () => {
      sockets.add(socket);
      for (const [signal, digit] of lamps) {
        if (!socket.destroyed && shown !== null) socket.write(`${digit}${shown.get(signal) === true ? 1 : 0}`);
      }
    });
    socket.once('close', () => sockets.delete(socket));
  };

  const call = (): void => {
    if (options.calls === null || !up || stopped) return;
    const [host = loopback, port = '0'] = options.calls.split(':');
    const socket = connect({ host, port: Number(port), noDelay: true });
    callers.add(socket);
    socket.on('error', () => undefined);
    socket.once('connect', () => greet(socket));
    socket.once('close', () => {
      callers.delete(socket);
      timers.after(callAgainMs, call);
    });
  };
  const callers = new Set<Socket>();

  const setLink = (next: boolean): void => {
    up = next;
    gate?.setOpen(next);
    if (!next) for (const socket of callers) socket.destroy();
    else if (callers.size === 0) call();
  };

  return {
    get endpoint() {
      return options.calls === null
        ? `tcp://${loopback}:${gate?.port ?? options.port}`
        : `knit-floor+tcp-listen://${options.calls}`;
    },
    fingerprint: null,
    get clients() {
      return gate?.sockets.size ?? [...callers].filter((socket) => !socket.connecting).length;
    },
    get writes() {
      return writes;
    },
    async start() {
      if (options.calls === null) gate = await openGate(options.port, options.random, greet);
      else call();
    },
    latch(values, timeMs) {
      const before = told;
      shown = values;
      told = new Map(values);
      if (before === null) return;
      for (const [signal, digit] of lamps) {
        const lit = values.get(signal);
        if (lit !== before.get(signal)) say(`${digit}${lit === true ? 1 : 0}`);
      }
      const rounds = Number(values.get('revolution.count')) - Number(before.get('revolution.count'));
      for (let i = 0; i < rounds; i += 1) say(kf4Round(Number(values.get('cylinder.speed'))));
      if (timeMs >= aliveDueMs) {
        aliveDueMs = timeMs + aliveEveryMs;
        say('9');
      }
    },
    setLink,
    disturb(disturbance) {
      const { verb, forS, count } = disturbance;
      if (verb === 'restart') {
        setLink(false);
        timers.after((forS ?? 0.8) * 1000, () => setLink(true));
      } else if (verb === 'coalesce') coalesceLeft = count;
      else if (verb === 'split') splitLeft = count;
      else trouble.arm(disturbance);
    },
    async stop() {
      stopped = true;
      timers.clear();
      for (const socket of callers) socket.destroy();
      await gate?.stop();
      gate = null;
    },
  };
}
