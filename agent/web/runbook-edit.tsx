/** How an admin changes a runbook of the site: text, preview, save, take back. Fetched when somebody begins to. */
import { useEffect, useId, useState } from 'preact/hooks';
import type { Failure } from './client.ts';
import { languages, useLanguage, type Key, type LanguageCode } from './language.ts';
import { Problem } from './problem.tsx';
import { changeRunbook, fetchRunbook, previewRunbook, type Block, type ShownRunbook } from './runbook-client.ts';
import { answered, choose, chosenIn, draftOf, giveUp, saved, stay, typed } from './runbook-draft.ts';
import { RunbookText } from './runbook-text.tsx';

export interface EditorProps {
  readonly shown: ShownRunbook;
  /** Of the machines it is looked at for. */
  readonly profile: string | undefined;
  readonly csrf: string;
  readonly onChanged: () => void;
  readonly onClose: () => void;
}

const mostLength = 65_536;

export function RunbookEditor({ shown, profile, csrf, onChanged, onClose }: EditorProps) {
  const { say } = useLanguage();
  const { type } = shown;
  const [draft, setDraft] = useState(() =>
    draftOf({ language: shown.language, profile: shown.profile }, shown.markdown),
  );
  const [tree, setTree] = useState<readonly Block[] | null>(null);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Failure | null>(null);
  const [told, setTold] = useState<Key | null>(null);
  const { text: markdown, next } = draft;
  const { language, profile: own } = chosenIn(draft);
  const id = useId();
  const profiles = [...new Set([shown.profile, profile ?? null])].filter((one) => one !== null);

  const start = (): boolean => {
    if (busy) return false;
    setBusy(true);
    setProblem(null);
    setTold(null);
    return true;
  };
  const [wanted, step] = [next?.choice, next?.step];
  useEffect(() => {
    if (wanted === undefined || step !== 'load') return;
    setTree(null);
    setProblem(null);
    void fetchRunbook({ type, language: wanted.language, profile: wanted.profile ?? undefined }).then((answer) => {
      setDraft((before) => answered(before, wanted, answer.ok ? answer.value : null));
      if (!answer.ok) setProblem(answer);
    });
  }, [wanted, step]);
  const preview = async (): Promise<void> => {
    if (!start()) return;
    const answer = await previewRunbook(markdown, csrf);
    setBusy(false);
    if (answer.ok) setTree(answer.value.tree);
    else setProblem(answer);
  };
  const save = async (text: string): Promise<void> => {
    if (!start()) return;
    const answer = await changeRunbook(
      type,
      {
        language: draft.choice.language,
        ...(draft.choice.profile === null ? {} : { profile: draft.choice.profile }),
        markdown: text,
      },
      csrf,
    );
    setBusy(false);
    if (!answer.ok) {
      setProblem(answer);
      return;
    }
    setTold(text === '' ? 'runbooks.taken-back' : 'runbooks.saved');
    const stands = answer.value.runbook?.markdown ?? '';
    setDraft((before) => (text === '' ? draftOf(before.choice, stands) : saved(before, text)));
    onChanged();
  };
  return (
    <form
      class="runbook-edit"
      aria-label={say('runbooks.editor', { title: type })}
      onSubmit={(event) => {
        event.preventDefault();
        if (next === null && markdown.trim() !== '') void save(markdown);
      }}
    >
      <div class="field">
        <label for={`${id}-language`}>{say('runbooks.language')}</label>
        <select
          id={`${id}-language`}
          value={language}
          onChange={(event) => {
            const chosen = event.currentTarget.value as LanguageCode;
            setDraft((before) => choose(before, { language: chosen, profile: own }));
          }}
        >
          {Object.entries(languages).map(([code, { name, locale }]) => (
            <option key={code} value={code} lang={locale}>
              {name}
            </option>
          ))}
        </select>
      </div>
      {profiles.length > 0 && (
        <div class="field">
          <label for={`${id}-profile`}>{say('runbooks.profile')}</label>
          <select
            id={`${id}-profile`}
            value={own ?? ''}
            onChange={(event) => {
              const chosen = event.currentTarget.value === '' ? null : event.currentTarget.value;
              setDraft((before) => choose(before, { language, profile: chosen }));
            }}
          >
            <option value="">{say('runbooks.any-profile')}</option>
            {profiles.map((one) => (
              <option key={one} value={one}>
                {one}
              </option>
            ))}
          </select>
        </div>
      )}
      <div class="field">
        <label for={`${id}-text`}>{say('runbooks.text')}</label>
        <textarea
          id={`${id}-text`}
          rows={14}
          maxLength={mostLength}
          lang={languages[draft.choice.language].locale}
          dir="auto"
          spellcheck={false}
          value={markdown}
          readOnly={step === 'load'}
          onInput={(event) => {
            const { value } = event.currentTarget;
            setDraft((before) => typed(before, value));
          }}
        />
      </div>
      <div role="alert">
        {step === 'ask' && (
          <p class="runbook-deeds">
            <span>{say('runbooks.unsaved')}</span>
            <button type="button" onClick={() => setDraft(giveUp)}>
              {say('runbooks.give-up')}
            </button>
            <button type="button" class="quiet" onClick={() => setDraft(stay)}>
              {say('runbooks.stay')}
            </button>
          </p>
        )}
      </div>
      <p class="runbook-deeds">
        <button type="submit" class="primary" disabled={busy || next !== null || markdown.trim() === ''}>
          {busy ? say('runbooks.saving') : say('runbooks.save')}
        </button>
        <button type="button" class="quiet" disabled={busy} onClick={() => void preview()}>
          {say('runbooks.preview')}
        </button>
        <button type="button" class="quiet" disabled={busy || next !== null} onClick={() => void save('')}>
          {say('runbooks.take-back')}
        </button>
        <button type="button" class="quiet" onClick={onClose}>
          {say('runbooks.close')}
        </button>
      </p>
      <div role="status">{told !== null && <p class="told">{say(told)}</p>}</div>
      <div role="alert">
        <Problem of={problem} />
      </div>
      {tree !== null && (
        <section
          class="runbook-text preview"
          aria-label={say('runbooks.preview')}
          lang={languages[draft.choice.language].locale}
        >
          <RunbookText tree={tree} top={4} />
        </section>
      )}
    </form>
  );
}
