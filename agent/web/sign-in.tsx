/** The pages before the floor: a notice, the set-up of the first admin, the sign-in. */
import type { ComponentChildren, ComponentType } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { login, setUp, type Failure, type Result, type SessionView } from './client.ts';
import { LanguageChoice } from './language-choice.tsx';
import { useLanguage, type Key } from './language.ts';
import { Problem } from './problem.tsx';

export function Notice({ title, text, children }: { title: string; text: string; children?: ComponentChildren }) {
  return (
    <main class="gate">
      <div class="gate-card">
        <h1>{title}</h1>
        <p>{text}</p>
        {children}
        <LanguageChoice />
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
  const [problem, setProblem] = useState<Failure | null>(null);
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
      else setProblem(answer);
    });
  };
  return { problem, busy, submit };
}

function ProblemSlot({ of }: { of: Failure | null }) {
  return (
    <div role="alert" class="problem-slot">
      <Problem of={of} />
    </div>
  );
}

export function SignInForm({ note, onDone }: { note: Key | null; onDone: (session: SessionView) => void }) {
  const { say } = useLanguage();
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
        <h1>{say('sign-in.sign-in')}</h1>
        {note !== null && <p>{say(note)}</p>}
        <Field
          id="name"
          label={say('sign-in.user-name')}
          type="text"
          autoComplete="username"
          value={name}
          onValue={setName}
        />
        <Field
          id="password"
          label={say('sign-in.password')}
          type="password"
          autoComplete="current-password"
          value={password}
          onValue={setPassword}
        />
        <ProblemSlot of={problem} />
        <button type="submit" class="primary" disabled={busy}>
          {busy ? say('sign-in.signing-in') : say('sign-in.sign-in')}
        </button>
        <LanguageChoice />
      </form>
      {PinForm !== null && <PinForm onDone={onDone} />}
    </main>
  );
}

export function SetupForm({ token, onDone }: { token: string | null; onDone: (session: SessionView) => void }) {
  const { say } = useLanguage();
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [repeat, setRepeat] = useState('');
  const { problem, busy, submit } = useSubmit(async () => {
    if (password === repeat) return setUp(token ?? '', name.trim(), password);
    return { ok: false, status: 400, code: 'passwords-differ', message: '', setupNeeded: true };
  }, onDone);
  if (token === null) {
    return (
      <Notice title={say('sign-in.not-set-up')} text={say('sign-in.open-link')}>
        <p>
          {say('sign-in.new-link')} <code>selvedge user setup-link</code>
        </p>
      </Notice>
    );
  }
  return (
    <main class="gate">
      <form class="gate-card" onSubmit={submit}>
        <h1>{say('sign-in.set-up')}</h1>
        <p>{say('sign-in.first-admin')}</p>
        <Field
          id="name"
          label={say('sign-in.user-name')}
          type="text"
          autoComplete="username"
          value={name}
          onValue={setName}
          hint={say('sign-in.name-hint')}
        />
        <Field
          id="password"
          label={say('sign-in.password')}
          type="password"
          autoComplete="new-password"
          value={password}
          onValue={setPassword}
          hint={say('sign-in.password-hint')}
        />
        <Field
          id="repeat"
          label={say('sign-in.password-again')}
          type="password"
          autoComplete="new-password"
          value={repeat}
          onValue={setRepeat}
        />
        <ProblemSlot of={problem} />
        <button type="submit" class="primary" disabled={busy}>
          {busy ? say('sign-in.setting-up') : say('sign-in.create')}
        </button>
        <LanguageChoice />
      </form>
    </main>
  );
}
