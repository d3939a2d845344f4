/**
 * How the minutes of one machine and hour lie packed in a row of `packed`. Pure; used by both threads of the store.
 *
 * By series: one for each signal, one for the seconds by state, each a zstd frame of its own, so that the trend of one signal does not
 * unpack the others. In front stands a length and a JSON list of the series. A frame is JSON: the number of rows, and the columns in
 * the order of `signalColumns` or `stateColumns`:
 *
 *     [60, [{"d":[1767600000000,60000,60000]}, "lockstitch-1", 0, {"a":[3200.5,3201]}, {"s":1}]]
 *
 * `d` is whole numbers, each less the one before it; `a` the values as they are; `s` the same column as in the first frame; anything
 * else one value for all rows.
 *
 * Invariants (test/unit/store/packing.test.ts):
 *  M1  What is unpacked equals what was packed, to the bit.
 *  M2  Damaged bytes are no rows; they are never other rows (the frames carry a checksum).
 */
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { StateSummaryRow, SummaryRow } from './rows.ts';

/** A row of `summary`, with the boot of its record. */
export type SignalRow = SummaryRow & { readonly boot: string };
/** A row of `state_summary`, with the boot of its record. */
export type StateRow = StateSummaryRow & { readonly boot: string };
export interface PackedRows {
  readonly signals: readonly SignalRow[];
  readonly states: readonly StateRow[];
}

type Scalar = string | number | null;
type Values = { readonly d: readonly number[] } | { readonly a: readonly Scalar[] };
type Column = Scalar | Values | { readonly s: 1 };
type Frame = readonly [rows: number, columns: readonly Column[]];
/** Signal, null for the seconds by state; bytes of the frame. */
type SeriesHead = readonly [signal: string | null, bytes: number];

/** Both lists begin alike, so that these columns can be told once for all series. */
const shared = ['minuteMs', 'machine', 'readingBoot', 'segment', 'revision', 'boot', 'n', 'atMs'] as const;
const signalColumns = [
  ...shared,
  ...(['signal', 'samples', 'good', 'sum', 'integral', 'coveredS', 'min', 'max', 'first', 'last'] as const),
  ...(['delta', 'uncertainty', 'from', 'to', 'fromMs', 'toMs', 'wraps', 'resets'] as const),
] as const satisfies readonly (keyof SignalRow)[];
const stateColumns = [...shared, 'seconds', 'causes'] as const satisfies readonly (keyof StateRow)[];

const lengthBytes = 4;
/** An hour of one signal is some 2 KB; a frame that says it is larger than this is damaged. */
const maxFrameBytes = 4 * 1024 * 1024;

export function packRows({ signals, states }: PackedRows): Buffer {
  const heads: SeriesHead[] = [];
  const frames: Buffer[] = [];
  let first: readonly string[] = [];
  const add = (signal: string | null, rows: readonly object[], names: readonly string[]) => {
    const columns = names.map((name) => columnOf(rows.map((row) => (row as Record<string, Scalar>)[name] ?? null)));
    const texts = columns.map((column) => JSON.stringify(column));
    const told = texts.map((text, at) => (at < shared.length && text === first[at] ? '{"s":1}' : text));
    if (first.length === 0) first = texts;
    const frame = zstdCompressSync(`[${rows.length},[${told.join()}]]`, {
      params: { [constants.ZSTD_c_checksumFlag]: 1 },
    });
    heads.push([signal, frame.length]);
    frames.push(frame);
  };
  if (states.length > 0) add(null, states, stateColumns);
  for (const [signal, rows] of Map.groupBy(signals, (row) => row.signal)) add(signal, rows, signalColumns);
  const head = Buffer.from(JSON.stringify(heads));
  const length = Buffer.alloc(lengthBytes);
  length.writeUInt32LE(head.length);
  return Buffer.concat([length, head, ...frames]);
}

/** All rows, or those of one signal alone. Null when the bytes are damaged. */
export function unpackRows(bytes: Buffer, signal: string | null = null): PackedRows | null {
  try {
    const signals: SignalRow[] = [];
    const states: StateRow[] = [];
    const headEnd = lengthBytes + bytes.readUInt32LE(0);
    let at = headEnd;
    let first: readonly Column[] = [];
    for (const [name, length] of JSON.parse(bytes.toString('utf8', lengthBytes, headEnd)) as SeriesHead[]) {
      const frame = bytes.subarray(at, at + length);
      at += length;
      if (signal !== null && name !== signal && first.length > 0) continue;
      const [count, told] = JSON.parse(
        zstdDecompressSync(frame, { maxOutputLength: maxFrameBytes }).toString(),
      ) as Frame;
      const columns = told.map((column, index) => (isSame(column) ? (first[index] ?? null) : column));
      if (first.length === 0) first = columns;
      if (signal !== null && name !== signal) continue;
      if (name === null) states.push(...(rowsOf(count, columns, stateColumns) as StateRow[]));
      else signals.push(...(rowsOf(count, columns, signalColumns) as SignalRow[]));
    }
    return { signals, states };
  } catch {
    return null;
  }
}

/** The seconds by state alone, which lie in front. Null when the bytes are damaged. */
export function unpackStates(bytes: Buffer): readonly StateRow[] | null {
  try {
    const headEnd = lengthBytes + bytes.readUInt32LE(0);
    const [first] = JSON.parse(bytes.toString('utf8', lengthBytes, headEnd)) as SeriesHead[];
    if (first === undefined || first[0] !== null) return [];
    const frame = bytes.subarray(headEnd, headEnd + first[1]);
    const [count, columns] = JSON.parse(
      zstdDecompressSync(frame, { maxOutputLength: maxFrameBytes }).toString(),
    ) as Frame;
    return rowsOf(count, columns, stateColumns) as StateRow[];
  } catch {
    return null;
  }
}

function columnOf(values: readonly Scalar[]): Column {
  const [first = null] = values;
  if (values.every((value) => value === first)) return first;
  if (!values.every(isWhole)) return { a: values };
  return { d: values.map((value, at) => value - (values[at - 1] ?? 0)) };
}

/** Differences of such numbers are exact, too. */
const isWhole = (value: Scalar): value is number =>
  typeof value === 'number' && Number.isInteger(value) && Math.abs(value) <= 2 ** 52;
const isSame = (column: Column): column is { readonly s: 1 } =>
  typeof column === 'object' && column !== null && 's' in column;

function rowsOf(count: number, columns: readonly Column[], names: readonly string[]): unknown[] {
  const rows = Array.from({ length: count }, (): Record<string, Scalar> => ({}));
  for (const [index, name] of names.entries()) {
    const column = columns[index] ?? null;
    let sum = 0;
    for (const [at, row] of rows.entries()) {
      if (typeof column !== 'object' || column === null) row[name] = column;
      else if ('a' in column) row[name] = column.a[at] ?? null;
      else if ('d' in column) row[name] = sum += column.d[at] ?? 0;
    }
  }
  return rows;
}
