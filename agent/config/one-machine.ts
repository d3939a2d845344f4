/** Checks within one machine: its profile, its endpoint, and the settings that only some protocols and transports have. */
import type { Profile } from '../../drivers/profiles/schema.ts';
import { childOf, listOf, textOf, type Path } from './describe.ts';
import { parseEndpoint, protocolAt, type Endpoint } from './endpoint.ts';
import { issueAt, nearest, type ConfigIssue } from './issues.ts';
import type { ProfileCatalogue } from './profiles.ts';
import { profileOfOpcua } from './machine-schema.ts';
import type { Source } from './source.ts';

/** Where machines are written, and how profiles are named there. */
export interface MachineInput {
  readonly main: Source;
  readonly overlay: Source | null;
  /** Makes a profile reference of the file one the catalogue takes. */
  readonly profileOf: (reference: string) => string;
}

/** A value with the place it was written in: the file itself or the endpoints file over it. */
interface Placed<T> {
  readonly value: T;
  readonly source: Source;
  readonly path: Path;
}

/** One machine as far as it can be read. */
export interface Glimpse {
  readonly index: number;
  readonly path: Path;
  readonly id: string | null;
  readonly profile: Profile | null;
  readonly endpoint: Placed<Endpoint> | null;
  readonly unit: Placed<number> | null;
}

/** Reads what can be read of the machine at `index`, and adds to `issues` what is wrong within it. */
export function glimpse(
  input: MachineInput,
  profiles: ProfileCatalogue,
  raw: unknown,
  index: number,
  issues: ConfigIssue[],
): Glimpse {
  const { main } = input;
  const path: Path = ['machines', index];
  const id = textOf(childOf(raw, 'id'));
  const over = id === null ? null : overlayMachine(input.overlay, id);
  const place = <T>(key: string, read: (value: unknown) => T | null): Placed<T> | null => {
    if (over !== null) {
      const value = read(childOf(over.raw, key));
      if (value !== null) return { value, source: over.source, path: [...over.path, key] };
    }
    const value = read(childOf(raw, key));
    return value === null ? null : { value, source: main, path: [...path, key] };
  };
  const written = place('endpoint', textOf);
  if (written === null && typeof raw === 'object' && raw !== null && childOf(raw, 'endpoint') === undefined) {
    const right = 'endpoint: with the address of the machine here, or an endpoints file that names it (--endpoints)';
    issues.push(issueAt(main, path, 'has no endpoint', right));
  }
  const read = written === null ? null : parseEndpoint(written.value);
  const endpoint = written === null || read === null || 'problem' in read ? null : { ...written, value: read };
  const isOpcua = endpoint?.value.transport === 'opcua';
  const profile = profileOf(input, profiles, isOpcua ? profileOfOpcua : null, raw, path, issues);
  const unit = place('unit', (value) => (typeof value === 'number' ? value : null));
  const glimpsed: Glimpse = { index, path, id, profile, endpoint, unit };
  issues.push(
    ...endpointIssues(main, raw, glimpsed),
    ...pollIssues(main, raw, glimpsed),
    ...webEyeIssues(main, raw, path),
    ...needleIssues(main, raw, path),
  );
  return glimpsed;
}

/** What a camera over a flat web needs hangs on what tells how far the web has run. */
function webEyeIssues(main: Source, raw: unknown, machine: Path): readonly ConfigIssue[] {
  const web = childOf(raw, 'webEye');
  if (web === undefined) return [];
  const path: Path = [...machine, 'webEye'];
  const issues: ConfigIssue[] = [];
  if (childOf(raw, 'eye') !== undefined) {
    issues.push(issueAt(main, path, 'is given beside eye', 'one camera a machine: eye of a tube, or webEye', 'key'));
  }
  const position = textOf(childOf(web, 'position'));
  if (position === 'encoder' && childOf(web, 'mmPerCount') === undefined) {
    issues.push(
      issueAt(main, path, 'has position encoder and no mmPerCount', 'mmPerCount: with the web for one count'),
    );
  }
  if (position === 'speed' && childOf(web, 'speedSignal') === undefined) {
    issues.push(issueAt(main, path, 'has position speed and no speedSignal', 'speedSignal: with a signal in m/min'));
  }
  return issues;
}

/** Eye and ear tell which needle by the same numbers, so that what both tell of can be one incident. */
function needleIssues(main: Source, raw: unknown, machine: Path): readonly ConfigIssue[] {
  const [eye, ear] = [childOf(raw, 'eye'), childOf(raw, 'ear')];
  const seen = childOf(eye, 'needles');
  const heard = childOf(ear, 'needles');
  if (typeof seen !== 'number' || typeof heard !== 'number') return [];
  const issues: ConfigIssue[] = [];
  if (seen !== heard) {
    const right = 'the same number for both, that of the cylinder';
    issues.push(
      issueAt(main, [...machine, 'ear', 'needles'], `is ${heard}, but the eye of the same cylinder has ${seen}`, right),
    );
  }
  const counted = (sense: unknown) => childOf(sense, 'firstNeedle') ?? 1;
  if (counted(eye) !== counted(ear)) {
    issues.push(
      issueAt(
        main,
        [...machine, 'ear'],
        'counts its needles from another first one than the eye',
        'firstNeedle: the same for both',
      ),
    );
  }
  return issues;
}

function profileOf(
  input: MachineInput,
  profiles: ProfileCatalogue,
  otherwise: string | null,
  raw: unknown,
  machine: Path,
  issues: ConfigIssue[],
): Profile | null {
  const written = childOf(raw, 'profile');
  const reference = textOf(written) ?? (written === undefined ? otherwise : null);
  if (reference === null) {
    const isMissing = written === undefined && typeof raw === 'object' && raw !== null;
    if (isMissing)
      issues.push(
        issueAt(input.main, [...machine, 'profile'], 'is missing', `profile: with one of ${profiles.ids.join(', ')}`),
      );
    return null;
  }
  const found = profiles.find(input.profileOf(reference));
  if (!('problem' in found)) return found;
  if (found.problem === 'invalid') {
    // Many machines can name one profile; its mistakes are told once.
    issues.push(...found.issues.filter((issue) => !issues.includes(issue)));
    return null;
  }
  const at = [...machine, 'profile'];
  if (found.problem === 'unusable') {
    const what = `names a profile that cannot be used: ${found.detail}`;
    issues.push(issueAt(input.main, at, what, 'a file this user may read'));
    return null;
  }
  const near = nearest(reference, profiles.ids);
  const known = `one of ${profiles.ids.join(', ')}, or the path of a profile file`;
  const right = near === null ? known : `did you mean ${near}? (${known})`;
  issues.push(issueAt(input.main, at, `names the profile ${JSON.stringify(reference)}, which is not there`, right));
  return null;
}

const schemes = {
  modbus: 'modbus://host:502, modbus+rtu://host:port, modbus+rtu:///dev/… or modbus+ascii:///dev/…',
  line: 'tcp://host:port, serial:///dev/… or serial://usb/VID:PID',
  efka: 'tcp://host:port, serial:///dev/… or serial://usb/VID:PID',
  opcua: 'opc.tcp://host:4840',
  'knit-floor': 'knit-floor+tcp-listen://ADDRESS:PORT, tcp://host:port or serial:///dev/…',
  'stoll-events': 'tcp://host:port, serial:///dev/… or file:///path',
} as const;

function endpointIssues(main: Source, raw: unknown, machine: Glimpse): readonly ConfigIssue[] {
  const { endpoint, profile, unit, path } = machine;
  if (endpoint === null) return [];
  const issues: ConfigIssue[] = [];
  const protocol = protocolAt(endpoint.value, profile);
  if (profile !== null && profile.protocol !== protocol) {
    const what = `is ${protocol === 'opcua' ? 'OPC UA' : protocol}, but the profile ${profile.profile} speaks ${profile.protocol}`;
    issues.push(issueAt(endpoint.source, endpoint.path, what, schemes[profile.protocol]));
  }
  if (unit === null && endpoint.value.transport === 'knit-floor-listen') {
    const right = 'unit: with the number the machine sends first';
    issues.push(issueAt(main, path, 'has no unit, by which it is known among those that call', right));
  }
  if (unit !== null && protocol !== 'modbus' && protocol !== 'efka' && protocol !== 'knit-floor') {
    const what = 'is for Modbus, EFKA and the knit floor alone';
    issues.push(issueAt(unit.source, unit.path, what, `no unit with ${schemes[protocol]}`, 'key'));
  }
  if (unit !== null && protocol === 'efka' && unit.value < 128) {
    const what = `is ${unit.value}, which the check of a telegram does not protect`;
    issues.push(
      issueAt(unit.source, unit.path, what, 'a whole number from 128 to 255, as the drive is set; mostly 240'),
    );
  }
  if (childOf(raw, 'maxRequestsPerS') !== undefined && protocol !== 'modbus') {
    const at = [...path, 'maxRequestsPerS'];
    issues.push(issueAt(main, at, 'is for Modbus alone', `no maxRequestsPerS with ${schemes[protocol]}`, 'key'));
  }
  if (childOf(childOf(raw, 'writes'), 'enabled') === true) {
    const at = [...path, 'writes', 'enabled'];
    if (profile !== null && Object.keys(profile.writes ?? {}).length === 0) {
      const what = `is true, but the profile ${profile.profile} lists nothing that may be written`;
      issues.push(issueAt(main, at, what, 'enabled: false, or a profile with writes:'));
    } else if (unit?.value === 0) {
      issues.push(issueAt(main, at, 'is true, but unit 0 is everybody behind a gateway', 'enabled: false'));
    }
  }
  const onSerialLine = protocol === 'modbus' && endpoint.value.transport !== 'modbus-tcp';
  if (unit !== null && onSerialLine && (unit.value < 1 || unit.value > 247)) {
    // Serial Line V1.02 §2.2: 0 is broadcast, 248 to 255 are reserved.
    issues.push(
      issueAt(
        unit.source,
        unit.path,
        `is ${unit.value}, which no slave on a serial line can have`,
        'a whole number from 1 to 247',
      ),
    );
  }
  const serial = childOf(raw, 'serial');
  if (serial !== undefined && !('line' in endpoint.value)) {
    issues.push(issueAt(main, [...path, 'serial'], 'does nothing with a network endpoint', 'no serial: here', 'key'));
  }
  if (endpoint.value.transport === 'modbus-rtu-serial' && childOf(serial, 'dataBits') === 7) {
    const what = 'is 7, but Modbus RTU is sent with 8 data bits';
    issues.push(issueAt(main, [...path, 'serial', 'dataBits'], what, '8, or no dataBits'));
  }
  const opcua = childOf(raw, 'opcua');
  if (opcua !== undefined && protocol !== 'opcua') {
    issues.push(issueAt(main, [...path, 'opcua'], 'does nothing with this endpoint', 'no opcua: here', 'key'));
  }
  issues.push(...opcuaIssues(main, opcua, path));
  return issues;
}

/** What proves the agent to the server: a password with its user, or a certificate with its key, and nothing in clear. */
function opcuaIssues(main: Source, opcua: unknown, path: Path): readonly ConfigIssue[] {
  const issues: ConfigIssue[] = [];
  const password = childOf(opcua, 'password');
  const user = childOf(opcua, 'user');
  if (password !== undefined && user === undefined) {
    issues.push(issueAt(main, [...path, 'opcua', 'password'], 'has no user', 'user: beside it', 'key'));
  }
  if (user !== undefined && password === undefined) {
    issues.push(
      issueAt(main, [...path, 'opcua', 'user'], 'has no password', 'password: file:… or env:… beside it', 'key'),
    );
  }
  const certificate = childOf(opcua, 'userCertificate');
  const key = childOf(opcua, 'userKey');
  if (certificate !== undefined && user !== undefined) {
    const what = 'stands beside a user, and the server takes one of both';
    issues.push(
      issueAt(main, [...path, 'opcua', 'userCertificate'], what, 'no user: and password:, or no certificate', 'key'),
    );
  }
  if ((certificate === undefined) !== (key === undefined)) {
    const [here, other] = certificate === undefined ? ['userKey', 'userCertificate'] : ['userCertificate', 'userKey'];
    issues.push(issueAt(main, [...path, 'opcua', here], `has no ${other}`, `${other}: beside it`, 'key'));
  }
  if ((user !== undefined || certificate !== undefined) && childOf(opcua, 'security') === 'None') {
    const what = 'is None, so the password would cross the network in clear';
    issues.push(issueAt(main, [...path, 'opcua', 'security'], what, 'SignAndEncrypt, or no user'));
  }
  return issues;
}

function pollIssues(main: Source, raw: unknown, { profile, path }: Glimpse): readonly ConfigIssue[] {
  const polls = childOf(raw, 'polls');
  if (profile === null || typeof polls !== 'object' || polls === null || Array.isArray(polls)) return [];
  if (profile.protocol !== 'modbus' && profile.protocol !== 'efka') {
    const what = 'is for Modbus and EFKA alone';
    return [issueAt(main, [...path, 'polls'], what, `no polls: with the profile ${profile.profile}`, 'key')];
  }
  // As the driver has it: a class no signal is in is never polled, and normal needs no entry.
  const known = [...new Set(Object.values(profile.signals).map((spec) => spec.poll))];
  return Object.keys(polls)
    .filter((key) => !known.includes(key))
    .map((key) => {
      const near = nearest(key, known);
      const right = near === null ? `one of ${known.join(', ')}` : `did you mean ${near}?`;
      return issueAt(main, [...path, 'polls', key], 'is no poll class of the profile', right, 'key');
    });
}

function overlayMachine(
  overlay: Source | null,
  id: string,
): { readonly source: Source; readonly raw: unknown; readonly path: Path } | null {
  if (overlay === null) return null;
  const machines = listOf(childOf(overlay.value, 'machines'));
  const index = machines.findIndex((machine) => childOf(machine, 'id') === id);
  return index < 0 ? null : { source: overlay, raw: machines[index], path: ['machines', index] };
}
