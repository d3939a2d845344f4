/**
 * Authority and certificate of the page on disk, in `<dataDir>/certificates/`, for the agent's user alone.
 *
 * Invariants (test/integration/certificates.test.ts):
 *  F1  A certificate and its key lie in one file, which changes in one step: nobody ever reads one with the other's key.
 *  F2  Whatever step a process ends at, what could be served before can be served afterwards; doing it again completes it.
 */
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { AgentError } from '../errors.ts';
import { makeFolder } from '../folder.ts';
import type { KeyedCertificate } from './make.ts';
import { readName } from './names.ts';
import type { AuthorityFacts, Held, ServerFacts } from './plan.ts';
import { scopeOf } from './scope.ts';

export interface CertificateFiles {
  readonly authority: string;
  readonly server: string;
}

export function certificateFiles(dataDir: string): CertificateFiles {
  const at = (name: string) => join(dataDir, 'certificates', name);
  return { authority: at('authority.pem'), server: at('server.pem') };
}

/** What is there, with its keys. */
export interface Kept extends Held {
  readonly authority: (KeyedCertificate & AuthorityFacts) | 'missing' | 'damaged';
  readonly server: (KeyedCertificate & ServerFacts) | 'missing' | 'damaged';
}

/** Files longer than this are none of ours. */
const maxFileBytes = 64 * 1024;
/** A draft this old is of a process that was killed. */
const oldDraftMs = 3_600_000;

/** Never throws: a file that cannot be read is `damaged`. */
export function readKept(dataDir: string): Kept {
  const files = certificateFiles(dataDir);
  const authorityPair = readPair(files.authority);
  const serverPair = readPair(files.server);
  const scope = typeof authorityPair === 'string' ? null : scopeOf(derOf(authorityPair.certPem));
  const authority =
    typeof authorityPair === 'string'
      ? authorityPair
      : scope === null
        ? 'damaged'
        : { ...authorityPair, ...timesOf(authorityPair.certPem), scope };
  if (typeof serverPair === 'string') return { authority, server: serverPair };
  const certificate = new X509Certificate(serverPair.certPem);
  const ofAuthority = typeof authority !== 'string' && isSignedBy(certificate, authority.certPem);
  return {
    authority,
    server: { ...serverPair, ...timesOf(serverPair.certPem), names: namesOf(certificate), ofAuthority },
  };
}

/** SHA-256 of a certificate, as 64 upper-case digits. */
export function fingerprintOf(certPem: string): string {
  return createHash('sha256').update(new X509Certificate(certPem).raw).digest('hex').toUpperCase();
}

/** The certificate as DER, as phones and browsers install it. */
export const derOf = (certPem: string): Uint8Array => new X509Certificate(certPem).raw;

/** @throws AgentError `fileUnwritable` */
export function writePair(path: string, { certPem, keyPem }: KeyedCertificate): void {
  replaceFile(path, `${certPem.trim()}\n${keyPem}`, 0o600);
}

/** Replaces `path` in one step and durably. @throws AgentError `fileUnwritable` */
function replaceFile(path: string, text: string, mode: number): void {
  const folder = dirname(path);
  const draft = `${path}.${process.pid}.new`;
  try {
    makeFolder(folder);
    chmodSync(folder, 0o700);
    removeOldDrafts(folder);
    const file = openSync(draft, 'w', mode);
    writeSync(file, Buffer.from(text));
    fsyncSync(file);
    closeSync(file);
    renameSync(draft, path);
    const opened = openSync(folder, 'r');
    fsyncSync(opened);
    closeSync(opened);
  } catch (error) {
    throw new AgentError('fileUnwritable', `${path}: ${reasonOf(error)}`, { cause: error });
  }
}

function removeOldDrafts(folder: string): void {
  for (const name of readdirSync(folder)) {
    if (!name.endsWith('.new')) continue;
    const path = join(folder, name);
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats !== undefined && Date.now() - stats.mtimeMs > oldDraftMs) rmSync(path, { force: true });
  }
}

function readPair(path: string): KeyedCertificate | 'missing' | 'damaged' {
  try {
    if (statSync(path).size > maxFileBytes) return 'damaged';
    const text = readFileSync(path, 'utf8');
    const certPem = block(text, 'CERTIFICATE');
    const keyPem = block(text, 'PRIVATE KEY');
    return new X509Certificate(certPem).checkPrivateKey(createPrivateKey(keyPem)) ? { certPem, keyPem } : 'damaged';
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 'missing' : 'damaged';
  }
}

const block = (text: string, name: string) => {
  const found = new RegExp(`-----BEGIN ${name}-----[^-]*-----END ${name}-----`).exec(text);
  return `${found?.[0] ?? ''}\n`;
};

function timesOf(certPem: string): { readonly notBeforeMs: number; readonly notAfterMs: number } {
  const { validFrom, validTo } = new X509Certificate(certPem);
  return { notBeforeMs: Date.parse(validFrom), notAfterMs: Date.parse(validTo) };
}

function isSignedBy(certificate: X509Certificate, authorityPem: string): boolean {
  const authority = new X509Certificate(authorityPem);
  return certificate.issuer === authority.subject && certificate.verify(authority.publicKey);
}

/** `DNS:gw.local, IP Address:10.0.0.1`, as Node shows them. */
function namesOf({ subjectAltName }: X509Certificate): readonly string[] {
  return (subjectAltName ?? '').split(', ').flatMap((entry) => {
    const name = readName(entry.replace(/^(?:DNS|IP Address):/, ''));
    return name === null ? [] : [name.text];
  });
}

const reasonOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
