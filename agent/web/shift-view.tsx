/** One shift of the site, on the screen and on paper: of each machine time by state, stops by cause, counters, defects. */
import { useEffect, useState } from 'preact/hooks';
import type { MachineView } from '../live.ts';
import type { MachineShiftView, ShiftView as Shift } from '../page/shift.ts';
import type { NamedShift } from '../time/shift-around.ts';
import { ask, type Failure } from './client.ts';
import { groupsOf } from './floor-groups.ts';
import { StateIcon } from './icons.tsx';
import { useLanguage } from './language.ts';
import { Problem } from './problem.tsx';
import { momentOf, shownOf, stateShares } from './shift-figures.ts';
import type { Now } from './times.ts';
import type { ViewProps } from './views.ts';
import { useWords } from './view-words.ts';

const everyMs = 15_000;
/** While not all is added up. */
const onceMoreMs = 1_500;

const query = (atMs: number | null): string => (atMs === null ? '' : `?at=${atMs}`);

/** The shift of that moment, asked for again and again while the page is live; null before the first answer. */
function useShift(
  atMs: number | null,
  stale: boolean,
): { readonly shift: Shift | null; readonly problem: Failure | null } {
  const [known, setKnown] = useState<{ readonly atMs: number | null; readonly shift: Shift } | null>(null);
  const [problem, setProblem] = useState<Failure | null>(null);
  useEffect(() => {
    if (stale) return undefined;
    let timer: number | undefined;
    let gone = false;
    const load = async (): Promise<void> => {
      const answer = await ask<Shift>(`/api/shift${query(atMs)}`);
      if (gone) return;
      setProblem(answer.ok ? null : answer);
      if (answer.ok) setKnown({ atMs, shift: answer.value });
      timer = window.setTimeout(() => void load(), answer.ok && !answer.value.isWhole ? onceMoreMs : everyMs);
    };
    void load();
    return () => {
      gone = true;
      window.clearTimeout(timer);
    };
  }, [atMs, stale]);
  return { shift: known !== null && known.atMs === atMs ? known.shift : null, problem };
}

export function ShiftView({ floor, now, of }: ViewProps) {
  const { say } = useLanguage();
  const atMs = momentOf(of);
  const { shift, problem } = useShift(atMs, now.stale);
  return (
    <section class="shift-view" aria-labelledby="shift-title">
      {shift === null ? <h2 id="shift-title">{say('shift.title')}</h2> : <Head shift={shift} atMs={atMs} now={now} />}
      <Problem of={problem} />
      {shift === null && problem === null && <p class="loading">{say('shift.adding-up')}</p>}
      {shift !== null && <Machines shift={shift} machines={floor.machines} />}
    </section>
  );
}

function Head({ shift, atMs, now }: { readonly shift: Shift; readonly atMs: number | null; readonly now: Now }) {
  const { say, locale } = useLanguage();
  const { timeZone } = now.time;
  const format = new Intl.DateTimeFormat(locale, {
    timeZone,
    weekday: 'short',
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  const { name, fromMs, toMs } = shift.shift;
  const link = (to: NamedShift | null, key: 'shift.previous' | 'shift.next') =>
    to !== null && (
      <a class="button-link" href={`#/shift/${to.fromMs}`}>
        {say(key)}
      </a>
    );
  return (
    <>
      <div class="view-head">
        <h2 id="shift-title">
          {say('shift.title')}: <bdi>{name ?? say('shift.day')}</bdi>
        </h2>
        <div class="choice on-screen">
          {link(shift.previous, 'shift.previous')}
          {link(shift.next, 'shift.next')}
          {atMs !== null && (
            <a class="button-link" href="#/shift">
              {say('shift.current')}
            </a>
          )}
          {shift.isWhole && (
            <a class="button-link" href={`/api/shift.csv${query(shift.shift.fromMs)}`} download>
              {say('shift.csv')}
            </a>
          )}
          <button type="button" onClick={() => window.print()}>
            {say('shift.print')}
          </button>
        </div>
      </div>
      <p class="shift-times">{say('shift.time', { from: format.format(fromMs), to: format.format(toMs) })}</p>
      <p class="hint">
        {shift.toldToMs < toMs &&
          `${say('shift.running', { to: now.time.minute(toMs), told: now.time.minute(shift.toldToMs) })} `}
        {say('shift.site-time', { zone: timeZone })}
        {!shift.isWhole && ` ${say('shift.adding-up')}`}
      </p>
    </>
  );
}

function Machines({ shift, machines }: { readonly shift: Shift; readonly machines: readonly MachineView[] }) {
  const { say } = useLanguage();
  const told = new Map(shift.machines.map((one) => [one.machine, one]));
  const known = new Set(machines.map(({ id }) => id));
  const removed = shift.machines.filter(({ machine }) => !known.has(machine));
  const lines = groupsOf(machines).map(({ line, machines: some }) => ({
    key: line ?? '',
    title: line ?? say('floor-view.no-line'),
    rows: some.flatMap(({ id, name }) => {
      const one = told.get(id);
      return one === undefined ? [] : [{ name, one }];
    }),
  }));
  const groups = [
    ...lines,
    { key: ' removed', title: say('shift.removed'), rows: removed.map((one) => ({ name: one.machine, one })) },
  ].filter(({ rows }) => rows.length > 0);
  if (groups.length === 0) return <p class="empty">{say('shift.none')}</p>;
  return (
    <>
      {groups.map(({ key, title, rows }) => (
        <section key={key} class="line-group">
          <h3 class="line-name">
            <bdi>{title}</bdi> <span class="count">{rows.length}</span>
          </h3>
          {rows.length > 1 && (
            <article class="panel shift-line">
              <h4>{say('shift.line-total')}</h4>
              <States of={rows.map(({ one }) => one)} />
            </article>
          )}
          {rows.map(({ name, one }) => (
            <Machine key={one.machine} name={name} one={one} />
          ))}
        </section>
      ))}
    </>
  );
}

function Machine({ name, one }: { readonly name: string; readonly one: MachineShiftView }) {
  const { say } = useLanguage();
  return (
    <article class="panel shift-machine" data-machine={one.machine} aria-labelledby={`shift-machine-${one.machine}`}>
      <h4 id={`shift-machine-${one.machine}`}>
        <a href={`#/machine/${encodeURIComponent(one.machine)}`}>
          <bdi>{name}</bdi>
        </a>
      </h4>
      <div class="shift-parts">
        <div>
          <h5>{say('shift.states')}</h5>
          <States of={[one]} />
          {one.cutS > 0 && <Cut seconds={one.cutS} />}
        </div>
        <div>
          <h5>{say('shift.stops')}</h5>
          <Stops of={one} />
        </div>
        <div>
          <h5>{say('shift.counters')}</h5>
          <Counters of={one} />
          {one.defects !== null && <Defects of={one.defects} />}
        </div>
      </div>
    </article>
  );
}

function States({ of }: { readonly of: readonly MachineShiftView[] }) {
  const { number } = useLanguage();
  const words = useWords();
  const shares = stateShares(of);
  return (
    <>
      <svg class="shift-bar" viewBox="0 0 1 1" preserveAspectRatio="none" aria-hidden="true" focusable="false">
        {shares.map(({ state, from, share }) => (
          <rect key={state} class={`bar-${state.toLowerCase()}`} x={from} y={0} width={share} height={1} />
        ))}
      </svg>
      <dl class="shift-list">
        {shares.map(({ state, seconds, share }) => (
          <div key={state} data-state={state}>
            <dt class={`state-${state.toLowerCase()} state`}>
              <StateIcon state={state} />
              {words.state(state)}
            </dt>
            <dd>
              {words.lasted(seconds * 1000)} · {number(share * 100, 1)} %
            </dd>
          </div>
        ))}
      </dl>
    </>
  );
}

/** What is not told because minutes were folded into hours before the shift was looked at. */
function Cut({ seconds }: { readonly seconds: number }) {
  const { say } = useLanguage();
  const words = useWords();
  return <p class="hint shift-cut">{say('shift.cut', { time: words.lasted(seconds * 1000) })}</p>;
}

function Stops({ of: { stops } }: { readonly of: MachineShiftView }) {
  const { say } = useLanguage();
  const words = useWords();
  const { first, others } = shownOf(stops);
  const row = (name: string, seconds: number, times: number | null) => (
    <div key={name}>
      <dt>{name}</dt>
      <dd>
        {words.lasted(seconds * 1000)} ·{' '}
        {times === null ? say('shift.not-counted') : say('shift.times', { count: times })}
      </dd>
    </div>
  );
  if (first.length === 0) return <p class="empty">{say('shift.no-stops')}</p>;
  return (
    <dl class="shift-list shift-stops">
      {first.map(({ cause, seconds, times }) =>
        row(cause === null ? say('machine-page.cause-unknown') : words.cause(cause), seconds, times),
      )}
      {others !== null && row(say('shift.others'), others.seconds, others.times)}
    </dl>
  );
}

function Counters({ of: { counters } }: { readonly of: MachineShiftView }) {
  const { say } = useLanguage();
  const words = useWords();
  if (counters.length === 0) return <p class="empty">{say('shift.no-counters')}</p>;
  return (
    <dl class="shift-list">
      {counters.map(({ signal, delta, unit, uncertainty }) => {
        const isMillimetre = unit === 'MMT';
        const value = isMillimetre ? delta / 1000 : delta;
        const text = words.value({ value, kind: 'counter', unit: isMillimetre ? 'MTR' : unit });
        return (
          <div key={signal} data-signal={signal}>
            <dt>{words.signal(signal)}</dt>
            <dd>{uncertainty > 0 ? `≈ ${text}` : text}</dd>
          </div>
        );
      })}
    </dl>
  );
}

function Defects({ of }: { readonly of: NonNullable<MachineShiftView['defects']> }) {
  const { say, number } = useLanguage();
  const { found, metres, per100m } = of;
  const unknown = found === null ? say('shift.too-much') : say('shift.no-metres');
  return (
    <dl class="shift-list shift-defects">
      <div>
        <dt>{say('shift.defects')}</dt>
        <dd>
          {per100m === null || found === null || metres === null
            ? unknown
            : `${number(per100m, 1)} (${say('shift.defects-of', { found, metres: number(metres, 1) })})`}
        </dd>
      </div>
    </dl>
  );
}
