/**
 * Microphones of the network: WAV over HTTP, bare samples over TCP, L16 over RTP.
 *
 * Invariants (test/integration/microphone-network.test.ts, microphone-rtp.test.ts):
 *  - Those of `../http-stream.ts`.
 *  - RTP is taken on the address that was given, from one sender.
 */
import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import { openHttpStream, type HttpStreamOptions } from '../http-stream.ts';
import { reasonOfSocket } from '../socket-reason.ts';
import type { MicrophoneEndpoint } from './endpoint.ts';
import { PcmDecoder } from './pcm.ts';
import { RtpReceiver } from './rtp.ts';
import { microphoneLimits } from './sound.ts';
import type { Source, SourceHandlers } from './source.ts';
import { wavReader } from './wav-source.ts';

export function openWavHttp(url: string, handlers: SourceHandlers, options: HttpStreamOptions): Source {
  const begin = () => {
    const reader = wavReader(handlers);
    return { data: (piece: Buffer) => reader.push(piece), end: () => reader.end() ?? { reason: 'ended' } };
  };
  return openHttpStream(url, 'audio/wav, audio/x-wav', options, begin, (reason, detail) =>
    handlers.onClosed(reason, detail),
  );
}

/** A tenth of a second of a microphone at 96 kHz, and more; what is more comes in the next piece. */
const receivedBytes = 64 * 1024;

export function openTcp(
  { host, port, format }: Extract<MicrophoneEndpoint, { readonly kind: 'tcp' }>,
  handlers: SourceHandlers,
  { connectTimeoutMs }: { readonly connectTimeoutMs: number },
): Source {
  let over = false;
  const { promise: closed, resolve: setClosed } = Promise.withResolvers<void>();
  const decoder = new PcmDecoder(format, microphoneLimits.keptChannels);
  const heard = (piece: Buffer): void => {
    if (over) return;
    const block = decoder.push(piece);
    if ((block.channels[0]?.length ?? 0) > 0) handlers.onSound(block);
  };
  // Always the same bytes: the decoder keeps none, and new ones for each piece are half the work of the collector of garbage.
  const buffer = Buffer.alloc(receivedBytes);
  const callback = (length: number): boolean => {
    heard(buffer.subarray(0, length));
    return true;
  };
  const socket = connect({ host, port, timeout: connectTimeoutMs, onread: { buffer, callback } });
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
