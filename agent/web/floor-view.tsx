/** All machines of the floor, by line and station: state, speed, what they made today, and how far that can be believed. */
import { useEffect, useState } from 'preact/hooks';
import type { MachineView, SignalView } from '../live.ts';
import type { Today } from '../store/history.ts';
import type { Failure } from './client.ts';
import { alertCounts, countedToday, groupsOf, qualityOf, speedOf, speedTold } from './floor-groups.ts';
import { StateIcon, WarnIcon } from './icons.tsx';
import { useLanguage } from './language.ts';
import { Problem } from './problem.tsx';
import type { Now } from './times.ts';
import { fetchToday } from './views-client.ts';
import type { ViewProps } from './views.ts';
import { useWords } from './view-words.ts';

const todayEveryMs = 15_000;
/** While not all is added up. */
const onceMoreMs = 1_500;

/** The sums of the day, asked for again and again while the page is live; null before the first answer. */
function useToday(stale: boolean): { readonly today: Today | null; readonly problem: Failure | null } {
  const [today, setToday] = useState<Today | null>(null);
  const [problem, setProblem] = useState<Failure | null>(null);
  useEffect(() => {
    if (stale) return undefined;
    let timer: number | undefined;
    let gone = false;
    const load = async (): Promise<void> => {
      const answer = await fetchToday();
      if (gone) return;
      setProblem(answer.ok ? null : answer);
      if (answer.ok) setToday(answer.value);
      timer = window.setTimeout(() => void load(), answer.ok && !answer.value.isWhole ? onceMoreMs : todayEveryMs);
    };
    void load();
    return () => {
      gone = true;
      window.clearTimeout(timer);
    };
  }, [stale]);
  return { today, problem };
}

export function FloorView({ floor, now }: ViewProps) {
  const { say } = useLanguage();
  const { today, problem } = useToday(now.stale);
  const groups = groupsOf(floor.machines);
  const alerts = alertCounts(floor.alerts);
  return (
    <section class="floor-view" aria-labelledby="floor-view-title">
      <div class="view-head">
        <h2 id="floor-view-title">{say('floor-view.title')}</h2>
        <a class="button-link" href="#/andon">
          {say('floor-view.andon')}
        </a>
      </div>
      <p class="hint">
        {today === null
          ? say('floor-view.adding-up')
          : say('floor-view.since', { time: now.time.at(today.fromMs, now.ms) })}
        {today !== null && !today.isWhole && ` ${say('floor-view.adding-up')}`}
      </p>
      <Problem of={problem} />
      {floor.machines.length === 0 && <p class="empty">{say('floor-view.none')}</p>}
      {groups.map(({ line, machines }) => (
        <section key={line ?? ''} class="line-group">
          <h3 class="line-name">
            <bdi>{line ?? say('floor-view.no-line')}</bdi> <span class="count">{machines.length}</span>
          </h3>
          <ul class="tiles compact">
            {machines.map((machine) => (
              <li key={machine.id}>
                <Tile
                  machine={machine}
                  now={now}
                  today={today}
                  alerts={alerts.get(machine.id) ?? { open: 0, urgent: 0 }}
                />
              </li>
            ))}
          </ul>
        </section>
      ))}
    </section>
  );
}

interface TileProps {
  readonly machine: MachineView;
  readonly now: Now;
  readonly today: Today | null;
  readonly alerts: { readonly open: number; readonly urgent: number };
}

function Tile({ machine, now, today, alerts }: TileProps) {
  const { say, number } = useLanguage();
  const words = useWords();
  const speed = speedOf(machine);
  const mine = today?.machines.find((one) => one.machine === machine.id) ?? null;
  const state = words.state(machine.state);
  const speedText = (of: SignalView): string => {
    const told = speedTold(machine, of, now);
    if (told === 'unknown') return say('floor-view.unknown');
    return told === 'was' ? say('floor-view.was', { state: words.value(of) }) : words.value(of);
  };
  return (
    <article
      class={`tile state-${machine.state.toLowerCase()}`}
      data-machine={machine.id}
      aria-labelledby={`floor-machine-${machine.id}`}
    >
      <div class="tile-head">
        <div>
          <h4 id={`floor-machine-${machine.id}`}>
            <a href={`#/machine/${encodeURIComponent(machine.id)}`}>
              <bdi>{machine.name}</bdi>
            </a>
          </h4>
          <p class="tile-place">
            <bdi>{machine.station ?? words.kind(machine.kind)}</bdi>
          </p>
        </div>
        <p class="badge state">
          <StateIcon state={machine.state} />
          {now.stale ? say('floor-view.was', { state }) : state}
        </p>
      </div>
      <p class="tile-since">
        {machine.cause !== null && <strong>{words.cause(machine.cause)}. </strong>}
        {say('floor-view.for', { time: words.lasted(now.ms - machine.stateSinceMs) })}
      </p>
      <dl class="readings">
        {speed !== null && <Figure signal={speed.signal} name={words.signal(speed.signal)} value={speedText(speed)} />}
        {countedToday(machine, mine).map(({ signal, delta, unit, isUncertain }) => (
          <Figure
            key={signal}
            signal={signal}
            name={say('floor-view.today', { what: words.signal(signal) })}
            value={
              delta === null
                ? say('floor-view.unknown')
                : `${isUncertain ? '≈ ' : ''}${words.value({ value: delta, kind: 'counter', unit })}`
            }
          />
        ))}
        {mine !== null && mine.unknownS >= 60 && (
          <Figure name={say('floor-view.unknown-time')} value={words.lasted(mine.unknownS * 1000)} />
        )}
      </dl>
      <QualityLine machine={machine} now={now} />
      {mine !== null && mine.samples > 0 && (
        <p class="hint">{say('floor-view.good-share', { share: number((100 * mine.good) / mine.samples, 1) })}</p>
      )}
      {alerts.open > 0 && (
        <p class={alerts.urgent > 0 ? 'tile-alerts urgent' : 'tile-alerts'}>
          <WarnIcon />
          <span>
            {alerts.urgent > 0
              ? say('floor-view.alerts-urgent', { count: alerts.open, urgent: alerts.urgent })
              : say('floor-view.alerts', { count: alerts.open })}
          </span>
        </p>
      )}
    </article>
  );
}

function Figure({ name, value, signal }: { readonly name: string; readonly value: string; readonly signal?: string }) {
  return (
    <div class="reading" data-signal={signal}>
      <dt>{name}</dt>
      <dd>
        <span class="value">{value}</span>
      </dd>
    </div>
  );
}

/** What is not to be believed of a machine now, and why; nothing where all is good. */
export function QualityLine({ machine, now }: { readonly machine: MachineView; readonly now: Now }) {
  const { say } = useLanguage();
  const words = useWords();
  if (now.stale) return null;
  const quality = qualityOf(machine, now.ms);
  let text: string;
  switch (quality.kind) {
    case 'good':
      return null;
    case 'unread':
      text = say('floor-view.unread', {
        time: now.time.at(quality.sinceMs, now.ms),
        reason: words.reason(quality.reason),
      });
      break;
    case 'old':
      text =
        quality.sinceMs === null
          ? say('floor-view.never-read')
          : say('floor-view.old', { time: now.time.at(quality.sinceMs, now.ms) });
      break;
    case 'partly':
      text = say('floor-view.partly', { count: quality.notGood, of: quality.of });
      if (quality.reason !== null) text += ` (${words.reason(quality.reason)})`;
      break;
  }
  return (
    <p class="tile-gap">
      <WarnIcon />
      <span>{text}</span>
    </p>
  );
}
