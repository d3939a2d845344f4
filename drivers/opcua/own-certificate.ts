/** The agent's own OPC UA application certificate: made once, then read. */
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { DriverError } from '../errors.ts';
import { makeFolder } from './folder.ts';
import type { OpcuaLibrary } from './library.ts';

export interface OwnCertificate {
  readonly applicationUri: string;
  /** DER. */
  readonly certificate: Buffer;
  readonly privateKey: KeyObject;
  readonly certificateFile: string;
}

const validForDays = 3650;
/** No gateway is older: where the clock says so, it is not set yet, and a certificate made then would expire in the seventies. */
const earliestMs = Date.UTC(2026, 0, 1);

/** From when until when a certificate is valid that is made at `nowMs` of the wall clock, UTC ms. */
export function validity(nowMs: number): { readonly fromMs: number; readonly toMs: number } {
  const madeMs = Math.max(nowMs, earliestMs);
  return { fromMs: madeMs - 24 * 3_600_000, toMs: madeMs + validForDays * 24 * 3_600_000 };
}

/** By folder. The first servers are met at the same moment; each making a pair would mix the files of both. */
const inWork = new Map<string, Promise<OwnCertificate>>();

/**
 * Reads `certificate.pem` and `key.pem` (PKCS#8, mode 0600) of `pkiDir`, making both when they are not there: RSA 2048,
 * self-signed, SHA-256, which every security profile of OPC UA accepts. The key is generated off the event loop.
 * Throws DRV-205.
 */
export async function ownCertificate(library: OpcuaLibrary, pkiDir: string): Promise<OwnCertificate> {
  const running = inWork.get(pkiDir) ?? readOrMake(library, pkiDir).finally(() => inWork.delete(pkiDir));
  inWork.set(pkiDir, running);
  try {
    return await running;
  } catch (error) {
    throw new DriverError(
      'opcuaOwnCertificate',
      `${pkiDir}: ${error instanceof Error ? error.message : String(error)}`,
      {
        cause: error,
      },
    );
  }
}

async function readOrMake(library: OpcuaLibrary, pkiDir: string): Promise<OwnCertificate> {
  return (await read(pkiDir)) ?? (await make(library, pkiDir));
}

function files(pkiDir: string) {
  return { certificateFile: join(pkiDir, 'certificate.pem'), keyFile: join(pkiDir, 'key.pem') };
}

async function read(pkiDir: string): Promise<OwnCertificate | null> {
  const { certificateFile, keyFile } = files(pkiDir);
  const [certificatePem, keyPem] = await Promise.all([readOrNull(certificateFile), readOrNull(keyFile)]);
  if (certificatePem === null || keyPem === null) return null;
  const certificate = new X509Certificate(certificatePem);
  const privateKey = createPrivateKey(keyPem);
  const applicationUri = /URI:([^,]+)/.exec(certificate.subjectAltName ?? '')?.[1];
  // Half a pair, or the pair of another program: made anew rather than failing at every connect.
  if (applicationUri === undefined || !certificate.checkPrivateKey(privateKey)) return null;
  return { applicationUri, certificate: certificate.raw, privateKey, certificateFile };
}

async function make(library: OpcuaLibrary, pkiDir: string): Promise<OwnCertificate> {
  const { certificateFile, keyFile } = files(pkiDir);
  const { certificatePem, keyPem } = await makePair(library);
  await makeFolder(pkiDir);
  await writeWhole(keyFile, keyPem);
  await writeWhole(certificateFile, certificatePem);
  const made = await read(pkiDir);
  if (made === null) throw new DriverError('opcuaOwnCertificate', `${pkiDir}: what was written does not fit together`);
  return made;
}

/** A key and a certificate that are nowhere but in memory: for a client that signs nothing, whose library wants both all the same. */
export async function passingCertificate(
  library: OpcuaLibrary,
): Promise<Pick<OwnCertificate, 'applicationUri' | 'certificate' | 'privateKey'>> {
  const { applicationUri, certificatePem, keyPem } = await makePair(library);
  return {
    applicationUri,
    certificate: new X509Certificate(certificatePem).raw,
    privateKey: createPrivateKey(keyPem),
  };
}

async function makePair(library: OpcuaLibrary) {
  const host = hostname();
  const applicationUri = `urn:${host}:selvedge`;
  const tools = library.crypto_utils;
  const { privateKey } = await tools.generateKeyPair(2048);
  const { fromMs, toMs } = validity(Date.now());
  const { cert } = await tools.createSelfSignedCertificate({
    privateKey,
    notBefore: new Date(fromMs),
    notAfter: new Date(toMs),
    subject: `CN=Selvedge agent/O=Selvedge/DC=${host}`,
    dns: [host],
    applicationUri,
    purpose: tools.CertificatePurpose.ForApplication,
  });
  const { privPem } = await tools.privateKeyToPEM(privateKey);
  return { applicationUri, certificatePem: cert, keyPem: privPem };
}

async function writeWhole(file: string, text: string): Promise<void> {
  const fresh = `${file}.${process.pid}.new`;
  await writeFile(fresh, text, { mode: 0o600 });
  await rename(fresh, file);
}

async function readOrNull(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}
