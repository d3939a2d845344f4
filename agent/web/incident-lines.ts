/** Alerts that are about one needle, as one line. Pure: no network, no browser. */
import type { Alert } from './floor-state.ts';
import type { Language } from './speech.ts';

export type Incident = NonNullable<Alert['incident']>;

/** A line of what is wrong: one alert, or an incident with those of its alerts that are open. */
export type Line =
  | { readonly kind: 'alert'; readonly alert: Alert }
  | { readonly kind: 'incident'; readonly incident: Incident; readonly alerts: readonly [Alert, ...Alert[]] };

/** In the order of `alerts`; an incident stands where its first alert does. One of a single alert is that alert. */
export function linesOf(alerts: readonly Alert[]): readonly Line[] {
  const isShared = ({ incident }: Alert): boolean => incident !== null && incident.occurrences.length > 1;
  const byIncident = Map.groupBy(alerts.filter(isShared), ({ incident }) => incident?.id);
  return alerts.flatMap((alert): readonly Line[] => {
    const { incident } = alert;
    if (incident === null || !isShared(alert)) return [{ kind: 'alert', alert }];
    const [first, ...others] = byIncident.get(incident.id) ?? [];
    return first === alert ? [{ kind: 'incident', incident, alerts: [first, ...others] }] : [];
  });
}

/** What to do, in words. */
export function changeWord({ needle, k }: Pick<Incident, 'needle' | 'k'>, { say, plain }: Language): string {
  if (needle === null) return say('alerts.incident.several');
  return k === null || k === 0
    ? say('alerts.incident.change', { needle: plain(needle) })
    : say('alerts.incident.change-about', { needle: plain(needle), k: plain(k) });
}

/** Why it is believed. */
export function agreeWord({ senses }: Pick<Incident, 'senses'>, { say }: Language): string {
  if (senses.length > 1) return say('alerts.incident.agree');
  return say(senses[0] === 'ear' ? 'alerts.incident.ear' : 'alerts.incident.eye');
}
