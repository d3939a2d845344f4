/**
 * Seals packages: hashes the files of a folder, writes its manifest in its one spelling and signs it.
 *
 *     npm run seal                                    all of models/packages, as a release
 *     npm run seal -- --site-key FILE FOLDER …        as the site whose private key (Ed25519, PKCS 8 PEM) is in FILE
 *
 * The folder has a `manifest.json` with everything but `files`, in any spelling. The private key of a release is in the file that
 * `SELVEDGE_RELEASE_KEY` names, and never in the repository. Without one a pair is made, used once and forgotten: what is sealed so
 * is good for this checkout alone, whose public key is written with it.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { ModelError } from '../errors.ts';
import { readPackage, readWhole } from './folder.ts';
import { releaseKeyFile, shippedPackages } from './keys.ts';
import {
  canonicalBytes,
  manifestFile,
  manifestSchema,
  packageLimits,
  signatureFile,
  type Manifest,
  type Signer,
} from './manifest.ts';
import { fingerprintOf, signManifest } from './signature.ts';

/**
 * Writes `manifest.json` and `manifest.sig` of the folder.
 * @throws ModelError `sealImpossible`, `packageUnreadable`
 */
export function sealPackage(folder: string, signedBy: Signer, privateKey: KeyObject): Manifest {
  const manifestPath = join(folder, manifestFile);
  const given = described(readWhole(manifestPath, packageLimits.manifestBytes), manifestPath);
  // A package that was never sealed has no signature yet, and reading one wants it.
  if (!existsSync(join(folder, signatureFile))) writeFileSync(join(folder, signatureFile), '');
  const { files } = readPackage(folder);
  const parsed = manifestSchema.safeParse({ ...given, v: 1, signedBy, files });
  if (!parsed.success) {
    throw new ModelError('sealImpossible', `${manifestPath}: ${z.prettifyError(parsed.error)}`);
  }
  const bytes = canonicalBytes(parsed.data);
  writeFileSync(manifestPath, bytes);
  writeFileSync(join(folder, signatureFile), signManifest(bytes, privateKey));
  return parsed.data;
}

function described(bytes: Buffer, path: string): Record<string, unknown> {
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(bytes.toString('utf8')));
  } catch (error) {
    throw new ModelError('sealImpossible', `${path} is no JSON object`, { cause: error });
  }
}

/** @throws ModelError `sealImpossible` */
function privateKeyOf(path: string): KeyObject {
  try {
    const key = createPrivateKey(readFileSync(path));
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch (error) {
    throw new ModelError('sealImpossible', `${path} holds no private key that can be read`, { cause: error });
  }
  throw new ModelError('sealImpossible', `${path} holds a key of another kind than Ed25519`);
}

/** The key of the release and a line about it; its public part is where packages are verified with it. */
function releaseKey(path: string | undefined): { readonly key: KeyObject; readonly said: string } {
  const key = path === undefined ? generateKeyPairSync('ed25519').privateKey : privateKeyOf(path);
  const publicKey = createPublicKey(key);
  mkdirSync(dirname(releaseKeyFile), { recursive: true });
  writeFileSync(releaseKeyFile, publicKey.export({ type: 'spki', format: 'pem' }));
  const name = `release key ${fingerprintOf(publicKey)}`;
  const said = path === undefined ? `SELVEDGE_RELEASE_KEY is not set: a throw-away ${name}` : name;
  return { key, said };
}

function main(args: readonly string[]): void {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { 'site-key': { type: 'string' } },
  });
  const siteKey = values['site-key'];
  if ((siteKey === undefined) !== (positionals.length === 0)) {
    throw new ModelError('sealImpossible', 'give --site-key FILE and the folders to be sealed with it, or neither');
  }
  const release = siteKey === undefined ? releaseKey(process.env['SELVEDGE_RELEASE_KEY']) : null;
  if (release !== null) process.stdout.write(`${release.said}\n`);
  const key = release?.key ?? privateKeyOf(siteKey ?? '');
  const shipped = existsSync(shippedPackages) ? readdirSync(shippedPackages).toSorted() : [];
  const folders = release === null ? positionals : shipped.map((name) => join(shippedPackages, name));
  for (const folder of folders) {
    const { id, version, files } = sealPackage(folder, release === null ? 'site' : 'release', key);
    process.stdout.write(`${folder}: ${id} ${version}, ${files.length} files\n`);
  }
}

if (import.meta.main) {
  try {
    main(process.argv.slice(2));
  } catch (error) {
    const cure = error instanceof ModelError ? ` — do: ${error.entry.cure}` : '';
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}${cure}\n`);
    process.exitCode = 2;
  }
}
