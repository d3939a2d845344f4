/** The answer of a probe for people: aligned, and at most 120 columns wide. Pure. */
import { manualNumber } from '../../drivers/modbus/address-range.ts';
import { functionOfTable, type Table } from '../../drivers/modbus/plan.ts';
import { isBitTable, type ProbeRow } from '../../drivers/modbus/probe.ts';

const orders = ['ABCD', 'CDAB', 'BADC', 'DCBA'] as const;
const widths = [5, 6, 4, 2, 5, 6, ...orders.map(() => 10), ...orders.map(() => 9)];
const names: Readonly<Record<Table, string>> = {
  holding: 'Holding registers',
  input: 'Input registers',
  coil: 'Coils',
  discrete: 'Discrete inputs',
};

export function probeTable(rows: readonly ProbeRow[]): string[] {
  const tables = [...new Set(rows.map((row) => row.table))];
  return tables.flatMap((table, at) => {
    const own = rows.filter((row) => row.table === table);
    const title = `${names[table]} (function ${functionOfTable[table]}, table: ${table})`;
    return [
      ...(at > 0 ? [''] : []),
      title,
      ...(isBitTable(table) ? [line(['addr', 'manual', 'bit'])] : heads()),
      ...own.map(rowLine),
    ];
  });
}

function heads(): string[] {
  return [
    line([
      'addr',
      'manual',
      'hex',
      'tx',
      'u16',
      'i16',
      ...orders.map((o) => `u32 ${o}`),
      ...orders.map((o) => `f32 ${o}`),
    ]),
  ];
}

function rowLine({ table, address, raw, decodings, exception }: ProbeRow): string {
  const where = [String(address), manualNumber(table, address)];
  if (raw === null) return `${line(where)}  no such address (exception ${exception})`;
  if (decodings === null) return line([...where, String(raw)]);
  const { u16, i16, u32, f32 } = decodings;
  return line([
    ...where,
    raw.toString(16).toUpperCase().padStart(4, '0'),
    letters(raw),
    String(u16),
    String(i16),
    ...orders.map((order) => (u32[order] === null ? '' : String(u32[order]))),
    ...orders.map((order) => (f32[order] === null ? '' : floatText(f32[order]))),
  ]);
}

function line(cells: readonly string[]): string {
  return cells
    .map((cell, at) => cell.padStart(widths[at] ?? 0))
    .join(' ')
    .trimEnd();
}

/** The two bytes as text, for registers that hold one; a dot for what cannot be shown. */
function letters(raw: number): string {
  return [raw >> 8, raw & 0xff].map((byte) => (byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
}

/** In at most nine characters. A float32 has about seven digits; numbers far from everyday ones show three. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 1e7) return value.toExponential(2).replace('e+', 'e');
  for (let digits = 7; digits > 3; digits -= 1) {
    const text = String(Number(value.toPrecision(digits)));
    if (text.length <= 9) return text;
  }
  return value.toPrecision(3);
}
