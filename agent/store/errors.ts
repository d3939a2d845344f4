/** What storage can refuse, as the rest of the agent sees it. */
import { AgentError, type agentErrors } from '../errors.ts';

/** The part of the agent's error table that storage uses. */
export type StoreErrorKey = Extract<
  keyof typeof agentErrors,
  | 'dataDirUnusable'
  | 'dataDirInUse'
  | 'storeTooNew'
  | 'storeFull'
  | 'storeFailed'
  | 'storeBusy'
  | 'storeClosed'
  | 'recordInvalid'
>;

export class StoreError extends AgentError {
  readonly key: StoreErrorKey;
  constructor(key: StoreErrorKey, detail: string, options?: ErrorOptions) {
    super(key, detail, options);
    this.name = 'StoreError';
    this.key = key;
  }
}

/** Turns whatever SQLite or the file system threw into a StoreError. */
export function asStoreError(error: unknown, doing: string): StoreError {
  if (error instanceof StoreError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const text = error instanceof Error ? error.message : String(error);
  return new StoreError(keyOf(code), `${doing}: ${text}`, { cause: error });
}

function keyOf(code: string): StoreErrorKey {
  // SQLITE_FULL is ENOSPC as well as max_page_count; a rolled-back write under WAL can also show as a failed extension of the -shm file.
  if (code === 'SQLITE_FULL' || code === 'ENOSPC' || code === 'EDQUOT' || code === 'SQLITE_IOERR_SHMSIZE')
    return 'storeFull';
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) return 'storeBusy';
  if (code.startsWith('SQLITE_CONSTRAINT') || code.startsWith('SQLITE_MISMATCH')) return 'recordInvalid';
  if (/^(SQLITE_(READONLY|CANTOPEN|PERM|AUTH)|EACCES|EPERM|EROFS|ENOTDIR|EEXIST|ENOENT)/.test(code))
    return 'dataDirUnusable';
  return 'storeFailed';
}
