/**
 * Texts to trees, one at a time, each on a thread of its own that is ended when it takes too long. Trees of short texts are kept.
 *
 * Invariants (test/unit/runbooks/tree-reader.test.ts):
 *  R1  No text, however it is made, takes the main thread's time or is waited for longer than the limit.
 *  R2  A thread that cannot start, or dies, is one text without a tree: the next text is read, and no place in the queue is lost.
 */
import { createHash } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { treeSchema } from './tree-schema.ts';
import type { Block } from './tree.ts';

const maxWaiting = 200;
const keptTrees = 256;
const keptTextLength = 16_384;
const threadHeapMiB = 64;

export class TreeReader {
  readonly #limitMs: number;
  readonly #thread: URL;
  readonly #kept = new Map<string, readonly Block[]>();
  #waiting = 0;
  #last: Promise<unknown> = Promise.resolve();

  /**
   * @param limitMs the longest a text may take, with the start of its thread
   * @param thread what the thread runs
   */
  constructor(limitMs = 3_000, thread = new URL('./tree-thread.ts', import.meta.url)) {
    this.#limitMs = limitMs;
    this.#thread = thread;
  }

  /** null: it took too long or too much, or too many texts wait. */
  async read(markdown: string): Promise<readonly Block[] | null> {
    const key = createHash('sha256').update(markdown).digest('base64');
    const known = this.#kept.get(key);
    if (known !== undefined) return known;
    if (this.#waiting >= maxWaiting) return null;
    this.#waiting++;
    const turn = this.#last.then(
      () => this.#kept.get(key) ?? treeOnThread(this.#thread, markdown, this.#limitMs).catch(() => null),
    );
    this.#last = turn;
    const tree = await turn;
    this.#waiting--;
    if (tree !== null && markdown.length <= keptTextLength) this.#keep(key, tree);
    return tree;
  }

  #keep(key: string, tree: readonly Block[]): void {
    this.#kept.set(key, tree);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > keptTrees && oldest !== undefined) this.#kept.delete(oldest);
  }
}

/** Rejects where no thread can be made. */
async function treeOnThread(thread: URL, markdown: string, limitMs: number): Promise<readonly Block[] | null> {
  const worker = new Worker(thread, {
    workerData: markdown,
    resourceLimits: { maxOldGenerationSizeMb: threadHeapMiB },
  });
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const timer = setTimeout(() => resolve(null), limitMs);
  worker.once('message', resolve);
  worker.once('error', () => resolve(null));
  worker.once('exit', () => resolve(null));
  const told = await promise;
  clearTimeout(timer);
  await worker.terminate();
  return treeSchema.safeParse(told).data ?? null;
}
