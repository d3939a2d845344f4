/** One batch into PostgreSQL: its name, its records whose numbers are new, and their numbers. */
import type { CheckedBatch, CommitOutcome, Fork } from '../bridge-store.ts';
import { addNumbers } from '../ledger.ts';
import { bootColumns, bootSource, noBoot, noteBoot, placeBranches, type BootRow } from './boots.ts';
import { writeRecords } from './rows.ts';
import type { Session } from './sessions.ts';

/** Records stored, and those that were known. */
export interface Tally {
  fresh: number;
  known: number;
}

/** Judges a batch against what is stored, and stores it, inside the caller's transaction, which holds the gateway's lock. */
export async function storeBatch(
  session: Session,
  { name, body, wireBytes }: CheckedBatch,
  receivedMs: number,
  forks: Fork[],
  tally: Tally,
): Promise<CommitOutcome> {
  const { gateway, boot, seq, sha256 } = name;
  let [low, high] = [Infinity, 0];
  for (const { n } of body.records) [low, high] = [Math.min(low, n), Math.max(high, n)];
  const [found] = await session.query<BootRow & { sha256: string | null; ranges: string; fansOut: boolean }>(
    `SELECT EXISTS (SELECT 1 FROM fan_out) AS "fansOut", (SELECT sha256 FROM batch WHERE gateway = $1 AND boot = $2 AND seq = $3) AS sha256, ${bootColumns},
       coalesce((SELECT json_agg(json_build_object('from', from_n, 'to', to_n) ORDER BY from_n) FROM ledger
         WHERE gateway = $1 AND boot = $2 AND from_n <= $4 AND to_n >= $5), '[]') AS ranges
     FROM ${bootSource}`,
    [gateway, boot, seq, high + 1, low - 1],
  );
  if (found !== undefined && found.sha256 !== null) {
    if (found.sha256 !== sha256) return 'conflict';
    await session.query('UPDATE batch SET repeats = repeats + 1 WHERE gateway = $1 AND boot = $2 AND seq = $3', [
      gateway,
      boot,
      seq,
    ]);
    await session.query('UPDATE gateway SET repeats = repeats + 1 WHERE gateway = $1', [gateway]);
    return 'repeat';
  }
  const known = found ?? { ...noBoot, ranges: '[]', fansOut: false };
  const told = { site: body.site, gateway, boot, previous: body.previousBoot, nowMs: receivedMs, batches: 1 } as const;
  const branched = await noteBoot(session, told, known, forks);
  // The boot is as old as its earliest batch: an older one that comes late may change which child of a fork is the oldest.
  const older = known.sealed === null || body.sealedMs < known.sealed;
  if (older) {
    await session.query('UPDATE boot SET sealed_ms = $3 WHERE gateway = $1 AND boot = $2', [
      gateway,
      boot,
      body.sealedMs,
    ]);
  }
  if (branched || (older && known.forked)) await placeBranches(session, gateway);
  await session.query(
    `INSERT INTO batch (gateway, boot, seq, sha256, lane, clock, sealed_ms, received_ms, records, bytes, repeats)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0)`,
    [gateway, boot, seq, sha256, body.lane, body.clock, body.sealedMs, receivedMs, body.records.length, wireBytes],
  );

  const before = JSON.parse(known.ranges) as { from: number; to: number }[];
  const { ranges, fresh } = addNumbers(
    before,
    body.records.map((record) => record.n),
  );
  const kept = new Set(ranges.map(({ from }) => from));
  for (const { from } of before) {
    if (kept.has(from)) continue;
    await session.query('DELETE FROM ledger WHERE gateway = $1 AND boot = $2 AND from_n = $3', [gateway, boot, from]);
  }
  const had = new Set(before.map(({ from, to }) => `${from}-${to}`));
  for (const { from, to } of ranges) {
    if (had.has(`${from}-${to}`)) continue;
    await session.query(
      `INSERT INTO ledger (gateway, boot, from_n, to_n) VALUES ($1, $2, $3, $4)
       ON CONFLICT (gateway, boot, from_n) DO UPDATE SET to_n = excluded.to_n`,
      [gateway, boot, from, to],
    );
  }
  const taken = new Set<number>();
  const records = body.records.filter(({ n }) => {
    if (!fresh.has(n) || taken.has(n)) return false;
    taken.add(n);
    return true;
  });
  tally.fresh += records.length;
  tally.known += body.records.length - records.length;
  await writeRecords(session, gateway, boot, records);
  if (known.fansOut && records.length > 0) {
    await session.query(
      'INSERT INTO outgoing (site, gateway, boot, received_ms, records) VALUES ($1, $2, $3, $4, $5)',
      [body.site, gateway, boot, receivedMs, JSON.stringify(records)],
    );
  }
  return 'stored';
}
