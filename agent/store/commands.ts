/**
 * What the journal keeps of commands: the highest counter of each key, the newest answers, and the requests somebody at the gateway
 * has to allow. Used by the writer thread inside its transactions.
 *
 * Invariants (test/unit/remote/ledger.test.ts):
 *  L1  A command is `fresh` at most once, and only with a counter above that of every fresh command of its key before it; both are
 *      durable when that is answered.
 *  L2  A command that comes again byte for byte is a `repeat` and brings its answer, while that is one of the newest `maxAnswers`.
 *  L3  At most `maxRequests` requests wait. One is let through once for each time somebody allowed it.
 */
import type { Database, Statement } from 'better-sqlite3';

export const maxAnswers = 64;
export const maxRequests = 20;
const requestLifeMs = 24 * 3_600_000;
const allowedForMs = 3_600_000;

export interface CommandTake {
  /** Fingerprint of the key it is signed with. */
  readonly key: string;
  readonly counter: number;
  readonly id: string;
  /** SHA-256 of its payload. */
  readonly command: string;
  readonly kind: string;
  readonly atMs: number;
  /** false: it may not be executed any more; only whether it was is of interest. */
  readonly execute: boolean;
}
export type CommandTaken =
  | { readonly state: 'fresh' }
  /** `answer` null: it began and has none. */
  | { readonly state: 'repeat'; readonly answer: string | null }
  | { readonly state: 'used' }
  /** It was not known, and `execute` was false. */
  | { readonly state: 'unknown' };

export interface RemoteRequest {
  readonly id: number;
  readonly kind: string;
  readonly body: string;
  readonly state: 'waits' | 'allowed' | 'denied';
  readonly askedMs: number;
}
export type RequestState = 'allowed' | 'waits' | 'denied' | 'full';

export interface CommandStore {
  /** Durable when resolved. Rejects with a StoreError; then the command must not be executed. */
  takeCommand(take: CommandTake): Promise<CommandTaken>;
  answerCommand(answer: { readonly key: string; readonly counter: number; readonly answer: string }): Promise<void>;
  /** Whether this request has been allowed; `allowed` uses that up, and what was never asked waits from now on. */
  askRequest(request: { readonly kind: string; readonly body: string; readonly atMs: number }): Promise<RequestState>;
}

export class CommandLedger {
  readonly #sql: ReturnType<typeof prepareAll>;

  constructor(db: Database) {
    this.#sql = prepareAll(db);
  }

  take({ key, counter, id, command, kind, atMs, execute }: CommandTake): CommandTaken {
    const known = this.#sql.find.get({ key, counter }) as { command: string; answer: string | null } | undefined;
    if (known?.command === command) return { state: 'repeat', answer: known.answer };
    const highest = (this.#sql.highest.get({ key }) as number | undefined) ?? 0;
    if (known !== undefined || counter <= highest || this.#sql.findId.get({ key, id }) !== undefined)
      return { state: 'used' };
    if (!execute) return { state: 'unknown' };
    this.#sql.raise.run({ key, counter });
    this.#sql.insert.run({ key, counter, id, command, kind, atMs });
    this.#sql.forget.run({ keep: maxAnswers });
    return { state: 'fresh' };
  }

  answer({ key, counter, answer }: { key: string; counter: number; answer: string }): void {
    this.#sql.answer.run({ key, counter, answer });
  }

  ask({ kind, body, atMs }: { kind: string; body: string; atMs: number }): RequestState {
    this.#sql.expire.run({ atMs, requestLifeMs, allowedForMs });
    const known = this.#sql.request.get({ kind, body }) as RemoteRequest | undefined;
    if (known?.state === 'allowed') this.#sql.dropRequest.run({ id: known.id });
    if (known !== undefined) return known.state;
    if (this.requests().length >= maxRequests) return 'full';
    this.#sql.addRequest.run({ kind, body, atMs });
    return 'waits';
  }

  requests(): readonly RemoteRequest[] {
    return this.#sql.requests.all() as RemoteRequest[];
  }

  /** False: no such request waits. */
  decide(id: number, state: 'allowed' | 'denied', atMs: number): boolean {
    return this.#sql.decide.run({ id, state, atMs }).changes > 0;
  }
}

function prepareAll(db: Database) {
  const one = (sql: string): Statement => db.prepare(sql);
  const request = 'id, kind, body, state, asked_ms AS askedMs';
  return {
    find: one('SELECT command, answer FROM command WHERE key = $key AND counter = $counter'),
    findId: one('SELECT 1 FROM command WHERE key = $key AND command_id = $id'),
    highest: db.prepare('SELECT counter FROM command_key WHERE key = $key').pluck(),
    raise: one(
      'INSERT INTO command_key (key, counter) VALUES ($key, $counter) ON CONFLICT (key) DO UPDATE SET counter = $counter',
    ),
    insert: one(
      'INSERT INTO command (key, counter, command_id, command, kind, at_ms) VALUES ($key, $counter, $id, $command, $kind, $atMs)',
    ),
    forget: one('DELETE FROM command WHERE id <= (SELECT max(id) FROM command) - $keep'),
    answer: one('UPDATE command SET answer = $answer WHERE key = $key AND counter = $counter'),
    // A clock that was set back makes none of them live for ever.
    expire: one(`DELETE FROM remote_request WHERE abs($atMs - asked_ms) > $requestLifeMs
      OR (state = 'allowed' AND abs($atMs - decided_ms) > $allowedForMs)`),
    request: one(`SELECT ${request} FROM remote_request WHERE kind = $kind AND body = $body`),
    requests: one(`SELECT ${request} FROM remote_request ORDER BY id`),
    addRequest: one("INSERT INTO remote_request (kind, body, state, asked_ms) VALUES ($kind, $body, 'waits', $atMs)"),
    dropRequest: one('DELETE FROM remote_request WHERE id = $id'),
    decide: one(
      "UPDATE remote_request SET state = $state, decided_ms = $atMs WHERE id = $id AND state IN ('waits', 'denied')",
    ),
  };
}
