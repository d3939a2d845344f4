/** What is wrong now, and what to do about it. */
import { useRef } from 'preact/hooks';
import { AlertCard } from './alert-card.tsx';
import type { SessionView } from './client.ts';
import { waitsForAck, type Alert, type FloorState } from './floor-state.ts';
import { CheckIcon } from './icons.tsx';
import { FloodCard, LostCard, SetAside } from './flood-card.tsx';
import { floorLinesOf, lineName, type FloorLine } from './flood-lines.ts';
import { heldIn } from './held-lines.ts';
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
  const list = useRef<HTMLOListElement>(null);
  const shared = { csrf, now, machineName };
  const card = (alert: Alert) => <AlertCard alert={alert} csrf={csrf} now={now} name={machineName(alert.machine)} />;
  // What is on the screen now tells where somebody is at work: a line that changes its kind is drawn anew, and what is written in it is lost.
  const lines = floorLinesOf(shown, machines, heldIn(list.current));
  const shownOf = (line: FloorLine) => {
    if (line.kind === 'alert') return card(line.alert);
    if (line.kind === 'flood') return <FloodCard line={line} {...shared} />;
    if (line.kind === 'incident') {
      const { incident, alerts } = line;
      const name = machineName(alerts[0].machine);
      return <IncidentCard incident={incident} alerts={alerts} csrf={csrf} now={now} name={name} />;
    }
    if (line.isTogether) return <LostCard line={line} {...shared} />;
    // The card stands where that of a single alert does, so that it stays the same when something is set aside beneath it.
    const [lost] = line.alerts;
    return [lost === undefined ? null : card(lost), <SetAside key="aside" line={line} {...shared} />];
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
      <ol class="alerts" ref={list}>
        {lines.map((line) => (
          <li key={lineName(line)} data-line={lineName(line)}>
            {shownOf(line)}
          </li>
        ))}
      </ol>
      {!canAck && shown.some(waitsForAck) && <p class="hint">{say('alerts.viewer')}</p>}
      {aside.length > 0 && (
        <details>
          <summary>{say('alerts.aside', { count: aside.length })}</summary>
          <ol class="alerts">
            {aside.map((alert) => (
              <li key={alert.occurrence}>{card(alert)}</li>
            ))}
          </ol>
        </details>
      )}
    </section>
  );
}
