/** A client of a camera's stream written by hand from RFC 2046 (multipart) and RFC 9112 (HTTP/1.1): no code of any MJPEG reader. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface Part {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly arrivedMs: number;
}
export interface Stream {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The next part; rejects when the stream ends. */
  next(): Promise<Part>;
  readonly socket: Socket;
}

function headersOf(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
}

/** Connects and reads the head of the answer. */
export async function openStream(url: string, method = 'GET'): Promise<Stream> {
  const { hostname, port, pathname } = new URL(url.replace(/^mjpeg\+/, ''));
  const socket = connect({ host: hostname, port: Number(port) });
  socket.on('error', () => undefined);
  let held = Buffer.alloc(0);
  let wake = (): void => undefined;
  let ended = false;
  socket.on('data', (bytes) => {
    held = Buffer.concat([held, bytes]);
    wake();
  });
  socket.on('close', () => {
    ended = true;
    wake();
  });
  const more = async (): Promise<void> => {
    if (ended) throw new RangeError('the stream ended');
    const { promise, resolve } = Promise.withResolvers<void>();
    wake = resolve;
    await promise;
  };
  const take = async (bytes: number): Promise<Buffer> => {
    while (held.length < bytes) await more();
    const taken = held.subarray(0, bytes);
    held = held.subarray(bytes);
    return taken;
  };
  const upTo = async (mark: string): Promise<string> => {
    for (;;) {
      const at = held.indexOf(mark);
      if (at >= 0) return (await take(at + mark.length)).toString('latin1').slice(0, -mark.length);
      await more();
    }
  };
  /** The body comes in chunks (RFC 9112, 7.1): they are undone first. */
  let body = Buffer.alloc(0);
  let chunked = false;
  const moreBody = async (): Promise<void> => {
    if (!chunked) {
      if (held.length === 0) await more();
      body = Buffer.concat([body, await take(held.length)]);
      return;
    }
    const size = Number.parseInt(await upTo('\r\n'), 16);
    if (size === 0) throw new RangeError('the stream ended');
    body = Buffer.concat([body, await take(size)]);
    await take(2);
  };
  const takeBody = async (bytes: number): Promise<Buffer> => {
    while (body.length < bytes) await moreBody();
    const taken = body.subarray(0, bytes);
    body = body.subarray(bytes);
    return taken;
  };
  const bodyUpTo = async (mark: string): Promise<string> => {
    for (;;) {
      const at = body.indexOf(mark);
      if (at >= 0) return (await takeBody(at + mark.length)).toString('latin1').slice(0, -mark.length);
      await moreBody();
    }
  };

  await once(socket, 'connect');
  socket.write(`${method} ${pathname} HTTP/1.1\r\nHost: ${hostname}:${port}\r\n\r\n`);
  const [first = '', ...lines] = (await upTo('\r\n\r\n')).split('\r\n');
  const headers = headersOf(lines);
  chunked = headers['transfer-encoding'] === 'chunked';
  const boundary = /boundary="?([^";]+)/.exec(headers['content-type'] ?? '')?.[1] ?? '';
  return {
    status: Number(first.split(' ')[1]),
    headers,
    socket,
    async next() {
      await bodyUpTo(`--${boundary}\r\n`);
      const partHeaders = headersOf((await bodyUpTo('\r\n\r\n')).split('\r\n'));
      const content = await takeBody(Number(partHeaders['content-length']));
      return { headers: partHeaders, body: Buffer.from(content), arrivedMs: performance.now() };
    },
  };
}
