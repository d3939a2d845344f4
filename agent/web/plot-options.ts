/** What the curves of the page have in common. Pure: colours, texts and zones come from outside. */
import type uPlot from 'uplot';

/** Lowest and highest of an axis. */
export type Range = [number, number];

export interface CurveLook {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly fontPx: number;
  /** At the top and at the right. */
  readonly paddingPx: readonly [number, number];
  /** A custom property of the page, as `--curve`, as it is now: asked for at each drawing. */
  readonly colour: (name: string) => string;
  /** Room below for times, the least between two, and how one is written, of UTC ms; absent: as the zone of the plot has it. */
  readonly times: { readonly sizePx: number; readonly spacePx: number; readonly text?: (ms: number) => string };
  /** Room at the left for values, the least between two, and how one is written. */
  readonly values: { readonly sizePx: number; readonly spacePx: number; readonly text: (value: number) => string };
  /** From the least and most that is shown, null where nothing is, to the axis; absent: as the library has it. */
  readonly range?: (low: number | null, high: number | null) => Range;
}

const leastWidthPx = 120;

/** Of a curve over time without a legend and a cursor, whose span its owner sets; the series are the owner's. */
export function curveOptions(look: CurveLook): Omit<uPlot.Options, 'series'> {
  const { colour, times, values, range } = look;
  const axis = {
    stroke: () => colour('--muted'),
    grid: { stroke: () => colour('--line'), width: 1 },
    ticks: { show: false },
    font: `${look.fontPx}px system-ui, sans-serif`,
  };
  const { text } = times;
  return {
    width: Math.max(leastWidthPx, look.widthPx),
    height: look.heightPx,
    cursor: { show: false },
    legend: { show: false },
    padding: [...look.paddingPx, 0, 0],
    scales: {
      x: { time: true, auto: false },
      y: range === undefined ? {} : { range: (_plot, low, high) => range(low, high) },
    },
    axes: [
      {
        ...axis,
        size: times.sizePx,
        space: times.spacePx,
        ...(text === undefined ? {} : { values: (_plot, ticks) => ticks.map((s) => text(s * 1000)) }),
      },
      { ...axis, size: values.sizePx, space: values.spacePx, values: (_plot, ticks) => ticks.map(values.text) },
    ],
  };
}

/** The line of the values; holes stay holes. */
export const lineOf = (colour: CurveLook['colour']): uPlot.Series => ({
  stroke: () => colour('--curve'),
  width: 1.5,
  points: { show: false },
  spanGaps: false,
});

/** A flat line lies in the middle and not on the frame; nothing measured is below zero unless a value is. */
export function wideRange(low: number | null, high: number | null): Range {
  if (low === null || high === null) return [0, 1];
  const pad = Math.max((high - low) * 0.1, Math.abs(high) * 0.02, 0.5);
  return [low >= 0 ? Math.max(0, low - pad) : low - pad, high + pad];
}

/** The limit is always to be seen, and nothing lies on the frame. */
export function rangeWith(limit: number | null, low: number | null, high: number | null): Range {
  const least = Math.min(low ?? limit ?? 0, limit ?? Infinity);
  const most = Math.max(high ?? limit ?? 1, limit ?? -Infinity);
  const pad = Math.max((most - least) * 0.1, 0.5);
  return [least - pad, most + pad];
}
