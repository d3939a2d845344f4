/** Which endpoints of a scan a running agent reads. Pure. */
import type { ScanPlan } from '../../drivers/scan/targets.ts';
import type { MachineConfig } from '../config/config.ts';

/** One thing may be written in several ways. */
export interface Spellings {
  /** Follows the links of a device, such as /dev/serial/by-id/… */
  readonly realPath: (path: string) => string;
  /** The numeric addresses of a host. */
  readonly addressesOf: (host: string) => readonly string[];
}

/** The machines of a configuration that a scan would come between, as `id at endpoint`. */
export function watchedOf(
  plan: ScanPlan,
  machines: readonly Pick<MachineConfig, 'id' | 'endpoint' | 'address'>[],
  { realPath, addressesOf }: Spellings,
): string[] {
  const sockets = (host: string, port: number) =>
    addressesOf(host).map((address) => `${address.toLowerCase()} ${port}`);
  const scanned = new Set(
    plan.protocol === 'opcua'
      ? plan.targets.flatMap(({ host, port }) => sockets(host, port))
      : plan.targets.flatMap(({ endpoint }) =>
          'path' in endpoint ? [realPath(endpoint.path)] : sockets(endpoint.host, endpoint.port),
        ),
  );
  return machines
    .filter(({ address }) => {
      const places = 'path' in address ? [realPath(address.path)] : sockets(hostOf(address) ?? '', portOf(address));
      return places.some((place) => scanned.has(place));
    })
    .map(({ id, endpoint }) => `${id} at ${endpoint}`);
}

export function targetHosts(plan: ScanPlan): string[] {
  if (plan.protocol === 'opcua') return plan.targets.map(({ host }) => host);
  return plan.targets.flatMap(({ endpoint }) => ('host' in endpoint ? [endpoint.host] : []));
}

/** null for a serial port. */
export function hostOf(address: MachineConfig['address']): string | null {
  if ('host' in address) return address.host;
  return 'url' in address ? new URL(address.url).hostname.replace(/^\[|\]$/g, '') : null;
}

function portOf(address: Exclude<MachineConfig['address'], { path: string }>): number {
  if ('port' in address) return address.port;
  const { port } = new URL(address.url);
  return port === '' ? 4840 : Number(port);
}
