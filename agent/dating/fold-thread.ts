/**
 * Folds the minutes of one span after the other from the ring, on a thread of its own: unpacking hours of readings would keep every
 * poll and every query waiting. It reads and writes nothing; what it makes is asked for, some minutes at a time.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { AgentError } from '../errors.ts';
import type { CounterPoint } from '../counters/counter.ts';
import { decodeRingBlock, type StoredReading } from '../ring/block.ts';
import type { SummaryDraft } from '../rollup/rollup.ts';
import { openReadOnly } from '../store/connections.ts';
import type { FoldSpan } from '../store/dating.ts';
import { journalFile, ringFile } from '../store/files.ts';
import { answerFailed, type CallOf } from '../store/rpc.ts';
import { SpanFold, type FoldMachine, type FoldOptions } from './fold.ts';

export interface FoldSettings {
  readonly dataDir: string;
  readonly machines: readonly FoldMachine[];
  readonly options: FoldOptions;
}
export type FoldOperations = {
  readonly begin: { in: FoldSpan; out: null };
  /** The next minutes; null at the end of the span. */
  readonly next: { in: null; out: readonly SummaryDraft[] | null };
};

const blocksPerStep = 32;
/** The process before wrote its last blocks within so many rows. */
const blocksBefore = 2_000;

interface BlockRow {
  readonly id: number;
  readonly machine: string;
  readonly bytes: Buffer;
}

class Folder {
  readonly #settings: FoldSettings;
  readonly #sql: ReturnType<typeof prepare>;
  #folds = new Map<string, SpanFold>();
  #boot = '';
  #afterId = 0;
  #finished = true;

  constructor(settings: FoldSettings) {
    this.#settings = settings;
    this.#sql = prepare(settings.dataDir);
  }

  begin(span: FoldSpan): void {
    const firstId = this.#sql.first.get(span.boot) as number | null;
    const { machines, options } = this.#settings;
    const stood = this.#counters(span, firstId ?? 0);
    this.#folds = new Map(
      machines.map((machine) => {
        const bases = stood.get(machine.setup.id) ?? new Map<string, CounterPoint>();
        return [machine.setup.id, new SpanFold(machine, span, bases, options)];
      }),
    );
    this.#boot = span.boot;
    this.#afterId = (firstId ?? 1) - 1;
    this.#finished = false;
  }

  next(): readonly SummaryDraft[] | null {
    if (this.#finished) return this.#finishOne();
    const drafts: SummaryDraft[] = [];
    while (drafts.length === 0) {
      const rows = this.#sql.blocks.all(this.#boot, this.#afterId, blocksPerStep) as BlockRow[];
      const last = rows.at(-1);
      if (last === undefined) {
        this.#finished = true;
        return this.#finishOne();
      }
      this.#afterId = last.id;
      for (const { machine, bytes } of rows) drafts.push(...(this.#folds.get(machine)?.add(readable(bytes)) ?? []));
    }
    return drafts;
  }

  /** The end of one machine at a time: whoever numbers the records has polls to make. */
  #finishOne(): readonly SummaryDraft[] | null {
    for (const [machine, fold] of this.#folds) {
      this.#folds.delete(machine);
      return fold.finish();
    }
    return null;
  }

  /** Where the counters of each machine stood before a block: by the last readings of the process before, else by its summaries. */
  #counters(span: FoldSpan, firstId: number): Map<string, Map<string, CounterPoint>> {
    const stood = new Map<string, Map<string, CounterPoint>>();
    const put = (machine: string, signal: string, value: number, tMs: number) => {
      const own = stood.get(machine) ?? new Map<string, CounterPoint>();
      stood.set(machine, own.set(signal, { value, tMs }));
    };
    // Of summaries only those of boots before it: its own later ones may be there already.
    for (const { machine, signal, value, atMs } of this.#sql.counterLast.all(span.boot) as CounterRow[]) {
      put(machine, signal, value, atMs);
    }
    // In the order they were written, so that the last one stands.
    for (const { machine, bytes } of this.#sql.before.all(firstId - blocksBefore, firstId) as BlockRow[]) {
      for (const { signal, value, quality, sourceTimeMs } of readable(bytes)) {
        if (quality === 'good' && typeof value === 'number') put(machine, signal, value, sourceTimeMs);
      }
    }
    return stood;
  }
}

interface CounterRow {
  readonly machine: string;
  readonly signal: string;
  readonly value: number;
  readonly atMs: number;
}

/** A damaged block is a hole. */
function readable(bytes: Buffer): StoredReading[] {
  try {
    return decodeRingBlock(bytes);
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return [];
  }
}

function prepare(dataDir: string) {
  const ring = openReadOnly(ringFile(dataDir));
  const journal = openReadOnly(journalFile(dataDir));
  return {
    first: ring.prepare('SELECT min(id) FROM block WHERE boot = ?').pluck(),
    blocks: ring.prepare('SELECT id, machine, bytes FROM block WHERE boot = ? AND id > ? ORDER BY id LIMIT ?'),
    before: ring.prepare('SELECT id, machine, bytes FROM block WHERE id >= ? AND id < ? ORDER BY id'),
    counterLast: journal.prepare(`SELECT machine, signal, value, at_ms AS atMs FROM counter_last
      JOIN boot ON boot.boot = counter_last.reading_boot WHERE boot.id < (SELECT id FROM boot WHERE boot = ?)`),
  };
}

if (parentPort !== null) {
  const port = parentPort;
  const folder = new Folder(workerData as FoldSettings);
  port.on('message', (call: CallOf<FoldOperations>) => {
    try {
      let value: unknown = null;
      if (call.op === 'begin') folder.begin(call.input);
      else value = folder.next();
      port.postMessage({ id: call.id, value }, []);
    } catch (error) {
      answerFailed(port, call.id, error, call.op);
    }
  });
}
