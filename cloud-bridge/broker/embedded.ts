/**
 * The MQTT 3.1.1 broker inside the bridge: for one machine, with nothing to install. Gateways come with a certificate of the
 * bridge's authority, or log in by id and password at a port of its own.
 *
 * Invariants (test/integration/bridge-tls.test.ts):
 *  M1  At the port for certificates nobody speaks MQTT without one that counts, whatever user name and password they give.
 *  M2  What a client may do follows from the name in its certificate, not from what it calls itself.
 *  M3  A connection ends within `recheckMs` of the moment its gateway is revoked or removed, or its certificate counts no more.
 */
import { createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer as createTlsServer, type Server as TlsServer, type TLSSocket } from 'node:tls';
import { Aedes, type AuthenticateError, type Client } from 'aedes';
import type { AuditEntry } from '../audit.ts';
import { BridgeError } from '../errors.ts';
import { maxUpBytes } from '../contract.ts';
import { plainFingerprint } from '../fingerprint.ts';
import { reasonOf } from '../files.ts';
import type { BridgeMetrics } from '../metrics.ts';
import type { Gateway, PeerCertificate, Registry } from '../registry.ts';
import { mayPublish, maySubscribe } from './access.ts';
import { guardConnection } from './guard.ts';
import { gatewayTopics, type BrokerLink, type Incoming, type LinkState } from './link.ts';

/** The largest payload, its topic and the header around them. */
const maxPacketBytes = maxUpBytes + 512;
const maxConnections = 2048;
/** Logins in progress: each costs a thread of the pool some 40 ms, and connecting is free for a stranger. */
const maxLogins = 32;
/** How often it is asked whether those who are connected still may be. */
const recheckMs = 1_000;
const handshakeMs = 10_000;

interface Listener {
  readonly bind: string;
  /** 0: any free port. */
  readonly port: number;
}
export interface EmbeddedOptions extends Listener {
  readonly tls: { readonly cert: string; readonly key: string } | null;
  /** The port for certificates; null: none. */
  readonly certified:
    | (Listener & { readonly tls: { readonly cert: string; readonly key: string; readonly ca: string } })
    | null;
}
type Users = Pick<Registry, 'authenticate' | 'certified' | 'find'>;

export class EmbeddedBroker implements BrokerLink {
  readonly #options: EmbeddedOptions;
  readonly #registry: Users;
  readonly #metrics: BridgeMetrics;
  readonly #note: (entry: AuditEntry) => void;
  readonly #gateways = new WeakMap<Client, Gateway>();
  /** By connection, where it came with one. */
  readonly #certificates = new WeakMap<object, PeerCertificate>();
  readonly #addresses = new WeakMap<object, string>();
  readonly #present = new Set<Client>();
  #broker: Aedes | null = null;
  #server: Server | null = null;
  #certifiedServer: TlsServer | null = null;
  #rechecking: NodeJS.Timeout | null = null;
  #logins = 0;
  readonly #sockets = new Set<Socket>();

  constructor(
    options: EmbeddedOptions,
    registry: Users,
    metrics: BridgeMetrics,
    note: (entry: AuditEntry) => void = () => undefined,
  ) {
    this.#options = options;
    this.#registry = registry;
    this.#metrics = metrics;
    this.#note = note;
  }

  /** Listens. Rejects with BRG-104 when the address is taken or not of this machine, BRG-106 for an unusable certificate. */
  async start(onMessage: (message: Incoming) => void): Promise<void> {
    const broker = await Aedes.createBroker({
      // A client may hold this many QoS 2 packets open; ours use none.
      maxInflightInbound: 8,
      connectTimeout: 10_000,
      preConnect: (client, packet, done) => {
        // Names a session by its user, so that no client can take over, or sit on, another's client id; and no session
        // outlives its connection, so that nothing queues up here for a gateway that is away.
        const user = this.#certificates.get(client.conn)?.name ?? packet.username ?? '';
        packet.clientId = `${user}/${packet.clientId}`;
        packet.clean = true;
        if (packet.will !== undefined && packet.will.payload.length > 4096) delete packet.will;
        done(null, !client.closed);
      },
      authenticate: (client, username, password, done) => {
        this.#login(client, username, password).then(
          (gateway) => {
            // 3, server unavailable: the gateway comes again soon; 4 would send a person after a password that is right.
            if (gateway === 'busy') done(refusal(this.#metrics, 3), false);
            else if (gateway === null) {
              this.#tried(client, 'connect', username ?? '', 'not let in');
              done(refusal(this.#metrics, 4), false);
            } else {
              this.#admit(client, gateway);
              done(null, true);
            }
          },
          () => done(refusal(this.#metrics, 3), false),
        );
      },
      authorizePublish: (client, packet, done) => {
        const gateway = client === null ? undefined : this.#gateways.get(client);
        if (gateway === undefined || !mayPublish(gateway, packet.topic)) {
          this.#metrics.refused.publish += 1;
          if (client !== null) this.#tried(client, 'publish', packet.topic, 'not a topic of this gateway');
          done(new BridgeError('usage', `a client may not publish ${packet.topic.slice(0, 120)}`));
          return;
        }
        // Birth and death alone are kept for later subscribers.
        if (!packet.topic.endsWith('/status')) packet.retain = false;
        done(null);
      },
      authorizeSubscribe: (client, subscription, done) => {
        const gateway = this.#gateways.get(client);
        if (gateway !== undefined && maySubscribe(gateway, subscription.topic)) {
          done(null, subscription);
          return;
        }
        this.#metrics.refused.subscribe += 1;
        this.#tried(client, 'subscribe', subscription.topic, 'not a topic of this gateway');
        // 0x80 in the SUBACK: the client is told, and stays connected.
        done(null, null);
      },
    });
    this.#broker = broker;
    // Errors of single connections: the client is gone or made a mistake, and was disconnected.
    broker.on('clientError', () => undefined);
    broker.on('connectionError', () => undefined);
    for (const topic of gatewayTopics) {
      await new Promise<void>((resolve) => {
        broker.subscribe(
          topic,
          (packet, done) => {
            onMessage({ topic: packet.topic, payload: Buffer.from(packet.payload) });
            done();
          },
          resolve,
        );
      });
    }
    this.#server = await this.#listen(broker);
    if (this.#options.certified !== null) {
      this.#certifiedServer = await this.#listenCertified(broker, this.#options.certified);
    }
    this.#rechecking = setInterval(() => this.#recheck(), recheckMs);
  }

  /** The port for passwords, once started. */
  get port(): number {
    return portOf(this.#server);
  }

  /** The port for certificates, once started; null: there is none. */
  get certifiedPort(): number | null {
    return this.#certifiedServer === null ? null : portOf(this.#certifiedServer);
  }

  /** A new certificate for those who connect from now on. */
  renewCertificate(tls: { readonly cert: string; readonly key: string; readonly ca: string }): void {
    this.#certifiedServer?.setSecureContext({ ...tls, minVersion: 'TLSv1.2' });
  }

  state(): LinkState {
    return { connected: this.#server !== null, detail: `embedded, ${this.#sockets.size} connections` };
  }

  publish(topic: string, payload: Buffer): Promise<void> {
    const broker = this.#broker;
    if (broker === null || broker.closed)
      return Promise.reject(new BridgeError('brokerUnreachable', 'the broker is stopped'));
    return new Promise((resolve, reject) => {
      const packet = { cmd: 'publish', topic, payload, qos: 1, retain: false, dup: false } as const;
      broker.publish(packet, (error) => (error === undefined || error === null ? resolve() : reject(error)));
    });
  }

  async stop(): Promise<void> {
    const broker = this.#broker;
    const servers = [this.#server, this.#certifiedServer].filter((server) => server !== null);
    if (this.#rechecking !== null) clearInterval(this.#rechecking);
    this.#rechecking = null;
    this.#server = null;
    this.#certifiedServer = null;
    this.#broker = null;
    const closed = Promise.all(
      servers.map((server) => new Promise<void>((resolve) => void server.close(() => resolve()))),
    );
    if (broker !== null) await new Promise<void>((resolve) => broker.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #login(
    client: Client,
    username: string | undefined,
    password: Buffer | undefined,
  ): Promise<Gateway | 'busy' | null> {
    const certificate = this.#certificates.get(client.conn);
    if (certificate !== undefined) {
      if (username !== undefined && username !== certificate.name) return null;
      return this.#registry.certified(certificate);
    }
    if (username === undefined || password === undefined) return null;
    if (this.#logins >= maxLogins) return 'busy';
    this.#logins += 1;
    try {
      return await this.#registry.authenticate(username, password);
    } finally {
      this.#logins -= 1;
    }
  }

  #admit(client: Client, gateway: Gateway): void {
    this.#gateways.set(client, gateway);
    this.#present.add(client);
    client.conn.once('close', () => this.#present.delete(client));
  }

  /** Who is known by certificate or password; the name somebody gives himself is `on`. */
  #tried(client: Client, did: string, on: string, why: string): void {
    const who = this.#gateways.get(client)?.id ?? this.#certificates.get(client.conn)?.name ?? 'unknown';
    this.#note({ event: 'refused', who, did, on, why, from: this.#addresses.get(client.conn) ?? null });
  }

  /** Hangs up on those who may be here no more. */
  #recheck(): void {
    for (const client of this.#present) {
      const before = this.#gateways.get(client);
      const certificate = this.#certificates.get(client.conn);
      const now =
        before === undefined
          ? null
          : certificate === undefined
            ? this.#registry.find(before.id)
            : this.#registry.certified(certificate);
      if (now !== null && now.revoked !== true && now.site === before?.site) continue;
      this.#metrics.refused.revoked += 1;
      this.#tried(client, 'stay', before?.id ?? '', 'revoked, removed or expired');
      this.#present.delete(client);
      client.close();
    }
  }

  async #listen(broker: Aedes): Promise<Server> {
    const { tls } = this.#options;
    const onConnection = (socket: Socket) => void this.#take(broker, socket);
    const make = () => {
      if (tls === null) return createServer(onConnection);
      const settings = { ...tls, minVersion: 'TLSv1.2', handshakeTimeout: handshakeMs } as const;
      return createTlsServer(settings, onConnection).on('tlsClientError', (_error, socket) => socket.destroy());
    };
    return await this.#open(make, this.#options);
  }

  async #listenCertified(broker: Aedes, listener: NonNullable<EmbeddedOptions['certified']>): Promise<TlsServer> {
    const onConnection = (socket: TLSSocket) => {
      const { subject, fingerprint256 } = socket.getPeerCertificate();
      // Names with several values come as a list: ours have one.
      const name: unknown = subject?.CN;
      if (typeof name !== 'string' || typeof fingerprint256 !== 'string') {
        this.#metrics.refused.connect += 1;
        socket.destroy();
        return;
      }
      const guarded = this.#take(broker, socket);
      this.#certificates.set(guarded, { name, fingerprint: plainFingerprint(fingerprint256) });
    };
    const make = () => {
      const settings = { ...listener.tls, minVersion: 'TLSv1.2', handshakeTimeout: handshakeMs } as const;
      const server = createTlsServer({ ...settings, requestCert: true, rejectUnauthorized: true }, onConnection);
      server.on('tlsClientError', (error, socket) => {
        this.#metrics.refused.connect += 1;
        const why = 'code' in error ? String(error.code) : error.message;
        const from = socket.remoteAddress ?? null;
        // Who lets the time for the handshake pass stays connected otherwise.
        socket.destroy();
        this.#note({ event: 'refused', who: 'unknown', did: 'connect', on: 'the port for certificates', why, from });
      });
      return server;
    };
    return await this.#open(make, listener);
  }

  #take(broker: Aedes, socket: Socket): Duplex {
    socket.setNoDelay(true);
    const guarded = guardConnection(socket, maxPacketBytes, () => (this.#metrics.refused.size += 1));
    if (socket.remoteAddress !== undefined) this.#addresses.set(guarded, socket.remoteAddress);
    broker.handle(guarded);
    return guarded;
  }

  async #open<S extends Server>(make: () => S, { bind, port }: Listener): Promise<S> {
    let server: S;
    try {
      server = make();
    } catch (error) {
      throw new BridgeError('keyInvalid', `the TLS certificate or key is unusable: ${reasonOf(error)}`, {
        cause: error,
      });
    }
    server.maxConnections = maxConnections;
    // The TCP connections, which with TLS exist before the handshake.
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => {
        reject(
          new BridgeError('portTaken', `cannot listen for MQTT on ${bind} port ${port}: ${reasonOf(error)}`, {
            cause: error,
          }),
        );
      });
      server.listen(port, bind, resolve);
    });
    return server;
  }
}

function portOf(server: Server | null): number {
  const address = server?.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** MQTT 3.1.1 return codes: 3 server unavailable, 4 bad user name or password. */
function refusal(metrics: BridgeMetrics, returnCode: 3 | 4): AuthenticateError {
  metrics.refused.connect += 1;
  return Object.assign(new BridgeError('brokerRefused', 'login refused'), { returnCode });
}
