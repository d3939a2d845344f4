/** Of several ears at a time, which one hears a rig. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { childrenOf } from '../support/children.ts';

/** The ear of this process at the other end of a connection, by the ports it has there; 0 where none is. */
export function earAt(ports: readonly (number | undefined)[]): number {
  const inodes = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local = '']) => ports.includes(Number.parseInt(local.split(':')[1] ?? '', 16)))
    .map((columns) => `socket:[${columns[9]}]`);
  const holds = (child: number) =>
    readdirSync(`/proc/${child}/fd`).some((fd) => inodes.includes(linkOf(`/proc/${child}/fd/${fd}`)));
  return childrenOf('ear/child.ts').find(holds) ?? 0;
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    // Closed meanwhile.
    return '';
  }
}
