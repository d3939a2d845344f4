/**
 * What it costs the agent to keep readings, a process of its own: `DATA_DIR`. The agent's pipeline and store on hand-moved clocks:
 * quality check, ring, minutes, states, rules, journal, outbox, and each minute sealed, sent to nobody and acked. One tick is stored
 * before the next begins, so that there are as many transactions as there are at the pace of the clock. Prints the use.
 */
import { join } from 'node:path';
import { openStore } from '../../agent/store/open.ts';
import { HandClock, Play } from './sync-play.ts';
import { forS, fromMs, load, measureUse, warmS } from './sync-store-load.ts';

const [, , dataDir = ''] = process.argv;
const clock = new HandClock(fromMs);
const store = await openStore({ dataDir, clock, groupCommitMs: 1 });
let storing: Promise<unknown>[] = [];
const keep = <T>(work: Promise<T>): Promise<T> => {
  storing.push(work);
  return work;
};
const play = new Play({ ...load, recovery: store.recovery }, clock, {
  journal: (entries, urgent) => keep(store.commit(entries, { urgent })),
  ring: (block) => void keep(store.appendRing(block)),
});

/** As the uplink does when it is connected. */
async function sealAndAck(): Promise<void> {
  const seal = { site: 'bench', gateway: 'bench-gw', clock: 'synced', nowMs: clock.wallMs() } as const;
  const request = { lane: 'live', limit: 3, exclude: [], seal, lingerMs: 1_000, backlogAfterMs: 120_000 } as const;
  const batches = await store.take(request);
  await store.noteSent(batches, clock.wallMs());
  await Promise.all(
    batches.map(({ boot, seq, sha256 }) =>
      store.settle({ boot, seq, sha256, result: 'stored', code: null, atMs: clock.wallMs() }),
    ),
  );
}

async function pass(seconds: number): Promise<void> {
  for (let ms = 0; ms < seconds * 1_000; ms += load.tickMs) {
    play.step();
    if (storing.length > 0) await Promise.all(storing);
    storing = [];
    if (clock.sinceMs % 1_000 === 0) await sealAndAck();
  }
}

await pass(warmS);
const used = measureUse(['ring.db', 'journal.db'].map((name) => join(dataDir, name)));
const before = play.readings;
await pass(forS);
process.stdout.write(`${JSON.stringify(used(play.readings - before))}\n`);
await store.close();
