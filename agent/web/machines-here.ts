/** The machines as they are now, for what lies deep in the page and asks seldom. */
import { createContext } from 'preact';
import { useMemo } from 'preact/hooks';
import type { MachineView } from '../live.ts';

export const MachinesHere = createContext<readonly MachineView[]>([]);

/** Line and station of a machine in words, '' where it has neither. */
export const placeOf = ({ line, station }: Pick<MachineView, 'line' | 'station'>): string =>
  [line, station].filter((part) => part !== null).join(' · ');

/** Where each machine stands, by its id. The same map until one moves: what reads it is not drawn again each second. */
export const MachinePlaces = createContext<ReadonlyMap<string, string>>(new Map());

export function usePlaces(machines: readonly MachineView[]): ReadonlyMap<string, string> {
  const mark = JSON.stringify(machines.map(({ id, line, station }) => [id, line, station]));
  return useMemo(() => new Map(machines.map((machine) => [machine.id, placeOf(machine)])), [mark]);
}
