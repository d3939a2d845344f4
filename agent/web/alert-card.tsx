/** One alert: what is wrong, since when, what shows it and what to do about it. */
import { useId, useState } from 'preact/hooks';
import { acknowledge } from './client.ts';
import { Fault, Picture } from './fault.tsx';
import { waitsForAck, type Alert } from './floor-state.ts';
import { PriorityIcon } from './icons.tsx';
import { useLanguage } from './language.ts';
import { SoundFeedback } from './sound-feedback.tsx';
import { lasted, type Now } from './times.ts';
import { ackWord, alertStateWords, causeWord, priorityWords } from './words.ts';

interface CardProps {
  readonly alert: Alert;
  /** null: this person may not acknowledge. */
  readonly csrf: string | null;
  readonly now: Now;
  readonly name: string;
}

export function AlertCard({ alert, csrf, now, name }: CardProps) {
  const { say } = useLanguage();
  const waits = waitsForAck(alert);
  const code = alert.evidence['code'];
  return (
    <article
      class={`alert priority-${alert.priority} ${waits ? 'waits' : 'seen'}`}
      data-occurrence={alert.occurrence}
      aria-labelledby={`alert-${alert.occurrence}`}
    >
      <AlertHead priority={alert.priority} name={name} sinceMs={alert.onsetMs} untilMs={alert.clearedMs} now={now} />
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
      <Picture sha256={alert.evidence['spectrogram']} of="spectrogram" />
      {alert.runbook !== null && (
        <details class="runbook" open={waits}>
          <summary>What to do</summary>
          <p>{alert.runbook}</p>
        </details>
      )}
      {(alert.type === 'needle_broken' || alert.cause === 'needle.broken') && (
        <p>
          <a href={`#/needle-case/${encodeURIComponent(alert.occurrence)}`}>{say('needles.link')}</a>
        </p>
      )}
      <SoundFeedback alert={alert} name={name} csrf={csrf} disabled={now.stale} />
      {waits && csrf !== null && (
        <AckForm alerts={[alert]} title={alert.text} csrf={csrf} name={name} disabled={now.stale} />
      )}
    </article>
  );
}

interface HeadProps {
  readonly priority: Alert['priority'];
  readonly name: string;
  readonly sinceMs: number;
  /** null: it lasts. */
  readonly untilMs: number | null;
  readonly now: Now;
}

/** How urgent it is, at which machine, and for how long. */
export function AlertHead({ priority, name, sinceMs, untilMs, now }: HeadProps) {
  return (
    <div class="alert-head">
      <span class="badge priority">
        <PriorityIcon priority={priority} />
        {priorityWords[priority]}
      </span>
      <span class="alert-machine">{name}</span>
      <span class="alert-age" title={now.time.at(sinceMs, now.ms)}>
        for {lasted((untilMs ?? now.ms) - sinceMs)}
      </span>
    </div>
  );
}

interface AckProps {
  /** Those that wait; one touch is for all of them. */
  readonly alerts: readonly Alert[];
  readonly title: string;
  readonly csrf: string;
  readonly name: string;
  readonly disabled: boolean;
}

/** One touch acknowledges, or confirms that a latched one is over; a note is there for who wants to write one. */
export function AckForm({ alerts, title, csrf, name, disabled }: AckProps) {
  const word = ackWord(alerts[0]?.state ?? 'active-unacked');
  const [busy, setBusy] = useState(false);
  const [note, setNote] = useState<string | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const send = (event: Event): void => {
    event.preventDefault();
    if (busy || disabled) return;
    setBusy(true);
    setProblem(null);
    const all = alerts.map(({ occurrence }) => acknowledge(occurrence, note ?? '', csrf));
    void Promise.all(all).then((answers) => {
      setBusy(false);
      // The list itself changes when the stream brings the acknowledged alerts.
      const refused = answers.find(({ ok }) => !ok);
      if (refused?.ok === false) setProblem(refused.message);
    });
  };
  const noteId = useId();
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
      <button type="submit" class="primary" disabled={busy || disabled} aria-label={`${word}: ${name}, ${title}`}>
        {busy ? 'Sending…' : word}
      </button>
      {note === null && (
        <button type="button" class="quiet" aria-label={`Add note: ${name}, ${title}`} onClick={() => setNote('')}>
          Add note
        </button>
      )}
      <div role="alert" class="problem-slot">
        {problem !== null && <p class="problem">{problem}</p>}
      </div>
    </form>
  );
}
