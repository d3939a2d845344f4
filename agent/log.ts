/** The agent's log: JSON lines on standard output, made by pino. Secrets never reach it: nobody hands it a resolved one. */
import { pino, type Logger } from 'pino';
import type { LogLevel } from './config/config.ts';

export type { Logger };

const maxLines = 200;
const maxLineChars = 2_000;

/** The newest lines, for who helps from afar. Status lines are left out: they repeat what can be asked. */
export class LogTail {
  readonly #lines: string[] = [];

  push(line: string): void {
    if (line.length > maxLineChars || line.includes('"msg":"status"')) return;
    this.#lines.push(line);
    if (this.#lines.length > maxLines) this.#lines.shift();
  }

  lines(): readonly string[] {
    return [...this.#lines];
  }
}

export function createLog(level: LogLevel, tail?: LogTail): Logger {
  const out = pino.destination({ fd: 1, sync: true });
  const write = (line: string) => {
    tail?.push(line);
    out.write(line);
  };
  return pino(
    { level, base: null, timestamp: () => `,"time":"${new Date().toISOString()}"` },
    tail === undefined ? out : { write },
  );
}
