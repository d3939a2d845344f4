/**
 * One HTTP request whose answer goes on for ever, as cameras and microphones of the network send it.
 *
 * Invariants (test/integration/camera-mjpeg.test.ts, microphone-network.test.ts):
 *  - A redirection is refused: it would lead the agent, and its password, to wherever somebody says.
 *  - User and password go only into the header of this one request.
 *  - The end is told once, later and never out of the call that opened it, unless `close` was called first.
 */
import { request as requestPlain, type IncomingMessage } from 'node:http';
import { request as requestTls } from 'node:https';
import type { Closable } from './reconnect.ts';
import { reasonOfSocket } from './socket-reason.ts';

export interface HttpStreamOptions {
  /** Null: none are asked for. */
  readonly credentials: { readonly user: string; readonly password: string } | null;
  readonly connectTimeoutMs: number;
  /** PEM of the certificate of an HTTPS source, or of whoever signed it; absent: the CAs of Node. Unknown ones are always refused. */
  readonly ca?: string;
}

/** Why the stream is to end: one lower-case word group, and words for the log without secrets. */
export interface StreamEnd {
  readonly reason: string;
  readonly detail?: string;
}

export interface HttpStreamReader {
  /** What comes; anything but null ends the stream. */
  readonly data: (piece: Buffer) => StreamEnd | null;
  /** The other side has ended it. */
  readonly end: () => StreamEnd;
}

/**
 * @param accept of the header
 * @param begin is given the head of an answer that is 200; what it gives reads the body, or says why nothing can be read
 */
export function openHttpStream(
  url: string,
  accept: string,
  { credentials, connectTimeoutMs, ca }: HttpStreamOptions,
  begin: (response: IncomingMessage) => HttpStreamReader | StreamEnd,
  onClosed: (reason: string, detail?: string) => void,
): Closable {
  let over = false;
  const make = url.startsWith('https:') ? requestTls : requestPlain;
  const { promise: closed, resolve: setClosed } = Promise.withResolvers<void>();
  const request = make(url, {
    // A connection of its own that ends with it.
    agent: false,
    headers: { Accept: accept },
    ...(credentials === null ? {} : { auth: `${credentials.user}:${credentials.password}` }),
    ...(ca === undefined ? {} : { ca }),
    timeout: connectTimeoutMs,
  });
  const finish = ({ reason, detail }: StreamEnd): void => {
    if (over) return;
    over = true;
    request.destroy();
    onClosed(reason, detail);
  };
  request.once('close', () => {
    finish({ reason: 'connection-lost' });
    setClosed();
  });
  request.once('timeout', () => finish({ reason: 'timeout' }));
  request.on('error', (error) => finish({ reason: reasonOfSocket(error), detail: error.message }));
  request.once('response', (response) => {
    // How long an open stream may be silent is the driver's to judge.
    request.setTimeout(0);
    const reason = refusalOf(response);
    if (reason !== null) return finish({ reason });
    const reader = begin(response);
    if ('reason' in reader) return finish(reader);
    response.on('data', (piece: Buffer) => {
      const end = over ? null : reader.data(piece);
      if (end !== null) finish(end);
    });
    response.once('end', () => finish(reader.end()));
    response.on('error', () => finish({ reason: 'connection-lost' }));
  });
  request.end();
  return {
    close: () => {
      over = true;
      request.destroy();
      return closed;
    },
  };
}

function refusalOf({ statusCode = 0 }: IncomingMessage): string | null {
  if (statusCode === 200) return null;
  if (statusCode >= 300 && statusCode < 400) return 'redirected';
  return statusCode === 401 || statusCode === 403 ? 'access-denied' : `http-${statusCode}`;
}
