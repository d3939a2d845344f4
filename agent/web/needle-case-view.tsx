/** The cases of needles that broke: the list of them, or the one that the address names. */
import { useState } from 'preact/hooks';
import { useLanguage } from './language.ts';
import { NeedleCase } from './needle-case.tsx';
import { fetchCases, openCase, type NeedleCaseView, type Problem, type Told } from './needle-client.ts';
import { useLooks } from './needle-looks.ts';
import { recordTime } from './needle-words.ts';
import type { ViewProps } from './views.ts';

/** Who may act has a token for it. */
const csrfOf = ({ session }: ViewProps): string | null => (session.role === 'viewer' ? null : session.csrf);

export function NeedleCasePage(props: ViewProps) {
  const { of, now, machineName, session } = props;
  if (of === null) return <Cases {...props} />;
  const { site } = session;
  return <NeedleCase key={of} id={of} csrf={csrfOf(props)} site={site.name} now={now} machineName={machineName} />;
}

interface Both {
  readonly open: readonly NeedleCaseView[];
  readonly closed: readonly NeedleCaseView[];
}
async function fetchBoth(): Promise<Told<Both>> {
  const [open, closed] = await Promise.all([fetchCases('open'), fetchCases('closed')]);
  if (!open.ok) return open;
  if (!closed.ok) return closed;
  return { ok: true, value: { open: open.value.items, closed: closed.value.items } };
}

function Cases(props: ViewProps) {
  const { now, machineName } = props;
  const { say, locale } = useLanguage();
  const { shown: cases, lookProblem: problem } = useLooks(fetchBoth, now.stale);
  const at = recordTime(locale, now.time.timeZone);
  const list = (items: readonly NeedleCaseView[]) => (
    <ul class="needle-cases">
      {items.map((one) => (
        <li key={one.id}>
          <a href={`#/needle-case/${encodeURIComponent(one.id)}`}>
            <strong>{machineName(one.machine)}</strong>
            <span>{at(one.openedMs)}</span>
            <span class={`tag ${one.closed === null ? 'warn' : ''}`}>{say(`needles.state.${one.state}`)}</span>
          </a>
        </li>
      ))}
    </ul>
  );
  const csrf = csrfOf(props);
  return (
    <section class="needles" aria-labelledby="needles-title">
      <h2 id="needles-title">{say('needles.title')}</h2>
      <div role="alert">{problem !== null && <p class="problem">{say(problem.key, problem.values)}</p>}</div>
      {cases === null && problem === null && <p class="hint">{say('needles.loading')}</p>}
      {cases !== null && (
        <>
          <h3>{say('needles.open-cases')}</h3>
          {cases.open.length === 0 ? <p class="empty">{say('needles.no-open')}</p> : list(cases.open)}
        </>
      )}
      {csrf === null ? <p class="hint">{say('needles.viewer')}</p> : <OpenForm {...props} csrf={csrf} />}
      {cases !== null && (
        <>
          <h3>{say('needles.closed-cases')}</h3>
          {cases.closed.length === 0 ? <p class="empty">{say('needles.no-closed')}</p> : list(cases.closed)}
          <p class="hint">{say('needles.kept')}</p>
        </>
      )}
    </section>
  );
}

/** For machines that do not notice, and for who finds a broken needle. */
function OpenForm({ floor, machineName, csrf, now }: ViewProps & { readonly csrf: string }) {
  const { say } = useLanguage();
  const [machine, setMachine] = useState('');
  const [note, setNote] = useState('');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const isReady = !busy && machine !== '' && !now.stale;
  return (
    <details>
      <summary>{say('needles.hand')}</summary>
      <form
        class="needle-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (!isReady) return;
          setBusy(true);
          void openCase(machine, note, csrf).then((answer) => {
            setBusy(false);
            setProblem(answer.ok ? null : answer.problem);
            if (answer.ok) location.hash = `#/needle-case/${encodeURIComponent(answer.value.id)}`;
          });
        }}
      >
        <div class="field">
          <label for="needle-machine">{say('needles.machine')}</label>
          <select id="needle-machine" value={machine} onChange={(event) => setMachine(event.currentTarget.value)}>
            <option value="" />
            {floor.machines.map(({ id }) => (
              <option key={id} value={id}>
                {machineName(id)}
              </option>
            ))}
          </select>
        </div>
        <div class="field">
          <label for="needle-note">{say('needles.hand.note')}</label>
          <input
            id="needle-note"
            type="text"
            maxLength={500}
            value={note}
            onInput={(event) => setNote(event.currentTarget.value)}
          />
        </div>
        <button type="submit" class="primary" disabled={!isReady}>
          {busy ? say('needles.sending') : say('needles.hand.button')}
        </button>
        <div role="alert">{problem !== null && <p class="problem">{say(problem.key, problem.values)}</p>}</div>
      </form>
    </details>
  );
}
