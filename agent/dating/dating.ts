/**
 * Puts right what was stored while the gateway did not know the time, once it knows: records first, in one transaction, so that
 * they can be sent; then the readings of the ring; then the minutes of the span, folded from them. The writer and a thread of its
 * own do the work. Whatever a kill interrupts, the next start goes on with.
 */
import type { Logger } from '../log.ts';
import type { GatewayPort, DatedSpan, Pipeline } from '../pipeline-ports.ts';
import type { FoldSpan, HostClock } from '../store/dating.ts';
import type { Store } from '../store/open.ts';
import { startThread, type ThreadClient } from '../store/rpc.ts';
import type { FoldOperations, FoldSettings } from './fold-thread.ts';

export interface DatingParts {
  readonly store: Pick<Store, 'date' | 'dateRing' | 'toFold' | 'folded'>;
  readonly pipeline: Pick<Pipeline, 'foldedMinutes' | 'knowsTime'> & {
    readonly gateway: Pick<GatewayPort, 'bootDated'>;
  };
  readonly boot: string;
  /** This start of the computer, and the wall time less its monotonic time now. */
  readonly host: () => HostClock;
  readonly fold: () => FoldSettings;
  readonly log: Pick<Logger, 'info' | 'error'>;
}

/** After a failure, as of a full disk, it is tried again so much later. */
const againMs = 30_000;

export interface Dating {
  /** Goes on with what an earlier process left; returns at once. */
  start(): void;
  /** The time has become known. */
  known(span: DatedSpan): void;
  /** True once everything that will be sent has its right time, as far as anybody can know it. */
  recordsAreDated(): boolean;
  stop(): Promise<void>;
}

export function createDating(parts: DatingParts): Dating {
  const { store, pipeline, boot, log } = parts;
  let own: DatedSpan | null = null;
  let dated = pipeline.knowsTime();
  let running: Promise<void> | null = null;
  let timer: NodeJS.Timeout | null = null;
  let thread: ThreadClient<FoldOperations> | null = null;
  const ending = new AbortController();
  const isStopped = () => ending.signal.aborted;

  const dateRing = async () => {
    for (let afterId: number | null = 0; afterId !== null && !isStopped();) afterId = await store.dateRing(afterId);
  };

  const fold = async (spans: readonly FoldSpan[], folding: ThreadClient<FoldOperations>) => {
    for (const span of spans) {
      let summaries = 0;
      await folding.call('begin', span);
      for (;;) {
        const drafts = await folding.call('next', null);
        if (isStopped()) return;
        if (drafts === null) break;
        summaries += drafts.length;
        await pipeline.foldedMinutes(drafts);
      }
      pipeline.gateway.bootDated({ boot: span.boot, shiftMs: span.shiftMs, summaries });
      await store.folded(span.boot);
    }
  };

  const run = async () => {
    if (!dated && own !== null) {
      await store.date(parts.host(), { boot, ...own });
      dated = true;
      log.info({ ...own }, 'the time is known; what was stored without it is dated');
    }
    const spans = await store.toFold();
    if (spans.length === 0) return;
    await dateRing();
    if (isStopped()) return;
    thread = startThread<FoldOperations>(new URL('./fold-thread.ts', import.meta.url), parts.fold());
    try {
      await fold(spans, thread);
    } finally {
      await thread.end();
    }
  };

  const begin = () => {
    timer = null;
    if (isStopped() || running !== null || !pipeline.knowsTime()) return;
    running = run()
      .catch((error: unknown) => {
        if (isStopped()) return;
        log.error(
          { error: error instanceof Error ? error.message : String(error) },
          'dating failed; it is tried again',
        );
        timer = setTimeout(begin, againMs);
      })
      .finally(() => (running = null));
  };

  return {
    start: begin,
    known(span) {
      own = span;
      begin();
    },
    recordsAreDated: () => dated,
    async stop() {
      ending.abort();
      if (timer !== null) clearTimeout(timer);
      await thread?.end();
      await running;
    },
  };
}
