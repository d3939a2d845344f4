/** Alerts that are over, newest first, fetched when somebody asks. */
import { useState } from 'preact/hooks';
import { ActFacts } from './alert-acts.tsx';
import { alertTitle } from './alert-title.ts';
import { closedAlerts, type Failure } from './client.ts';
import type { Alert } from './floor-state.ts';
import { useLanguage } from './language.ts';
import { Problem } from './problem.tsx';
import { SoundFeedback } from './sound-feedback.tsx';
import { lasted, type Now } from './times.ts';
import { causeWord } from './words.ts';

interface Props {
  readonly now: Now;
  readonly machineName: (id: string) => string;
  /** null: this person only looks. */
  readonly csrf: string | null;
}

export function History({ now, machineName, csrf }: Props) {
  const language = useLanguage();
  const { say } = language;
  const [items, setItems] = useState<readonly Alert[] | null>(null);
  const [next, setNext] = useState<string | null>(null);
  const [problem, setProblem] = useState<Failure | null>(null);
  const load = (cursor: string | null): void => {
    void closedAlerts(cursor).then((answer) => {
      setProblem(answer.ok ? null : answer);
      if (!answer.ok) return;
      setItems((known) => (cursor === null ? answer.value.items : [...(known ?? []), ...answer.value.items]));
      setNext(answer.value.next);
    });
  };
  return (
    <section aria-labelledby="history-title">
      <h2 id="history-title">{say('history.title')}</h2>
      <details
        onToggle={(event) => {
          if (event.currentTarget.open) load(null);
        }}
      >
        <summary>{say('history.show')}</summary>
        <Problem of={problem} />
        {items !== null && items.length === 0 && next === null && <p class="empty">{say('history.none')}</p>}
        {items !== null && items.length > 0 && (
          <div class="scroll" tabIndex={0} role="region" aria-label={say('history.table')}>
            <table>
              <thead>
                <tr>
                  <th scope="col">{say('history.since')}</th>
                  <th scope="col">{say('history.lasted')}</th>
                  <th scope="col">{say('history.machine')}</th>
                  <th scope="col">{say('history.alert')}</th>
                  <th scope="col">{say('history.cause')}</th>
                </tr>
              </thead>
              <tbody>
                {items.map((alert) => (
                  <tr key={alert.occurrence}>
                    <td>{now.time.at(alert.onsetMs, now.ms)}</td>
                    <td>{alert.clearedMs === null ? '–' : lasted(alert.clearedMs - alert.onsetMs, language)}</td>
                    <td>{machineName(alert.machine)}</td>
                    <td>
                      {alertTitle(alert, language)}
                      <ActFacts alert={alert} now={now} />
                      <SoundFeedback alert={alert} name={machineName(alert.machine)} csrf={csrf} disabled={now.stale} />
                    </td>
                    <td>{alert.cause === null ? '–' : causeWord(alert.cause, language)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
        {next !== null && (
          <button type="button" onClick={() => load(next)}>
            {say('history.more')}
          </button>
        )}
      </details>
    </section>
  );
}
