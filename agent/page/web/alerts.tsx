/** What is wrong now, and what to do about it. */
import { useState } from 'preact/hooks';
import { acknowledge, type SessionView } from './client.ts';
import { Fault } from './fault.tsx';
import { waitsForAck, type Alert } from './floor-state.ts';
import { CheckIcon, PriorityIcon } from './icons.tsx';
import { SoundFeedback } from './sound-feedback.tsx';
import { lasted, type Now } from './times.ts';
import { ackWord, alertStateWords, causeWord, priorityWords } from './words.ts';

interface ListProps {
  readonly shown: readonly Alert[];
  readonly aside: readonly Alert[];
  readonly session: SessionView;
  readonly now: Now;
  readonly machineName: (id: string) => string;
}

export function AlertList({ shown, aside, session, now, machineName }: ListProps) {
  const canAck = session.role !== 'viewer';
  const row = (alert: Alert) => (
    <li key={alert.occurrence}>
      <AlertCard alert={alert} csrf={canAck ? session.csrf : null} now={now} name={machineName(alert.machine)} />
    </li>
  );
  return (
    <section id="alerts" aria-labelledby="alerts-title" tabIndex={-1}>
      <h2 id="alerts-title">
        What is wrong now <span class="count">{shown.length}</span>
      </h2>
      {shown.length === 0 && (
        <p class={now.stale ? 'all-well unknown' : 'all-well'}>
          {now.stale ? (
            'Nothing was wrong when the connection was lost.'
          ) : (
            <>
              <CheckIcon /> Nothing is wrong.
            </>
          )}
        </p>
      )}
      <ol class="alerts">{shown.map(row)}</ol>
      {!canAck && shown.some(waitsForAck) && (
        <p class="hint">You are signed in as a viewer. Maintainers can acknowledge alerts.</p>
      )}
      {aside.length > 0 && (
        <details>
          <summary>Shelved or out of service ({aside.length})</summary>
          <ol class="alerts">{aside.map(row)}</ol>
        </details>
      )}
    </section>
  );
}

interface CardProps {
  readonly alert: Alert;
  /** null: this person may not acknowledge. */
  readonly csrf: string | null;
  readonly now: Now;
  readonly name: string;
}

function AlertCard({ alert, csrf, now, name }: CardProps) {
  const waits = waitsForAck(alert);
  const code = alert.evidence['code'];
  return (
    <article
      class={`alert priority-${alert.priority} ${waits ? 'waits' : 'seen'}`}
      data-occurrence={alert.occurrence}
      aria-labelledby={`alert-${alert.occurrence}`}
    >
      <div class="alert-head">
        <span class="badge priority">
          <PriorityIcon priority={alert.priority} />
          {priorityWords[alert.priority]}
        </span>
        <span class="alert-machine">{name}</span>
        <span class="alert-age" title={now.time.at(alert.onsetMs, now.ms)}>
          for {lasted((alert.clearedMs ?? now.ms) - alert.onsetMs)}
        </span>
      </div>
      <h3 id={`alert-${alert.occurrence}`}>{alert.text}</h3>
      <p class="alert-facts">
        <span>since {now.time.at(alert.onsetMs, now.ms)}</span>
        {alert.cause !== null && <span>Cause: {causeWord(alert.cause)}</span>}
        {code !== undefined && code !== null && <span>Code {String(code)}</span>}
        {alert.state !== 'active-unacked' && <span class="tag">{alertStateWords[alert.state]}</span>}
        {alert.state === 'active-acked' && alert.actor !== null && <span>by {alert.actor}</span>}
        {!alert.verified && <span class="tag warn">Not checked again since the agent started</span>}
      </p>
      <Fault alert={alert} />
      {alert.runbook !== null && (
        <details class="runbook" open={waits}>
          <summary>What to do</summary>
          <p>{alert.runbook}</p>
        </details>
      )}
      <SoundFeedback alert={alert} name={name} csrf={csrf} disabled={now.stale} />
      {waits && csrf !== null && <AckForm alert={alert} csrf={csrf} name={name} disabled={now.stale} />}
    </article>
  );
}

/** One touch acknowledges, or confirms that a latched one is over; a note is there for who wants to write one. */
function AckForm(props: { alert: Alert; csrf: string; name: string; disabled: boolean }) {
  const { alert, csrf, name, disabled } = props;
  const [busy, setBusy] = useState(false);
  const [note, setNote] = useState<string | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const send = (event: Event): void => {
    event.preventDefault();
    if (busy || disabled) return;
    setBusy(true);
    setProblem(null);
    void acknowledge(alert.occurrence, note ?? '', csrf).then((answer) => {
      setBusy(false);
      // The list itself changes when the stream brings the acknowledged alert.
      if (!answer.ok) setProblem(answer.message);
    });
  };
  const noteId = `note-${alert.occurrence}`;
  return (
    <form class="ack" onSubmit={send}>
      {note !== null && (
        <div class="field">
          <label for={noteId}>Note</label>
          <input
            id={noteId}
            type="text"
            maxLength={500}
            value={note}
            onInput={(event) => setNote(event.currentTarget.value)}
          />
        </div>
      )}
      <button
        type="submit"
        class="primary"
        disabled={busy || disabled}
        aria-label={`${ackWord(alert.state)}: ${name}, ${alert.text}`}
      >
        {busy ? 'Sending…' : ackWord(alert.state)}
      </button>
      {note === null && (
        <button type="button" class="quiet" aria-label={`Add note: ${name}, ${alert.text}`} onClick={() => setNote('')}>
          Add note
        </button>
      )}
      <div role="alert" class="problem-slot">
        {problem !== null && <p class="problem">{problem}</p>}
      </div>
    </form>
  );
}
