/** The load on a cluster: gateways that send at once. */
import type { TestContext } from 'node:test';
import { LoadGateway } from './cluster-gateway.ts';
import type { Cluster } from './cluster-rig.ts';

/**
 * Gateways with this many batches each; `reached(share)` resolves when that share of all batches was released. No batch beyond the share
 * `holdAt` is sent before `goOn()`: however fast the computer is, something is left for who comes late.
 */
export function load(count: number, batches: number, each: number, holdAt = 1) {
  let released = 0;
  let admitted = 0;
  const gate = Promise.withResolvers<void>();
  const admit = (signal: AbortSignal): Promise<void> => {
    admitted += 1;
    if (admitted <= holdAt * count * batches) return Promise.resolve();
    const ended = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(new TypeError('the load was not let go on')), { once: true });
    });
    return Promise.race([gate.promise, ended]);
  };
  const watchers = new Set<() => void>();
  const onStored = () => {
    released += 1;
    for (const watcher of watchers) watcher();
  };
  const gateways = Array.from(
    { length: count },
    (_, at) => new LoadGateway(`gw-${at + 1}`, batches, each, { onStored, admit }),
  );
  const reached = (share: number) =>
    new Promise<void>((resolve) => {
      const watcher = () => {
        if (released < share * count * batches) return;
        watchers.delete(watcher);
        resolve();
      };
      watchers.add(watcher);
      watcher();
    });
  return { gateways, reached, progress: () => released, goOn: gate.resolve };
}

/** All gateways at once, until everything is released. */
export const runAll = (t: TestContext, cluster: Cluster, gateways: readonly LoadGateway[]) => {
  const signal = AbortSignal.any([t.signal, AbortSignal.timeout(90_000)]);
  return Promise.all(
    gateways.map((one) => one.run(cluster.port, cluster.passwordOf(one), cluster.bridgePublicPem, signal)),
  );
};
