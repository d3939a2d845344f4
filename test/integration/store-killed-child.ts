/** Commits numbered events without end and prints each number once it is durable; the test kills it at a random moment. */
import { openStore } from '../../agent/store/open.ts';
import { event } from '../unit/bridge/making.ts';

const store = await openStore({
  dataDir: process.argv[2] ?? '',
  clock: { wallMs: () => Date.now() },
  groupCommitMs: 5,
});
process.stdout.write(`boot ${store.recovery.boot}\n`);
for (let n = 1; ; n += 3) {
  const records = [n, n + 1, n + 2];
  await store.commit(
    records.map((one) => ({ lane: 'live', record: event(one) })),
    { urgent: n % 2 === 0 },
  );
  process.stdout.write(`${n + 2}\n`);
}
