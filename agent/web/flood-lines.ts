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
 *  L6  A card that a person is at work in within the line of lost machines stays in that line, whatever becomes of the machines; only where it
 *      becomes urgent L2 takes it out.
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
      /** As long as it is the same line. */
      readonly name: string;
      /** What the machines share, where they are several. */
      readonly endpoint: string;
      /** That they do not answer; empty where all answer again and somebody is at work in what was set aside. */
      readonly alerts: readonly Alert[];
      /** Other alerts of these machines that are judged by readings, which nobody has now. */
      readonly aside: readonly Alert[];
      /** False: one machine, whose alert stands as if it were alone, with what is set aside beneath it. */
      readonly isTogether: boolean;
    };

/** Where people are at work: a form that is open, text that is not sent, the focus. */
export interface Held {
  /** Occurrences that stand as a line of their own. */
  readonly alone: ReadonlySet<string>;
  /** `lineName` of a line of several → the occurrences of the cards in it at which somebody is at work; none: at the line as a whole. */
  readonly lines: ReadonlyMap<string, ReadonlySet<string>>;
}
const nothingHeld: Held = { alone: new Set(), lines: new Map() };

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
      return line.name;
  }
}
const aloneName = ({ occurrence }: Pick<Alert, 'occurrence'>): string => `alert ${occurrence}`;
const floodName = (key: string): string => `flood ${key}`;
const lostPrefix = 'lost ';
const lostName = (endpoint: string): string => `${lostPrefix}${endpoint}`;
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

/** The line of lost machines in which somebody is at work in the card of an alert, or that this alert is the head of. */
function heldLostLines({ lines }: Held): (alert: Alert) => string | undefined {
  const ofCard = new Map<string, string>();
  for (const [name, occurrences] of lines) {
    if (!name.startsWith(lostPrefix) && !name.startsWith(aloneName({ occurrence: '' }))) continue;
    for (const occurrence of occurrences) ofCard.set(occurrence, name);
  }
  return (alert) => ofCard.get(alert.occurrence) ?? (lines.has(aloneName(alert)) ? aloneName(alert) : undefined);
}

/** Machines that do not answer, by what they share. One that is alone is such a line only where something of it is set aside. */
function lostLines(
  alerts: readonly Alert[],
  machines: readonly Pick<MachineView, 'id' | 'endpoint'>[],
  held: Held,
): readonly LostLine[] {
  const endpoints = new Map(machines.map(({ id, endpoint }) => [id, endpoint]));
  const heldLine = heldLostLines(held);
  const isSilent = ({ type, clearedMs }: Alert): boolean => type === 'offline' && clearedMs === null;
  const calm = alerts.filter(({ priority }) => priority !== 'urgent');
  /** Alerts that make a line or are kept in one, by what it is called where the machines share something. */
  const groups = Map.groupBy(calm, (alert): string | null => {
    const name = heldLine(alert);
    if (name !== undefined) return name;
    if (!isSilent(alert)) return null;
    const endpoint = held.alone.has(alert.occurrence) ? null : (endpoints.get(alert.machine) ?? null);
    return endpoint === null ? aloneName(alert) : lostName(endpoint);
  });
  const taken = new Set<Alert>();
  return [...groups].flatMap(([key, members]): LostLine[] => {
    if (key === null) return [];
    const lost = members.filter(({ type }) => type === 'offline');
    const gone = new Set(lost.filter(isSilent).map(({ machine }) => machine));
    const isTogether = key.startsWith(lostPrefix) && (gone.size > 1 || held.lines.has(key));
    const isAside = (alert: Alert): boolean =>
      gone.has(alert.machine) &&
      alert.signal !== null &&
      alert.type !== 'offline' &&
      alert.incident === null &&
      !held.alone.has(alert.occurrence) &&
      !taken.has(alert) &&
      heldLine(alert) === undefined;
    const aside = calm.filter((alert) => isAside(alert) || (alert.type !== 'offline' && members.includes(alert)));
    if (!isTogether && aside.length === 0) return [];
    for (const alert of aside) taken.add(alert);
    const [first] = lost;
    const isShared = key.startsWith(lostPrefix);
    const of = first ?? aside[0];
    const endpoint = isShared ? key.slice(lostPrefix.length) : (endpoints.get(of?.machine ?? '') ?? '');
    // A machine alone has one card at the head of its line; more of it stand by themselves.
    const shown = isTogether || first === undefined ? lost : [first];
    const name = isTogether || !isShared || first === undefined ? key : aloneName(first);
    return [{ kind: 'lost', name, endpoint, alerts: shown, aside, isTogether }];
  });
}
