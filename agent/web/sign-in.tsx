/** The pages before the floor: a notice, the set-up of the first admin, the sign-in. */
import type { ComponentChildren, ComponentType } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { login, setUp, type Result, type SessionView } from './client.ts';

export function Notice({ title, text, children }: { title: string; text: string; children?: ComponentChildren }) {
  return (
    <main class="gate">
      <div class="gate-card">
        <h1>{title}</h1>
        <p>{text}</p>
        {children}
      </div>
    </main>
  );
}

interface FieldProps {
  readonly id: string;
  readonly label: string;
  readonly type: 'text' | 'password';
  readonly autoComplete: string;
  readonly value: string;
  readonly onValue: (value: string) => void;
  readonly hint?: string;
}
function Field({ id, label, type, autoComplete, value, onValue, hint }: FieldProps) {
  const input = {
    id,
    value,
    autoComplete,
    autoCapitalize: 'none',
    spellcheck: false,
    required: true,
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

/** Runs `send` on submit, shows its refusal where a screen reader hears it, and never sends twice. */
function useSubmit(send: () => Promise<Result<SessionView>>, onDone: (session: SessionView) => void) {
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const sending = useRef(false);
  const submit = (event: Event): void => {
    event.preventDefault();
    if (sending.current) return;
    sending.current = true;
    setBusy(true);
    setProblem(null);
    void send().then((answer) => {
      sending.current = false;
      setBusy(false);
      if (answer.ok) onDone(answer.value);
      else setProblem(answer.message);
    });
  };
  return { problem, busy, submit, setProblem };
}

function Problem({ text }: { text: string | null }) {
  return (
    <div role="alert" class="problem-slot">
      {text !== null && <p class="problem">{text}</p>}
    </div>
  );
}

export function SignInForm({ note, onDone }: { note: string | null; onDone: (session: SessionView) => void }) {
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const { problem, busy, submit } = useSubmit(() => login(name.trim(), password), onDone);
  const [PinForm, setPinForm] = useState<ComponentType<{ onDone: (session: SessionView) => void }> | null>(null);
  useEffect(() => {
    // Without it the password still opens the page.
    import('./pin-sign-in.tsx').then(
      ({ PinSignIn }) => setPinForm(() => PinSignIn),
      () => undefined,
    );
  }, []);
  return (
    <main class="gate">
      <form class="gate-card" onSubmit={submit}>
        <h1>Sign in</h1>
        {note !== null && <p>{note}</p>}
        <Field id="name" label="User name" type="text" autoComplete="username" value={name} onValue={setName} />
        <Field
          id="password"
          label="Password"
          type="password"
          autoComplete="current-password"
          value={password}
          onValue={setPassword}
        />
        <Problem text={problem} />
        <button type="submit" class="primary" disabled={busy}>
          {busy ? 'Signing in…' : 'Sign in'}
        </button>
      </form>
      {PinForm !== null && <PinForm onDone={onDone} />}
    </main>
  );
}

export function SetupForm({ token, onDone }: { token: string | null; onDone: (session: SessionView) => void }) {
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [repeat, setRepeat] = useState('');
  const { problem, busy, submit } = useSubmit(async () => {
    if (password === repeat) return setUp(token ?? '', name.trim(), password);
    return { ok: false, status: 400, message: 'The two passwords differ.', setupNeeded: true };
  }, onDone);
  if (token === null) {
    return (
      <Notice
        title="This page is not set up yet"
        text="Open the set-up link that the agent printed in its terminal. It works once, for 15 minutes, on this computer."
      >
        <p>
          For a new link run <code>selvedge user setup-link</code>.
        </p>
      </Notice>
    );
  }
  return (
    <main class="gate">
      <form class="gate-card" onSubmit={submit}>
        <h1>Set up this page</h1>
        <p>Make the first administrator of this gateway.</p>
        <Field
          id="name"
          label="User name"
          type="text"
          autoComplete="username"
          value={name}
          onValue={setName}
          hint="2 to 40 of a–z, 0–9, dot, dash and underscore"
        />
        <Field
          id="password"
          label="Password"
          type="password"
          autoComplete="new-password"
          value={password}
          onValue={setPassword}
          hint="At least 10 characters; a short sentence is good"
        />
        <Field
          id="repeat"
          label="Password again"
          type="password"
          autoComplete="new-password"
          value={repeat}
          onValue={setRepeat}
        />
        <Problem text={problem} />
        <button type="submit" class="primary" disabled={busy}>
          {busy ? 'Setting up…' : 'Create administrator'}
        </button>
      </form>
    </main>
  );
}
