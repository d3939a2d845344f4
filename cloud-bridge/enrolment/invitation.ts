/**
 * Join files: made for one gateway, good once and for a time. Of the secret in it the bridge keeps a hash.
 *
 * Invariants (test/unit/bridge/enrolment.test.ts):
 *  N1  A join file gives a certificate for the gateway and site it was made for, and to one pair of keys alone. The same keys may
 *      ask again: an answer that is lost on its way costs nobody a new file.
 *  N2  A newer join file of a gateway ends the older ones.
 *  N3  Reading the data folder gives nobody a secret.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { joinCheck, sha256Hex, type EnrolRefusalCode, type JoinFile, type JoinRequest } from '../contract.ts';
import { BridgeError } from '../errors.ts';
import { makeDir, readText, reasonOf, writeFileAtomic, type DataDir } from '../files.ts';
import { checkNames, registrationOf } from '../registry.ts';

const invitation = z.strictObject({
  v: z.literal(1),
  gateway: z.string(),
  site: z.string(),
  secretSha256: z.string(),
  expiresMs: z.int(),
});

export interface InviteOptions {
  readonly gateway: string;
  readonly site: string;
  readonly enrolment: string;
  readonly brokers: readonly string[];
  readonly ca: { readonly pem: string; readonly fingerprint: string };
  readonly validMs: number;
  /** The gateway is known and shall get a new certificate, and new keys, all the same. */
  readonly replace: boolean;
}

/** Makes a join file and keeps what is needed to know it again. Throws BRG-103, -107, or -108 for a gateway that is in already. */
export function invite(dir: DataDir, options: InviteOptions, nowMs: number): JoinFile {
  const { gateway, site, enrolment, ca } = options;
  checkNames(gateway, site);
  const known = registrationOf(dir, gateway);
  if (known !== null && known.revokedMs === undefined && !options.replace) {
    throw new BridgeError('gatewayKnown', `gateway ${gateway} is registered already`);
  }
  const secret = randomBytes(32).toString('base64url');
  const expiresMs = nowMs + options.validMs;
  const file: Omit<JoinFile, 'check'> = {
    v: 1,
    gateway,
    site,
    enrolment,
    brokers: [...options.brokers],
    ca: ca.pem,
    caFingerprint: ca.fingerprint,
    secret,
    expiresMs,
  };
  makeDir(dir.invitations);
  withdraw(dir, gateway);
  const kept = { v: 1, gateway, site, secretSha256: hashOf(secret), expiresMs };
  writeFileAtomic(fileOf(dir, gateway), `${JSON.stringify(kept, null, 2)}\n`, 0o600);
  return { ...file, check: joinCheck(file) };
}

/** Ends all join files of a gateway. */
export function withdraw(dir: DataDir, gateway: string): void {
  if (!existsSync(dir.invitations)) return;
  for (const name of readdirSync(dir.invitations)) {
    if (name === `${gateway}.json` || (name.startsWith(`${gateway}.`) && name.endsWith('.used'))) {
      rmSync(join(dir.invitations, name), { force: true });
    }
  }
}

/** Whether this request may have a certificate: null, or why not. Changes nothing. */
export function refusalOf(dir: DataDir, request: JoinRequest, nowMs: number): EnrolRefusalCode | null {
  const kept = readInvitation(dir, request.gateway);
  // Of a file that was replaced by a newer one nothing is left to compare with.
  if (kept === null || kept.secretSha256 !== hashOf(request.secret)) return 'unknown';
  if (kept.gateway !== request.gateway || kept.site !== request.site) return 'mismatch';
  return nowMs >= kept.expiresMs ? 'expired' : null;
}

/**
 * Ties the join file to `keys`. False when other keys were faster, in whatever process.
 * @param keys names the two keys of the request, and nothing that differs from one request of theirs to the next
 */
export function claim(dir: DataDir, request: JoinRequest, keys: string): boolean {
  const kept = readInvitation(dir, request.gateway);
  if (kept === null || kept.secretSha256 !== hashOf(request.secret)) return false;
  const path = claimOf(dir, kept);
  try {
    writeFileSync(path, keys, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if (existsSync(path)) return readFileSync(path, 'utf8') === keys;
    throw new BridgeError('dataDirUnwritable', `cannot write ${path}: ${reasonOf(error)}`, { cause: error });
  }
}

const fileOf = (dir: DataDir, gateway: string) => join(dir.invitations, `${gateway}.json`);
const claimOf = (dir: DataDir, kept: { gateway: string; secretSha256: string }) =>
  join(dir.invitations, `${kept.gateway}.${kept.secretSha256.slice(0, 16)}.used`);
const hashOf = (secret: string) => sha256Hex(Buffer.from(secret));

function readInvitation(dir: DataDir, gateway: string) {
  const path = fileOf(dir, gateway);
  if (!existsSync(path)) return null;
  try {
    return invitation.safeParse(JSON.parse(readText(path))).data ?? null;
  } catch {
    return null;
  }
}
