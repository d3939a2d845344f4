/** What a step of panning costs the thread of the page, over a signal with a million readings. */
import type { Page as Tab } from 'playwright-core';
import { pageMachineId, pannedSignal } from './page-names.ts';
import { BenchFailure } from './processes.ts';

const steps = 20;
/** A week: all of the million readings lie in it. */
const rangeMs = 7 * 86_400_000;

/**
 * Opens the trend of the signal over its whole past and moves it by its own key; ms of the page's thread for each step, by the
 * browser's own count of all tasks of the thread (Performance.getMetrics, TaskDuration), those of the live page among them.
 */
export async function panStepMs(tab: Tab, url: string): Promise<number> {
  await tab.goto(`${url}/#/machine/${pageMachineId(0)}`);
  const chart = tab.locator(`[data-trend="${pannedSignal}"]`);
  await tab.locator('#band-signal').selectOption(pannedSignal);
  await tab.locator('#band-range').selectOption(String(rangeMs));
  await chart.waitFor();
  const protocol = await tab.context().newCDPSession(tab);
  await protocol.send('Performance.enable');
  const busyMs = async (): Promise<number> => {
    const { metrics } = await protocol.send('Performance.getMetrics');
    const found = metrics.find(({ name }) => name === 'TaskDuration');
    if (found === undefined) throw new BenchFailure('the browser does not count its tasks');
    return found.value * 1000;
  };
  await chart.focus();
  await drawn(tab, 1);
  // A curve of nothing is quickly drawn.
  if ((await chart.locator('xpath=following-sibling::p[@data-band]').getAttribute('data-band')) !== 'minutes')
    throw new BenchFailure('the curve does not come from minutes');
  const before = await busyMs();
  await tab.evaluate(panning);
  return ((await busyMs()) - before) / steps;
}

/** Presses the key, waits for the curve that follows it to be on the screen, and presses again; nothing else of the bench is on that thread. */
const panning = `(async () => {
  const chart = document.querySelector('[data-trend="${pannedSignal}"]');
  for (let step = 0; step < ${steps}; step += 1) {
    await new Promise((resolve) => {
      const observer = new MutationObserver(() => {
        observer.disconnect();
        requestAnimationFrame(() => setTimeout(resolve, 0));
      });
      observer.observe(chart, { attributeFilter: ['data-drawn'] });
      chart.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowLeft', bubbles: true, cancelable: true }));
    });
  }
})()`;

/** Resolves when the curve has been drawn so many times. */
const drawn = (tab: Tab, times: number) =>
  tab.waitForFunction(
    ([signal, wanted]) => {
      const chart = (
        globalThis as unknown as {
          document: { querySelector(s: string): { dataset: Record<string, string> } | null };
        }
      ).document.querySelector(`[data-trend="${signal}"]`);
      return Number(chart?.dataset['drawn'] ?? -1) >= wanted;
    },
    [pannedSignal, times] as const,
    { polling: 20 },
  );
