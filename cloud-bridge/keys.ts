/** The bridge's own Ed25519 pair, and the API key. */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  type KeyObject,
} from 'node:crypto';
import { existsSync } from 'node:fs';
import { BridgeError } from './errors.ts';
import { makeDir, readText, writeFileAtomic, type DataDir } from './files.ts';

/** The public half in `pem`, or null when it holds no Ed25519 key. */
export function publicKeyOf(pem: string): KeyObject | null {
  try {
    const key = createPublicKey(pem);
    return key.asymmetricKeyType === 'ed25519' ? key : null;
  } catch {
    return null;
  }
}

function privateKeyOf(pem: string): KeyObject | null {
  try {
    const key = createPrivateKey(pem);
    return key.asymmetricKeyType === 'ed25519' ? key : null;
  } catch {
    return null;
  }
}

/** Makes what is missing of keys and folders in `dir`; keeps what is there. Throws BRG-103, or BRG-106 for a damaged key. */
export function initialise(dir: DataDir): { readonly made: boolean } {
  makeDir(dir.root);
  makeDir(dir.gateways);
  let made = false;
  if (!existsSync(dir.privateKey)) {
    const pair = generateKeyPairSync('ed25519');
    writeFileAtomic(dir.privateKey, String(pair.privateKey.export({ type: 'pkcs8', format: 'pem' })), 0o600);
    made = true;
  }
  // Always from the private half, so that the two cannot disagree.
  const publicKey = createPublicKey(signingKey(dir));
  writeFileAtomic(dir.publicKey, String(publicKey.export({ type: 'spki', format: 'pem' })), 0o644);
  if (!existsSync(dir.apiKey)) writeFileAtomic(dir.apiKey, `${randomBytes(32).toString('base64url')}\n`, 0o600);
  return { made };
}

/** The key acks are signed with. Throws BRG-102 before `init`, BRG-106 when the file is damaged. */
export function signingKey(dir: DataDir): KeyObject {
  if (!existsSync(dir.privateKey)) throw new BridgeError('notInitialised', `${dir.privateKey} does not exist`);
  const key = privateKeyOf(readText(dir.privateKey));
  if (key === null) throw new BridgeError('keyInvalid', `${dir.privateKey} holds no Ed25519 private key`);
  return key;
}

/** Names a key pair: SHA-256 of its public half in DER form, the first 16 hex digits. */
export function keyName(privateKey: KeyObject): string {
  const der = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(der).digest('hex').slice(0, 16);
}

/** The bearer key of the API. Throws BRG-102 before `init`. */
export function apiKey(dir: DataDir): string {
  if (!existsSync(dir.apiKey)) throw new BridgeError('notInitialised', `${dir.apiKey} does not exist`);
  const key = readText(dir.apiKey).trim();
  if (key.length < 16) throw new BridgeError('notInitialised', `${dir.apiKey} is empty or too short`);
  return key;
}
