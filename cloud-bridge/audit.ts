/**
 * What was tried at the bridge that may not be, and who was let in or shut out: one line of JSON each in `audit.jsonl` of the data
 * folder. Several processes may write: the bridge, and the commands beside it.
 *
 * Invariants (test/unit/bridge/audit.test.ts):
 *  D1  The first of its kind is on disk when `note` returns; the same again within a minute is counted, in one line at its end.
 *  D2  Two files of `maxFileBytes` are kept at most; the older one goes first.
 *  D3  Within a minute `maxKinds` kinds are told apart, and what comes beyond them is one kind. So is memory bounded.
 *  D4  What a stranger wrote is cut to `maxTextChars`, and a line stays one line.
 *  D5  A disk that takes nothing costs lines, which are counted, and nothing else.
 */
import { appendFileSync, existsSync, readFileSync, renameSync, statSync } from 'node:fs';
import type { DataDir } from './files.ts';

export const maxFileBytes = 1024 * 1024;
export const maxKinds = 60;
const maxTextChars = 160;
const minuteMs = 60_000;

export interface AuditEntry {
  /** What happened: `refused`, or `invited`, `joined`, `renewed`, `revoked`. */
  readonly event: 'refused' | 'invited' | 'joined' | 'renewed' | 'revoked';
  /** The gateway as which somebody logged in; `unknown` where the bridge cannot know: nobody did, or the broker is not its own. */
  readonly who: string;
  /** What was tried, and on what: `publish` on a topic, `join` as a gateway. */
  readonly did: string;
  readonly on: string;
  readonly why: string | null;
  /** Address it came from, where the bridge sees one. */
  readonly from: string | null;
}

export class Audit {
  readonly #dir: Pick<DataDir, 'audit' | 'auditBefore'>;
  readonly #nowMs: () => number;
  /** Of the minute that began at `#sinceMs`: how often after the first. */
  readonly #again = new Map<string, { readonly entry: AuditEntry; count: number }>();
  #sinceMs = -Infinity;
  #timer: NodeJS.Timeout | null = null;
  #unwritten = 0;

  constructor(dir: Pick<DataDir, 'audit' | 'auditBefore'>, nowMs: () => number) {
    this.#dir = dir;
    this.#nowMs = nowMs;
  }

  /** Lines that the disk did not take. */
  get unwritten(): number {
    return this.#unwritten;
  }

  note(entry: AuditEntry): void {
    const nowMs = this.#nowMs();
    // A clock that was put back begins a new minute as well.
    if (nowMs - this.#sinceMs >= minuteMs || nowMs < this.#sinceMs) {
      this.flush();
      this.#sinceMs = nowMs;
    }
    const known = keyOf(entry);
    const isNew = !this.#again.has(known);
    const crowded = isNew && this.#again.size >= maxKinds;
    const key = crowded ? 'more' : known;
    const kind = this.#again.get(key);
    if (kind !== undefined) {
      kind.count += 1;
      return;
    }
    const told = crowded ? { ...entry, who: 'several', on: 'more', from: null } : entry;
    this.#again.set(key, { entry: told, count: 0 });
    this.#write(told, 1);
    this.#timer ??= setTimeout(() => this.flush(), minuteMs).unref();
  }

  /** Writes how often what is known already came again. To be called before the end. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    for (const { entry, count } of this.#again.values()) if (count > 0) this.#write(entry, count);
    this.#again.clear();
    this.#sinceMs = -Infinity;
  }

  #write(entry: AuditEntry, count: number): void {
    const line = { time: new Date(this.#nowMs()).toISOString(), ...cut(entry), count };
    try {
      const bytes = statSync(this.#dir.audit, { throwIfNoEntry: false })?.size ?? 0;
      if (bytes >= maxFileBytes) renameSync(this.#dir.audit, this.#dir.auditBefore);
      appendFileSync(this.#dir.audit, `${JSON.stringify(line)}\n`, { mode: 0o600 });
    } catch {
      this.#unwritten += 1;
    }
  }
}

/** All that is kept, oldest first, one JSON text a line. */
export function auditLines(dir: Pick<DataDir, 'audit' | 'auditBefore'>): readonly string[] {
  return [dir.auditBefore, dir.audit]
    .filter((path) => existsSync(path))
    .flatMap((path) => readFileSync(path, 'utf8').split('\n'))
    .filter((line) => line !== '');
}

function keyOf({ event, who, did, on, why, from }: AuditEntry): string {
  return JSON.stringify(cut({ event, who, did, on, why, from }));
}

function cut(entry: AuditEntry): AuditEntry {
  const text = (value: string) => value.slice(0, maxTextChars);
  const { event, who, did, on, why, from } = entry;
  return {
    event,
    who: text(who),
    did: text(did),
    on: text(on),
    why: why === null ? null : text(why),
    from: from === null ? null : text(from),
  };
}
