/** The navigation between the views of the page, and the view that the address names. */
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { useLanguage } from './language.ts';
import { placeOf, views, type Place, type View, type ViewProps } from './views.ts';

const all: Readonly<Record<string, View>> = views;

export function usePlace(): Place {
  const [place, setPlace] = useState(() => placeOf(location.hash));
  useEffect(() => {
    const onHash = () => setPlace(placeOf(location.hash));
    window.addEventListener('hashchange', onHash);
    return () => window.removeEventListener('hashchange', onHash);
  }, []);
  return place;
}

export function Navigation({ place }: { place: Place }) {
  const { say } = useLanguage();
  const link = (name: string | null, title: string) => (
    <li key={name}>
      <a href={`#/${name ?? ''}`} aria-current={place.view === name ? 'page' : undefined}>
        {title}
      </a>
    </li>
  );
  if (Object.keys(all).length === 0) return null;
  return (
    <nav class="views" aria-label={say('shell.views')}>
      <ul>
        {link(null, say('shell.view.now'))}
        {Object.entries(all).map(([name, { title }]) => link(name, say(title)))}
      </ul>
    </nav>
  );
}

/** Fetches the view and shows it; says so where the gateway does not give it. */
export function ViewHost({ name, ...props }: ViewProps & { readonly name: string }) {
  const { say } = useLanguage();
  const [loaded, setLoaded] = useState<{ name: string; Shown: ComponentType<ViewProps> | null } | null>(null);
  useEffect(() => {
    let wanted = true;
    all[name]?.load().then(
      (Shown) => wanted && setLoaded({ name, Shown }),
      () => wanted && setLoaded({ name, Shown: null }),
    );
    return () => {
      wanted = false;
    };
  }, [name]);
  if (loaded?.name !== name) return <p class="loading">{say('shell.loading')}</p>;
  const { Shown } = loaded;
  return Shown === null ? <p class="problem">{say('shell.not-loaded')}</p> : <Shown {...props} />;
}
