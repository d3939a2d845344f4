/** One machine: what it is, what it shows now, what it did, what was wrong with it, and what its eye and ear know. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { MachineView as Machine, SignalView } from '../live.ts';
import { alertTitle } from './alert-title.ts';
import { BandTrend } from './band-chart.tsx';
import type { Failure } from './client.ts';
import { Cloth } from './cloth.tsx';
import { alertsMark, groupsOf, qualityTold, serviceSignals } from './floor-groups.ts';
import type { Alert } from './floor-state.ts';
import { QualityLine } from './floor-view.tsx';
import { PriorityIcon, StateIcon } from './icons.tsx';
import { useLanguage } from './language.ts';
import { MachinePast } from './machine-past.tsx';
import { Problem } from './problem.tsx';
import { Rolls } from './rolls.tsx';
import { SetPoints } from './set-points.tsx';
import { Sound } from './sound.tsx';
import type { Now } from './times.ts';
import { fetchAlertsOf } from './views-client.ts';
import type { ViewProps } from './views.ts';
import { useWords } from './view-words.ts';

export function MachineView({ floor, now, of, session }: ViewProps) {
  const { say } = useLanguage();
  const machine = floor.machines.find(({ id }) => id === of);
  if (machine === undefined) return <Choice machines={floor.machines} isGone={of !== null} />;
  const csrf = session.role === 'viewer' ? null : session.csrf;
  const writeCsrf = session.writable.includes(machine.id) ? session.csrf : null;
  const service = serviceSignals(machine);
  return (
    <article key={machine.id} class="machine-view" data-machine={machine.id} aria-labelledby="machine-title">
      <Head machine={machine} now={now} />
      <section class="panel" aria-labelledby="live-title">
        <h3 id="live-title">{say('machine-page.live')}</h3>
        <Signals title={say('machine-page.signals-table')} signals={machine.signals} now={now} />
      </section>
      <section class="panel" aria-labelledby="trend-title">
        <h3 id="trend-title">{say('machine-page.trend')}</h3>
        <BandTrend machine={machine} now={now} />
      </section>
      <MachinePast machine={machine} now={now} />
      <section class="panel" aria-labelledby="service-title">
        <h3 id="service-title">{say('machine-page.service')}</h3>
        {service.length === 0 ? (
          <p class="empty">{say('machine-page.no-service')}</p>
        ) : (
          <Signals title={say('machine-page.service-table')} signals={service} now={now} />
        )}
      </section>
      {(machine.hasEye || machine.hasEar) && (
        <section class="panel" aria-labelledby="senses-title">
          <h3 id="senses-title">{say('machine-page.senses')}</h3>
          {machine.hasEye && <Rolls machine={machine} now={now} csrf={csrf} />}
          {machine.hasEye && <Cloth machine={machine} now={now} csrf={csrf} />}
          {machine.hasEar && <Sound machine={machine} now={now} csrf={csrf} />}
        </section>
      )}
      {writeCsrf !== null && (
        <section class="panel" aria-label={say('machine-page.set-points')}>
          <SetPoints machine={machine} csrf={writeCsrf} now={now} />
        </section>
      )}
      <AlertsOf machine={machine} now={now} mark={alertsMark(floor.alerts, machine.id)} />
    </article>
  );
}

/** Without a machine in the address, or with one that is not there. */
function Choice({ machines, isGone }: { readonly machines: readonly Machine[]; readonly isGone: boolean }) {
  const { say } = useLanguage();
  return (
    <section aria-labelledby="choice-title">
      <h2 id="choice-title">{say('machine-page.title')}</h2>
      {isGone && <p class="problem">{say('machine-page.gone')}</p>}
      {groupsOf(machines).map(({ line, machines: some }) => (
        <div key={line ?? ''} class="line-group">
          <h3 class="line-name">
            <bdi>{line ?? say('floor-view.no-line')}</bdi>
          </h3>
          <ul class="choice">
            {some.map(({ id, name }) => (
              <li key={id}>
                <a class="button-link" href={`#/machine/${encodeURIComponent(id)}`}>
                  <bdi>{name}</bdi>
                </a>
              </li>
            ))}
          </ul>
        </div>
      ))}
    </section>
  );
}

function Head({ machine, now }: { readonly machine: Machine; readonly now: Now }) {
  const { say, number } = useLanguage();
  const words = useWords();
  const state = words.state(machine.state);
  const facts = [
    ['machine-page.id', machine.id],
    ['machine-page.kind', words.kind(machine.kind)],
    ['machine-page.line', machine.line],
    ['machine-page.station', machine.station],
    ['machine-page.profile', machine.profile],
    ['machine-page.protocol', machine.protocol],
    ['machine-page.last-good', machine.lastGoodMs === null ? null : now.time.at(machine.lastGoodMs, now.ms)],
    ['machine-page.readings', number(machine.readings)],
  ] as const;
  return (
    <section class={`panel tile state-${machine.state.toLowerCase()}`} aria-labelledby="machine-title">
      <div class="tile-head">
        <h2 id="machine-title">
          <bdi>{machine.name}</bdi>
        </h2>
        <p class="badge state">
          <StateIcon state={machine.state} />
          {now.stale ? say('floor-view.was', { state }) : state}
        </p>
      </div>
      <p class="tile-since">
        {machine.cause !== null && <strong>{words.cause(machine.cause)}. </strong>}
        {say('floor-view.for', { time: words.lasted(now.ms - machine.stateSinceMs) })}
      </p>
      <QualityLine machine={machine} now={now} />
      <dl class="facts">
        {facts.map(([key, value]) => (
          <div key={key}>
            <dt>{say(key)}</dt>
            <dd>
              <bdi>{value ?? say('floor-view.unknown')}</bdi>
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

interface SignalsProps {
  readonly title: string;
  readonly signals: readonly SignalView[];
  readonly now: Now;
}

function Signals({ title, signals, now }: SignalsProps) {
  const { say } = useLanguage();
  const words = useWords();
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={title}>
      <table class="signals-table">
        <thead>
          <tr>
            <th scope="col">{say('machine-page.signal')}</th>
            <th scope="col">{say('machine-page.value')}</th>
            <th scope="col">{say('machine-page.quality')}</th>
            <th scope="col">{say('machine-page.read-at')}</th>
          </tr>
        </thead>
        <tbody>
          {signals.map((view) => {
            const quality = qualityTold(view.quality, now.stale);
            return (
              <tr key={view.signal} data-signal={view.signal} class={`quality-${quality}`}>
                <th scope="row">{words.signal(view.signal)}</th>
                <td>
                  <bdi>{words.value(view)}</bdi>
                </td>
                <td>
                  <span class={`mark ${quality}-mark`}>{say(`machine-page.quality.${quality}`)}</span>
                  {view.reason !== null && ` ${words.reason(view.reason)}`}
                </td>
                <td>{view.sourceTimeMs === null ? '–' : now.time.at(view.sourceTimeMs, now.ms)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

/** Every alert of the machine, the latest first; read anew when one is raised, changes its state, or is over. */
function AlertsOf({ machine, now, mark }: { readonly machine: Machine; readonly now: Now; readonly mark: string }) {
  const language = useLanguage();
  const { say } = language;
  const words = useWords();
  const [items, setItems] = useState<readonly Alert[] | null>(null);
  const [next, setNext] = useState<string | null>(null);
  const [problem, setProblem] = useState<Failure | null>(null);
  const reading = useRef(0);
  const load = (cursor: string | null): void => {
    // What follows a list that was read anew meanwhile does not follow this one.
    if (cursor === null) reading.current += 1;
    const mine = reading.current;
    void fetchAlertsOf(machine.id, cursor).then((answer) => {
      if (mine !== reading.current) return;
      setProblem(answer.ok ? null : answer);
      if (!answer.ok) return;
      setItems((known) => (cursor === null ? answer.value.items : [...(known ?? []), ...answer.value.items]));
      setNext(answer.value.next);
    });
  };
  useEffect(() => load(null), [machine.id, mark, now.stale]);
  return (
    <section class="panel" aria-labelledby="alerts-of-title">
      <h3 id="alerts-of-title">{say('machine-page.alerts')}</h3>
      <Problem of={problem} />
      {items?.length === 0 && <p class="empty">{say('machine-page.no-alerts')}</p>}
      {items !== null && items.length > 0 && (
        <div class="scroll" tabIndex={0} role="region" aria-label={say('machine-page.alerts-table')}>
          <table>
            <thead>
              <tr>
                <th scope="col">{say('machine-page.since')}</th>
                <th scope="col">{say('machine-page.lasted')}</th>
                <th scope="col">{say('machine-page.priority')}</th>
                <th scope="col">{say('machine-page.alert')}</th>
                <th scope="col">{say('machine-page.cause')}</th>
                <th scope="col">{say('machine-page.state')}</th>
              </tr>
            </thead>
            <tbody>
              {items.map((alert) => (
                <tr key={alert.occurrence} data-occurrence={alert.occurrence}>
                  <td>{now.time.at(alert.onsetMs, now.ms)}</td>
                  <td>{words.lasted((alert.clearedMs ?? now.ms) - alert.onsetMs)}</td>
                  <td>
                    <PriorityIcon priority={alert.priority} /> {words.priority(alert.priority)}
                  </td>
                  <td>
                    <bdi>{alertTitle(alert, language)}</bdi>
                  </td>
                  <td>{alert.cause === null ? '–' : words.cause(alert.cause)}</td>
                  <td>{words.alertState(alert.state)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {next !== null && (
        <button type="button" onClick={() => load(next)}>
          {say('machine-page.more')}
        </button>
      )}
    </section>
  );
}
