/** The gateway's own Ed25519 key pair, and the bridge's public key. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { chmodSync, closeSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { AgentError } from '../errors.ts';
import { makeFolder } from '../folder.ts';

export interface GatewayKeys {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** SPKI PEM: what the bridge is given. */
  readonly publicPem: string;
}

/**
 * Loads `<dataDir>/keys/gateway.key` (PKCS 8 PEM, mode 0600), or makes it when there is none. Of two that make it at once one wins
 * and both get its key. Never replaces a file that is there.
 * @throws AgentError `keyUnusable`
 */
export function gatewayKeys(dataDir: string): GatewayKeys {
  const path = join(dataDir, 'keys', 'gateway.key');
  const privateKey = readPrivateKey(path) ?? makeKey(path) ?? readPrivateKey(path);
  if (privateKey === null) throw new AgentError('keyUnusable', `${path} vanished while it was made`);
  const publicKey = createPublicKey(privateKey);
  return { privateKey, publicKey, publicPem: String(publicKey.export({ type: 'spki', format: 'pem' })) };
}

/** Reads the bridge's public key (SPKI PEM). @throws AgentError `keyUnusable` */
export function bridgePublicKey(path: string): KeyObject {
  try {
    return mustBeEd25519(createPublicKey(readFileSync(path)), path);
  } catch (error) {
    throw unusable(path, error);
  }
}

export function publicPemOf(privateKey: KeyObject): string {
  return String(createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }));
}

/** The Ed25519 key in `path`; null when there is no such file. @throws AgentError `keyUnusable` */
export function readPrivateKey(path: string): KeyObject | null {
  let pem: Buffer;
  try {
    pem = readFileSync(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw unusable(path, error);
  }
  try {
    return mustBeEd25519(createPrivateKey(pem), path);
  } catch (error) {
    throw unusable(path, error);
  }
}

/** Null when another process made it first. */
function makeKey(path: string): KeyObject | null {
  const { privateKey } = generateKeyPairSync('ed25519');
  const draft = `${path}.${process.pid}.new`;
  try {
    makeFolder(join(path, '..'));
    chmodSync(join(path, '..'), 0o700);
    const file = openSync(draft, 'w', 0o600);
    writeSync(file, String(privateKey.export({ type: 'pkcs8', format: 'pem' })));
    fsyncSync(file);
    closeSync(file);
    // link fails where rename would overwrite.
    linkSync(draft, path);
    return privateKey;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return null;
    throw unusable(path, error);
  } finally {
    rmSync(draft, { force: true });
  }
}

function mustBeEd25519(key: KeyObject, path: string): KeyObject {
  if (key.asymmetricKeyType === 'ed25519') return key;
  throw new AgentError('keyUnusable', `${path} holds a key of type ${key.asymmetricKeyType ?? 'unknown'}, not ed25519`);
}
function unusable(path: string, error: unknown): AgentError {
  if (error instanceof AgentError) return error;
  return new AgentError('keyUnusable', `${path}: ${error instanceof Error ? error.message : String(error)}`, {
    cause: error,
  });
}
const codeOf = (error: unknown) => (error instanceof Error && 'code' in error ? error.code : undefined);
