/**
 * The branches of a forked gateway: which of its boots may have watched the same machines at the same time.
 *
 * Boots that follow one another in a chain never have, whatever their clocks say; boots on two sides of a fork may have. Of
 * the children of one boot the oldest goes on with its parent's branch and every other opens one, which its descendants
 * inherit.
 *
 * Invariants (test/unit/bridge/branches.test.ts):
 *  F1  The result depends on the boots known and on when their batches were sealed, not on the order of arrival.
 *  F2  Of two boots neither of which descends from the other, and which share a fork, exactly one is older than the other's
 *      branch: the one on the side of the older sibling where their ways part.
 *  F3  An ancestor is never older in this sense, nor is a boot of another tree: their spans always count.
 *  F4  Boots that name each other in a circle do not hold it.
 */
import type Database from 'better-sqlite3';

export interface KnownBoot {
  readonly boot: string;
  readonly previous: string | null;
  /** Earliest sealing of a stored batch of it, on the gateway's clock; null while none is. */
  readonly sealedMs: number | null;
}

export interface Branches {
  /** Boot → its branch, named after the boot that opened it. */
  readonly branchOf: ReadonlyMap<string, string>;
  /** Branch → the boots whose spans go before those of the branch; only branches that have any. */
  readonly older: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Ages must not depend on arrival: sealing times first, and the random ids where those are equal or missing. */
function byAge(a: KnownBoot, b: KnownBoot): number {
  const [aMs, bMs] = [a.sealedMs ?? Infinity, b.sealedMs ?? Infinity];
  if (aMs !== bMs) return aMs < bMs ? -1 : 1;
  return a.boot < b.boot ? -1 : 1;
}

/** Places all boots of one gateway. */
export function branchesOf(boots: readonly KnownBoot[]): Branches {
  const known = new Map(boots.map((boot) => [boot.boot, boot]));
  const children = new Map<string, KnownBoot[]>();
  for (const boot of [...boots].sort(byAge)) {
    if (boot.previous === null) continue;
    children.set(boot.previous, [...(children.get(boot.previous) ?? []), boot]);
  }
  const olderSiblings = ({ boot, previous }: KnownBoot) => {
    const siblings = previous === null ? [] : (children.get(previous) ?? []);
    return siblings.slice(
      0,
      siblings.findIndex((sibling) => sibling.boot === boot),
    );
  };

  const openers = boots.filter(
    (boot) =>
      boot.previous === null || !known.has(boot.previous) || children.get(boot.previous)?.[0]?.boot !== boot.boot,
  );
  const branchOf = new Map<string, string>();
  for (const opener of openers) {
    for (let at: KnownBoot | undefined = opener; at !== undefined && !branchOf.has(at.boot);) {
      branchOf.set(at.boot, opener.boot);
      at = children.get(at.boot)?.[0];
    }
  }

  const older = new Map<string, Set<string>>();
  for (const opener of openers) {
    const found = new Set<string>();
    const seen = new Set<string>();
    for (let at: KnownBoot | undefined = opener; at !== undefined && !seen.has(at.boot);) {
      seen.add(at.boot);
      const waiting: KnownBoot[] = olderSiblings(at);
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
        if (found.has(next.boot)) continue;
        found.add(next.boot);
        waiting.push(...(children.get(next.boot) ?? []));
      }
      // What goes before the branch it came from goes before it.
      const parentBranch: string | undefined = at.previous === null ? undefined : branchOf.get(at.previous);
      at = parentBranch === undefined ? undefined : known.get(parentBranch);
    }
    for (const boot of found) if (branchOf.get(boot) === opener.boot) found.delete(boot);
    if (found.size > 0) older.set(opener.boot, found);
  }
  return { branchOf, older };
}

/** What a change of the branches means for who goes before whom; boots no row can be of are not named. */
export interface BranchChange {
  /** Boots that go before some branch now and before none until now, and the other way round. */
  readonly entered: readonly string[];
  readonly left: readonly string[];
  /** Something other than boots without rows has changed its place. */
  readonly moved: boolean;
}

export interface BranchKeeper {
  /** The gateway has a fork, so its boots have branches. */
  forked(gateway: string): boolean;
  /** Brings `boot.branch` and `branch_older` up to the boots now known of a forked gateway. */
  place(gateway: string): BranchChange;
}

/** Prepares the statements on `db`; each call must run inside the caller's transaction. */
export function branchKeeper(db: Database.Database): BranchKeeper {
  const forked = db.prepare<[string], { found: number }>(
    'SELECT 1 AS found FROM branch_older WHERE gateway = ? LIMIT 1',
  );
  const boots = db.prepare<[string], KnownBoot & { readonly branch: string | null }>(
    'SELECT boot, previous_boot AS previous, sealed_ms AS sealedMs, branch FROM boot WHERE gateway = ?',
  );
  const setBranch = db.prepare<[string | null, string, string]>(
    'UPDATE boot SET branch = ? WHERE gateway = ? AND boot = ?',
  );
  const olders = db.prepare<[string], { boot: string; branch: string }>(
    'SELECT boot, branch FROM branch_older WHERE gateway = ?',
  );
  const rebuilt = db.prepare<[string], string>('SELECT boot FROM boot_rebuilt WHERE gateway = ?').pluck();
  const drop = db.prepare<[string, string, string]>(
    'DELETE FROM branch_older WHERE gateway = ? AND boot = ? AND branch = ?',
  );
  const put = db.prepare<[string, string, string]>('INSERT INTO branch_older (gateway, boot, branch) VALUES (?, ?, ?)');
  return {
    forked: (gateway) => forked.get(gateway) !== undefined,
    place(gateway) {
      const known = boots.all(gateway);
      const { branchOf, older } = branchesOf(known);
      for (const { boot, branch } of known) {
        const placed = branchOf.get(boot) ?? null;
        if (placed !== branch) setBranch.run(placed, gateway, boot);
      }
      // Without this every start of a forked gateway would have all its rows looked through for those of a boot just begun.
      const readings = new Set(rebuilt.all(gateway));
      for (const { boot, sealedMs } of known) if (sealedMs !== null) readings.add(boot);

      const before = new Map<string, Set<string>>();
      for (const { boot, branch } of olders.all(gateway)) {
        before.set(branch, (before.get(branch) ?? new Set()).add(boot));
      }
      const changed: string[] = [];
      for (const [branch, found] of before) {
        for (const boot of found) {
          if (older.get(branch)?.has(boot) === true) continue;
          drop.run(gateway, boot, branch);
          changed.push(boot);
        }
      }
      for (const [branch, found] of older) {
        for (const boot of found) {
          if (before.get(branch)?.has(boot) === true) continue;
          put.run(gateway, boot, branch);
          changed.push(boot);
        }
      }
      const [was, is] = [leading(before), leading(older)];
      const touched = [...new Set(changed)].filter((boot) => readings.has(boot));
      return {
        entered: touched.filter((boot) => is.has(boot) && !was.has(boot)),
        left: touched.filter((boot) => was.has(boot) && !is.has(boot)),
        moved: touched.length > 0,
      };
    },
  };
}

/** Every boot that goes before some branch. */
function leading(older: ReadonlyMap<string, ReadonlySet<string>>): Set<string> {
  return new Set([...older.values()].flatMap((found) => [...found]));
}
