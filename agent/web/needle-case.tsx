/** One case of a broken needle: what happened, its pieces to be ticked off, what hinders closing, the second person, and the record. */
import { useRef, useState } from 'preact/hooks';
import { useLanguage } from './language.ts';
import { addFragment, fetchCase, tickFragment, type NeedleCaseView, type Told } from './needle-client.ts';
import { SayForms, SecondForm } from './needle-closing.tsx';
import { useLooks } from './needle-looks.ts';
import {
  actWord,
  hindranceWord,
  isListed,
  pieceRecorded,
  pieceWord,
  rangeLines,
  recordTime,
  usualPieces,
  type At,
} from './needle-words.ts';
import { WithdrawForm } from './needle-withdraw.tsx';
import type { Now } from './times.ts';

interface Props {
  /** Of the case, or of an alert it belongs to. */
  readonly id: string;
  /** null: this person may only look. */
  readonly csrf: string | null;
  readonly site: string;
  readonly now: Now;
  readonly machineName: (id: string) => string;
}
/** Shows what an act made of the case, or why it was refused; true when it was done. */
export type Send = (call: Promise<Told<NeedleCaseView>>) => Promise<boolean>;

export function NeedleCase({ id, csrf, site, now, machineName }: Props) {
  const { say, locale } = useLanguage();
  const { shown, lookProblem, actProblem, busy, send } = useLooks(() => fetchCase(id), now.stale);
  const isSame = lookProblem?.key === actProblem?.key;
  const problems = [actProblem, isSame ? null : lookProblem].filter((problem) => problem !== null);
  // Not on paper: it belongs to this moment and not to the record.
  const problemSlot = (
    <div role="alert" class="on-screen">
      {problems.map((problem) => (
        <p key={problem.key} class="problem">
          {say(problem.key, problem.values)}
        </p>
      ))}
    </div>
  );
  const back = (
    <p class="on-screen">
      <a class="back" href="#/needle-case">
        {say('needles.all')}
      </a>
    </p>
  );
  if (shown === null)
    return (
      <section class="needles">
        {back}
        {problems.length === 0 ? <p class="hint">{say('needles.loading')}</p> : problemSlot}
      </section>
    );
  const at = recordTime(locale, now.time.timeZone);
  const name = machineName(shown.machine);
  const acting =
    csrf === null || shown.closed !== null ? null : { one: shown, csrf, send, disabled: busy || now.stale };
  const hinders = hindranceWord(shown, say);
  return (
    <article class="needles needle-case" aria-labelledby="needle-case-title" data-case={shown.id}>
      {back}
      <p class="record-title">{say('needles.record')}</p>
      <h2 id="needle-case-title">{say('needles.case', { machine: name })}</h2>
      <p class="hint">{say('needles.number', { id: shown.id })}</p>
      <p role="status" class={shown.closed === null ? 'needle-state' : 'needle-state is-closed'}>
        <strong>{say(`needles.state.${shown.state}`)}</strong> {hinders}
      </p>
      {problemSlot}
      <Facts one={shown} site={site} name={name} at={at} timeZone={now.time.timeZone} />
      <Fragments one={shown} at={at} acting={acting} />
      {acting !== null && shown.said === null && <SayForms {...acting} />}
      {acting !== null && shown.said !== null && <SecondForm {...acting} />}
      {csrf === null && <p class="hint on-screen">{say('needles.viewer')}</p>}
      <Signatures one={shown} at={at} />
      <section aria-labelledby="needle-acts">
        <h3 id="needle-acts">{say('needles.acts')}</h3>
        <ol class="needle-acts">
          {shown.acts.map((act, i) => (
            <li key={i}>
              <span class="hint">{at(act.atMs)}</span> <bdi>{actWord(act, shown, say)}</bdi>
            </li>
          ))}
        </ol>
      </section>
      <p class="on-screen">
        <button type="button" onClick={() => window.print()}>
          {say('needles.print')}
        </button>
      </p>
    </article>
  );
}

interface FactsProps {
  readonly one: NeedleCaseView;
  readonly site: string;
  readonly name: string;
  readonly at: At;
  readonly timeZone: string;
}

function Facts({ one, site, name, at, timeZone }: FactsProps) {
  const { say, number } = useLanguage();
  const notes = one.acts.flatMap((act) => ('note' in act && act.note !== null ? [act.note] : []));
  return (
    <dl class="needle-facts">
      <dt>{say('needles.site')}</dt>
      <dd>
        <bdi>{site}</bdi>
      </dd>
      <dt>{say('needles.machine')}</dt>
      <dd>
        <bdi>{name}</bdi> (<bdi>{one.machine}</bdi>)
      </dd>
      <dt>{say('needles.noticed')}</dt>
      <dd>
        {at(one.openedMs)} ({timeZone})
      </dd>
      <dt>{say('needles.told-by')}</dt>
      <dd>
        <bdi>{one.openedBy ?? say('needles.told-by-machine')}</bdi>
      </dd>
      {notes.length > 0 && (
        <>
          <dt>{say('needles.note')}</dt>
          {notes.map((note, i) => (
            <dd key={i}>
              <bdi>{note}</bdi>
            </dd>
          ))}
        </>
      )}
      {one.breaks > 1 && (
        <>
          <dt>{say('needles.breaks')}</dt>
          <dd>{number(one.breaks)}</dd>
        </>
      )}
      <dt>{say('needles.range')}</dt>
      {rangeLines(one, say, at).map((line) => (
        <dd key={line}>{line}</dd>
      ))}
    </dl>
  );
}

export interface Acting {
  readonly one: NeedleCaseView;
  readonly csrf: string;
  readonly send: Send;
  readonly disabled: boolean;
}

function Fragments({ one, at, acting }: { one: NeedleCaseView; at: At; acting: Acting | null }) {
  const { say } = useLanguage();
  return (
    <section aria-labelledby="needle-fragments">
      <h3 id="needle-fragments">{say('needles.fragments')}</h3>
      {one.fragments.length === 0 && <p class="empty">{say('needles.no-fragments')}</p>}
      <ul class="fragments">
        {one.fragments.map((fragment) => (
          <FragmentRow key={fragment.number} fragment={fragment} breaks={one.breaks} at={at} acting={acting} />
        ))}
      </ul>
      {acting !== null && <AddForm {...acting} />}
    </section>
  );
}

interface RowProps {
  readonly fragment: NeedleCaseView['fragments'][number];
  readonly breaks: number;
  readonly at: At;
  readonly acting: Acting | null;
}

function FragmentRow({ fragment, breaks, at, acting }: RowProps) {
  const { say } = useLanguage();
  const { number, tick, ofBreak, withdrawn } = fragment;
  const row = useRef<HTMLLIElement>(null);
  const name = pieceWord(fragment.name, say);
  const [where, setWhere] = useState('');
  const mark = (found: boolean): void => {
    if (acting === null || acting.disabled) return;
    void acting.send(tickFragment(acting.one.id, number, found, where, acting.csrf));
  };
  const ticked = tick === null ? 'needles.not-ticked' : tick.found ? 'needles.found' : 'needles.not-found';
  // That nobody has ticked it asks for nothing any more.
  const word = tick === null && withdrawn !== null ? '' : say(ticked);
  const look = withdrawn !== null ? 'is-withdrawn' : tick?.found === true ? 'is-found' : '';
  return (
    <li class={`fragment ${look}`} data-fragment={number} tabIndex={-1} ref={row}>
      {withdrawn !== null ? (
        <p>
          <del>
            <bdi>{name}</bdi>
          </del>{' '}
          <span class="hint">
            {say('needles.withdrawn')} · {say('needles.by-at', { name: withdrawn.by, time: at(withdrawn.atMs) })} ·{' '}
            <bdi>{withdrawn.reason}</bdi>
          </span>
        </p>
      ) : (
        <label class="tick">
          <input
            type="checkbox"
            checked={tick?.found === true}
            disabled={acting === null || acting.disabled}
            aria-label={say('needles.found-label', { name })}
            onChange={(event) => mark(event.currentTarget.checked)}
          />
          <bdi>{name}</bdi>
        </label>
      )}
      <span class="hint">
        {breaks > 1 && `${say('needles.of-break', { number: ofBreak })} · `}
        {word}
        {tick !== null && ` · ${say('needles.by-at', { name: tick.by, time: at(tick.atMs) })}`}
        {tick !== null && tick.where !== null && (
          <>
            {' · '}
            <bdi>{tick.where}</bdi>
          </>
        )}
      </span>
      {acting !== null && withdrawn === null && tick?.found !== true && (
        <div class="fragment-more on-screen">
          <div class="field">
            <label for={`where-${number}`}>{say('needles.where')}</label>
            <input
              id={`where-${number}`}
              type="text"
              maxLength={200}
              aria-label={say('needles.where-label', { name })}
              value={where}
              onInput={(event) => setWhere(event.currentTarget.value)}
            />
          </div>
          <button
            type="button"
            class="quiet"
            disabled={acting.disabled}
            aria-pressed={tick?.found === false}
            aria-label={say('needles.not-found-label', { name })}
            onClick={() => mark(false)}
          >
            {say('needles.not-found')}
          </button>
        </div>
      )}
      {acting !== null && withdrawn === null && (
        <WithdrawForm {...acting} number={number} name={name} onDone={() => row.current?.focus()} />
      )}
    </li>
  );
}

/** One touch for the usual pieces; words for any other. */
function AddForm({ one, csrf, send, disabled }: Acting) {
  const { say } = useLanguage();
  const [name, setName] = useState('');
  const add = (text: string): void => {
    if (disabled || text.trim() === '') return;
    void send(addFragment(one.id, pieceRecorded(text, say), csrf)).then((done) => done && setName(''));
  };
  return (
    <form
      class="needle-form on-screen"
      onSubmit={(event) => {
        event.preventDefault();
        add(name);
      }}
    >
      <div class="usual" role="group" aria-label={say('needles.add')}>
        {usualPieces.map((piece) => {
          const text = say(`needles.piece.${piece}`);
          return (
            <button key={piece} type="button" disabled={disabled || isListed(piece, one)} onClick={() => add(text)}>
              + {text}
            </button>
          );
        })}
      </div>
      <div class="field">
        <label for="needle-piece">{say('needles.add-name')}</label>
        <input
          id="needle-piece"
          type="text"
          maxLength={60}
          value={name}
          onInput={(event) => setName(event.currentTarget.value)}
        />
      </div>
      <button type="submit" disabled={disabled || name.trim() === ''}>
        {say('needles.add')}
      </button>
    </form>
  );
}

/** Who stands for it; on paper, with room to sign. */
function Signatures({ one, at }: { one: NeedleCaseView; at: At }) {
  const { say } = useLanguage();
  const { said, closed } = one;
  const signed = (who: { readonly by: string; readonly atMs: number } | null) =>
    who === null ? say('needles.not-yet') : say('needles.by-at', { name: who.by, time: at(who.atMs) });
  return (
    <dl class="signatures">
      <div>
        <dt>{say('needles.first')}</dt>
        <dd>{signed(said)}</dd>
        {said?.statement.outcome === 'complete' && <dd>{say('needles.complete')}</dd>}
        {said?.statement.outcome === 'isolated' && (
          <dd>
            {say(`needles.isolated.${said.statement.pieces}`)}: <bdi>{said.statement.text}</bdi>
          </dd>
        )}
      </div>
      <div>
        <dt>{say('needles.second')}</dt>
        <dd>{signed(closed)}</dd>
      </div>
    </dl>
  );
}
