/**
 * Room that is kept for what must not wait: alerts, events, the audit and the answers of the bridge. A file of its own holds it on the
 * disk; it is given up when the disk is full and taken back when there is room. Where the journal has a limit of its own, the last
 * part of that is kept the same way.
 *
 * Invariants (test/unit/store/reserve.test.ts):
 *  F1  While the reserve is given up, or the journal is within `spareBytes` of its limit, `isShort` is true: minutes wait.
 *      Commits of minutes end below that part, however many come at once (test/integration/store-full.test.ts).
 *  F2  It is taken back only when the disk has twice its size free, so that it does not come and go.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, rmSync, statSync, writeSync } from 'node:fs';

export interface ReserveOptions {
  readonly path: string;
  readonly bytes: number;
  /** Free bytes of the disk for the agent's user. */
  readonly freeBytes: () => number;
  /** Bytes of the journal that hold something. */
  readonly usedBytes: () => number;
  /** Limit of the journal, bytes; null: the disk alone. */
  readonly maxBytes: number | null;
  /** Milliseconds that never go back. */
  readonly nowMs: () => number;
}

/** So much of the journal's own limit is kept, at most a tenth of it. */
const maxSpareBytes = 8 * 1024 * 1024;
const askAgainMs = 1_000;
const pieceBytes = 256 * 1024;

export class Reserve {
  readonly #o: ReserveOptions;
  readonly #softBytes: number;
  #held: boolean;
  #askedMs = -Infinity;

  constructor(options: ReserveOptions) {
    this.#o = options;
    const { maxBytes } = options;
    this.#softBytes = maxBytes === null ? Infinity : maxBytes - Math.min(maxSpareBytes, Math.floor(maxBytes / 10));
    this.#held = this.#isThere();
    if (!this.#held) this.#takeBack();
  }

  /** True where only what is precious may be stored. Takes the reserve back when there is room. */
  isShort(): boolean {
    const nowMs = this.#o.nowMs();
    if (!this.#held && nowMs - this.#askedMs >= askAgainMs) {
      this.#askedMs = nowMs;
      this.#takeBack();
    }
    return !this.#held || this.isTouched();
  }

  /** True where the journal reaches into the part of its own limit that is kept. In a transaction: with what it has done so far. */
  isTouched(): boolean {
    return this.#softBytes !== Infinity && this.#o.usedBytes() >= this.#softBytes;
  }

  /** The disk is full: the reserve is for the precious now. False where that would help nobody, as it is the journal's own limit. */
  giveUp(): boolean {
    const { path, bytes, maxBytes, freeBytes, nowMs } = this.#o;
    if (!this.#held || (maxBytes !== null && freeBytes() >= 2 * bytes)) return false;
    this.#held = false;
    this.#askedMs = nowMs();
    rmSync(path, { force: true });
    return true;
  }

  #takeBack(): void {
    const { path, bytes, freeBytes } = this.#o;
    try {
      if (freeBytes() < 2 * bytes) return;
      write(path, bytes);
      this.#held = true;
    } catch {
      // Full after all, or not to be written: it is asked again.
      rmSync(path, { force: true });
    }
  }

  #isThere(): boolean {
    return statSync(this.#o.path, { throwIfNoEntry: false })?.size === this.#o.bytes;
  }
}

/** Not noughts: a file system that packs or leaves holes would keep no room for them. */
function write(path: string, bytes: number): void {
  const file = openSync(path, 'w', 0o600);
  try {
    for (let at = 0; at < bytes; at += pieceBytes) writeSync(file, randomBytes(Math.min(pieceBytes, bytes - at)));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
