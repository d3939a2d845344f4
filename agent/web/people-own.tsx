/** The own account: sessions, password, PIN for shared tablets. */
import { useEffect, useState } from 'preact/hooks';
import { useLanguage } from './language.ts';
import { changePassword, dropPin, endOwnSession, fetchMe, problemText, setPin, type MeView } from './people-client.ts';
import { Input, Problem, useDeed } from './people-parts.tsx';
import type { Now } from './times.ts';

interface Props {
  readonly csrf: string;
  readonly now: Now;
  /** The session was opened anew: the page takes its new token. */
  readonly onAnew: () => void;
}

export function OwnAccount({ csrf, now, onAnew }: Props) {
  const { say } = useLanguage();
  const [me, setMe] = useState<MeView | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const load = (): void => {
    void fetchMe().then((answer) => {
      if (answer.ok) setMe(answer.value);
      setProblem(answer.ok ? null : problemText(say, answer));
    });
  };
  useEffect(load, []);
  return (
    <section aria-labelledby="own-title" class="people-part">
      <h2 id="own-title">{say('people.own')}</h2>
      <Problem text={problem} />
      {me !== null && (
        <>
          <OwnSessions me={me} csrf={csrf} now={now} onDone={load} />
          <OwnPassword csrf={csrf} onDone={onAnew} />
          {me.role !== 'admin' && <OwnPin me={me} csrf={csrf} onDone={load} />}
        </>
      )}
    </section>
  );
}

function OwnSessions(props: { me: MeView; csrf: string; now: Now; onDone: () => void }) {
  const { me, csrf, now, onDone } = props;
  const { say } = useLanguage();
  const { problem, busy, run } = useDeed();
  return (
    <>
      <h3>{say('people.sessions')}</h3>
      <Problem text={problem} />
      <ul class="people-list">
        {me.sessions.map((one) => {
          const at = now.time.at(one.createdMs, now.ms);
          return (
            <li key={one.id} class="people-row">
              <span>
                {say(one.by === 'pin' ? 'people.session.by-pin' : 'people.session.by-password', { at })}
                {one.tablet === null ? '' : ` · ${one.tablet}`}
                {one.address === '' ? '' : ` · ${one.address}`} ·{' '}
                {say('people.session.seen', { at: now.time.at(one.seenMs, now.ms) })}
              </span>
              {one.isThis ? (
                <span class="tag">{say('people.session.this')}</span>
              ) : (
                <button
                  type="button"
                  disabled={busy || now.stale}
                  onClick={() => run(() => endOwnSession(one.id, csrf), onDone)}
                >
                  {say('people.session.end')} <span class="unseen">{at}</span>
                </button>
              )}
            </li>
          );
        })}
      </ul>
    </>
  );
}

function OwnPassword({ csrf, onDone }: { csrf: string; onDone: () => void }) {
  const { say } = useLanguage();
  const [old, setOld] = useState('');
  const [password, setPassword] = useState('');
  const [repeat, setRepeat] = useState('');
  const { problem, busy, run, setProblem } = useDeed();
  const submit = (event: Event): void => {
    event.preventDefault();
    if (password === repeat) run(() => changePassword(old, password, csrf), onDone);
    else setProblem({ code: 'differ', waitS: null });
  };
  return (
    <details>
      <summary>{say('people.password.change')}</summary>
      <form class="people-form" onSubmit={submit}>
        <Input label={say('people.password.old')} value={old} onValue={setOld} autoComplete="current-password" />
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
          {say('people.password.change')}
        </button>
      </form>
    </details>
  );
}

function OwnPin({ me, csrf, onDone }: { me: MeView; csrf: string; onDone: () => void }) {
  const { say } = useLanguage();
  const [password, setPassword] = useState('');
  const [pin, setOwn] = useState('');
  const [isSet, setIsSet] = useState(false);
  const { problem, busy, run } = useDeed();
  const done = (set: boolean) => () => {
    setPassword('');
    setOwn('');
    setIsSet(set);
    onDone();
  };
  return (
    <details>
      <summary>{say('people.pin')}</summary>
      <p>{say(me.isPinLocked ? 'people.pin.locked' : me.hasPin ? 'people.pin.has' : 'people.pin.none')}</p>
      <form
        class="people-form"
        onSubmit={(event) => {
          event.preventDefault();
          run(() => setPin(password, pin, csrf), done(true));
        }}
      >
        <Input
          label={say('people.password.own')}
          value={password}
          onValue={setPassword}
          autoComplete="current-password"
        />
        <Input
          label={say('people.pin.new')}
          value={pin}
          onValue={setOwn}
          autoComplete="off"
          hint={say('people.pin.hint')}
          digits
        />
        <Problem text={problem} />
        <p role="status">{isSet ? say('people.pin.set-done') : ''}</p>
        <button type="submit" class="primary" disabled={busy}>
          {say('people.pin.set')}
        </button>
        {me.hasPin && (
          <button type="button" disabled={busy} onClick={() => run(() => dropPin(csrf), done(false))}>
            {say('people.pin.remove')}
          </button>
        )}
      </form>
    </details>
  );
}
