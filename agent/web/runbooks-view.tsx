/** All runbooks: a list, and one of them in full (`#/runbooks/TYPE` or `#/runbooks/TYPE.PROFILE`). */
import { useEffect, useState } from 'preact/hooks';
import type { Failure } from './client.ts';
import { languages, useLanguage } from './language.ts';
import { Problem } from './problem.tsx';
import { fetchRunbooks, type RunbookListed } from './runbook-client.ts';
import { RunbookShown } from './runbook.tsx';
import type { ViewProps } from './views.ts';

export function RunbooksView({ session, of }: ViewProps) {
  const { say } = useLanguage();
  if (of === null) return <RunbookList />;
  const [type = '', profile] = of.split('.');
  return (
    <section class="runbooks" aria-label={say('runbooks.title')}>
      <p>
        <a class="back" href="#/runbooks">
          {say('runbooks.all')}
        </a>
      </p>
      <RunbookShown
        key={of}
        type={type}
        {...(profile === undefined ? {} : { profile })}
        top={2}
        under={null}
        csrf={session.csrf}
        meanwhile={null}
      />
    </section>
  );
}

function RunbookList() {
  const { say, code } = useLanguage();
  const [items, setItems] = useState<readonly RunbookListed[] | null>(null);
  const [problem, setProblem] = useState<Failure | null>(null);
  useEffect(() => {
    let wanted = true;
    void fetchRunbooks(code).then((answer) => {
      if (!wanted) return;
      setItems(answer.ok ? answer.value.items : []);
      setProblem(answer.ok ? null : answer);
    });
    return () => {
      wanted = false;
    };
  }, [code]);
  return (
    <section class="runbooks" aria-labelledby="runbooks-title">
      <h2 id="runbooks-title">{say('runbooks.title')}</h2>
      <p class="hint">{say('runbooks.hint')}</p>
      {items === null && <p class="loading">{say('runbooks.loading')}</p>}
      <div role="alert">
        <Problem of={problem} />
      </div>
      <ul>
        {(items ?? []).map((one) => (
          <RunbookLine key={keyOf(one)} one={one} />
        ))}
      </ul>
    </section>
  );
}

const keyOf = ({ type, profile }: RunbookListed): string => (profile === null ? type : `${type}.${profile}`);

function RunbookLine({ one }: { one: RunbookListed }) {
  const { say } = useLanguage();
  return (
    <li>
      <a href={`#/runbooks/${encodeURIComponent(keyOf(one))}`} dir="auto">
        {one.title ?? one.type}
      </a>
      {one.profile !== null && <span class="tag">{one.profile}</span>}
      {one.languages.some(({ from }) => from === 'site') && <span class="tag">{say('runbooks.of-site')}</span>}
      <span class="hint">
        {one.languages.map(({ language }) => (
          <span key={language} lang={languages[language].locale}>
            {languages[language].name}{' '}
          </span>
        ))}
      </span>
    </li>
  );
}
