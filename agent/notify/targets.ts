/** How a message goes to a target: an HTTP POST that is signed, or a mail. */
import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { AgentError } from '../errors.ts';
import type { NotifyTarget } from '../config/config.ts';
import { resolveSecret } from '../config/secrets.ts';
import { mailText } from './mail-text.ts';
import type { Notice } from './plan.ts';

export const sendTimeoutMs = 15_000;
const mostInPost = 50;

export interface Message {
  readonly notices: readonly Notice[];
  /** So many more were not told. */
  readonly left: number;
  readonly atMs: number;
  readonly site: { readonly id: string; readonly name: string; readonly timeZone: string };
  readonly gateway: string;
}
/** Rejects when the target did not take it; the reason holds neither secrets nor the address. */
export type Send = (target: NotifyTarget, message: Message, signal: AbortSignal) => Promise<void>;

/** `v1=` and the HMAC-SHA256 of time, dot and body: who has the key knows that it is ours, and when it was made. */
export const signature = (key: string, timestamp: string, body: string): string =>
  `v1=${createHmac('sha256', key).update(`${timestamp}.${body}`).digest('hex')}`;

async function post(target: NotifyTarget & { kind: 'webhook' }, message: Message, signal: AbortSignal): Promise<void> {
  const { notices, left, site, gateway } = message;
  const alerts = notices.slice(0, mostInPost);
  const body = JSON.stringify({
    v: 1,
    site: site.id,
    gateway,
    sentMs: Math.round(message.atMs),
    alerts,
    more: left + notices.length - alerts.length,
  });
  const timestamp = String(Math.floor(message.atMs / 1000));
  const signed =
    target.secret === null
      ? {}
      : {
          'x-selvedge-timestamp': timestamp,
          'x-selvedge-signature': signature(resolveSecret(target.secret), timestamp, body),
        };
  const response = await fetch(target.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'user-agent': 'selvedge', ...signed },
    body,
    // Another place than the file names is no target.
    redirect: 'manual',
    signal,
  });
  await response.body?.cancel();
  if (!response.ok) throw new AgentError('notifyRefused', `status ${response.status}`);
}

async function mail(target: NotifyTarget & { kind: 'smtp' }, message: Message, signal: AbortSignal): Promise<void> {
  // Loaded with the first mail: a gateway that sends none does not pay for it.
  const { createTransport } = await import('nodemailer');
  // Ours, so that it can be ended: a transport that is closed lets a connection that hangs wait for its time-out.
  const socket = new Socket();
  // With an error, so that the transport too forgets it at once, with its timers.
  const stop = () => socket.destroy(new AgentError('notifyRefused', 'ended'));
  socket.on('error', () => undefined);
  // A name may be found after the end.
  socket.once('connect', () => signal.aborted && stop());
  const transport = createTransport({
    socket,
    host: target.host,
    port: target.port,
    secure: target.tls === 'implicit',
    requireTLS: target.tls === 'starttls',
    ignoreTLS: target.tls === 'none',
    connectionTimeout: sendTimeoutMs,
    greetingTimeout: sendTimeoutMs,
    socketTimeout: sendTimeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
    tls: { minVersion: 'TLSv1.2', ...(target.ca === null ? {} : { ca: await readFile(target.ca, 'utf8') }) },
    ...(target.user === null || target.password === null
      ? {}
      : { auth: { user: target.user, pass: resolveSecret(target.password) } }),
  });
  signal.addEventListener('abort', stop, { once: true });
  try {
    const { subject, text } = mailText(message.notices, message.left, message.site, target.language);
    // Ended with the signal, whatever the server does: a stop waits for nobody's mail server.
    const mailed = transport.sendMail({ from: target.from, to: [...target.to], subject, text });
    mailed.catch(() => undefined);
    await Promise.race([mailed, aborted(signal)]);
  } catch (error) {
    stop();
    // The answer of a mail server may repeat addresses and more: its code says enough.
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'failed';
    throw error instanceof AgentError ? error : new AgentError('notifyRefused', code);
  } finally {
    signal.removeEventListener('abort', stop);
    transport.close();
  }
}

/** Rejects when the signal is aborted. */
const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    const refuse = () => reject(new AgentError('notifyRefused', 'no answer in time'));
    if (signal.aborted) refuse();
    else signal.addEventListener('abort', refuse, { once: true });
  });

export const send: Send = (target, message, signal) =>
  target.kind === 'webhook' ? post(target, message, signal) : mail(target, message, signal);
