/**
 * Making the site's authority and the page's certificate (RFC 5280), as today's browsers take them.
 *
 * Invariants (test/unit/certificates/make.test.ts):
 *  M1  The authority signs servers alone, no further authorities, and nothing outside its scope.
 *  M2  The certificate is good for a server alone, for at most 398 days, and for no longer than its authority.
 */
import { createPrivateKey, randomBytes, webcrypto } from 'node:crypto';
import type { Extension, X509Certificate } from '@peculiar/x509';
import type { HostName } from './names.ts';
import { authorityLifeMs, earlierMs, serverEndMs, type Validity } from './plan.ts';
import { nameConstraintsOid, scopeDer, scopeFor } from './scope.ts';

/** PEM: certificate and private key (PKCS 8). */
export interface KeyedCertificate {
  readonly certPem: string;
  readonly keyPem: string;
}

const keyKind = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const signing = { name: 'ECDSA', hash: 'SHA-256' } as const;

/** Loaded when it is needed, once in a year. */
async function loadX509() {
  await import('reflect-metadata');
  return await import('@peculiar/x509');
}

/** @param gateway its id, for people who meet the authority in the settings of a tablet */
export async function makeAuthority(
  gateway: string,
  names: readonly HostName[],
  nowMs: number,
): Promise<KeyedCertificate> {
  const x509 = await loadX509();
  const keys = await webcrypto.subtle.generateKey(keyKind, true, ['sign', 'verify']);
  const extensions: readonly Extension[] = [
    new x509.BasicConstraintsExtension(true, 0, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    new x509.Extension(nameConstraintsOid, true, Uint8Array.from(scopeDer(scopeFor(names)))),
  ];
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    // Told apart by the random end, where one was replaced by another.
    name: [{ CN: [`Selvedge page of ${gateway} (${randomBytes(4).toString('hex')})`] }],
    notBefore: new Date(nowMs - earlierMs),
    notAfter: new Date(nowMs + authorityLifeMs),
    keys,
    signingAlgorithm: signing,
    extensions: [...extensions],
  });
  return { certPem: pemOf(certificate), keyPem: await keyPemOf(keys.privateKey) };
}

/** With a new key. @param authority as `makeAuthority` made it */
export async function makeServer(
  authority: KeyedCertificate & Validity,
  names: readonly HostName[],
  nowMs: number,
): Promise<KeyedCertificate> {
  const x509 = await loadX509();
  const issuer = new x509.X509Certificate(authority.certPem);
  const der = createPrivateKey(authority.keyPem).export({ type: 'pkcs8', format: 'der' });
  const signingKey = await webcrypto.subtle.importKey('pkcs8', der, keyKind, false, ['sign']);
  const keys = await webcrypto.subtle.generateKey(keyKind, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    // Browsers look at the alternative names alone; a name here would be one more that the scope is held against.
    subject: [{ CN: ['Selvedge page'] }],
    issuer: issuer.subject,
    notBefore: new Date(Math.max(nowMs - earlierMs, authority.notBeforeMs)),
    notAfter: new Date(serverEndMs(authority, nowMs)),
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: signing,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(names.map(({ kind, text }) => ({ type: kind, value: text }))),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certPem: pemOf(certificate), keyPem: await keyPemOf(keys.privateKey) };
}

const pemOf = (certificate: X509Certificate) => `${certificate.toString('pem')}\n`;

async function keyPemOf(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  return String(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ type: 'pkcs8', format: 'pem' }));
}

/** 158 random bits below a leading one: positive, of one length, and never given twice. */
function serialNumber(): string {
  const bytes = randomBytes(20);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toString('hex');
}
