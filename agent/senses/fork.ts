/**
 * How a sense's process is started. Here, or from a thread of its own: to start a process holds the thread that does it for ten and more
 * milliseconds, which the polling loop must not be.
 */
import { fork } from 'node:child_process';
import { setPriority } from 'node:os';
import { Worker } from 'node:worker_threads';

/** A process that was started, or is about to be. */
export interface SenseChild {
  /** Lost without a word when it has ended. */
  send(message: unknown): void;
  /** Closes the channel: the process ends by itself. */
  disconnect(): void;
  /** SIGKILL. */
  kill(): void;
}

export interface SenseChildEvents {
  readonly message: (message: unknown) => void;
  /** Once: how it ended, such as `SIGSEGV` or `exit 1`, or why it could not be started. */
  readonly ended: (how: string) => void;
}

export interface SenseStart {
  /** The child's module. */
  readonly script: URL;
  /** How far it stands back behind others, 0 … 19 (nice). */
  readonly niceness: number;
  /** Its first message. */
  readonly settings: unknown;
}

export type ForkSense = (start: SenseStart, events: SenseChildEvents) => SenseChild;

/** Starts it from this thread. */
export const forkHere: ForkSense = ({ script, niceness, settings }, events) => {
  const child = fork(script, [], {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  standBack(child.pid, niceness);
  let over = false;
  const ended = (how: string) => {
    if (over) return;
    over = true;
    events.ended(how);
  };
  child.on('message', (message: unknown) => {
    if (!over) events.message(message);
  });
  // A failed start has no exit.
  child.on('error', (error) => {
    if (child.pid === undefined) ended(error.message);
  });
  child.on('exit', (code, signal) => ended(signal ?? `exit ${code}`));
  const send = (message: unknown) => {
    if (child.connected) child.send(message as object, () => undefined);
  };
  send(settings);
  return {
    send,
    disconnect: () => {
      if (child.connected) child.disconnect();
    },
    kill: () => void child.kill('SIGKILL'),
  };
};

/** Where the system does not let it, the process runs as others do. */
function standBack(pid: number | undefined, niceness: number): void {
  if (pid === undefined || niceness === 0) return;
  try {
    setPriority(pid, niceness);
  } catch {
    // It has ended already.
  }
}

/** What the thread is told, about the child with this number. */
export type ToForkThread =
  | {
      readonly kind: 'start';
      readonly child: number;
      readonly script: string;
      readonly niceness: number;
      readonly settings: unknown;
    }
  | { readonly kind: 'send'; readonly child: number; readonly message: unknown }
  | { readonly kind: 'disconnect' | 'kill'; readonly child: number };
/** What it tells. */
export type FromForkThread =
  | { readonly kind: 'message'; readonly child: number; readonly message: unknown }
  | { readonly kind: 'ended'; readonly child: number; readonly how: string };

/** A thread that starts processes and passes on what goes between them and this thread. */
export class ForkThread {
  readonly #children = new Map<number, SenseChildEvents>();
  #worker: Worker | null = null;
  #started = 0;

  readonly fork: ForkSense = ({ script, niceness, settings }, events) => {
    this.#started += 1;
    const child = this.#started;
    this.#children.set(child, events);
    const tell = (told: ToForkThread) => {
      if (this.#children.has(child)) this.#thread().postMessage(told, []);
    };
    tell({ kind: 'start', child, script: script.href, niceness, settings });
    return {
      send: (message) => tell({ kind: 'send', child, message }),
      disconnect: () => tell({ kind: 'disconnect', child }),
      kill: () => tell({ kind: 'kill', child }),
    };
  };

  /** To be called when the processes have ended; one that has not loses its channel. */
  async stop(): Promise<void> {
    const worker = this.#worker;
    this.#worker = null;
    await worker?.terminate();
  }

  #thread(): Worker {
    if (this.#worker !== null) return this.#worker;
    const worker = new Worker(new URL('fork-thread.ts', import.meta.url));
    worker.on('message', (told: FromForkThread) => this.#heard(told));
    // Its children have lost their channel with it, and end.
    worker.on('error', (error) => {
      if (this.#worker === worker) this.#worker = null;
      for (const child of this.#children.keys()) this.#heard({ kind: 'ended', child, how: error.message });
    });
    this.#worker = worker;
    return worker;
  }

  #heard(told: FromForkThread): void {
    const events = this.#children.get(told.child);
    if (told.kind === 'message') {
      events?.message(told.message);
      return;
    }
    this.#children.delete(told.child);
    events?.ended(told.how);
  }
}
