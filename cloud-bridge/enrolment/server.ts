/**
 * Where gateways fetch and renew their certificates: HTTPS with a certificate of the bridge's own authority. `join` needs the secret of
 * a join file, `renew` the certificate that is to be renewed; there is nothing else here.
 */
import type { Server as TlsServer, TLSSocket } from 'node:tls';
import Fastify, { type FastifyInstance } from 'fastify';
import { joinRequest, renewRequest } from '../contract.ts';
import { BridgeError } from '../errors.ts';
import { reasonOf } from '../files.ts';
import { plainFingerprint } from '../fingerprint.ts';
import type { Log } from '../log.ts';
import type { BridgeMetrics } from '../metrics.ts';
import type { DeskAnswer, EnrolmentDesk } from './desk.ts';

export interface EnrolmentOptions {
  readonly bind: string;
  /** 0: any free port. */
  readonly port: number;
  readonly tls: { readonly cert: string; readonly key: string; readonly ca: string };
}

export class EnrolmentServer {
  readonly #options: EnrolmentOptions;
  readonly #desk: EnrolmentDesk;
  readonly #metrics: BridgeMetrics;
  readonly #log: Log;
  #app: FastifyInstance | null = null;
  #server: TlsServer | null = null;

  constructor(options: EnrolmentOptions, desk: EnrolmentDesk, metrics: BridgeMetrics, log: Log) {
    this.#options = options;
    this.#desk = desk;
    this.#metrics = metrics;
    this.#log = log;
  }

  /** Listens. Rejects with BRG-104 when the port is taken. */
  async start(): Promise<void> {
    const { bind, port, tls } = this.#options;
    const https = { ...tls, requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.2' } as const;
    const app = Fastify({
      https,
      logger: false,
      bodyLimit: 48 * 1024,
      requestTimeout: 10_000,
      forceCloseConnections: true,
    });
    app.server.maxConnections = 512;
    this.#server = app.server;
    app.setErrorHandler(async (error: { statusCode?: number; message: string }, _request, reply) => {
      const status = error.statusCode ?? 500;
      if (status >= 500) this.#log.event('error', 'enrolment-failed', { text: reasonOf(error) });
      await reply.code(status).send({ error: status < 500 ? error.message : 'the bridge could not answer' });
    });
    app.post('/v1/join', async (request, reply) => {
      const asked = joinRequest.safeParse(request.body).data;
      const result: DeskAnswer = asked === undefined ? { refused: 'malformed' } : await this.#desk.join(asked);
      await reply.code('answer' in result ? 200 : 403).send(this.#tell('joined', asked?.gateway, result));
    });
    app.post('/v1/renew', async (request, reply) => {
      const asked = renewRequest.safeParse(request.body).data;
      const peer = peerOf(request.raw.socket as TLSSocket);
      const result: DeskAnswer =
        asked === undefined
          ? { refused: 'malformed' }
          : peer === null
            ? { refused: 'unknown' }
            : await this.#desk.renew(asked, peer);
      await reply.code('answer' in result ? 200 : 403).send(this.#tell('renewed', asked?.gateway, result));
    });
    try {
      await app.listen({ host: bind, port });
    } catch (error) {
      await app.close();
      const detail = `cannot listen for enrolment on ${bind} port ${port}: ${reasonOf(error)}`;
      throw new BridgeError('portTaken', detail, { cause: error });
    }
    this.#app = app as unknown as FastifyInstance;
  }

  /** A new certificate for those who connect from now on. */
  renewCertificate(tls: EnrolmentOptions['tls']): void {
    this.#server?.setSecureContext({ ...tls, minVersion: 'TLSv1.2' });
  }

  get port(): number {
    const address = this.#server?.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  async stop(): Promise<void> {
    await this.#app?.close();
    this.#app = null;
  }

  /** Counts and logs what was decided, and gives what is answered. */
  #tell(done: 'joined' | 'renewed', gateway: string | undefined, result: DeskAnswer): object {
    if ('answer' in result) {
      this.#metrics.enrolment[done] += 1;
      const until = new Date(result.answer.notAfterMs).toISOString();
      this.#log.event('info', `gateway-${done}`, { gateway: gateway ?? '', until });
      return result.answer;
    }
    this.#metrics.enrolment.refused += 1;
    this.#log.event('warn', 'enrolment-refused', { gateway: gateway ?? '', why: result.refused });
    return { v: 1, refused: result.refused };
  }
}

/** The certificate of a connection, when it is of our authority. */
function peerOf(socket: TLSSocket) {
  if (!socket.authorized) return null;
  const { subject, fingerprint256 } = socket.getPeerCertificate();
  const name: unknown = subject?.CN;
  return typeof name === 'string' ? { name, fingerprint: plainFingerprint(fingerprint256) } : null;
}
