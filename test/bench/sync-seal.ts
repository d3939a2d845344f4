/**
 * A gateway without uplink, a process of its own: `DATA_DIR MACHINES MINUTES FROM_MS`. Its own pipeline and store make and seal what
 * it has to say, as they do in an outage. Prints what there is to be sent.
 */
import { openStore } from '../../agent/store/open.ts';
import { HandClock, Play } from './sync-play.ts';

/** As the uplink does while it is not connected (`agent/sync/waiting.ts`). */
const compactAfterRecords = 2_000;
const [, , dataDir = '', machines = '0', minutes = '0', fromMs = '0'] = process.argv;

const clock = new HandClock(Number(fromMs));
const store = await openStore({ dataDir, clock, groupCommitMs: 1, maxQueuedRecords: 100_000 });
const records = { summary: 0, 'state-summary': 0, event: 0, alert: 0, machine: 0 };
let waiting = 0;
let committing: Promise<unknown>[] = [];
const seal = async () => {
  await Promise.all(committing);
  committing = [];
  waiting = 0;
  const context = { site: 'bench', gateway: 'bench-gw', clock: 'synced', nowMs: clock.wallMs() } as const;
  await store.sealBacklog({ seal: context, lingerMs: 0, backlogAfterMs: 0 });
};
const play = new Play(
  { machines: Number(machines), intervalMs: 10_000, tickMs: 1_000, recovery: store.recovery },
  clock,
  {
    journal: (entries, urgent) => {
      for (const { record } of entries) records[record.kind] += 1;
      waiting += entries.length;
      const done = store.commit(entries, { urgent });
      committing.push(done);
      return done;
    },
    // Raw readings are no part of what is sent.
    ring: () => undefined,
  },
);
for (let second = 0; second < Number(minutes) * 60; second += 1) {
  play.step();
  if (waiting >= compactAfterRecords) await seal();
}
await play.pipeline.drain();
// What was committed at this very moment is no backlog yet.
clock.sinceMs += 1_000;
await seal();
const counts = await store.outboxCounts();
await store.close();
process.stdout.write(
  `${JSON.stringify({ boot: store.recovery.boot, records, batches: counts.batches, waiting: counts.unsealed })}\n`,
);
