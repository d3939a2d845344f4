/**
 * Who may do what on the embedded broker. The same rules for mosquitto are in `cloud-bridge/mosquitto/acl`.
 *
 * Invariants (tested as a matrix):
 *  A1  A gateway publishes only `up`, `res`, `status` and `blob` below its own site and id.
 *  A2  A gateway subscribes only to its own `ack` and `cmd`, without wildcards.
 *  A3  No client publishes `ack` or `cmd`: those come from the bridge, which is no client of the embedded broker.
 */
import { topicOf, type Channel } from '../contract.ts';

interface Owner {
  readonly site: string;
  readonly id: string;
}

const fromGateway: readonly Channel[] = ['up', 'res', 'status', 'blob'];
const toGateway: readonly Channel[] = ['ack', 'cmd'];

export function mayPublish(gateway: Owner, topic: string): boolean {
  return fromGateway.some((channel) => topic === topicOf(gateway.site, gateway.id, channel));
}

export function maySubscribe(gateway: Owner, filter: string): boolean {
  return toGateway.some((channel) => filter === topicOf(gateway.site, gateway.id, channel));
}

/** True for addresses that no other machine can reach. */
export function isLoopback(address: string): boolean {
  return address === 'localhost' || address === '::1' || /^127(\.\d{1,3}){3}$/.test(address);
}
