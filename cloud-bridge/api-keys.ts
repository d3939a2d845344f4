/**
 * Keys of the API, one file each (`api-keys/<name>.json`), read when a request comes: adding and removing need no restart.
 * A key is `NAME.SECRET` with 256 random bits of secret, so one round of SHA-256 keeps it as well as a slow hash would.
 *
 * Invariants (test/unit/bridge/api-keys.test.ts):
 *  K1  Only the hash of a key is stored; the key itself is told once, to who made it, and is in no log.
 *  K2  A wrong, expired, removed or damaged key opens nothing. Comparing takes as long for an unknown name.
 *  K3  The key `init` wrote in clear (`api-key`) opens the API from this computer alone.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { scopes, type Scope } from './api/operations.ts';
import { BridgeError } from './errors.ts';
import { makeDir, reasonOf, writeFileAtomic, type DataDir } from './files.ts';

const namePattern = /^[a-z0-9-]{1,40}$/;
const allScopes = Object.keys(scopes) as Scope[];

const keyFile = z.strictObject({
  v: z.literal(1),
  name: z.string().regex(namePattern),
  scopes: z.array(z.enum(allScopes)).min(1),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  createdMs: z.int(),
  expiresMs: z.int().nullable(),
});
type KeyFile = z.infer<typeof keyFile>;
/** A key as it may be shown: without its hash. */
export type KeyView = Omit<KeyFile, 'v' | 'sha256'>;

const hash = (text: string) => createHash('sha256').update(text).digest();
const folderOf = (dir: DataDir) => join(dir.root, 'api-keys');
const fileOf = (dir: DataDir, name: string) => join(folderOf(dir), `${name}.json`);

/** Scopes from `read,metrics`. Throws BRG-101. */
export function parseScopes(text: string): readonly Scope[] {
  const parsed = z.array(z.enum(allScopes)).min(1).safeParse(text.split(','));
  if (!parsed.success) {
    throw new BridgeError('usage', `--scope must be one or more of ${allScopes.join(', ')}, with commas between them`);
  }
  return [...new Set(parsed.data)];
}

/** UTC milliseconds of `2027-01-31`, `2027-01-31T08:00Z`, or of `90d` and `12h` from now. Throws BRG-101. */
export function parseExpiry(text: string, nowMs: number): number {
  const span = /^(\d{1,5})([dh])$/.exec(text);
  const isDate = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?Z)?$/.test(text);
  const atMs =
    span === null
      ? isDate
        ? Date.parse(text)
        : NaN
      : nowMs + Number(span[1]) * (span[2] === 'd' ? 86_400_000 : 3_600_000);
  if (!(atMs > nowMs)) {
    throw new BridgeError('usage', `--expires must be a time to come, as 90d, 12h, 2027-01-31 or 2027-01-31T08:00Z`);
  }
  return atMs;
}

/** Makes a key and returns it: the only time it can be had. Throws BRG-102, -103, -107 or -130. */
export function addKey(
  dir: DataDir,
  options: { readonly name: string; readonly scopes: readonly Scope[]; readonly expiresMs: number | null },
  nowMs: number,
): string {
  const { name } = options;
  if (!existsSync(dir.privateKey)) throw new BridgeError('notInitialised', `${dir.privateKey} does not exist`);
  if (!namePattern.test(name)) throw new BridgeError('nameInvalid', `"${name}" is not usable as the name of a key`);
  if (existsSync(fileOf(dir, name))) throw new BridgeError('apiKeyName', `there is a key ${name} already`);
  const key = `${name}.${randomBytes(32).toString('base64url')}`;
  const content: KeyFile = {
    v: 1,
    name,
    scopes: [...options.scopes],
    sha256: hash(key).toString('hex'),
    createdMs: nowMs,
    expiresMs: options.expiresMs,
  };
  makeDir(folderOf(dir));
  writeFileAtomic(fileOf(dir, name), `${JSON.stringify(content, null, 2)}\n`, 0o600);
  return key;
}

/** Takes a key away; a running bridge refuses it from the next request on. Throws BRG-103 or -130. */
export function removeKey(dir: DataDir, name: string): void {
  if (!namePattern.test(name) || !existsSync(fileOf(dir, name)))
    throw new BridgeError('apiKeyName', `there is no key ${name}`);
  try {
    rmSync(fileOf(dir, name));
  } catch (error) {
    throw new BridgeError('dataDirUnwritable', `cannot remove key ${name}: ${reasonOf(error)}`, { cause: error });
  }
}

/** The keys there are, by name. A file that is no key is left out: it opens nothing. */
export function listKeys(dir: DataDir): readonly KeyView[] {
  if (!existsSync(folderOf(dir))) return [];
  return readdirSync(folderOf(dir))
    .filter((file) => file.endsWith('.json'))
    .sort()
    .flatMap((file) => {
      const found = readKey(dir, file.slice(0, -'.json'.length));
      if (found === null) return [];
      const { name, scopes: may, createdMs, expiresMs } = found;
      return [{ name, scopes: may, createdMs, expiresMs }];
    });
}

function readKey(dir: DataDir, name: string): KeyFile | null {
  try {
    const found = keyFile.safeParse(JSON.parse(readFileSync(fileOf(dir, name), 'utf8'))).data;
    return found?.name === name ? found : null;
  } catch {
    return null;
  }
}

export interface Access {
  readonly name: string;
  readonly scopes: readonly Scope[];
}
/** `expired` is said only to who has the right key. */
export type KeyAnswer = Access | 'wrong' | 'expired';

/** Judges the key of a request; `isLocal`: it comes from this computer. */
export type FindKey = (key: string, isLocal: boolean, nowMs: number) => KeyAnswer;

/** @param localKey what `init` wrote; it may do everything, from this computer alone (K3) */
export function keyFinder(dir: DataDir, localKey: string): FindKey {
  const local = hash(localKey);
  const nobody = randomBytes(32);
  return (key, isLocal, nowMs) => {
    const given = hash(key);
    const isLocalKey = timingSafeEqual(given, local);
    const name = key.slice(0, Math.max(0, key.indexOf('.')));
    const stored = namePattern.test(name) ? readKey(dir, name) : null;
    const same = timingSafeEqual(given, stored === null ? nobody : Buffer.from(stored.sha256, 'hex'));
    if (isLocalKey && isLocal) return { name: 'local', scopes: allScopes };
    if (!same || stored === null) return 'wrong';
    return stored.expiresMs !== null && stored.expiresMs <= nowMs ? 'expired' : { name, scopes: stored.scopes };
  };
}
