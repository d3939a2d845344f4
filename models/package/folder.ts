/**
 * A package as it lies on the disk. Nothing is followed and nothing is read that is more than a package may have.
 *
 * Invariant (test/unit/models/folder.test.ts): only plain files and folders are taken. A link, a device, a pipe, a name of another
 * kind, one file too many or one too long: the whole package is refused.
 */
import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { ModelError } from '../errors.ts';
import { manifestFile, packageLimits, signatureFile, type ManifestFile } from './manifest.ts';
import { maxSignatureBytes } from './signature.ts';

const pieceBytes = 1024 * 1024;
const maxDepth = 4;

export interface PackageOnDisk {
  readonly manifest: Buffer;
  /** Text of `manifest.sig`. */
  readonly signature: string;
  /** Every other file, sorted by path. */
  readonly files: readonly ManifestFile[];
}

/**
 * Reads manifest and signature, and hashes all other files.
 * @throws ModelError `packageUnreadable`
 */
export function readPackage(folder: string): PackageOnDisk {
  try {
    const paths = pathsBelow(folder, '', 0);
    const manifest = readWhole(join(folder, manifestFile), packageLimits.manifestBytes);
    const signature = readWhole(join(folder, signatureFile), maxSignatureBytes).toString('latin1');
    let left: number = packageLimits.packageBytes;
    const files = paths
      .filter((path) => path !== manifestFile && path !== signatureFile)
      .map((path) => {
        const sum = sumOf(join(folder, path), Math.min(left, packageLimits.fileBytes));
        left -= sum.bytes;
        return { path, ...sum };
      });
    return { manifest, signature, files };
  } catch (error) {
    if (error instanceof ModelError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new ModelError('packageUnreadable', `${folder}: ${why}`, { cause: error });
  }
}

/** Plain files below a folder, with `/`, sorted. @throws ModelError `packageUnreadable` */
export function pathsBelow(root: string, below = '', depth = 0): string[] {
  if (depth > maxDepth) throw new ModelError('packageUnreadable', `${join(root, below)} lies too deep`);
  if (!lstatSync(join(root, below)).isDirectory()) {
    throw new ModelError('packageUnreadable', `${join(root, below)} is no folder`);
  }
  const paths: string[] = [];
  for (const entry of readdirSync(join(root, below), { withFileTypes: true })) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) paths.push(...pathsBelow(root, path, depth + 1));
    else if (entry.isFile()) paths.push(path);
    else throw new ModelError('packageUnreadable', `${join(root, path)} is no plain file`);
    // Manifest and signature are in no list.
    if (paths.length > packageLimits.files + 2) throw new ModelError('packageUnreadable', `${root} has too many files`);
  }
  return paths.toSorted();
}

/** A whole file of a package, by one handle that follows no link. @throws ModelError `packageUnreadable` */
export function readWhole(path: string, mostBytes: number): Buffer {
  const pieces: Buffer[] = [];
  readThrough(path, mostBytes, (piece) => pieces.push(Buffer.from(piece)));
  return Buffer.concat(pieces);
}

function sumOf(path: string, mostBytes: number): { readonly bytes: number; readonly sha256: string } {
  const hash = createHash('sha256');
  const bytes = readThrough(path, mostBytes, (piece) => void hash.update(piece));
  return { bytes, sha256: hash.digest('hex') };
}

function readThrough(path: string, mostBytes: number, each: (piece: Buffer) => void): number {
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    if (!fstatSync(file).isFile()) throw new ModelError('packageUnreadable', `${path} is no plain file`);
    const buffer = Buffer.allocUnsafe(pieceBytes);
    let bytes = 0;
    for (;;) {
      const read = readSync(file, buffer, 0, pieceBytes, null);
      if (read === 0) return bytes;
      bytes += read;
      if (bytes > mostBytes) throw new ModelError('packageUnreadable', `${path} has more than ${mostBytes} bytes`);
      each(buffer.subarray(0, read));
    }
  } finally {
    closeSync(file);
  }
}
