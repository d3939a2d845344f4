/** The fan-out of `bridge run`, when it was asked for. */
import { BridgeError } from '../errors.ts';
import type { FanOut } from '../fan-out/publisher.ts';
import { readText } from '../files.ts';
import type { Log } from '../log.ts';
import type { BridgeMetrics } from '../metrics.ts';
import { storeAddress, type StoreOptions } from './store.ts';

export interface FanOutOptions extends StoreOptions {
  readonly nats: readonly string[];
  readonly natsPasswordFile: string | null;
  readonly natsCaFile: string | null;
  readonly natsReplicas: number;
}

/** Null: not asked for. Rejects with BRG-101 or -105; a stream that is away is told and waited for. */
export async function openFanOut(
  options: FanOutOptions,
  metrics: BridgeMetrics,
  nowMs: () => number,
  log: Log,
): Promise<FanOut | null> {
  const { nats: urls, natsPasswordFile, natsCaFile, natsReplicas: replicas, acceptPlaintext } = options;
  if (urls.length === 0) {
    if (natsPasswordFile !== null || natsCaFile !== null)
      throw new BridgeError('usage', '--nats-password-file and --nats-ca belong to --nats');
    return null;
  }
  const address = await storeAddress(options);
  if (address === null) throw new BridgeError('usage', '--nats wants --store');
  const { NatsStream } = await import('../fan-out/nats.ts');
  const { FanOut } = await import('../fan-out/publisher.ts');
  const { PostgresOutgoing } = await import('../store/postgres/outgoing.ts');
  const { pgSessions } = await import('../store/postgres/sessions.ts');
  const password = natsPasswordFile === null ? null : readText(natsPasswordFile).trim();
  const ca = natsCaFile === null ? null : readText(natsCaFile);
  const report = (error: BridgeError) => log.error(error);
  return new FanOut({
    queue: new PostgresOutgoing(await pgSessions(address, 1, true)),
    stream: new NatsStream({ urls, password, ca, acceptPlaintext, replicas }, report),
    metrics,
    nowMs,
    report,
  });
}
