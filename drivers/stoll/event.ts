/**
 * One line of the event stream. The numbers are those of the STOLL PPS (Stoll knit report) user guide; how they are written on a
 * line is ours, because no maker publishes a wire format. Pure.
 *
 *     {"generation":"a","seq":17,"time":"2026-03-02T08:15:00.250Z","type":2,"id":3,"param":"Yarn feeder 3A"}
 *     {"now":"2026-03-02T08:15:10Z"}
 *
 * Invariant: of what an operator typed or who it was (`/U=`, `/M=`, `/C=`, a user profile) nothing leaves this file.
 */
import { z } from 'zod';

export interface StollEvent {
  readonly kind: 'event';
  readonly generation: string;
  readonly seq: number;
  /** UTC ms, by the clock of the machine. */
  readonly timeMs: number;
  readonly type: number;
  readonly id: number;
  readonly param: string;
  /** MACHINE_STATE behind the event, where the source tells it; −1 unknown. */
  readonly state: number | null;
}
/** The machine is there, and everything up to this time has been told. */
export interface StollSign {
  readonly kind: 'now';
  readonly timeMs: number;
}

/** No event is from before these machines; a smaller number is seconds, or another mistake. */
const earliestMs = Date.UTC(2000, 0, 1);
const latestMs = Date.UTC(2200, 0, 1);
/** A time without a zone would be read in that of this computer: nobody can know. */
const withZone = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})$/;

const time = z
  .union([
    z.number(),
    z
      .string()
      .max(40)
      .regex(withZone)
      .transform((text) => Date.parse(text)),
  ])
  .refine((ms) => Number.isFinite(ms) && ms >= earliestMs && ms < latestMs);
const utf8 = new TextDecoder('utf-8', { fatal: true });

const code = z.int().min(0).max(65_535);
const eventLine = z.object({
  generation: z.union([z.string().regex(/^[\x21-\x7e]{1,64}$/), z.int().min(0)]).transform(String),
  seq: z.int().min(0),
  time,
  type: code,
  id: code,
  param: z.string().max(4096).default(''),
  state: z.int().min(-1).max(65_535).nullable().default(null),
});
const signLine = z.object({ now: time });

/** @param line as raw bytes in Latin-1, which hold UTF-8 */
export function parseStollLine(line: string): StollEvent | StollSign | 'garbage' {
  const value = parseJson(line);
  const event = eventLine.safeParse(value);
  if (event.success) {
    const { time: timeMs, ...rest } = event.data;
    return { kind: 'event', timeMs, ...rest };
  }
  const sign = signLine.safeParse(value);
  return sign.success ? { kind: 'now', timeMs: sign.data.now } : 'garbage';
}

/** Null for what is no JSON, or no UTF-8: a damaged byte in a text would otherwise be another text. */
function parseJson(line: string): unknown {
  try {
    return JSON.parse(utf8.decode(Buffer.from(line, 'latin1')));
  } catch {
    return null;
  }
}

/** The value behind `/NAME=` in a parameter text, up to the next one; null where it has none. */
export function paramOf(param: string, name: 'p' | 'PI'): string | null {
  const match = new RegExp(`(?:^|\\s)/${name}=(.*?)(?=\\s/[A-Za-z]+\\d?=|$)`, 's').exec(param);
  return match?.[1]?.trim() ?? null;
}

/** The whole number a parameter begins with, or null. */
export function numberOf(param: string): number | null {
  const match = /^\s*<?(\d{1,9})(?=\D|$)/.exec(param);
  return match === null ? null : Number(match[1]);
}
