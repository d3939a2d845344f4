/**
 * The bridge's own certificate authority: one key, from which come the certificate of the server that gateways connect to and the
 * certificates by which gateways are known (RFC 5280).
 *
 * Invariants (test/unit/bridge/authority.test.ts):
 *  K1  The name in a gateway's certificate is the one it was invited under, whatever its request says.
 *  K2  A gateway's certificate is good for a client alone, the server's for a server alone, and neither may sign others.
 *  K3  A request counts only when it is signed by the key it names.
 */
import 'reflect-metadata';
import { createHash, createPrivateKey, randomBytes, webcrypto } from 'node:crypto';
import { existsSync } from 'node:fs';
import { isIP } from 'node:net';
import * as x509 from '@peculiar/x509';
import { BridgeError } from './errors.ts';
import { fingerprintOf } from './fingerprint.ts';
import { makeDir, readText, reasonOf, writeFileAtomic, type DataDir } from './files.ts';

const dayMs = 86_400_000;
const authorityLifeMs = 20 * 365 * dayMs;
/** Of the server's certificate, which the bridge makes anew by itself. */
export const serverLifeMs = 90 * dayMs;
/** A certificate is valid from this long before it was made, or a tenth of its life: clocks differ. */
const earlierMs = dayMs;
const keyKind = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const signing = { name: 'ECDSA', hash: 'SHA-256' } as const;

export interface KeyedCertificate {
  /** PEM, as is the key (PKCS 8). */
  readonly cert: string;
  readonly key: string;
}
export interface IssuedCertificate {
  readonly pem: string;
  /** SHA-256 of the certificate, lower-case hex. */
  readonly fingerprint: string;
  readonly serial: string;
  /** SHA-256 of the public key it is for, lower-case hex: a request of the same key is another text each time. */
  readonly keySha256: string;
  readonly notAfterMs: number;
}

export class Authority {
  readonly pem: string;
  /** SHA-256 of the authority's certificate, lower-case hex. */
  readonly fingerprint: string;
  readonly #certificate: x509.X509Certificate;
  readonly #key: webcrypto.CryptoKey;

  private constructor(pem: string, key: webcrypto.CryptoKey) {
    this.pem = pem;
    this.#certificate = new x509.X509Certificate(pem);
    this.fingerprint = fingerprintOf(pem);
    this.#key = key;
  }

  /** The authority in `dir`, made when there is none. Throws BRG-103, or BRG-116 when its files are damaged. */
  static async open(dir: DataDir, nowMs: number): Promise<Authority> {
    if (!existsSync(dir.authorityKey)) await make(dir, nowMs);
    try {
      const der = createPrivateKey(readText(dir.authorityKey)).export({ type: 'pkcs8', format: 'der' });
      const key = await webcrypto.subtle.importKey('pkcs8', der, keyKind, false, ['sign']);
      return new Authority(readText(dir.authorityCertificate), key);
    } catch (error) {
      throw new BridgeError('authorityDamaged', `${dir.authority}: ${reasonOf(error)}`, { cause: error });
    }
  }

  /** A key and a certificate for a server reached by these names and addresses. */
  async server(hosts: readonly string[], nowMs: number, lifeMs = serverLifeMs): Promise<KeyedCertificate> {
    const names = [...new Set(hosts)].map((host) => ({ type: isIP(host) === 0 ? 'dns' : 'ip', value: host }) as const);
    return await this.#keyed('selvedge bridge server', x509.ExtendedKeyUsage.serverAuth, nowMs, lifeMs, [
      new x509.SubjectAlternativeNameExtension(names),
    ]);
  }

  /** A key and a certificate for a client that is no gateway: the bridge at another broker. */
  async client(name: string, nowMs: number, lifeMs = serverLifeMs): Promise<KeyedCertificate> {
    return await this.#keyed(name, x509.ExtendedKeyUsage.clientAuth, nowMs, lifeMs, []);
  }

  /** A certificate for the key of `request` (PKCS 10, PEM), under the name `gateway`; null when the request is none or not signed by its key. */
  async certify(request: string, gateway: string, nowMs: number, lifeMs: number): Promise<IssuedCertificate | null> {
    const read = await readRequest(request);
    if (read === null) return null;
    const certificate = await this.#issue(gateway, read, x509.ExtendedKeyUsage.clientAuth, nowMs, lifeMs, []);
    const pem = `${certificate.toString('pem')}\n`;
    return {
      pem,
      fingerprint: fingerprintOf(pem),
      serial: certificate.serialNumber,
      keySha256: createHash('sha256').update(Buffer.from(certificate.publicKey.rawData)).digest('hex'),
      notAfterMs: certificate.notAfter.getTime(),
    };
  }

  /** The list of certificates that count no more (PEM), for brokers that take one. */
  async revocationList(serials: readonly string[], nowMs: number): Promise<string> {
    const list = await x509.X509CrlGenerator.create({
      issuer: this.#certificate.subject,
      thisUpdate: new Date(nowMs - earlierMs),
      nextUpdate: new Date(nowMs + authorityLifeMs),
      signingKey: this.#key,
      signingAlgorithm: signing,
      entries: serials.map((serialNumber) => ({ serialNumber, revocationDate: new Date(nowMs) })),
    });
    // OpenSSL, and so every broker, knows it by this name alone.
    return `${list.toString('pem').replaceAll(' CRL-----', ' X509 CRL-----')}\n`;
  }

  async #keyed(
    name: string,
    usage: x509.ExtendedKeyUsage,
    nowMs: number,
    lifeMs: number,
    more: readonly x509.Extension[],
  ): Promise<KeyedCertificate> {
    const pair = await makePair();
    const certificate = await this.#issue(name, pair.publicKey, usage, nowMs, lifeMs, more);
    return { cert: `${certificate.toString('pem')}\n`, key: await privatePem(pair.privateKey) };
  }

  async #issue(
    name: string,
    publicKey: x509.PublicKeyType,
    usage: x509.ExtendedKeyUsage,
    nowMs: number,
    lifeMs: number,
    more: readonly x509.Extension[],
  ): Promise<x509.X509Certificate> {
    return await x509.X509CertificateGenerator.create({
      serialNumber: serialNumber(),
      subject: commonName(name),
      issuer: this.#certificate.subject,
      notBefore: new Date(nowMs - Math.min(earlierMs, lifeMs / 10)),
      notAfter: new Date(nowMs + lifeMs),
      publicKey,
      signingKey: this.#key,
      signingAlgorithm: signing,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([usage]),
        await x509.AuthorityKeyIdentifierExtension.create(this.#certificate),
        ...more,
      ],
    });
  }
}

async function make(dir: DataDir, nowMs: number): Promise<void> {
  makeDir(dir.authority);
  const keys = await makePair();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: commonName(`selvedge bridge ${randomBytes(4).toString('hex')}`),
    notBefore: new Date(nowMs - earlierMs),
    notAfter: new Date(nowMs + authorityLifeMs),
    keys,
    signingAlgorithm: signing,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  // The key last: while it is missing the next attempt makes both anew.
  writeFileAtomic(dir.authorityCertificate, `${certificate.toString('pem')}\n`, 0o644);
  writeFileAtomic(dir.authorityKey, await privatePem(keys.privateKey), 0o600);
}

/** The public key of a request that holds a signature of its own, or null. Only P-256, and no longer than a request of ours. */
async function readRequest(pem: string): Promise<x509.PublicKey | null> {
  if (pem.length > 4096) return null;
  try {
    const request = new x509.Pkcs10CertificateRequest(pem);
    const { algorithm } = request.publicKey;
    const isP256 = algorithm.name === 'ECDSA' && 'namedCurve' in algorithm && algorithm.namedCurve === 'P-256';
    return isP256 && (await request.verify()) ? request.publicKey : null;
  } catch {
    return null;
  }
}

async function makePair() {
  return await webcrypto.subtle.generateKey(keyKind, true, ['sign', 'verify']);
}

async function privatePem(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  return String(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ type: 'pkcs8', format: 'pem' }));
}

/** 127 random bits: positive, and never given twice. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

const commonName = (name: string) => [{ CN: [name] }];
