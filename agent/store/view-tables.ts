/**
 * Minutes as lines of a table (CSV, RFC 4180), for spreadsheets and programs. Pure.
 *
 * Invariants (test/unit/store/view-tables.test.ts):
 *  V4  A cell that would be a formula to a spreadsheet is text.
 */
import type { MachineState } from '../../cloud-bridge/contract.ts';
import { siteZone } from '../time/zone.ts';
import type { SignalRow, StateRow } from './packing.ts';

/** A cell of a table. Text that a spreadsheet would take for a formula is marked as text. */
export function cell(value: string | number | null): string {
  if (value === null) return '';
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : '';
  const text = /^[=+\-@\t\r\n]/.test(value) ? `'${value}` : value;
  return /[",\r\n;]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
const lineOf = (cells: readonly (string | number | null)[]): string => `${cells.map(cell).join(',')}\r\n`;

const states: readonly MachineState[] = [
  'RUN',
  'IDLE',
  'STOP_MATERIAL',
  'FAULT',
  'SETUP',
  'MAINTENANCE',
  'OFFLINE',
  'UNKNOWN',
];
/** What each column of a table holds; the first line of it. */
export const signalHead = lineOf(
  'time_utc time_site signal unit mean min max last samples good covered_s counter_steps counter_steps_uncertain'.split(
    ' ',
  ),
);
export const stateHead = lineOf([
  'time_utc',
  'time_site',
  ...states.map((state) => `${state.toLowerCase()}_s`),
  'causes',
]);

function timesOf(timeZone: string): (atMs: number) => readonly [utc: string, site: string] {
  const zone = siteZone(timeZone);
  const two = (n: number) => String(n).padStart(2, '0');
  return (atMs) => {
    const { date, minuteOfDay } = zone.toLocal(atMs);
    return [new Date(atMs).toISOString(), `${date} ${two(Math.floor(minuteOfDay / 60))}:${two(minuteOfDay % 60)}`];
  };
}

/** Lines of a table of one signal's minutes. */
export function signalLines(rows: readonly SignalRow[], unit: string, timeZone: string): string {
  const times = timesOf(timeZone);
  return rows
    .map((row) => {
      const mean = row.coveredS > 0 ? row.integral / row.coveredS : row.good > 0 ? row.sum / row.good : null;
      return lineOf([
        ...times(row.minuteMs),
        row.signal,
        unit,
        mean,
        row.min,
        row.max,
        row.last,
        row.samples,
        row.good,
        row.coveredS,
        row.delta,
        row.uncertainty,
      ]);
    })
    .join('');
}

/** Lines of a table of the seconds by state of minutes. */
export function stateLines(rows: readonly StateRow[], timeZone: string): string {
  const times = timesOf(timeZone);
  return rows
    .map((row) => {
      const seconds = JSON.parse(row.seconds) as Record<string, number>;
      const causes = Object.entries(JSON.parse(row.causes) as Record<string, number>).map(
        ([cause, s]) => `${cause} ${s} s`,
      );
      return lineOf([...times(row.minuteMs), ...states.map((state) => seconds[state] ?? 0), causes.join(' | ')]);
    })
    .join('');
}
