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
      <AlertHead
        priority={first.priority}
        name={shown}
        machine={null}
        sinceMs={sinceMs(alerts)}
        untilMs={null}
        now={shared.now}
      />
      <h3 id={`flood-${key}`}>{say('acts.flood', { count: alerts.length, cause: alertTitle(first, language) })}</h3>
      <Facts alerts={alerts} />
      <Single alerts={alerts} word={say('acts.flood.show')} {...shared} />
    </article>
  );
}

const isSilent = ({ clearedMs }: Alert): boolean => clearedMs === null;

/** What hangs on readings that nobody has now; or had, where somebody is at work in it. */
export function SetAside({ line, ...shared }: Shared & { readonly line: Of<'lost'> }) {
  const { say } = useLanguage();
  const { alerts, aside } = line;
  if (aside.length === 0) return null;
  const key = alerts.some(isSilent) ? 'acts.behind.aside' : 'acts.behind.aside-back';
  return <Single alerts={aside} word={say(key, { count: aside.length })} {...shared} />;
}

export function LostCard({ line, ...shared }: Shared & { readonly line: Of<'lost'> }) {
  const { say } = useLanguage();
  const { alerts, aside, endpoint } = line;
  const { csrf, now } = shared;
  const shown = alerts.length > 0 ? alerts : aside;
  const [first] = shown;
  if (first === undefined) return null;
  const waiting = alerts.filter(waitsForAck);
  const count = alerts.filter(isSilent).length;
  const title = count > 0 ? say('acts.behind', { count, endpoint }) : say('acts.behind.back', { endpoint });
  return (
    <article
      class={`alert priority-${first.priority} ${waiting.length > 0 ? 'waits' : 'seen'}`}
      data-lost={endpoint}
      tabIndex={-1}
      aria-labelledby={`lost-${endpoint}`}
    >
      <AlertHead
        priority={first.priority}
        name={endpoint}
        machine={null}
        sinceMs={sinceMs(shown)}
        untilMs={null}
        now={now}
      />
      <h3 id={`lost-${endpoint}`}>{title}</h3>
      <Facts alerts={shown} />
      {count > 0 && <p>{say('acts.behind.hint')}</p>}
      {waiting.length > 0 && csrf !== null && (
        <AckForm alerts={waiting} title={title} csrf={csrf} name={endpoint} disabled={now.stale} />
      )}
      {alerts.length > 0 && <Single key="lost" alerts={alerts} word={say('acts.flood.show')} {...shared} />}
      <SetAside key="aside" line={line} {...shared} />
    </article>
  );
}
