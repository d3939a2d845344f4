/** A machine at a glance. A value that is not good never looks as if it were. */
import type { MachineView, SignalView } from '../live.ts';
import { Cloth } from './cloth.tsx';
import { StateIcon, WarnIcon } from './icons.tsx';
import { Rolls } from './rolls.tsx';
import { SetPoints } from './set-points.tsx';
import { Sound } from './sound.tsx';
import { lasted, type Now } from './times.ts';
import { TrendChart } from './trend-lazy.tsx';
import { causeWord, kindWord, reasonWord, signalWord, splitSignals, stateWords, unitSign, valueText } from './words.ts';

/** Without a good reading for this long the values of a machine are old, whatever its state says. */
const oldAfterMs = 30_000;

interface TileProps {
  readonly machine: MachineView;
  readonly now: Now;
  /** null: this person may write nothing to this machine. */
  readonly writeCsrf: string | null;
  /** null: this person only looks. */
  readonly csrf: string | null;
}

export function MachineTile({ machine, now, writeCsrf, csrf }: TileProps) {
  const { key, more } = splitSignals(machine);
  const isOld = isMachineOld(machine, now);
  const place = [machine.line, machine.station].filter((part) => part !== null).join(' · ');
  return (
    <article
      class={`tile state-${machine.state.toLowerCase()}${isOld ? ' old' : ''}`}
      data-machine={machine.id}
      aria-labelledby={`machine-${machine.id}`}
    >
      <div class="tile-head">
        <div>
          <h3 id={`machine-${machine.id}`}>{machine.name}</h3>
          <p class="tile-place">
            {kindWord(machine.kind)}
            {place !== '' && ` · ${place}`}
          </p>
        </div>
        <p class="badge state">
          <StateIcon state={machine.state} />
          {now.stale ? `was: ${stateWords[machine.state]}` : stateWords[machine.state]}
        </p>
      </div>
      <p class="tile-since">
        {machine.cause !== null && <strong>{causeWord(machine.cause)}. </strong>}
        For {lasted(now.ms - machine.stateSinceMs)}
      </p>
      {machine.gap !== null && (
        <p class="tile-gap">
          <WarnIcon />
          <span>
            Not read since {now.time.at(machine.gap.fromMs, now.ms)}: {reasonWord(machine.gap.reason)}
          </span>
        </p>
      )}
      {machine.gap === null && isOld && !now.stale && (
        <p class="tile-gap">
          <WarnIcon />
          <span>
            {machine.lastGoodMs === null
              ? 'No good reading yet'
              : `No good reading since ${now.time.at(machine.lastGoodMs, now.ms)}`}
          </span>
        </p>
      )}
      {machine.unknownCodes.map(({ signal, code }) => (
        <p class="tile-gap" key={signal}>
          <WarnIcon />
          <span>
            {signalWord(signal)} {code}: not in the profile. Look it up in the machine’s manual.
          </span>
        </p>
      ))}
      <Readings signals={key} isOld={isOld} />
      <TrendChart machine={machine} now={now} />
      {machine.hasEye && <Rolls machine={machine} now={now} csrf={csrf} />}
      {machine.hasEye && <Cloth machine={machine} now={now} csrf={csrf} />}
      {machine.hasEar && <Sound machine={machine} now={now} csrf={csrf} />}
      {more.length > 0 && (
        <details>
          <summary>All readings ({machine.signals.length})</summary>
          <Readings signals={more} isOld={isOld} />
          <p class="hint">
            {machine.id} · profile {machine.profile} · {machine.protocol}
          </p>
        </details>
      )}
      {writeCsrf !== null && <SetPoints machine={machine} csrf={writeCsrf} now={now} />}
    </article>
  );
}

function isMachineOld(machine: MachineView, now: Now): boolean {
  if (now.stale || machine.gap !== null || machine.lastGoodMs === null) return true;
  return now.ms - machine.lastGoodMs > oldAfterMs;
}

function Readings({ signals, isOld }: { signals: readonly SignalView[]; isOld: boolean }) {
  return (
    <dl class="readings">
      {signals.map((view) => (
        <div key={view.signal} class={`reading quality-${view.quality}`} data-signal={view.signal}>
          <dt>{signalWord(view.signal)}</dt>
          <dd>
            <span class="value">
              {valueText(view)}
              {view.value !== null && unitSign(view.unit) !== '' && <span class="unit"> {unitSign(view.unit)}</span>}
            </span>
            <QualityMark view={view} isOld={isOld} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

function QualityMark({ view, isOld }: { view: SignalView; isOld: boolean }) {
  const because = view.reason === null ? '' : `: ${reasonWord(view.reason)}`;
  switch (view.quality) {
    case 'good':
      return isOld ? <span class="mark old-mark">old</span> : null;
    case 'uncertain':
      return <span class="mark uncertain-mark">uncertain{because}</span>;
    case 'bad':
      return <span class="mark bad-mark">bad{because}</span>;
    case 'none':
      return <span class="mark none-mark">no reading yet</span>;
  }
}
