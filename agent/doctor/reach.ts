/** What it means that a machine, its certificate or the broker can be reached or not. Pure. */
import { driverErrors } from '../../drivers/errors.ts';
import type { MachineConfig, UplinkConfig } from '../config/config.ts';
import type { Endpoint } from '../config/endpoint.ts';
import { bad, good, type Check } from './report.ts';

/** Where an endpoint leads: what has to be there before any protocol is spoken. */
export type Target =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'serial'; readonly path: string }
  | { readonly kind: 'file'; readonly path: string }
  /** The machine calls this computer. */
  | { readonly kind: 'awaited'; readonly host: string; readonly port: number };

export type Reach =
  | { readonly ok: true; readonly ms: number }
  | {
      readonly ok: false;
      /** `unknown-name` the name has no address, `silent` nobody answered in time, `refused` nobody listens there. */
      readonly why: 'unknown-name' | 'silent' | 'refused' | 'no-route' | 'failed';
      /** Code of the system, such as ECONNREFUSED. */
      readonly code: string;
    };

/** `problem`: what is wrong with the device file, in a few words; null when it may be read and written. */
export interface DeviceFacts {
  readonly problem: 'missing' | 'no-device' | 'forbidden' | 'ambiguous' | null;
  /** Of `ambiguous`: all ports that fit. */
  readonly detail?: string;
}

export type Found =
  | { readonly target: Extract<Target, { kind: 'tcp' }>; readonly reach: Reach }
  | { readonly target: Extract<Target, { kind: 'serial' }>; readonly device: DeviceFacts }
  | { readonly target: Extract<Target, { kind: 'file' }>; readonly readable: boolean }
  | { readonly target: Extract<Target, { kind: 'awaited' }> };

const defaultPorts = { 'opc.tcp:': 4840, 'mqtt:': 1883, 'mqtts:': 8883 } as const;

export function targetOf(address: Endpoint): Target {
  switch (address.transport) {
    case 'modbus-tcp':
    case 'modbus-rtu-tcp':
    case 'line-tcp':
      return { kind: 'tcp', host: address.host, port: address.port };
    case 'modbus-rtu-serial':
    case 'modbus-ascii-serial':
    case 'line-serial':
      return { kind: 'serial', path: address.path };
    case 'stoll-file':
      return { kind: 'file', path: address.path };
    case 'knit-floor-listen':
      return { kind: 'awaited', host: address.host, port: address.port };
    case 'opcua':
      return tcpOf(address.url);
  }
}

/** Host and port of an `opc.tcp:`, `mqtt:` or `mqtts:` URL that the configuration has checked. */
export function tcpOf(text: string): Extract<Target, { kind: 'tcp' }> {
  const { protocol, hostname, port } = new URL(text);
  const fallback = Object.entries(defaultPorts).find(([scheme]) => scheme === protocol)?.[1] ?? 0;
  return { kind: 'tcp', host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? fallback : Number(port) };
}

/** The same target, the same text: machines behind one connection are tried once. */
export function targetText(target: Target): string {
  if (target.kind === 'serial' || target.kind === 'file') return target.path;
  const scheme = target.kind === 'awaited' ? 'calls to ' : '';
  return `${scheme}${target.host.includes(':') ? `[${target.host}]` : target.host}:${target.port}`;
}

/** @param found `left-to-the-agent`: it was not tried, because an agent runs that may hold the only connection it gives */
export function judgeMachine(id: string, found: Found | 'left-to-the-agent'): Check {
  const name = `machine:${id}`;
  if (found === 'left-to-the-agent') return good(name, 'left to the running agent; its page shows how it is read');
  if ('device' in found) return judgeDevice(name, found.target.path, found.device);
  if ('readable' in found) {
    const { path } = found.target;
    if (found.readable) return good(name, `${path} can be read`);
    return bad(
      name,
      `${path} cannot be read`,
      'Check the path, that what writes the file runs, and the rights of the file.',
    );
  }
  if (!('reach' in found))
    return good(name, `waits for ${targetText(found.target)}; whether it calls shows on the page`);
  const { target, reach } = found;
  if (reach.ok) return good(name, connected(target, reach.ms));
  return bad(name, failure(target, reach), machineCures[reach.why]);
}

/** Null where there is nothing to trust: another protocol, or no security. */
export function judgeTrust(
  { id, opcua }: Pick<MachineConfig, 'id' | 'opcua'>,
  trusted: number,
  refused: number,
): Check | null {
  if (opcua === null || opcua.security === 'None') return null;
  const name = `trust:${id}`;
  if (opcua.serverFingerprint !== null) return good(name, 'the certificate of the server is pinned by its fingerprint');
  if (trusted > 0) return good(name, `${trusted} ${certificates(trusted)} in the trust list`);
  const waiting = refused === 0 ? '' : `; ${refused} ${certificates(refused)} met and refused`;
  const cure =
    'Compare the fingerprint with what the machine shows, then `selvedge trust add FINGERPRINT --config FILE`, or set opcua.serverFingerprint.';
  return bad(name, `no certificate is trusted, so no server will be${waiting}`, cure);
}

/**
 * @param uplink null without one
 * @param reachOf of a broker; null where it was not tried
 */
export function judgeUplink(
  uplink: Pick<UplinkConfig, 'brokers'> | null,
  reachOf: (broker: string) => Reach | null,
): Check {
  const tried = (uplink?.brokers ?? []).flatMap((broker) => {
    const reach = reachOf(broker);
    return reach === null ? [] : [{ target: tcpOf(broker), reach }];
  });
  // One that answers is enough; without any the first is the one to be put right.
  const first = tried.find(({ reach }) => reach.ok) ?? tried[0];
  if (uplink === null || first === undefined) return good('uplink', 'none configured; nothing is sent');
  const { target, reach } = first;
  if (reach.ok) return good('uplink', connected(target, reach.ms));
  return bad('uplink', failure(target, reach), `${uplinkCures[reach.why]} Nothing is lost meanwhile.`);
}

function judgeDevice(name: string, path: string, { problem, detail }: DeviceFacts): Check {
  switch (problem) {
    case null:
      return good(name, `${path} may be read and written`);
    case 'missing':
      return bad(name, `${path} is not there`, 'Plug the adapter in; `ls /dev/serial/by-id` lists what there is.');
    case 'ambiguous':
      return bad(name, detail ?? `${path} is several ports`, driverErrors.serialPortAmbiguous.cure);
    case 'no-device':
      return bad(name, `${path} is no serial device`, 'Name the device of the adapter, such as /dev/serial/by-id/….');
    case 'forbidden': {
      const cure =
        'Add the user the agent runs as to the group of the device (usermod -aG dialout USER) and log in anew.';
      return bad(name, `${path} may not be read and written by this user`, cure);
    }
  }
}

type Why = Extract<Reach, { ok: false }>['why'];

const nameCure = 'Correct the name, write the IP address instead, or repair the name service (/etc/resolv.conf).';
const routeCure = 'Check cable, address and network settings of this computer (ip route).';

const machineCures = {
  'unknown-name': nameCure,
  silent: 'Check that the machine is on and its cable in, its address, and firewalls between.',
  refused: 'Check the port, that the server in the machine is on, and that no other client holds its only connection.',
  'no-route': routeCure,
  failed: routeCure,
} as const satisfies Record<Why, string>;

const uplinkCures = {
  'unknown-name': nameCure,
  silent: 'Check the way to the bridge, its address, and firewalls between.',
  refused: 'Start the bridge (selvedge bridge run), or correct the port in uplink.broker.',
  'no-route': routeCure,
  failed: routeCure,
} as const satisfies Record<Why, string>;

const certificates = (count: number) => (count === 1 ? 'certificate' : 'certificates');
const connected = (target: Target, ms: number) => `${targetText(target)} takes connections (${Math.round(ms)} ms)`;

function failure(target: Extract<Target, { kind: 'tcp' }>, { why, code }: Extract<Reach, { ok: false }>): string {
  const where = targetText(target);
  switch (why) {
    case 'unknown-name':
      return `${where}: the name has no address (${code})`;
    case 'silent':
      return `${where} does not answer in time (${code})`;
    case 'refused':
      return `${where} refuses connections (${code})`;
    case 'no-route':
      return `no way leads to ${where} (${code})`;
    case 'failed':
      return `${where} cannot be reached (${code})`;
  }
}
