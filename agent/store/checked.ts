/**
 * The border to the writer thread, kept on this side of it: what goes over is of the form it must have, so that the thread needs no
 * schemas. They would be 13 MB there a second time.
 */
import { maxBatchUnpackedBytes, maxBatchWireBytes, wireRecord } from '../../cloud-bridge/contract.ts';
import { auditEntry, type AuditEntry } from './audit-entry.ts';
import { StoreError } from './errors.ts';
import type { BatchLimits } from './outbox.ts';
import type { JournalEntry } from './store.ts';

export const batchLimits: BatchLimits = { unpackedBytes: maxBatchUnpackedBytes, wireBytes: maxBatchWireBytes };

/**
 * The entries with nothing in them but what the wire contract names.
 * @throws StoreError `recordInvalid` when a record breaks the wire contract: it would make the bridge refuse its whole batch.
 */
export function checkedEntries(entries: readonly JournalEntry[]): readonly JournalEntry[] {
  return entries.map((entry) => {
    const { record } = entry;
    const parsed = wireRecord.safeParse(record);
    if (parsed.success) return { ...entry, record: parsed.data };
    const { message = 'unknown', path = [] } = parsed.error.issues[0] ?? {};
    const where = path.length === 0 ? '' : ` (${path.map(String).join('.')})`;
    throw new StoreError(
      'recordInvalid',
      `record ${record.n} (${record.kind} of ${record.machine}): ${message}${where}`,
    );
  });
}

/** @throws StoreError `recordInvalid` */
export function checkedAuditEntry(entry: AuditEntry): AuditEntry {
  const parsed = auditEntry.safeParse(entry);
  if (parsed.success) return parsed.data;
  throw new StoreError(
    'recordInvalid',
    `step ${entry.step} of write ${entry.write}: ${parsed.error.issues[0]?.message}`,
  );
}
