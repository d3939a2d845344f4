/**
 * A profile is the map of one machine family: vendor addresses, codes and words to canonical signals, states and stop
 * causes. Profiles are data (`*.yaml` beside this file); this is their schema. Nothing here knows a vendor.
 */
import { z } from 'zod';
import { modbusSource, notations, wordOrders } from './modbus.ts';
import { setPointSpec } from './writes.ts';
import { floorSource, knitFloorBlock, stollBlock, stollSource } from './pushed.ts';
import { efkaSource, fixedFormat, fixedSources, groupSource, maxPatternLength } from './serial.ts';

export const machineKinds = ['lockstitch', 'overlock', 'embroidery', 'circular-knit', 'flat-knit', 'other'] as const;
export type MachineKind = (typeof machineKinds)[number];

/** Canonical states a machine can be in while it answers. OFFLINE is the agent's, never a profile's. */
export const profileStates = ['RUN', 'IDLE', 'STOP_MATERIAL', 'FAULT', 'SETUP', 'MAINTENANCE'] as const;
export type ProfileState = (typeof profileStates)[number];
/** What a rule of `states` can say: also that the machine answers and yet does not tell what it does. */
export const ruleStates = [...profileStates, 'UNKNOWN'] as const;
export type RuleState = (typeof ruleStates)[number];

/**
 * Beside its help text a field may say what a right value looks like (`expects`) and the unit of its number. Both show in the
 * generated documents and in the cures of `selvedge check`.
 */
const canonicalName = z
  .string()
  .regex(/^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+$/, 'a canonical name looks like spindle.speed')
  .meta({ description: 'Canonical name.', expects: 'a dotted lower-case name, such as spindle.speed' });

/** A `ns=3;…` is refused on purpose: that number is nobody's to rely on (OPC 10000-6, 5.1.12). */
const expandedNodeId = /^(?:nsu=[^;]+;)?(?:i=\d{1,10}|s=.{1,512}|g=[0-9a-fA-F-]{36}|b=[A-Za-z0-9+/]+=*)$/;

const fieldSource = z
  .strictObject({
    field: z.int().min(0).max(255).describe('Which field of the line, from 0.'),
  })
  .describe('Protocol line.');
const opcuaSource = z
  .strictObject({
    path: z.array(z.string().min(1)).min(1).meta({
      description: 'BrowseNames from the machine object down to the variable. A name alone fits in any namespace.',
      expects: 'a list of names, each "name" or "namespace-uri#name"',
    }),
  })
  .describe('Protocol opcua.');
const opcuaNodeSource = z
  .strictObject({
    node: z.string().regex(expandedNodeId, 'is no node with the URI of its namespace').meta({
      description:
        'The node itself, with the URI of its namespace: the number of a namespace may be another after every restart of the server. Without nsu= it is a node of OPC UA itself.',
      expects: '"nsu=namespace-uri;s=name", or i=number, g=guid, b=base64 in place of s=name',
    }),
  })
  .describe('Protocol opcua, for servers without names that can be relied on.');

const unit = z.string().min(1).meta({
  description: 'Unit of the value after scale and offset.',
  expects: 'a UN/CEFACT common code, such as RPM, C62, CEL or WHR',
});
const signalBase = {
  unit,
  scale: z
    .number()
    .refine((n) => n !== 0, 'must not be 0')
    .default(1)
    .describe('value = raw × scale + offset. Has no meaning for flags and texts.'),
  offset: z.number().default(0).describe('Added after scale.'),
  range: z.tuple([z.number(), z.number()]).optional().meta({
    description:
      'Lowest and highest plausible value, in the unit. What is outside is bad (out-of-range), never a number.',
    expects: '[lowest, highest]',
  }),
  notANumber: z
    .array(z.number())
    .default([])
    .describe('Raw numbers, before scale, with which the machine says "no value". They are bad (not-a-number).'),
  poll: z
    .string()
    .default('normal')
    .describe('Poll class out of polls. The class normal is always there, every 1000 ms unless polls says otherwise.'),
  from: z
    .union([
      modbusSource,
      fieldSource,
      opcuaSource,
      groupSource,
      ...fixedSources,
      efkaSource,
      floorSource,
      stollSource,
      opcuaNodeSource,
    ])
    .meta({
      description: 'Where the machine has it.',
      expects:
        '{ table, address } with modbus, { field }, { group }, { at } or { columns } with line, { path } or { node } with opcua, { parameter } with efka, { message } with knit-floor, { event } with stoll-events',
    }),
};
const heartbeatS = z
  .number()
  .positive()
  .default(60)
  .meta({ description: 'A value that does not change is stored again after this long.', unit: 's' });
const codeUnit = z.string().default('C62').describe('C62, which is "one": it has no unit.');
const gauge = z.strictObject({
  ...signalBase,
  kind: z.literal('gauge').describe('A measured value that goes up and down.'),
  deadband: z.number().min(0).default(0).describe('Changes up to this size, in the unit, are not stored.'),
  heartbeatS,
  summarise: z.boolean().default(true).describe('false: no minute summaries of it are made and sent.'),
});
const counter = z.strictObject({
  ...signalBase,
  kind: z.literal('counter').describe('A number that only grows, until it wraps or is reset.'),
  wrapsAt: z
    .number()
    .positive()
    .describe(
      'One more than the highest value, in the unit: 10000 for four digits, 65536 for 16 bits, 4294967296 for 32.',
    ),
  maxRatePerS: z
    .number()
    .positive()
    .describe(
      'The most it can grow in a second, in the unit. It tells a wrap from a reset; be generous, not boundless.',
    ),
  heartbeatS,
});
const flag = z.strictObject({
  ...signalBase,
  unit: codeUnit,
  kind: z.literal('flag').describe('Yes or no: one bit, 0 or 1, true or false.'),
});
const code = z.strictObject({
  ...signalBase,
  unit: codeUnit,
  kind: z.literal('code').describe('A number (or word) that names something: an error code, a mode.'),
  words: z
    .record(z.string().regex(/^-?\d{1,16}$/, 'a key is a whole number, quoted'), z.string().min(1).max(256))
    .optional()
    .meta({
      description:
        'Word for each number. The value is then a text: the word, or the number itself where it has none, so that it stays visible.',
      expects: 'numbers and their words, such as { "0": standing, "1": sewing }',
    }),
});
const text = z.strictObject({
  ...signalBase,
  unit: codeUnit,
  kind: z.literal('text').describe('A text of at most 256 printable characters, trimmed.'),
});
export const signalSpec = z.discriminatedUnion('kind', [gauge, counter, flag, code, text]);
export type SignalSpec = z.infer<typeof signalSpec>;

const codeEntry = z.strictObject({
  cause: canonicalName.meta({
    description: 'Canonical cause. Alert rules look for it.',
    expects: 'a dotted lower-case name, such as material.thread_break',
  }),
  state: z
    .enum(profileStates)
    .optional()
    .describe('State this code puts the machine in. Absent: the code only informs, and the states rules decide.'),
  level: z.enum(['error', 'warning', 'info']).describe('Weight: of two codes at once, the heavier gives the state.'),
  text: z.string().min(1).describe('What the vendor calls it, in plain words.'),
  verified: z.boolean().optional().describe('Whether this one entry was checked; for people only.'),
});
export type CodeEntry = z.infer<typeof codeEntry>;

const codeTable = z.strictObject({
  signal: canonicalName.describe('The signal that carries the code, of kind code or text.'),
  firmware: z
    .strictObject({
      from: z.string().optional().describe('First version the table is for.'),
      before: z.string().optional().describe('First version the table is no longer for.'),
    })
    .optional()
    .describe('Versions this table is for. Where a machine has no firmware in the configuration, the newest hold.'),
  codes: z.record(z.string(), codeEntry).describe('Code to meaning. Quote the code, above all one with leading zeros.'),
  none: z.array(z.string()).default(['0', '']).describe('Codes that mean "nothing", as texts.'),
});
export type CodeTable = z.infer<typeof codeTable>;

/** The first rule that holds decides the state, after any code entry that names a state. */
const stateRule = z.strictObject({
  when: z
    .strictObject({
      signal: canonicalName.describe('A signal of this profile.'),
      is: z.union([z.number(), z.string(), z.boolean()]).optional().meta({
        description:
          'Holds while the value is exactly this: a number for a number, true for a flag, a text for a text.',
        expects: 'a number, a text, true or false',
      }),
      above: z.number().optional().describe('Holds while the number is above this.'),
      ifKnown: z
        .boolean()
        .default(false)
        .describe('true: while the signal has no value the rule is passed over, and does not keep the state unknown.'),
    })
    .optional()
    .describe('The condition, with exactly one of is and above. Absent: always holds.'),
  state: z
    .enum(ruleStates)
    .describe('The state it gives. UNKNOWN: the machine answers and does not tell what it does.'),
  cause: canonicalName.optional().meta({
    description: 'Canonical cause of the state.',
    expects: 'a dotted lower-case name, such as knit.yarn_break_top',
  }),
});
export type StateRule = z.infer<typeof stateRule>;

const restartSign = z.strictObject({
  uptime: canonicalName.optional().meta({
    description: 'A gauge or counter that holds the seconds since the controller was started, in the unit SEC.',
    expects: 'a gauge or counter of this profile',
  }),
  flag: canonicalName.optional().meta({
    description: 'A flag that rises when the controller was started, such as "warm start".',
    expects: 'a flag of this profile',
  }),
});

export const profileSchema = z.strictObject({
  profile: z
    .string()
    .regex(/^[a-z0-9-]{1,60}$/, 'is not written rightly')
    .meta({
      description: 'Id of the profile; the file is called the same, with .yaml.',
      expects: '1 to 60 of the characters a–z, 0–9 and -',
    }),
  version: z.int().positive().describe('Counts your own changes of the profile.'),
  title: z.string().min(1).describe('What the profile is for, in a few words.'),
  kind: z.enum(machineKinds).describe('Kind of machine. The configuration may name another for a single machine.'),
  protocol: z
    .enum(['modbus', 'line', 'opcua', 'efka', 'knit-floor', 'stoll-events'])
    .describe('What the machine speaks. Every signal has a source of it.'),
  verified: z.boolean().describe('true only when the map was checked against the maker’s document or a real machine.'),
  source: z
    .array(z.string().min(1))
    .min(1)
    .describe('Where the map is from: documents with their edition, or a person.'),
  notes: z.string().optional().describe('What a reader should know.'),
  polls: z
    .record(
      z.string(),
      z.strictObject({
        intervalMs: z.int().min(20).max(3_600_000).meta({ description: 'Time from one poll to the next.', unit: 'ms' }),
      }),
    )
    .default({})
    .describe('Poll classes by name (Modbus, EFKA). The configuration of a machine can give a class another interval.'),
  modbus: z
    .strictObject({
      wordOrder: z.enum(wordOrders).default('ABCD').describe('How values of several registers are laid out.'),
      addressBase: z
        .union([z.literal(0), z.literal(1)])
        .default(0)
        .describe('0: addresses are those on the wire. 1: the manual counts from 1.'),
      notation: z
        .enum(notations)
        .default('plain')
        .describe(
          '4xxxx: addresses stand as in manuals, 40001 the first holding register; the first digit must agree with table, and addressBase has no meaning.',
        ),
      maxRegistersPerRead: z
        .int()
        .min(1)
        .max(125)
        .default(125)
        .describe('The most registers this machine gives at once.'),
      maxGapRegisters: z
        .int()
        .min(0)
        .max(124)
        .default(8)
        .describe('Unasked registers that are read along to save a request. 0 where the map has holes that refuse.'),
    })
    .optional()
    .describe('How this machine uses Modbus.'),
  line: z
    .strictObject({
      delimiter: z
        .string()
        .length(1)
        .default(',')
        .meta({ description: 'What stands between two fields.', expects: 'one character' }),
      fields: z
        .int()
        .min(1)
        .max(256)
        .optional()
        .describe('How many fields a line has. A line with more or fewer is thrown away whole and counted.'),
      pattern: z.string().min(1).max(maxPatternLength).optional().meta({
        description:
          'Instead of fields: a regular expression that the whole line must match, with a named group for each value. A line that does not match is thrown away and counted.',
        expects: 'a regular expression such as "S(?<speed>[0-9]+) T(?<temp>[0-9.]+)"',
      }),
      fixed: fixedFormat.optional().describe('Instead of fields: frames of a fixed length. They need no line end.'),
      terminator: z
        .enum(['\n', '\r\n', '\r'])
        .default('\n')
        .meta({ description: 'End of a line.', expects: '"\\n", "\\r\\n" or "\\r", in double quotes' }),
      maxLineBytes: z.int().min(8).max(65536).default(512).describe('A longer line is thrown away and counted.'),
      expectEveryMs: z
        .int()
        .min(10)
        .meta({ description: 'How often a line comes. A silence of three times this is a gap.', unit: 'ms' }),
    })
    .optional()
    .describe('How a line is built, with exactly one of fields, pattern and fixed. Required with protocol line.'),
  opcua: z
    .strictObject({
      machineBrowseName: z
        .string()
        .optional()
        .describe('BrowseName of the machine below Objects/Machines. Needed where one server has several.'),
      publishingIntervalMs: z
        .int()
        .min(10)
        .default(250)
        .meta({ description: 'How often the server sends what changed.', unit: 'ms' }),
      samplingIntervalMs: z
        .int()
        .min(0)
        .default(250)
        .meta({ description: 'How often the server looks at each value.', unit: 'ms' }),
      queueSize: z
        .int()
        .min(1)
        .max(10_000)
        .default(50)
        .describe('Values the server keeps per signal between two sendings.'),
      discover: z
        .boolean()
        .default(false)
        .describe(
          'true: besides the signals here, everything the machine shows by OPC 40001 is found by its names: monitoring, counters, jobs, alarms and conditions.',
        ),
      names: z
        .record(
          canonicalName,
          z.strictObject({
            names: z
              .array(z.string().min(1))
              .min(1)
              .describe('What makers call it. Case, spaces and underscores do not matter.'),
            unit,
            maxRatePerS: z
              .number()
              .positive()
              .optional()
              .describe('It is a counter, which grows at most so much in a second. Absent: a gauge.'),
          }),
        )
        .default({})
        .describe('Canonical names of what is found; the others are called monitoring.name.'),
    })
    .optional()
    .describe('How the server is subscribed to.'),
  'knit-floor': knitFloorBlock.optional().describe('How the knit floor protocol is listened to.'),
  'stoll-events': stollBlock.optional().describe('How the event stream is listened to.'),
  restart: restartSign
    .optional()
    .describe(
      'How the machine tells that its controller was restarted, with exactly one of uptime and flag. A reset of its counters then shows even where their values hide it.',
    ),
  signals: z.record(canonicalName, signalSpec).describe('Canonical signal name to signal; at least one.'),
  writes: z
    .record(canonicalName, setPointSpec)
    .optional()
    .describe(
      'Set-points that may be written (Modbus), by name. Absent: nothing is ever written. The configuration of the machine must allow it as well.',
    ),
  codeTables: z.array(codeTable).default([]).describe('What the codes of the machine mean.'),
  states: z
    .array(stateRule)
    .min(1)
    .describe('What state the machine is in; the first rule that holds. The last has no when.'),
});
export type Profile = z.infer<typeof profileSchema>;
