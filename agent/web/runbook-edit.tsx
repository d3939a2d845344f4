/** How an admin changes a runbook of the site: text, preview, save, take back. Fetched when somebody begins to. */
import { useId, useState } from 'preact/hooks';
import { languages, useLanguage, type LanguageCode } from './language.ts';
import { changeRunbook, fetchRunbook, previewRunbook, type Block, type ShownRunbook } from './runbook-client.ts';
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
  const [language, setLanguage] = useState<LanguageCode>(shown.language);
  const [own, setOwn] = useState<string | null>(shown.profile);
  const [markdown, setMarkdown] = useState(shown.markdown);
  const [tree, setTree] = useState<readonly Block[] | null>(null);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const [told, setTold] = useState<string | null>(null);
  const id = useId();
  const profiles = [...new Set([shown.profile, profile ?? null])].filter((one) => one !== null);

  const start = (): boolean => {
    if (busy) return false;
    setBusy(true);
    setProblem(null);
    setTold(null);
    return true;
  };
  const choose = (chosen: LanguageCode): void => {
    setLanguage(chosen);
    setTree(null);
    void fetchRunbook({ type, language: chosen, profile: own ?? undefined }).then((answer) => {
      // Where nobody wrote it in that language, the text that is here is what is translated.
      if (answer.ok && answer.value.language === chosen) setMarkdown(answer.value.markdown);
    });
  };
  const preview = async (): Promise<void> => {
    if (!start()) return;
    const answer = await previewRunbook(markdown, csrf);
    setBusy(false);
    if (answer.ok) setTree(answer.value.tree);
    else setProblem(answer.message);
  };
  const save = async (text: string): Promise<void> => {
    if (!start()) return;
    const answer = await changeRunbook(
      type,
      { language, ...(own === null ? {} : { profile: own }), markdown: text },
      csrf,
    );
    setBusy(false);
    if (!answer.ok) {
      setProblem(answer.message);
      return;
    }
    setTold(say(text === '' ? 'runbooks.taken-back' : 'runbooks.saved'));
    if (text === '') setMarkdown(answer.value.runbook?.markdown ?? '');
    onChanged();
  };
  return (
    <form
      class="runbook-edit"
      aria-label={say('runbooks.editor', { title: type })}
      onSubmit={(event) => {
        event.preventDefault();
        if (markdown.trim() !== '') void save(markdown);
      }}
    >
      <div class="field">
        <label for={`${id}-language`}>{say('runbooks.language')}</label>
        <select
          id={`${id}-language`}
          value={language}
          onChange={(event) => choose(event.currentTarget.value as LanguageCode)}
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
            onChange={(event) => setOwn(event.currentTarget.value === '' ? null : event.currentTarget.value)}
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
          lang={languages[language].locale}
          dir="auto"
          spellcheck={false}
          value={markdown}
          onInput={(event) => setMarkdown(event.currentTarget.value)}
        />
      </div>
      <p class="runbook-deeds">
        <button type="submit" class="primary" disabled={busy || markdown.trim() === ''}>
          {busy ? say('runbooks.saving') : say('runbooks.save')}
        </button>
        <button type="button" class="quiet" disabled={busy} onClick={() => void preview()}>
          {say('runbooks.preview')}
        </button>
        <button type="button" class="quiet" disabled={busy} onClick={() => void save('')}>
          {say('runbooks.take-back')}
        </button>
        <button type="button" class="quiet" onClick={onClose}>
          {say('runbooks.close')}
        </button>
      </p>
      <div role="status">{told !== null && <p class="told">{told}</p>}</div>
      <div role="alert">{problem !== null && <p class="problem">{problem}</p>}</div>
      {tree !== null && (
        <section class="runbook-text preview" aria-label={say('runbooks.preview')} lang={languages[language].locale}>
          <RunbookText tree={tree} top={4} />
        </section>
      )}
    </form>
  );
}
