/** What the schema alone cannot see in the source of a Modbus signal. Pure. */
import { longOrders, modbusLength, wireAddress, type ModbusSource } from './modbus.ts';
import type { Profile, SignalSpec } from './schema.ts';

type Add = (path: readonly (string | number)[], message: string, right: string) => void;

export function checkModbusSource(profile: Profile, spec: SignalSpec, from: ModbusSource, add: Add): void {
  checkAddress(profile, from, add);
  if (from.table === 'coil' || from.table === 'discrete') {
    if (spec.kind !== 'flag') add(['kind'], `is ${spec.kind}, but a ${from.table} is a flag`, 'flag');
    for (const key of ['bit', 'bits', 'byte'] as const) {
      if (from[key] !== undefined) add(['from', key], `does nothing: a ${from.table} is one bit`, `no ${key}`);
    }
    return;
  }
  const cap = profile.modbus?.maxRegistersPerRead ?? 125;
  const length = modbusLength(from);
  if (length > cap) add(['from'], `takes ${length} registers, more than one read may have (${cap})`, 'fewer registers');
  if ((from.type === 'string') !== (spec.kind === 'text'))
    add(
      ['from', 'type'],
      'does not fit the kind: string goes with kind text and no other',
      'type: string and kind: text, or neither',
    );
  if ((from.type === 'string') !== (from.registers !== undefined))
    add(['from', 'registers'], 'is for strings, which need it', 'registers: with type: string, and only there');
  checkBits(spec, from, add);
  const isByte = from.type === 'uint8' || from.type === 'int8';
  if (from.byte !== undefined && !isByte)
    add(['from', 'byte'], `does not fit the type: ${from.type} is no single byte`, 'type: uint8 or int8, or no byte');
  if (from.wordOrder === undefined) return;
  if (isByte) add(['from', 'wordOrder'], 'does nothing: byte says which half it is', 'byte: low or byte: high');
  const isLong = longOrders.some((order) => order === from.wordOrder);
  if (isLong && length !== 4)
    add(['from', 'wordOrder'], `has eight letters, but ${from.type} is not of 64 bits`, 'an order of four letters');
}

function checkAddress(profile: Profile, from: ModbusSource, add: Add): void {
  const { addressBase = 0, notation = 'plain' } = profile.modbus ?? {};
  const found = wireAddress(from.address, { addressBase, notation });
  const at = ['from', 'address'];
  if (found === null) {
    if (notation === 'plain') add(at, 'is a text, which only the 4xxxx notation has', 'a number, or notation: 4xxxx');
    else add(at, 'begins with a digit of no table', '0xxxx, 1xxxx, 3xxxx or 4xxxx');
    return;
  }
  if (found.table !== null && found.table !== from.table)
    add(at, `is in the table ${found.table}, but the table is ${from.table}`, `table: ${found.table}`);
  if (found.address < 0) {
    const first = notation === 'plain' ? `${addressBase}` : '1, as in 40001';
    add(at, `is below ${first}, where the addresses of this profile begin`, 'a whole number from 1');
  }
  if (found.address + modbusLength(from) > 65_536)
    add(at, 'reaches beyond the last register', 'an address up to that of register 65535');
}

function checkBits(spec: SignalSpec, from: ModbusSource, add: Add): void {
  const { bit, bits } = from;
  if (bit !== undefined && from.type !== 'uint16')
    add(['from', 'bit'], 'does not fit the type: a bit is taken from a uint16', 'type: uint16, or no bit');
  if (bit !== undefined && spec.kind !== 'flag') add(['kind'], `is ${spec.kind}, but one bit is a flag`, 'flag');
  if (bits === undefined) return;
  if (bit !== undefined) add(['from', 'bits'], 'is there beside bit', 'bit or bits');
  if (from.type !== 'uint16')
    add(['from', 'bits'], 'does not fit the type: bits are taken from a uint16', 'type: uint16, or no bits');
  if (bits[0] > bits[1]) add(['from', 'bits'], 'has its first bit above the second', '[lowest, highest]');
}
