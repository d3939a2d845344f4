/**
 * Microphones of the network: WAV over HTTP, bare samples over TCP, L16 over RTP.
 *
 * Invariants (test/integration/microphone-network.test.ts, microphone-rtp.test.ts):
 *  - A redirection is refused: it would lead the agent, and its password, to wherever somebody says.
 *  - User and password go only into the header of the one request.
 *  - RTP is taken on the address that was given, from one sender.
 */
import { createSocket } from 'node:dgram';
import { request as requestPlain, type ClientRequest, type IncomingMessage } from 'node:http';
import { request as requestTls } from 'node:https';
import { connect, isIPv6 } from 'node:net';
import type { MicrophoneEndpoint } from './endpoint.ts';
import { PcmDecoder } from './pcm.ts';
import { RtpReceiver } from './rtp.ts';
import { microphoneLimits } from './sound.ts';
import { reasonOfSocket, type Credentials, type Source, type SourceHandlers } from './source.ts';
import { wavReader } from './wav-source.ts';

export interface WavHttpOptions {
  readonly credentials: Credentials | null;
  readonly connectTimeoutMs: number;
  /** PEM of the certificate of an HTTPS microphone, or of whoever signed it; absent: the CAs of Node. Unknown ones are always refused. */
  readonly ca?: string;
}

export function openWavHttp(url: string, handlers: SourceHandlers, options: WavHttpOptions): Source {
  const { credentials, connectTimeoutMs } = options;
  let over = false;
  const make = url.startsWith('https:') ? requestTls : requestPlain;
  const { promise: closed, resolve: setClosed } = Promise.withResolvers<void>();
  const request: ClientRequest = make(url, {
    // A connection of its own that ends with it.
    agent: false,
    headers: { Accept: 'audio/wav, audio/x-wav' },
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
  request.on('error', (error) => finish(reasonOfSocket(error), error.message));
  request.once('response', (response) => {
    // How long an open stream may be silent is the microphone's to judge.
    request.setTimeout(0);
    const refused = refusalOf(response);
    if (refused !== null) return finish(refused);
    const reader = wavReader(handlers);
    response.on('data', (piece: Buffer) => {
      if (over) return;
      const refusal = reader.push(piece);
      if (refusal !== null) finish(refusal.reason, refusal.detail);
    });
    response.once('end', () => {
      const refusal = reader.end();
      finish(refusal?.reason ?? 'ended', refusal?.detail);
    });
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

export function openTcp(
  { host, port, format }: Extract<MicrophoneEndpoint, { readonly kind: 'tcp' }>,
  handlers: SourceHandlers,
  { connectTimeoutMs }: { readonly connectTimeoutMs: number },
): Source {
  let over = false;
  const { promise: closed, resolve: setClosed } = Promise.withResolvers<void>();
  const decoder = new PcmDecoder(format, microphoneLimits.keptChannels);
  const socket = connect({ host, port, timeout: connectTimeoutMs });
  const finish = (reason: string, detail?: string): void => {
    if (over) return;
    over = true;
    socket.destroy();
    handlers.onClosed(reason, detail);
  };
  socket.once('connect', () => {
    socket.setTimeout(0);
    if (!over) handlers.onOpen(format);
  });
  socket.once('timeout', () => finish('timeout'));
  socket.on('error', (error) => finish(reasonOfSocket(error), error.message));
  socket.on('data', (piece: Buffer) => {
    if (over) return;
    const block = decoder.push(piece);
    if ((block.channels[0]?.length ?? 0) > 0) handlers.onSound(block);
  });
  socket.once('end', () => finish('ended'));
  socket.once('close', () => {
    finish('connection-lost');
    setClosed();
  });
  return {
    close: () => {
      over = true;
      socket.destroy();
      return closed;
    },
  };
}

const passEveryMs = 20;

export function openRtp(
  { bind, port, format, payloadType, from }: Extract<MicrophoneEndpoint, { readonly kind: 'rtp' }>,
  handlers: SourceHandlers,
): Source {
  let over = false;
  const { promise: closed, resolve: setClosed } = Promise.withResolvers<void>();
  const decoder = new PcmDecoder(format, microphoneLimits.keptChannels);
  const receiver = new RtpReceiver(
    { rateHz: format.rateHz, channels: format.channels, payloadType },
    {
      onPcm: (bytes) => handlers.onSound(decoder.push(bytes)),
      onGap: (samples) => handlers.onGap(samples, samples === null ? 'sender-restarted' : 'packets-lost'),
    },
  );
  const socket = createSocket({ type: isIPv6(bind) ? 'udp6' : 'udp4' });
  const timer = setInterval(() => receiver.pass(performance.now()), passEveryMs);
  const shut = (): void => {
    over = true;
    clearInterval(timer);
    try {
      socket.close(() => setClosed());
    } catch {
      // It is closed already.
      setClosed();
    }
  };
  socket.on('error', (error) => {
    if (over) return;
    shut();
    handlers.onClosed(reasonOfSocket(error), error.message);
  });
  socket.once('listening', () => {
    if (!over) handlers.onOpen(format);
  });
  socket.on('message', (bytes, { address }) => {
    if (over) return;
    if (from !== null && address !== from) return handlers.onRefused('foreign-packet');
    const before = receiver.counts;
    if (receiver.push(bytes, address, performance.now())) return;
    handlers.onRefused(refusedBy(before, receiver.counts));
  });
  socket.bind({ address: bind, port, exclusive: true });
  return {
    close: () => {
      if (!over) shut();
      return closed;
    },
  };
}

function refusedBy(before: RtpReceiver['counts'], after: RtpReceiver['counts']): string {
  if (after.foreign > before.foreign) return 'foreign-packet';
  if (after.malformed > before.malformed) return 'malformed-packet';
  return after.duplicates > before.duplicates ? 'packet-twice' : 'packet-late';
}
