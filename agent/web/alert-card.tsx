/** One alert: what is wrong, since when, what shows it and what to do about it. */
import { useContext, useId, useMemo, useRef, useState } from 'preact/hooks';
import { AlertActs } from './alert-acts.tsx';
import { alertTitle } from './alert-title.ts';
import { TrendOfAlert } from './alert-trend-lazy.tsx';
import { acknowledge, type Failure } from './client.ts';
import { Fault } from './fault.tsx';
import { waitsForAck, type Alert } from './floor-state.ts';
import { PriorityIcon } from './icons.tsx';
import { useLanguage } from './language.ts';
import { MachinePlaces } from './machines-here.ts';
import { shownStepMs } from './machines.tsx';
import { Problem } from './problem.tsx';
import { RunbookOfAlert } from './runbook.tsx';
import { SoundFeedback } from './sound-feedback.tsx';
import { Spectrogram } from './spectrogram.tsx';
import { lasted, type Now } from './times.ts';
import { ackWord, alertStateWord, causeWord, priorityWord } from './words.ts';

interface CardProps {
  readonly alert: Alert;
  /** null: this person may not acknowledge. */
  readonly csrf: string | null;
  readonly now: Now;
  readonly name: string;
}

/** Drawn again when the alert changes, or its age as it is shown: the page has many cards, and the floor tells something each second. */
export function AlertCard(props: CardProps) {
  const { alert, csrf, now, name } = props;
  const language = useLanguage();
  const stepMs = shownStepMs((alert.clearedMs ?? now.ms) - alert.onsetMs);
  return useMemo(
    () => <Card {...props} />,
    [alert, csrf, name, Math.floor(now.ms / stepMs), now.stale, now.time, language],
  );
}

function Card({ alert, csrf, now, name }: CardProps) {
  const language = useLanguage();
  const { say } = language;
  const title = alertTitle(alert, language);
  const waits = waitsForAck(alert);
  const code = alert.evidence['code'];
  return (
    <article
      class={`alert priority-${alert.priority} ${waits ? 'waits' : 'seen'}`}
      data-occurrence={alert.occurrence}
      tabIndex={-1}
      aria-labelledby={`alert-${alert.occurrence}`}
    >
      <AlertHead
        priority={alert.priority}
        name={name}
        machine={alert.machine}
        sinceMs={alert.onsetMs}
        untilMs={alert.clearedMs}
        now={now}
      />
      <h3 id={`alert-${alert.occurrence}`}>{title}</h3>
      <p class="alert-facts">
        <span>{say('alerts.since', { time: now.time.at(alert.onsetMs, now.ms) })}</span>
        {alert.cause !== null && <span>{say('alerts.cause', { cause: causeWord(alert.cause, language) })}</span>}
        {code !== undefined && code !== null && <span>{say('alerts.code', { code: String(code) })}</span>}
        {alert.state !== 'active-unacked' && <span class="tag">{alertStateWord(alert.state, language)}</span>}
        {alert.state === 'active-acked' && alert.actor !== null && (
          <span>{say('alerts.by', { person: alert.actor })}</span>
        )}
        {!alert.verified && <span class="tag warn">{say('alerts.unverified')}</span>}
      </p>
      <Fault alert={alert} />
      <Spectrogram spectrogram={alert.evidence['spectrogram']} legend={alert.evidence} />
      <TrendOfAlert alert={alert} now={now} />
      {alert.runbook !== null && <RunbookOfAlert alert={alert} text={alert.runbook} open={waits} csrf={csrf} />}
      {(alert.type === 'needle_broken' || alert.cause === 'needle.broken') && (
        <p>
          <a href={`#/needle-case/${encodeURIComponent(alert.occurrence)}`}>{say('needles.link')}</a>
        </p>
      )}
      <SoundFeedback alert={alert} name={name} csrf={csrf} disabled={now.stale} />
      {waits && csrf !== null && (
        <AckForm alerts={[alert]} title={title} csrf={csrf} name={name} disabled={now.stale} />
      )}
      <AlertActs alert={alert} name={name} csrf={csrf} now={now} />
    </article>
  );
}

interface HeadProps {
  readonly priority: Alert['priority'];
  readonly name: string;
  /** Its id; null: there are several. */
  readonly machine: string | null;
  readonly sinceMs: number;
  /** null: it lasts. */
  readonly untilMs: number | null;
  readonly now: Now;
}

/** How urgent it is, at which machine, where that stands, and for how long. */
export function AlertHead({ priority, name, machine, sinceMs, untilMs, now }: HeadProps) {
  const language = useLanguage();
  const place = useContext(MachinePlaces).get(machine ?? '') ?? '';
  return (
    <div class="alert-head">
      <span class="badge priority">
        <PriorityIcon priority={priority} />
        {priorityWord(priority, language)}
      </span>
      <span class="alert-machine">{name}</span>
      {place !== '' && <span class="alert-place">{place}</span>}
      <span class="alert-age" title={now.time.at(sinceMs, now.ms)}>
        {language.say('alerts.for', { duration: lasted((untilMs ?? now.ms) - sinceMs, language) })}
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

/** The focus is nowhere, or in what is about to go. */
const isFree = (form: Element | null): boolean =>
  document.activeElement === document.body || form?.contains(document.activeElement) === true;

/** One touch acknowledges, or confirms that a latched one is over; a note is there for who wants to write one. */
export function AckForm({ alerts, title, csrf, name, disabled }: AckProps) {
  const language = useLanguage();
  const { say } = language;
  const word = ackWord(alerts[0]?.state ?? 'active-unacked', language);
  const [busy, setBusy] = useState(false);
  const [note, setNote] = useState<string | null>(null);
  const [problem, setProblem] = useState<Failure | null>(null);
  const form = useRef<HTMLFormElement>(null);
  const send = (event: Event): void => {
    event.preventDefault();
    if (busy || disabled) return;
    const card = form.current?.closest('article');
    setBusy(true);
    setProblem(null);
    const all = alerts.map(({ occurrence }) => acknowledge(occurrence, note ?? '', csrf));
    void Promise.all(all).then((answers) => {
      setBusy(false);
      // The list itself changes when the stream brings the acknowledged alerts.
      const refused = answers.find(({ ok }) => !ok);
      if (refused?.ok === false) setProblem(refused);
      // The button that had the focus goes; who has moved on meanwhile is not called back.
      else if (isFree(form.current)) card?.focus();
    });
  };
  const noteId = useId();
  return (
    <form class="ack" ref={form} onSubmit={send}>
      {note !== null && (
        <div class="field">
          <label for={noteId}>{say('alerts.note')}</label>
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
        aria-label={say('alerts.about', { what: word, name, title })}
      >
        {busy ? say('alerts.sending') : word}
      </button>
      {note === null && (
        <button
          type="button"
          class="quiet"
          aria-label={say('alerts.about', { what: say('alerts.add-note'), name, title })}
          onClick={() => setNote('')}
        >
          {say('alerts.add-note')}
        </button>
      )}
      <div role="alert" class="problem-slot">
        <Problem of={problem} />
      </div>
    </form>
  );
}
