/**
 * The truth log: JSON lines of what really happened on the floor, for a scorer that must not ask the agent.
 *
 * `{t, machine, kind, id, data}` with t in UTC ms; id is that of the fault, else empty. data by kind: state {state, cause},
 * fault and clear {fault, expect}, of a needle line {needle, rollM} as well (metres on the roll when it began or ended), of a
 * bent needle {shaftDegrees}, disturbance {verb} (only what a machine does to its own record), counter {signal, value, shown}, gauge, status (a flag, code or word) and piece {signal, value}.
 */
import { appendFileSync, closeSync, openSync } from 'node:fs';
import { SimulatorError } from '../errors.ts';
import { recorderVerbs } from '../scenario/schema.ts';
import type { FloorEvent } from './model.ts';

export interface TruthLog {
  /** Writes what belongs to the log; disturbances of the wire do not. */
  append(timeMs: number, events: readonly FloorEvent[]): void;
  flush(): void;
  close(): void;
}

const flushAtBytes = 64 * 1024;

/** One line of the log without its newline, or null for an event that is no truth about a machine. */
export function truthLine(timeMs: number, event: FloorEvent): string | null {
  const line = (id: string, data: Record<string, unknown>): string =>
    JSON.stringify({ t: timeMs, machine: event.machine, kind: event.kind, id, data });
  switch (event.kind) {
    case 'state':
      return line('', { state: event.state, cause: event.cause });
    case 'fault':
    case 'clear':
      return line(event.id, {
        fault: event.fault,
        expect: event.expect,
        ...event.cloth,
        ...(event.shaftDegrees === undefined ? {} : { shaftDegrees: event.shaftDegrees }),
      });
    case 'counter':
      return line('', { signal: event.signal, value: event.value, shown: event.shown });
    case 'gauge':
    case 'status':
    case 'piece':
      return line('', { signal: event.signal, value: event.value });
    case 'disturbance':
      // Of the wire nobody can tell; what a machine did to its own record is a truth about it.
      return recorderVerbs.has(event.disturbance.verb) ? line('', { verb: event.disturbance.verb }) : null;
  }
}

/** Opens `file` anew. Throws SIM-101 when it cannot be written, now or later. */
export function openTruthLog(file: string): TruthLog {
  const guard = <T>(action: () => T): T => {
    try {
      return action();
    } catch (error) {
      throw new SimulatorError(
        'fileUnwritable',
        `cannot write ${file}: ${error instanceof Error ? error.message : String(error)}`,
        {
          cause: error,
        },
      );
    }
  };
  const descriptor = guard(() => openSync(file, 'w'));
  let lines: string[] = [];
  let size = 0;
  let open = true;
  const flush = (): void => {
    if (lines.length === 0 || !open) return;
    const text = lines.join('');
    lines = [];
    size = 0;
    guard(() => appendFileSync(descriptor, text));
  };
  return {
    append(timeMs, events) {
      for (const event of events) {
        const line = truthLine(timeMs, event);
        if (line === null) continue;
        lines.push(`${line}\n`);
        size += line.length + 1;
      }
      if (size >= flushAtBytes) flush();
    },
    flush,
    close() {
      if (!open) return;
      flush();
      open = false;
      closeSync(descriptor);
    },
  };
}
