/**
 * A curve of one signal over a chosen range: the mean, and around it the lowest and highest. Holes stay holes. It is moved into the past and
 * back by the arrow keys or by its buttons, a quarter of the range a step; what was moved stands still, while the present goes on.
 */
import { useEffect, useRef, useState } from 'preact/hooks';
import type uPlot from 'uplot';
import type { MachineView } from '../live.ts';
import type { Band } from '../store/view-sums.ts';
import type { Failure } from './client.ts';
import { useLanguage, type Key } from './language.ts';
import { curveOptions, lineOf } from './plot-options.ts';
import { colour, placePlot } from './plot.ts';
import { Problem } from './problem.tsx';
import type { Now } from './times.ts';
import { csvPath, fetchBand, type Span } from './views-client.ts';
import { useWords, type Words } from './view-words.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const heightPx = 240;
const points = 600;
/** Of the range, how far one step moves. */
const stepShare = 0.25;
/** After a failure it is asked for again so soon. */
const againMs = 5_000;

interface Range {
  readonly ms: number;
  readonly title: Key;
  /** Asked for again so often: a longer curve changes slower. */
  readonly everyMs: number;
}
const ranges: readonly Range[] = [
  { ms: minuteMs, title: 'machine-page.range.1min', everyMs: 2_000 },
  { ms: 15 * minuteMs, title: 'machine-page.range.15min', everyMs: 5_000 },
  { ms: hourMs, title: 'machine-page.range.1h', everyMs: 15_000 },
  { ms: 3 * hourMs, title: 'machine-page.range.3h', everyMs: 30_000 },
  { ms: 24 * hourMs, title: 'machine-page.range.24h', everyMs: 60_000 },
  { ms: 7 * 24 * hourMs, title: 'machine-page.range.7d', everyMs: 300_000 },
  { ms: 30 * 24 * hourMs, title: 'machine-page.range.30d', everyMs: 300_000 },
];

export function BandTrend({ machine, now }: { readonly machine: MachineView; readonly now: Now }) {
  const { say } = useLanguage();
  const words = useWords();
  const signals = machine.signals.filter(({ kind }) => kind === 'gauge' || kind === 'counter' || kind === 'flag');
  const [chosen, setChosen] = useState<string | null>(null);
  const [rangeMs, setRangeMs] = useState(15 * minuteMs);
  const signal = signals.find((one) => one.signal === chosen) ?? signals[0];
  const range = ranges.find(({ ms }) => ms === rangeMs) ?? ranges[0];
  if (signal === undefined || range === undefined) return <p class="empty">{say('machine-page.no-signal')}</p>;
  return (
    <div class="band-trend">
      <div class="choices">
        <div class="field">
          <label for="band-signal">{say('machine-page.signal')}</label>
          <select id="band-signal" value={signal.signal} onChange={(event) => setChosen(event.currentTarget.value)}>
            {signals.map((one) => (
              <option key={one.signal} value={one.signal}>
                {words.signal(one.signal)}
              </option>
            ))}
          </select>
        </div>
        <div class="field">
          <label for="band-range">{say('machine-page.range')}</label>
          <select
            id="band-range"
            value={String(range.ms)}
            onChange={(event) => setRangeMs(Number(event.currentTarget.value))}
          >
            {ranges.map(({ ms, title }) => (
              <option key={ms} value={String(ms)}>
                {say(title)}
              </option>
            ))}
          </select>
        </div>
      </div>
      <Chart
        key={`${machine.id} ${signal.signal} ${range.ms}`}
        machine={machine}
        signal={signal}
        range={range}
        now={now}
      />
    </div>
  );
}

interface ChartProps {
  readonly machine: MachineView;
  readonly signal: MachineView['signals'][number];
  readonly range: Range;
  readonly now: Now;
}

/** What is on the screen: a curve and the time it was asked for belong together. */
interface Shown {
  readonly span: Span;
  readonly band: Band;
  /** It does not follow the present. */
  readonly isMoved: boolean;
}

function Chart({ machine, signal, range, now }: ChartProps) {
  const language = useLanguage();
  const { say, locale } = language;
  const words = useWords();
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  /** Where the wanted range ends, UTC ms; null: now. */
  const [endMs, setEndMs] = useState<number | null>(null);
  const [drawn, setDrawn] = useState(0);
  const [shown, setShown] = useState<Shown | null>(null);
  const latest = useRef<Shown | null>(null);
  const [problem, setProblem] = useState<Failure | null>(null);
  const text = (value: number) => words.value({ value, kind: 'gauge', unit: signal.unit });
  const nowMs = useRef(now.ms);
  nowMs.current = now.ms;

  useEffect(() => {
    if (now.stale) return undefined;
    let gone = false;
    let timer: number | undefined;
    const load = async (): Promise<void> => {
      const toMs = endMs ?? nowMs.current;
      const span = { fromMs: Math.max(0, toMs - range.ms), toMs };
      const answer = await fetchBand(machine.id, signal.signal, span, points);
      if (gone) return;
      setProblem(answer.ok ? null : answer);
      // What stands in the past is asked for once.
      if (!answer.ok || endMs === null) {
        timer = window.setTimeout(() => void load(), answer.ok ? range.everyMs : Math.min(againMs, range.everyMs));
      }
      if (!answer.ok) return;
      latest.current = { span, band: answer.value, isMoved: endMs !== null };
      setShown(latest.current);
      if (plot.current === null) return;
      draw(plot.current, latest.current);
      setDrawn((times) => times + 1);
    };
    void load();
    return () => {
      gone = true;
      window.clearTimeout(timer);
    };
  }, [now.stale, endMs]);

  useEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const look = optionsOf(element, clockOf(range.ms, now.time.timeZone, locale), words.value);
    const { plot: made, remove } = placePlot(element, look, [[], [], [], []]);
    plot.current = made;
    if (latest.current !== null) {
      draw(made, latest.current);
      setDrawn((times) => times + 1);
    }
    return () => {
      remove();
      plot.current = null;
    };
    // Its digits and times are of a language.
  }, [language, now.time.timeZone]);

  const move = (steps: number): void => {
    if (now.stale) return;
    const to = (endMs ?? nowMs.current) + steps * stepShare * range.ms;
    setEndMs(to >= nowMs.current ? null : Math.max(range.ms, to));
  };
  const onKey = (event: KeyboardEvent): void => {
    const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -4, PageDown: 4 }[event.key];
    if (steps === undefined) return;
    event.preventDefault();
    move(steps);
  };

  const told = shown === null ? say('shell.loading') : rangeOf(shown.band, text, say);
  const at = (ms: number): string => now.time.at(ms, now.ms);
  // "The last hour" is so only while it follows the present.
  const span =
    shown === null || (!shown.isMoved && !now.stale) ? null : `${at(shown.span.fromMs)} – ${at(shown.span.toMs)}`;
  return (
    <>
      <div
        class="band-chart"
        ref={box}
        role="group"
        tabIndex={0}
        data-trend={signal.signal}
        data-drawn={drawn}
        onKeyDown={onKey}
        aria-label={`${words.signal(signal.signal)}, ${span ?? say(range.title)}: ${told}. ${say('machine-page.pan-keys')}`}
      />
      <div class="choice">
        <button type="button" disabled={now.stale} onClick={() => move(-1)}>
          {say('machine-page.earlier')}
        </button>
        <button type="button" disabled={now.stale || endMs === null} onClick={() => move(1)}>
          {say('machine-page.later')}
        </button>
        <button type="button" disabled={now.stale || endMs === null} onClick={() => setEndMs(null)}>
          {say('machine-page.now')}
        </button>
        {shown !== null && (
          <a class="button-link" href={csvPath(machine.id, signal.signal, shown.span)} download>
            {say('machine-page.csv-signal')}
          </a>
        )}
      </div>
      <p class="hint" data-band={shown?.band.source}>
        {span !== null && `${span} · `}
        {told}
        {shown !== null &&
          ` · ${say(shown.band.source === 'ring' ? 'machine-page.from-readings' : 'machine-page.from-minutes')}`}
      </p>
      <Problem of={problem} />
    </>
  );
}

function draw(plot: uPlot, { span, band: { t, low, mean, high } }: Shown): void {
  plot.setData([t.map((ms) => ms / 1000), [...high], [...low], [...mean]], false);
  plot.setScale('x', { min: span.fromMs / 1000, max: span.toMs / 1000 });
}

/** Lowest, highest and last in words: what the curve says to who cannot see it. */
function rangeOf(
  { low, mean, high }: Band,
  text: (value: number) => string,
  say: (key: Key, values?: Record<string, string>) => string,
): string {
  const known = (values: readonly (number | null)[]) => values.filter((value) => value !== null);
  const last = known(mean).at(-1);
  if (last === undefined) return say('machine-page.no-values');
  const least = known(low).reduce((a, b) => Math.min(a, b), Infinity);
  const most = known(high).reduce((a, b) => Math.max(a, b), -Infinity);
  return say('machine-page.from-to', { low: text(least), high: text(most), last: text(last) });
}

/** Times along a curve, at the site: finer than a minute, of a day, or of many. */
function clockOf(spanMs: number, timeZone: string, locale: string): (ms: number) => string {
  const time = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
  const parts: Intl.DateTimeFormatOptions =
    spanMs <= minuteMs
      ? { ...time, second: '2-digit' }
      : spanMs <= 24 * hourMs
        ? time
        : { day: 'numeric', month: 'short' };
  const format = new Intl.DateTimeFormat(locale, { timeZone, ...parts });
  return (ms) => format.format(ms);
}

function optionsOf(element: HTMLElement, clock: (ms: number) => string, text: Words['value']): uPlot.Options {
  const look = curveOptions({
    widthPx: element.clientWidth,
    heightPx,
    fontPx: 12,
    paddingPx: [8, 8],
    colour,
    times: { sizePx: 26, spacePx: 80, text: clock },
    // The unit stands in the words below.
    values: { sizePx: 64, spacePx: 34, text: (value) => text({ value, kind: 'gauge', unit: '' }) },
  });
  const edge = { width: 0, points: { show: false }, spanGaps: false };
  const bands = [{ series: [1, 2] as [number, number], fill: () => colour('--curve-fill') }];
  return { ...look, bands, series: [{}, edge, edge, lineOf(colour)] };
}
