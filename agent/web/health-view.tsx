/** How the gateway itself fares: its drivers, senses, store, uplink, clock and disk, and what the doctor says of it. */
import { useEffect, useState } from 'preact/hooks';
import type { Check } from '../doctor/report.ts';
import type { Failure } from './client.ts';
import { healthOf, type DriverHealth, type Health, type SenseHealth } from './health-shape.ts';
import { CheckIcon, WarnIcon } from './icons.tsx';
import { useLanguage, type Key } from './language.ts';
import { Problem } from './problem.tsx';
import type { Now } from './times.ts';
import { Uplink } from './uplink.tsx';
import { fetchDoctor, fetchHealth } from './views-client.ts';
import type { ViewProps } from './views.ts';

const everyMs = 5_000;

export function HealthView({ floor, now, machineName, session }: ViewProps) {
  const { say } = useLanguage();
  const [health, setHealth] = useState<Health | null>(null);
  const [problem, setProblem] = useState<Failure | 'unreadable' | null>(null);
  useEffect(() => {
    if (now.stale) return undefined;
    let gone = false;
    const load = async (): Promise<void> => {
      const answer = await fetchHealth();
      if (gone) return;
      const read = answer.ok ? healthOf(answer.value) : null;
      if (read !== null) setHealth(read);
      setProblem(read !== null ? null : answer.ok ? 'unreadable' : answer);
    };
    void load();
    const timer = window.setInterval(() => void load(), everyMs);
    return () => {
      gone = true;
      window.clearInterval(timer);
    };
  }, [now.stale]);
  return (
    <section class="health-view" aria-labelledby="health-title">
      <h2 id="health-title">{say('health.title')}</h2>
      {problem === 'unreadable' ? <p class="problem">{say('health.unreadable')}</p> : <Problem of={problem} />}
      {health === null ? (
        <p class="loading">{say('shell.loading')}</p>
      ) : (
        <>
          <Drivers drivers={health.drivers} now={now} machineName={machineName} />
          <Senses eye={health.eye} ear={health.ear} />
          <Store health={health} />
          <Agent health={health} />
        </>
      )}
      {floor.uplink !== null && <Uplink uplink={floor.uplink} now={now} />}
      {session.role !== 'viewer' && <Doctor now={now} />}
    </section>
  );
}

/** A figure, or that it is not known. */
function useFigures() {
  const { say, number } = useLanguage();
  const unknown = say('floor-view.unknown');
  return {
    unknown,
    count: (value: number | null) => (value === null ? unknown : number(value, 0)),
    millis: (value: number | null) => (value === null ? unknown : `${number(value, 2)} ms`),
    bytes: (value: number | null) => {
      if (value === null) return unknown;
      const units = ['B', 'kB', 'MB', 'GB', 'TB'];
      const at = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, Math.abs(value))) / 3)));
      return `${number(value / 1000 ** at, 1)} ${units[at] ?? ''}`;
    },
    flag: (value: boolean | null) => (value === null ? unknown : say(value ? 'health.yes' : 'health.no')),
  };
}

interface DriversProps {
  readonly drivers: readonly DriverHealth[];
  readonly now: Now;
  readonly machineName: (id: string) => string;
}
const driverColumns = [
  'health.machine',
  'health.connected',
  'health.requests',
  'health.failures',
  'health.reconnects',
  'health.discarded',
  'health.late-p50',
  'health.late-p99',
  'health.clock-offset',
  'health.last-good',
] as const;

function Drivers({ drivers, now, machineName }: DriversProps) {
  const { say, number } = useLanguage();
  const { count, millis, flag } = useFigures();
  const errors = ({ requests, failures }: DriverHealth) =>
    requests === null || failures === null || requests === 0
      ? count(failures)
      : `${number(failures, 0)} (${number((100 * failures) / requests, 1)} %)`;
  return (
    <section class="panel" aria-labelledby="drivers-title">
      <h3 id="drivers-title">{say('health.drivers')}</h3>
      {drivers.length === 0 ? (
        <p class="empty">{say('health.no-drivers')}</p>
      ) : (
        <div class="scroll" tabIndex={0} role="region" aria-label={say('health.drivers-table')}>
          <table class="drivers-table">
            <thead>
              <tr>
                {driverColumns.map((key) => (
                  <th key={key} scope="col">
                    {say(key)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {drivers.map((driver) => (
                <tr key={driver.machine} data-driver={driver.machine}>
                  <th scope="row">
                    <a href={`#/machine/${encodeURIComponent(driver.machine)}`}>
                      <bdi>{machineName(driver.machine)}</bdi>
                    </a>
                  </th>
                  <td>
                    {driver.connected === false ? <WarnIcon /> : driver.connected === true && <CheckIcon />}{' '}
                    {flag(driver.connected)}
                  </td>
                  <td>{count(driver.requests)}</td>
                  <td>{errors(driver)}</td>
                  <td>{count(driver.reconnects)}</td>
                  <td>{count(driver.discarded)}</td>
                  <td>{millis(driver.pollLatenessP50Ms)}</td>
                  <td>{millis(driver.pollLatenessP99Ms)}</td>
                  <td>{millis(driver.clockOffsetMs)}</td>
                  <td>{driver.lastGoodMs === null ? say('health.never') : now.time.at(driver.lastGoodMs, now.ms)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <p class="hint">{say('health.late-hint')}</p>
    </section>
  );
}

function Senses({ eye, ear }: { readonly eye: SenseHealth | null; readonly ear: SenseHealth | null }) {
  const { say } = useLanguage();
  return (
    <section class="panel" aria-labelledby="senses-title">
      <h3 id="senses-title">{say('health.senses')}</h3>
      {eye === null && ear === null && <p class="empty">{say('health.no-senses')}</p>}
      {eye !== null && <Sense heading="health.eye" sense={eye} devices={eye.cameras.length} counted="health.cameras" />}
      {ear !== null && (
        <Sense heading="health.ear" sense={ear} devices={ear.microphones.length} counted="health.microphones" />
      )}
    </section>
  );
}

interface SenseProps {
  readonly heading: Key;
  readonly sense: SenseHealth;
  readonly devices: number;
  readonly counted: Key;
}

function Sense({ heading, sense, devices, counted }: SenseProps) {
  const { say, number } = useLanguage();
  const { unknown, count, flag } = useFigures();
  const { onTrial, process } = sense;
  const trial = typeof onTrial === 'boolean' ? say(onTrial ? 'health.yes' : 'health.no') : onTrial.join(', ');
  const figures: readonly (readonly [Key, string])[] = [
    ['health.process', process === null ? unknown : flag(process.running)],
    ['health.restarts', process === null ? unknown : count(process.restarts)],
    ['health.last-end', process?.lastEnd ?? '–'],
    ['health.model', sense.model ?? unknown],
    ['health.on-trial', trial === '' ? say('health.no') : trial],
    ['health.accelerator', sense.accelerator ?? unknown],
    ['health.why', sense.why ?? unknown],
    [counted, number(devices)],
  ];
  return (
    <>
      <h4>{say(heading)}</h4>
      <Facts figures={figures} />
    </>
  );
}

function Facts({ figures }: { readonly figures: readonly (readonly [Key, string])[] }) {
  const { say } = useLanguage();
  return (
    <dl class="facts">
      {figures.map(([key, value]) => (
        <div key={key} data-fact={key}>
          <dt>{say(key)}</dt>
          <dd>
            <bdi>{value}</bdi>
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Store({ health }: { readonly health: Health }) {
  const { say } = useLanguage();
  const { bytes, count, flag } = useFigures();
  const { storage } = health;
  return (
    <section class="panel" aria-labelledby="store-title">
      <h3 id="store-title">{say('health.store')}</h3>
      <Facts
        figures={[
          ['health.bytes-a-day', bytes(storage.bytesADay)],
          ['health.store-bytes', bytes(health.storeBytes)],
          ['health.budget', bytes(storage.budgetBytes)],
          ['health.journal', bytes(health.journalBytes)],
          ['health.ring', bytes(health.ringBytes)],
          ['health.disk-free', bytes(storage.freeBytes)],
          ['health.store-full', flag(health.storeFull)],
          ['health.waiting', count(health.waitingForRoom)],
          ['health.queued', count(storage.queuedRecords)],
          ['health.lost', count(health.lostRecords)],
          ['health.dropped-records', count(storage.droppedRecords)],
        ]}
      />
      <Counts title={say('health.dropped')} none={say('health.nothing-dropped')} counts={health.dropped} />
      <Counts title={say('health.evicted')} none={say('health.nothing-evicted')} counts={health.evicted} />
    </section>
  );
}

interface CountsProps {
  readonly title: string;
  readonly none: string;
  readonly counts: Readonly<Record<string, number>> | null;
}

/** Counts under the names that the log and the API have for them. */
function Counts({ title, none, counts }: CountsProps) {
  const { number } = useLanguage();
  const { unknown } = useFigures();
  const some = counts === null ? null : Object.entries(counts).filter(([, count]) => count > 0);
  if (some?.length === 0) return <p class="hint">{none}</p>;
  return (
    <p>
      <strong>{title}</strong> {some?.map(([name, count]) => `${name}: ${number(count)}`).join(', ') ?? unknown}
    </p>
  );
}

function Agent({ health }: { readonly health: Health }) {
  const { say, number } = useLanguage();
  const { count, millis, flag, unknown } = useFigures();
  const clocks: Readonly<Record<string, Key>> = {
    synced: 'health.clock.synced',
    unsynced: 'health.clock.unsynced',
    stepped: 'health.clock.stepped',
  };
  const clock = health.clock === null ? undefined : clocks[health.clock];
  return (
    <section class="panel" aria-labelledby="agent-title">
      <h3 id="agent-title">{say('health.agent')}</h3>
      <Facts
        figures={[
          ['health.clock', clock === undefined ? (health.clock ?? unknown) : say(clock)],
          ['health.knows-time', flag(health.knowsTime)],
          ['health.event-loop', millis(health.eventLoopP99Ms)],
          ['health.late-worst', millis(health.pollLatenessP99Ms)],
          ['health.memory', health.rssMB === null ? unknown : `${number(health.rssMB, 0)} MB`],
          ['health.readings', count(health.readings)],
          ['health.bad-readings', count(health.badReadings)],
          ['health.pages', count(health.page?.clients ?? null)],
        ]}
      />
    </section>
  );
}

interface Examined {
  readonly atMs: number;
  readonly checks: readonly Check[];
}

function Doctor({ now }: { readonly now: Now }) {
  const { say } = useLanguage();
  const [found, setFound] = useState<Examined | null>(null);
  const [problem, setProblem] = useState<Failure | null>(null);
  const [isBusy, setBusy] = useState(false);
  const look = async (): Promise<void> => {
    if (isBusy) return;
    setBusy(true);
    const answer = await fetchDoctor();
    setBusy(false);
    setProblem(answer.ok ? null : answer);
    if (answer.ok) setFound({ atMs: answer.value.atMs, checks: answer.value.items });
  };
  useEffect(() => void look(), []);
  return (
    <section class="panel" aria-labelledby="doctor-title">
      <div class="view-head">
        <h3 id="doctor-title">{say('health.doctor')}</h3>
        <button type="button" disabled={isBusy || now.stale} onClick={() => void look()}>
          {isBusy ? say('health.looking') : say('health.look')}
        </button>
      </div>
      <p class="hint" role="status">
        {found !== null && say('health.looked', { time: now.time.at(found.atMs, now.ms) })}
      </p>
      <Problem of={problem} />
      {found !== null && (
        <ul class="checks">
          {found.checks.map((check, index) => (
            <li key={`${check.id} ${index}`} data-check={check.id} class={check.ok ? 'check-ok' : 'check-bad'}>
              {check.ok ? <CheckIcon /> : <WarnIcon />}
              <div>
                <strong>
                  {check.id}: {say(check.ok ? 'health.check-ok' : 'health.check-bad')}
                </strong>
                <p>
                  <bdi>{check.detail}</bdi>
                </p>
                {check.cure !== null && <p>{say('health.cure', { cure: check.cure })}</p>}
              </div>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
