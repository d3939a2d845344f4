/** Many alerts as one line, which opens to the single ones: a flood of one thing, or machines that are lost together. */
import { AckForm, AlertCard, AlertHead } from './alert-card.tsx';
import { alertTitle } from './alert-title.ts';
import { waitsForAck, type Alert } from './floor-state.ts';
import type { FloorLine } from './flood-lines.ts';
import { useLanguage } from './language.ts';
import type { Now } from './times.ts';

interface Shared {
  /** null: this person only looks. */
  readonly csrf: string | null;
  readonly now: Now;
  readonly machineName: (id: string) => string;
}
type Of<K extends FloorLine['kind']> = Extract<FloorLine, { kind: K }>;

const sinceMs = (alerts: readonly Alert[]): number => Math.min(...alerts.map(({ onsetMs }) => onsetMs));

function Facts({ alerts }: { readonly alerts: readonly Alert[] }) {
  const { say } = useLanguage();
  const machines = new Set(alerts.map(({ machine }) => machine)).size;
  const waiting = alerts.filter(waitsForAck).length;
  return (
    <p class="alert-facts">
      <span>{say('acts.flood.machines', { count: machines })}</span>
      {waiting > 0 && <span>{say('acts.flood.waiting', { count: waiting })}</span>}
    </p>
  );
}

function Single({
  alerts,
  word,
  csrf,
  now,
  machineName,
}: Shared & { readonly alerts: readonly Alert[]; readonly word: string }) {
  return (
    <details class="flood">
      <summary>{word}</summary>
      <ol class="alerts">
        {alerts.map((alert) => (
          <li key={alert.occurrence}>
            <AlertCard alert={alert} csrf={csrf} now={now} name={machineName(alert.machine)} />
          </li>
        ))}
      </ol>
    </details>
  );
}

export function FloodCard({ line, ...shared }: Shared & { readonly line: Of<'flood'> }) {
  const language = useLanguage();
  const { say } = language;
  const { alerts, key } = line;
  const [first] = alerts;
  const names = [...new Set(alerts.map(({ machine }) => shared.machineName(machine)))];
  const shown = names.slice(0, 3).join(', ') + (names.length > 3 ? ', …' : '');
  return (
    <article
      class={`alert priority-${first.priority} ${alerts.some(waitsForAck) ? 'waits' : 'seen'}`}
      data-flood={key}
      aria-labelledby={`flood-${key}`}
    >
      <AlertHead priority={first.priority} name={shown} sinceMs={sinceMs(alerts)} untilMs={null} now={shared.now} />
      <h3 id={`flood-${key}`}>{say('acts.flood', { count: alerts.length, cause: alertTitle(first, language) })}</h3>
      <Facts alerts={alerts} />
      <Single alerts={alerts} word={say('acts.flood.show')} {...shared} />
    </article>
  );
}

/** What hangs on readings that nobody has now. */
export function SetAside({ alerts, ...shared }: Shared & { readonly alerts: readonly Alert[] }) {
  const { say } = useLanguage();
  if (alerts.length === 0) return null;
  return <Single alerts={alerts} word={say('acts.behind.aside', { count: alerts.length })} {...shared} />;
}

export function LostCard({ line, ...shared }: Shared & { readonly line: Of<'lost'> }) {
  const { say } = useLanguage();
  const { alerts, aside, endpoint } = line;
  const { csrf, now } = shared;
  const [first] = alerts;
  const waiting = alerts.filter(waitsForAck);
  const title = say('acts.behind', { count: alerts.length, endpoint });
  return (
    <article
      class={`alert priority-${first.priority} ${waiting.length > 0 ? 'waits' : 'seen'}`}
      data-lost={endpoint}
      tabIndex={-1}
      aria-labelledby={`lost-${endpoint}`}
    >
      <AlertHead priority={first.priority} name={endpoint} sinceMs={sinceMs(alerts)} untilMs={null} now={now} />
      <h3 id={`lost-${endpoint}`}>{title}</h3>
      <Facts alerts={alerts} />
      <p>{say('acts.behind.hint')}</p>
      {waiting.length > 0 && csrf !== null && (
        <AckForm alerts={waiting} title={title} csrf={csrf} name={endpoint} disabled={now.stale} />
      )}
      <Single alerts={alerts} word={say('acts.flood.show')} {...shared} />
      <SetAside alerts={aside} {...shared} />
    </article>
  );
}
