/**
 * The one schema of the agent's YAML file. Types, checks, `docs/CONFIG.md`, the JSON Schema for editors and the commented
 * example all come from here, so what the documents say is what the agent does.
 *
 * Every field carries marks (`fields.ts`): whether a change needs a restart, whether it may ever be set from afar, and
 * whether it holds the reference of a secret.
 */
import { z } from 'zod';
import { accelerators } from '../../models/package/accelerator.ts';
import { readName } from '../certificates/names.ts';
import { calendarSchema } from '../time/calendar.ts';
import { atStart, field, fingerprintPattern, id, idExpects, label, live } from './fields.ts';
import { machineSchema, rulesSchema } from './machine-schema.ts';
import { notifyTarget } from './notify-schema.ts';
import { uplinkSchema } from './uplink-schema.ts';

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
    'Shifts of the site. A shift belongs to the date on which it starts. Absent: the days of the site, midnight to midnight.',
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
    expects:
      '127.0.0.1, ::1 or localhost; or an address of this computer, 0.0.0.0 or :: for all of them, with page.names',
  }),
  port: field(z.int().min(0).max(65535).default(8440), 'Port of the local page; 0 takes a free one.', atStart),
  names: field(
    z
      .array(
        z
          .string()
          .refine((name) => readName(name) !== null, { error: 'is no DNS name and no address of one computer' }),
      )
      .max(16)
      .default([]),
    'Names and addresses by which tablets and other computers reach the page. `selvedge cert init` makes the certificate for them. Needed where bind is more than this computer.',
    {
      ...atStart,
      expects: 'DNS names and IP addresses, without https:// and port',
      examples: ['gateway-2.local'],
    },
  ),
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
  notify: field(
    z
      .array(notifyTarget)
      .max(8)
      .refine((targets) => new Set(targets.map(({ name }) => name)).size === targets.length, {
        error: 'has two targets of one name',
      })
      .default([]),
    'Who is told of new alerts beside the page: webhooks and mail. Never set from afar.',
    { ...atStart, expects: 'a list of at most 8 targets, each with a name of its own' },
  ),
  log: field(logSchema.prefault({}), 'The log on standard output, one JSON object a line.', live),
});
export type ParsedConfig = z.output<typeof configSchema>;
