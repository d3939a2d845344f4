/**
 * What a scan is asked to try, written by a person. Pure.
 *
 * Invariants:
 *  - There is no default range: what is not named is not asked.
 *  - At most 1024 targets (addresses times units) leave this file.
 *  - The network and the broadcast address of a block of more than two are left out: they are nobody's.
 */
import { DriverError } from '../errors.ts';
import { parseModbusEndpoint, type ModbusEndpoint } from '../modbus/endpoint.ts';

/** One connection or line, with the units to try on it. */
export interface ModbusTarget {
  readonly endpoint: ModbusEndpoint;
  /** As it stands in a configuration. */
  readonly text: string;
  readonly units: readonly number[];
}
export interface OpcuaTarget {
  readonly host: string;
  readonly port: number;
  /** `opc.tcp://host:port/path`. */
  readonly text: string;
}
export type ScanPlan =
  | { readonly protocol: 'modbus'; readonly targets: readonly ModbusTarget[] }
  | { readonly protocol: 'opcua'; readonly targets: readonly OpcuaTarget[] };

export const maxTargets = 1024;

/**
 * `modbus://HOSTS[:502]`, `modbus+rtu://HOSTS:PORT`, `modbus+rtu:///dev/…?baudRate=9600` with units, or
 * `opc.tcp://HOSTS[:4840][/path]` without. HOSTS is a name, an address, `192.0.2.0/28`, `192.0.2.10..12` or
 * `192.0.2.10..192.0.3.4`.
 * @throws DriverError DRV-401, or DRV-110 for the settings of a serial port
 */
export function planScan(range: string, units: string | null): ScanPlan {
  const scheme = /^(modbus(?:\+[a-z]+)?|opc\.tcp):\/\//.exec(range)?.[1];
  if (scheme === undefined) throw invalid(range, 'it begins with none of modbus://, modbus+rtu://, opc.tcp://');
  const rest = range.slice(scheme.length + 3);
  if (scheme === 'opc.tcp') {
    if (units !== null) throw invalid(range, 'OPC UA has no units');
    const { hosts, port, path } = splitRange(range, rest, 4840);
    const targets = hosts.map((host) => ({ host, port, text: `opc.tcp://${hostText(host)}:${port}${path}` }));
    return { protocol: 'opcua', targets: limited(range, targets, targets.length) };
  }
  if (units === null) throw invalid(range, '--units is needed, such as --units 1..3');
  if (scheme !== 'modbus' && rest.startsWith('/')) {
    const endpoint = parseModbusEndpoint(range);
    const list = parseUnits(units, 1, 247);
    return { protocol: 'modbus', targets: limited(range, [{ endpoint, text: range, units: list }], list.length) };
  }
  if (scheme !== 'modbus' && scheme !== 'modbus+rtu') throw invalid(range, `${scheme}:// is for serial ports`);
  const { hosts, port, path } = splitRange(range, rest, scheme === 'modbus' ? 502 : null);
  if (path !== '' && path !== '/') throw invalid(range, 'a Modbus address has no path');
  const kind = scheme === 'modbus' ? 'tcp' : 'rtu-tcp';
  const list = kind === 'tcp' ? parseUnits(units, 0, 255) : parseUnits(units, 1, 247);
  const targets = hosts.map((host) => ({
    endpoint: { kind, host, port } as const,
    text: `${scheme}://${hostText(host)}:${port}`,
    units: list,
  }));
  return { protocol: 'modbus', targets: limited(range, targets, targets.length * list.length) };
}

/**
 * `1..3`, `7` or `1..3,9`, each unit once, in the order written.
 * @throws DriverError DRV-401
 */
export function parseUnits(text: string, lowest: number, highest: number): number[] {
  const units = new Set<number>();
  for (const part of text.split(',')) {
    const match = /^\s*(\d{1,3})(?:\.\.(\d{1,3}))?\s*$/.exec(part);
    const from = Number(match?.[1] ?? Number.NaN);
    const to = Number(match?.[2] ?? from);
    if (!(from >= lowest && to <= highest && from <= to)) {
      throw invalid(`--units ${text}`, `units are ${lowest} to ${highest} here, as 1..3 or 1..3,9`);
    }
    for (let unit = from; unit <= to; unit += 1) units.add(unit);
  }
  return [...units];
}

function splitRange(range: string, rest: string, defaultPort: number | null) {
  // A block's length (/28) stands before the port, a path behind it.
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:/[\]?#@]+(?:\/\d{1,2}(?=[:/]|$))?)(?::(\d{1,5}))?(\/[^?#\s]*)?$/.exec(rest);
  if (match === null) throw invalid(range, 'hosts with a port are needed, such as 192.0.2.0/28:502');
  const [, hosts = '', portText, path = ''] = match;
  const port = portText === undefined ? defaultPort : Number(portText);
  if (port === null) throw invalid(range, 'the port is needed');
  if (port < 1 || port > 65_535) throw invalid(range, 'a port is 1 to 65535');
  return { hosts: hostsOf(range, hosts), port, path };
}

function hostsOf(range: string, text: string): string[] {
  if (text.startsWith('[')) return [text.slice(1, -1)];
  const block = /^([\d.]+)\/(\d+)$/.exec(text);
  if (block !== null) {
    const address = numberOf(block[1] ?? '');
    const length = Number(block[2]);
    if (address === null || length > 32) throw invalid(range, 'a block is written as 192.0.2.0/28');
    const size = 2 ** (32 - length);
    const first = Math.floor(address / size) * size;
    const edge = size > 2 ? 1 : 0;
    return between(range, first + edge, first + size - 1 - edge);
  }
  const span = /^([\d.]+?)\.\.([\d.]+)$/.exec(text);
  if (span !== null) {
    const [, first = '', last = ''] = span;
    const from = numberOf(first);
    const to = numberOf(last.includes('.') ? last : `${first.slice(0, first.lastIndexOf('.') + 1)}${last}`);
    if (from === null || to === null || to < from) throw invalid(range, 'a span is written as 192.0.2.10..12');
    return between(range, from, to);
  }
  // Digits and dots alone are meant as an address; anything else may be a name.
  if (/^[\d.]+$/.test(text) ? numberOf(text) === null : !/^[a-zA-Z0-9_](?:[a-zA-Z0-9._-]*[a-zA-Z0-9_])?$/.test(text)) {
    throw invalid(range, `${text} is no host`);
  }
  if (text.includes('..')) throw invalid(range, `${text} is no host`);
  return [text];
}

function between(range: string, from: number, to: number): string[] {
  if (to - from >= maxTargets) throw tooMany(range, to - from + 1);
  return Array.from({ length: to - from + 1 }, (_, i) => addressText(from + i));
}

function numberOf(text: string): number | null {
  const bytes = text.split('.');
  if (bytes.length !== 4 || bytes.some((byte) => !/^\d{1,3}$/.test(byte) || Number(byte) > 255)) return null;
  return bytes.reduce((sum, byte) => sum * 256 + Number(byte), 0);
}

const addressText = (address: number) => [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join('.');
const hostText = (host: string) => (host.includes(':') ? `[${host}]` : host);

function limited<Target>(range: string, targets: readonly Target[], count: number): readonly Target[] {
  if (count > maxTargets) throw tooMany(range, count);
  return targets;
}

function tooMany(range: string, count: number): DriverError {
  return invalid(range, `${count} targets are more than ${maxTargets}`);
}

function invalid(range: string, why: string): DriverError {
  return new DriverError('scanRangeInvalid', `${range}: ${why}`);
}
