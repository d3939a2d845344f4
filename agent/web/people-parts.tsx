/** What the forms about people are made of. */
import { useId, useRef, useState } from 'preact/hooks';
import { useLanguage } from './language.ts';
import { problemText, type Told } from './people-client.ts';

interface InputProps {
  readonly label: string;
  readonly type?: 'text' | 'password';
  readonly value: string;
  readonly onValue: (value: string) => void;
  readonly autoComplete: string;
  readonly hint?: string;
  /** A keyboard of digits. */
  readonly digits?: boolean;
}

export function Input({ label, type = 'password', value, onValue, autoComplete, hint, digits = false }: InputProps) {
  const id = useId();
  const input = {
    id,
    value,
    autoComplete,
    autoCapitalize: 'none',
    spellcheck: false,
    required: true,
    inputMode: digits ? 'numeric' : undefined,
    'aria-describedby': hint === undefined ? undefined : `${id}-hint`,
    onInput: (event: { readonly currentTarget: HTMLInputElement }) => onValue(event.currentTarget.value),
  } as const;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {type === 'password' ? <input type="password" {...input} /> : <input type="text" {...input} />}
      {hint !== undefined && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

/** Sends once at a time; keeps what was refused, in the language of the page. */
export function useDeed() {
  const { say } = useLanguage();
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const sending = useRef(false);
  const run = <T,>(send: () => Promise<Told<T>>, onDone: (value: T) => void): void => {
    if (sending.current) return;
    sending.current = true;
    setBusy(true);
    setProblem(null);
    void send().then((answer) => {
      sending.current = false;
      setBusy(false);
      if (answer.ok) onDone(answer.value);
      else setProblem(problemText(say, answer));
    });
  };
  return { problem, busy, run, setProblem };
}

export function Problem({ text }: { readonly text: string | null }) {
  return (
    <div role="alert" class="problem-slot">
      {text !== null && <p class="problem">{text}</p>}
    </div>
  );
}

/** A button that asks once more before it does what cannot be taken back. */
export function SureButton(props: {
  readonly label: string;
  readonly of: string;
  readonly disabled: boolean;
  readonly onSure: () => void;
}) {
  const { say } = useLanguage();
  const [asked, setAsked] = useState(false);
  if (!asked) {
    return (
      <button type="button" disabled={props.disabled} onClick={() => setAsked(true)}>
        {props.label} <span class="unseen">{props.of}</span>
      </button>
    );
  }
  return (
    <span class="people-sure">
      <button
        type="button"
        class="primary"
        disabled={props.disabled}
        onClick={() => {
          setAsked(false);
          props.onSure();
        }}
      >
        {say('people.sure', { what: props.label })} <span class="unseen">{props.of}</span>
      </button>
      <button type="button" class="quiet" onClick={() => setAsked(false)}>
        {say('people.cancel')}
      </button>
    </span>
  );
}
