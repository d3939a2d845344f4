/**
 * Reading a range of addresses of which nothing is known, and everything a register may mean. Pure but for the reads, which come
 * in from outside.
 *
 * Invariants:
 *  - Every address of the ranges ends as a value or as absent with its exception, or the whole probe fails with one error.
 *  - No read is longer than 125 registers or 2000 bits (V1.1b3 §6.1–6.4), and none asks an address outside the ranges.
 *  - An address is absent only when a read of it alone was refused with exception 2 or 3.
 */
import { DriverError } from '../errors.ts';
import type { AddressRange } from './address-range.ts';
import type { ReadRequest, Reply } from './pdu.ts';
import { functionOfTable, type Table } from './plan.ts';

/** One address of the machine. */
export interface ProbedCell {
  readonly table: Table;
  readonly address: number;
  /** The register, or 0 and 1 for a bit; null where the machine has no such address. */
  readonly value: number | null;
  /** Exception 2 or 3 where the machine has no such address, else null. */
  readonly exception: number | null;
}

interface Span {
  readonly table: Table;
  readonly address: number;
  readonly count: number;
}

/** Most addresses one probe may ask: with nothing there, finding that out takes two reads for each of them. */
const maxAddresses = 10_000;

const exceptionNames: Readonly<Record<number, string>> = {
  1: 'illegal function',
  4: 'device failure',
  5: 'acknowledge, still working',
  6: 'device busy',
  8: 'memory parity error',
  10: 'gateway path unavailable',
  11: 'gateway target did not respond',
};

export const isBitTable = (table: Table): boolean => functionOfTable[table] <= 2;

/**
 * The reads that cover the ranges, each address once, by table and address.
 * @throws DriverError DRV-400 when there are more than 10 000 addresses
 */
export function spansOf(ranges: readonly AddressRange[]): Span[] {
  const spans: Span[] = [];
  let addresses = 0;
  for (const table of new Set(ranges.map((range) => range.table))) {
    const cap = isBitTable(table) ? 2_000 : 125;
    let next = 0;
    const sorted = ranges.filter((range) => range.table === table).sort((a, b) => a.from - b.from);
    for (const { from, to } of sorted) {
      for (let address = Math.max(from, next); address <= to; address += cap) {
        const count = Math.min(cap, to - address + 1);
        spans.push({ table, address, count });
        addresses += count;
      }
      next = Math.max(next, to + 1);
    }
  }
  if (addresses > maxAddresses) {
    throw new DriverError(
      'addressRangeInvalid',
      `${addresses} addresses are more than the ${maxAddresses} of one probe`,
    );
  }
  return spans;
}

/**
 * Reads the spans one request at a time. What is refused with exception 2 or 3 is halved until single addresses stand alone.
 * @param ask one request; rejects to end the probe, such as when it is stopped
 * @param onProgress after each answer, with the addresses that are settled
 * @throws DriverError DRV-403 without a readable answer, DRV-404 with another exception
 */
export async function probeSpans(
  unit: number,
  spans: readonly Span[],
  ask: (request: ReadRequest) => Promise<Reply>,
  onProgress: (settled: number) => void = () => {},
): Promise<ProbedCell[]> {
  const cells: ProbedCell[] = [];
  const open = [...spans];
  for (let span = open.shift(); span !== undefined; span = open.shift()) {
    const { table, address, count } = span;
    const request: ReadRequest = { unit, fn: functionOfTable[table], address, count };
    const reply = await askTwice(request, ask);
    if (reply.kind === 'data') {
      for (let i = 0; i < count; i += 1) {
        cells.push({ table, address: address + i, value: valueAt(reply.data, i, table), exception: null });
      }
    } else if (reply.kind === 'failed') {
      throw new DriverError('unitSilent', `unit ${unit}, ${spanText(span)}: ${reply.reason}`);
    } else if (reply.code !== 2 && reply.code !== 3) {
      const name = exceptionNames[reply.code] ?? 'of no known meaning';
      throw new DriverError('unitRefuses', `unit ${unit}, ${spanText(span)}: exception ${reply.code}, ${name}`);
    } else if (count === 1) {
      cells.push({ table, address, value: null, exception: reply.code });
    } else {
      // An even address begins the second half: values of two registers mostly do, and some machines refuse half a value.
      const middle = address + Math.ceil(count / 2);
      const cut = count > 2 && middle % 2 === 1 ? middle - 1 : middle;
      const at = cut > address ? cut : middle;
      open.unshift({ table, address, count: at - address }, { table, address: at, count: address + count - at });
    }
    onProgress(cells.length);
  }
  return cells;
}

/** A request that noise or a busy machine has spoiled is repeated once, as the driver does. */
async function askTwice(request: ReadRequest, ask: (request: ReadRequest) => Promise<Reply>): Promise<Reply> {
  const reply = await ask(request);
  const canHelp =
    reply.kind === 'failed'
      ? reply.reason !== 'connection-lost'
      : reply.kind === 'exception' && (reply.code === 5 || reply.code === 6);
  return canHelp ? ask(request) : reply;
}

function valueAt(data: Uint8Array, at: number, table: Table): number {
  if (isBitTable(table)) return ((data[at >> 3] ?? 0) >> (at & 7)) & 1;
  return ((data[at * 2] ?? 0) << 8) | (data[at * 2 + 1] ?? 0);
}

function spanText({ table, address, count }: Span): string {
  return `${table} ${address}${count === 1 ? '' : `..${address + count - 1}`} (function ${functionOfTable[table]})`;
}

/** Which byte of the two registers, as they come from the wire, is the most significant of the value, and so on downwards. */
const bytesOfOrder = { ABCD: [0, 1, 2, 3], CDAB: [2, 3, 0, 1], BADC: [1, 0, 3, 2], DCBA: [3, 2, 1, 0] } as const;
type WordOrder = keyof typeof bytesOfOrder;
type ByOrder = Readonly<Record<WordOrder, number | null>>;

/** What a register may mean. 32 bits are this register and the next; null where the next is not there. */
export interface Decodings {
  readonly u16: number;
  readonly i16: number;
  readonly u32: ByOrder;
  readonly i32: ByOrder;
  /** Not finite where the bits are NaN or infinity. */
  readonly f32: ByOrder;
}

/** What is seen here is what a profile gives with the same type and `wordOrder`; a test holds both together. */
export function decodingsOf(raw: number, next: number | null): Decodings {
  const wire = [raw >> 8, raw & 0xff, (next ?? 0) >> 8, (next ?? 0) & 0xff];
  const view = new DataView(new ArrayBuffer(4));
  const inOrder = (order: WordOrder, read: () => number): number | null => {
    if (next === null) return null;
    for (const [at, from] of bytesOfOrder[order].entries()) view.setUint8(at, wire[from] ?? 0);
    return read();
  };
  const byOrder = (read: () => number): ByOrder => ({
    ABCD: inOrder('ABCD', read),
    CDAB: inOrder('CDAB', read),
    BADC: inOrder('BADC', read),
    DCBA: inOrder('DCBA', read),
  });
  return {
    u16: raw,
    i16: raw >= 0x8000 ? raw - 0x10000 : raw,
    u32: byOrder(() => view.getUint32(0)),
    i32: byOrder(() => view.getInt32(0)),
    f32: byOrder(() => view.getFloat32(0)),
  };
}

/** One row of the answer. Bits, and addresses that are not there, have no decodings. */
export interface ProbeRow {
  readonly table: Table;
  readonly address: number;
  readonly raw: number | null;
  readonly decodings: Decodings | null;
  /** Only where the machine has no such address. */
  readonly exception?: number;
}

export function rowsOf(cells: readonly ProbedCell[]): ProbeRow[] {
  const values = new Map(cells.map((cell) => [`${cell.table} ${cell.address}`, cell.value]));
  return cells.map(({ table, address, value, exception }) => {
    if (value === null)
      return { table, address, raw: null, decodings: null, ...(exception === null ? {} : { exception }) };
    const next = values.get(`${table} ${address + 1}`) ?? null;
    return { table, address, raw: value, decodings: isBitTable(table) ? null : decodingsOf(value, next) };
  });
}
