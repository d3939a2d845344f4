/** The signed-in page: what is wrong now, the machines, the uplink; and whether all of this is fresh. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { alertTitle } from './alert-title.ts';
import { AlertSound } from './alert-sound.tsx';
import { AlertList } from './alerts.tsx';
import { logout, whoAmI, type SessionView } from './client.ts';
import { sortedAlerts, waitsForAck, type Alert, type FloorState } from './floor-state.ts';
import { History } from './history.tsx';
import { WarnIcon } from './icons.tsx';
import { emptyFloor } from './floor-state.ts';
import { useLanguage, type Key } from './language.ts';
import { LanguageChoice } from './language-choice.tsx';
import { openLive, type Connection, type LiveView } from './live.ts';
import { MachinePlaces, MachinesHere, usePlaces } from './machines-here.ts';
import { MachineSlot } from './machines.tsx';
import { lasted, siteTime, type Now } from './times.ts';
import { Uplink } from './uplink.tsx';
import { Navigation, usePlace, ViewHost } from './view-host.tsx';

/** Drops shorter than this are not worth a word: the browser comes back by itself. */
const patienceMs = 2_500;

/** More than so many are not all drawn at once: a phone would do nothing else. */
const manyMachines = 24;

interface Props {
  readonly session: SessionView;
  readonly onSignedOut: (note: Key | null) => void;
}

export function Floor({ session, onSignedOut }: Props) {
  const language = useLanguage();
  const { say, number } = language;
  const [live, setLive] = useState<LiveView>({
    floor: emptyFloor,
    connection: { kind: 'waiting', sinceMs: null },
    offsetMs: 0,
  });
  const [deviceMs, setDeviceMs] = useState(Date.now());
  useEffect(() => {
    const timer = window.setInterval(() => setDeviceMs(Date.now()), 1_000);
    return () => window.clearInterval(timer);
  }, []);
  useEffect(
    () =>
      openLive(setLive, async () => {
        const answer = await whoAmI();
        if (answer.ok) return true;
        return answer.status === 0 ? null : false;
      }),
    [],
  );
  const { connection, floor, offsetMs } = live;
  const place = usePlace();
  useEffect(() => {
    if (connection.kind === 'signed-out') onSignedOut('floor.session-over');
  }, [connection.kind]);

  const time = useMemo(() => siteTime(session.site.timeZone, language), [session.site.timeZone, language]);
  const stale = connection.kind !== 'live' && isOverdue(connection, deviceMs);
  const now: Now = { ms: deviceMs + offsetMs, time, stale };
  const { shown, aside } = sortedAlerts(floor.alerts);
  const places = usePlaces(floor.machines);
  const waiting = shown.filter(waitsForAck).length;
  const machineName = (id: string) => floor.machines.find((machine) => machine.id === id)?.name ?? id;

  useEffect(() => {
    const told = stale ? `${say('floor.title.no-connection')} ` : waiting > 0 ? `(${number(waiting)}) ` : '';
    document.title = `${told}${session.site.name} · Selvedge`;
  }, [stale, waiting, session.site.name, language]);

  return (
    <div class={stale ? 'page is-stale' : 'page'}>
      {place.view === null && (
        <a class="skip" href="#alerts">
          {say('floor.skip')}
        </a>
      )}
      <header class="top">
        <div class="top-row">
          <div class="brand">
            <h1>{session.site.name}</h1>
            <span>{session.site.gateway}</span>
          </div>
          <ConnectionChip connection={connection} stale={stale} />
          {!stale && <UplinkChip uplink={floor.uplink} />}
          <LanguageChoice />
          <AlertSound alerts={floor.alerts} ready={floor.lastId !== null} />
          <div class="user">
            <span>
              {session.user} <span class="role">({say(`role.${session.role}`)})</span>
            </span>
            <button type="button" onClick={() => void logout(session.csrf).then(() => onSignedOut(null))}>
              {say('floor.sign-out')}
            </button>
          </div>
        </div>
        <Navigation place={place} />
      </header>
      <StaleBanner connection={connection} now={now} deviceMs={deviceMs} />
      <Announcer alerts={floor.alerts} machineName={machineName} ready={floor.lastId !== null} />
      <MachinePlaces.Provider value={places}>
        <main>
          {floor.lastId === null ? (
            <p class="loading">{say('shell.loading')}</p>
          ) : place.view !== null ? (
            <ViewHost
              name={place.view}
              of={place.of}
              session={session}
              floor={floor}
              now={now}
              machineName={machineName}
            />
          ) : (
            <>
              <MachinesHere.Provider value={floor.machines}>
                <AlertList
                  shown={shown}
                  aside={aside}
                  machines={floor.machines}
                  session={session}
                  now={now}
                  machineName={machineName}
                />
              </MachinesHere.Provider>
              <section aria-labelledby="machines-title">
                <h2 id="machines-title">{say('floor.machines')}</h2>
                {floor.machines.length === 0 && <p class="empty">{say('floor.no-machine')}</p>}
                <ul class="tiles">
                  {floor.machines.map((machine) => (
                    <MachineSlot
                      key={machine.id}
                      machine={machine}
                      now={now}
                      csrf={session.role === 'viewer' ? null : session.csrf}
                      writeCsrf={session.writable.includes(machine.id) ? session.csrf : null}
                      isOneOfMany={floor.machines.length > manyMachines}
                    />
                  ))}
                </ul>
              </section>
              {floor.uplink !== null && <Uplink uplink={floor.uplink} now={now} />}
              <History now={now} machineName={machineName} csrf={session.role === 'viewer' ? null : session.csrf} />
            </>
          )}
        </main>
      </MachinePlaces.Provider>
      <footer>{say('floor.times', { zone: time.timeZone })}</footer>
    </div>
  );
}

function isOverdue(connection: Connection, deviceMs: number): boolean {
  if (connection.kind !== 'waiting') return connection.kind === 'signed-out';
  return connection.sinceMs !== null && deviceMs - connection.sinceMs > patienceMs;
}

function ConnectionChip({ connection, stale }: { connection: Connection; stale: boolean }) {
  const { say } = useLanguage();
  const word = say(connection.kind === 'live' ? 'floor.live' : stale ? 'floor.no-connection' : 'floor.connecting');
  const look = connection.kind === 'live' ? 'ok' : stale ? 'bad' : 'wait';
  return (
    <span class={`chip link-${look}`} data-connection={connection.kind}>
      <span class="dot" aria-hidden="true" />
      {word}
    </span>
  );
}

/** In every view: the cloud does not hear from here, and what waits for it. */
function UplinkChip({ uplink }: { uplink: FloorState['uplink'] }) {
  const { say } = useLanguage();
  const isAway = uplink !== null && uplink.configured && !uplink.connected;
  if (!isAway) return null;
  // No live region: the number changes each second.
  return (
    <span class="chip link-wait" data-uplink-away>
      <span class="dot" aria-hidden="true" />
      {say('floor.uplink-away', { count: uplink.outboxRecords })}
    </span>
  );
}

function StaleBanner({ connection, now, deviceMs }: { connection: Connection; now: Now; deviceMs: number }) {
  const language = useLanguage();
  const { say } = language;
  const sinceMs = connection.kind === 'waiting' ? connection.sinceMs : null;
  return (
    <div role="alert">
      {now.stale && sinceMs !== null && (
        <p class="stale-banner">
          <WarnIcon />
          <span>
            <strong>{say('floor.lost', { duration: lasted(deviceMs - sinceMs, language) })}</strong> {say('floor.old')}
          </span>
        </p>
      )}
    </div>
  );
}

/** Tells a screen reader of each new alert, once. */
function Announcer(props: { alerts: readonly Alert[]; machineName: (id: string) => string; ready: boolean }) {
  const { alerts, machineName, ready } = props;
  const language = useLanguage();
  const known = useRef<Set<string> | null>(null);
  const [text, setText] = useState('');
  const told = (alert: Alert): string =>
    language.say('floor.new-alert', { machine: machineName(alert.machine), alert: alertTitle(alert, language) });
  useEffect(() => {
    if (!ready) return;
    const before = known.current;
    known.current = new Set(alerts.map((alert) => alert.occurrence));
    if (before === null) return;
    const fresh = alerts.filter((alert) => !before.has(alert.occurrence) && waitsForAck(alert));
    if (fresh.length > 0) setText(fresh.map(told).join('. '));
  }, [alerts, ready]);
  return (
    <p class="unseen" role="status">
      {text}
    </p>
  );
}
