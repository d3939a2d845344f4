/** What is wrong now, and what to do about it. */
import { AlertCard } from './alert-card.tsx';
import type { SessionView } from './client.ts';
import { waitsForAck, type Alert, type FloorState } from './floor-state.ts';
import { CheckIcon } from './icons.tsx';
import { FloodCard, LostCard } from './flood-card.tsx';
import { floorLinesOf, type FloorLine } from './flood-lines.ts';
import { IncidentCard } from './incident-card.tsx';
import { useLanguage } from './language.ts';
import type { Now } from './times.ts';

interface ListProps {
  readonly shown: readonly Alert[];
  readonly aside: readonly Alert[];
  readonly machines: FloorState['machines'];
  readonly session: SessionView;
  readonly now: Now;
  readonly machineName: (id: string) => string;
}

export function AlertList({ shown, aside, machines, session, now, machineName }: ListProps) {
  const { say, number } = useLanguage();
  const canAck = session.role !== 'viewer';
  const csrf = canAck ? session.csrf : null;
  const row = (alert: Alert) => (
    <li key={alert.occurrence}>
      <AlertCard alert={alert} csrf={csrf} now={now} name={machineName(alert.machine)} />
    </li>
  );
  const lines = floorLinesOf(shown, machines);
  const line = (one: FloorLine) => {
    if (one.kind === 'alert') return row(one.alert);
    if (one.kind === 'flood')
      return (
        <li key={`flood ${one.key}`}>
          <FloodCard line={one} csrf={csrf} now={now} machineName={machineName} />
        </li>
      );
    if (one.kind === 'lost')
      return (
        <li key={`lost ${one.endpoint}`}>
          <LostCard line={one} csrf={csrf} now={now} machineName={machineName} />
        </li>
      );
    const { incident, alerts } = one;
    const name = machineName(alerts[0].machine);
    return (
      <li key={`incident ${incident.id}`}>
        <IncidentCard incident={incident} alerts={alerts} csrf={csrf} now={now} name={name} />
      </li>
    );
  };
  return (
    <section id="alerts" aria-labelledby="alerts-title" tabIndex={-1}>
      <h2 id="alerts-title">
        {say('alerts.title')} <span class="count">{number(lines.length)}</span>
      </h2>
      {shown.length === 0 && (
        <p class={now.stale ? 'all-well unknown' : 'all-well'}>
          {now.stale ? (
            say('alerts.none-when-lost')
          ) : (
            <>
              <CheckIcon /> {say('alerts.none')}
            </>
          )}
        </p>
      )}
      <ol class="alerts">{lines.map(line)}</ol>
      {!canAck && shown.some(waitsForAck) && <p class="hint">{say('alerts.viewer')}</p>}
      {aside.length > 0 && (
        <details>
          <summary>{say('alerts.aside', { count: aside.length })}</summary>
          <ol class="alerts">{aside.map(row)}</ol>
        </details>
      )}
    </section>
  );
}
