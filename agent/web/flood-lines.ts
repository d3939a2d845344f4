/**
 * What is wrong as few lines: machines that are lost together as one, and a flood of one thing as one. Pure: no network, no browser. The states
 * of the alerts stay as they are; this is how they are shown.
 *
 * Invariants (test/unit/page/flood-lines.test.ts):
 *  L1  Every alert stands in exactly one line.
 *  L2  An urgent alert is never folded into a flood, nor set aside.
 *  L3  More than `mostAlike` alerts of one type and cause are one line, fewer are none.
 *  L4  Lines stand where the first of their alerts does.
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
    };

const priorities: readonly Alert['priority'][] = ['urgent', 'high', 'medium', 'low'];
const rank = ({ priority }: Alert): number => priorities.indexOf(priority);

/** In the order of `alerts`. */
export function floorLinesOf(
  alerts: readonly Alert[],
  machines: readonly Pick<MachineView, 'id' | 'endpoint'>[],
): readonly FloorLine[] {
  const lost = lostLines(alerts, machines);
  const ofLost = new Map(
    lost.flatMap((line) => [...line.alerts, ...line.aside].map((alert) => [alert, line] as const)),
  );
  const others = linesOf(alerts.filter((alert) => !ofLost.has(alert)));
  const alone = others.flatMap((line) =>
    line.kind === 'alert' && line.alert.priority !== 'urgent' ? [line.alert] : [],
  );
  const alike = Map.groupBy(alone, ({ type, cause }) => JSON.stringify([type, cause]));
  const lineOf = new Map<Alert, FloorLine>(ofLost);
  for (const line of others) {
    for (const alert of line.kind === 'alert' ? [line.alert] : line.alerts) lineOf.set(alert, line);
  }
  for (const [key, [...flood]] of alike) {
    if (flood.length <= mostAlike) continue;
    const [first, ...rest] = flood.sort((a, b) => rank(a) - rank(b) || b.onsetMs - a.onsetMs);
    if (first === undefined) continue;
    const line: FloorLine = { kind: 'flood', key, alerts: [first, ...rest] };
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
): readonly LostLine[] {
  const endpoints = new Map(machines.map(({ id, endpoint }) => [id, endpoint]));
  const silent = alerts.filter(
    ({ type, clearedMs, priority }) => type === 'offline' && clearedMs === null && priority !== 'urgent',
  );
  const shared = Map.groupBy(silent, ({ machine }) => endpoints.get(machine) ?? `machine ${machine}`);
  return [...shared].flatMap(([endpoint, [first, ...rest]]): LostLine[] => {
    if (first === undefined) return [];
    const gone = new Set([first, ...rest].map(({ machine }) => machine));
    const aside = alerts.filter(
      ({ machine, signal, priority, type, incident }) =>
        gone.has(machine) && signal !== null && priority !== 'urgent' && type !== 'offline' && incident === null,
    );
    if (gone.size < 2 && aside.length === 0) return [];
    return [{ kind: 'lost', endpoint, alerts: [first, ...rest], aside }];
  });
}
