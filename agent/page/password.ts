/**
 * Passwords as scrypt hashes (RFC 7914, `node:crypto`, on the thread pool).
 *
 *  W1  At most one hash is computed at a time and at most `maxWaiting` wait: a flood of log-ins costs neither the memory
 *      budget (16 MiB a hash) nor the thread pool that file access needs.
 *  W2  A name nobody has costs the same hash as a wrong password: the time of an answer does not tell who exists.
 */
import { scrypt, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { RandomBytes } from './source.ts';

export const passwordHash = z.strictObject({
  scheme: z.literal('scrypt'),
  n: z
    .int()
    .min(2)
    .max(1 << 20),
  r: z.int().min(1).max(32),
  p: z.int().min(1).max(16),
  salt: z.base64(),
  hash: z.base64(),
});
export type PasswordHash = z.infer<typeof passwordHash>;

export interface ScryptCost {
  readonly n: number;
  readonly r: number;
  readonly p: number;
}
/** 16 MiB and about 0.2 s: one of the equivalent settings OWASP's password storage sheet gives for scrypt. */
export const defaultCost: ScryptCost = { n: 1 << 14, r: 8, p: 5 };

const minLength = 10;
const maxLength = 256;
const maxWaiting = 8;
const hashBytes = 32;

/** Why `password` is not good enough for `name`, in words for the person; null when it is. */
export function passwordFault(name: string, password: string): string | null {
  const text = password.normalize('NFKC');
  if (text.length < minLength) return `The password needs at least ${minLength} characters; a short sentence is good.`;
  if (text.length > maxLength) return `The password may have at most ${maxLength} characters.`;
  if (new Set(text).size < 4) return 'The password repeats too few characters.';
  if (text.toLowerCase().includes(name.toLowerCase())) return 'The password must not contain the user name.';
  return null;
}

/** 'busy' when too many log-ins wait already. */
export type Verdict = 'match' | 'no-match' | 'busy';

export interface Passwords {
  hash(password: string): Promise<PasswordHash>;
  /** Compares with `stored`, or with nothing at the same price when it is null. */
  check(password: string, stored: PasswordHash | null): Promise<Verdict>;
}

export function createPasswords(random: RandomBytes, cost: ScryptCost = defaultCost): Passwords {
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;

  const derive = (password: string, salt: Uint8Array, c: ScryptCost): Promise<Buffer> => {
    const run = () =>
      new Promise<Buffer>((resolve, reject) => {
        const maxmem = 128 * c.n * c.r * 2;
        scrypt(password.normalize('NFKC'), salt, hashBytes, { N: c.n, r: c.r, p: c.p, maxmem }, (error, key) => {
          if (error === null) resolve(key);
          else reject(error);
        });
      });
    waiting += 1;
    const result = last.then(run, run);
    last = result.then(
      () => (waiting -= 1),
      () => (waiting -= 1),
    );
    return result;
  };

  return {
    async hash(password) {
      const salt = random(16);
      const key = await derive(password, salt, cost);
      return { scheme: 'scrypt', ...cost, salt: Buffer.from(salt).toString('base64'), hash: key.toString('base64') };
    },
    async check(password, stored) {
      if (waiting >= maxWaiting || password.length > maxLength) return waiting >= maxWaiting ? 'busy' : 'no-match';
      if (stored === null) {
        await derive(password, random(16), cost);
        return 'no-match';
      }
      const key = await derive(password, Buffer.from(stored.salt, 'base64'), stored);
      const wanted = Buffer.from(stored.hash, 'base64');
      return wanted.length === key.length && timingSafeEqual(wanted, key) ? 'match' : 'no-match';
    },
  };
}
