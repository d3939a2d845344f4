/** What the suites of the bridge's store ask of one, and all it holds, in one form for every kind. */
import type { TestContext } from 'node:test';
import { dataDir } from '../../cloud-bridge/files.ts';
import type { BridgeStore, CheckedBatch, Scalar } from '../../cloud-bridge/store/bridge-store.ts';
import { SqliteStore } from '../../cloud-bridge/store/store.ts';
import { checked } from '../unit/bridge/histories.ts';
import { atMs, bootA, summary, temporaryDir } from '../unit/bridge/making.ts';

export interface StoreKind {
  readonly name: string;
  /** An empty store; closed with the test where the test has not. */
  readonly open: (t: TestContext) => Promise<BridgeStore>;
  /** As `open`, by as many workers at once as are asked for; null: one at a time. */
  readonly openMany: ((t: TestContext, workers: number) => Promise<readonly BridgeStore[]>) | null;
  /** Runs of each property. */
  readonly runs: number;
}

/** Opens SQLite, the store that the others are held against. */
export function openSqlite(t: TestContext): SqliteStore {
  const store = SqliteStore.open(dataDir(temporaryDir(t)), 1);
  t.after(() => store.close());
  return store;
}

const keys = {
  gateway: 'gateway',
  boot: 'gateway, boot',
  batch: 'gateway, boot, seq',
  ledger: 'gateway, boot, from_n',
  record_machine: 'gateway, boot, n',
  record_event: 'gateway, boot, n',
  record_alert: 'gateway, boot, n',
  alert_first: 'gateway, occurrence',
  alert_open: 'gateway, occurrence',
  summary: 'gateway, signal, minute_ms, reading_boot, segment',
  state_summary: 'gateway, minute_ms, reading_boot, segment',
  status: 'gateway',
  branch_older: 'gateway, boot, branch',
  counter_older: 'gateway, signal, branch, from_ms',
  machine: 'gateway, machine',
  alert_current: 'gateway, boot, n',
  counter_overlap: 'gateway, signal, minute_ms, reading_boot, segment',
  counter_totals: 'gateway, signal',
  fork: 'gateway, previous_boot',
  ledger_watermark: 'gateway, boot',
  evidence_file: 'gateway, sha256',
} as const;
const json = new Set(['identification', 'signals', 'data', 'evidence', 'seconds', 'causes']);
/** Times of receipt and what counts deliveries: they depend on when and how often a batch came. */
const ofDelivery = /^(received_ms|first_ms|last_ms|noticed_ms|repeats)$/;

/** All rows of all tables and views, in one form whatever the store's own types. */
export async function contents(store: BridgeStore): Promise<Record<string, unknown[]>> {
  const found: Record<string, unknown[]> = {};
  for (const [table, key] of Object.entries(keys)) {
    const rows = await store.rows(`SELECT * FROM ${table} ORDER BY ${key}`);
    found[table] = rows.map((row) =>
      Object.fromEntries(
        Object.entries(row)
          .filter(([name]) => !ofDelivery.test(name))
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([name, value]) => [name, plain(name, value)]),
      ),
    );
  }
  return found;
}

function plain(name: string, value: unknown): unknown {
  if (json.has(name)) return JSON.parse(String(value));
  // Sums are taken in another order.
  if (typeof value === 'number' && !Number.isInteger(value)) return Number(value.toPrecision(12));
  return typeof value === 'boolean' ? Number(value) : value;
}

export const one = async (store: BridgeStore, sql: string, values?: Record<string, Scalar>) =>
  (await store.rows(sql, values))[0];

export async function committed(
  store: BridgeStore,
  batches: readonly CheckedBatch[],
  groupSize: number,
): Promise<void> {
  for (let at = 0; at < batches.length; at += groupSize) await store.commit(batches.slice(at, at + groupSize), at);
}

/** A batch of the summaries of one counter: minute after minute, each read `lateS` after the full minute. */
export function counting(boot: string, seq: number, minutes: number, lateS: number): CheckedBatch {
  const records = Array.from({ length: minutes }, (_, at) => {
    const [from, to] = [at * 60 + lateS, at * 60 + lateS + 60];
    const span = { delta: 60, uncertainty: 0, from, to, fromMs: atMs + from * 1000, toMs: atMs + to * 1000 };
    return summary(at + 1, {
      minuteMs: atMs + at * 60_000,
      readingBoot: boot,
      counter: { ...span, wraps: 0, resets: 0 },
    });
  });
  return checked({ boot, previousBoot: bootA, seq, sealedMs: atMs + seq, records });
}

/** What SQLite holds after these deliveries, one batch at a time. */
export async function mirror(t: TestContext, deliveriesOf: readonly (readonly CheckedBatch[])[]): Promise<unknown> {
  const store = SqliteStore.open(dataDir(temporaryDir(t)), 1);
  for (const batches of deliveriesOf) await committed(store, batches, 1);
  const found = await contents(store);
  store.close();
  return found;
}
