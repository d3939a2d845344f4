/** A curve in its box on the page: drawn anew when the box changes, and gone without a trace. */
import uPlot from 'uplot';

/** A custom property of the page, as it is now. */
export const colour = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export interface Placed {
  readonly plot: uPlot;
  readonly remove: () => void;
}

/** As wide as the box, whatever becomes of that. */
export function placePlot(box: HTMLElement, options: uPlot.Options, data: uPlot.AlignedData): Placed {
  const plot = new uPlot(options, data, box);
  const watch = new ResizeObserver(() => plot.setSize({ width: box.clientWidth, height: options.height }));
  watch.observe(box);
  return {
    plot,
    remove: () => {
      watch.disconnect();
      plot.destroy();
    },
  };
}
