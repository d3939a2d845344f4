/** Calls into a database thread: typed by a table of operations, one answer each. */
import { Worker, type MessagePort } from 'node:worker_threads';
import { asStoreError, StoreError, type StoreErrorKey } from './errors.ts';

/** Every operation of a thread with what it takes and gives. */
export type Operations = Record<string, { readonly in: unknown; readonly out: unknown }>;
export type CallOf<O extends Operations> = {
  [K in keyof O & string]: { readonly id: number; readonly op: K; readonly input: O[K]['in'] };
}[keyof O & string];
export type Answer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly failed: { readonly key: StoreErrorKey; readonly detail: string } };

export interface ThreadClient<O extends Operations> {
  call<K extends keyof O & string>(op: K, input: O[K]['in']): Promise<O[K]['out']>;
  /** The thread is gone; every call rejects. */
  isDead(): boolean;
  /** Ends the thread; calls still waiting are rejected. */
  end(): Promise<void>;
}

/** Starts the thread of `script`. Rejections are StoreErrors; when the thread dies, all waiting and later calls reject. */
export function startThread<O extends Operations>(script: URL, workerData: unknown): ThreadClient<O> {
  const worker = new Worker(script, {
    workerData,
    // Small heaps: the threads hold a window of batches and one page of rows, and a gateway has little memory.
    resourceLimits: { maxOldGenerationSizeMb: 96, maxYoungGenerationSizeMb: 3 },
  });
  const waiting = new Map<number, { resolve: (value: never) => void; reject: (error: StoreError) => void }>();
  let lastId = 0;
  let dead: StoreError | null = null;
  const die = (error: StoreError) => {
    dead ??= error;
    for (const { reject } of waiting.values()) reject(dead);
    waiting.clear();
  };
  worker.on('message', (answer: Answer) => {
    const caller = waiting.get(answer.id);
    waiting.delete(answer.id);
    if ('failed' in answer) caller?.reject(new StoreError(answer.failed.key, answer.failed.detail));
    else caller?.resolve(answer.value as never);
  });
  worker.on('error', (error) =>
    die(new StoreError('storeClosed', `the store's thread ended: ${String(error)}`, { cause: error })),
  );
  worker.on('exit', () => die(new StoreError('storeClosed', 'the store is closed')));
  return {
    call: (op, input) =>
      new Promise((resolve, reject) => {
        if (dead !== null) return reject(dead);
        const id = ++lastId;
        waiting.set(id, { resolve, reject });
        worker.postMessage({ id, op, input }, []);
      }),
    isDead: () => dead !== null,
    end: async () => {
      await worker.terminate();
    },
  };
}

/**
 * A thread that lives from a call until `idleMs` after its last answer: an agent nobody looks at saves its memory. It is ended only
 * while no call waits, and the next call starts another, so none is lost at the edge.
 */
export function startWhenAsked<O extends Operations>(
  start: () => ThreadClient<O>,
  idleMs: number,
): Pick<ThreadClient<O>, 'call' | 'end'> {
  let thread: ThreadClient<O> | null = null;
  let waiting = 0;
  let idle: NodeJS.Timeout | null = null;
  let ended: Promise<void> = Promise.resolve();
  const end = async (): Promise<void> => {
    if (idle !== null) clearTimeout(idle);
    idle = null;
    const last = thread;
    thread = null;
    ended = Promise.all([ended, last?.end()]).then(() => undefined);
    await ended;
  };
  return {
    end,
    call: async (op, input) => {
      if (idle !== null) clearTimeout(idle);
      idle = null;
      // One query too large for its memory must not cost all later ones.
      if (thread?.isDead() === true) thread = null;
      thread ??= start();
      waiting++;
      try {
        return await thread.call(op, input);
      } finally {
        waiting--;
        if (waiting === 0 && thread !== null) {
          idle = setTimeout(() => void end(), idleMs);
          idle.unref();
        }
      }
    },
  };
}

export function answerFailed(port: MessagePort, id: number, error: unknown, doing: string): void {
  const { key, message } = asStoreError(error, doing);
  // The code is put in front again by the receiving side's StoreError.
  const answer: Answer = { id, failed: { key, detail: message.replace(/^AGT-\d+ /, '') } };
  port.postMessage(answer, []);
}
