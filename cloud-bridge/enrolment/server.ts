/**
 * Where gateways fetch and renew their certificates: HTTPS with a certificate of the bridge's own authority. `join` needs the secret of
 * a join file, `renew` the certificate that is to be renewed; there is nothing else here.
 */
import type { Server as TlsServer, TLSSocket } from 'node:tls';
import Fastify, { type FastifyInstance } from 'fastify';
import { createLimiter, type Limiter } from '../api/limiter.ts';
import type { AuditEntry } from '../audit.ts';
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

export interface EnrolmentParts {
  readonly metrics: BridgeMetrics;
  readonly log: Log;
  readonly note: (entry: AuditEntry) => void;
}

export class EnrolmentServer {
  readonly #options: EnrolmentOptions;
  readonly #desk: EnrolmentDesk;
  readonly #parts: EnrolmentParts;
  readonly #limiter: Limiter;
  #app: FastifyInstance | null = null;
  #server: TlsServer | null = null;

  constructor(options: EnrolmentOptions, desk: EnrolmentDesk, parts: EnrolmentParts) {
    this.#options = options;
    this.#desk = desk;
    this.#parts = parts;
    this.#limiter = createLimiter(() => performance.now());
  }

  /** Listens. Rejects with BRG-104 when the port is taken. */
  async start(): Promise<void> {
    const { bind, port, tls } = this.#options;
    const asking = { requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.2' } as const;
    const https = {
      ...tls,
      ...asking,
      handshakeTimeout: 10_000,
      headersTimeout: 10_000,
      connectionsCheckingInterval: 5_000,
    };
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
      if (status >= 500) this.#parts.log.event('error', 'enrolment-failed', { text: reasonOf(error) });
      await reply.code(status).send({ error: status < 500 ? error.message : 'the bridge could not answer' });
    });
    // Refusals are few where nobody guesses: who brings many waits, with all he asks.
    app.addHook('onRequest', async (request, reply) => {
      const waitMs = this.#limiter.waitMs(request.ip);
      if (waitMs === 0) return;
      this.#parts.metrics.enrolment.refused += 1;
      await reply
        .code(429)
        .header('retry-after', String(Math.ceil(waitMs / 1_000)))
        .send({ error: 'too many refused requests from this address' });
    });
    app.post('/v1/join', async (request, reply) => {
      const asked = joinRequest.safeParse(request.body).data;
      const result: DeskAnswer = asked === undefined ? { refused: 'malformed' } : await this.#desk.join(asked);
      await reply.code('answer' in result ? 200 : 403).send(this.#tell('joined', asked?.gateway, request.ip, result));
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
      await reply.code('answer' in result ? 200 : 403).send(this.#tell('renewed', asked?.gateway, request.ip, result));
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
  #tell(event: 'joined' | 'renewed', asked: string | undefined, from: string, result: DeskAnswer): object {
    const { metrics, log, note } = this.#parts;
    const gateway = asked ?? 'unknown';
    const did = event === 'joined' ? 'join' : 'renew';
    if ('answer' in result) {
      metrics.enrolment[event] += 1;
      const until = new Date(result.answer.notAfterMs).toISOString();
      log.event('info', `gateway-${event}`, { gateway, until });
      note({ event, who: gateway, did, on: gateway, why: null, from });
      return result.answer;
    }
    metrics.enrolment.refused += 1;
    this.#limiter.failed(from);
    log.event('warn', 'enrolment-refused', { gateway, why: result.refused });
    note({ event: 'refused', who: 'unknown', did, on: gateway, why: result.refused, from });
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
