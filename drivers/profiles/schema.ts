/**
 * A profile is the map of one machine family: vendor addresses, codes and words to canonical signals, states and stop
 * causes. Profiles are data (`*.yaml` beside this file); this is their schema. Nothing here knows a vendor.
 */
import { z } from 'zod';

export const machineKinds = ['lockstitch', 'overlock', 'embroidery', 'circular-knit', 'flat-knit', 'other'] as const;
export type MachineKind = (typeof machineKinds)[number];

/** Canonical states a machine can be in while it answers. OFFLINE and UNKNOWN are the agent's, never a profile's. */
export const profileStates = ['RUN', 'IDLE', 'STOP_MATERIAL', 'FAULT', 'SETUP', 'MAINTENANCE'] as const;
export type ProfileState = (typeof profileStates)[number];

const canonicalName = z
  .string()
  .regex(/^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+$/, 'a canonical name looks like spindle.speed')
  .describe('Canonical signal or cause name, dotted lower case');

/** Modbus tables by their standard names; holding = 4xxxx, input = 3xxxx, discrete = 1xxxx, coil = 0xxxx. */
export const modbusTables = ['holding', 'input', 'coil', 'discrete'] as const;
export const wordOrders = ['ABCD', 'CDAB', 'BADC', 'DCBA'] as const;
export const modbusTypes = [
  'uint16',
  'int16',
  'uint32',
  'int32',
  'uint64',
  'int64',
  'float32',
  'float64',
  'bcd16',
  'bcd32',
  'string',
] as const;

const modbusSource = z.strictObject({
  table: z.enum(modbusTables),
  address: z.int().min(0).max(65535).describe('Protocol address (0-based) unless modbus.addressBase is 1'),
  type: z.enum(modbusTypes).default('uint16'),
  wordOrder: z.enum(wordOrders).optional().describe('Only where this signal differs from modbus.wordOrder'),
  bit: z
    .int()
    .min(0)
    .max(15)
    .optional()
    .describe('One bit of the register (0 = least significant); the signal is a flag'),
  registers: z.int().min(1).max(125).optional().describe('Length of a string'),
});
const fieldSource = z.strictObject({
  field: z.int().min(0).max(255).describe('0-based field of the line'),
});
const opcuaSource = z.strictObject({
  path: z
    .array(z.string().min(1))
    .min(1)
    .describe('BrowseNames from the machine object, each "name" (any namespace) or "namespace-uri#name"'),
});

const signalBase = {
  unit: z.string().min(1).describe('UN/CEFACT common code, such as RPM, C62, CEL, WHR'),
  scale: z
    .number()
    .refine((n) => n !== 0, 'scale must not be 0')
    .default(1),
  offset: z.number().default(0).describe('value = raw × scale + offset'),
  range: z
    .tuple([z.number(), z.number()])
    .optional()
    .describe('Plausible values; outside is a bad reading (out-of-range)'),
  notANumber: z.array(z.number()).default([]).describe('Raw codes that mean "no value"'),
  poll: z.string().default('normal').describe('Poll class of this profile'),
  from: z.union([modbusSource, fieldSource, opcuaSource]),
};
const gauge = z.strictObject({
  ...signalBase,
  kind: z.literal('gauge'),
  deadband: z.number().min(0).default(0).describe('Changes up to this size are not stored'),
  heartbeatS: z.number().positive().default(60),
  summarise: z.boolean().default(true),
});
const counter = z.strictObject({
  ...signalBase,
  kind: z.literal('counter'),
  wrapsAt: z
    .number()
    .positive()
    .describe('The value after the highest one, in the unit of the signal: 10000, 65536, 4294967296'),
  maxRatePerS: z.number().positive().describe('The most the counter can grow in a second, in its unit'),
  heartbeatS: z.number().positive().default(60),
});
const flag = z.strictObject({ ...signalBase, unit: z.string().default('C62'), kind: z.literal('flag') });
const code = z.strictObject({ ...signalBase, unit: z.string().default('C62'), kind: z.literal('code') });
const text = z.strictObject({ ...signalBase, unit: z.string().default('C62'), kind: z.literal('text') });
export const signalSpec = z.discriminatedUnion('kind', [gauge, counter, flag, code, text]);
export type SignalSpec = z.infer<typeof signalSpec>;

const codeEntry = z.strictObject({
  cause: canonicalName,
  /** The state this code puts the machine in; absent where the code only informs. */
  state: z.enum(profileStates).optional(),
  level: z.enum(['error', 'warning', 'info']),
  text: z.string().min(1).describe('What the vendor calls it, in plain words'),
  verified: z.boolean().optional(),
});
export type CodeEntry = z.infer<typeof codeEntry>;

const codeTable = z.strictObject({
  signal: canonicalName.describe('A signal of kind code or text'),
  firmware: z
    .strictObject({ from: z.string().optional(), before: z.string().optional() })
    .optional()
    .describe('Versions this table is for: from (inclusive) … before (exclusive)'),
  /** Keys are the code as text; the code that means "nothing" is not listed but named in `none`. */
  codes: z.record(z.string(), codeEntry),
  none: z.array(z.string()).default(['0', '']),
});
export type CodeTable = z.infer<typeof codeTable>;

/** The first rule that holds decides the state, after any code entry that names a state. */
const stateRule = z.strictObject({
  when: z
    .strictObject({
      signal: canonicalName,
      is: z.union([z.number(), z.string(), z.boolean()]).optional(),
      above: z.number().optional(),
    })
    .optional()
    .describe('Absent: always holds'),
  state: z.enum(profileStates),
  cause: canonicalName.optional(),
});
export type StateRule = z.infer<typeof stateRule>;

export const profileSchema = z.strictObject({
  profile: z.string().regex(/^[a-z0-9-]{1,60}$/),
  version: z.int().positive(),
  title: z.string().min(1),
  kind: z.enum(machineKinds),
  protocol: z.enum(['modbus', 'line', 'opcua']),
  verified: z.boolean().describe('true only when the map was checked against the maker’s document or a real machine'),
  source: z.array(z.string().min(1)).min(1),
  notes: z.string().optional(),
  polls: z.record(z.string(), z.strictObject({ intervalMs: z.int().min(20).max(3_600_000) })).default({}),
  modbus: z
    .strictObject({
      wordOrder: z.enum(wordOrders).default('ABCD'),
      addressBase: z.union([z.literal(0), z.literal(1)]).default(0),
      maxRegistersPerRead: z.int().min(1).max(125).default(125),
      maxGapRegisters: z.int().min(0).max(124).default(8).describe('Unasked registers read along to save a request'),
    })
    .optional(),
  line: z
    .strictObject({
      delimiter: z.string().length(1).default(','),
      fields: z.int().min(1).max(256),
      terminator: z.enum(['\n', '\r\n', '\r']).default('\n'),
      maxLineBytes: z.int().min(8).max(65536).default(512),
      expectEveryMs: z.int().min(10).describe('A silence of 3 × this is a gap'),
    })
    .optional(),
  opcua: z
    .strictObject({
      machineBrowseName: z.string().optional().describe('Only where one server has several machines'),
      publishingIntervalMs: z.int().min(10).default(250),
      samplingIntervalMs: z.int().min(0).default(250),
      queueSize: z.int().min(1).max(10_000).default(50),
    })
    .optional(),
  signals: z.record(canonicalName, signalSpec),
  codeTables: z.array(codeTable).default([]),
  states: z.array(stateRule).min(1),
});
export type Profile = z.infer<typeof profileSchema>;
