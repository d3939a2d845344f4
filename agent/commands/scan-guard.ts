/** Which endpoints of a scan a running agent reads. Pure. */
import type { ScanPlan } from '../../drivers/scan/targets.ts';
import type { MachineConfig } from '../config/config.ts';

/**
 * The machines of a configuration that a scan would come between, as `id at endpoint`.
 * @param realPath follows the links of a device, such as /dev/serial/by-id/…
 */
export function watchedOf(
  plan: ScanPlan,
  machines: readonly Pick<MachineConfig, 'id' | 'endpoint' | 'address'>[],
  realPath: (path: string) => string,
): string[] {
  const places = new Set(
    plan.protocol === 'opcua'
      ? plan.targets.map(({ host, port }) => socketPlace(host, port))
      : plan.targets.map(({ endpoint }) =>
          endpoint.kind === 'rtu-tty' ? realPath(endpoint.path) : socketPlace(endpoint.host, endpoint.port),
        ),
  );
  return machines
    .filter(({ address }) => {
      if (address.transport === 'opcua') return places.has(opcuaPlace(address.url));
      return places.has('path' in address ? realPath(address.path) : socketPlace(address.host, address.port));
    })
    .map(({ id, endpoint }) => `${id} at ${endpoint}`);
}

const socketPlace = (host: string, port: number) => `${host.toLowerCase()} ${port}`;

function opcuaPlace(url: string): string {
  const { hostname, port } = new URL(url);
  return socketPlace(hostname.replace(/^\[|\]$/g, ''), port === '' ? 4840 : Number(port));
}
