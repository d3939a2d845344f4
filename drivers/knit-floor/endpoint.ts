/** Endpoint addresses of the knit floor. Pure. */
import { isIP } from 'node:net';
import { DriverError } from '../errors.ts';
import { parseLineEndpoint, type LineEndpoint } from '../serial/endpoint.ts';

export interface ListenEndpoint {
  readonly kind: 'listen';
  /** An address of this computer. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
}
export type FloorEndpoint = ListenEndpoint | LineEndpoint;

/**
 * `knit-floor+tcp-listen://ADDRESS:PORT`, where the machines call the agent; `tcp://host:port` or `serial:///dev/…`, where the
 * agent calls a device server or has the line. Throws DRV-330 when it is neither.
 */
export function parseFloorEndpoint(endpoint: string): FloorEndpoint {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : null;
  if (url?.protocol !== 'knit-floor+tcp-listen:') {
    try {
      return parseLineEndpoint(endpoint);
    } catch (error) {
      throw new DriverError('knitFloorEndpointInvalid', endpoint, { cause: error });
    }
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const problem = bindProblem(host);
  if (problem !== null || url.port === '') {
    throw new DriverError('knitFloorEndpointInvalid', `${endpoint}: ${problem ?? 'a port is needed'}`);
  }
  return { kind: 'listen', host, port: Number(url.port) };
}

/** Why one cannot listen at this address; null where one can. All addresses at once are never meant without a word. */
export function bindProblem(host: string): string | null {
  if (isIP(host) === 0) return 'the address must be an IP address of this computer';
  if (/^(?:0\.0\.0\.0|[0:]+)$/.test(host)) return 'every address of this computer is more than the machines need';
  return null;
}
