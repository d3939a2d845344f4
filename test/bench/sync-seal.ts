/**
 * A gateway without uplink, a process of its own: `DATA_DIR MACHINES MINUTES FROM_MS FILES`. Its own pipeline and store make and seal
 * what it has to say, as they do in an outage. Prints what there is to be sent. Evidence is of an earlier start, as no sense is yet
 * there to find any; its records are sealed when the bridge is there.
 */
import { randomBytes } from 'node:crypto';
import { RecordMaker } from '../../agent/records.ts';
import { openStore } from '../../agent/store/open.ts';
import { HandClock, machineId, Play } from './sync-play.ts';

/** As the uplink does while it is not connected (`agent/sync/waiting.ts`). */
const compactAfterRecords = 2_000;
/** As large as crops and spectrograms may be. */
const fileBytes = 24 * 1024;
const [, , dataDir = '', machines = '0', minutes = '0', fromMs = '0', files = '0'] = process.argv;

const clock = new HandClock(Number(fromMs));
const before = await openStore({ dataDir, clock, groupCommitMs: 1 });
const maker = new RecordMaker();
for (let at = 0; at < Number(files); at += 1) {
  const sha256 = await before.keepFile(randomBytes(fileBytes));
  const data = { sha256, bytes: fileBytes, mediaType: 'image/webp', role: 'crop', occurrence: null };
  const draft = {
    kind: 'event',
    machine: machineId(at),
    atMs: clock.wallMs(),
    event: 'evidence',
    phase: 'instant',
  } as const;
  await before.commit([{ lane: 'evidence', record: maker.make({ ...draft, fromMs: null, data }) }], { urgent: false });
}
await before.close();
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
  `${JSON.stringify({ boot: store.recovery.boot, records, batches: counts.batches, files: counts.files })}\n`,
);
