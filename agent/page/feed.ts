/**
 * The live state as a numbered stream of changes with a bounded memory. Pure: `update` is given the present and says what
 * changed; nothing here knows sockets or timers.
 *
 *  F1  A snapshot followed by every later event gives the present, whatever happened between.
 *  F2  `since(id)` gives every event after `id` without a hole, or says that only a snapshot will do.
 *  F3  At most `capacity.events` events and about `capacity.bytes` bytes are remembered; the oldest go first.
 *  F4  Ids of another process start never match: `epoch` is random per start.
 */
import type { AlertView, MachineView, UplinkView } from '../live.ts';

export interface Floor {
  readonly machines: readonly MachineView[];
  readonly alerts: readonly AlertView[];
  readonly uplink: UplinkView;
}
export type FeedEventName = 'snapshot' | 'machine' | 'machine-gone' | 'alert' | 'alert-gone' | 'uplink';
export interface FeedEvent {
  readonly id: string;
  readonly event: FeedEventName;
  /** JSON. */
  readonly data: string;
}

/** An alert on the wire: its newest record with what staff need to act, in one flat object. */
export function flatAlert(view: AlertView): AlertView['record'] & Omit<AlertView, 'record'> {
  const { record, verified, runbook, incident, acts } = view;
  return { ...record, verified, runbook, incident, acts };
}

export interface Feed {
  /** Takes the present, remembers and returns what changed. */
  update(floor: Floor): readonly FeedEvent[];
  /** The same of alerts alone, which is quick however many machines there are. */
  updateAlerts(alerts: readonly AlertView[]): readonly FeedEvent[];
  /** Events after `lastId`, or null when a snapshot is needed. */
  since(lastId: string | null): readonly FeedEvent[] | null;
  /** The whole present, numbered like the last event. */
  snapshot(nowMs: number): FeedEvent;
  readonly remembered: number;
}

export function createFeed(epoch: string, capacity = { events: 2_000, bytes: 1_000_000 }): Feed {
  let seq = 0;
  let bytes = 0;
  const events: FeedEvent[] = [];
  const machines = new Map<string, string>();
  const alerts = new Map<string, string>();
  let uplink = 'null';

  const add = (fresh: FeedEvent[], event: FeedEventName, data: string): void => {
    seq += 1;
    const made = { id: `${epoch}-${seq}`, event, data };
    fresh.push(made);
    events.push(made);
    bytes += data.length;
  };
  const forget = (): void => {
    let drop = 0;
    while (drop < events.length && (events.length - drop > capacity.events || bytes > capacity.bytes)) {
      bytes -= events[drop]?.data.length ?? 0;
      drop += 1;
    }
    if (drop > 0) events.splice(0, drop);
  };
  const diff = (
    fresh: FeedEvent[],
    known: Map<string, string>,
    now: ReadonlyMap<string, string>,
    names: { readonly changed: FeedEventName; readonly gone: FeedEventName; readonly key: string },
  ): void => {
    for (const [id, data] of now) {
      if (known.get(id) === data) continue;
      known.set(id, data);
      add(fresh, names.changed, data);
    }
    for (const id of known.keys()) {
      if (now.has(id)) continue;
      known.delete(id);
      add(fresh, names.gone, JSON.stringify({ [names.key]: id }));
    }
  };

  const diffAlerts = (fresh: FeedEvent[], views: readonly AlertView[]): void => {
    const now = new Map(views.map((a) => [a.record.occurrence, JSON.stringify(flatAlert(a))]));
    diff(fresh, alerts, now, { changed: 'alert', gone: 'alert-gone', key: 'occurrence' });
  };

  return {
    updateAlerts(views) {
      const fresh: FeedEvent[] = [];
      diffAlerts(fresh, views);
      forget();
      return fresh;
    },
    update(floor) {
      const fresh: FeedEvent[] = [];
      // Alerts first: they are what somebody waits for.
      diffAlerts(fresh, floor.alerts);
      const machinesNow = new Map(floor.machines.map((m) => [m.id, JSON.stringify(m)]));
      diff(fresh, machines, machinesNow, { changed: 'machine', gone: 'machine-gone', key: 'id' });
      const uplinkNow = JSON.stringify(floor.uplink);
      if (uplinkNow !== uplink) {
        uplink = uplinkNow;
        add(fresh, 'uplink', uplinkNow);
      }
      forget();
      return fresh;
    },
    since(lastId) {
      const match = lastId === null ? null : /^(.{1,64})-(\d{1,15})$/.exec(lastId);
      if (match === null || match[1] !== epoch) return null;
      const last = Number(match[2]);
      if (last > seq) return null;
      const missed = seq - last;
      if (missed > events.length) return null;
      return missed === 0 ? [] : events.slice(-missed);
    },
    snapshot(nowMs) {
      const data = `{"nowMs":${Math.round(nowMs)},"machines":[${[...machines.values()].join(',')}],"alerts":[${[...alerts.values()].join(',')}],"uplink":${uplink}}`;
      return { id: `${epoch}-${seq}`, event: 'snapshot', data };
    },
    get remembered() {
      return events.length;
    },
  };
}
