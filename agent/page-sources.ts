/** What the page asks for, answered by the pipeline (the present) and the store (the past). */
import { defaultFourPointOptions } from '../models/vision/four-point.ts';
import { alertSources } from './alert-sources.ts';
import type { EyeConfig } from './config/config.ts';
import type { UplinkView } from './live.ts';
import type { PageCloth, PageRunbooks, PageSound, PageSources, PageViews, PageWrites } from './page/source.ts';
import type { FabricPort, Pipeline } from './pipeline-ports.ts';
import type { Store } from './store/open.ts';

/** Evidence is also windows of readings, which the page shows nobody. */
const isWebp = (bytes: Uint8Array): boolean =>
  Buffer.from(bytes.subarray(0, 4)).toString('latin1') === 'RIFF' &&
  Buffer.from(bytes.subarray(8, 12)).toString('latin1') === 'WEBP';

const noCloth: PageCloth = { view: () => null, teach: () => 'no-eye', cancel: async () => 'no-eye' };
const noSound: PageSound = {
  view: () => null,
  teach: () => 'no-ear',
  cancel: () => 'no-ear',
  label: async () => 'unknown-occurrence',
  takeBack: async () => 'unknown-occurrence',
};

export function pageSources(parts: {
  readonly pipeline: Pick<
    Pipeline,
    'machinesView' | 'alertsView' | 'alertAction' | 'acts' | 'runbook' | 'incident' | 'needles'
  > & {
    readonly fabric: Pick<FabricPort, 'rollBegin'>;
  };
  readonly store: Pick<
    Store,
    | 'trend'
    | 'alerts'
    | 'alertActs'
    | 'alertFigures'
    | 'occurrence'
    | 'occurrenceRecords'
    | 'summaries'
    | 'rolls'
    | 'rollFile'
    | 'readFile'
  >;
  /** Of machines with an eye: what was agreed about the score of their rolls. */
  readonly scores: ReadonlyMap<string, EyeConfig['score']>;
  readonly uplink: () => UplinkView;
  readonly health: () => object;
  readonly writes: PageWrites;
  /** null where no machine has an eye. */
  readonly cloth: PageCloth | null;
  /** null where no machine has an ear. */
  readonly sound: PageSound | null;
  readonly views: PageViews;
  /** DER; absent or null where the page has no authority of its own. */
  readonly authorityCertificate?: () => Uint8Array | null;
  readonly runbooks: PageRunbooks;
}): PageSources {
  const { pipeline, store, scores, uplink, health, writes } = parts;
  return {
    alertActs: alertSources({ pipeline, store }),
    writes,
    cloth: parts.cloth ?? noCloth,
    sound: parts.sound ?? noSound,
    views: parts.views,
    authorityCertificate: parts.authorityCertificate ?? (() => null),
    runbooks: parts.runbooks,
    needles: pipeline.needles,
    rolls: {
      list: async (machine) => (scores.has(machine) ? store.rolls({ machine }) : null),
      file: async (machine, id, format) => {
        const score = scores.get(machine);
        if (score === undefined) return null;
        const which = id === null ? { last: 1 } : { id };
        return store.rollFile({ machine, which, format, options: { ...defaultFourPointOptions, ...score } });
      },
      begin: async (machine, id) => {
        const { roll, durable } = pipeline.fabric.rollBegin(machine, id);
        await durable;
        return roll;
      },
    },
    crop: async (sha256) => {
      const bytes = await store.readFile(sha256);
      return bytes !== null && isWebp(bytes) ? bytes : null;
    },
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
      const shown = page.items.filter((record) => states === null || states.includes(record.state));
      const acts = await store.alertActs(shown.map(({ occurrence }) => occurrence));
      const items = shown.map((record) => ({
        record,
        verified: record.transition !== 'unverified',
        // Of today's rules: advice on a past alert is for who meets it again.
        runbook: pipeline.runbook(record.machine, record.rule),
        incident: pipeline.incident(record.occurrence),
        acts: acts[record.occurrence] ?? null,
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
