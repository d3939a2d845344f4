/** The bridge's log: one JSON line an event on standard error. Standard output holds the `listening` line alone. */
import type { BridgeError } from './errors.ts';

type Fields = Readonly<Record<string, string | number | boolean | null>>;

export interface Log {
  event(level: 'info' | 'warn' | 'error', event: string, fields: Fields): void;
  error(error: BridgeError): void;
}

export function lineLog(write: (line: string) => void, nowMs: () => number): Log {
  const event: Log['event'] = (level, event, fields) => {
    write(`${JSON.stringify({ time: new Date(nowMs()).toISOString(), level, event, ...fields })}\n`);
  };
  return {
    event,
    error: (error) =>
      event(error.entry.retryable ? 'warn' : 'error', 'error', {
        code: error.entry.code,
        text: error.message,
        meaning: error.entry.meaning,
        cure: error.entry.cure,
      }),
  };
}
