/** The pages before the floor: a notice, the set-up of the first admin, the sign-in. */
import type { ComponentChildren, ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { login, setUp, type Failure, type SessionView } from './client.ts';
import { Input, useSending } from './form.tsx';
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
  const { problem, busy, run } = useSending<Failure>();
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
      <form
        class="gate-card"
        onSubmit={(event) => {
          event.preventDefault();
          run(() => login(name.trim(), password), onDone);
        }}
      >
        <h1>{say('sign-in.sign-in')}</h1>
        {note !== null && <p>{say(note)}</p>}
        <Input
          id="name"
          label={say('sign-in.user-name')}
          type="text"
          autoComplete="username"
          value={name}
          onValue={setName}
        />
        <Input
          id="password"
          label={say('sign-in.password')}
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
  const { problem, busy, run, setProblem } = useSending<Failure>();
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
      <form
        class="gate-card"
        onSubmit={(event) => {
          event.preventDefault();
          if (password === repeat) run(() => setUp(token, name.trim(), password), onDone);
          else setProblem({ ok: false, status: 400, code: 'passwords-differ', message: '', setupNeeded: true });
        }}
      >
        <h1>{say('sign-in.set-up')}</h1>
        <p>{say('sign-in.first-admin')}</p>
        <Input
          id="name"
          label={say('sign-in.user-name')}
          type="text"
          autoComplete="username"
          value={name}
          onValue={setName}
          hint={say('sign-in.name-hint')}
        />
        <Input
          id="password"
          label={say('sign-in.password')}
          autoComplete="new-password"
          value={password}
          onValue={setPassword}
          hint={say('sign-in.password-hint')}
        />
        <Input
          id="repeat"
          label={say('sign-in.password-again')}
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
