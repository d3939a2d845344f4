/** Alerts that are over, newest first, fetched when somebody asks. */
import { useState } from 'preact/hooks';
import { ActFacts } from './alert-acts.tsx';
import { closedAlerts } from './client.ts';
import type { Alert } from './floor-state.ts';
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
  const [items, setItems] = useState<readonly Alert[] | null>(null);
  const [next, setNext] = useState<string | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const load = (cursor: string | null): void => {
    void closedAlerts(cursor).then((answer) => {
      setProblem(answer.ok ? null : answer.message);
      if (!answer.ok) return;
      setItems((known) => (cursor === null ? answer.value.items : [...(known ?? []), ...answer.value.items]));
      setNext(answer.value.next);
    });
  };
  return (
    <section aria-labelledby="history-title">
      <h2 id="history-title">Past alerts</h2>
      <details
        onToggle={(event) => {
          if (event.currentTarget.open) load(null);
        }}
      >
        <summary>Show what is over</summary>
        {problem !== null && <p class="problem">{problem}</p>}
        {items !== null && items.length === 0 && next === null && <p class="empty">Nothing yet.</p>}
        {items !== null && items.length > 0 && (
          <div class="scroll" tabIndex={0} role="region" aria-label="Table of past alerts">
            <table>
              <thead>
                <tr>
                  <th scope="col">Since</th>
                  <th scope="col">Lasted</th>
                  <th scope="col">Machine</th>
                  <th scope="col">Alert</th>
                  <th scope="col">Cause</th>
                </tr>
              </thead>
              <tbody>
                {items.map((alert) => (
                  <tr key={alert.occurrence}>
                    <td>{now.time.at(alert.onsetMs, now.ms)}</td>
                    <td>{alert.clearedMs === null ? '–' : lasted(alert.clearedMs - alert.onsetMs)}</td>
                    <td>{machineName(alert.machine)}</td>
                    <td>
                      {alert.text}
                      <ActFacts alert={alert} now={now} />
                      <SoundFeedback alert={alert} name={machineName(alert.machine)} csrf={csrf} disabled={now.stale} />
                    </td>
                    <td>{alert.cause === null ? '–' : causeWord(alert.cause)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
        {next !== null && (
          <button type="button" onClick={() => load(next)}>
            Show more
          </button>
        )}
      </details>
    </section>
  );
}
