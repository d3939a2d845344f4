/**
 * The gateways this bridge accepts, one file each (`gateways/<id>.json`). Read at every connect and every batch, so that
 * registering, revoking and removing a gateway (deleting its file) need no restart.
 *
 * Invariants (test/unit/bridge/registry.test.ts):
 *  G1  A certificate lets in only while it is one of those last given to its gateway: a newly enrolled gateway shuts out the old one.
 *  G2  Of two keys that follow each other both count until the old one's time is over, and at no time more than two.
 *  G3  A revoked gateway gets in by nothing it has, until it is enrolled or allowed again.
 */
import { createHash, randomBytes, scrypt, timingSafeEqual, type KeyObject } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { BridgeError } from './errors.ts';
import { makeDir, readText, writeFileAtomic, type DataDir } from './files.ts';
import { publicKeyOf } from './keys.ts';

const idPattern = /^[a-z0-9-]{1,40}$/;

const givenCertificate = z.strictObject({ fingerprint: z.string(), serial: z.string(), notAfterMs: z.int() });

const registration = z.strictObject({
  v: z.literal(1),
  gateway: z.string().regex(idPattern),
  site: z.string().regex(idPattern),
  publicKey: z.string(),
  /** The key before this one, for batches that were signed with it. */
  previousKey: z.strictObject({ publicKey: z.string(), untilMs: z.int() }).optional(),
  /** Of a gateway that was allowed by hand. */
  password: z
    .strictObject({
      scheme: z.literal('scrypt'),
      n: z.int(),
      r: z.int(),
      p: z.int(),
      salt: z.string(),
      hash: z.string(),
    })
    .optional(),
  /** Of a gateway that was enrolled; newest first. */
  certificates: z.array(givenCertificate).max(2).optional(),
  /** Given once and taken back before their time: for the list of revoked certificates, until it is over. */
  retired: z.array(givenCertificate).optional(),
  revokedMs: z.int().optional(),
});
export type Registration = z.infer<typeof registration>;

/** A gateway the bridge knows. */
export interface Gateway {
  readonly id: string;
  readonly site: string;
  readonly key: KeyObject;
  /** While keys rotate: the one before, which counts as well. */
  readonly previousKey?: KeyObject;
  readonly revoked?: boolean;
}

/** What a gateway shows of itself when it connects with a certificate of the bridge's authority. */
export interface PeerCertificate {
  readonly name: string;
  /** SHA-256, lower-case hex. */
  readonly fingerprint: string;
}

/** Names of other users of a broker: no gateway may have one. */
export const reservedNames: ReadonlySet<string> = new Set(['bridge', 'reader']);

/** A gateway that is enrolled again and again within the life of its certificates is shut out by its keys all the same. */
const maxRetired = 100;

/** 16 MiB and about 40 ms a guess; the passwords are 256 random bits, so this guards a leaked file twice. */
const cost = { n: 16_384, r: 8, p: 1 } as const;
const hashBytes = 32;

function derive(
  password: string | Buffer,
  salt: Buffer,
  { n, r, p }: { n: number; r: number; p: number },
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, hashBytes, { N: n, r, p }, (error, key) => (error === null ? resolve(key) : reject(error)));
  });
}

/**
 * Registers a gateway and writes a fresh random password to `passwordFile` (mode 0600). Registering the same key and site
 * again only makes a new password; another key or site needs `replace`. Throws BRG-100, -103, -106, -107 or -108.
 */
export async function allowGateway(
  dir: DataDir,
  options: { gateway: string; site: string; publicKeyFile: string; passwordFile: string; replace: boolean },
): Promise<void> {
  const { gateway, site } = options;
  checkNames(gateway, site);
  if (!existsSync(dir.privateKey)) throw new BridgeError('notInitialised', `${dir.privateKey} does not exist`);
  const key = publicKeyOf(readText(options.publicKeyFile));
  if (key === null) throw new BridgeError('keyInvalid', `${options.publicKeyFile} holds no Ed25519 public key`);
  const publicKey = String(key.export({ type: 'spki', format: 'pem' }));
  const path = fileOf(dir, gateway);
  if (existsSync(path) && !options.replace) {
    const before = parse(readText(path));
    if (before === null || before.publicKey !== publicKey || before.site !== site) {
      throw new BridgeError('gatewayKnown', `gateway ${gateway} is registered with another key or site (${path})`);
    }
  }
  const password = randomBytes(32).toString('base64url');
  const salt = randomBytes(16);
  const hash = await derive(password, salt, cost);
  writeFileAtomic(options.passwordFile, `${password}\n`, 0o600);
  const content: Registration = {
    v: 1,
    gateway,
    site,
    publicKey,
    password: { scheme: 'scrypt', ...cost, salt: salt.toString('base64'), hash: hash.toString('base64') },
  };
  register(dir, content);
}

/** Throws BRG-107. */
export function checkNames(gateway: string, site: string): void {
  for (const [what, id] of [
    ['gateway', gateway],
    ['site', site],
  ] as const) {
    if (!idPattern.test(id)) throw new BridgeError('nameInvalid', `"${id}" is not usable as a ${what} id`);
  }
  if (reservedNames.has(gateway)) throw new BridgeError('nameInvalid', `"${gateway}" is the name of another user`);
}

/** What is registered of `gateway`, or null when nothing is or it cannot be understood. */
export function registrationOf(dir: DataDir, gateway: string): Registration | null {
  const path = fileOf(dir, gateway);
  return idPattern.test(gateway) && existsSync(path) ? parse(readText(path)) : null;
}

/**
 * Replaces what is registered of a gateway; of the certificates it had, those it has no more are kept as retired until their time
 * is over. Throws BRG-103.
 */
export function register(dir: DataDir, content: Registration, nowMs = Date.now()): void {
  makeDir(dir.gateways);
  const before = registrationOf(dir, content.gateway);
  const kept = new Set(content.certificates?.map(({ serial }) => serial));
  const gone = [...(before?.certificates ?? []), ...(before?.retired ?? [])];
  const retired = gone.filter(({ serial, notAfterMs }) => !kept.has(serial) && notAfterMs > nowMs).slice(0, maxRetired);
  const { retired: _before, ...rest } = content;
  const all = { ...rest, ...(retired.length === 0 ? {} : { retired }) };
  writeFileAtomic(fileOf(dir, content.gateway), `${JSON.stringify(all, null, 2)}\n`, 0o600);
}

/** Serial numbers of the certificates of a gateway that count no more though their time is not over. */
export function revokedSerials({ revokedMs, certificates = [], retired = [] }: Registration): readonly string[] {
  return [...(revokedMs === undefined ? [] : certificates), ...retired].map(({ serial }) => serial);
}

function fileOf(dir: DataDir, gateway: string): string {
  return join(dir.gateways, `${gateway}.json`);
}

function parse(text: string): Registration | null {
  try {
    return registration.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}

interface Entry {
  readonly gateway: Gateway;
  readonly registration: Registration;
  readonly previousKey: KeyObject | null;
}
interface Cached {
  readonly mark: string;
  readonly entry: Entry | null;
}

export class Registry {
  readonly #dir: DataDir;
  readonly #report: (error: BridgeError) => void;
  readonly #nowMs: () => number;
  /** By gateway id; at most one entry for each file there has been. */
  readonly #cache = new Map<string, Cached>();

  constructor(dir: DataDir, report: (error: BridgeError) => void, nowMs: () => number = Date.now) {
    this.#dir = dir;
    this.#report = report;
    this.#nowMs = nowMs;
  }

  /** The gateway registered as `id` at this moment, or null. A damaged file is reported once per change and counts as none. */
  find(id: string): Gateway | null {
    const entry = this.#read(id);
    if (entry === null) return null;
    const { gateway, previousKey, registration: known } = entry;
    const rotating = previousKey !== null && this.#nowMs() < (known.previousKey?.untilMs ?? 0);
    return rotating ? { ...gateway, previousKey } : gateway;
  }

  /** The gateway that a certificate of our authority is of, while the certificate counts; else null. */
  certified({ name, fingerprint }: PeerCertificate): Gateway | null {
    const entry = this.#read(name);
    if (entry === null || entry.gateway.revoked === true) return null;
    const { certificates = [] } = entry.registration;
    const counts = certificates.some((one) => one.fingerprint === fingerprint && this.#nowMs() < one.notAfterMs);
    return counts ? this.find(name) : null;
  }

  /** The gateway when id and password belong together, else null; it takes as long for an unknown id. */
  async authenticate(id: string, password: Buffer): Promise<Gateway | null> {
    const entry = this.#read(id);
    const known = entry === null || entry.gateway.revoked === true ? undefined : entry.registration.password;
    const { salt, hash, ...costs } = known ?? { ...cost, salt: '', hash: '' };
    const derived = await derive(password, Buffer.from(salt, 'base64'), costs);
    const expected = known === undefined ? createHash('sha256').update(derived).digest() : Buffer.from(hash, 'base64');
    const same = expected.length === derived.length && timingSafeEqual(expected, derived);
    return same && known !== undefined ? this.find(id) : null;
  }

  #read(id: string): Entry | null {
    if (!idPattern.test(id)) return null;
    const path = fileOf(this.#dir, id);
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) {
      this.#cache.delete(id);
      return null;
    }
    const mark = `${stat.mtimeMs} ${stat.size} ${stat.ino}`;
    const cached = this.#cache.get(id);
    if (cached?.mark === mark) return cached.entry;
    const entry = this.#load(id, path);
    this.#cache.set(id, { mark, entry });
    return entry;
  }

  #load(id: string, path: string): Entry | null {
    try {
      const content = parse(readFileSync(path, 'utf8'));
      const key = content === null ? null : publicKeyOf(content.publicKey);
      if (content !== null && key !== null && content.gateway === id) {
        const before = content.previousKey;
        return {
          gateway: { id, site: content.site, key, ...(content.revokedMs === undefined ? {} : { revoked: true }) },
          registration: content,
          previousKey: before === undefined ? null : publicKeyOf(before.publicKey),
        };
      }
      this.#report(new BridgeError('registrationDamaged', `${path} is no registration of gateway ${id}`));
    } catch (error) {
      this.#report(new BridgeError('registrationDamaged', `${path} cannot be read`, { cause: error }));
    }
    return null;
  }
}
