/**
 * Tells a witness outside what has become durable, so that the witness, and not the store, can say whether anything was lost.
 *
 * With SELVEDGE_WITNESS_FD the agent writes a JSON line per record to that open file descriptor, after the journal has committed it and
 * before anything else learns of it. The line holds the record's identity and the SHA-256 of its canonical JSON (keys sorted at every
 * depth, no white space), which can be made again from what the bridge stores. It is for tests (`npm run torture`): the write waits
 * for its reader. Without the variable nothing of this runs.
 *
 * Invariant (test/unit/store/witness.test.ts):
 *  CW1  A line is written only of a record whose commit has resolved; a commit that is rejected leaves none.
 */
import { createHash } from 'node:crypto';
import { writeSync } from 'node:fs';
import type { WireRecord } from '../cloud-bridge/contract.ts';
import type { Store } from './store/open.ts';

/** The descriptor asked for; null: there is no witness. */
export function witnessFd(environment: NodeJS.ProcessEnv): number | null {
  const text = environment['SELVEDGE_WITNESS_FD'] ?? '';
  return /^\d+$/.test(text) ? Number(text) : null;
}

/** The store, whose commits `write` is told of. */
export function witnessed(store: Store, write: (lines: string) => void): Store {
  const { boot } = store.recovery;
  return {
    ...store,
    commit: async (entries, options) => {
      await store.commit(entries, options);
      write(entries.map(({ record }) => `${JSON.stringify(lineOf(boot, record))}\n`).join(''));
    },
  };
}

/** Writes all of it, however little the pipe takes at once. */
export function writeWhole(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
}

function lineOf(boot: string, record: WireRecord) {
  const { n, kind, machine } = record;
  const sha256 = createHash('sha256').update(canonical(record)).digest('hex');
  const line = { boot, n, kind, sha256 };
  switch (record.kind) {
    case 'summary':
    case 'state-summary': {
      const { minuteMs, readingBoot, segment, revision } = record;
      const signal = record.kind === 'summary' ? record.signal : null;
      return { ...line, key: { machine, signal, minuteMs, readingBoot, segment }, revision };
    }
    default:
      return line;
  }
}

/** JSON with the keys of every object sorted. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
