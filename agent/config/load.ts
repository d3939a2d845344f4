/**
 * From the YAML file to the frozen `Config`. Every complaint is found in one go: schema and cross checks both work on
 * whatever part of the file is readable, so that a user corrects a file once and not ten times.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, isAbsolute, resolve } from 'node:path';
import { z } from 'zod';
import type { Profile } from '../../drivers/profiles/schema.ts';
import { uniqueNames } from '../certificates/names.ts';
import { AgentError } from '../errors.ts';
import { parseRules, shippedRules } from '../rules/load.ts';
import type { Rule } from '../rules/schema.ts';
import type {
  Config,
  EyeConfig,
  MachineConfig,
  NotifyTarget,
  OpcUaConfig,
  SecretReference,
  WebEyeConfig,
} from './config.ts';
import { crossIssues, type CrossInput } from './cross.ts';
import { configJsonSchema, type SchemaNode } from './describe.ts';
import { deepFreeze } from './diff.ts';
import { defaultUnit, endpointText, parseEndpoint, type Endpoint, type SerialLine } from './endpoint.ts';
import { ConfigErrors, formatIssue, issuesOfZod, type ConfigIssue } from './issues.ts';
import { overlaySchema, type Overlay, type OverlayMachine } from './overlay.ts';
import { isProfilePath, profileCatalogue, type ProfileCatalogue } from './profiles.ts';
import { layOver, type RemoteSetting, type SettingState } from './remote-fields.ts';
import { readRemote, settingsFor } from './remote-file.ts';
import { profileOfOpcua, type ParsedMachine } from './machine-schema.ts';
import type { ParsedNotify } from './notify-schema.ts';
import { configSchema, type ParsedConfig } from './schema.ts';
import { parseSource, type Source } from './source.ts';

export type { Config, MachineConfig, OpcUaConfig, RulesConfig, SecretReference, UplinkConfig } from './config.ts';
export { ConfigErrors, formatIssue, type ConfigIssue } from './issues.ts';

export interface LoadOptions {
  /** The trial of settings from afar that is running; absent or null: what is on trial does not count. */
  readonly trial?: string | null;
  /** In place of what `remote.json` has. */
  readonly settings?: readonly RemoteSetting[];
  /** Path of an endpoints file, laid over endpoint, unit and server fingerprint by machine id, and over the uplink's URL. */
  readonly endpoints?: string;
}

/** A file longer than this is no configuration. */
const maxFileBytes = 4 * 1024 * 1024;

/**
 * Reads and checks the configuration. Relative paths in it are relative to its folder.
 * @throws {ConfigErrors} with every complaint, when the files can be read but not used
 * @throws {AgentError} AGT-100 when a file cannot be read
 */
export function loadConfig(path: string, options: LoadOptions = {}): Config {
  return loadWithRemote(path, options).config;
}

/** What was set from afar, as it counts. */
export interface RemoteReport {
  readonly settings: readonly { readonly setting: RemoteSetting; readonly state: SettingState }[];
  /** Why none of it counts; null: it does. */
  readonly problem: string | null;
  /** A trial that is running, or that the next start takes back. */
  readonly trial: { readonly id: string; readonly by: string } | null;
}
export interface Loaded {
  readonly config: Config;
  readonly remote: RemoteReport;
}

/**
 * As `loadConfig`, and tells what was set from afar. Where the local file can be used and the two together cannot, the local file
 * alone counts.
 */
export function loadWithRemote(path: string, options: LoadOptions = {}): Loaded {
  const file = resolve(path);
  const overlay =
    options.endpoints === undefined
      ? null
      : { file: resolve(options.endpoints), text: readText(resolve(options.endpoints)) };
  const input: CheckInput = {
    file,
    text: readText(file),
    overlay,
    profilesIn: profileCatalogue,
    fileExists: existsSync,
    shippedRules: parseRules(shippedRules()),
  };
  const local = checkConfig(input);
  if ('issues' in local) throw new ConfigErrors(local.issues);
  const state = readRemote(local.config.dataDir);
  const settings = options.settings ?? settingsFor(state, options.trial ?? null);
  const trial = state.trial === null ? null : { id: state.trial.id, by: state.trial.by };
  if (settings.length === 0) return { config: local.config, remote: { settings: [], problem: state.problem, trial } };
  const source = parseSource(input.file, input.text);
  const { value, states } = layOver(configJsonSchema(), source.value, settings);
  const told = settings.map((setting, at) => ({ setting, state: states[at] ?? 'not-remote' }));
  const both = checkConfig({ ...input, main: { ...source, value } });
  if ('config' in both) return { config: both.config, remote: { settings: told, problem: state.problem, trial } };
  if (options.settings !== undefined) throw new ConfigErrors(both.issues);
  const problem = `with it the configuration cannot be used: ${both.issues.map(formatIssue)[0] ?? ''}`;
  return { config: local.config, remote: { settings: told, problem, trial } };
}

/** The file as plain data, without checks; null when its syntax is broken. @throws {AgentError} AGT-100 */
export function localData(path: string): unknown {
  return parseSource(resolve(path), readText(resolve(path))).value;
}

function readText(file: string): string {
  try {
    const bytes = readFileSync(file);
    if (bytes.length > maxFileBytes)
      throw new AgentError('fileUnreadable', `${file} is too long to be a configuration`);
    return bytes.toString('utf8');
  } catch (error) {
    if (error instanceof AgentError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    const why = code === 'ENOENT' ? 'does not exist' : code === 'EISDIR' ? 'is a folder' : `cannot be read (${code})`;
    throw new AgentError('fileUnreadable', `${file} ${why}`, { cause: error });
  }
}

export interface CheckInput {
  /** Absolute path; relative paths in the text are relative to its folder. */
  readonly file: string;
  readonly text: string;
  /** The text as it counts; absent: as it stands. */
  readonly main?: Source;
  readonly overlay: { readonly file: string; readonly text: string } | null;
  readonly profilesIn: (dirs: readonly string[]) => ProfileCatalogue;
  readonly fileExists: (path: string) => boolean;
  readonly shippedRules: readonly Rule[];
}

/** The whole check without a disk. Never throws, whatever the texts; each issue has a line of the file it names. */
export function checkConfig(
  input: CheckInput,
): { readonly config: Config } | { readonly issues: readonly ConfigIssue[] } {
  const main = input.main ?? parseSource(input.file, input.text);
  const over = input.overlay === null ? null : parseSource(input.overlay.file, input.overlay.text);
  const syntax = [...syntaxIssues(main), ...(over === null ? [] : syntaxIssues(over))];
  if (syntax.length > 0) return { issues: syntax };
  if (main.value === null) {
    const right = 'version, site and gateway, as in docs/config.example.yaml';
    return { issues: [{ file: input.file, line: 1, column: 1, path: '', what: 'the file is empty', right }] };
  }

  const parsed = configSchema.safeParse(main.value);
  const issues: ConfigIssue[] = [];
  if (!parsed.success) issues.push(...issuesOfZod(main, configJsonSchema(), parsed.error.issues));
  const overlay = over === null ? null : overlaySchema.safeParse(over.value);
  if (over !== null && overlay?.success === false) {
    issues.push(
      ...issuesOfZod(over, z.toJSONSchema(overlaySchema, { io: 'input' }) as SchemaNode, overlay.error.issues),
    );
  }

  const absolute = (path: string) => (isAbsolute(path) ? path : resolve(dirname(input.file), path));
  const profileOf = (reference: string) => (isProfilePath(reference) ? absolute(reference) : reference);
  const cross: CrossInput = {
    main,
    overlay: over,
    profilesIn: (dirs) => input.profilesIn(dirs.map(absolute)),
    fileExists: (path) => input.fileExists(absolute(path)),
    profileOf,
    shippedRules: input.shippedRules,
  };
  const crossed = crossIssues(cross);
  issues.push(...crossed.issues);
  if (issues.length > 0 || !parsed.success) return { issues: inOrder(issues) };
  return {
    config: deepFreeze(
      build(input.file, parsed.data, overlay?.data ?? null, crossed.profiles, { absolute, profileOf }),
    ),
  };
}

const syntaxIssues = (source: Source): readonly ConfigIssue[] =>
  source.syntax.map((problem) => ({ file: source.file, path: '', ...problem }));

function inOrder(issues: readonly ConfigIssue[]): readonly ConfigIssue[] {
  const files = [...new Set(issues.map((issue) => issue.file))];
  return issues.toSorted(
    (a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column,
  );
}

interface Paths {
  readonly absolute: (path: string) => string;
  readonly profileOf: (reference: string) => string;
}

function build(
  file: string,
  parsed: ParsedConfig,
  overlay: Overlay | null,
  profiles: ProfileCatalogue,
  { absolute, profileOf }: Paths,
): Config {
  const uplink = parsed.uplink;
  return {
    version: 1,
    file,
    site: {
      id: parsed.site.id,
      name: parsed.site.name ?? parsed.site.id,
      timeZone: parsed.site.timeZone,
      calendar: parsed.site.calendar ?? null,
    },
    gateway: { id: parsed.gateway.id, name: parsed.gateway.name ?? parsed.gateway.id },
    dataDir: absolute(parsed.dataDir),
    profileDirs: parsed.profileDirs.map(absolute),
    machines: parsed.machines.map((machine) =>
      buildMachine(machine, overlay?.machines.find((m) => m.id === machine.id) ?? null, profiles, {
        absolute,
        profileOf,
      }),
    ),
    rules: parsed.rules,
    storage: parsed.storage,
    summaries: parsed.summaries,
    uplink:
      uplink === undefined
        ? null
        : {
            brokers: overlay?.uplink === undefined ? brokersOf(uplink) : [overlay.uplink],
            certificate: uplink.certificate === undefined ? null : absolute(uplink.certificate),
            key: reference(uplink.key, absolute),
            enrolment: uplink.enrolment ?? null,
            password: reference(uplink.password, absolute),
            bridgeKey: absolute(uplink.bridgeKey),
            ackTimeoutS: uplink.ackTimeoutS,
            outageAfterS: uplink.outageAfterS,
            remoteRaw: uplink.remoteRaw,
            ca: uplink.ca === undefined ? null : absolute(uplink.ca),
          },
    models: {
      accelerator: parsed.models.accelerator,
      siteKeys: parsed.models.siteKeys.map(({ file, fingerprint }) => ({
        file: absolute(file),
        fingerprint: fingerprint?.replaceAll(':', '').toLowerCase() ?? null,
      })),
    },
    page: { ...parsed.page, names: uniqueNames(parsed.page.names).map(({ text }) => text) },
    notify: parsed.notify.map((target) => notifyOf(target, absolute)),
    log: parsed.log,
  };
}

/** The cross checks have seen that there is one. */
function brokersOf({ broker, url }: NonNullable<ParsedConfig['uplink']>): readonly string[] {
  const named = broker ?? url ?? [];
  return typeof named === 'string' ? [named] : named;
}

function buildMachine(
  machine: ParsedMachine,
  over: OverlayMachine | null,
  profiles: ProfileCatalogue,
  { absolute, profileOf }: Paths,
): MachineConfig {
  const reference = profileOf(machine.profile ?? profileOfOpcua);
  const profile = profiles.find(reference);
  const url = over?.endpoint ?? machine.endpoint ?? '';
  const read = parseEndpoint(url);
  // The cross checks have refused both before; this only tells the compiler so.
  if ('problem' in profile || 'problem' in read) throw new AgentError('configInvalid', `machine ${machine.id}`);
  const address = withLine(read, machine.serial ?? {});
  return {
    id: machine.id,
    name: machine.name ?? machine.id,
    profile: reference,
    kind: machine.kind ?? profile.kind,
    line: machine.line ?? null,
    station: machine.station ?? null,
    endpoint: endpointText(address),
    address,
    unit: unitOf(profile, over?.unit ?? machine.unit),
    firmware: machine.firmware ?? null,
    polls: machine.polls ?? {},
    maxRequestsPerS: machine.maxRequestsPerS ?? null,
    writes: machine.writes?.enabled ?? false,
    eye:
      machine.eye === undefined
        ? null
        : {
            ...machine.eye,
            needleZero: machine.eye.needleZero ?? null,
            behind: machine.eye.behind ?? null,
            score: scoreOf(machine.eye.score),
          },
    webEye: machine.webEye === undefined ? null : webEyeOf(machine.webEye),
    ear: machine.ear === undefined ? null : { ...machine.ear, keepClips: clipsOf(machine.ear.keepClips, absolute) },
    opcua: address.transport === 'opcua' ? buildOpcUa(machine.opcua, over, absolute) : null,
    rules: machine.rules ?? {},
  };
}

function webEyeOf({
  position,
  mmPerCount = 1,
  speedSignal = '',
  behind,
  score,
  ...rest
}: NonNullable<ParsedMachine['webEye']>): WebEyeConfig {
  // The cross checks have refused one without its own field.
  const way =
    position === 'encoder' ? { kind: position, mmPerCount } : ({ kind: position, signal: speedSignal } as const);
  return { ...rest, behind: behind ?? null, score: scoreOf(score), position: way };
}

function scoreOf({ grades, holes }: NonNullable<ParsedMachine['eye']>['score']): EyeConfig['score'] {
  const limits = Object.entries(grades).map(([name, most]) => ({ name, most }));
  return { grades: limits.sort((a, b) => a.most - b.most), holes };
}

function unitOf({ protocol }: Profile, given: number | undefined): number | null {
  // A knit floor machine has a number only where it sends one.
  if (protocol === 'knit-floor') return given ?? null;
  const fallback = defaultUnit(protocol);
  return fallback === null ? null : (given ?? fallback);
}

function buildOpcUa(
  opcua: ParsedMachine['opcua'],
  over: OverlayMachine | null,
  absolute: (path: string) => string,
): OpcUaConfig {
  const fingerprint = over?.serverFingerprint ?? opcua?.serverFingerprint ?? null;
  return {
    security: opcua?.security ?? 'SignAndEncrypt',
    policy: opcua?.policy ?? 'Basic256Sha256',
    serverFingerprint: fingerprint?.replaceAll(':', '').toLowerCase() ?? null,
    user: opcua?.user ?? null,
    password: reference(opcua?.password, absolute),
    userCertificate: opcua?.userCertificate === undefined ? null : absolute(opcua.userCertificate),
    userKey: reference(opcua?.userKey, absolute),
    machine: opcua?.machine ?? null,
  };
}

function clipsOf(
  clips: NonNullable<ParsedMachine['ear']>['keepClips'],
  absolute: (path: string) => string,
): NonNullable<MachineConfig['ear']>['keepClips'] {
  const key = reference(clips?.key, absolute);
  return clips === undefined || key === null ? null : { ...clips, key };
}

function notifyOf(target: ParsedNotify, absolute: (path: string) => string): NotifyTarget {
  const { name, priorities, port, tls, to, language } = target;
  if (target.kind === 'webhook') {
    return { name, priorities, kind: 'webhook', url: target.url ?? '', secret: reference(target.secret, absolute) };
  }
  // The schema has refused a target without a host or a sender; this only tells the compiler so.
  const { host = '', from = '', user = null } = target;
  const password = reference(target.password, absolute);
  const ca = target.ca === undefined ? null : absolute(target.ca);
  return { name, priorities, kind: 'smtp', host, port, tls, user, password, ca, from, to, language };
}

function reference(text: string | undefined, absolute: (path: string) => string): SecretReference | null {
  if (text === undefined) return null;
  return text.startsWith('env:') ? `env:${text.slice(4)}` : `file:${absolute(text.slice(5))}`;
}

function withLine(endpoint: Endpoint, serial: NonNullable<ParsedMachine['serial']>): Endpoint {
  if (!('line' in endpoint)) return endpoint;
  const line: SerialLine = {
    baudRate: serial.baudRate ?? endpoint.line.baudRate,
    dataBits: serial.dataBits ?? endpoint.line.dataBits,
    parity: serial.parity ?? endpoint.line.parity,
    stopBits: serial.stopBits ?? endpoint.line.stopBits,
  };
  return { ...endpoint, line };
}
