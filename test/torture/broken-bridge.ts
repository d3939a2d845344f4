/**
 * Loaded into the bridge before its own code (`node --import`), for the controls of the torture: a bridge that breaks one promise. With
 * SELVEDGE_TORTURE_BREAK=
 *  dedupe  it stores whatever arrives again a second time;
 *  ack     it answers `stored` some time before it commits, and after SIGUSR2 it is killed between the two;
 *  sync    it is as it should be, but after SIGUSR2 it is killed before it commits what the broker has taken.
 */
import { isMainThread } from 'node:worker_threads';
import type { CheckedBatch, CommitResult } from '../../cloud-bridge/store/bridge-store.ts';
import type { SqliteStore as Store } from '../../cloud-bridge/store/store.ts';
import { breakSources, controls } from '../support/controls.ts';

/** Long enough for an answer to be on its way. */
const commitLateMs = 250;
const killAfterMs = 150;

let armed = false;
const die = () => void setTimeout(() => process.kill(process.pid, 'SIGKILL'), killAfterMs);

async function answerFirst(): Promise<void> {
  const { SqliteStore } = await import('../../cloud-bridge/store/store.ts');
  const commit = Reflect.get(SqliteStore.prototype, 'commit');
  const close = Reflect.get(SqliteStore.prototype, 'close');
  let waiting: (() => void)[] = [];
  SqliteStore.prototype.commit = function (this: Store, batches: readonly CheckedBatch[], ms: number): CommitResult {
    const late = () => {
      waiting = waiting.filter((one) => one !== late);
      commit.call(this, batches, ms);
    };
    waiting.push(late);
    setTimeout(late, commitLateMs);
    if (armed) die();
    return { outcomes: batches.map(() => 'stored'), fresh: 0, known: 0, forks: [] };
  };
  SqliteStore.prototype.close = function (this: Store): void {
    for (const late of waiting) late();
    close.call(this);
  };
}

async function dieBeforeCommit(): Promise<void> {
  const { Ingest } = await import('../../cloud-bridge/ingest.ts');
  const accept = Reflect.get(Ingest.prototype, 'accept');
  Ingest.prototype.accept = function (payload, from): void {
    if (armed) die();
    else accept.call(this, payload, from);
  };
}

if (isMainThread) {
  process.on('SIGUSR2', () => (armed = true));
  const broken = process.env['SELVEDGE_TORTURE_BREAK'];
  if (broken === 'dedupe') breakSources(controls.bridgeStoresRepeats);
  if (broken === 'ack') await answerFirst();
  if (broken === 'sync') await dieBeforeCommit();
}
