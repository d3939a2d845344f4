/** What is wrong now, and what to do about it. */
import { AlertCard } from './alert-card.tsx';
import type { SessionView } from './client.ts';
import { waitsForAck, type Alert } from './floor-state.ts';
import { CheckIcon } from './icons.tsx';
import { IncidentCard } from './incident-card.tsx';
import { linesOf, type Line } from './incident-lines.ts';
import { useLanguage } from './language.ts';
import type { Now } from './times.ts';

interface ListProps {
  readonly shown: readonly Alert[];
  readonly aside: readonly Alert[];
  readonly session: SessionView;
  readonly now: Now;
  readonly machineName: (id: string) => string;
}

export function AlertList({ shown, aside, session, now, machineName }: ListProps) {
  const { say, number } = useLanguage();
  const canAck = session.role !== 'viewer';
  const csrf = canAck ? session.csrf : null;
  const row = (alert: Alert) => (
    <li key={alert.occurrence}>
      <AlertCard alert={alert} csrf={csrf} now={now} name={machineName(alert.machine)} />
    </li>
  );
  const lines = linesOf(shown);
  const line = (one: Line) => {
    if (one.kind === 'alert') return row(one.alert);
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
