/**
 * A shift as the page tells it, out of what the store added up and the machines there are; and the same as a table (CSV). Pure.
 *
 * Invariants (test/unit/page/shift.test.ts):
 *  P1  Every machine of the configuration is there; of one of which nothing is told, the whole time is unknown.
 *  P2  A rate of defects needs metres that were looked at: without them it is null.
 */
import type { MachineView } from '../live.ts';
import { cell } from '../store/view-tables.ts';
import type { ShiftStop } from '../store/shift-sums.ts';
import type { SecondsByState } from '../store/view-sums.ts';
import type { NamedShift } from '../time/shift-around.ts';
import { siteZone } from '../time/zone.ts';
import type { ShiftSummed } from './source.ts';

export interface MachineShiftView {
  readonly machine: string;
  /** UNKNOWN among them. */
  readonly seconds: SecondsByState;
  /** Of the seconds UNKNOWN those in hours that are kept as a whole and belong to this shift in part. */
  readonly cutS: number;
  readonly stops: readonly ShiftStop[];
  readonly counters: readonly {
    readonly signal: string;
    /** Empty where the machine is not in the configuration any more. */
    readonly unit: string;
    readonly delta: number;
    readonly uncertainty: number;
  }[];
  /** null: no eye looks at it. */
  readonly defects: {
    /** null: too much happened to count. */
    readonly found: number | null;
    readonly metres: number | null;
    readonly per100m: number | null;
  } | null;
}
export interface ShiftView {
  readonly shift: NamedShift;
  readonly previous: NamedShift | null;
  /** null: it has not begun, or there is none. */
  readonly next: NamedShift | null;
  /** What is told goes up to here: the end of the shift, or now. */
  readonly toldToMs: number;
  readonly isWhole: boolean;
  readonly machines: readonly MachineShiftView[];
}

type Known = Pick<MachineView, 'id' | 'hasEye' | 'signals'>;

export function shiftView({ shift, previous, next, nowMs, sums }: ShiftSummed, machines: readonly Known[]): ShiftView {
  const toldToMs = Math.max(shift.fromMs, Math.min(shift.toMs, nowMs));
  const told = new Map(sums.machines.map((one) => [one.machine, one]));
  const known = new Map(machines.map((one) => [one.id, one]));
  return {
    shift,
    previous,
    next: next !== null && next.fromMs <= nowMs ? next : null,
    toldToMs,
    isWhole: sums.isWhole,
    machines: [...new Set([...known.keys(), ...told.keys()])].map((machine) => {
      const one = told.get(machine);
      const unknownS = one?.unknownS ?? (toldToMs - shift.fromMs) / 1000;
      const cloth = one?.cloth ?? null;
      const metres = cloth?.metres ?? null;
      const found = sums.isCounted ? (cloth?.found ?? 0) : null;
      const per100m = found === null || metres === null ? null : (100 * found) / metres;
      const units = new Map(known.get(machine)?.signals.map(({ signal, unit }) => [signal, unit]));
      return {
        machine,
        seconds: { ...one?.seconds, ...(unknownS > 0 ? { UNKNOWN: unknownS } : {}) },
        cutS: one?.cutS ?? 0,
        stops: one?.stops ?? [],
        counters: (one?.counters ?? []).map((counter) => ({ ...counter, unit: units.get(counter.signal) ?? '' })),
        defects: cloth !== null || known.get(machine)?.hasEye === true ? { found, metres, per100m } : null,
      };
    }),
  };
}

const columns =
  'shift from_utc to_utc from_site to_site line machine name figure of value unit times uncertainty'.split(' ');
type Line = readonly [figure: string, of: string, value: number | null, unit: string, times?: number | null];

/** One line a figure: seconds by state and by stop, counters, defects, metres. The first line names the columns. */
export function shiftCsv(
  view: ShiftView,
  machines: readonly Pick<MachineView, 'id' | 'name' | 'line'>[],
  timeZone: string,
): string {
  const zone = siteZone(timeZone);
  const site = (atMs: number) => {
    const { date, minuteOfDay } = zone.toLocal(atMs);
    const two = (n: number) => String(n).padStart(2, '0');
    return `${date} ${two(Math.floor(minuteOfDay / 60))}:${two(minuteOfDay % 60)}`;
  };
  const { name, fromMs } = view.shift;
  const toMs = view.toldToMs;
  const head = [name ?? 'day', new Date(fromMs).toISOString(), new Date(toMs).toISOString(), site(fromMs), site(toMs)];
  const known = new Map(machines.map((one) => [one.id, one]));
  const text = (cells: readonly (string | number | null)[]) => `${cells.map(cell).join(',')}\r\n`;
  const lines = view.machines.flatMap(({ machine, seconds, cutS, stops, counters, defects }) => {
    const who = [...head, known.get(machine)?.line ?? '', machine, known.get(machine)?.name ?? ''];
    const figures: readonly Line[] = [
      ...Object.entries(seconds).map(([state, s]): Line => ['state', state, s, 's']),
      ...(cutS > 0 ? ([['state', 'UNKNOWN, of it in hours kept whole', cutS, 's']] satisfies readonly Line[]) : []),
      ...stops.map(({ cause, seconds: s, times }): Line => ['stop', cause ?? 'not told', s, 's', times]),
      ...(defects === null
        ? []
        : ([
            ['defects', 'found', defects.found, ''],
            ['defects', 'metres', defects.metres, 'm'],
            ['defects', 'per 100 m', defects.per100m, ''],
          ] satisfies readonly Line[])),
    ];
    return [
      ...figures.map(([figure, of, value, unit, times]) =>
        text([...who, figure, of, value, unit, times ?? null, null]),
      ),
      ...counters.map(({ signal, delta, unit, uncertainty }) =>
        text([...who, 'counter', signal, delta, unit, null, uncertainty]),
      ),
    ];
  });
  return [text(columns), ...lines].join('');
}
