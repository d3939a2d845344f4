/**
 * Which OPC UA servers are trusted: one certificate per file in a folder, the ones that were met and refused in `rejected/`.
 *
 * Invariants:
 *  - Nothing enters the folder but by `addCertificate`, that is by a person; a refused certificate goes to `rejected/` alone.
 *  - A certificate is named by the SHA-256 of its DER bytes, never by its subject, which anybody can write.
 *  - `rejected/` holds at most `maxRejected` files, so that strangers on the network cannot fill the disk.
 */
import { createHash, X509Certificate } from 'node:crypto';
import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DriverError } from '../errors.ts';
import { makeFolder } from './folder.ts';

/** SHA-256 of the DER bytes, 64 lower-case hexadecimal digits. */
export type Fingerprint = string;

export interface StoredCertificate {
  readonly fingerprint: Fingerprint;
  readonly subject: string;
  /** Application URI of the server, from the subject alternative name; null where there is none. */
  readonly applicationUri: string | null;
  /** End of validity, UTC ms. */
  readonly validToMs: number;
  readonly file: string;
}

export interface TrustList {
  readonly trusted: readonly StoredCertificate[];
  readonly rejected: readonly StoredCertificate[];
}

export const maxRejected = 32;
const certificateFile = /\.(?:der|cer|crt|pem)$/i;

/** Where the agent keeps its own key and what it trusts, below its data folder. */
export function opcuaFolders(dataDir: string): { readonly pkiDir: string; readonly trustDir: string } {
  return { pkiDir: join(dataDir, 'opcua', 'own'), trustDir: join(dataDir, 'opcua', 'trust') };
}

export function fingerprintOf(der: Uint8Array): Fingerprint {
  return createHash('sha256').update(der).digest('hex');
}

/** Accepts the usual spellings (`AB:CD…`, `sha256:ab cd…`). Throws DRV-202 for anything but 64 hexadecimal digits. */
export function parseFingerprint(text: string): Fingerprint {
  const plain = text.replace(/^sha-?256[:=]/i, '').replaceAll(/[\s:]/g, '');
  if (!/^[0-9a-f]{64}$/i.test(plain)) throw new DriverError('opcuaFingerprintInvalid', `"${text}" is no fingerprint`);
  return plain.toLowerCase();
}

/** All certificates in the folder; a folder that is not there yet is an empty list. Files that are no certificates are skipped. */
export async function listCertificates(trustDir: string): Promise<TrustList> {
  return { trusted: await readFolder(trustDir), rejected: await readFolder(rejectedDir(trustDir)) };
}

export async function isTrusted(trustDir: string, fingerprint: Fingerprint): Promise<boolean> {
  const trusted = await readFolder(trustDir);
  return trusted.some((certificate) => certificate.fingerprint === fingerprint);
}

/**
 * Trusts a certificate.
 * @param what a certificate file (DER or PEM), or the fingerprint (or at least 8 first digits of it) of a refused one
 * @returns the certificate as it is stored now. Throws DRV-203, DRV-204 or DRV-207.
 */
export async function addCertificate(trustDir: string, what: string): Promise<StoredCertificate> {
  const prefix = fingerprintPrefix(what);
  const refused = prefix === null ? null : unique(await readFolder(rejectedDir(trustDir)), prefix);
  const file = refused?.file ?? what;
  const der = await readCertificate(file);
  if (der === null) {
    throw prefix === null
      ? new DriverError('opcuaCertificateInvalid', `${what} is no certificate file and no fingerprint`)
      : new DriverError('opcuaCertificateUnknown', `no refused certificate in ${trustDir} has the fingerprint ${what}`);
  }
  const stored = await store(trustDir, der);
  await rm(join(rejectedDir(trustDir), `${stored.fingerprint}.der`), { force: true });
  return stored;
}

/** Trusts no longer. @param what the fingerprint or at least its 8 first digits. Throws DRV-204 when it is not there, or DRV-207. */
export async function removeCertificate(trustDir: string, what: string): Promise<StoredCertificate> {
  const trusted = await readFolder(trustDir);
  const prefix = fingerprintPrefix(what);
  const found = prefix === null ? null : unique(trusted, prefix);
  if (found === null)
    throw new DriverError(
      'opcuaCertificateUnknown',
      `no trusted certificate in ${trustDir} has the fingerprint ${what}`,
    );
  // The same certificate may lie there under two names.
  const files = trusted.filter((one) => one.fingerprint === found.fingerprint).map((one) => one.file);
  await changing(trustDir, async () => {
    for (const file of files) await rm(file, { force: true });
  });
  return found;
}

/** Keeps a refused certificate for a person to look at. Throws DRV-203 when the bytes are no certificate. */
export async function recordRejected(trustDir: string, der: Uint8Array): Promise<StoredCertificate> {
  const folder = rejectedDir(trustDir);
  const stored = await store(folder, der);
  const kept = await Promise.all(
    (await readFolder(folder)).map(async (certificate) => ({
      certificate,
      atMs: (await stat(certificate.file)).mtimeMs,
    })),
  );
  kept.sort((a, b) => b.atMs - a.atMs);
  for (const { certificate } of kept.slice(maxRejected)) await rm(certificate.file, { force: true });
  return stored;
}

function rejectedDir(trustDir: string): string {
  return join(trustDir, 'rejected');
}

/** Null when the text cannot be a fingerprint or the beginning of one. */
function fingerprintPrefix(text: string): string | null {
  const plain = text.replace(/^sha-?256[:=]/i, '').replaceAll(/[\s:]/g, '');
  return /^[0-9a-f]{8,64}$/i.test(plain) ? plain.toLowerCase() : null;
}

function unique(certificates: readonly StoredCertificate[], prefix: string): StoredCertificate | null {
  const found = certificates.filter((certificate) => certificate.fingerprint.startsWith(prefix));
  const fingerprints = new Set(found.map((certificate) => certificate.fingerprint));
  return fingerprints.size === 1 ? (found[0] ?? null) : null;
}

async function store(folder: string, der: Uint8Array): Promise<StoredCertificate> {
  const file = join(folder, `${fingerprintOf(der)}.der`);
  const described = describe(der, file);
  if (described === null)
    throw new DriverError('opcuaCertificateInvalid', `what should become ${file} is no certificate`);
  // Whole or not at all: the agent may be reading the folder at this moment.
  const fresh = `${file}.${process.pid}.new`;
  await changing(folder, async () => {
    await makeFolder(folder);
    await writeFile(fresh, der, { mode: 0o600 });
    await rename(fresh, file);
  });
  return described;
}

/** Does what changes the folder. Throws DRV-207 when it cannot be written. */
async function changing(folder: string, change: () => Promise<void>): Promise<void> {
  try {
    await change();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new DriverError('opcuaTrustUnwritable', `${folder}: ${why}`, { cause: error });
  }
}

async function readFolder(folder: string): Promise<StoredCertificate[]> {
  const names = await readdir(folder).catch(() => []);
  const found: StoredCertificate[] = [];
  for (const name of names.filter((candidate) => certificateFile.test(candidate)).sort()) {
    const file = join(folder, name);
    const der = await readCertificate(file);
    const described = der === null ? null : describe(der, file);
    if (described !== null) found.push(described);
  }
  return found;
}

/** DER bytes of a DER or PEM file, or null when it is neither. */
async function readCertificate(file: string): Promise<Buffer | null> {
  const bytes = await readFile(file).catch(() => null);
  if (bytes === null) return null;
  try {
    return new X509Certificate(bytes).raw;
  } catch {
    return null;
  }
}

function describe(der: Uint8Array, file: string): StoredCertificate | null {
  try {
    const certificate = new X509Certificate(der);
    const uri = /URI:([^,]+)/.exec(certificate.subjectAltName ?? '');
    return {
      fingerprint: fingerprintOf(certificate.raw),
      subject: certificate.subject.replaceAll('\n', ', '),
      applicationUri: uri?.[1] ?? null,
      validToMs: Date.parse(certificate.validTo),
      file,
    };
  } catch {
    return null;
  }
}
