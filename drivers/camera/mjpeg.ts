/**
 * A camera that sends JPEG pictures over HTTP, one after another.
 *
 * Invariants (test/integration/camera-mjpeg.test.ts):
 *  - A redirection is refused: it would lead the agent, and its password, to wherever somebody says.
 *  - Nothing is kept that is longer than the limits; the connection ends instead.
 *  - User and password go only into the header of this one request.
 */
import { request as requestPlain, type ClientRequest, type IncomingMessage } from 'node:http';
import { request as requestTls } from 'node:https';
import { cameraLimits, type FrameIndex } from './frame.ts';
import { boundaryOf, MultipartParser, type Part } from './multipart.ts';
import type { Credentials, Source, SourceHandlers } from './source.ts';

export interface MjpegOptions {
  readonly credentials: Credentials | null;
  readonly connectTimeoutMs: number;
  /** PEM of the certificate of an HTTPS camera, or of whoever signed it; absent: the CAs of Node. Unknown ones are always refused. */
  readonly ca?: string;
  readonly limits?: { readonly partBytes: number; readonly headerBytes: number };
}

/** Header lines of a part by which a camera says where the cloth was. */
export const encoderHeader = 'x-encoder-count';
export const markHeader = 'x-index-mark';
/** Of the exposure, in seconds or milliseconds of UTC. */
export const timeHeader = 'x-timestamp';

export function openMjpeg(url: string, handlers: SourceHandlers, options: MjpegOptions): Source {
  const { credentials, connectTimeoutMs, limits = cameraLimits } = options;
  let over = false;
  const make = url.startsWith('https:') ? requestTls : requestPlain;
  const { promise: closed, resolve: setClosed } = Promise.withResolvers<void>();
  const request: ClientRequest = make(url, {
    // A connection of its own that ends with it.
    agent: false,
    headers: { Accept: 'multipart/x-mixed-replace' },
    ...(credentials === null ? {} : { auth: `${credentials.user}:${credentials.password}` }),
    ...(options.ca === undefined ? {} : { ca: options.ca }),
    timeout: connectTimeoutMs,
  });
  const finish = (reason: string, detail?: string): void => {
    if (over) return;
    over = true;
    request.destroy();
    handlers.onClosed(reason, detail);
  };
  request.once('close', () => {
    finish('connection-lost');
    setClosed();
  });
  request.once('timeout', () => finish('timeout'));
  request.on('error', (error) => finish(reasonOf(error), error.message));
  request.once('response', (response) => {
    // How long an open stream may be silent is the camera's to judge.
    request.setTimeout(0);
    const refused = refusalOf(response);
    if (refused !== null) return finish(refused);
    const boundary = boundaryOf(response.headers['content-type']);
    if (boundary === null) return finish('no-stream', String(response.headers['content-type']).slice(0, 100));
    const parser = new MultipartParser(boundary, limits, (part) => take(part, handlers));
    handlers.onOpen();
    response.on('data', (piece: Buffer) => {
      if (over) return;
      const problem = parser.push(piece);
      if (problem !== null) finish(problem);
    });
    response.once('end', () => finish('connection-lost'));
    response.on('error', () => finish('connection-lost'));
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

function reasonOf(error: Error): string {
  const code = 'code' in error ? String(error.code) : '';
  switch (code) {
    case 'ECONNREFUSED':
      return 'connection-refused';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'host-unknown';
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'host-unreachable';
    case 'ETIMEDOUT':
      return 'timeout';
    default:
      return code.startsWith('HPE_')
        ? 'no-http'
        : /CERT|SSL|TLS/.test(code)
          ? 'certificate-refused'
          : 'connection-lost';
  }
}

function take({ headers, body }: Part, handlers: SourceHandlers): void {
  const type = headers.get('content-type');
  if (type !== undefined && !/^image\/(jpeg|jpg|pjpeg)\s*(;|$)/i.test(type)) return handlers.onRefused('no-jpeg');
  if (body.length === 0) return handlers.onRefused('empty');
  handlers.onFrame({
    image: { bytes: body, mustBe: 'jpeg' },
    capturedMs: timeOf(headers.get(timeHeader)),
    index: indexOf(headers),
  });
}

/** Seconds with a fraction, or milliseconds; null where it is no time after 2001, such as that of a camera without a clock. */
function timeOf(text: string | undefined): number | null {
  if (text === undefined || !/^\d{1,14}(\.\d{1,9})?$/.test(text)) return null;
  const number = Number(text);
  const ms = number < 1e11 ? number * 1000 : number;
  return ms > 1e12 && ms < 1e13 ? ms : null;
}

function indexOf(headers: ReadonlyMap<string, string>): FrameIndex | null {
  const count = headers.get(encoderHeader);
  if (count !== undefined && /^-?\d{1,15}$/.test(count)) return { kind: 'encoder', count: Number(count) };
  const mark = headers.get(markHeader);
  if (mark === '0' || mark === '1') return { kind: 'mark', isThere: mark === '1' };
  return null;
}
