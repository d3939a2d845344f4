/** The MQTT 3.1.1 broker inside the bridge: for one machine, with nothing to install. Gateways log in by id and password. */
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { Aedes, type AuthenticateError, type Client } from 'aedes';
import { BridgeError } from '../errors.ts';
import { maxUpBytes } from '../contract.ts';
import { reasonOf } from '../files.ts';
import type { BridgeMetrics } from '../metrics.ts';
import type { Gateway, Registry } from '../registry.ts';
import { mayPublish, maySubscribe } from './access.ts';
import { guardConnection } from './guard.ts';
import { gatewayTopics, type BrokerLink, type Incoming, type LinkState } from './link.ts';

/** The largest payload, its topic and the header around them. */
const maxPacketBytes = maxUpBytes + 512;
const maxConnections = 2048;
/** Logins in progress: each costs a thread of the pool some 40 ms, and connecting is free for a stranger. */
const maxLogins = 32;

export interface EmbeddedOptions {
  readonly bind: string;
  /** 0: any free port. */
  readonly port: number;
  readonly tls: { readonly cert: string; readonly key: string } | null;
}

export class EmbeddedBroker implements BrokerLink {
  readonly #options: EmbeddedOptions;
  readonly #registry: Pick<Registry, 'authenticate'>;
  readonly #metrics: BridgeMetrics;
  readonly #gateways = new WeakMap<Client, Gateway>();
  #broker: Aedes | null = null;
  #server: Server | null = null;
  #logins = 0;
  readonly #sockets = new Set<Socket>();

  constructor(options: EmbeddedOptions, registry: Pick<Registry, 'authenticate'>, metrics: BridgeMetrics) {
    this.#options = options;
    this.#registry = registry;
    this.#metrics = metrics;
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
        packet.clientId = `${packet.username ?? ''}/${packet.clientId}`;
        packet.clean = true;
        if (packet.will !== undefined && packet.will.payload.length > 4096) delete packet.will;
        done(null, !client.closed);
      },
      authenticate: (client, username, password, done) => {
        this.#login(client, username, password).then(
          (gateway) => {
            // 3, server unavailable: the gateway comes again soon; 4 would send a person after a password that is right.
            if (gateway === 'busy') done(refusal(this.#metrics, 3), false);
            else if (gateway === null) done(refusal(this.#metrics, 4), false);
            else done(null, true);
          },
          () => done(refusal(this.#metrics, 3), false),
        );
      },
      authorizePublish: (client, packet, done) => {
        const gateway = client === null ? undefined : this.#gateways.get(client);
        if (gateway === undefined || !mayPublish(gateway, packet.topic)) {
          this.#metrics.refused.publish += 1;
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
  }

  /** The port it listens on, once started. */
  get port(): number {
    const address = this.#server?.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
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
    const [server, broker] = [this.#server, this.#broker];
    this.#server = null;
    this.#broker = null;
    const closed = server === null ? null : new Promise<void>((resolve) => server.close(() => resolve()));
    if (broker !== null) await new Promise<void>((resolve) => broker.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #login(
    client: Client,
    username: string | undefined,
    password: Buffer | undefined,
  ): Promise<Gateway | 'busy' | null> {
    if (username === undefined || password === undefined) return null;
    if (this.#logins >= maxLogins) return 'busy';
    this.#logins += 1;
    try {
      const gateway = await this.#registry.authenticate(username, password);
      if (gateway !== null) this.#gateways.set(client, gateway);
      return gateway;
    } finally {
      this.#logins -= 1;
    }
  }

  async #listen(broker: Aedes): Promise<Server> {
    const { bind, port, tls } = this.#options;
    const onConnection = (socket: Socket) => {
      socket.setNoDelay(true);
      broker.handle(guardConnection(socket, maxPacketBytes, () => (this.#metrics.refused.size += 1)));
    };
    let server: Server;
    try {
      server =
        tls === null ? createServer(onConnection) : createTlsServer({ ...tls, minVersion: 'TLSv1.2' }, onConnection);
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

/** MQTT 3.1.1 return codes: 3 server unavailable, 4 bad user name or password. */
function refusal(metrics: BridgeMetrics, returnCode: 3 | 4): AuthenticateError {
  metrics.refused.connect += 1;
  return Object.assign(new BridgeError('brokerRefused', 'login refused'), { returnCode });
}
