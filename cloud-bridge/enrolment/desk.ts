/** Gives gateways their certificates: the first for a join file, the next for the one before; and takes them back. */
import { verify } from 'node:crypto';
import type { Authority } from '../authority.ts';
import {
  enrolSigningText,
  sha256Hex,
  type EnrolAnswer,
  type EnrolRefusalCode,
  type JoinRequest,
  type RenewRequest,
} from '../contract.ts';
import { BridgeError } from '../errors.ts';
import { existsSync, readdirSync } from 'node:fs';
import { readText, writeFileAtomic, type DataDir } from '../files.ts';
import { publicKeyOf } from '../keys.ts';
import { register, registrationOf, revokedSerials, type PeerCertificate, type Registration } from '../registry.ts';
import { claim, refusalOf, withdraw } from './invitation.ts';

export interface DeskParts {
  readonly dir: DataDir;
  readonly authority: Authority;
  readonly certificateLifeMs: number;
  readonly nowMs: () => number;
}
export type DeskAnswer = { readonly answer: EnrolAnswer } | { readonly refused: EnrolRefusalCode };

export class EnrolmentDesk {
  readonly #parts: DeskParts;

  constructor(parts: DeskParts) {
    this.#parts = parts;
  }

  async join(request: JoinRequest): Promise<DeskAnswer> {
    const { dir, authority, certificateLifeMs, nowMs } = this.#parts;
    const refused = refusalOf(dir, request, nowMs());
    if (refused !== null) return { refused };
    const publicKey = signingKeyOf(request, request.sig);
    const issued = await authority.certify(request.request, request.gateway, nowMs(), certificateLifeMs);
    if (publicKey === null || issued === null) return { refused: 'malformed' };
    // Nothing waits between here and the registration.
    if (!claim(dir, request, `${issued.keySha256} ${sha256Hex(Buffer.from(publicKey))}`)) return { refused: 'used' };
    const { gateway, site } = request;
    const { pem, fingerprint, serial, notAfterMs } = issued;
    register(dir, { v: 1, gateway, site, publicKey, certificates: [{ fingerprint, serial, notAfterMs }] }, nowMs());
    await writeRevocationList(dir, authority, nowMs());
    return { answer: this.#answer(gateway, site, pem, notAfterMs) };
  }

  /** @param peer the certificate the request came with, known to be of our authority */
  async renew(request: RenewRequest, peer: PeerCertificate): Promise<DeskAnswer> {
    const { dir, authority, certificateLifeMs, nowMs } = this.#parts;
    const before = this.#known(request, peer);
    if ('refused' in before) return before;
    const publicKey = signingKeyOf(request, request.sig);
    const issued = await authority.certify(request.request, request.gateway, nowMs(), certificateLifeMs);
    if (publicKey === null || issued === null) return { refused: 'malformed' };
    // It may have been revoked meanwhile.
    const known = this.#known(request, peer);
    if ('refused' in known) return known;
    const { registration, signedBy } = known;
    const { pem, fingerprint, serial, notAfterMs } = issued;
    const presented = registration.certificates?.find((one) => one.fingerprint === peer.fingerprint);
    // The key that signed this request is the one the gateway has, whatever came of an earlier answer.
    const old =
      signedBy === publicKey
        ? registration.previousKey
        : { publicKey: signedBy, untilMs: presented?.notAfterMs ?? nowMs() };
    const { previousKey: _earlier, ...rest } = registration;
    register(
      dir,
      {
        ...rest,
        publicKey,
        ...(old === undefined ? {} : { previousKey: old }),
        certificates: [{ fingerprint, serial, notAfterMs }, ...(presented === undefined ? [] : [presented])],
      },
      nowMs(),
    );
    return { answer: this.#answer(request.gateway, registration.site, pem, notAfterMs) };
  }

  /** Who may renew, and with which of its keys the request is signed. */
  #known(
    request: RenewRequest,
    { name, fingerprint }: PeerCertificate,
  ): { readonly registration: Registration; readonly signedBy: string } | { readonly refused: EnrolRefusalCode } {
    const { dir, nowMs } = this.#parts;
    // Before anything is said of another gateway.
    if (name !== request.gateway) return { refused: 'mismatch' };
    const registration = registrationOf(dir, request.gateway);
    if (registration === null) return { refused: 'unknown' };
    if (registration.revokedMs !== undefined) return { refused: 'revoked' };
    const certificate = registration.certificates?.find((one) => one.fingerprint === fingerprint);
    if (certificate === undefined) return { refused: 'unknown' };
    if (nowMs() >= certificate.notAfterMs) return { refused: 'expired' };
    const { publicKey, previousKey } = registration;
    const keys = [publicKey, ...(previousKey === undefined ? [] : [previousKey.publicKey])];
    const signedBy = keys.find((pem) => holds(pem, request, request.previousSig));
    return signedBy === undefined ? { refused: 'mismatch' } : { registration, signedBy };
  }

  #answer(gateway: string, site: string, certificate: string, notAfterMs: number): EnrolAnswer {
    const bridgeKey = readText(this.#parts.dir.publicKey);
    return { v: 1, gateway, site, certificate, bridgeKey, notAfterMs };
  }
}

/**
 * Ends everything a gateway gets in by: certificates, password, join files. A running bridge sees it within two seconds, and the list
 * for other brokers is written anew. Throws BRG-117 for a gateway nobody registered.
 */
export async function revoke(dir: DataDir, authority: Authority, gateway: string, nowMs: number): Promise<void> {
  withdraw(dir, gateway);
  const known = registrationOf(dir, gateway);
  if (known === null) throw new BridgeError('gatewayUnknown', `gateway ${gateway} is not registered`);
  register(dir, { ...known, revokedMs: known.revokedMs ?? nowMs }, nowMs);
  await writeRevocationList(dir, authority, nowMs);
}

/** The certificates of all revoked gateways, and those that were taken back before their time. */
export async function writeRevocationList(dir: DataDir, authority: Authority, nowMs: number): Promise<void> {
  const names = existsSync(dir.gateways) ? readdirSync(dir.gateways).filter((name) => name.endsWith('.json')) : [];
  const serials = names.flatMap((name) => {
    const known = registrationOf(dir, name.slice(0, -5));
    return known === null ? [] : revokedSerials(known);
  });
  writeFileAtomic(dir.revocationList, await authority.revocationList(serials, nowMs), 0o644);
}

type Signed = Pick<JoinRequest, 'gateway' | 'request' | 'publicKey'>;

/** The key as it is registered, when it signed the request; else null. */
function signingKeyOf(request: Signed, sig: string): string | null {
  const key = publicKeyOf(request.publicKey);
  if (key === null || !holds(request.publicKey, request, sig)) return null;
  return String(key.export({ type: 'spki', format: 'pem' }));
}

function holds(pem: string, request: Signed, sig: string): boolean {
  const key = publicKeyOf(pem);
  return key !== null && verify(null, enrolSigningText(request), key, Buffer.from(sig, 'base64'));
}
