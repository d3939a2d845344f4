import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge, type Bar, type Row } from '../../bench/judge.ts';
import { page, pageFigures, pageSetup } from '../../bench/page.ts';

const bars: readonly Bar[] = page.flatMap((bench) => bench.bars);
const rowOf = (bar: Bar, value: number | null): Row =>
  judge(
    bar,
    Array.from({ length: 5 }, () => ({ ours: value, baseline: null })),
    1000,
  );

test('the report has every figure under the name it is promised by', () => {
  const rows = bars.map((bar, index) => rowOf(bar, index + 1));
  const of = (name: string) => rows.find((row) => row.name === `page:${name}`)?.ours;
  assert.deepEqual(pageFigures(rows), {
    initialJsGzipKb: of('initialJsGzipKb'),
    firstViewMs: of('firstViewMs'),
    listOpenMs: of('listOpenMs'),
    eventToPixelMs: { p50: of('eventToPixelP50Ms'), p95: of('eventToPixelP95Ms') },
    oursMs: { p95: of('oursP95Ms') },
    panStepMs: of('panStepMs'),
    longTasksOver100Ms: of('longTasksOver100Ms'),
    axeViolations: of('axeViolations'),
    machines: pageSetup.machines,
    alerts: pageSetup.alerts,
  });
  assert.ok(Object.values(pageFigures(rows)).every((value) => value !== null && value !== undefined));
});

test('what was not measured is null, not nought', () => {
  assert.equal(pageFigures([]).panStepMs, null);
  assert.equal(pageFigures(bars.map((bar) => rowOf(bar, null))).longTasksOver100Ms, null);
});

test('a figure over its bar fails its row', () => {
  for (const bar of bars) {
    assert.equal(rowOf(bar, bar.limit).pass, true, bar.name);
    assert.equal(rowOf(bar, bar.limit + 1).pass, false, bar.name);
  }
});
