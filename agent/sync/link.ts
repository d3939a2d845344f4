/**
 * One MQTT connection, from connect to close. It never reconnects and keeps nothing for later: the client library's own queue
 * loses and reorders, so what was not delivered is sent again from the outbox by the next connection.
 */
import { isIP } from 'node:net';
import { connect, type IClientOptions, type MqttClient } from 'mqtt';
import { AgentError } from '../errors.ts';

export interface LinkOptions {
  readonly url: string;
  readonly gateway: string;
  readonly password: string | null;
  /** PEM of the certificate authority; null: those of Node. */
  readonly ca: string | null;
  /** PEM of the gateway's certificate and its key; null: it logs in by password, or not at all. */
  readonly certificate: { readonly cert: string; readonly key: string } | null;
  readonly keepaliveS: number;
  readonly connectTimeoutMs: number;
  /** Published by the broker when the connection breaks; retained. */
  readonly will: { readonly topic: string; readonly payload: string };
  readonly subscribeTo: readonly string[];
}
export interface LinkHandlers {
  /** Connected and subscribed. */
  readonly onReady: () => void;
  readonly onMessage: (topic: string, payload: Buffer) => void;
  /** Called once, and nothing after it. `refused`: the broker turned the login down. */
  readonly onClosed: (closed: { readonly reason: string; readonly refused: boolean }) => void;
}
export interface Link {
  /** Calls `done` when the broker has it, not when the bridge has it. Lost without a word when the connection breaks. */
  publish(topic: string, payload: string | Buffer, retain: boolean, done?: () => void): void;
  /** Breaks the connection; `onClosed` follows. The broker publishes the will. */
  drop(reason: string): void;
  /** Says goodbye after what is under way, within `withinMs`; the will is not published then. */
  end(withinMs: number): Promise<void>;
}

/**
 * Checks the address before anything is sent.
 * @throws AgentError `uplinkUrlInvalid`, or `uplinkPlaintext` for mqtt:// to another machine.
 */
export function checkUplinkUrl(text: string): void {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !['mqtt:', 'mqtts:'].includes(url.protocol) || url.hostname === '') {
    throw new AgentError('uplinkUrlInvalid', 'the uplink address is not mqtt://host:port or mqtts://host:port');
  }
  if (url.username !== '' || url.password !== '') {
    throw new AgentError('uplinkUrlInvalid', 'the uplink address has credentials in it');
  }
  if (url.protocol === 'mqtt:' && !isLoopback(url.hostname)) {
    throw new AgentError('uplinkPlaintext', `mqtt://${url.host} is not this machine`);
  }
}

/** Starts connecting at once. */
export function openLink(options: LinkOptions, handlers: LinkHandlers): Link {
  const { url, gateway, password, ca, certificate } = options;
  const settings: IClientOptions = {
    protocolVersion: 4,
    clean: true,
    clientId: gateway,
    username: gateway,
    ...(password === null ? {} : { password }),
    ...(ca === null ? {} : { ca }),
    ...(certificate === null || !url.startsWith('mqtts:') ? {} : certificate),
    ...(url.startsWith('mqtts:') ? { minVersion: 'TLSv1.2' } : {}),
    rejectUnauthorized: true,
    keepalive: options.keepaliveS,
    connectTimeout: options.connectTimeoutMs,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    // Else the library makes a Buffer for each of the 65,536 numbers a packet may have, and keeps them: 14 MB of heap.
    writeCache: false,
    will: { topic: options.will.topic, payload: Buffer.from(options.will.payload), qos: 1, retain: true },
  };
  const client = connect(url, settings);
  let reason: string | null = null;
  let refused = false;
  let closed = false;
  let ending = false;
  const close = () => {
    if (closed) return;
    closed = true;
    // Ends the library's timers and forgets whatever it still holds.
    client.end(true);
    if (!ending) handlers.onClosed({ reason: reason ?? 'connection-lost', refused });
  };
  client.on('connect', () => {
    client.subscribe([...options.subscribeTo], { qos: 1 }, (error, granted) => {
      if (closed) return;
      if (error !== null || (granted ?? []).some(({ qos }) => qos > 2)) {
        reason ??= 'subscription-refused';
        refused = true;
        close();
        return;
      }
      handlers.onReady();
    });
  });
  client.on('message', (topic, payload) => {
    if (!closed) handlers.onMessage(topic, payload);
  });
  client.on('error', (error) => {
    const known = reasonOf(error);
    reason ??= known.reason;
    refused ||= known.refused;
    close();
  });
  client.on('close', close);
  return {
    publish: (topic, payload, retain, done) => {
      if (closed) return;
      client.publish(topic, payload, { qos: 1, retain }, (error) => {
        if (!closed && (error === undefined || error === null)) done?.();
      });
    },
    drop: (why) => {
      reason ??= why;
      close();
    },
    end: (withinMs) => {
      ending = true;
      return endClient(client, withinMs).finally(close);
    },
  };
}

function endClient(client: MqttClient, withinMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, withinMs);
    client.end(false, () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '');
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** What went wrong, in the words of the page. Only refusals need a person; everything else is tried again. */
function reasonOf(error: Error): { readonly reason: string; readonly refused: boolean } {
  const code = 'code' in error ? error.code : undefined;
  // Return codes of CONNACK, MQTT 3.1.1 §3.2.2.3.
  if (code === 4 || code === 5) return { reason: 'refused: not authorised', refused: true };
  if (code === 2) return { reason: 'refused: client id', refused: true };
  if (code === 3) return { reason: 'broker-unavailable', refused: false };
  if (typeof code !== 'string')
    return { reason: /timeout/i.test(error.message) ? 'timeout' : 'connection-lost', refused: false };
  if (/^ERR_SSL_.*ALERT/.test(code)) return { reason: `refused: certificate of this gateway (${code})`, refused: true };
  if (/^(CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|ERR_TLS|ERR_SSL|HOSTNAME_MISMATCH)/.test(code)) {
    return { reason: `refused: certificate of the broker (${code})`, refused: true };
  }
  return { reason: networkReasons[code] ?? 'connection-lost', refused: false };
}

const networkReasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection-refused',
  ENOTFOUND: 'unknown-host',
  EAI_AGAIN: 'unknown-host',
  ETIMEDOUT: 'timeout',
  EHOSTUNREACH: 'host-unreachable',
  ENETUNREACH: 'host-unreachable',
};
