/**
 * A TCP proxy in front of the broker, to cut the uplink in the worst way: shortly before an outage everything the broker says
 * is swallowed, so that what the client sent has arrived but its acknowledgement has not; then connections die and new ones
 * are refused.
 *
 * Invariant: while swallowing, every byte from the client still reaches the broker and none comes back.
 */
import { connect, type Socket } from 'node:net';
import type { Random } from '../random.ts';
import { loopback, openGate, type Gate } from './gate.ts';

export type UplinkMode = 'up' | 'swallowing' | 'down';

export interface UplinkProxy {
  /** mqtt://127.0.0.1:PORT, or mqtts: TLS passes through. */
  readonly url: string;
  readonly swallowedBytes: number;
  setMode(mode: UplinkMode): void;
  stop(): Promise<void>;
}

export interface UplinkTarget {
  /** What the broker speaks; mqtt when it is not said. */
  readonly scheme?: 'mqtt' | 'mqtts';
  readonly host: string;
  readonly port: number;
}

/** Opens the proxy. Rejects with SIM-104 or SIM-105. A broker that cannot be reached closes the client's connection. */
export async function openUplinkProxy(target: UplinkTarget, port: number, random: Random): Promise<UplinkProxy> {
  let mode: UplinkMode = 'up';
  let swallowedBytes = 0;
  const upstreams = new Set<Socket>();

  const relay = (client: Socket): void => {
    const broker = connect({ host: target.host, port: target.port, noDelay: true });
    upstreams.add(broker);
    broker.on('error', () => broker.destroy());
    broker.on('close', () => {
      upstreams.delete(broker);
      // The broker's last words go out before the end, unless they are being swallowed.
      if (mode === 'up') client.end();
      else client.destroy();
    });
    client.on('close', () => broker.destroy());
    client.on('end', () => broker.end());
    client.on('data', (bytes: Uint8Array) => {
      if (!broker.write(bytes)) {
        client.pause();
        broker.once('drain', () => client.resume());
      }
    });
    broker.on('data', (bytes: Uint8Array) => {
      if (mode !== 'up') {
        swallowedBytes += bytes.length;
        return;
      }
      if (!client.write(bytes)) {
        broker.pause();
        client.once('drain', () => broker.resume());
      }
    });
  };

  const gate: Gate = await openGate(port, random, relay);
  return {
    url: `${target.scheme ?? 'mqtt'}://${loopback}:${gate.port}`,
    get swallowedBytes() {
      return swallowedBytes;
    },
    setMode(next) {
      if (next === mode) return;
      mode = next;
      gate.setOpen(next !== 'down');
    },
    async stop() {
      await gate.stop();
      for (const broker of upstreams) broker.destroy();
    },
  };
}
