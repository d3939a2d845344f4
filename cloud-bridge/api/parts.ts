/** What the API is made of. */
import type { FindKey } from '../api-keys.ts';
import type { BrokerLink } from '../broker/link.ts';
import type { BridgeMetrics } from '../metrics.ts';
import type { CommandDesk } from '../remote/desk.ts';
import type { BridgeStore } from '../store/bridge-store.ts';

export interface ApiParts {
  readonly store: Pick<BridgeStore, 'rows' | 'quarantine' | 'readFile'>;
  readonly metrics: BridgeMetrics;
  readonly link: Pick<BrokerLink, 'state'>;
  /** Absent or null: this bridge sends no commands. */
  readonly commands?: CommandDesk | null;
  /** Whether a gateway may connect: neither revoked nor removed. Absent: all may. */
  readonly mayConnect?: (gateway: string) => boolean;
  readonly nowMs: () => number;
  readonly monotonicMs: () => number;
  readonly findKey: FindKey;
  readonly bind: string;
  /** 0: any free port. */
  readonly port: number;
  readonly tls: { readonly cert: string; readonly key: string } | null;
}
