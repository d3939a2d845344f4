/**
 * What a gateway shows of itself: the certificate it connects with and the key it signs batches with, as files of its data folder.
 * `join` makes them, the renewal replaces them; private keys never leave the folder.
 *
 * Invariants (test/unit/sync/identity.test.ts, test/integration/enrolment.test.ts):
 *  Y1  Certificate and key lie in one file and change in one step: no reader ever meets a key with another's certificate.
 *  Y2  New keys are on disk before the bridge hears of them, and are used again when the answer was lost.
 *  Y3  Whatever step a join or a renewal ends at, what lies in the folder afterwards gets in, or does once the step is done again.
 */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  webcrypto,
  X509Certificate,
  type KeyObject,
} from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { enrolSigningText } from '../../cloud-bridge/contract.ts';
import { AgentError } from '../errors.ts';
import { makeFolder } from '../folder.ts';
import { readPrivateKey, publicPemOf } from './keys.ts';

export interface IdentityFiles {
  /** Certificate and key for TLS, PEM. */
  readonly certificate: string;
  readonly nextKey: string;
  /** Ed25519. */
  readonly signingKey: string;
  readonly nextSigningKey: string;
  readonly bridgeKey: string;
  readonly ca: string;
  /** The join file that the next keys were made for. */
  readonly joining: string;
  readonly joined: string;
}

export function identityFiles(dataDir: string): IdentityFiles {
  const at = (name: string) => join(dataDir, 'keys', name);
  return {
    certificate: at('uplink.pem'),
    nextKey: at('uplink.next.key'),
    signingKey: at('gateway.key'),
    nextSigningKey: at('gateway.next.key'),
    bridgeKey: at('bridge.pub.pem'),
    ca: at('bridge-ca.pem'),
    joining: at('joining'),
    joined: at('joined.json'),
  };
}

/** What a join or a renewal has done once its certificate lies in place: the new keys are the keys. Safe to repeat. */
export function finishKeys(files: IdentityFiles): void {
  if (!existsSync(files.nextKey) || !existsSync(files.certificate)) return;
  const pem = readFileSync(files.certificate, 'utf8');
  const next = publicPemOf(tlsKey(files.nextKey));
  if (String(createPublicKey(pem).export({ type: 'spki', format: 'pem' })) !== next) return;
  if (existsSync(files.nextSigningKey)) renameSync(files.nextSigningKey, files.signingKey);
  rmSync(files.nextKey, { force: true });
}

/** Next keys that are for this join file and no other: those there are already, when they were made for it. */
export function prepareKeys(files: IdentityFiles, secretSha256: string): void {
  if (existsSync(files.joining) && readFileSync(files.joining, 'utf8') === secretSha256) return;
  finishKeys(files);
  for (const path of [files.nextKey, files.nextSigningKey]) rmSync(path, { force: true });
  writeDurably(files.joining, secretSha256, 0o600);
}

export interface CertificateTimes {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** Of the first certificate in `pem`; null when there is none. */
export function certificateTimes(pem: string): CertificateTimes | null {
  try {
    const { validFrom, validTo } = new X509Certificate(pem);
    return { notBeforeMs: Date.parse(validFrom), notAfterMs: Date.parse(validTo) };
  } catch {
    return null;
  }
}

/** The P-256 key at `path` (PKCS 8 PEM), made when there is none. */
export function tlsKey(path: string): KeyObject {
  if (!existsSync(path)) {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    writeDurably(path, String(privateKey.export({ type: 'pkcs8', format: 'pem' })), 0o600);
  }
  try {
    return createPrivateKey(readFileSync(path));
  } catch (error) {
    throw new AgentError('keyUnusable', `${path}: ${messageOf(error)}`, { cause: error });
  }
}

/** The Ed25519 key at `path`, made when there is none. */
export function signingKeyAt(path: string): KeyObject {
  const known = readPrivateKey(path);
  if (known !== null) return known;
  const { privateKey } = generateKeyPairSync('ed25519');
  writeDurably(path, String(privateKey.export({ type: 'pkcs8', format: 'pem' })), 0o600);
  return privateKey;
}

/** Replaces `path` in one step and durably. @throws AgentError `fileUnwritable` */
export function writeDurably(path: string, text: string, mode: number): void {
  const draft = `${path}.${process.pid}.new`;
  try {
    makeFolder(dirname(path));
    const file = openSync(draft, 'w', mode);
    writeSync(file, text);
    fsyncSync(file);
    closeSync(file);
    renameSync(draft, path);
    const folder = openSync(dirname(path), 'r');
    fsyncSync(folder);
    closeSync(folder);
  } catch (error) {
    throw new AgentError('fileUnwritable', `${path}: ${messageOf(error)}`, { cause: error });
  }
}

/** Request for a certificate in the name of `gateway` (PKCS 10, PEM), signed by the key it is for. */
export async function certificateRequest(gateway: string, key: KeyObject): Promise<string> {
  // Loaded when it is needed, once in months.
  await import('reflect-metadata');
  const { Pkcs10CertificateRequestGenerator } = await import('@peculiar/x509');
  const kind = { name: 'ECDSA', namedCurve: 'P-256' };
  const der = key.export({ type: 'pkcs8', format: 'der' });
  const privateKey = await webcrypto.subtle.importKey('pkcs8', der, kind, true, ['sign']);
  const { d: _secret, key_ops: _uses, ...open } = await webcrypto.subtle.exportKey('jwk', privateKey);
  const publicKey = await webcrypto.subtle.importKey('jwk', open, kind, true, ['verify']);
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: [gateway] }],
    keys: { privateKey, publicKey },
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
  });
  return `${request.toString('pem')}\n`;
}

/** The parts of a request to the bridge that both joining and renewing have. */
export async function signedRequest(gateway: string, tls: KeyObject, signing: KeyObject) {
  const request = await certificateRequest(gateway, tls);
  const publicKey = publicPemOf(signing);
  const text = enrolSigningText({ gateway, request, publicKey });
  return { fields: { v: 1, gateway, request, publicKey, sig: signed(text, signing) }, text } as const;
}

export function signed(text: Buffer, key: KeyObject): string {
  return sign(null, text, key).toString('base64');
}

/** One file for both: they change together. */
export function certificateFile(certificate: string, key: KeyObject): string {
  return `${certificate.trim()}\n${String(key.export({ type: 'pkcs8', format: 'pem' }))}`;
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
