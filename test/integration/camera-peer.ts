/** A camera that speaks HTTP as a test says it, byte by byte on a plain socket. Nothing here knows the driver. */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import sharp from 'sharp';

export const streamHead =
  'HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\nConnection: close\r\n\r\n';

/** One part, as RFC 2046 has it. */
export const part = (body: Uint8Array, ...headers: readonly string[]): Buffer => {
  const lines = ['--frame', 'Content-Type: image/jpeg', `Content-Length: ${body.length}`, ...headers, '', ''];
  return Buffer.concat([Buffer.from(lines.join('\r\n'), 'latin1'), body, Buffer.from('\r\n')]);
};

/** An even picture of one grey; `square`, when given, is another grey in its upper left quarter. */
export function jpegOf(grey: number, { width = 64, height = 48, square = grey } = {}): Promise<Buffer> {
  const pixels = Buffer.alloc(width * height, grey);
  for (let y = 0; y < height / 2; y += 1) pixels.fill(square, y * width, y * width + width / 2);
  return sharp(pixels, { raw: { width, height, channels: 1 } })
    .jpeg({ quality: 95 })
    .toBuffer();
}

export class HttpCamera {
  readonly requests: string[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #answer: (socket: Socket, request: string) => void;
  #server: Server | null = null;
  #port = 0;

  /** @param answer what it does with a request, once its empty line came */
  constructor(answer: (socket: Socket, request: string) => void) {
    this.#answer = answer;
  }

  get url(): string {
    return `mjpeg+http://127.0.0.1:${this.#port}/video`;
  }
  get plainUrl(): string {
    return `http://127.0.0.1:${this.#port}/video`;
  }
  get connections(): number {
    return this.#sockets.size;
  }

  async listen(): Promise<void> {
    const server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => this.#sockets.delete(socket));
      let asked = '';
      socket.on('data', (bytes) => {
        asked += bytes.toString('latin1');
        if (!asked.includes('\r\n\r\n')) return;
        this.requests.push(asked);
        this.#answer(socket, asked);
        asked = '';
      });
    });
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    this.#port = typeof address === 'object' && address !== null ? address.port : 0;
    this.#server = server;
  }

  /** To everybody who is connected. */
  send(bytes: Uint8Array): void {
    for (const socket of this.#sockets) socket.write(bytes);
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    for (const socket of this.#sockets) socket.destroy();
    if (server === null) return;
    server.close();
    await once(server, 'close');
  }
}

export async function cameraThat(
  t: Pick<TestContext, 'after'>,
  answer: (socket: Socket, request: string) => void,
): Promise<HttpCamera> {
  const camera = new HttpCamera(answer);
  await camera.listen();
  t.after(() => camera.close());
  return camera;
}
