/** What forms are made of that ask for a name, a password or a PIN. */
import { useId, useRef, useState } from 'preact/hooks';

interface InputProps {
  readonly label: string;
  readonly type?: 'text' | 'password';
  readonly value: string;
  readonly onValue: (value: string) => void;
  readonly autoComplete: string;
  readonly hint?: string;
  /** A keyboard of digits. */
  readonly digits?: boolean;
  /** By which a password manager knows it; absent: one of its own. */
  readonly id?: string;
}

export function Input({ label, type = 'password', value, onValue, autoComplete, hint, ...more }: InputProps) {
  const own = useId();
  const id = more.id ?? own;
  const input = {
    id,
    value,
    autoComplete,
    autoCapitalize: 'none',
    spellcheck: false,
    required: true,
    inputMode: more.digits === true ? 'numeric' : undefined,
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

type Answer<T, F> = { readonly ok: true; readonly value: T } | ({ readonly ok: false } & F);

/** Sends once at a time, and keeps what was refused until the next. */
export function useSending<F>() {
  const [problem, setProblem] = useState<F | null>(null);
  const [busy, setBusy] = useState(false);
  const sending = useRef(false);
  const run = <T,>(send: () => Promise<Answer<T, F>>, onDone: (value: T) => void): void => {
    if (sending.current) return;
    sending.current = true;
    setBusy(true);
    setProblem(null);
    void send().then((answer) => {
      sending.current = false;
      setBusy(false);
      if (answer.ok) onDone(answer.value);
      else setProblem(answer);
    });
  };
  return { problem, busy, run, setProblem };
}
