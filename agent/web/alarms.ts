/** Which alerts are worth a sound. Pure. */
import { waitsForAck, type Alert } from './floor-state.ts';

const isAlarm = (alert: Alert): boolean =>
  (alert.priority === 'urgent' || alert.priority === 'high') && waitsForAck(alert);

/** `before`: what was open at the last look; null at the first one, when nothing is news. */
export function alarmsIn(
  alerts: readonly Alert[],
  before: ReadonlySet<string> | null,
): { readonly fresh: readonly Alert[]; readonly open: ReadonlySet<string> } {
  const open = new Set(alerts.filter(isAlarm).map(({ occurrence }) => occurrence));
  const fresh = before === null ? [] : alerts.filter((alert) => isAlarm(alert) && !before.has(alert.occurrence));
  return { fresh, open };
}
