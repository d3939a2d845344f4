/**
 * How an evidence file goes to the bridge, a chunk at a time: a pure reducer. The bridge says what it holds with every answer, so
 * a transfer goes on where it was, over any connection and with any worker. It holds nothing that matters: after a disconnect
 * the file is asked of the store again.
 *
 * Invariants (test/unit/sync/transfer.test.ts, against a bridge that forgets, repeats and answers late):
 *  T1  A file is settled only by an answer that names it, or because it can no longer be read here.
 *  T2  One chunk is under way at a time, so that at most one stands before an alert.
 *  T3  A chunk is sent again only after `ackTimeoutMs` without an answer, after `later` has run out, or when the bridge says it has not got it.
 *  T4  While files wait and answers come, every file is settled in the end, the oldest first.
 */
import type { BlobAckMessage, ChunkRange } from '../../cloud-bridge/contract.ts';
import { chunkCount } from '../../cloud-bridge/contract.ts';
import type { FileSettlement, WaitingFile } from '../store/outbox.ts';

export interface TransferOptions {
  readonly ackTimeoutMs: number;
  /** The store is asked this often whether a file waits. */
  readonly pollMs: number;
}

interface UnderWay extends WaitingFile {
  readonly held: readonly ChunkRange[];
  readonly chunk: number;
  /** When it is sent again, monotonic ms. */
  readonly dueMs: number;
  readonly settling: boolean;
}

export interface TransferState {
  readonly connected: boolean;
  readonly epoch: number;
  readonly loading: boolean;
  readonly loadAtMs: number;
  readonly file: UnderWay | null;
}

export type TransferEvent =
  | { readonly kind: 'connected' | 'disconnected' | 'committed' | 'tick' }
  /** What the store gave; null: nothing waits. */
  | { readonly kind: 'loaded'; readonly epoch: number; readonly file: WaitingFile | null }
  | { readonly kind: 'load-failed'; readonly epoch: number }
  /** The file that was to be sent is not there, or not what its name says. */
  | { readonly kind: 'unreadable'; readonly epoch: number; readonly sha256: string }
  | { readonly kind: 'answer'; readonly answer: Omit<BlobAckMessage, 'v' | 'gateway' | 'sig'> }
  | { readonly kind: 'settled' | 'settle-failed'; readonly sha256: string };

export type TransferEffect =
  | { readonly kind: 'load'; readonly epoch: number }
  | { readonly kind: 'send'; readonly file: WaitingFile; readonly chunk: number }
  | { readonly kind: 'settle'; readonly settlement: Omit<FileSettlement, 'atMs'> };

export interface TransferStep {
  readonly state: TransferState;
  readonly effects: readonly TransferEffect[];
}

/** No bridge makes a file wait longer than this without being asked again. */
const maxWaitMs = 3_600_000;
/** Between an answer without progress and the next try. */
const noProgressMs = 2_000;

export const noTransfer = (): TransferState => ({
  connected: false,
  epoch: 0,
  loading: false,
  loadAtMs: Infinity,
  file: null,
});

export function stepTransfer(
  state: TransferState,
  event: TransferEvent,
  nowMs: number,
  options: TransferOptions,
): TransferStep {
  switch (event.kind) {
    case 'connected':
      return goOn({ ...noTransfer(), connected: true, epoch: state.epoch + 1, loadAtMs: nowMs }, nowMs, options);
    case 'disconnected':
      return { state: { ...noTransfer(), epoch: state.epoch + 1 }, effects: [] };
    case 'committed':
    case 'tick':
      return goOn(event.kind === 'committed' ? { ...state, loadAtMs: nowMs } : state, nowMs, options);
    case 'loaded': {
      if (event.epoch !== state.epoch || !state.connected) return { state, effects: [] };
      if (event.file === null) {
        return goOn(
          { ...state, loading: false, loadAtMs: Math.min(state.loadAtMs, nowMs + options.pollMs) },
          nowMs,
          options,
        );
      }
      const file = { ...event.file, held: [], chunk: 0, dueMs: nowMs, settling: false };
      return goOn({ ...state, loading: false, file }, nowMs, options);
    }
    case 'load-failed':
      if (event.epoch !== state.epoch) return { state, effects: [] };
      return goOn({ ...state, loading: false, loadAtMs: nowMs + options.pollMs }, nowMs, options);
    case 'unreadable':
      if (event.epoch !== state.epoch || state.file?.sha256 !== event.sha256) return { state, effects: [] };
      return settle(state, state.file, { result: 'gone', code: null });
    case 'answer':
      return answered(state, event.answer, nowMs, options);
    case 'settled':
      if (state.file?.sha256 !== event.sha256) return { state, effects: [] };
      return goOn({ ...state, file: null, loadAtMs: nowMs }, nowMs, options);
    case 'settle-failed': {
      if (state.file?.sha256 !== event.sha256) return { state, effects: [] };
      const file = { ...state.file, settling: false, dueMs: nowMs + options.pollMs };
      return { state: { ...state, file }, effects: [] };
    }
  }
}

/** When `tick` has something to do next, monotonic ms. */
export function transferDueMs(state: TransferState): number {
  if (!state.connected || state.loading) return Infinity;
  if (state.file === null) return state.loadAtMs;
  return state.file.settling ? Infinity : state.file.dueMs;
}

function answered(
  state: TransferState,
  answer: Extract<TransferEvent, { kind: 'answer' }>['answer'],
  nowMs: number,
  options: TransferOptions,
): TransferStep {
  const { file } = state;
  if (!state.connected || file === null || file.settling || answer.blob !== file.sha256) return { state, effects: [] };
  switch (answer.result) {
    case 'stored':
      return settle(state, file, { result: 'stored', code: null });
    case 'refused':
      return settle(state, file, { result: 'refused', code: answer.code });
    case 'later': {
      const waitMs = Math.min(maxWaitMs, (answer.retryAfterS ?? 0) * 1000);
      return {
        state: { ...state, file: { ...file, held: [], chunk: 0, dueMs: nowMs + Math.max(1_000, waitMs) } },
        effects: [],
      };
    }
    case 'part': {
      const chunk = firstMissing(answer.held, chunkCount(file.bytes));
      // An answer to an earlier send says less than is known; nothing goes out for it.
      const isNews = count(answer.held) > count(file.held);
      const wait = isNews ? 0 : noProgressMs;
      if (!isNews && file.dueMs > nowMs + wait) return { state, effects: [] };
      return goOn({ ...state, file: { ...file, held: answer.held, chunk, dueMs: nowMs + wait } }, nowMs, options);
    }
  }
}

function settle(state: TransferState, file: UnderWay, how: Pick<FileSettlement, 'result' | 'code'>): TransferStep {
  return {
    state: { ...state, file: { ...file, settling: true } },
    effects: [{ kind: 'settle', settlement: { sha256: file.sha256, ...how } }],
  };
}

/** Sends what is due, or asks the store. */
function goOn(state: TransferState, nowMs: number, options: TransferOptions): TransferStep {
  if (!state.connected || state.loading) return { state, effects: [] };
  const { file } = state;
  if (file === null) {
    if (state.loadAtMs > nowMs) return { state, effects: [] };
    return {
      state: { ...state, loading: true, loadAtMs: Infinity },
      effects: [{ kind: 'load', epoch: state.epoch }],
    };
  }
  if (file.settling || file.dueMs > nowMs) return { state, effects: [] };
  const { sha256, bytes, chunk } = file;
  return {
    state: { ...state, file: { ...file, dueMs: nowMs + options.ackTimeoutMs } },
    effects: [{ kind: 'send', file: { sha256, bytes }, chunk }],
  };
}

const count = (held: readonly ChunkRange[]) => held.reduce((sum, [from, to]) => sum + to - from + 1, 0);

/** The first chunk the bridge has not got; 0 when it says it has all, and still not the file. */
function firstMissing(held: readonly ChunkRange[], chunks: number): number {
  let next = 0;
  for (const [from, to] of held.toSorted((a, b) => a[0] - b[0])) {
    if (from > next) break;
    next = Math.max(next, to + 1);
  }
  return next < chunks ? next : 0;
}
