/** Calls of the page's API by the views Floor, Machine and Health. */
import type { ListPage } from '../page/source.ts';
import type { Check } from '../doctor/report.ts';
import type { Today } from '../store/history.ts';
import type { Band, Stops, Timeline } from '../store/view-sums.ts';
import { ask } from './client.ts';
import type { Alert } from './floor-state.ts';

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

const query = ({ fromMs, toMs }: Span, more: Readonly<Record<string, string>> = {}): string =>
  new URLSearchParams({ from: String(Math.round(fromMs)), to: String(Math.round(toMs)), ...more }).toString();
const of = (machine: string): string => `/api/machines/${encodeURIComponent(machine)}`;

export const fetchToday = () => ask<Today>('/api/today');
export const fetchBand = (machine: string, signal: string, span: Span, points: number) =>
  ask<Band>(`${of(machine)}/band?${query(span, { signal, points: String(points) })}`);
export const fetchTimeline = (machine: string, span: Span) => ask<Timeline>(`${of(machine)}/timeline?${query(span)}`);
export const fetchStops = (machine: string, span: Span) => ask<Stops>(`${of(machine)}/stops?${query(span)}`);
/** Without a signal the seconds by state. */
export const csvPath = (machine: string, signal: string | null, span: Span): string =>
  `${of(machine)}/export.csv?${query(span, signal === null ? {} : { signal })}`;
export const fetchAlertsOf = (machine: string, cursor: string | null) =>
  ask<ListPage<Alert>>(
    `/api/alerts?${new URLSearchParams({ state: 'all', limit: '20', machine, ...(cursor === null ? {} : { cursor }) }).toString()}`,
  );
/** What it has is read through a shape by who shows it. */
export const fetchHealth = () => ask<unknown>('/api/health');
export const fetchDoctor = () => ask<ListPage<Check> & { readonly atMs: number }>('/api/doctor');
