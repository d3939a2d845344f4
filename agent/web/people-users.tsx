/** The users of the page, for an admin. */
import { useEffect, useState } from 'preact/hooks';
import { useLanguage } from './language.ts';
import {
  addPerson,
  endSessions,
  fetchPeople,
  invitePerson,
  lockPerson,
  problemText,
  removePerson,
  roleText,
  setRole,
  type Invitation,
  type PersonView,
  type Role,
} from './people-client.ts';
import { Input, Problem, SureButton, useDeed } from './people-parts.tsx';
import type { Now } from './times.ts';

const roles: readonly Role[] = ['viewer', 'maintainer', 'admin'];

interface Props {
  readonly self: string;
  readonly csrf: string;
  readonly now: Now;
}

/** The link of an invitation: shown once, to be read out, copied or photographed. */
const joinAddress = (token: string): string => `${location.origin}/#join=${token}`;

function Link({ name, made, onGone }: { name: string; made: Invitation; onGone: () => void }) {
  const { say } = useLanguage();
  return (
    <div class="people-link" role="status">
      <p>{say('people.link.text', { name })}</p>
      <code>{joinAddress(made.token)}</code>
      <button type="button" onClick={onGone}>
        {say('people.link.gone')}
      </button>
    </div>
  );
}

export function Users({ self, csrf, now }: Props) {
  const { say } = useLanguage();
  const [items, setItems] = useState<readonly PersonView[] | null>(null);
  const [unread, setUnread] = useState<string | null>(null);
  const [link, setLink] = useState<{ readonly name: string; readonly made: Invitation } | null>(null);
  const load = (): void => {
    void fetchPeople().then((answer) => {
      if (answer.ok) setItems(answer.value.items);
      setUnread(answer.ok ? null : problemText(say, answer));
    });
  };
  useEffect(load, []);
  const invited = (name: string) => (made: Invitation) => {
    setLink({ name, made });
    load();
  };
  return (
    <section aria-labelledby="users-title" class="people-part">
      <h2 id="users-title">{say('people.users')}</h2>
      <Problem text={unread} />
      {link !== null && <Link {...link} onGone={() => setLink(null)} />}
      <ul class="people-list">
        {items?.map((one) => (
          <User
            key={one.name}
            one={one}
            isSelf={one.name === self}
            csrf={csrf}
            now={now}
            onDone={load}
            onLink={invited(one.name)}
          />
        ))}
      </ul>
      <AddUser csrf={csrf} disabled={now.stale} onLink={(name, made) => invited(name)(made)} />
    </section>
  );
}

function User(props: {
  readonly one: PersonView;
  readonly isSelf: boolean;
  readonly csrf: string;
  readonly now: Now;
  readonly onDone: () => void;
  readonly onLink: (made: Invitation) => void;
}) {
  const { one, isSelf, csrf, now, onDone, onLink } = props;
  const { say } = useLanguage();
  const { problem, busy, run } = useDeed();
  const off = busy || now.stale;
  const seen = one.seenMs === null ? say('people.never') : now.time.at(one.seenMs, now.ms);
  const deed = (send: Parameters<typeof run<object>>[0]) => run(send, onDone);
  return (
    <li class="people-row" data-user={one.name}>
      <div>
        <strong>
          <bdi>{one.name}</bdi>
        </strong>{' '}
        <span>{roleText(say, one.role)}</span> {one.isLocked && <span class="tag warn">{say('people.is-locked')}</span>}{' '}
        {one.isInvited && <span class="tag">{say('people.is-invited')}</span>}{' '}
        {one.hasPin && <span class="tag">{say(one.isPinLocked ? 'people.pin-locked' : 'people.has-pin')}</span>}
        <p class="hint">
          {say('people.seen', { at: seen })} · {say('people.open-sessions', { count: one.sessions })}
        </p>
        <Problem text={problem} />
      </div>
      {isSelf ? (
        <span class="tag">{say('people.you')}</span>
      ) : (
        <div class="people-deeds">
          <label>
            <span class="unseen">{say('people.role-of', { name: one.name })}</span>
            <select
              value={one.role}
              disabled={off}
              onChange={(event) => {
                const role = roles.find((known) => known === event.currentTarget.value);
                if (role !== undefined) deed(() => setRole(one.name, role, csrf));
              }}
            >
              {roles.map((role) => (
                <option key={role} value={role}>
                  {roleText(say, role)}
                </option>
              ))}
            </select>
          </label>
          <button type="button" disabled={off} onClick={() => run(() => invitePerson(one.name, csrf), onLink)}>
            {say('people.new-link')} <span class="unseen">{one.name}</span>
          </button>
          <button
            type="button"
            disabled={off || one.sessions === 0}
            onClick={() => deed(() => endSessions(one.name, csrf))}
          >
            {say('people.end-sessions')} <span class="unseen">{one.name}</span>
          </button>
          <button type="button" disabled={off} onClick={() => deed(() => lockPerson(one.name, !one.isLocked, csrf))}>
            {say(one.isLocked ? 'people.unlock' : 'people.lock')} <span class="unseen">{one.name}</span>
          </button>
          <SureButton
            label={say('people.remove')}
            of={one.name}
            disabled={off}
            onSure={() => deed(() => removePerson(one.name, csrf))}
          />
        </div>
      )}
    </li>
  );
}

function AddUser(props: { csrf: string; disabled: boolean; onLink: (name: string, made: Invitation) => void }) {
  const { say } = useLanguage();
  const [name, setName] = useState('');
  const [role, setOwn] = useState<Role>('viewer');
  const { problem, busy, run } = useDeed();
  const submit = (event: Event): void => {
    event.preventDefault();
    const wanted = name.trim();
    run(
      () => addPerson(wanted, role, props.csrf),
      (made) => {
        setName('');
        props.onLink(wanted, made);
      },
    );
  };
  return (
    <form class="people-form" onSubmit={submit}>
      <h3>{say('people.add')}</h3>
      <Input
        label={say('people.name')}
        type="text"
        value={name}
        onValue={setName}
        autoComplete="off"
        hint={say('people.name.hint')}
      />
      <fieldset class="people-roles">
        <legend>{say('people.role')}</legend>
        {roles.map((one) => (
          <label key={one}>
            <input type="radio" name="role" value={one} checked={role === one} onChange={() => setOwn(one)} />
            {roleText(say, one)}
          </label>
        ))}
      </fieldset>
      <Problem text={problem} />
      <button type="submit" class="primary" disabled={busy || props.disabled}>
        {say('people.add')}
      </button>
    </form>
  );
}
