/** What the page asks the bridge. The key goes in a header, never in an address, and is kept by this tab alone. */
import type { Gateway } from './fleet-words.ts';
import { refusalWords } from './fleet-words.ts';

const kept = 'selvedge-api-key';
export const readKey = (): string | null => sessionStorage.getItem(kept);
export const keepKey = (key: string): void => sessionStorage.setItem(kept, key);
export const forgetKey = (): void => sessionStorage.removeItem(kept);

/** More than this many gateways are not all fetched; the page says so. */
export const mostGateways = 5_000;
const pageSize = 200;
const patienceMs = 15_000;

export interface Fleet {
  readonly gateways: readonly Gateway[];
  /** false: there are more than `mostGateways`. */
  readonly complete: boolean;
  readonly nowMs: number;
  readonly brokerConnected: boolean;
  readonly storeWritable: boolean;
}
export type Answer =
  | { readonly kind: 'fleet'; readonly fleet: Fleet }
  /** The key does not open it: another is needed. */
  | { readonly kind: 'refused'; readonly text: string }
  /** No answer, or none that can be used; the key may be right. */
  | { readonly kind: 'away'; readonly text: string };

interface Page {
  readonly items: readonly Gateway[];
  readonly next: string | null;
  readonly nowMs: number;
  readonly brokerConnected: boolean;
  readonly storeWritable: boolean;
}

/** All gateways, page after page. */
export async function fetchFleet(key: string): Promise<Answer> {
  const gateways: Gateway[] = [];
  let cursor: string | null = null;
  try {
    for (;;) {
      const query: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const response = await fetch(`/api/fleet?limit=${pageSize}${query}`, {
        headers: { authorization: `Bearer ${key}` },
        signal: AbortSignal.timeout(patienceMs),
        cache: 'no-store',
        credentials: 'omit',
      });
      if (!response.ok) return await refusalOf(response);
      const page = (await response.json()) as Page;
      gateways.push(...page.items);
      cursor = page.next;
      if (cursor !== null && gateways.length < mostGateways) continue;
      const { nowMs, brokerConnected, storeWritable } = page;
      return { kind: 'fleet', fleet: { gateways, complete: cursor === null, nowMs, brokerConnected, storeWritable } };
    }
  } catch {
    return { kind: 'away', text: 'The bridge does not answer.' };
  }
}

async function refusalOf(response: Response): Promise<Answer> {
  const body = (await response.json().catch(() => null)) as { readonly error?: { readonly code?: string } } | null;
  const retryAfter = Number(response.headers.get('retry-after'));
  const text = refusalWords(response.status, body?.error?.code ?? '', retryAfter > 0 ? retryAfter : null);
  // Where the address is made to wait, nobody has looked at the key.
  const asksForKey = response.status === 401 || response.status === 403;
  return { kind: asksForKey ? 'refused' : 'away', text };
}
