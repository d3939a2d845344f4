/** What the page asks for, answered by the pipeline (the present) and the store (the past). */
import type { UplinkView } from './live.ts';
import type { PageSources, PageWrites } from './page/source.ts';
import type { Pipeline } from './pipeline-ports.ts';
import type { Store } from './store/open.ts';

export function pageSources(parts: {
  readonly pipeline: Pick<Pipeline, 'machinesView' | 'alertsView' | 'alertAction' | 'runbook'>;
  readonly store: Pick<Store, 'trend' | 'alerts' | 'summaries'>;
  readonly uplink: () => UplinkView;
  readonly health: () => object;
  readonly writes: PageWrites;
}): PageSources {
  const { pipeline, store, uplink, health, writes } = parts;
  return {
    writes,
    machines: () => pipeline.machinesView(),
    alerts: () => pipeline.alertsView(),
    uplink,
    health,
    trend: async (machine, signal, fromMs, toMs) => {
      const { points } = await store.trend({ machine, signal, fromMs, toMs });
      return {
        t: points.map((p) => p.atMs),
        v: points.map((p) => (typeof p.value === 'number' && p.quality === 'good' ? p.value : null)),
      };
    },
    alertHistory: async (filter, cursor) => {
      const page = await store.alerts({
        before: cursor,
        limit: filter.limit,
        ...(filter.machine === null ? {} : { machine: filter.machine }),
      });
      const { states } = filter;
      const items = page.items
        .filter((record) => states === null || states.includes(record.state))
        .map((record) => ({
          record,
          verified: record.transition !== 'unverified',
          // Of today's rules: advice on a past alert is for who meets it again.
          runbook: pipeline.runbook(record.machine, record.rule),
        }));
      return { items, next: page.next };
    },
    summaries: ({ machine, signal, fromMs, toMs, limit, cursor }) =>
      store.summaries({
        ...(machine === null ? {} : { machine }),
        ...(signal === null ? {} : { signal }),
        fromMs,
        toMs,
        limit,
        after: cursor,
      }),
    ack: async (occurrence, actor, comment) => {
      const { outcome, durable } = pipeline.alertAction(occurrence, { kind: 'ack', actor, comment });
      await durable;
      return outcome === 'done' ? 'acked' : outcome;
    },
  };
}
