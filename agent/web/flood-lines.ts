/**
 * What is wrong as few lines: machines that are lost together as one, and a flood of one thing as one. Pure: no network, no browser. The states
 * of the alerts stay as they are; this is how they are shown.
 *
 * Invariants (test/unit/page/flood-lines.test.ts):
 *  L1  Every alert stands in exactly one line.
 *  L2  An urgent alert is never folded into a flood, nor set aside.
 *  L3  More than `mostAlike` alerts of one type and cause are one line, fewer are none.
 *  L4  Lines stand where the first of their alerts does.
 *  L5  What a person is at work in stays the line it is: an alert that stands alone is drawn into no other line, and a flood or machines
 *      that are lost together stay one line as long as one of their alerts is left.
 */
import type { MachineView } from '../live.ts';
import type { Alert } from './floor-state.ts';
import { linesOf, type Line } from './incident-lines.ts';

/** More alerts alike than this are a flood. */
export const mostAlike = 10;

export type FloorLine =
  | Line
  /** The most severe and newest first. */
  | { readonly kind: 'flood'; readonly key: string; readonly alerts: readonly [Alert, ...Alert[]] }
  | {
      readonly kind: 'lost';
      /** What the machines share, where they are several. */
      readonly endpoint: string;
      /** That they do not answer: one of each machine. */
      readonly alerts: readonly [Alert, ...Alert[]];
      /** Other alerts of these machines that are judged by readings, which nobody has now. */
      readonly aside: readonly Alert[];
      /** False: one machine, whose alert stands as if it were alone, with what is set aside beneath it. */
      readonly isTogether: boolean;
    };

/** Where people are at work: a form that is open, text that is not sent, the focus. */
export interface Held {
  /** Occurrences that stand as a line of their own. */
  readonly alone: ReadonlySet<string>;
  /** `lineName`s of the lines of several. */
  readonly lines: ReadonlySet<string>;
}
const nothingHeld: Held = { alone: new Set(), lines: new Set() };

/** What a line is called as long as it is the same line. */
export function lineName(line: FloorLine): string {
  switch (line.kind) {
    case 'alert':
      return aloneName(line.alert);
    case 'flood':
      return floodName(line.key);
    case 'incident':
      return `incident ${line.incident.id}`;
    case 'lost':
      return line.isTogether ? lostName(line.endpoint) : aloneName(line.alerts[0]);
  }
}
const aloneName = ({ occurrence }: Alert): string => `alert ${occurrence}`;
const floodName = (key: string): string => `flood ${key}`;
const lostName = (endpoint: string): string => `lost ${endpoint}`;
const alikeKey = ({ type, cause }: Alert): string => JSON.stringify([type, cause]);

const priorities: readonly Alert['priority'][] = ['urgent', 'high', 'medium', 'low'];
const rank = ({ priority }: Alert): number => priorities.indexOf(priority);

/** In the order of `alerts`. */
export function floorLinesOf(
  alerts: readonly Alert[],
  machines: readonly Pick<MachineView, 'id' | 'endpoint'>[],
  held: Held = nothingHeld,
): readonly FloorLine[] {
  const isOfHeldFlood = (alert: Alert): boolean => held.lines.has(floodName(alikeKey(alert)));
  const lost = lostLines(
    alerts.filter((alert) => !isOfHeldFlood(alert)),
    machines,
    held,
  );
  const ofLost = new Map(
    lost.flatMap((line) => [...line.alerts, ...line.aside].map((alert) => [alert, line] as const)),
  );
  const rest = alerts.filter((alert) => !ofLost.has(alert));
  const staysSingle = (alert: Alert): boolean => held.alone.has(alert.occurrence) || isOfHeldFlood(alert);
  const others: readonly Line[] = [
    ...linesOf(rest.filter((alert) => !staysSingle(alert))),
    ...rest.filter(staysSingle).map((alert) => ({ kind: 'alert', alert }) as const),
  ];
  const foldable = others.flatMap((line) =>
    line.kind === 'alert' && line.alert.priority !== 'urgent' && !held.alone.has(line.alert.occurrence)
      ? [line.alert]
      : [],
  );
  const alike = Map.groupBy(foldable, alikeKey);
  const lineOf = new Map<Alert, FloorLine>(ofLost);
  for (const line of others) {
    for (const alert of line.kind === 'alert' ? [line.alert] : line.alerts) lineOf.set(alert, line);
  }
  for (const [key, [...flood]] of alike) {
    if (flood.length <= mostAlike && !held.lines.has(floodName(key))) continue;
    const [first, ...more] = flood.sort((a, b) => rank(a) - rank(b) || b.onsetMs - a.onsetMs);
    if (first === undefined) continue;
    const line: FloorLine = { kind: 'flood', key, alerts: [first, ...more] };
    for (const alert of flood) lineOf.set(alert, line);
  }
  // A set keeps the order in which lines came first.
  return [...new Set(alerts.flatMap((alert) => lineOf.get(alert) ?? []))];
}

type LostLine = Extract<FloorLine, { kind: 'lost' }>;

/** Machines that do not answer, by what they share. One that is alone is such a line only where something of it is set aside. */
function lostLines(
  alerts: readonly Alert[],
  machines: readonly Pick<MachineView, 'id' | 'endpoint'>[],
  held: Held,
): readonly LostLine[] {
  const endpoints = new Map(machines.map(({ id, endpoint }) => [id, endpoint]));
  const silent = alerts.filter(
    ({ type, clearedMs, priority }) => type === 'offline' && clearedMs === null && priority !== 'urgent',
  );
  const shared = Map.groupBy(silent, ({ machine, occurrence }) => {
    const endpoint = held.alone.has(occurrence) ? null : endpoints.get(machine);
    return endpoint ?? `machine ${machine}`;
  });
  return [...shared].flatMap(([endpoint, [first, ...rest]]): LostLine[] => {
    if (first === undefined) return [];
    const gone = new Set([first, ...rest].map(({ machine }) => machine));
    const aside = alerts.filter(
      ({ machine, signal, priority, type, incident, occurrence }) =>
        gone.has(machine) &&
        signal !== null &&
        priority !== 'urgent' &&
        type !== 'offline' &&
        incident === null &&
        !held.alone.has(occurrence),
    );
    const isTogether = gone.size > 1 || held.lines.has(lostName(endpoint));
    if (!isTogether && aside.length === 0) return [];
    return [{ kind: 'lost', endpoint, alerts: [first, ...rest], aside, isTogether }];
  });
}
