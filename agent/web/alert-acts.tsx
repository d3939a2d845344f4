/** What people did with an alert, and the way to do more: put it aside, give it to somebody, write, close it with its cause. */
import type { ComponentType } from 'preact';
import { useState } from 'preact/hooks';
import { actOn } from './acts-client.ts';
import type { ActFormsProps } from './alert-act-forms.tsx';
import { alertTitle } from './alert-title.ts';
import type { Alert } from './floor-state.ts';
import { useLanguage } from './language.ts';
import type { Now } from './times.ts';

interface Props {
  readonly alert: Alert;
  readonly name: string;
  /** null: this person only looks. */
  readonly csrf: string | null;
  readonly now: Now;
}

export function AlertActs({ alert, name, csrf, now }: Props) {
  return (
    <>
      <ActFacts alert={alert} now={now} />
      {csrf !== null &&
        (alert.state === 'shelved' ? (
          <TakeBack alert={alert} name={name} csrf={csrf} disabled={now.stale} />
        ) : (
          <More alert={alert} name={name} csrf={csrf} now={now} />
        ))}
    </>
  );
}

/** Who has it, what was written, and what it came from. */
export function ActFacts({ alert, now }: Pick<Props, 'alert' | 'now'>) {
  const { say } = useLanguage();
  const { acts } = alert;
  const untilMs = alert.state === 'shelved' ? alert.evidence['shelvedUntilMs'] : null;
  if (acts === null && typeof untilMs !== 'number') return null;
  return (
    <div class="act-facts">
      {typeof untilMs === 'number' && <p>{say('acts.shelved-until', { time: now.time.at(untilMs, now.ms) })}</p>}
      {acts !== null && acts.assigned !== null && <p>{say('acts.assigned', { name: acts.assigned.to })}</p>}
      {acts !== null && acts.closing !== null && (
        <p>
          {say('acts.closing', {
            cause: say(`acts.cause.${acts.closing.cause}`),
            action: say(`acts.action.${acts.closing.action}`),
            name: acts.closing.by,
          })}
          {acts.closing.comment !== null && (
            <>
              {' '}
              <bdi>{acts.closing.comment}</bdi>
            </>
          )}
        </p>
      )}
      {acts !== null && acts.comments.length > 0 && (
        <ul aria-label={say('acts.comments')}>
          {acts.comments.map(({ text, by, atMs }) => (
            <li key={`${atMs} ${text}`}>
              <bdi>{text}</bdi>{' '}
              <span class="hint">
                {by}, {now.time.at(atMs, now.ms)}
              </span>
            </li>
          ))}
        </ul>
      )}
      {acts !== null && acts.commentsNotShown > 0 && (
        <p class="hint">{say('acts.comments-not-shown', { count: acts.commentsNotShown })}</p>
      )}
    </div>
  );
}

function TakeBack({
  alert,
  name,
  csrf,
  disabled,
}: Pick<Props, 'alert' | 'name'> & { readonly csrf: string; readonly disabled: boolean }) {
  const language = useLanguage();
  const { say } = language;
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState(false);
  const send = (): void => {
    setBusy(true);
    void actOn(alert.occurrence, { deed: 'unshelve', body: {} }, csrf).then(({ ok }) => {
      setBusy(false);
      setFailed(!ok);
    });
  };
  const word = say('acts.take-back');
  return (
    <div class="ack">
      <button
        type="button"
        disabled={busy || disabled}
        aria-label={`${word}: ${name}, ${alertTitle(alert, language)}`}
        onClick={send}
      >
        {word}
      </button>
      <div role="alert" class="problem-slot">
        {failed && <p class="problem">{say('acts.not-done')}</p>}
      </div>
    </div>
  );
}

/** The forms are fetched when somebody wants them. */
function More({ alert, name, csrf, now }: Props & { readonly csrf: string }) {
  const language = useLanguage();
  const { say } = language;
  const [Forms, setForms] = useState<ComponentType<ActFormsProps> | 'failed' | null>(null);
  const load = (): void => {
    if (typeof Forms === 'function') return;
    import('./alert-act-forms.tsx').then(
      (module) => setForms(() => module.ActForms),
      () => setForms('failed'),
    );
  };
  return (
    <details class="acts" onToggle={(event) => event.currentTarget.open && load()}>
      <summary aria-label={`${say('acts.more')}: ${name}, ${alertTitle(alert, language)}`}>{say('acts.more')}</summary>
      {Forms === null && <p class="hint">{say('shell.loading')}</p>}
      {Forms === 'failed' && <p class="problem">{say('shell.not-loaded')}</p>}
      {typeof Forms === 'function' && <Forms alert={alert} csrf={csrf} disabled={now.stale} />}
    </details>
  );
}
