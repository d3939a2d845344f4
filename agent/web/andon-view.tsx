/** The floor on a wall screen: states and urgent alerts, large, page by page, and nothing to press. Escape goes back. */
import { useEffect, useState } from 'preact/hooks';
import type { MachineView } from '../live.ts';
import { groupsOf, pagesOf } from './floor-groups.ts';
import { sortedAlerts, type Alert } from './floor-state.ts';
import { StateIcon, WarnIcon } from './icons.tsx';
import { useLanguage } from './language.ts';
import type { Now } from './times.ts';
import type { ViewProps } from './views.ts';
import { useWords } from './view-words.ts';

const pageMs = 12_000;
/** The least room a machine needs to be read from some metres, px; and what the head and the alerts take. */
const tileWidthPx = 330;
const tileHeightPx = 150;
const headPx = 190;
/** More urgent alerts than these are counted. */
const mostAlerts = 3;

/** How many machines fit the screen. */
function useRoom(): number {
  const fitting = () =>
    Math.max(1, Math.floor(window.innerWidth / tileWidthPx)) *
    Math.max(1, Math.floor((window.innerHeight - headPx) / tileHeightPx));
  const [room, setRoom] = useState(fitting);
  useEffect(() => {
    const resized = () => setRoom(fitting());
    window.addEventListener('resize', resized);
    return () => window.removeEventListener('resize', resized);
  }, []);
  return room;
}

export function AndonView({ session, floor, now, machineName }: ViewProps) {
  const { say } = useLanguage();
  const room = useRoom();
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const timer = window.setInterval(() => setTurn((before) => before + 1), pageMs);
    const onKey = (event: KeyboardEvent) => {
      if (event.key === 'Escape') location.hash = '#/floor';
    };
    window.addEventListener('keydown', onKey);
    return () => {
      window.clearInterval(timer);
      window.removeEventListener('keydown', onKey);
    };
  }, []);
  const pages = pagesOf(groupsOf(floor.machines), room);
  const at = pages.length === 0 ? 0 : turn % pages.length;
  const urgent = sortedAlerts(floor.alerts).shown.filter(({ priority }) => priority === 'urgent');
  return (
    <section class={now.stale ? 'andon is-lost' : 'andon'} aria-labelledby="andon-title">
      <header class="andon-head">
        <h1 id="andon-title">
          <bdi>{session.site.name}</bdi>
        </h1>
        {pages.length > 1 && <span data-page={at}>{say('floor-view.page', { page: at + 1, of: pages.length })}</span>}
        <span class="andon-time">{now.time.at(now.ms, now.ms)}</span>
      </header>
      {now.stale && (
        <p class="andon-lost">
          <WarnIcon /> {say('floor-view.lost')}
        </p>
      )}
      <Urgent alerts={urgent} now={now} machineName={machineName} />
      {(pages[at] ?? []).map(({ line, machines }) => (
        <section key={line ?? ''} class="andon-line">
          <h2>
            <bdi>{line ?? say('floor-view.no-line')}</bdi>
          </h2>
          <ul>
            {machines.map((machine) => (
              <Tile key={machine.id} machine={machine} now={now} />
            ))}
          </ul>
        </section>
      ))}
    </section>
  );
}

interface UrgentProps {
  readonly alerts: readonly Alert[];
  readonly now: Now;
  readonly machineName: (id: string) => string;
}

function Urgent({ alerts, now, machineName }: UrgentProps) {
  const { say } = useLanguage();
  const words = useWords();
  if (alerts.length === 0) return null;
  const more = alerts.length - mostAlerts;
  return (
    <ul class="andon-alerts">
      {alerts.slice(0, mostAlerts).map((alert) => (
        <li key={alert.occurrence}>
          <WarnIcon />
          <span>
            <strong>
              {words.priority(alert.priority)} · <bdi>{machineName(alert.machine)}</bdi>
            </strong>{' '}
            <bdi>{alert.text}</bdi> · {words.lasted(now.ms - alert.onsetMs)}
          </span>
        </li>
      ))}
      {more > 0 && <li>{say('floor-view.more-urgent', { count: more })}</li>}
    </ul>
  );
}

function Tile({ machine, now }: { readonly machine: MachineView; readonly now: Now }) {
  const { say } = useLanguage();
  const words = useWords();
  const state = words.state(machine.state);
  return (
    <li class={`andon-tile state-${machine.state.toLowerCase()}`} data-machine={machine.id}>
      <strong>
        <bdi>{machine.name}</bdi>
      </strong>
      <span class="andon-state">
        <StateIcon state={machine.state} />
        {now.stale ? say('floor-view.was', { state }) : state}
      </span>
      <span>
        {machine.cause !== null && `${words.cause(machine.cause)} · `}
        {words.lasted(now.ms - machine.stateSinceMs)}
      </span>
    </li>
  );
}
