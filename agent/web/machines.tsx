/** A machine at a glance. A value that is not good never looks as if it were. */
import { useMemo, useRef } from 'preact/hooks';
import type { MachineView, SignalView } from '../live.ts';
import { Cloth } from './cloth.tsx';
import { StateIcon, WarnIcon } from './icons.tsx';
import { useLanguage } from './language.ts';
import { placeOf } from './machines-here.ts';
import { useNear } from './near.ts';
import { Rolls } from './rolls.tsx';
import { SetPoints } from './set-points.tsx';
import { Sound } from './sound.tsx';
import { lasted, type Now } from './times.ts';
import { TrendChart } from './trend-lazy.tsx';
import { causeWord, kindWord, reasonWord, signalWord, splitSignals, stateWord, unitSign, valueText } from './words.ts';

/** Without a good reading for this long the values of a machine are old, whatever its state says. */
const oldAfterMs = 30_000;

interface TileProps {
  readonly machine: MachineView;
  readonly now: Now;
  /** null: this person may write nothing to this machine. */
  readonly writeCsrf: string | null;
  /** null: this person only looks. */
  readonly csrf: string | null;
  /** Only what it is and how it stands. */
  readonly isBrief?: boolean;
}

/** How fine the time is that something which lasts so long is shown in, ms: what would look the same is not drawn again. */
export const shownStepMs = (lastsMs: number): number => (lastsMs < 60_000 ? 1_000 : 5_000);
const farStepMs = 10_000;

/** The tile in its place in the list. Of many machines those far off the screen show their state alone until they come near. */
export function MachineSlot({ isOneOfMany, ...props }: Omit<TileProps, 'isBrief'> & { readonly isOneOfMany: boolean }) {
  const { machine, now, writeCsrf, csrf } = props;
  const language = useLanguage();
  const place = useRef<HTMLLIElement>(null);
  const isNear = useNear(place, isOneOfMany);
  // A form of a set-point counts the seconds that are left.
  const isCounting = isNear && (place.current?.querySelector('.set-points form') ?? null) !== null;
  const stepMs = isCounting ? 1_000 : isNear ? shownStepMs(now.ms - machine.stateSinceMs) : farStepMs;
  const { state, cause, stateSinceMs, gap, name } = machine;
  const shown = isNear ? machine : `${state} ${cause} ${stateSinceMs} ${gap?.fromMs} ${gap?.reason} ${name}`;
  return useMemo(
    () => (
      <li ref={place}>
        <MachineTile {...props} isBrief={!isNear} />
      </li>
    ),
    [shown, isNear, Math.floor(now.ms / stepMs), now.stale, now.time, writeCsrf, csrf, language],
  );
}

export function MachineTile({ machine, now, writeCsrf, csrf, isBrief = false }: TileProps) {
  const language = useLanguage();
  const { say } = language;
  const state = stateWord(machine.state, language);
  const { key, more } = splitSignals(machine);
  const isOld = isMachineOld(machine, now);
  const place = placeOf(machine);
  return (
    <article
      class={`tile state-${machine.state.toLowerCase()}${isOld ? ' old' : ''}${isBrief ? ' brief' : ''}`}
      data-machine={machine.id}
      aria-labelledby={`machine-${machine.id}`}
    >
      <div class="tile-head">
        <div>
          <h3 id={`machine-${machine.id}`}>{machine.name}</h3>
          <p class="tile-place">
            {kindWord(machine.kind, language)}
            {place !== '' && ` · ${place}`}
          </p>
        </div>
        <p class="badge state">
          <StateIcon state={machine.state} />
          {now.stale ? say('floor.was', { word: state }) : state}
        </p>
      </div>
      <p class="tile-since">
        {machine.cause !== null && <strong>{causeWord(machine.cause, language)}. </strong>}
        {say('machine.for', { duration: lasted(now.ms - machine.stateSinceMs, language) })}
      </p>
      {machine.gap !== null && (
        <p class="tile-gap">
          <WarnIcon />
          <span>
            {say('machine.not-read', {
              time: now.time.at(machine.gap.fromMs, now.ms),
              reason: reasonWord(machine.gap.reason, language),
            })}
          </span>
        </p>
      )}
      {machine.gap === null && isOld && !now.stale && (
        <p class="tile-gap">
          <WarnIcon />
          <span>
            {machine.lastGoodMs === null
              ? say('machine.never-read')
              : say('machine.no-good-since', { time: now.time.at(machine.lastGoodMs, now.ms) })}
          </span>
        </p>
      )}
      {machine.unknownCodes.map(({ signal, code }) => (
        <p class="tile-gap" key={signal}>
          <WarnIcon />
          <span>{say('machine.unknown-code', { signal: signalWord(signal, language), code })}</span>
        </p>
      ))}
      {!isBrief && (
        <>
          <Readings signals={key} isOld={isOld} />
          <TrendChart machine={machine} now={now} />
          {machine.hasEye && <Rolls machine={machine} now={now} csrf={csrf} />}
          {machine.hasEye && <Cloth machine={machine} now={now} csrf={csrf} />}
          {machine.hasEar && <Sound machine={machine} now={now} csrf={csrf} />}
          {more.length > 0 && (
            <details>
              <summary>{say('machine.all-readings', { count: machine.signals.length })}</summary>
              <Readings signals={more} isOld={isOld} />
              <p class="hint">
                {say('machine.profile', { id: machine.id, profile: machine.profile, protocol: machine.protocol })}
              </p>
            </details>
          )}
          {writeCsrf !== null && <SetPoints machine={machine} csrf={writeCsrf} now={now} />}
        </>
      )}
    </article>
  );
}

function isMachineOld(machine: MachineView, now: Now): boolean {
  if (now.stale || machine.gap !== null || machine.lastGoodMs === null) return true;
  return now.ms - machine.lastGoodMs > oldAfterMs;
}

function Readings({ signals, isOld }: { signals: readonly SignalView[]; isOld: boolean }) {
  const language = useLanguage();
  return (
    <dl class="readings">
      {signals.map((view) => (
        <div key={view.signal} class={`reading quality-${view.quality}`} data-signal={view.signal}>
          <dt>{signalWord(view.signal, language)}</dt>
          <dd>
            <span class="value">
              {valueText(view, language)}
              {view.value !== null && unitSign(view.unit, language) !== '' && (
                <span class="unit"> {unitSign(view.unit, language)}</span>
              )}
            </span>
            <QualityMark view={view} isOld={isOld} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

function QualityMark({ view, isOld }: { view: SignalView; isOld: boolean }) {
  const language = useLanguage();
  const { say } = language;
  const marked = (mark: string): string =>
    view.reason === null ? mark : say('machine.marked', { mark, reason: reasonWord(view.reason, language) });
  switch (view.quality) {
    case 'good':
      return isOld ? <span class="mark old-mark">{say('machine.old')}</span> : null;
    case 'uncertain':
      return <span class="mark uncertain-mark">{marked(say('machine.uncertain'))}</span>;
    case 'bad':
      return <span class="mark bad-mark">{marked(say('machine.bad'))}</span>;
    case 'none':
      return <span class="mark none-mark">{say('machine.no-reading')}</span>;
  }
}
