/** Two ways in beside the password: by PIN on a shared tablet, and by the link of an invitation, which sets the first password. */
import { useEffect, useId, useState } from 'preact/hooks';
import type { SessionView } from './client.ts';
import { LanguageChoice } from './language-choice.tsx';
import { useLanguage } from './language.ts';
import { join, pinLogin, tabletHere } from './people-client.ts';
import { Input, Problem, useDeed } from './people-parts.tsx';

interface Props {
  readonly onDone: (session: SessionView) => void;
}

/** Nothing where this device is no shared tablet, or nobody has a PIN. */
export function PinSignIn({ onDone }: Props) {
  const { say } = useLanguage();
  const id = useId();
  const [here, setHere] = useState<{ readonly tablet: string; readonly names: readonly string[] } | null>(null);
  const [name, setName] = useState('');
  const [pin, setPin] = useState('');
  const { problem, busy, run } = useDeed();
  useEffect(() => {
    void tabletHere().then((answer) => {
      if (!answer.ok || answer.value.tablet === null) return;
      const { tablet, names } = answer.value;
      setHere({ tablet, names });
      setName(names[0] ?? '');
    });
  }, []);
  if (here === null) return null;
  if (here.names.length === 0) return <p class="gate-card">{say('people.pin-in.nobody', { tablet: here.tablet })}</p>;
  return (
    <form
      class="gate-card"
      onSubmit={(event) => {
        event.preventDefault();
        const given = pin;
        setPin('');
        run(() => pinLogin(name, given), onDone);
      }}
    >
      <h2>{say('people.pin-in', { tablet: here.tablet })}</h2>
      <div class="field">
        <label for={id}>{say('people.pin-in.who')}</label>
        <select id={id} value={name} onChange={(event) => setName(event.currentTarget.value)}>
          {here.names.map((one) => (
            <option key={one} value={one}>
              {one}
            </option>
          ))}
        </select>
      </div>
      <Input label={say('people.pin-in.pin')} value={pin} onValue={setPin} autoComplete="off" digits />
      <Problem text={problem} />
      <button type="submit" class="primary" disabled={busy}>
        {say('people.pin-in.go')}
      </button>
    </form>
  );
}

/** What the link of an invitation opens. */
export function JoinForm({ token, onDone }: Props & { readonly token: string }) {
  const { say } = useLanguage();
  const [password, setPassword] = useState('');
  const [repeat, setRepeat] = useState('');
  const { problem, busy, run, setProblem } = useDeed();
  return (
    <main class="gate">
      <form
        class="gate-card"
        onSubmit={(event) => {
          event.preventDefault();
          if (password === repeat) run(() => join(token, password), onDone);
          else setProblem({ code: 'differ', waitS: null });
        }}
      >
        <h1>{say('people.join')}</h1>
        <p>{say('people.join.text')}</p>
        <Input
          label={say('people.password.new')}
          value={password}
          onValue={setPassword}
          autoComplete="new-password"
          hint={say('people.password.hint')}
        />
        <Input label={say('people.password.again')} value={repeat} onValue={setRepeat} autoComplete="new-password" />
        <Problem text={problem} />
        <button type="submit" class="primary" disabled={busy}>
          {say('people.join.go')}
        </button>
      </form>
      <LanguageChoice />
    </main>
  );
}
