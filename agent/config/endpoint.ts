/** Endpoint addresses of machines, as they stand in the configuration and in the endpoints file. */
import { bindProblem } from '../../drivers/knit-floor/endpoint.ts';
import type { Profile } from '../../drivers/profiles/schema.ts';
import { portOfUrl } from '../../drivers/serial/find-port.ts';

/** Character format of a serial line. Modbus RTU is 8E1 by its specification (V1.02 §2.5.1), sensor lines mostly 8N1. */
export interface SerialLine {
  readonly baudRate: number;
  readonly dataBits: 7 | 8;
  readonly parity: 'none' | 'even' | 'odd';
  readonly stopBits: 1 | 2;
}

export type Endpoint =
  | { readonly transport: 'modbus-tcp'; readonly host: string; readonly port: number }
  | { readonly transport: 'modbus-rtu-tcp'; readonly host: string; readonly port: number }
  | {
      readonly transport: 'modbus-rtu-serial';
      /** A path, or `usb/VID:PID[/SERIAL]` (drivers/serial/find-port.ts). */ readonly path: string;
      readonly line: SerialLine;
    }
  | { readonly transport: 'modbus-ascii-serial'; readonly path: string; readonly line: SerialLine }
  | { readonly transport: 'line-tcp'; readonly host: string; readonly port: number }
  | { readonly transport: 'line-serial'; readonly path: string; readonly line: SerialLine }
  | { readonly transport: 'knit-floor-listen'; readonly host: string; readonly port: number }
  | { readonly transport: 'stoll-file'; readonly path: string }
  | { readonly transport: 'opcua'; readonly url: string };
export type Transport = Endpoint['transport'];

/** Which protocols of a profile a transport can carry; the first is meant where no profile tells. */
const protocolsOf = {
  'modbus-tcp': ['modbus'],
  'modbus-rtu-tcp': ['modbus'],
  'modbus-rtu-serial': ['modbus'],
  'modbus-ascii-serial': ['modbus'],
  'line-tcp': ['line', 'efka', 'knit-floor', 'stoll-events'],
  'line-serial': ['line', 'efka', 'knit-floor', 'stoll-events'],
  'knit-floor-listen': ['knit-floor'],
  'stoll-file': ['stoll-events'],
  opcua: ['opcua'],
} as const satisfies Record<Transport, readonly [Profile['protocol'], ...Profile['protocol'][]]>;

export interface EndpointProblem {
  readonly problem: string;
  readonly right: string;
}

const serialDefaults = {
  'modbus-rtu-serial': { baudRate: 19200, dataBits: 8, parity: 'even', stopBits: 1 },
  // Serial Line V1.02 §2.5.2.
  'modbus-ascii-serial': { baudRate: 19200, dataBits: 7, parity: 'even', stopBits: 1 },
  'line-serial': { baudRate: 9600, dataBits: 8, parity: 'none', stopBits: 1 },
} as const satisfies Record<string, SerialLine>;

const forms = {
  'modbus:': 'modbus://host:502',
  'modbus+rtu:':
    'modbus+rtu://host:4001, modbus+rtu:///dev/ttyUSB0?baudRate=19200 or modbus+rtu://usb/1a86:7523?baudRate=19200',
  'modbus+ascii:': 'modbus+ascii:///dev/ttyUSB0?baudRate=19200',
  'tcp:': 'tcp://host:port',
  'serial:': 'serial:///dev/ttyUSB0?baudRate=9600 or serial://usb/1a86:7523?baudRate=9600',
  'opc.tcp:': 'opc.tcp://host:4840',
  'knit-floor+tcp-listen:': 'knit-floor+tcp-listen://192.168.10.2:2004',
  'file:': 'file:///var/lib/knit/events.jsonl',
} as const;
const isScheme = (s: string): s is keyof typeof forms => Object.hasOwn(forms, s);

/** Reads an endpoint, or says what is wrong with it. The text of a problem never repeats a credential. */
export function parseEndpoint(text: string): Endpoint | EndpointProblem {
  const scheme = /^[a-z][a-z0-9+.-]*:/i.exec(text)?.[0].toLowerCase();
  if (scheme === undefined || !text.slice(scheme.length).startsWith('//') || !URL.canParse(text)) {
    return { problem: 'is not an endpoint address', right: `an address such as ${Object.values(forms).join(', ')}` };
  }
  if (!isScheme(scheme)) {
    return { problem: `has the scheme ${scheme}//, which no driver speaks`, right: Object.values(forms).join(', ') };
  }
  const url = new URL(text);
  const right = forms[scheme];
  if (url.username !== '' || url.password !== '') {
    return { problem: 'has credentials in it', right: `${right}; a user and a password reference go into opcua:` };
  }
  switch (scheme) {
    case 'modbus:':
      return network('modbus-tcp', url, 502, right);
    case 'modbus+rtu:':
      return url.hostname === '' || portOfUrl(url) !== null
        ? serial('modbus-rtu-serial', url, right)
        : network('modbus-rtu-tcp', url, null, right);
    case 'modbus+ascii:':
      return serial('modbus-ascii-serial', url, right);
    case 'tcp:':
      return network('line-tcp', url, null, right);
    case 'serial:':
      return serial('line-serial', url, right);
    case 'knit-floor+tcp-listen:': {
      const endpoint = network('knit-floor-listen', url, null, right);
      const problem = 'problem' in endpoint ? null : bindProblem(url.hostname.replace(/^\[|\]$/g, ''));
      return problem === null ? endpoint : { problem: `cannot be listened on: ${problem}`, right };
    }
    case 'file:': {
      const path = decodedPath(url.pathname);
      if (url.host !== '' || path === null || path.length < 2 || url.search !== '') {
        return { problem: 'names no file', right: `${right} (three slashes: the file has no host)` };
      }
      return { transport: 'stoll-file', path };
    }
    case 'opc.tcp:':
      if (url.hostname === '') return { problem: 'has no host', right };
      return { transport: 'opcua', url: text };
  }
}

/** The endpoint as one URL in one spelling, with all settings its driver takes of a serial line. */
export function endpointText(endpoint: Endpoint): string {
  switch (endpoint.transport) {
    case 'modbus-tcp':
      return `modbus://${hostText(endpoint.host)}:${endpoint.port}`;
    case 'modbus-rtu-tcp':
      return `modbus+rtu://${hostText(endpoint.host)}:${endpoint.port}`;
    case 'modbus-rtu-serial':
      // An RTU character has 8 data bits by specification, so its driver has no such setting.
      return `modbus+rtu://${serialText(endpoint.path, endpoint.line, false)}`;
    case 'modbus-ascii-serial':
      return `modbus+ascii://${serialText(endpoint.path, endpoint.line, true)}`;
    case 'line-tcp':
      return `tcp://${hostText(endpoint.host)}:${endpoint.port}`;
    case 'line-serial':
      return `serial://${serialText(endpoint.path, endpoint.line, true)}`;
    case 'knit-floor-listen':
      return `knit-floor+tcp-listen://${hostText(endpoint.host)}:${endpoint.port}`;
    case 'stoll-file':
      return `file://${encodeURI(endpoint.path)}`;
    case 'opcua':
      return endpoint.url;
  }
}

const hostText = (host: string) => (host.includes(':') ? `[${host}]` : host);

function serialText(path: string, line: SerialLine, withDataBits: boolean): string {
  const { baudRate, dataBits, parity, stopBits } = line;
  const bits = withDataBits ? `&dataBits=${dataBits}` : '';
  return `${encodeURI(path)}?baudRate=${baudRate}${bits}&parity=${parity}&stopBits=${stopBits}`;
}

function network(
  transport: 'modbus-tcp' | 'modbus-rtu-tcp' | 'line-tcp' | 'knit-floor-listen',
  url: URL,
  defaultPort: number | null,
  right: string,
): Endpoint | EndpointProblem {
  if (url.hostname === '') return { problem: 'has no host', right };
  if (url.search !== '' || (url.pathname !== '' && url.pathname !== '/')) {
    return { problem: 'has a path or a query, which a network endpoint does not take', right };
  }
  const port = url.port === '' ? defaultPort : Number(url.port);
  if (port === null) return { problem: 'has no port', right };
  if (port === 0) return { problem: 'has port 0', right };
  return { transport, host: url.hostname.replace(/^\[|\]$/g, ''), port };
}

function serial(
  transport: 'modbus-rtu-serial' | 'modbus-ascii-serial' | 'line-serial',
  url: URL,
  right: string,
): Endpoint | EndpointProblem {
  const path = portOfUrl(url);
  if (path === null) {
    return { problem: 'names no device', right: `${right} (three slashes: the device has no host)` };
  }
  let line: SerialLine = serialDefaults[transport];
  for (const [key, value] of url.searchParams) {
    const next = withSetting(line, key, value);
    if (next === null) {
      return {
        problem: `has a wrong line setting ${JSON.stringify(`${key}=${value}`)}`,
        right: 'baudRate=300…3000000, dataBits=7|8, parity=none|even|odd, stopBits=1|2',
      };
    }
    line = next;
  }
  if (transport === 'modbus-rtu-serial' && line.dataBits !== 8) {
    return {
      problem: `has ${line.dataBits} data bits, which Modbus RTU cannot be sent with`,
      right: 'no dataBits, or dataBits=8',
    };
  }
  return { transport, path, line };
}

function withSetting(line: SerialLine, key: string, value: string): SerialLine | null {
  switch (key) {
    case 'baudRate': {
      const baudRate = /^\d{3,7}$/.test(value) ? Number(value) : 0;
      return baudRate >= 300 && baudRate <= 3_000_000 ? { ...line, baudRate } : null;
    }
    case 'dataBits':
      return value === '7' || value === '8' ? { ...line, dataBits: value === '7' ? 7 : 8 } : null;
    case 'parity':
      return value === 'none' || value === 'even' || value === 'odd' ? { ...line, parity: value } : null;
    case 'stopBits':
      return value === '1' || value === '2' ? { ...line, stopBits: value === '1' ? 1 : 2 } : null;
    default:
      return null;
  }
}

function decodedPath(pathname: string): string | null {
  try {
    return decodeURIComponent(pathname);
  } catch {
    return null;
  }
}

/** What is spoken at an endpoint: what the profile speaks, where it can be spoken there. */
export function protocolAt(endpoint: Endpoint, profile: Profile | null): Profile['protocol'] {
  const [first, ...others]: readonly [Profile['protocol'], ...Profile['protocol'][]] = protocolsOf[endpoint.transport];
  return others.find((protocol) => protocol === profile?.protocol) ?? first;
}

/** The unit, or address, of a machine whose configuration names none; null where the protocol has none. */
export function defaultUnit(protocol: Profile['protocol']): number | null {
  switch (protocol) {
    case 'modbus':
      return 1;
    case 'efka':
      // $F0, as drives are made (drivers/efka/driver.ts).
      return 0xf0;
    case 'line':
    case 'opcua':
    case 'knit-floor':
    case 'stoll-events':
      return null;
  }
}
