/** Gateways, boots and branches in PostgreSQL, inside the caller's transaction, which holds the gateway's lock. */
import { branchesOf, type KnownBoot } from '../branches.ts';
import type { Fork } from '../bridge-store.ts';
import type { Session } from './sessions.ts';

export interface BootRow {
  readonly known: boolean;
  readonly previous: string | null;
  readonly sealed: number | null;
  readonly forked: boolean;
}

export const bootColumns = `b.boot IS NOT NULL AS known, b.previous_boot AS previous, b.sealed_ms AS sealed,
  EXISTS (SELECT 1 FROM branch_older o WHERE o.gateway = $1) AS forked`;
export const bootSource = `(SELECT 1) AS once LEFT JOIN boot b ON b.gateway = $1 AND b.boot = $2`;
export const noBoot: BootRow = { known: false, previous: null, sealed: null, forked: false };

export async function knownBoot(session: Session, gateway: string, boot: string): Promise<BootRow> {
  const [row] = await session.query<BootRow>(`SELECT ${bootColumns} FROM ${bootSource}`, [gateway, boot]);
  return row ?? noBoot;
}

interface Told {
  readonly site: string;
  readonly gateway: string;
  readonly boot: string;
  readonly previous: string | null;
  readonly nowMs: number;
  /** How many batches come with it. */
  readonly batches: 0 | 1;
}

/** Keeps gateway and boot; a new boot is placed in its chain, and everything known to follow it moves with it. True: branches may have changed. */
export async function noteBoot(session: Session, told: Told, known: BootRow, forks: Fork[]): Promise<boolean> {
  const { site, gateway, boot, previous, nowMs, batches } = told;
  await session.query(
    `INSERT INTO gateway (gateway, site, first_ms, last_ms, batches, repeats, forks) VALUES ($1, $2, $3, $3, $4, 0, 0)
     ON CONFLICT (gateway) DO UPDATE SET site = excluded.site, last_ms = greatest(gateway.last_ms, excluded.last_ms),
       batches = gateway.batches + excluded.batches`,
    [gateway, site, nowMs, batches],
  );
  if (known.known && (known.previous !== null || previous === null)) {
    await session.query('UPDATE boot SET last_ms = greatest(last_ms, $3) WHERE gateway = $1 AND boot = $2', [
      gateway,
      boot,
      nowMs,
    ]);
    return false;
  }
  const all = await session.query<{ boot: string; previous: string | null; generation: number }>(
    'SELECT boot, previous_boot AS previous, generation FROM boot WHERE gateway = $1 ORDER BY boot',
    [gateway],
  );
  const parent = all.find((other) => other.boot === previous);
  const generation = parent === undefined ? 0 : parent.generation + 1;
  await session.query(
    `INSERT INTO boot (gateway, boot, previous_boot, generation, first_ms, last_ms) VALUES ($1, $2, $3, $4, $5, $5)
     ON CONFLICT (gateway, boot) DO UPDATE SET previous_boot = excluded.previous_boot,
       generation = excluded.generation, last_ms = greatest(boot.last_ms, excluded.last_ms)`,
    [gateway, boot, previous, generation, nowMs],
  );
  const seen = new Set([boot]);
  const waiting = [{ boot, generation }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for (const child of all) {
      // No agent makes a circle; a forged one must not hold the bridge.
      if (child.previous !== next.boot || seen.has(child.boot)) continue;
      seen.add(child.boot);
      const moved = { boot: child.boot, generation: next.generation + 1 };
      await session.query('UPDATE boot SET generation = $3 WHERE gateway = $1 AND boot = $2', [
        gateway,
        moved.boot,
        moved.generation,
      ]);
      waiting.push(moved);
    }
  }
  if (previous === null) return known.forked;
  const siblings = all.filter((other) => other.previous === previous).map((other) => other.boot);
  const children = [...new Set([...siblings, boot])].sort();
  if (children.length > 1) {
    forks.push({ gateway, previousBoot: previous, boots: children });
    await session.query(
      'UPDATE gateway SET forks = (SELECT count(*) FROM fork WHERE gateway = $1) WHERE gateway = $1',
      [gateway],
    );
  }
  return known.forked || children.length > 1;
}

/** Brings `boot.branch` and `branch_older` up to the boots now known of a forked gateway. */
export async function placeBranches(session: Session, gateway: string): Promise<void> {
  const boots = await session.query<KnownBoot & { readonly branch: string | null }>(
    'SELECT boot, previous_boot AS previous, sealed_ms AS "sealedMs", branch FROM boot WHERE gateway = $1',
    [gateway],
  );
  const { branchOf, older } = branchesOf(boots);
  const moved = boots.filter(({ boot, branch }) => (branchOf.get(boot) ?? null) !== branch);
  if (moved.length > 0) {
    await session.query(
      `UPDATE boot SET branch = r.branch FROM json_to_recordset($2::json) AS r(boot text, branch text)
       WHERE boot.gateway = $1 AND boot.boot = r.boot`,
      [gateway, JSON.stringify(moved.map(({ boot }) => ({ boot, branch: branchOf.get(boot) ?? null })))],
    );
  }
  const pairs = [...older].flatMap(([branch, found]) => [...found].map((boot) => ({ boot, branch })));
  await session.query(
    `DELETE FROM branch_older WHERE gateway = $1 AND (boot, branch) NOT IN
       (SELECT r.boot, r.branch FROM json_to_recordset($2::json) AS r(boot text, branch text))`,
    [gateway, JSON.stringify(pairs)],
  );
  await session.query(
    `INSERT INTO branch_older (gateway, boot, branch)
     SELECT $1, r.boot, r.branch FROM json_to_recordset($2::json) AS r(boot text, branch text) ON CONFLICT DO NOTHING`,
    [gateway, JSON.stringify(pairs)],
  );
}

export async function chain(session: Session, gateway: string): Promise<Map<string, string | null>> {
  const rows = await session.query<{ boot: string; previous: string | null }>(
    'SELECT boot, previous_boot AS previous FROM boot WHERE gateway = $1',
    [gateway],
  );
  return new Map(rows.map(({ boot, previous }) => [boot, previous]));
}

export function follows(parents: ReadonlyMap<string, string | null>, later: string, earlier: string): boolean {
  const seen = new Set<string>();
  for (let at: string | null = later; at !== null && !seen.has(at);) {
    seen.add(at);
    at = parents.get(at) ?? null;
    if (at === earlier) return true;
  }
  return false;
}
