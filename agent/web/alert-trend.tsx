/** How the value of an alert went, fetched when somebody opens it: its curve, the limit of the rule, and the moment it was raised. */
import { useContext, useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import type { Band } from '../store/view-sums.ts';
import type { CurveOfAlert } from './alert-evidence.ts';
import type { Failure } from './client.ts';
import { useLanguage } from './language.ts';
import { MachinesHere } from './machines-here.ts';
import { curveOptions, lineOf, rangeWith } from './plot-options.ts';
import { colour, placePlot } from './plot.ts';
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
    const look = optionsOf(element, now.time.timeZone, text, { limit, raisedMs });
    const { plot, remove } = placePlot(element, look, [band.t.map((ms) => ms / 1000), [...band.mean]]);
    plot.setScale('x', { min: fromMs / 1000, max: toMs / 1000 });
    return remove;
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

function optionsOf(
  element: HTMLElement,
  timeZone: string,
  text: (value: number) => string,
  { limit, raisedMs }: Pick<CurveOfAlert, 'limit' | 'raisedMs'>,
): uPlot.Options {
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
  const look = curveOptions({
    widthPx: element.clientWidth,
    heightPx,
    fontPx: 12,
    paddingPx: [8, 8],
    colour,
    times: { sizePx: 34, spacePx: 70 },
    values: { sizePx: 72, spacePx: 34, text },
    range: (low, high) => rangeWith(limit, low, high),
  });
  const tzDate = (s: number) => uPlot.tzDate(new Date(s * 1000), timeZone);
  return { ...look, tzDate, series: [{}, lineOf(colour)], hooks: { draw: [mark] } };
}
