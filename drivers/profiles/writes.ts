/** What may be written to a machine: the set-points of a profile. Data only; without it nothing is ever written. */
import { z } from 'zod';
import { modbusAddress, notations, wordOrders, type AddressForm, wireAddress } from './modbus.ts';

/** Registers of the types that can be written. Parts of a register cannot: the rest of it would be overwritten with what was read before. */
const registersOfWrite = {
  uint16: 1,
  int16: 1,
  uint32: 2,
  int32: 2,
  float32: 2,
  bcd16: 1,
  bcd32: 2,
} as const;
export type WriteType = keyof typeof registersOfWrite;
const writeTypes = Object.keys(registersOfWrite) as [WriteType, ...WriteType[]];

/** Lowest and highest raw number of a type. */
export const boundsOfWrite: Readonly<Record<WriteType, readonly [number, number]>> = {
  uint16: [0, 0xffff],
  int16: [-0x8000, 0x7fff],
  uint32: [0, 0xffff_ffff],
  int32: [-0x8000_0000, 0x7fff_ffff],
  float32: [-3.4028234663852886e38, 3.4028234663852886e38],
  bcd16: [0, 9_999],
  bcd32: [0, 99_999_999],
};

export const setPointSpec = z.strictObject({
  title: z.string().min(1).max(80).describe('What the set-point is called on the page.'),
  unit: z.string().min(1).default('C62').meta({
    description: 'Unit of the value after scale and offset.',
    expects: 'a UN/CEFACT common code, such as RPM, C62 or CEL',
  }),
  table: z
    .enum(['holding', 'coil'])
    .describe('holding: functions 6 and 16; coil: function 5. No other function that writes ever leaves the agent.'),
  address: modbusAddress,
  type: z
    .enum(writeTypes)
    .default('uint16')
    .describe('How the value lies in its registers. Has no meaning for a coil.'),
  wordOrder: z
    .enum(wordOrders)
    .optional()
    .describe('Byte order. Absent: modbus.wordOrder, and ABCD for a single register.'),
  function: z
    .union([z.literal(6), z.literal(16)])
    .optional()
    .describe('Function for a single register: 6 where absent. Two registers always go by 16.'),
  scale: z
    .number()
    .refine((n) => n !== 0, 'must not be 0')
    .default(1)
    .describe('value = raw × scale + offset, as with signals.'),
  offset: z.number().default(0).describe('Added after scale.'),
  range: z.tuple([z.number(), z.number()]).meta({
    description:
      'Lowest and highest value that may be written, in the unit. Of a coil 0 is off and 1 is on: [0, 0] allows to switch off alone.',
    expects: '[lowest, highest]',
  }),
  step: z
    .number()
    .positive()
    .optional()
    .describe('Only lowest + n × step may be written. Absent: every value that the type holds exactly.'),
  verify: z
    .string()
    .optional()
    .describe('The signal of this profile that shows whether the machine took the value. Absent: the address itself.'),
});
export type SetPointSpec = z.infer<typeof setPointSpec>;

/** Registers of a set-point; 1 for a coil. */
export function writeLength(spec: SetPointSpec): number {
  return spec.table === 'coil' ? 1 : registersOfWrite[spec.type];
}

/** The protocol address of a set-point, or null where it cannot be written as the profile counts. */
export function writeAddress(spec: SetPointSpec, form: AddressForm): number | null {
  const found = wireAddress(spec.address, form);
  if (found === null || (found.table !== null && found.table !== spec.table)) return null;
  return found.address >= 0 && found.address + writeLength(spec) <= 65_536 ? found.address : null;
}

/**
 * The raw number that stands for a value, exactly: what the machine then holds is the value and nothing near it.
 * @returns null where the type has no such number, the value is out of range or between two steps
 */
export function rawOf(spec: SetPointSpec, value: number): number | null {
  const [lowest, highest] = spec.range;
  if (!Number.isFinite(value) || value < lowest || value > highest) return null;
  if (spec.step !== undefined && !isWhole((value - lowest) / spec.step)) return null;
  if (spec.table === 'coil') return value === 0 || value === 1 ? value : null;
  const raw = (value - spec.offset) / spec.scale;
  const [least, most] = boundsOfWrite[spec.type];
  if (spec.type === 'float32') return raw >= least && raw <= most ? Math.fround(raw) : null;
  if (!isWhole(raw)) return null;
  const whole = Math.round(raw);
  return whole >= least && whole <= most ? whole : null;
}

/** Whole but for the dust of binary fractions: 21.7 / 0.1 is 216.99999999999997. */
function isWhole(number: number): boolean {
  return Math.abs(number - Math.round(number)) <= 1e-6 + Math.abs(number) * 1e-13;
}

export const defaultForm: AddressForm = { addressBase: 0, notation: notations[0] };
