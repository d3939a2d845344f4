/** Endpoint addresses of line machines. Pure. */
import { z } from 'zod';
import { DriverError } from '../errors.ts';
import { portOfUrl } from './find-port.ts';

/** How a serial port is set; the default of nearly every sensor board is 9600 8N1. */
export const serialSettingsSchema = z.strictObject({
  baudRate: z.coerce.number().int().min(50).max(4_000_000).default(9600),
  dataBits: z.coerce
    .number()
    .pipe(z.union([z.literal(7), z.literal(8)]))
    .default(8),
  parity: z.enum(['none', 'even', 'odd', 'mark', 'space']).default('none'),
  stopBits: z.coerce
    .number()
    .pipe(z.union([z.literal(1), z.literal(1.5), z.literal(2)]))
    .default(1),
});
export type SerialSettings = z.infer<typeof serialSettingsSchema>;
/** As a configuration file gives them: any of them, the rest by default. */
export type SerialOptions = { readonly [K in keyof SerialSettings]?: SerialSettings[K] | undefined };

export type LineEndpoint =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | {
      readonly kind: 'serial';
      /** As `find-port.ts` has it. */ readonly path: string;
      readonly settings: SerialSettings;
    };

/**
 * `tcp://host:port`, `serial:///dev/…?baudRate=9600&parity=none`, or `serial://usb/1a86:7523[/SERIAL]`, an adapter by its ids.
 * What the address says wins over `options`.
 * Throws DRV-300 when it is neither.
 */
export function parseLineEndpoint(endpoint: string, options: SerialOptions = {}): LineEndpoint {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : null;
  if (url?.protocol === 'tcp:') {
    const port = Number(url.port);
    if (url.hostname === '' || url.port === '' || port === 0) throw invalid(endpoint, 'host and port are needed');
    // URL keeps the brackets of an IPv6 address; sockets want none.
    return { kind: 'tcp', host: url.hostname.replace(/^\[|\]$/g, ''), port };
  }
  if (url?.protocol === 'serial:') {
    const path = portOfUrl(url);
    if (path === null) throw invalid(endpoint, 'three slashes and the path of the port, or usb/VID:PID');
    const given = Object.entries(options).filter(([, value]) => value !== undefined);
    const parsed = serialSettingsSchema.safeParse({
      ...Object.fromEntries(given),
      ...Object.fromEntries(url.searchParams),
    });
    if (!parsed.success) throw invalid(endpoint, z.prettifyError(parsed.error).replaceAll('\n', ' '));
    return { kind: 'serial', path, settings: parsed.data };
  }
  throw invalid(endpoint, 'expected tcp:// or serial://');
}

function invalid(endpoint: string, why: string): DriverError {
  return new DriverError('lineEndpointInvalid', `${endpoint}: ${why}`);
}
