/** A small curve of one signal over the last quarter of an hour. Holes stay holes. */
import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import type { MachineView } from '../live.ts';
import { fetchTrend } from './client.ts';
import { useLanguage, type Language } from './language.ts';
import { addPoint, rangeText, type Points } from './points.ts';
import { curveOptions, lineOf, wideRange } from './plot-options.ts';
import { colour, placePlot } from './plot.ts';
import { chartable, signalWord, unitSign, valueText } from './words.ts';
import type { Now, SiteTime } from './times.ts';

const spanMs = 15 * 60_000;
const heightPx = 96;

const storageKey = (machine: string) => `selvedge.trend.${machine}`;
/** A browser may forbid storage; then the choice lives as long as the page. */
function remembered(machine: string): string | null {
  try {
    return localStorage.getItem(storageKey(machine));
  } catch {
    return null;
  }
}
function remember(machine: string, signal: string): void {
  try {
    localStorage.setItem(storageKey(machine), signal);
  } catch {
    // Nothing to do: the choice is only not kept.
  }
}

export function TrendChart({ machine, now }: { machine: MachineView; now: Now }) {
  const language = useLanguage();
  const names = chartable(machine);
  const [chosen, setChosen] = useState(() => remembered(machine.id));
  const signal = chosen !== null && names.includes(chosen) ? chosen : (names[0] ?? null);
  if (signal === null) return null;
  const selectId = `trend-${machine.id}`;
  return (
    <div class="trend">
      <div class="trend-head">
        <label for={selectId}>{language.say('trend.last')}</label>
        <select
          id={selectId}
          value={signal}
          onChange={(event) => {
            setChosen(event.currentTarget.value);
            remember(machine.id, event.currentTarget.value);
          }}
        >
          {names.map((name) => (
            <option key={name} value={name}>
              {signalWord(name, language)}
            </option>
          ))}
        </select>
      </div>
      <Curve key={`${machine.id} ${signal}`} machine={machine} signal={signal} now={now} />
    </div>
  );
}

/** Drawn this often: the curve of a quarter of an hour does not change more in less, and a tablet's battery notices. */
const redrawMs = 5_000;

function Curve({ machine, signal, now }: { machine: MachineView; signal: string; now: Now }) {
  const language = useLanguage();
  const { say } = language;
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const points = useRef<Points | null>(null);
  const [fetched, setFetched] = useState<'not-yet' | 'failed' | number>('not-yet');
  const [range, setRange] = useState<string | null>(null);
  const view = machine.signals.find((one) => one.signal === signal);
  const unit = unitSign(view?.unit ?? '', language);

  useEffect(() => {
    if (now.stale) return undefined;
    let gone = false;
    void fetchTrend(machine.id, signal, now.ms - spanMs, now.ms, 300).then((answer) => {
      if (gone) return;
      if (answer.ok) points.current = { t: answer.value.t, v: answer.value.v };
      points.current ??= { t: [], v: [] };
      setFetched(answer.ok ? Date.now() : 'failed');
    });
    return () => {
      gone = true;
    };
    // Again after each break of the connection: what happened meanwhile is in the history.
  }, [machine.id, signal, now.stale]);

  const atMs = machine.gap === null ? (view?.sourceTimeMs ?? null) : machine.gap.fromMs;
  const value = machine.gap === null && view?.quality !== 'bad' && typeof view?.value === 'number' ? view.value : null;
  useEffect(() => {
    if (atMs !== null && points.current !== null) points.current = addPoint(points.current, atMs, value, spanMs);
  }, [atMs, value, fetched]);

  useEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const { plot: made, remove } = placePlot(element, optionsOf(element, now.time, language), [[], []]);
    plot.current = made;
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const redraw = () => made.redraw(false, true);
    dark.addEventListener('change', redraw);
    return () => {
      dark.removeEventListener('change', redraw);
      remove();
      plot.current = null;
    };
  }, [now.time, language]);

  useEffect(() => {
    const known = points.current;
    if (known === null) return;
    plot.current?.setData([known.t.map((ms) => ms / 1000), [...known.v]], false);
    plot.current?.setScale('x', { min: (now.ms - spanMs) / 1000, max: now.ms / 1000 });
    setRange(rangeText(known, unit, language));
  }, [fetched, language, Math.floor(now.ms / redrawMs)]);

  return (
    <>
      <div
        class="curve"
        ref={box}
        role="img"
        aria-label={say('trend.label', { signal: signalWord(signal, language), range: range ?? say('trend.loading') })}
      />
      {fetched === 'failed' && <p class="hint">{say('trend.failed')}</p>}
    </>
  );
}

const stepped = uPlot.paths.stepped?.({ align: 1 });

function optionsOf(element: HTMLElement, time: SiteTime, language: Language): uPlot.Options {
  const look = curveOptions({
    widthPx: element.clientWidth,
    heightPx,
    fontPx: 11,
    paddingPx: [6, 4],
    colour,
    times: { sizePx: 22, spacePx: 70, text: (ms) => time.minute(ms) },
    values: { sizePx: 46, spacePx: 28, text: (value) => valueText({ value, kind: 'gauge' }, language) },
    range: wideRange,
  });
  const line = {
    ...lineOf(colour),
    fill: () => colour('--curve-fill'),
    // Readings are kept by exception: what stands between two points is the first value, not a slope to the second.
    ...(stepped === undefined ? {} : { paths: stepped }),
  };
  return { ...look, tzDate: (s) => uPlot.tzDate(new Date(s * 1000), time.timeZone), series: [{}, line] };
}
