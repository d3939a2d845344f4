/** Alerts about one needle as one line: which needle to change, and what the eye saw beside what the ear heard. */
import { AckForm, AlertCard, AlertHead } from './alert-card.tsx';
import { Crop } from './crop.tsx';
import { waitsForAck, type Alert } from './floor-state.ts';
import { agreeWord, changeWord, type Incident } from './incident-lines.ts';
import { useLanguage } from './language.ts';
import { Spectrogram } from './spectrogram.tsx';
import type { Now } from './times.ts';

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
  const language = useLanguage();
  const { say } = language;
  const [first] = alerts;
  const waiting = alerts.filter(waitsForAck);
  const sinceMs = Math.min(...alerts.map(({ onsetMs }) => onsetMs));
  const isSimulated = alerts.some(({ evidence }) => evidence['isSimulated'] === true);
  const title = changeWord(incident, language);
  const titleId = `incident-${incident.id}`;
  return (
    <article
      class={`alert incident priority-${first.priority} ${waiting.length > 0 ? 'waits' : 'seen'}`}
      data-incident={incident.id}
      tabIndex={-1}
      aria-labelledby={titleId}
    >
      <AlertHead
        priority={first.priority}
        name={name}
        machine={first.machine}
        sinceMs={sinceMs}
        untilMs={null}
        now={now}
      />
      <h3 id={titleId}>{title}</h3>
      <p class="alert-facts">
        <span>{agreeWord(incident, language)}</span>
        {isSimulated && <span class="tag">{say('alerts.simulated')}</span>}
      </p>
      <div class="senses">
        <Crop crop={incident.crop} legend={incident.legend} />
        <Spectrogram spectrogram={incident.spectrogram} legend={incident.legend} />
      </div>
      {waiting.length > 0 && csrf !== null && (
        <AckForm alerts={waiting} title={title} csrf={csrf} name={name} disabled={now.stale} />
      )}
      <details class="incident-alerts">
        <summary>
          {alerts.length === 1 ? say('alerts.open-one') : say('alerts.open-many', { count: alerts.length })}
        </summary>
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
