/**
 * What leaves the gateway only as `uplink.remoteRaw` allows: raw readings and diagnostics. `ask`: somebody at the gateway allows each
 * request once (`selvedge remote`); until then only that it waits is answered.
 *
 * Invariants (test/unit/remote/raw.test.ts):
 *  W1  `off` answers nothing, and `ask` nothing that nobody has allowed; a permission serves one answer to the very request.
 *  W2  An answer is whole or none: what does not fit is refused with how much it was.
 *  W3  Only readings of the ring, of at most an hour, and only numbers: texts, such as who works at a machine, stay here.
 */
import { z } from 'zod';
import { maxResultBytes } from '../../cloud-bridge/contract.ts';
import type { UplinkConfig } from '../config/config.ts';
import type { RequestState } from '../store/commands.ts';
import type { Trend, TrendQuery } from '../store/history.ts';
import type { Outcome } from './desk.ts';

const maxSpanMs = 3_600_000;
const maxPoints = 5_000;
/** The contract's limit of a body, and what gateway, names and signature take beside it. */
const maxBodyChars = 40 * 1024;
const besideBytes = 1_024;

export interface RawPorts {
  readonly mode: UplinkConfig['remoteRaw'];
  readonly trend: (query: TrendQuery) => Promise<Trend>;
  readonly bundle: () => Promise<Readonly<Record<string, unknown>>>;
  readonly askRequest: (request: { kind: string; body: string; atMs: number }) => Promise<RequestState>;
  readonly wallMs: () => number;
}

export const windowFields = {
  machine: z.string().regex(/^[a-z0-9-]{1,40}$/),
  signal: z.string().regex(/^[\w.:-]{1,80}$/),
  fromMs: z.int(),
  toMs: z.int(),
} as const;
type Window = Readonly<z.output<z.ZodObject<typeof windowFields>>>;
interface From {
  readonly by: string;
}

const refuse = (code: Outcome['code'], body: Outcome['body'] = {}): Outcome => ({ ok: false, code, body });
const whenAsked = { waits: 'asks', denied: 'denied', full: 'too-many-requests' } as const;

/** Whether it can be sent as a result. */
export function fits(body: object): boolean {
  const text = JSON.stringify(body);
  // As text within JSON every quote takes two bytes.
  return text.length <= maxBodyChars && Buffer.byteLength(JSON.stringify(text)) <= maxResultBytes - besideBytes;
}

/** Raw readings of one signal, by column: `t` in ms from the reading before, the first from `t0`; `v` null and `q` where it is not good. */
export async function requestWindow(window: Window & From, ports: RawPorts): Promise<Outcome> {
  const { machine, signal, fromMs, toMs, by } = window;
  if (ports.mode === 'off') return refuse('raw-off');
  if (toMs <= fromMs || toMs - fromMs > maxSpanMs)
    return refuse('body-invalid', { issues: ['toMs: at most an hour after fromMs'] });
  const { source, found, points } = await ports.trend({ machine, signal, fromMs, toMs, maxPoints });
  if (source !== 'ring' || found === 0) return refuse('not-in-ring');
  if (points.some(({ value }) => typeof value === 'string')) {
    return refuse('body-invalid', { issues: ['signal: a text, which stays at the gateway'] });
  }
  const t0 = points[0]?.atMs ?? fromMs;
  const body = {
    machine,
    signal,
    fromMs,
    toMs,
    t0,
    t: points.map(({ atMs }, at) => atMs - (points[at - 1]?.atMs ?? t0)),
    v: points.map(({ value }) => value),
    q: points.flatMap(({ quality }, at) => (quality === 'good' ? [] : [[at, quality]])),
  };
  if (found > maxPoints || !fits(body)) return refuse('too-large', { readings: found });
  return await allowed('request-window', { machine, signal, fromMs, toMs, by }, ports, async () => body);
}

export async function requestBundle(from: From, ports: RawPorts): Promise<Outcome> {
  return await allowed('request-bundle', from, ports, () => ports.bundle());
}

async function allowed(kind: string, request: object, ports: RawPorts, make: () => Promise<object>): Promise<Outcome> {
  if (ports.mode === 'off') return refuse('raw-off');
  if (ports.mode === 'ask') {
    const atMs = Math.round(ports.wallMs());
    const state = await ports.askRequest({ kind, body: JSON.stringify(request), atMs });
    if (state !== 'allowed') return refuse(whenAsked[state]);
  }
  const body = await make();
  return fits(body) ? { ok: true, code: null, body: { ...body } } : refuse('too-large');
}
