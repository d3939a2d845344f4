/** One machine in the configuration: what it is, where it answers, how it is read. */
import { z } from 'zod';
import { machineKinds } from '../../drivers/profiles/schema.ts';
import { remoteRuleFields } from '../rules/schema.ts';
import { parseEndpoint } from './endpoint.ts';
import { earSchema } from './ear-schema.ts';
import { eyeSchema, webEyeSchema } from './eye-schema.ts';
import {
  atStart,
  field,
  fingerprintExpects,
  fingerprintPattern,
  id,
  idExpects,
  label,
  live,
  secretExpects,
  secretReference,
} from './fields.ts';

const serialSchema = z.strictObject({
  baudRate: field(z.int().min(300).max(3_000_000).optional(), 'Speed of the line.', { ...atStart, unit: 'Bd' }),
  dataBits: field(z.union([z.literal(7), z.literal(8)]).optional(), 'Data bits of a character.', atStart),
  parity: field(z.enum(['none', 'even', 'odd']).optional(), 'Parity bit.', atStart),
  stopBits: field(z.union([z.literal(1), z.literal(2)]).optional(), 'Stop bits.', atStart),
});

export const opcuaSecurityModes = ['SignAndEncrypt', 'None'] as const;
export const opcuaPolicies = ['Basic256Sha256', 'Aes128_Sha256_RsaOaep', 'Aes256_Sha256_RsaPss'] as const;

const opcuaSchema = z.strictObject({
  security: field(
    z.enum(opcuaSecurityModes).default('SignAndEncrypt'),
    'Message security mode. Encrypted unless None is written here; with None anybody on the network can read and forge values.',
    atStart,
  ),
  policy: field(z.enum(opcuaPolicies).default('Basic256Sha256'), 'Security policy; ignored when security is None.', {
    ...atStart,
  }),
  serverFingerprint: field(
    z.string().regex(fingerprintPattern).optional(),
    'Fingerprint of the server certificate to trust. Absent: only certificates in the trust list (selvedge trust).',
    { ...atStart, expects: fingerprintExpects },
  ),
  user: field(z.string().min(1).optional(), 'User name at the server. Absent: anonymous.', atStart),
  password: field(secretReference.optional(), 'Password of that user.', {
    ...atStart,
    secret: true,
    expects: secretExpects,
    examples: ['file:secrets/ck-1.password'],
  }),
  userCertificate: field(
    z.string().min(1).optional(),
    'PEM file with the certificate by which the server knows the agent as a user, in place of user and password.',
    { ...atStart, expects: 'the path of a PEM file, relative to this file', examples: ['secrets/ck-1.user.pem'] },
  ),
  userKey: field(secretReference.optional(), 'PEM text of the key of that certificate, without a pass phrase.', {
    ...atStart,
    secret: true,
    expects: secretExpects,
    examples: ['file:secrets/ck-1.user.key'],
  }),
  machine: field(
    z.string().min(1).optional(),
    'BrowseName of this machine below Objects/Machines. Needed where one server has several and the profile names none.',
    { ...atStart, examples: ['Knit1'] },
  ),
});

const pollSchema = z.strictObject({
  intervalMs: field(z.int().min(20).max(3_600_000), 'Time from one poll to the next.', {
    ...atStart,
    remote: true,
    unit: 'ms',
  }),
});

/** What an OPC UA machine is read by whose configuration names no profile. */
export const profileOfOpcua = 'opcua-machinery';

/** Rule id → fields. What fits a rule depends on the rule, so `cross.ts` asks `agent/rules/load.ts`. */
export const rulesSchema = z.record(
  z.string(),
  z.record(z.string(), z.unknown()).meta({
    expects: 'fields of the rule, such as { priority: high }',
    remoteKeys: [...remoteRuleFields],
  }),
);

export const writesSchema = z.strictObject({
  enabled: field(
    z.boolean().default(false),
    'true: maintainers may write the set-points of the profile. It can be set in this file alone, never from afar.',
    atStart,
  ),
});

export const machineSchema = z.strictObject({
  id: field(
    id.refine((s) => s !== 'gateway', { error: 'is reserved for the gateway itself' }),
    'Id of the machine, unique at the site.',
    { ...atStart, expects: idExpects, examples: ['ls-1'] },
  ),
  name: field(label.optional(), 'Name for people. Absent: the id.', live),
  profile: field(
    z.string().min(1).optional(),
    'Machine map: the id of a shipped profile, of one in profileDirs, or the path of a .yaml file. Needed, but for OPC UA: without one the machine is found by its names, with the profile opcua-machinery.',
    { ...atStart, expects: 'the id of a profile', examples: ['sewing-modbus-ref'] },
  ),
  kind: field(z.enum(machineKinds).optional(), 'Kind of machine. Absent: the kind the profile names.', atStart),
  line: field(label.optional(), 'Production line the machine stands in.', live),
  station: field(label.optional(), 'Station in the line.', live),
  endpoint: field(
    z
      .string()
      .superRefine((text, ctx) => {
        const parsed = parseEndpoint(text);
        if ('problem' in parsed)
          ctx.addIssue({ code: 'custom', message: parsed.problem, params: { right: parsed.right } });
      })
      .optional(),
    'Where the machine answers. May come from the endpoints file instead.',
    {
      ...atStart,
      expects:
        'modbus://host:502, modbus+rtu://host:4001, modbus+rtu:///dev/ttyUSB0?baudRate=19200, modbus+ascii:///dev/ttyUSB0, tcp://host:port, serial:///dev/…?baudRate=9600, serial://usb/1a86:7523, opc.tcp://host:4840, knit-floor+tcp-listen://ADDRESS:PORT or file:///path',
      examples: ['modbus://192.168.10.21:502'],
    },
  ),
  unit: field(
    z.int().min(0).max(255).optional(),
    'Modbus unit id. Absent: 1. On RTU 1 to 247. Of an EFKA drive its address, 128 to 255; absent: 240 ($F0). On the knit floor the number the machine sends first; absent: it sends none.',
    atStart,
  ),
  firmware: field(
    z.string().min(1).optional(),
    'Firmware of the machine, where the profile has code tables by version and the machine does not tell it.',
    { ...atStart, examples: ['90A0-v1.08.05'] },
  ),
  polls: field(
    z.record(z.string(), pollSchema).optional(),
    'Other poll intervals than the profile has, by poll class.',
    atStart,
  ),
  maxRequestsPerS: field(
    z.number().min(0.1).max(1000).optional(),
    'The most requests in a second on the Modbus connection or bus of this machine, of all machines on it together; of several, the lowest holds. Absent: as many as are answered.',
    { ...atStart, unit: '1/s' },
  ),
  writes: field(
    writesSchema.optional(),
    'Whether the set-points its profile lists may be written, each confirmed by a maintainer on the page. Absent: never.',
    atStart,
  ),
  serial: field(serialSchema.optional(), 'Line settings of a serial endpoint; the same as in its query part.', atStart),
  opcua: field(opcuaSchema.optional(), 'Session settings of an OPC UA endpoint.', atStart),
  eye: field(
    eyeSchema.optional(),
    'A camera that looks at the cloth of this circular knitting machine. Absent: none.',
    atStart,
  ),
  webEye: field(
    webEyeSchema.optional(),
    'A camera over a flat web that runs by, as at an inspection table or before a stenter: nothing turns, and no needle is named. Beside it no eye. Absent: none.',
    atStart,
  ),
  ear: field(earSchema.optional(), 'A microphone that hears this machine. Absent: none.', atStart),
  rules: field(rulesSchema.optional(), 'Changes of rules for this machine alone, by rule id.', live),
});
export type ParsedMachine = z.output<typeof machineSchema>;
