/**
 * A flat knitting machine that records its events and hands them on when it can (docs/machines.md, `knit-flat-stoll-events`). It
 * sends all it has kept to whoever connects, or appends to a file.
 */
import { appendFileSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { SimulatorError } from '../errors.ts';
import type { Value } from '../maps/map.ts';
import type { Random } from '../random.ts';
import type { ScenarioDisturbance } from '../scenario/schema.ts';
import { loopback, openGate, type Gate } from './gate.ts';
import { createReplyTrouble } from './reply-trouble.ts';
import { createTimers, type MachineServer } from './server.ts';

export interface StollOptions {
  /** 0 takes a free port; has no meaning with a file. */
  readonly port: number;
  readonly random: Random;
  readonly file: string | null;
}

/** Four days of a busy machine; then the oldest go. */
const maxKept = 20_000;
const signEveryMs = 2_000;
const piecesOrdered = 999;
const restS = 3;

export function createStollRecorder(options: StollOptions): MachineServer {
  const timers = createTimers();
  const trouble = createReplyTrouble(options.random, () => performance.now());
  let gate: Gate | null = null;
  let kept: string[] = [];
  let seq = 0;
  let writes = 0;
  let told: { state: Value | undefined; pieces: number } | null = null;
  let signDueMs = 0;
  let nowMs = 0;
  /** Lines that are kept back, and sent together later. */
  let held: string[] | null = null;
  /** Nothing is recorded at present: the record is full, or the machine is switched off. */
  let deaf = false;

  const write = (bytes: string | Uint8Array): void => {
    if (options.file !== null) appendFileSync(options.file, bytes);
    else for (const socket of gate?.sockets ?? []) socket.write(bytes);
  };
  const send = (line: string): void => {
    if (held !== null) {
      held.push(line);
      return;
    }
    const { garbage } = trouble.next();
    write(garbage === null ? line : Buffer.concat([garbage, Buffer.from(`\n${line}`)]));
  };
  const record = (type: number, id: number, param = ''): void => {
    seq += 1;
    const line = `${JSON.stringify({ generation: 'sim', seq, time: new Date(nowMs).toISOString(), type, id, param })}\n`;
    kept.push(line);
    if (kept.length > maxKept) kept = kept.slice(-maxKept);
    send(line);
  };
  /** What a machine tells of itself after a start that kept nothing. */
  const introduce = (values: ReadonlyMap<string, Value>): void => {
    record(1, 1, '/p=Front 42');
    record(1, 2, '2');
    record(2, Number(values.get('mc.state')));
  };

  const power = ({ verb, forS }: ScenarioDisturbance, values: () => ReadonlyMap<string, Value>): void => {
    record(2, 32_002);
    deaf = true;
    timers.after((forS ?? restS) * 1000, () => {
      deaf = false;
      record(2, 32_001, `${verb === 'warm_start' ? 1 : 4} /c=010 /v=1.E.3.149.6`);
      if (verb === 'cold_start') introduce(values());
      else record(2, Number(values().get('mc.state')));
    });
  };
  let shown: ReadonlyMap<string, Value> = new Map();

  return {
    get endpoint() {
      return options.file === null ? `tcp://${loopback}:${gate?.port ?? options.port}` : `file://${options.file}`;
    },
    fingerprint: null,
    get clients() {
      return gate?.sockets.size ?? 0;
    },
    get writes() {
      return writes;
    },
    async start() {
      if (options.file === null) {
        gate = await openGate(options.port, options.random, (socket: Socket) => {
          socket.on('data', (bytes) => {
            writes += bytes.length;
          });
          for (const line of kept) if (held === null || !held.includes(line)) socket.write(line);
        });
        return;
      }
      try {
        writeFileSync(options.file, kept.join(''));
      } catch (error) {
        throw new SimulatorError('fileUnwritable', `cannot write ${options.file}`, { cause: error });
      }
    },
    latch(values, timeMs) {
      nowMs = timeMs;
      shown = values;
      const state = values.get('mc.state');
      const pieces = Number(values.get('piece.count'));
      const before = told;
      told = { state, pieces };
      if (before === null) {
        introduce(values);
        return;
      }
      if (deaf) return;
      for (let i = before.pieces; i < pieces; i += 1) record(1, 3, String(Math.max(0, piecesOrdered - i - 1)));
      if (state !== before.state) record(2, Number(state), state === 3 ? 'Yarn feeder 3A' : '');
      if (timeMs >= signDueMs && held === null) {
        signDueMs = timeMs + signEveryMs;
        send(`{"now":${timeMs}}\n`);
      }
    },
    setLink(up) {
      gate?.setOpen(up);
    },
    disturb(disturbance) {
      const { verb, forS } = disturbance;
      switch (verb) {
        case 'restart':
          gate?.setOpen(false);
          timers.after((forS ?? 0.8) * 1000, () => gate?.setOpen(true));
          return;
        case 'hold_back':
          held ??= [];
          timers.after((forS ?? restS) * 1000, () => {
            const late = held ?? [];
            held = null;
            for (const line of late) send(line);
          });
          return;
        case 'resend':
          for (const line of kept) if (held === null) write(line);
          return;
        case 'data_gap':
          deaf = true;
          timers.after((forS ?? restS) * 1000, () => {
            deaf = false;
            record(121, 4);
            record(2, Number(shown.get('mc.state')));
          });
          return;
        case 'restore':
          record(121, 1);
          introduce(shown);
          return;
        case 'warm_start':
        case 'cold_start':
          power(disturbance, () => shown);
          return;
        default:
          trouble.arm(disturbance);
      }
    },
    async stop() {
      timers.clear();
      await gate?.stop();
      gate = null;
    },
  };
}
