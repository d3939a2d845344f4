/** Endpoint addresses of event streams. Pure. */
import { fileURLToPath } from 'node:url';
import { DriverError } from '../errors.ts';
import { parseLineEndpoint, type LineEndpoint } from '../serial/endpoint.ts';

export type StollEndpoint = LineEndpoint | { readonly kind: 'file'; readonly path: string };

/** `tcp://host:port`, `serial:///dev/…` or `file:///path`. Throws DRV-340 when it is none of them. */
export function parseStollEndpoint(endpoint: string): StollEndpoint {
  try {
    if (!/^file:/i.test(endpoint)) return parseLineEndpoint(endpoint);
    const url = new URL(endpoint);
    if (url.host !== '' || url.pathname === '/' || url.search !== '') throw new TypeError('an absolute path is needed');
    return { kind: 'file', path: fileURLToPath(url) };
  } catch (error) {
    throw new DriverError('stollEndpointInvalid', endpoint, { cause: error });
  }
}
