/**
 * The one writer. Calls that change the journal are jobs of a group: the group commits when a job is urgent, or when
 * `groupCommitMs` have passed since its first job. A group that fails is run again job by job, so that one bad job or a disk with
 * little room costs nobody else's records; what a job did is answered only after its transaction is on disk. While the disk is full
 * commits are held until there is room; those with alerts or events may use the reserve (`reserve.ts`).
 */
import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from 'node:worker_threads';
import { statSync } from 'node:fs';
import { openDatabases, type OpenDatabases } from './databases.ts';
import { asStoreError, StoreError } from './errors.ts';
import { Held } from './held.ts';
import type { Journal } from './journal.ts';
import { answerFailed } from './rpc.ts';
import type { StoredBlock } from './ring-db.ts';
import type { WriterCall, WriterCounters, WriterSettings } from './writer-protocol.ts';

/** Between two pieces of upkeep, so that it never holds up commits for longer than one takes. */
const upkeepPauseMs = 10;
const slowPieceMs = 50;
/** What waits for room is tried again so often. */
const heldEveryMs = 1_000;

interface Job {
  readonly id: number;
  readonly op: string;
  readonly run: () => unknown;
  /** May use the reserve. */
  readonly precious: boolean;
  /** Of a commit; 0: it is refused on a full disk and does not wait. */
  readonly records: number;
}
interface RingJob {
  readonly id: number;
  readonly block: StoredBlock;
  readonly nowMs: number | null;
}

class WriterThread {
  readonly #port: MessagePort;
  readonly #settings: WriterSettings;
  #databases: OpenDatabases | null = null;
  #jobs: Job[] = [];
  #ringJobs: RingJob[] = [];
  #timer: NodeJS.Timeout | null = null;
  #transactions = 0;
  #rejected = 0;
  #ringBlocks = 0;
  #ringFailed = 0;
  #ringEvicted = 0;
  readonly #held: Held<Job>;
  #holds = true;
  #full = false;
  #again: NodeJS.Timeout | null = null;
  #dropped = 0;
  #upkeep: NodeJS.Timeout | null = null;
  readonly #pieces = { slow: 0, maxMs: 0 };

  constructor(port: MessagePort, settings: WriterSettings) {
    this.#port = port;
    this.#settings = settings;
    this.#held = new Held(settings.maxHeldRecords);
  }

  /** Takes one call and all that wait behind it, then commits if one of them is urgent. */
  receive(first: WriterCall): void {
    let urgent = this.#accept(first);
    for (;;) {
      const next: { message: WriterCall } | undefined = receiveMessageOnPort(this.#port);
      if (next === undefined) break;
      urgent = this.#accept(next.message) || urgent;
    }
    if (urgent) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), this.#settings.groupCommitMs);
  }

  /** Returns whether the group must be committed at once. */
  #accept(call: WriterCall): boolean {
    try {
      return this.#dispatch(call);
    } catch (error) {
      this.#rejected++;
      answerFailed(this.#port, call.id, error, call.op);
      return false;
    }
  }

  #dispatch(call: WriterCall): boolean {
    if (call.op === 'open') {
      this.#databases = openDatabases(this.#settings);
      this.#answer(call.id, this.#databases.recovery);
      return false;
    }
    const { journal, outbox, ring } = this.#open();
    const { boot } = this.#settings;
    switch (call.op) {
      case 'commit':
        this.#queue(call, () => journal.insert(boot, call.input.entries), {
          precious: call.input.entries.some(({ record }) => record.kind === 'alert' || record.kind === 'event'),
          records: call.input.entries.length,
        });
        return call.input.urgent;
      case 'ring':
        this.#ringJobs.push({ id: call.id, block: { ...call.input.block, boot }, nowMs: call.input.nowMs });
        return false;
      case 'date':
        this.#queue(call, () => {
          journal.dating.date(call.input.host, call.input.own);
          return null;
        });
        return true;
      case 'dateRing':
        // Blocks that came before this call are among those to be dated.
        this.#flushRing();
        this.#answer(call.id, ring.date(shiftsToFold(journal), this.#settings.builtMs, call.input.afterId));
        return false;
      case 'toFold':
        this.#answer(call.id, journal.dating.toFold());
        return false;
      case 'folded':
        this.#queue(call, () => {
          journal.dating.folded(call.input.boot);
          return null;
        });
        return false;
      case 'take':
        this.#queue(call, () => outbox.take(call.input), { precious: call.input.lane === 'alerts', records: 0 });
        return true;
      case 'sealBacklog':
        this.#queue(call, () => outbox.sealBacklog(call.input), { precious: false, records: 0 });
        return false;
      case 'sealSnapshot':
        this.#queue(call, () => outbox.sealSnapshot(call.input));
        return true;
      case 'settle':
        this.#queue(call, () => outbox.settle(call.input));
        return false;
      case 'nextFile':
        this.#answer(call.id, journal.evidence.next());
        return false;
      case 'settleFile':
        this.#queue(call, () => journal.evidence.settle(call.input));
        return false;
      case 'noteSent':
        this.#queue(call, () => outbox.noteSent(call.input.batches, call.input.atMs));
        return false;
      case 'upkeep':
        this.#open().upkeep.begin(call.input);
        this.#upkeep ??= setTimeout(() => this.#upkeepPiece(), upkeepPauseMs);
        this.#answer(call.id, null);
        return false;
      case 'upkeepNow':
        this.#flush();
        this.#open().upkeep.begin(call.input);
        while (this.#runPiece());
        this.#answer(call.id, null);
        return false;
      case 'gaps':
        this.#queue(call, () => journal.gaps.due(call.input.nowMs));
        return false;
      case 'audit':
        this.#queue(call, () => journal.audit.append(boot, call.input));
        return true;
      case 'takeCommand':
        this.#queue(call, () => journal.commands.take(call.input));
        return true;
      case 'answerCommand':
        this.#queue(call, () => {
          journal.commands.answer(call.input);
          return null;
        });
        return true;
      case 'askRequest':
        this.#queue(call, () => journal.commands.ask(call.input));
        return true;
      case 'counts':
        this.#answer(call.id, outbox.counts());
        return false;
      case 'stats':
        this.#answer(call.id, this.#stats());
        return false;
      case 'holdNothing':
        this.#holds = false;
        this.#flush();
        for (const job of this.#held.take('all')) this.#drop(job);
        this.#answer(call.id, null);
        return false;
      case 'close':
        this.#holds = false;
        this.#flush();
        for (const job of this.#held.take('all')) this.#drop(job);
        this.#close();
        this.#answer(call.id, null);
        return false;
    }
  }

  /** Unless said otherwise a job is one that must not wait for room: it frees some, or a write to a machine hangs on it. */
  #queue(
    { id, op }: WriterCall,
    run: () => unknown,
    room: Pick<Job, 'precious' | 'records'> = { precious: true, records: 0 },
  ): void {
    this.#jobs.push({ id, op, run, ...room });
  }

  #flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#flushJournal();
    this.#flushRing();
  }

  #flushJournal(): void {
    const { reserve } = this.#open();
    if (this.#jobs.length === 0 && this.#held.records === 0 && !this.#full) return;
    this.#setFull(reserve.isShort());
    const jobs = [...this.#held.take(this.#full ? 'precious' : 'all'), ...this.#jobs];
    this.#jobs = [];
    if (!this.#full && this.#runTogether(jobs)) return;
    this.#runEach(jobs);
    if ((this.#full || this.#held.records > 0) && this.#again === null) {
      this.#again = setTimeout(() => {
        this.#again = null;
        if (this.#databases !== null) this.#flush();
      }, heldEveryMs);
    }
  }

  #upkeepPiece(): void {
    this.#upkeep = null;
    if (this.#databases === null || !this.#runPiece()) return;
    this.#upkeep = setTimeout(() => this.#upkeepPiece(), upkeepPauseMs);
  }

  /** False: nothing is left to do, or nothing can be done at present. */
  #runPiece(): boolean {
    // What is left of the disk is for alerts and events.
    if (this.#full) return false;
    const { journal, upkeep } = this.#open();
    const fromMs = performance.now();
    try {
      return journal.transaction(() => upkeep.piece());
    } catch {
      // A full disk, most likely; the next turn tries again.
      upkeep.failed();
      return false;
    } finally {
      const tookMs = performance.now() - fromMs;
      if (tookMs > slowPieceMs) this.#pieces.slow++;
      this.#pieces.maxMs = Math.max(this.#pieces.maxMs, tookMs);
    }
  }

  #setFull(full: boolean): void {
    if (full === this.#full) return;
    this.#full = full;
    this.#open().journal.saveRoom(full);
  }

  #runTogether(jobs: readonly Job[]): boolean {
    const { journal } = this.#open();
    let results: unknown[];
    try {
      results = journal.transaction(() => jobs.map((job) => this.#runJob(job)));
    } catch {
      return false;
    }
    this.#transactions++;
    for (const [index, job] of jobs.entries()) this.#answer(job.id, results[index] ?? null);
    return true;
  }

  /** Job by job. Once one that may use the reserve found no room, all commits after it wait behind it, in their order. */
  #runEach(jobs: readonly Job[]): void {
    const { reserve } = this.#open();
    let noRoom = false;
    for (const job of jobs) {
      const waits = (this.#full && !job.precious) || (noRoom && job.records > 0);
      let failed = waits ? new StoreError('storeFull', `${job.op}: the disk is full`) : this.#runOne(job);
      if (failed?.key === 'storeFull' && !waits && reserve.giveUp()) {
        this.#setFull(true);
        if (job.precious) failed = this.#runOne(job);
      }
      if (failed === null) continue;
      if (failed.key === 'storeFull') {
        this.#setFull(true);
        noRoom ||= job.precious;
        if (job.records > 0 && this.#holds) {
          for (const dropped of this.#held.add(job)) this.#drop(dropped);
          continue;
        }
      }
      this.#rejected++;
      answerFailed(this.#port, job.id, failed, job.op);
    }
  }

  /** In a transaction. Minutes that came together must not eat what is kept for alerts: that they did is known only behind them. */
  #runJob(job: Job): unknown {
    const result = job.run();
    const mayNot = !job.precious && job.records > 0;
    if (mayNot && this.#open().reserve.isTouched())
      throw new StoreError('storeFull', `${job.op}: the rest is for alerts`);
    return result;
  }

  #runOne(job: Job): StoreError | null {
    try {
      const result = this.#open().journal.transaction(() => this.#runJob(job));
      this.#transactions++;
      this.#answer(job.id, result ?? null);
      return null;
    } catch (error) {
      return asStoreError(error, job.op);
    }
  }

  #drop(job: Job): void {
    this.#rejected++;
    this.#dropped += job.records;
    const why = new StoreError('storeFull', `${job.records} records were dropped: the disk was full for too long`);
    answerFailed(this.#port, job.id, why, job.op);
  }

  #flushRing(): void {
    const jobs = this.#ringJobs;
    const last = jobs.at(-1);
    if (last === undefined) return;
    this.#ringJobs = [];
    const { ring } = this.#open();
    let stored = true;
    try {
      // On a full disk they would eat the reserve.
      if (this.#full) throw new StoreError('storeFull', 'the disk is full');
      this.#ringEvicted += ring.append(
        jobs.map((job) => job.block),
        last.nowMs,
      );
      this.#ringBlocks += jobs.length;
    } catch {
      // The ring is expendable: the blocks are counted as lost and the agent goes on.
      this.#ringFailed += jobs.length;
      stored = false;
    }
    for (const { id } of jobs) this.#answer(id, stored);
  }

  #stats(): WriterCounters {
    const { ring, journal, upkeep } = this.#open();
    return {
      transactions: this.#transactions,
      rejected: this.#rejected,
      ringBlocks: this.#ringBlocks,
      ringFailed: this.#ringFailed,
      ringEvicted: this.#ringEvicted,
      ringBytes: ring.bytes,
      journalBytes: statSync(journal.db.name).size,
      full: this.#full,
      heldRecords: this.#held.records,
      droppedRecords: this.#dropped,
      storeBytes: upkeep.bytes(),
      evicted: journal.gaps.counts(),
      upkeepSlow: this.#pieces.slow,
      upkeepMaxMs: Math.round(this.#pieces.maxMs),
    };
  }

  #open(): OpenDatabases {
    if (this.#databases === null) throw new StoreError('storeClosed', 'the store is closed');
    return this.#databases;
  }

  #close(): void {
    const databases = this.#databases;
    this.#databases = null;
    if (this.#again !== null) clearTimeout(this.#again);
    if (this.#upkeep !== null) clearTimeout(this.#upkeep);
    databases?.close();
  }

  #answer(id: number, value: unknown): void {
    this.#port.postMessage({ id, value }, []);
  }
}

/** Once its minutes are folded, a boot's blocks are dated. */
function shiftsToFold({ dating }: Journal): ReadonlyMap<string, number> {
  const waiting = dating.toFold().flatMap(({ boot, shiftMs }) => (shiftMs === null ? [] : [[boot, shiftMs] as const]));
  return new Map(waiting);
}

if (parentPort !== null) {
  const thread = new WriterThread(parentPort, workerData as WriterSettings);
  parentPort.on('message', (call: WriterCall) => thread.receive(call));
}
