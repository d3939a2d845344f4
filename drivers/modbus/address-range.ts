/**
 * Ranges of addresses as people write them. Pure.
 *
 * Invariants:
 *  - A range that is returned lies within the protocol addresses 0 … 65535 (V1.1b3 §4.4), both ends included.
 *  - Where the manuals' notation is recognised `note` says which protocol addresses are meant; nothing is converted unseen.
 */
import { DriverError } from '../errors.ts';
import type { Table } from './plan.ts';

export interface AddressRange {
  readonly table: Table;
  /** Protocol addresses, from 0, both included. */
  readonly from: number;
  readonly to: number;
  /** What a person should know of how the range was understood; null when it stands as it was written. */
  readonly note: string | null;
}

const highest = 65_535;

/** First digit of the manuals' numbers: Modicon's reference numbers, which count from 1. */
const tableDigit: Readonly<Record<Table, string>> = { coil: '0', discrete: '1', input: '3', holding: '4' };

/** An address as manuals write it: five digits, or six where the table is longer than 9999. */
export function manualNumber(table: Table, address: number): string {
  return `${tableDigit[table]}${String(address + 1).padStart(address < 9_999 ? 4 : 5, '0')}`;
}

/**
 * `0..40` or `7`: protocol addresses, also as `0x0000..0x0028`. Five or six digits beginning with the digit of the table, such
 * as `40001..40041` with `holding` or `00017` with `coil`, are the manuals' notation; `0x…` says that they are not.
 * @throws DriverError DRV-400
 */
export function parseAddressRange(table: Table, text: string): AddressRange {
  const invalid = (why: string) => new DriverError('addressRangeInvalid', `--${table} ${text}: ${why}`);
  const parts = text.split('..');
  const [first = '', last = first] = parts;
  if (parts.length > 2) throw invalid('one FROM..TO is needed');
  const ends = [first, last].map((one) => parseAddress(table, one.trim()));
  const [from = null, to = null] = ends;
  if (from === null || to === null) throw invalid('an address is a whole number, decimal or 0x…');
  if (from.isManual !== to.isManual) throw invalid('one end is written as in manuals and the other is not');
  for (const { address } of [from, to]) {
    if (address < 0 || address > highest)
      throw invalid(`an address is from ${from.isManual ? 'number 1' : '0'} to 65535`);
  }
  if (from.address > to.address) throw invalid('it ends before it begins');
  const note = from.isManual
    ? `${text} is read as the numbers of a manual: protocol address ${spanText(from.address, to.address)}. ` +
      `For protocol address ${spanText(Number(first), Number(last))} write ${spanText(hex(Number(first)), hex(Number(last)))}`
    : null;
  return { table, from: from.address, to: to.address, note };
}

function parseAddress(table: Table, text: string): { readonly address: number; readonly isManual: boolean } | null {
  if (/^0x[0-9a-f]{1,4}$/i.test(text)) return { address: Number(text), isManual: false };
  if (!/^\d{1,6}$/.test(text)) return null;
  if (text.length >= 5 && text.startsWith(tableDigit[table])) {
    return { address: Number(text.slice(1)) - 1, isManual: true };
  }
  return { address: Number(text), isManual: false };
}

const hex = (value: number) => `0x${value.toString(16).toUpperCase()}`;
const spanText = (from: number | string, to: number | string) => (from === to ? `${from}` : `${from}..${to}`);
