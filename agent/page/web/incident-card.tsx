/** Alerts about one needle as one line: which needle to change, and what the eye saw beside what the ear heard. */
import { AckForm, AlertCard } from './alert-card.tsx';
import { Picture } from './fault.tsx';
import { waitsForAck, type Alert } from './floor-state.ts';
import { PriorityIcon } from './icons.tsx';
import { agreeWord, changeWord, type Incident } from './incident-lines.ts';
import { lasted, type Now } from './times.ts';
import { priorityWords } from './words.ts';

interface Props {
  readonly incident: Incident;
  /** Those that are open, the most urgent first. */
  readonly alerts: readonly [Alert, ...Alert[]];
  /** null: this person may not acknowledge. */
  readonly csrf: string | null;
  readonly now: Now;
  readonly name: string;
}

export function IncidentCard({ incident, alerts, csrf, now, name }: Props) {
  const [first] = alerts;
  const waiting = alerts.filter(waitsForAck);
  const sinceMs = Math.min(...alerts.map(({ onsetMs }) => onsetMs));
  const isSimulated = alerts.some(({ evidence }) => evidence['isSimulated'] === true);
  const title = changeWord(incident);
  const titleId = `incident-${incident.id}`;
  return (
    <article
      class={`alert incident priority-${first.priority} ${waiting.length > 0 ? 'waits' : 'seen'}`}
      data-incident={incident.id}
      aria-labelledby={titleId}
    >
      <div class="alert-head">
        <span class="badge priority">
          <PriorityIcon priority={first.priority} />
          {priorityWords[first.priority]}
        </span>
        <span class="alert-machine">{name}</span>
        <span class="alert-age" title={now.time.at(sinceMs, now.ms)}>
          for {lasted(now.ms - sinceMs)}
        </span>
      </div>
      <h3 id={titleId}>{title}</h3>
      <p class="alert-facts">
        <span>{agreeWord(incident)}</span>
        {isSimulated && <span class="tag">Simulated</span>}
      </p>
      <div class="senses">
        <Picture sha256={incident.crop} of="crop" />
        <Picture sha256={incident.spectrogram} of="spectrogram" />
      </div>
      {waiting.length > 0 && csrf !== null && (
        <AckForm alerts={waiting} title={title} csrf={csrf} name={name} disabled={now.stale} />
      )}
      <details class="incident-alerts">
        <summary>{alerts.length === 1 ? 'The alert that is open' : `Its ${alerts.length} alerts`}</summary>
        <ol class="alerts">
          {alerts.map((alert) => (
            <li key={alert.occurrence}>
              <AlertCard alert={alert} csrf={csrf} now={now} name={name} />
            </li>
          ))}
        </ol>
      </details>
    </article>
  );
}
