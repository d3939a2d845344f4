/** Where a Modbus machine has a value and how it lies there: the source of a signal. Pure. */
import { z } from 'zod';

/** Modbus tables by their standard names; holding = 4xxxx, input = 3xxxx, discrete = 1xxxx, coil = 0xxxx. */
export const modbusTables = ['holding', 'input', 'coil', 'discrete'] as const;
export type ModbusTable = (typeof modbusTables)[number];

/** The order of the bytes of a value on the wire, A the most significant; over 64 bits the same rule register by register. */
export const wordOrders = ['ABCD', 'CDAB', 'BADC', 'DCBA'] as const;
/** All orders of four registers in use: words and their halves forward or backward, bytes swapped or not. */
export const longOrders = [
  'ABCDEFGH',
  'GHEFCDAB',
  'BADCFEHG',
  'HGFEDCBA',
  'CDABGHEF',
  'EFGHABCD',
  'DCBAHGFE',
  'FEHGBADC',
] as const;

/** Registers of each type; null for text, which says its own length. */
const registersOfType = {
  uint8: 1,
  int8: 1,
  uint16: 1,
  int16: 1,
  uint32: 2,
  int32: 2,
  uint64: 4,
  int64: 4,
  float32: 2,
  float64: 4,
  bcd16: 1,
  bcd32: 2,
  bcd64: 4,
  string: null,
} as const;
export type ModbusType = keyof typeof registersOfType;
export const modbusTypes = Object.keys(registersOfType) as [ModbusType, ...ModbusType[]];

export const notations = ['plain', '4xxxx'] as const;

/** Numbers of a register are 16 bits; the longest form of the notation is 465536. */
const highestWritten = 465_536;
const bitNumber = z.int().min(0).max(15);

export const modbusAddress = z.union([z.int().min(0).max(highestWritten), z.string().regex(/^[0134]\d{4,5}$/)]).meta({
  description:
    'Number of the first register or bit, counted as modbus.addressBase says; with modbus.notation 4xxxx as the manual writes it.',
  expects: 'a whole number from 0 to 65535, or with notation 4xxxx one such as 40101 or "00017"',
});

export const modbusSource = z
  .strictObject({
    table: z
      .enum(modbusTables)
      .describe('Which Modbus table. holding: function 3, input: function 4, coil: function 1, discrete: function 2.'),
    address: modbusAddress,
    type: z.enum(modbusTypes).default('uint16').describe('How the registers are read. Has no meaning for bits.'),
    byte: z
      .enum(['low', 'high'])
      .optional()
      .describe('Which half of the register an uint8 or int8 is; low where absent. The other half is another value.'),
    wordOrder: z
      .enum([...wordOrders, ...longOrders])
      .optional()
      .describe(
        'Byte order of this signal, with eight letters for types of 64 bits. Absent: modbus.wordOrder, and ABCD for a single register or a string.',
      ),
    bit: bitNumber.optional().describe('One bit of a uint16 register, 0 the least significant. The signal is a flag.'),
    bits: z.tuple([bitNumber, bitNumber]).optional().meta({
      description: 'Several bits of a uint16 register as a number, both ends included, 0 the least significant.',
      expects: '[lowest, highest], such as [4, 7]',
    }),
    registers: z.int().min(1).max(125).optional().describe('Length of a string in registers of two characters.'),
  })
  .describe('Protocol modbus.');
export type ModbusSource = z.infer<typeof modbusSource>;

/** Registers a value takes; coils and discrete inputs take one address. */
export function modbusLength(from: ModbusSource): number {
  if (from.table === 'coil' || from.table === 'discrete') return 1;
  return registersOfType[from.type] ?? from.registers ?? 0;
}

export interface AddressForm {
  readonly addressBase: 0 | 1;
  readonly notation: (typeof notations)[number];
}
const plainForm: AddressForm = { addressBase: 0, notation: 'plain' };

const tableOfDigit: Readonly<Record<string, ModbusTable>> = { 0: 'coil', 1: 'discrete', 3: 'input', 4: 'holding' };

/**
 * The table and the address on the wire, from 0, of an address as it is written. In the 4xxxx notation the first digit of five
 * or six is the table and the others count from 1, whatever `addressBase` says. A number loses the zeros of 00017, so that a
 * number of fewer digits is one of a coil.
 * @returns null when it cannot be written so; `address` may be out of 0 … 65535
 */
export function wireAddress(
  written: ModbusSource['address'],
  form: AddressForm = plainForm,
): { readonly table: ModbusTable | null; readonly address: number } | null {
  if (form.notation === 'plain') {
    return typeof written === 'number' ? { table: null, address: written - form.addressBase } : null;
  }
  const text = typeof written === 'number' ? String(written).padStart(5, '0') : written;
  const table = tableOfDigit[text.slice(0, 1)];
  return table === undefined ? null : { table, address: Number(text.slice(1)) - 1 };
}
