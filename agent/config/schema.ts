/**
 * The one schema of the agent's YAML file. Types, checks, `docs/CONFIG.md`, the JSON Schema for editors and the commented
 * example all come from here, so what the documents say is what the agent does.
 *
 * Every field carries marks (see `Marks`): whether a change needs a restart, whether it may ever be set from afar, and
 * whether it holds the reference of a secret.
 */
import { z } from 'zod';
import { parseCameraEndpoint } from '../../drivers/camera/endpoint.ts';
import { maskSchema } from '../../drivers/camera/mask.ts';
import { machineKinds } from '../../drivers/profiles/schema.ts';
import { accelerators } from '../../models/package/accelerator.ts';
import { remoteRuleFields } from '../rules/schema.ts';
import { calendarSchema } from '../time/calendar.ts';
import { parseEndpoint } from './endpoint.ts';

/** What a field says about itself, beside its help text. Kept as zod metadata, so it also shows in the JSON Schema. */
export interface Marks {
  /** A change is applied only at the next start; false: it is applied while the agent runs. */
  readonly restart: boolean;
  /** A signed command of the bridge may set it. Never true for identities, addresses, secrets, paths or privacy. */
  readonly remote?: boolean;
  /** Holds a reference (`file:` or `env:`), never the secret. */
  readonly secret?: boolean;
  /** Unit of a number, in words a person reads. */
  readonly unit?: string;
  /** What a right value looks like, where type and range do not say it. */
  readonly expects?: string;
  readonly examples?: readonly (string | number)[];
}

/** Attaches help and marks. Called last on a schema, because zod ties metadata to the very instance. */
export function field<T extends z.ZodType>(schema: T, help: string, marks: Marks): T {
  const { remote = false, secret = false, examples, ...rest } = marks;
  const extra = examples === undefined ? {} : { examples: [...examples] };
  return schema.meta({ description: help, ...rest, remote, secret, ...extra });
}

const live = { restart: false } as const;
const atStart = { restart: true } as const;

const idPattern = /^[a-z0-9-]{1,40}$/;
const id = z.string().regex(idPattern);
const idExpects = '1 to 40 of the characters a–z, 0–9 and -';
const label = z.string().min(1).max(80);

/** `file:PATH` or `env:NAME`. The message never repeats the value: it may be a password written in the wrong place. */
export const secretReference = z.string().regex(/^(file:.+|env:[A-Za-z_][A-Za-z0-9_]*)$/);
const secretExpects = 'a reference, file:PATH or env:NAME; the secret itself never stands in this file';

/** True when this Node knows the IANA time zone. */
export function isTimeZone(name: string): boolean {
  // An offset such as +06:00 is taken by Intl, but it has no change-over rules and names no place.
  if (/^[+-]/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** What is wrong with the endpoint of a camera; null: nothing. */
function cameraProblem(text: string): string | null {
  try {
    parseCameraEndpoint(text);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : 'cannot be read';
  }
}

const siteSchema = z.strictObject({
  id: field(id, 'Id of the site. Part of every topic and record; do not change it later.', {
    ...atStart,
    expects: idExpects,
    examples: ['dhaka-2'],
  }),
  name: field(label.optional(), 'Name of the site for people. Absent: the id.', live),
  timeZone: field(
    z.string().refine(isTimeZone, { error: 'is not a time zone this system knows' }),
    'IANA time zone of the site. Shifts are computed in it; everything stored is UTC.',
    { ...live, expects: 'an IANA time zone', examples: ['Asia/Dhaka'] },
  ),
  calendar: field(
    calendarSchema.optional(),
    'Shifts of the site. A shift belongs to the date on which it starts. Absent: no shifts. It is checked and kept; no figure of this version is by shift.',
    live,
  ),
});

const gatewaySchema = z.strictObject({
  id: field(id, 'Id of this gateway, unique in the fleet. It is the identity under which the bridge knows it.', {
    ...atStart,
    expects: idExpects,
    examples: ['dhaka-2-gw1'],
  }),
  name: field(label.optional(), 'Name of the gateway for people. Absent: the id.', live),
});

const serialSchema = z.strictObject({
  baudRate: field(z.int().min(300).max(3_000_000).optional(), 'Speed of the line.', { ...atStart, unit: 'Bd' }),
  dataBits: field(z.union([z.literal(7), z.literal(8)]).optional(), 'Data bits of a character.', atStart),
  parity: field(z.enum(['none', 'even', 'odd']).optional(), 'Parity bit.', atStart),
  stopBits: field(z.union([z.literal(1), z.literal(2)]).optional(), 'Stop bits.', atStart),
});

export const opcuaSecurityModes = ['SignAndEncrypt', 'None'] as const;
export const opcuaPolicies = ['Basic256Sha256', 'Aes128_Sha256_RsaOaep', 'Aes256_Sha256_RsaPss'] as const;

export const fingerprintPattern = /^([0-9a-fA-F]{2}:?){31}[0-9a-fA-F]{2}$/;
export const fingerprintExpects = 'the SHA-256 of the certificate: 64 hex digits, colons allowed';

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
const rulesSchema = z.record(
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

const scoreSchema = z.strictObject({
  grades: field(
    z.record(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9 +-]{0,19}$/), z.number().min(0).max(100_000)).default({}),
    'Grades with the most points per 100 m² each may have. Absent: no grade is given.',
    { ...atStart, expects: 'names with their limits, such as { A: 20, B: 28 }' },
  ),
  holes: field(
    z.enum(['by-size', 'four']).default('by-size'),
    'Points of a hole: by its size as the standard has it, or always four.',
    atStart,
  ),
});

const eyeSchema = z.strictObject({
  camera: field(
    z.string().superRefine((text, ctx) => {
      const problem = cameraProblem(text);
      if (problem !== null) ctx.addIssue({ code: 'custom', message: problem });
    }),
    'Where the pictures of its cloth come from. It stands still before the tube.',
    {
      ...atStart,
      expects: 'mjpeg+http://host:port/path, file:///folder, rtsp://host/path or v4l2:/dev/video0',
      examples: ['mjpeg+http://192.168.10.61/stream'],
    },
  ),
  mask: field(
    maskSchema.default([]),
    'Parts of the picture nobody ever sees, in shares of its width and height.',
    atStart,
  ),
  fabric: field(
    z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/),
    'The cloth it knits, as it was taught (selvedge teach vision). Not taught: the eye says so and finds nothing.',
    { ...atStart, expects: idExpects, examples: ['single-jersey'] },
  ),
  mmPerPx: field(z.number().positive().max(10), 'Cloth that one pixel shows.', { ...atStart, unit: 'mm' }),
  needles: field(z.int().min(4).max(100_000), 'Needles of the cylinder.', atStart),
  firstNeedle: field(z.union([z.literal(0), z.literal(1)]).default(1), 'How the machine counts its needles.', atStart),
  feeders: field(z.int().min(1).max(1_000), 'Feeders.', atStart),
  coursesPerCm: field(z.number().positive().max(100), 'Courses of the cloth as the camera sees it.', {
    ...atStart,
    unit: '1/cm',
  }),
  circumferenceMm: field(
    z.number().positive().max(20_000),
    'Round the tube where the camera looks: twice its flat width.',
    {
      ...atStart,
      unit: 'mm',
    },
  ),
  position: field(
    z.enum(['index', 'encoder', 'telemetry']),
    'What tells the angle of the cylinder: a light mark on its ring that the camera sees, an encoder whose count comes with each picture, or the polls of the machine. By polls alone no needle can be named.',
    atStart,
  ),
  ringRowsPx: field(z.int().min(1).max(256).default(16), 'index: rows at the top of the picture that show the ring.', {
    ...atStart,
    unit: 'px',
  }),
  countsPerRevolution: field(z.int().min(1).max(10_000_000).default(4096), 'encoder: counts a revolution.', atStart),
  rising: field(z.boolean().default(true), 'Needles of rising number pass the camera as the machine turns.', atStart),
  needleZero: field(
    z.number().min(0).max(100_000).optional(),
    'Needle in the middle of the picture at turn 0 of the index or encoder. It counts before every calibration. Absent: no needle is named until it is calibrated (selvedge calibrate camera).',
    atStart,
  ),
  behind: field(
    z.enum(['darker', 'lighter']).optional(),
    'What is seen through a hole, against the cloth. Absent: no hole is told from a stain.',
    atStart,
  ),
  score: field(scoreSchema.prefault({}), 'What was agreed with buyers about the four-point score of a roll.', atStart),
  simulated: field(
    z.boolean().default(false),
    'What the camera shows is drawn and not knitted; every finding says so.',
    atStart,
  ),
});

const webEyeSchema = z.strictObject({
  camera: eyeSchema.shape.camera.meta({
    ...eyeSchema.shape.camera.meta(),
    description: 'Where the pictures of the web come from. It hangs still over the web, its rows across.',
  }),
  mask: eyeSchema.shape.mask,
  fabric: eyeSchema.shape.fabric,
  mmPerPx: eyeSchema.shape.mmPerPx,
  widthMm: field(z.number().positive().max(20_000), 'Usable width of the web; points per 100 m² go by it.', {
    ...atStart,
    unit: 'mm',
  }),
  leftMm: field(
    z.number().min(-20_000).max(20_000).default(0),
    'Where the left edge of the picture lies, from the left edge of the web.',
    { ...atStart, unit: 'mm' },
  ),
  newest: field(
    z.enum(['top', 'bottom']).default('top'),
    'Where in the picture the web comes in: what is there was not seen before.',
    atStart,
  ),
  knit: field(
    z.boolean().default(false),
    'The cloth is knitted, its wales along the web. false: what a line hints at is warp or weft.',
    atStart,
  ),
  position: field(
    z.enum(['encoder', 'speed']),
    'What tells how far the web has run: an encoder whose count comes with each picture, or a speed that the machine tells.',
    atStart,
  ),
  mmPerCount: field(z.number().positive().max(1_000).optional(), 'encoder: web for one count.', {
    ...atStart,
    unit: 'mm',
  }),
  speedSignal: field(
    z
      .string()
      .regex(/^[a-z][a-z0-9.]{0,99}$/)
      .optional(),
    'speed: the signal of the profile that is the speed of the web, in metres a minute.',
    { ...atStart, expects: 'the name of a signal', examples: ['web.speed'] },
  ),
  behind: eyeSchema.shape.behind,
  score: eyeSchema.shape.score,
  simulated: eyeSchema.shape.simulated,
});

const machineSchema = z.strictObject({
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
  rules: field(rulesSchema.optional(), 'Changes of rules for this machine alone, by rule id.', live),
});

const storageSchema = z.strictObject({
  budgetMiB: field(
    z.int().min(64).max(1_048_576).default(2048),
    'Space on disk for everything that is stored. When it is short raw readings go first; what waits for the bridge goes last, and open alerts never.',
    { ...atStart, unit: 'MiB' },
  ),
  ringDays: field(z.number().min(0.01).max(365).default(7), 'Age at which raw readings are removed.', {
    ...atStart,
    remote: true,
    unit: 'days',
  }),
  ringShare: field(z.number().min(0.05).max(0.9).default(0.4), 'Share of the budget raw readings may take.', atStart),
});

const summariesSchema = z.strictObject({
  openMinuteEveryS: field(
    z.number().min(1).max(60).default(60),
    'How often the minute that is still running is summarised and sent as a new revision. 60: only when it is over; then a gateway with few signals sends two minutes at a time, at half the bytes.',
    { ...atStart, remote: true, unit: 's' },
  ),
});

const brokerUrl = z.string().superRefine((text, ctx) => {
  const problem = uplinkUrlProblem(text);
  if (problem !== null) ctx.addIssue({ code: 'custom', message: problem });
});
const brokerMarks = {
  ...atStart,
  expects: 'mqtts://host:8883 (or mqtt://127.0.0.1:1883 on this machine)',
  examples: ['mqtts://bridge.example:8883'],
} as const;

export const remoteRawModes = ['off', 'ask', 'on'] as const;

const uplinkSchema = z.strictObject({
  broker: field(
    z.union([brokerUrl, z.array(brokerUrl).min(1).max(8)]).optional(),
    'The MQTT broker of the bridge, or several in order: the next is tried when one fails, and after ten minutes the first again. Plain mqtt:// only on loopback; over a network mqtts://.',
    { ...brokerMarks, expects: `${brokerMarks.expects}, or a list of them` },
  ),
  url: field(brokerUrl.optional(), 'Older name of broker, for one.', brokerMarks),
  certificate: field(
    z.string().min(1).optional(),
    'PEM file with the certificate of this gateway, from `selvedge join`. The agent renews it at two thirds of its life.',
    { ...atStart, expects: 'the path of a PEM file, relative to this file', examples: ['data/keys/uplink.pem'] },
  ),
  key: field(secretReference.optional(), 'Private key of the certificate; after `selvedge join` in the same file.', {
    ...atStart,
    secret: true,
    expects: secretExpects,
    examples: ['file:data/keys/uplink.pem'],
  }),
  enrolment: field(
    z.url({ protocol: /^https$/ }).optional(),
    'Where the bridge renews the certificate. Absent: it is not renewed.',
    { ...atStart, expects: 'https://host:8481', examples: ['https://bridge.example:8481'] },
  ),
  password: field(secretReference.optional(), 'Password at the broker; the user name is the gateway id.', {
    ...atStart,
    secret: true,
    expects: secretExpects,
    examples: ['file:secrets/uplink.password'],
  }),
  bridgeKey: field(
    z.string().min(1),
    'PEM file with the public key of the bridge. Only acks signed by it release data from the outbox.',
    { ...atStart, expects: 'the path of a PEM file, relative to this file', examples: ['bridge.pub.pem'] },
  ),
  ackTimeoutS: field(z.number().min(1).max(600).default(20), 'A batch without an answer for this long is sent again.', {
    ...atStart,
    unit: 's',
  }),
  outageAfterS: field(
    z.number().min(1).max(3600).default(30),
    'Without connection or answer for this long it is an outage of the uplink.',
    { ...atStart, unit: 's' },
  ),
  remoteRaw: field(
    z.enum(remoteRawModes).default('ask'),
    'Whether the bridge may have raw readings and diagnostics when it asks: never (off), when somebody here allows it each time (ask, with selvedge remote), or always (on).',
    atStart,
  ),
  ca: field(z.string().min(1).optional(), 'PEM file with the CA of the broker. Absent: the CAs of Node.', {
    ...atStart,
    expects: 'the path of a PEM file, relative to this file',
  }),
});

const modelsSchema = z.strictObject({
  siteKeys: field(
    z
      .array(
        z.strictObject({
          file: field(z.string().min(1), 'PEM file with the public key (Ed25519).', {
            ...atStart,
            expects: 'the path of a PEM file, relative to this file',
            examples: ['site-models.pub.pem'],
          }),
          fingerprint: field(
            z.string().regex(fingerprintPattern).optional(),
            'SHA-256 of the key (SPKI DER); a file with another key is refused. Absent: the key in the file counts.',
            { ...atStart, expects: 'the SHA-256 of the public key: 64 hex digits, colons allowed' },
          ),
        }),
      )
      .max(8)
      .default([]),
    'Keys with which the site signs model packages of its own. Those of releases and of this gateway need not be listed.',
    { ...atStart, expects: 'a list of files with public keys' },
  ),
  accelerator: field(
    z.enum(accelerators).default('auto'),
    'What models run on. auto: the processor, unless something else gives the same results in at most 0.8 of its time here. One that cannot be had leaves the processor, and the health says why.',
    atStart,
  ),
});

const pageSchema = z.strictObject({
  bind: field(z.string().min(1).default('127.0.0.1'), 'Address the local page listens on.', {
    ...atStart,
    expects: '127.0.0.1, ::1 or localhost',
  }),
  port: field(z.int().min(0).max(65535).default(8440), 'Port of the local page; 0 takes a free one.', atStart),
});

export const logLevels = ['debug', 'info', 'warn', 'error'] as const;
const logSchema = z.strictObject({
  level: field(z.enum(logLevels).default('info'), 'Lines below this level are not written.', { ...live, remote: true }),
  statusEveryS: field(z.number().min(1).max(86_400).default(60), 'Time between two status lines.', {
    ...live,
    remote: true,
    unit: 's',
  }),
});

export const configSchema = z.strictObject({
  version: field(z.literal(1), 'Version of this file format.', atStart),
  site: field(siteSchema, 'The factory.', atStart),
  gateway: field(gatewaySchema, 'This computer.', atStart),
  dataDir: field(z.string().min(1).default('data'), 'Folder for databases, keys and certificates.', {
    ...atStart,
    expects: 'a path, relative to this file',
  }),
  profileDirs: field(z.array(z.string().min(1)).default([]), 'Folders with your own profiles (*.yaml).', {
    ...atStart,
    expects: 'paths, relative to this file',
  }),
  machines: field(z.array(machineSchema).default([]), 'The machines to watch.', atStart),
  rules: field(rulesSchema.default({}), 'Changes of the shipped alert rules, by rule id, and rules of your own.', live),
  storage: field(storageSchema.prefault({}), 'How much is kept on disk.', atStart),
  summaries: field(summariesSchema.prefault({}), 'Minute summaries.', atStart),
  uplink: field(uplinkSchema.optional(), 'The cloud bridge. Absent: nothing is sent; everything else works.', atStart),
  models: field(modelsSchema.prefault({}), 'Models of the eye and the ear.', atStart),
  page: field(pageSchema.prefault({}), 'The local page for maintenance staff.', atStart),
  log: field(logSchema.prefault({}), 'The log on standard output, one JSON object a line.', live),
});
export type ParsedConfig = z.output<typeof configSchema>;
export type ParsedMachine = z.output<typeof machineSchema>;

/** True for names and addresses that never leave this computer. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** What is wrong with the URL of an uplink, or null. Never repeats the URL: it may hold a password. */
export function uplinkUrlProblem(text: string): string | null {
  if (!URL.canParse(text)) return 'is not a URL';
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') return 'has credentials in it; use password: for that';
  if (url.protocol !== 'mqtt:' && url.protocol !== 'mqtts:') return 'is no MQTT address';
  if (url.hostname === '') return 'has no host';
  if (url.protocol === 'mqtt:' && !isLoopback(url.hostname))
    return 'is plain MQTT over a network, which anybody on it can read';
  return null;
}
