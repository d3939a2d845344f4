/** Who is looking: nobody yet, somebody who sets the page up, somebody who signs in, or a signed-in person. */
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { whoAmI, type SessionView } from './client.ts';
import { Floor } from './floor.tsx';
import { useLanguage, type Key } from './language.ts';
import { Notice, SetupForm, SignInForm } from './sign-in.tsx';

interface JoinProps {
  readonly token: string;
  readonly onDone: (session: SessionView) => void;
}
type Who =
  | { readonly kind: 'asking' }
  | { readonly kind: 'unreachable' }
  | { readonly kind: 'setup'; readonly token: string | null }
  | { readonly kind: 'sign-in'; readonly note: Key | null }
  | { readonly kind: 'join'; readonly token: string; readonly Form: ComponentType<JoinProps> }
  | { readonly kind: 'moved'; readonly to: string }
  | { readonly kind: 'in'; readonly session: SessionView };

/** Takes the token out of the address bar, so that it stays neither in the history nor on a shared screen. */
function takeToken(kind: 'setup' | 'join'): string | null {
  const token = new URLSearchParams(location.hash.slice(1)).get(kind);
  if (token !== null) history.replaceState(null, '', location.pathname);
  return token;
}

export function App() {
  const { say } = useLanguage();
  const [who, setWho] = useState<Who>({ kind: 'asking' });

  const ask = async (token: string | null, note: Key | null = null): Promise<void> => {
    const answer = await whoAmI();
    if (answer.ok) setWho({ kind: 'in', session: answer.value });
    else if (answer.setupNeeded) setWho({ kind: 'setup', token });
    else if (answer.status === 401) setWho({ kind: 'sign-in', note });
    else setWho({ kind: 'unreachable' });
  };
  useEffect(() => {
    const enter = (token: string): void => {
      import('./pin-sign-in.tsx').then(
        ({ JoinForm }) => setWho({ kind: 'join', token, Form: JoinForm }),
        () => setWho({ kind: 'unreachable' }),
      );
    };
    const invitation = takeToken('join');
    if (invitation === null) void ask(takeToken('setup'));
    else enter(invitation);
    const onHash = () => {
      const joining = takeToken('join');
      if (joining !== null) enter(joining);
      const token = takeToken('setup');
      if (token !== null) void ask(token);
    };
    window.addEventListener('hashchange', onHash);
    return () => window.removeEventListener('hashchange', onHash);
  }, []);
  useEffect(() => {
    if (who.kind !== 'unreachable') return undefined;
    const timer = window.setTimeout(() => void ask(null), 3_000);
    return () => window.clearTimeout(timer);
  }, [who]);

  const entered = (session: SessionView) =>
    setWho(session.movedTo === null ? { kind: 'in', session } : { kind: 'moved', to: session.movedTo });

  switch (who.kind) {
    case 'asking':
      return <Notice title="Selvedge" text={say('sign-in.connecting')} />;
    case 'unreachable':
      return <Notice title={say('sign-in.unreachable')} text={say('sign-in.unreachable.text')} />;
    case 'setup':
      return <SetupForm token={who.token} onDone={entered} />;
    case 'sign-in':
      return <SignInForm note={who.note} onDone={entered} />;
    case 'join':
      return <who.Form token={who.token} onDone={entered} />;
    case 'moved':
      return (
        <Notice title={say('sign-in.moved')} text={say('sign-in.moved.text')}>
          <p>
            <a href={who.to}>{who.to}</a>
          </p>
        </Notice>
      );
    case 'in':
      return (
        <Floor key={who.session.user} session={who.session} onSignedOut={(note) => setWho({ kind: 'sign-in', note })} />
      );
  }
}
