/** A retrofit sensor behind a raw TCP serial server: it talks by itself, a line every 250 ms, and hears nothing. */
import type { Value } from '../maps/map.ts';
import { encodeRetrofitLine } from '../maps/retrofit-csv.ts';
import type { Random } from '../random.ts';
import { loopback, openGate, type Gate } from './gate.ts';
import { createReplyTrouble } from './reply-trouble.ts';
import { createTimers, type MachineServer } from './server.ts';

export interface LineServerOptions {
  /** 0 takes a free port. */
  readonly port: number;
  readonly random: Random;
  /** A line goes out with every so many latches. */
  readonly latchesPerLine: number;
}

/** A client that does not read loses lines, as on a serial server with a full buffer; the next whole line comes when it reads again. */
const maxUnsentBytes = 16 * 1024;

export function createLineServer(options: LineServerOptions): MachineServer & { readonly droppedLines: number } {
  const timers = createTimers();
  const trouble = createReplyTrouble(options.random, () => performance.now());
  let gate: Gate | null = null;
  let latches = 0;
  let droppedLines = 0;
  let heardBytes = 0;

  const broadcast = (bytes: Uint8Array): void => {
    for (const socket of gate?.sockets ?? []) {
      if (socket.writableLength > maxUnsentBytes) droppedLines += 1;
      else socket.write(bytes);
    }
  };

  return {
    get endpoint() {
      return `tcp://${loopback}:${gate?.port ?? options.port}`;
    },
    fingerprint: null,
    get clients() {
      return gate?.sockets.size ?? 0;
    },
    get writes() {
      return heardBytes;
    },
    get droppedLines() {
      return droppedLines;
    },
    async start() {
      gate = await openGate(options.port, options.random, (socket) => {
        // Nobody listens on the machine's side of the line; reading keeps the end of the connection visible.
        socket.on('data', (bytes) => {
          heardBytes += bytes.length;
        });
      });
    },
    latch(values: ReadonlyMap<string, Value>) {
      latches += 1;
      if (latches % options.latchesPerLine !== 0) return;
      const change = trouble.next();
      if (change.drop) return;
      const line = new TextEncoder().encode(encodeRetrofitLine(values));
      const bytes = change.garbage === null ? line : Uint8Array.from([...change.garbage, ...line]);
      if (change.delayMs === 0) broadcast(bytes);
      else timers.after(change.delayMs, () => broadcast(bytes));
    },
    setLink(up) {
      gate?.setOpen(up);
    },
    disturb(disturbance) {
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
