/** A small curve of one signal over the last quarter of an hour. Holes stay holes. */
import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import type { MachineView } from '../live.ts';
import { fetchTrend } from './client.ts';
import { useLanguage, type Language } from './language.ts';
import { addPoint, rangeText, type Points } from './points.ts';
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
    const made = new uPlot(plotOptions(element, now.time, language), [[], []], element);
    plot.current = made;
    const watch = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: heightPx }));
    watch.observe(element);
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const redraw = () => made.redraw(false, true);
    dark.addEventListener('change', redraw);
    return () => {
      dark.removeEventListener('change', redraw);
      watch.disconnect();
      made.destroy();
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

const colour = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const stepped = uPlot.paths.stepped?.({ align: 1 });

function plotOptions(element: HTMLElement, time: SiteTime, language: Language): uPlot.Options {
  const axis = {
    stroke: () => colour('--muted'),
    grid: { stroke: () => colour('--line'), width: 1 },
    ticks: { show: false },
    font: '11px system-ui, sans-serif',
  };
  return {
    width: Math.max(120, element.clientWidth),
    height: heightPx,
    cursor: { show: false },
    legend: { show: false },
    padding: [6, 4, 0, 0],
    tzDate: (s) => uPlot.tzDate(new Date(s * 1000), time.timeZone),
    scales: { x: { time: true, auto: false }, y: { range: (_plot, low, high) => wideRange(low, high) } },
    axes: [
      { ...axis, size: 22, space: 70, values: (_plot, ticks) => ticks.map((s) => time.minute(s * 1000)) },
      {
        ...axis,
        size: 46,
        space: 28,
        values: (_plot, ticks) => ticks.map((value) => valueText({ value, kind: 'gauge' }, language)),
      },
    ],
    series: [
      {},
      {
        stroke: () => colour('--curve'),
        fill: () => colour('--curve-fill'),
        width: 1.5,
        points: { show: false },
        spanGaps: false,
        // Readings are kept by exception: what stands between two points is the first value, not a slope to the second.
        ...(stepped === undefined ? {} : { paths: stepped }),
      },
    ],
  };
}

/** A flat line lies in the middle and not on the frame; nothing measured is below zero unless a value is. */
function wideRange(low: number | null, high: number | null): [number, number] {
  if (low === null || high === null) return [0, 1];
  const pad = Math.max((high - low) * 0.1, Math.abs(high) * 0.02, 0.5);
  return [low >= 0 ? Math.max(0, low - pad) : low - pad, high + pad];
}
