/** What a person may do with an open alert beside acknowledging it. Fetched when it is opened. */
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useState } from 'preact/hooks';
import { closingActions, closingCauses, mostComment } from '../alerts/act-words.ts';
import { actOn, fetchPeople, type ActBody, type Person } from './acts-client.ts';
import type { Alert } from './floor-state.ts';
import { useLanguage, type Key } from './language.ts';

export interface ActFormsProps {
  readonly alert: Alert;
  readonly csrf: string;
  readonly disabled: boolean;
}

/** Seconds, and their words. */
const shelves = [
  [900, 'acts.shelve.15-min'],
  [3_600, 'acts.shelve.1-h'],
  [14_400, 'acts.shelve.4-h'],
  [28_800, 'acts.shelve.8-h'],
] as const satisfies readonly (readonly [number, Key])[];

export function ActForms({ alert, csrf, disabled }: ActFormsProps) {
  const { say } = useLanguage();
  const [busy, setBusy] = useState(false);
  const [outcome, setOutcome] = useState<{ readonly isGood: boolean; readonly word: Key } | null>(null);
  const off = busy || disabled;
  /** The list itself changes when the stream brings the alert. */
  const send = async (body: ActBody): Promise<boolean> => {
    setBusy(true);
    setOutcome(null);
    const answer = await actOn(alert.occurrence, body, csrf);
    setBusy(false);
    if (!answer.ok) {
      const isRefused = answer.status === 404 || answer.status === 409;
      setOutcome({ isGood: false, word: isRefused ? 'acts.refused' : 'acts.not-done' });
      return false;
    }
    const closesLater = body.deed === 'close' && answer.value.state !== 'normal';
    setOutcome({ isGood: true, word: closesLater ? 'acts.closes-later' : 'acts.saved' });
    return true;
  };
  return (
    <div class="act-forms">
      <fieldset>
        <legend>{say('acts.shelve')}</legend>
        {shelves.map(([forS, word]) => (
          <button key={forS} type="button" disabled={off} onClick={() => void send({ deed: 'shelve', body: { forS } })}>
            {say(word)}
          </button>
        ))}
      </fieldset>
      <Assign alert={alert} off={off} send={send} />
      <Comment off={off} send={send} />
      <Close off={off} send={send} />
      <div role="status">{outcome?.isGood === true && <p>{say(outcome.word)}</p>}</div>
      <div role="alert" class="problem-slot">
        {outcome?.isGood === false && <p class="problem">{say(outcome.word)}</p>}
      </div>
    </div>
  );
}

interface FormProps {
  readonly off: boolean;
  readonly send: (body: ActBody) => Promise<boolean>;
}

function Field({ label, children }: { readonly label: string; readonly children: (id: string) => ComponentChildren }) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children(id)}
    </div>
  );
}

function Assign({ alert, off, send }: FormProps & { readonly alert: Alert }) {
  const { say } = useLanguage();
  const [people, setPeople] = useState<readonly Person[]>([]);
  const has = alert.acts?.assigned?.to ?? '';
  const [chosen, setChosen] = useState<string | null>(null);
  useEffect(() => {
    void fetchPeople().then((answer) => answer.ok && setPeople(answer.value.items));
  }, []);
  // Who asks stands first; who has it may be no user any more.
  const sorted = people.toSorted((a, b) => Number(b.isYou) - Number(a.isYou) || (a.name < b.name ? -1 : 1));
  const known = has === '' || people.some(({ name }) => name === has);
  const to = chosen ?? has;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void send({ deed: 'assign', body: { to: to === '' ? null : to } }).then((isDone) => isDone && setChosen(null));
      }}
    >
      <Field label={say('acts.assign')}>
        {(id) => (
          <select id={id} value={to} onChange={(event) => setChosen(event.currentTarget.value)}>
            <option value="">{say('acts.nobody')}</option>
            {!known && <option value={has}>{has}</option>}
            {sorted.map(({ name, isYou }) => (
              <option key={name} value={name}>
                {isYou ? say('acts.you', { name }) : name}
              </option>
            ))}
          </select>
        )}
      </Field>
      <button type="submit" disabled={off || to === has}>
        {say('acts.give')}
      </button>
    </form>
  );
}

function Comment({ off, send }: FormProps) {
  const { say } = useLanguage();
  const [text, setText] = useState('');
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim() === '') return;
        void send({ deed: 'comment', body: { text: text.trim() } }).then((isDone) => isDone && setText(''));
      }}
    >
      <Field label={say('acts.comment')}>
        {(id) => (
          <textarea
            id={id}
            rows={2}
            maxLength={mostComment}
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        )}
      </Field>
      <button type="submit" disabled={off || text.trim() === ''}>
        {say('acts.add-comment')}
      </button>
    </form>
  );
}

function Close({ off, send }: FormProps) {
  const { say } = useLanguage();
  const [cause, setCause] = useState('');
  const [action, setAction] = useState('');
  const [comment, setComment] = useState('');
  const ofCause = closingCauses.find((known) => known === cause);
  const ofAction = closingActions.find((known) => known === action);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (ofCause === undefined || ofAction === undefined) return;
        const more = comment.trim() === '' ? {} : { comment: comment.trim() };
        void send({ deed: 'close', body: { cause: ofCause, action: ofAction, ...more } });
      }}
    >
      <Field label={say('acts.cause')}>
        {(id) => (
          <select id={id} value={cause} onChange={(event) => setCause(event.currentTarget.value)}>
            <option value="">{say('acts.choose')}</option>
            {closingCauses.map((known) => (
              <option key={known} value={known}>
                {say(`acts.cause.${known}`)}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Field label={say('acts.action')}>
        {(id) => (
          <select id={id} value={action} onChange={(event) => setAction(event.currentTarget.value)}>
            <option value="">{say('acts.choose')}</option>
            {closingActions.map((known) => (
              <option key={known} value={known}>
                {say(`acts.action.${known}`)}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Field label={say('acts.close-note')}>
        {(id) => (
          <input
            id={id}
            type="text"
            maxLength={mostComment}
            value={comment}
            onInput={(event) => setComment(event.currentTarget.value)}
          />
        )}
      </Field>
      <button type="submit" disabled={off || ofCause === undefined || ofAction === undefined}>
        {say('acts.close')}
      </button>
    </form>
  );
}
