/** What the page knows of the floor, kept up to date by the events of the stream. Pure: no network, no browser. */
import type { AlertRecord } from '../../cloud-bridge/contract.ts';
import type { AlertView, MachineView, UplinkView } from '../live.ts';

export type Alert = AlertRecord & Omit<AlertView, 'record'>;

export interface FloorState {
  /** In the order of the configuration. */
  readonly machines: readonly MachineView[];
  readonly alerts: readonly Alert[];
  readonly uplink: UplinkView | null;
  /** Id of the last event that is in this state; null before the first snapshot. */
  readonly lastId: string | null;
}

export const emptyFloor: FloorState = { machines: [], alerts: [], uplink: null, lastId: null };

/** Adds or replaces by `key`, keeping the order. */
function put<T>(list: readonly T[], item: T, key: (item: T) => string): readonly T[] {
  const at = list.findIndex((known) => key(known) === key(item));
  return at < 0 ? [...list, item] : list.with(at, item);
}
const idOf = (machine: MachineView) => machine.id;
const occurrenceOf = (alert: Alert) => alert.occurrence;

/** The state after one event. The data come from our own server and have the form its table promises. */
export function apply(state: FloorState, event: string, data: unknown, id: string): FloorState {
  const lastId = id === '' ? state.lastId : id;
  switch (event) {
    case 'snapshot': {
      const { machines, alerts, uplink } = data as Pick<FloorState, 'machines' | 'alerts' | 'uplink'>;
      return { machines, alerts, uplink, lastId };
    }
    case 'machine':
      return { ...state, machines: put(state.machines, data as MachineView, idOf), lastId };
    case 'machine-gone': {
      const gone = (data as { readonly id: string }).id;
      return { ...state, machines: state.machines.filter((machine) => machine.id !== gone), lastId };
    }
    case 'alert':
      return { ...state, alerts: put(state.alerts, data as Alert, occurrenceOf), lastId };
    case 'alert-gone': {
      const gone = (data as { readonly occurrence: string }).occurrence;
      return { ...state, alerts: state.alerts.filter((alert) => alert.occurrence !== gone), lastId };
    }
    case 'uplink':
      return { ...state, uplink: data as UplinkView, lastId };
    default:
      return state;
  }
}

const priorities: readonly Alert['priority'][] = ['urgent', 'high', 'medium', 'low'];
/** True when somebody is expected to acknowledge it. */
export const waitsForAck = (alert: Alert): boolean =>
  alert.state === 'active-unacked' || alert.state === 'returned-unacked' || alert.state === 'latched';

/** True for what is out of sight by a person's or the design's decision. */
const isSetAside = (alert: Alert): boolean =>
  alert.state === 'shelved' || alert.state === 'suppressed-by-design' || alert.state === 'out-of-service';

/** What is wrong now, most urgent first: not yet acknowledged before acknowledged, then priority, then longest standing. */
export function sortedAlerts(alerts: readonly Alert[]): {
  readonly shown: readonly Alert[];
  readonly aside: readonly Alert[];
} {
  const rank = (alert: Alert) => (waitsForAck(alert) ? 0 : 10) + priorities.indexOf(alert.priority);
  const order = (a: Alert, b: Alert) => rank(a) - rank(b) || a.onsetMs - b.onsetMs;
  const open = alerts.filter((alert) => alert.state !== 'normal');
  return {
    shown: open.filter((alert) => !isSetAside(alert)).sort(order),
    aside: open.filter(isSetAside).sort(order),
  };
}
