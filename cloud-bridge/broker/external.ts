/** A broker somewhere else (mosquitto, EMQX …), as the user that alone may publish `ack` and `cmd`. */
import { randomBytes } from 'node:crypto';
import mqtt, { type MqttClient } from 'mqtt';
import { BridgeError } from '../errors.ts';
import { reasonOf } from '../files.ts';
import type { Log } from '../log.ts';
import { isLoopback } from './access.ts';
import { gatewayTopics, workerTopics, type BrokerLink, type Incoming, type LinkState } from './link.ts';

export interface ExternalOptions {
  /** mqtt:// or mqtts://, with the user and without the password. */
  readonly url: string;
  readonly password: string | null;
  readonly ca: string | null;
  /** Shown to a broker that asks for one. */
  readonly certificate: { readonly cert: string; readonly key: string } | null;
  readonly acceptPlaintext: boolean;
  /** One of several workers: it takes its share of the messages, for which the broker must speak MQTT 5. */
  readonly isWorker: boolean;
}

/** CONNACK and DISCONNECT codes of MQTT 3.1.1 (§3.2.2.3) and MQTT 5 (§3.2.2.2, §3.14.2.1). */
const refusals: ReadonlySet<unknown> = new Set([1, 4, 5, 0x84, 0x86, 0x87]);
const takenOver = 0x8e;
const shortMs = 5_000;
const manyShort = 3;

const connectTimeoutMs = 10_000;
const reconnectMs = 1_000;

export class ExternalBroker implements BrokerLink {
  readonly #options: ExternalOptions;
  readonly #url: URL;
  readonly #log: Log;
  #client: MqttClient | null = null;
  #subscribed = false;
  #reason = 'not connected yet';
  #subscribedMs: number | null = null;
  /** Connections in a row that were cut soon. */
  #short = 0;

  /** Throws BRG-101 for an unusable URL, BRG-105 for a password that would cross the network unencrypted. */
  constructor(options: ExternalOptions, log: Log) {
    const url = URL.canParse(options.url) ? new URL(options.url) : null;
    if (url === null || !['mqtt:', 'mqtts:'].includes(url.protocol) || url.hostname === '') {
      throw new BridgeError('usage', '--broker must be mqtt://user@host:port or mqtts://user@host:port');
    }
    if (url.password !== '') {
      throw new BridgeError('usage', 'a password in --broker can be seen by every user; use --broker-password-file');
    }
    if (url.protocol === 'mqtt:' && !isLoopback(url.hostname.replace(/^\[|\]$/g, '')) && !options.acceptPlaintext) {
      throw new BridgeError('plaintextBind', `the broker ${url.host} is on another machine, without TLS`);
    }
    this.#options = options;
    this.#url = url;
    this.#log = log;
  }

  /** Resolves once subscribed, or once the first attempt has failed: it then goes on trying. Rejects with BRG-113 when the broker refuses the bridge. */
  async start(onMessage: (message: Incoming) => void): Promise<void> {
    const { password, ca, certificate } = this.#options;
    const username = decodeURIComponent(this.#url.username);
    const client = mqtt.connect(this.#address, {
      protocolVersion: this.#options.isWorker ? 5 : 4,
      clean: true,
      // Process numbers repeat from one container to the next.
      clientId: `selvedge-bridge-${randomBytes(8).toString('hex')}`,
      ...(username === '' ? {} : { username }),
      ...(password === null ? {} : { password }),
      ...(ca === null ? {} : { ca }),
      ...(certificate === null || this.#url.protocol !== 'mqtts:' ? {} : certificate),
      connectTimeout: connectTimeoutMs,
      reconnectPeriod: reconnectMs,
      reconnectOnConnackError: true,
      queueQoSZero: false,
      // Subscribing is done below at every connect, where its outcome is seen.
      resubscribe: false,
    });
    this.#client = client;
    client.on('message', (topic, payload) => onMessage({ topic, payload }));
    await new Promise<void>((resolve, reject) => {
      client.on('connect', () => {
        this.#subscribe(client).then(resolve, (error: unknown) => {
          reject(
            error instanceof BridgeError ? error : new BridgeError('brokerRefused', reasonOf(error), { cause: error }),
          );
          // After the start nobody waits for that answer, and connected without a subscription the bridge would be deaf: it
          // hangs up, says so, and the client's next attempt subscribes again.
          this.#away(reasonOf(error));
          client.stream.destroy();
        });
      });
      client.on('error', (error) => {
        const code = 'code' in error ? error.code : null;
        // A version it does not speak, a bad user name or password, not authorised: at the start a mistake to be told.
        if (refusals.has(code))
          reject(new BridgeError('brokerRefused', `${this.#address}: ${error.message}`, { cause: error }));
        this.#away(reasonOf(error));
      });
      client.on('disconnect', ({ reasonCode }) => {
        if (reasonCode === takenOver) this.#collided('another client took the connection of this worker over');
      });
      client.on('close', () => {
        this.#countShort();
        this.#away('the connection was closed');
        resolve();
      });
    });
  }

  state(): LinkState {
    const connected = this.#client?.connected === true && this.#subscribed;
    return { connected, detail: connected ? this.#address : `${this.#address}: ${this.#reason}` };
  }

  async publish(topic: string, payload: Buffer): Promise<void> {
    const client = this.#client;
    // Not left to the client's own queue: the gateway sends again, and an old answer is of no use.
    if (client === null || !client.connected) throw new BridgeError('brokerUnreachable', 'the broker is away');
    await client.publishAsync(topic, payload, { qos: 1 });
  }

  async stop(): Promise<void> {
    const client = this.#client;
    this.#client = null;
    this.#subscribed = false;
    if (client !== null) await client.endAsync(!client.connected);
  }

  get #address(): string {
    return `${this.#url.protocol}//${this.#url.host}`;
  }

  async #subscribe(client: MqttClient): Promise<void> {
    const granted = await client.subscribeAsync(this.#options.isWorker ? workerTopics : gatewayTopics, { qos: 1 });
    const missing = granted.filter(({ qos }) => qos > 2).map(({ topic }) => topic);
    if (missing.length > 0) {
      throw new BridgeError(
        'brokerRefused',
        `${this.#address} does not let the bridge subscribe to ${missing.join(', ')}`,
      );
    }
    this.#subscribed = true;
    this.#subscribedMs = performance.now();
    this.#log.event('info', 'broker-connected', { broker: this.#address });
  }

  /** mosquitto 2.0 says nothing when it takes two clients for one: it shows in connections that last no time, one after another. */
  #countShort(): void {
    if (!this.#options.isWorker || this.#subscribedMs === null || this.#client === null) return;
    const lastedMs = performance.now() - this.#subscribedMs;
    this.#subscribedMs = null;
    this.#short = lastedMs < shortMs ? this.#short + 1 : 0;
    if (this.#short === manyShort)
      this.#collided(`${manyShort} connections in a row were cut within ${shortMs / 1000} s`);
  }

  #collided(detail: string): void {
    this.#log.error(new BridgeError('workersCollide', `${this.#address}: ${detail}`));
  }

  #away(reason: string): void {
    // Said once an outage.
    const wasConnected = this.#subscribed || this.#reason === 'not connected yet';
    this.#subscribed = false;
    if (wasConnected && this.#client !== null) {
      this.#reason = reason;
      this.#log.error(new BridgeError('brokerUnreachable', `${this.#address}: ${reason}`));
    }
  }
}
