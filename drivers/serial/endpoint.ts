/** Endpoint addresses of line machines. Pure. */
import { z } from 'zod';
import { DriverError } from '../errors.ts';

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
  | { readonly kind: 'serial'; readonly path: string; readonly settings: SerialSettings };

/**
 * `tcp://host:port`, or `serial:///dev/…?baudRate=9600&parity=none`. What the address says wins over `options`.
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
    const pathname = decodeURIComponent(url.pathname);
    const path = /^\/COM\d+$/i.test(pathname) ? pathname.slice(1) : pathname;
    if (url.hostname !== '' || path.length < 2) throw invalid(endpoint, 'three slashes and the path of the port');
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
