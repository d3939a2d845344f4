/** What the page asks for, answered by the pipeline (the present) and the store (the past). */
import type { UplinkView } from './live.ts';
import type { PageSources } from './page/source.ts';
import type { Pipeline } from './pipeline-ports.ts';
import type { Store } from './store/open.ts';

const summariesPage = 5000;

export function pageSources(parts: {
  readonly pipeline: Pipeline;
  readonly store: Store;
  readonly uplink: () => UplinkView;
  readonly health: () => object;
}): PageSources {
  const { pipeline, store, uplink, health } = parts;
  return {
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
        .map((record) => ({ record, verified: record.transition !== 'unverified', runbook: null }));
      return { items, next: page.next };
    },
    summaries: async ({ machine, signal, fromMs, toMs, limit, cursor }) => {
      const machines = machine === null ? pipeline.machinesView().map((m) => m.id) : [machine];
      const lists = await Promise.all(
        machines.map((id) =>
          store.summaries({ machine: id, ...(signal === null ? {} : { signal }), fromMs, toMs: toMs - 1 }),
        ),
      );
      const states =
        signal === null
          ? await store.stateSummaries({ fromMs, toMs: toMs - 1, ...(machine === null ? {} : { machine }) })
          : [];
      const all = [...lists.flat(), ...states].slice(0, summariesPage);
      const from = cursor === null ? 0 : Number.parseInt(cursor, 10) || 0;
      const next = from + limit < all.length ? String(from + limit) : null;
      return { items: all.slice(from, from + limit), next };
    },
    ack: async (occurrence, actor, comment) => {
      const { outcome, durable } = pipeline.alertAction(occurrence, { kind: 'ack', actor, comment });
      await durable;
      return outcome === 'done' ? 'acked' : outcome;
    },
  };
}
