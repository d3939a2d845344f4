/** The floor on a wall screen: states and urgent alerts, large, page by page, and nothing to press. Escape goes back. */
import type { RefObject } from 'preact';
import { useContext, useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { MachineView } from '../live.ts';
import { alertTitle } from './alert-title.ts';
import { groupsOf, pagesOf, wallRoom, wallScale, type WallScreen } from './floor-groups.ts';
import { sortedAlerts, type Alert } from './floor-state.ts';
import { StateIcon, WarnIcon } from './icons.tsx';
import { useLanguage } from './language.ts';
import { MachinePlaces } from './machines-here.ts';
import type { Now } from './times.ts';
import type { ViewProps } from './views.ts';
import { useWords } from './view-words.ts';

const pageMs = 12_000;
/** More urgent alerts than these are counted. */
const mostAlerts = 3;

const nothingYet: WallScreen = { widthPx: 0, heightPx: 0, remPx: 16 };

/** What is left of the screen below its head, whatever stands in that: alerts, or that the connection is lost. */
function measured(screen: HTMLElement, head: HTMLElement): WallScreen {
  const px = (length: string): number => Number.parseFloat(length) || 0;
  const belowPx = screen.parentElement === null ? 0 : px(getComputedStyle(screen.parentElement).paddingBottom);
  const headPx = head.getBoundingClientRect().bottom + window.scrollY;
  return {
    widthPx: screen.clientWidth,
    heightPx: window.innerHeight - headPx - belowPx,
    remPx: px(getComputedStyle(document.documentElement).fontSize) || 16,
  };
}

function useScreen(screen: RefObject<HTMLElement | null>, head: RefObject<HTMLElement | null>): WallScreen {
  const [room, setRoom] = useState(nothingYet);
  useLayoutEffect(() => {
    const [box, top] = [screen.current, head.current];
    if (box === null || top === null) return undefined;
    const measure = () => {
      const now = measured(box, top);
      setRoom((before) =>
        before.widthPx === now.widthPx && before.heightPx === now.heightPx && before.remPx === now.remPx ? before : now,
      );
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(top);
    window.addEventListener('resize', measure);
    return () => {
      observer.disconnect();
      window.removeEventListener('resize', measure);
    };
  }, []);
  return room;
}

export function AndonView({ session, floor, now, machineName }: ViewProps) {
  const { say } = useLanguage();
  const screen = useRef<HTMLElement>(null);
  const head = useRef<HTMLDivElement>(null);
  const room = useScreen(screen, head);
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
  const groups = groupsOf(floor.machines);
  const scale = wallScale(groups, room);
  const pages = pagesOf(groups, wallRoom(room, scale));
  const at = pages.length === 0 ? 0 : turn % pages.length;
  const urgent = sortedAlerts(floor.alerts).shown.filter(({ priority }) => priority === 'urgent');
  return (
    <section ref={screen} class={now.stale ? 'andon is-lost' : 'andon'} aria-labelledby="andon-title">
      <div ref={head} class="andon-top">
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
      </div>
      {(pages[at] ?? []).map(({ line, machines }) => (
        <section key={line ?? ''} class="andon-line" style={{ '--wall': scale }}>
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
  const language = useLanguage();
  const { say } = language;
  const words = useWords();
  const places = useContext(MachinePlaces);
  const where = (machine: string) => {
    const place = places.get(machine) ?? '';
    return place === '' ? null : [' · ', <bdi key="place">{place}</bdi>];
  };
  if (alerts.length === 0) return null;
  const more = alerts.length - mostAlerts;
  return (
    <ul class="andon-alerts">
      {alerts.slice(0, mostAlerts).map((alert) => (
        <li key={alert.occurrence}>
          <WarnIcon />
          <span class="andon-two">
            <strong>
              {words.priority(alert.priority)} · <bdi>{machineName(alert.machine)}</bdi>
              {where(alert.machine)}
            </strong>{' '}
            <bdi>{alertTitle(alert, language)}</bdi> · {words.lasted(now.ms - alert.onsetMs)}
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
      <strong class="andon-two">
        <bdi>{machine.name}</bdi>
      </strong>
      <span class="andon-state">
        <StateIcon state={machine.state} />
        <span class="andon-one">{now.stale ? say('floor-view.was', { state }) : state}</span>
      </span>
      <span class="andon-for">
        {machine.cause !== null && <span class="andon-one">{words.cause(machine.cause)}</span>}
        {machine.cause !== null && ' · '}
        <span>{words.lasted(now.ms - machine.stateSinceMs)}</span>
      </span>
    </li>
  );
}
