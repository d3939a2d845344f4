/** The rows as a person reads them. Pure. */
import type { Row } from './judge.ts';

const head = ['', 'row', 'ours', 'baseline', 'ratio', 'must be', ''];

export function table(rows: readonly Row[]): string {
  const cells = [head, ...rows.map(cellsOf)];
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  return cells
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function cellsOf(row: Row): string[] {
  const must = `${row.judged === 'ratio' ? 'ratio' : 'ours'} ${row.direction === 'higher' ? '≥' : '≤'} ${row.limit}`;
  const ours = row.ours === null ? '–' : `${number(row.ours)} ${row.unit}`;
  return [row.pass ? 'ok' : 'FAIL', row.name, ours, number(row.baseline), number(row.ratio), must, row.reason ?? ''];
}

const number = (value: number | null) => (value === null ? '–' : String(Number(value.toPrecision(4))));
