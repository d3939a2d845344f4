/** How the value of an alert went, fetched when somebody opens it: its curve, the limit of the rule, and the moment it was raised. */
import { useContext, useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import type { Band } from '../store/view-sums.ts';
import type { CurveOfAlert } from './alert-evidence.ts';
import type { Failure } from './client.ts';
import { useLanguage } from './language.ts';
import { MachinesHere } from './machines-here.ts';
import { Problem } from './problem.tsx';
import type { Now } from './times.ts';
import { fetchBand } from './views-client.ts';
import { signalWord, unitSign, valueText } from './words.ts';

const heightPx = 160;
const points = 300;

interface Props {
  readonly machine: string;
  readonly curve: CurveOfAlert;
  readonly now: Now;
}

export function AlertTrend({ machine, curve, now }: Props) {
  const language = useLanguage();
  const { say, locale } = language;
  const box = useRef<HTMLDivElement>(null);
  const [band, setBand] = useState<Band | null>(null);
  const [problem, setProblem] = useState<Failure | null>(null);
  const { signal, limit, fromMs, toMs, raisedMs } = curve;
  const here = useContext(MachinesHere).find(({ id }) => id === machine);
  const unit = here?.signals.find((one) => one.signal === signal)?.unit ?? '';
  const text = (value: number): string =>
    `${valueText({ value, kind: 'gauge' }, language)} ${unitSign(unit, language)}`.trimEnd();

  // What went before the alert does not change, and of what comes after it the card has the present.
  useEffect(() => {
    let wanted = true;
    void fetchBand(machine, signal, { fromMs, toMs }, points).then((answer) => {
      if (!wanted) return;
      setProblem(answer.ok ? null : answer);
      if (answer.ok) setBand(answer.value);
    });
    return () => {
      wanted = false;
    };
  }, [machine, signal, fromMs]);

  useEffect(() => {
    const element = box.current;
    if (element === null || band === null) return undefined;
    const made = new uPlot(
      options(element, now.time.timeZone, text, { limit, raisedMs }),
      [band.t.map((ms) => ms / 1000), [...band.mean]],
      element,
    );
    made.setScale('x', { min: fromMs / 1000, max: toMs / 1000 });
    const watch = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: heightPx }));
    watch.observe(element);
    return () => {
      watch.disconnect();
      made.destroy();
    };
  }, [band, locale, now.time.timeZone]);

  if (problem !== null) return <Problem of={problem} />;
  if (band === null) return <p class="loading">{say('shell.loading')}</p>;
  const known = band.mean.filter((value) => value !== null);
  const facts = {
    signal: signalWord(signal, language),
    time: now.time.at(raisedMs, now.ms),
    low: text(known.reduce((a, b) => Math.min(a, b), Infinity)),
    high: text(known.reduce((a, b) => Math.max(a, b), -Infinity)),
  };
  return (
    <>
      {known.length > 0 && <div class="alert-curve" ref={box} role="img" aria-label={facts.signal} />}
      <p class="hint" data-alert-trend={signal}>
        {known.length === 0 ? say('alert-trend.nothing') : say('alert-trend.went', facts)}{' '}
        {limit !== null && say('alert-trend.limit', { limit: text(limit) })}
      </p>
    </>
  );
}

const colour = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function options(
  element: HTMLElement,
  timeZone: string,
  text: (value: number) => string,
  { limit, raisedMs }: Pick<CurveOfAlert, 'limit' | 'raisedMs'>,
): uPlot.Options {
  const axis = {
    stroke: () => colour('--muted'),
    grid: { stroke: () => colour('--line'), width: 1 },
    ticks: { show: false },
    font: '12px system-ui, sans-serif',
  };
  /** The limit lies across, the moment stands up; both over the curve. */
  const mark = (plot: uPlot): void => {
    const { ctx, bbox } = plot;
    const line = (x1: number, y1: number, x2: number, y2: number, style: string): void => {
      ctx.save();
      ctx.strokeStyle = style;
      ctx.lineWidth = 2 * devicePixelRatio;
      ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
      ctx.beginPath();
      ctx.moveTo(x1, y1);
      ctx.lineTo(x2, y2);
      ctx.stroke();
      ctx.restore();
    };
    const at = plot.valToPos(raisedMs / 1000, 'x', true);
    line(at, bbox.top, at, bbox.top + bbox.height, colour('--muted'));
    if (limit === null) return;
    const height = plot.valToPos(limit, 'y', true);
    line(bbox.left, height, bbox.left + bbox.width, height, colour('--fault'));
  };
  return {
    width: Math.max(120, element.clientWidth),
    height: heightPx,
    cursor: { show: false },
    legend: { show: false },
    padding: [8, 8, 0, 0],
    tzDate: (s) => uPlot.tzDate(new Date(s * 1000), timeZone),
    scales: { x: { time: true, auto: false }, y: { range: (_plot, low, high) => withLimit(low, high, limit) } },
    axes: [
      { ...axis, size: 34, space: 70 },
      { ...axis, size: 72, space: 34, values: (_plot, ticks) => ticks.map(text) },
    ],
    series: [{}, { stroke: () => colour('--curve'), width: 1.5, points: { show: false }, spanGaps: false }],
    hooks: { draw: [mark] },
  };
}

/** The limit is always to be seen, and nothing lies on the frame. */
function withLimit(low: number | null, high: number | null, limit: number | null): [number, number] {
  const least = Math.min(low ?? limit ?? 0, limit ?? Infinity);
  const most = Math.max(high ?? limit ?? 1, limit ?? -Infinity);
  const pad = Math.max((most - least) * 0.1, 0.5);
  return [least - pad, most + pad];
}
