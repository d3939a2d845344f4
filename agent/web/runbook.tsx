/** What to do about an alert: its own short words at once, and the runbook in full when somebody looks. */
import { useEffect, useState } from 'preact/hooks';
import type { ComponentType } from 'preact';
import type { Failure } from './client.ts';
import { alertTitle } from './alert-title.ts';
import type { Alert } from './floor-state.ts';
import { languages, useLanguage } from './language.ts';
import { Problem } from './problem.tsx';
import { fetchRunbook, type Block, type RunbookOrigin, type ShownRunbook } from './runbook-client.ts';
import type { EditorProps } from './runbook-edit.tsx';
import { RunbookText } from './runbook-text.tsx';

interface Props {
  readonly type: string;
  readonly machine?: string;
  readonly profile?: string;
  /** Level of the heading that the title becomes. */
  readonly top: 2 | 3;
  /** The heading it stands under: a title that says the same is left out. */
  readonly under: string | null;
  readonly csrf: string | null;
  /** What is shown while it is fetched, and where there is none. */
  readonly meanwhile: string | null;
}

function below(heading: string | null, tree: readonly Block[]): readonly Block[] {
  const [first, ...others] = tree;
  if (first?.kind !== 'heading') return tree;
  const [words, ...more] = first.children;
  return more.length === 0 && words?.kind === 'text' && words.text === heading ? others : tree;
}

/** The disclosure of an alert. */
export function RunbookOfAlert(props: {
  readonly alert: Alert;
  readonly text: string;
  /** Whether it is open at first: what a person opened or reads stays open when the alert is acknowledged. */
  readonly open: boolean;
  readonly csrf: string | null;
}) {
  const { alert, text, csrf } = props;
  const { type, machine } = alert;
  const language = useLanguage();
  const { say } = language;
  const [isOpen, setOpen] = useState(props.open);
  return (
    <details class="runbook" open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{say('runbooks.what-to-do')}</summary>
      {isOpen ? (
        <RunbookShown
          type={type}
          machine={machine}
          csrf={csrf}
          meanwhile={text}
          top={3}
          under={alertTitle(alert, language)}
        />
      ) : (
        <p dir="auto">{text}</p>
      )}
    </details>
  );
}

/** A runbook in the language of the page, and for an admin the way to change it. */
export function RunbookShown({ type, machine, profile, top, under, csrf, meanwhile }: Props) {
  const { say, code } = useLanguage();
  const [found, setFound] = useState<ShownRunbook | null>(null);
  const [problem, setProblem] = useState<Failure | null>(null);
  const [from, setFrom] = useState<RunbookOrigin | undefined>(undefined);
  const [Editor, setEditor] = useState<ComponentType<EditorProps> | null>(null);
  const [version, setVersion] = useState(0);
  useEffect(() => {
    let wanted = true;
    void fetchRunbook({ type, machine, profile, language: code, from }).then((answer) => {
      if (!wanted) return;
      // What somebody reads or edits stays when it cannot be read again; where there is none any more it goes.
      if (answer.ok || answer.status === 404) setFound(answer.ok ? answer.value : null);
      setProblem(answer.ok ? null : answer);
    });
    return () => {
      wanted = false;
    };
  }, [type, machine, profile, code, from, version]);
  if (found === null) {
    if (meanwhile !== null) return <p dir="auto">{meanwhile}</p>;
    return problem === null ? <p class="loading">{say('runbooks.loading')}</p> : <Problem of={problem} />;
  }
  const edit = (): void =>
    void import('./runbook-edit.tsx').then(({ RunbookEditor }) => setEditor(() => RunbookEditor));
  return (
    <>
      <Problem of={problem} />
      <div class="runbook-text" lang={languages[found.language].locale} dir="auto">
        <RunbookText tree={below(under, found.tree)} top={top} />
      </div>
      {meanwhile !== null && (
        <p class="hint">
          {say('runbooks.rule-says')} <bdi>{meanwhile}</bdi>
        </p>
      )}
      <p class="hint runbook-facts">
        <span>{say(found.from === 'site' ? 'runbooks.of-site' : 'runbooks.shipped')}</span>
        {found.profile !== null && <span>{say('runbooks.for-profile', { profile: found.profile })}</span>}
        {found.language !== code && (
          <span>{say('runbooks.other-language', { language: languages[found.language].name })}</span>
        )}
      </p>
      <p class="runbook-deeds">
        {found.language !== code && found.from === 'site' && (
          <button type="button" class="quiet" onClick={() => setFrom('shipped')}>
            {say('runbooks.show-shipped')}
          </button>
        )}
        {from === 'shipped' && (
          <button type="button" class="quiet" onClick={() => setFrom(undefined)}>
            {say('runbooks.show-site')}
          </button>
        )}
        {found.editable && csrf !== null && Editor === null && (
          <button type="button" class="quiet" onClick={edit}>
            {say('runbooks.edit')}
          </button>
        )}
      </p>
      {Editor !== null && csrf !== null && (
        <Editor
          shown={found}
          profile={profile}
          csrf={csrf}
          onChanged={() => setVersion((before) => before + 1)}
          onClose={() => setEditor(null)}
        />
      )}
    </>
  );
}
