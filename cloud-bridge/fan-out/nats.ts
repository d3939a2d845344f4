/** A stream of NATS JetStream. */
import { checkServerIdentity, type ConnectionOptions } from 'node:tls';
import { jetstream, jetstreamManager, type JetStreamClient, type JetStreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection, type TlsOptions } from '@nats-io/transport-node';
import { isLoopback } from '../broker/access.ts';
import { BridgeError } from '../errors.ts';
import { reasonOf } from '../files.ts';
import type { Stream } from './publisher.ts';

/** The certificate is to be for this host; without a `ca` from one of the authorities that this computer trusts. */
function tlsTo(host: string, ca: string | null): TlsOptions & Pick<ConnectionOptions, 'checkServerIdentity'> {
  return {
    ...(ca === null ? {} : { ca }),
    checkServerIdentity: (_name, certificate) => checkServerIdentity(host, certificate),
  };
}

export const streamName = 'SELVEDGE';
export const streamSubjects = 'selvedge.v1.>';
const minuteNs = 60_000_000_000;
/** Within it JetStream drops what comes again. */
const windowNs = 10 * minuteNs;
const keepNs = 30 * 24 * 60 * minuteNs;
const ackWithinMs = 5_000;

export interface NatsOptions {
  /** nats:// or tls://, of one cluster; the user stands in the first. */
  readonly urls: readonly string[];
  readonly password: string | null;
  readonly ca: string | null;
  readonly acceptPlaintext: boolean;
  /** Copies of each message, where the bridge makes the stream. */
  readonly replicas: number;
}

export class NatsStream implements Stream {
  readonly #options: NatsOptions;
  readonly #urls: readonly URL[];
  readonly #report: (error: BridgeError) => void;
  #connection: NatsConnection | null = null;
  #client: JetStreamClient | null = null;

  /** Throws BRG-101 for unusable URLs, BRG-105 where records would cross the network unencrypted. */
  constructor(options: NatsOptions, report: (error: BridgeError) => void) {
    const urls = options.urls.map((url) => (URL.canParse(url) ? new URL(url) : null));
    this.#urls = urls.map((url) => {
      if (url === null || !['nats:', 'tls:'].includes(url.protocol) || url.hostname === '') {
        throw new BridgeError(
          'usage',
          '--nats must be nats://user@host:port or tls://user@host:port, several by commas',
        );
      }
      if (url.password !== '') {
        throw new BridgeError('usage', 'a password in --nats can be seen by every user; use --nats-password-file');
      }
      if (url.protocol === 'nats:' && !isLoopback(url.hostname.replace(/^\[|\]$/g, '')) && !options.acceptPlaintext) {
        throw new BridgeError('plaintextBind', `the NATS server ${url.host} is on another machine, without TLS`);
      }
      return url;
    });
    this.#options = options;
    this.#report = report;
  }

  get maxBytes(): number {
    return this.#connection?.info?.max_payload ?? 1_048_576;
  }

  async ready(): Promise<void> {
    if (this.#client !== null && this.#connection?.isClosed() === false) return;
    this.#client = null;
    this.#connection = await this.#connect();
    await this.#prepare(await jetstreamManager(this.#connection, { timeout: ackWithinMs }));
    this.#client = jetstream(this.#connection, { timeout: ackWithinMs });
  }

  async publish(subject: string, id: string, data: Buffer): Promise<boolean> {
    if (this.#client === null) throw new BridgeError('fanOutAway', 'not connected');
    try {
      const { duplicate } = await this.#client.publish(subject, data, { msgID: id, timeout: ackWithinMs });
      return duplicate;
    } catch (error) {
      // Whatever is wrong with this connection, another server may do.
      void this.#connection?.close().catch(() => undefined);
      throw new BridgeError('fanOutAway', reasonOf(error), { cause: error });
    }
  }

  async close(): Promise<void> {
    this.#client = null;
    await this.#connection?.close();
    this.#connection = null;
  }

  /** At the first server that answers; rejects with what the last one had against it. */
  async #connect(): Promise<NatsConnection> {
    const { password, ca } = this.#options;
    const user = decodeURIComponent(this.#urls[0]?.username ?? '');
    const isTls = this.#urls.some(({ protocol }) => protocol === 'tls:');
    let reason: unknown = null;
    for (const { host, hostname } of this.#urls) {
      try {
        return await connect({
          name: 'selvedge-bridge',
          // One at a time: the client tells the check of the certificate no address, only a name.
          servers: [host],
          ...(user === '' ? {} : { user, pass: password ?? '' }),
          ...(isTls ? { tls: tlsTo(hostname.replace(/^\[|\]$/g, ''), ca) } : {}),
          timeout: ackWithinMs,
          // Found again by the next `ready`, after the pauses of the publisher.
          reconnect: false,
          ignoreClusterUpdates: true,
        });
      } catch (error) {
        reason = error;
      }
    }
    throw reason;
  }

  async #prepare(manager: JetStreamManager): Promise<void> {
    const found = await manager.streams.list().next();
    const known = found.find(({ config }) => config.name === streamName);
    if (known === undefined) {
      await manager.streams.add({
        name: streamName,
        subjects: [streamSubjects],
        duplicate_window: windowNs,
        max_age: keepNs,
        num_replicas: this.#options.replicas,
      });
      return;
    }
    if (known.config.duplicate_window < windowNs) {
      const detail = `${streamName} has ${known.config.duplicate_window / 1e9} s`;
      this.#report(new BridgeError('fanOutWindow', detail));
    }
  }
}
