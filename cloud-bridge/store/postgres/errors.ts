/** What PostgreSQL's errors mean for a batch. SQLSTATE classes: PostgreSQL manual, appendix A. */
import type { Trouble } from '../bridge-store.ts';

export function sqlState(error: unknown): string | null {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : null;
}

/** 40001 serialization failure, 40P01 deadlock: the same transaction may succeed when it is tried again. */
export function isCollision(error: unknown): boolean {
  return ['40001', '40P01'].includes(sqlState(error) ?? '');
}

/** Where trying again by itself is no use: login, database or rights are wrong (28…, 3D000, 42501), or there is no password to log in with. */
export function isRefusal(error: unknown): boolean {
  const state = sqlState(error);
  // `pg` has no code for a password that the server asks for and nobody gave.
  if (state === null) return error instanceof Error && error.message.includes('password must be a');
  return /^(28|3D000|42501)/.test(state);
}

/**
 * 53100 is a full disk. Values that do not fit (22, 23, 54) and a row named twice (21) are the batch's own fault; a mistake in
 * this program is as well, as it must not hold up the others. Everything else, and whatever is no answer of the server at
 * all, is a store that is away.
 */
export function troubleOf(error: unknown): Trouble | null {
  const state = sqlState(error);
  if (state === null) return error instanceof TypeError || error instanceof RangeError ? null : 'down';
  if (state === '53100') return 'full';
  return /^(2[123]|54)/.test(state) ? null : 'down';
}
