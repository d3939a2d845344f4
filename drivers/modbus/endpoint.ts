/** Endpoint addresses of Modbus machines. Pure. */
import { z } from 'zod';
import { DriverError } from '../errors.ts';
import { portOfUrl } from '../serial/find-port.ts';

/** Defaults of MODBUS over Serial Line V1.02, §2.5.1 and §3.2: 19200 bit/s, even parity, 1 stop bit; RTU has 8 data bits. */
const serialSettings = z.strictObject({
  baudRate: z.coerce.number().int().min(300).max(4_000_000).default(19_200),
  parity: z.enum(['none', 'even', 'odd']).default('even'),
  stopBits: z.coerce
    .number()
    .pipe(z.union([z.literal(1), z.literal(2)]))
    .default(1),
});
/** ASCII has 7 data bits by §2.5.2; many devices are set to 8. */
const asciiSettings = serialSettings.extend({
  dataBits: z.coerce
    .number()
    .pipe(z.union([z.literal(7), z.literal(8)]))
    .default(7),
});
export type TtySettings = z.infer<typeof serialSettings> & { readonly dataBits?: 7 | 8 };

export type ModbusEndpoint =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'rtu-tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'rtu-tty' | 'ascii-tty'; readonly path: string; readonly settings: TtySettings };

/**
 * `modbus://host[:502]`, `modbus+rtu://host:port` (RTU behind a serial device server), or
 * `modbus+rtu:///dev/…?baudRate=19200&parity=even` (or `modbus+rtu://usb/1a86:7523[/SERIAL]`, an adapter by its ids), or the same with
 * `modbus+ascii:`.
 * @throws DriverError DRV-110 when it is none of these
 */
export function parseModbusEndpoint(endpoint: string): ModbusEndpoint {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : null;
  // URL keeps the brackets of an IPv6 address; sockets want none.
  const port = url === null ? null : portOfUrl(url);
  // An adapter by its USB ids looks like a host.
  const host = port?.startsWith('usb/') === true ? '' : (url?.hostname.replace(/^\[|\]$/g, '') ?? '');
  if (url?.protocol === 'modbus:') {
    if (host === '') throw invalid(endpoint, 'a host is needed');
    return { kind: 'tcp', host, port: url.port === '' ? 502 : portOf(endpoint, url.port) };
  }
  if (url?.protocol === 'modbus+rtu:' && host !== '') {
    if (url.port === '') throw invalid(endpoint, 'the port of the serial device server is needed');
    return { kind: 'rtu-tcp', host, port: portOf(endpoint, url.port) };
  }
  if (url?.protocol === 'modbus+ascii:' && host !== '') throw invalid(endpoint, 'ASCII is read on a serial port alone');
  if (url?.protocol === 'modbus+rtu:' || url?.protocol === 'modbus+ascii:') {
    const framing = url.protocol === 'modbus+rtu:' ? 'rtu' : 'ascii';
    const schema = framing === 'rtu' ? serialSettings : asciiSettings;
    if (port === null)
      throw invalid(endpoint, 'a host with port, three slashes and the path of a serial port, or usb/VID:PID');
    const parsed = schema.safeParse(Object.fromEntries(url.searchParams));
    if (!parsed.success) throw invalid(endpoint, z.prettifyError(parsed.error).replaceAll('\n', ' '));
    return { kind: `${framing}-tty`, path: port, settings: parsed.data };
  }
  throw invalid(endpoint, 'expected modbus://, modbus+rtu:// or modbus+ascii://');
}

function portOf(endpoint: string, text: string): number {
  const port = Number(text);
  if (port === 0) throw invalid(endpoint, 'port 0 is none');
  return port;
}

function invalid(endpoint: string, why: string): DriverError {
  return new DriverError('modbusEndpointInvalid', `${endpoint}: ${why}`);
}
