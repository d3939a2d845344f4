/**
 * Loaded into the agent before its own code (`node --import`), so that its memory can be measured without a line about it in
 * the product: answers each `measure` on the channel to the process that started it. With SELVEDGE_SOAK_LEAK it also puts the
 * deliberate leak in.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { registerHooks } from 'node:module';
import { writeHeapSnapshot } from 'node:v8';
import { isMainThread } from 'node:worker_threads';

/** What the agent's process answers. Bytes and ms. */
export interface Measured {
  readonly heapUsed: number;
  readonly external: number;
  readonly arrayBuffers: number;
  readonly rss: number;
  readonly handles: number;
  readonly loopP99Ms: number;
  readonly loopMaxMs: number;
}
export interface Ask {
  /** Path of a heap snapshot to be written, or null. */
  readonly snapshot: string | null;
}

const fileOf = (path: string) => new URL(path, import.meta.url).href;

function leak(): void {
  const leaky = fileOf('./leaky-pipeline.ts');
  const pipeline = fileOf('../../agent/pipeline.ts');
  registerHooks({
    resolve(specifier, context, next) {
      const found = next(specifier, context);
      if (found.url !== pipeline || context.parentURL === leaky) return found;
      return { ...found, url: leaky };
    },
  });
}

function watch(): void {
  const loop = monitorEventLoopDelay({ resolution: 1 });
  loop.enable();
  const nextTurn = () => new Promise((resolve) => setImmediate(resolve));
  process.on('message', ({ snapshot }: Ask) => {
    void (async () => {
      const delays = { loopP99Ms: loop.percentile(99) / 1e6, loopMaxMs: loop.max / 1e6 };
      globalThis.gc?.();
      // What the first collection found dead may let go of more when its finalizers have run.
      await nextTurn();
      globalThis.gc?.();
      const { heapUsed, external, arrayBuffers, rss } = process.memoryUsage();
      const handles = process.getActiveResourcesInfo().filter((kind) => kind !== 'Timeout' && kind !== 'Immediate');
      if (snapshot !== null) writeHeapSnapshot(snapshot);
      const measured: Measured = { heapUsed, external, arrayBuffers, rss, handles: handles.length, ...delays };
      process.send?.(measured);
      // The histogram learns of the collections at its next tick only; they are none of the agent's delays.
      await new Promise((resolve) => setTimeout(resolve, 20));
      loop.reset();
    })();
  });
  // The channel alone keeps nothing running.
  process.channel?.unref();
}

// The threads of the agent load this as well; theirs is not the channel.
if (isMainThread && process.send !== undefined) {
  if (process.env['SELVEDGE_SOAK_LEAK'] !== undefined) leak();
  watch();
}
