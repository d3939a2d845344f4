/** The agent's log: JSON lines on standard output, made by pino. Secrets never reach it: nobody hands it a resolved one. */
import { pino, type Logger } from 'pino';
import type { LogLevel } from './config/config.ts';

export type { Logger };

export function createLog(level: LogLevel): Logger {
  return pino(
    { level, base: null, timestamp: () => `,"time":"${new Date().toISOString()}"` },
    pino.destination({ fd: 1, sync: true }),
  );
}
