/** Whether a package is what its maker signed. Pure: what lies on the disk was read by `folder.ts`. */
import { ModelError, modelErrors, type ModelErrorKey } from '../errors.ts';
import type { PackageOnDisk } from './folder.ts';
import { parseManifest, type Manifest, type ManifestFile } from './manifest.ts';
import { checkSignature, type TrustedKeys } from './signature.ts';

export type CheckId = 'folder' | 'manifest' | 'signature' | 'files' | 'golden';

/** One check, as `selvedge doctor` has them. `detail` of a failed one begins with its code. */
export interface Check {
  readonly id: CheckId;
  readonly ok: boolean;
  readonly detail: string;
  /** What to do; null when all is well. */
  readonly cure: string | null;
  /** The error it failed with; null when all is well. */
  readonly key: ModelErrorKey | null;
}

export interface Verdict {
  readonly ok: boolean;
  /** What the manifest says; null where there is none to be read. It may be believed only when `ok`. */
  readonly manifest: Manifest | null;
  readonly checks: readonly Check[];
}

export const good = (id: CheckId, detail: string): Check => ({ id, ok: true, detail, cure: null, key: null });
/** @param detail without the code */
export const bad = (id: CheckId, key: ModelErrorKey, detail: string): Check => ({
  id,
  ok: false,
  detail: `${modelErrors[key].code} ${detail}`,
  cure: modelErrors[key].cure,
  key,
});

/** Manifest, signature and files, all of them also when one fails. The golden samples are run by `golden.ts`. */
export function verifyPackage(onDisk: PackageOnDisk, trusted: TrustedKeys): Verdict {
  let manifest: Manifest;
  try {
    manifest = parseManifest(onDisk.manifest);
  } catch (error) {
    return { ok: false, manifest: null, checks: [checkOf('manifest', error)] };
  }
  const { id, version } = manifest;
  const checks = [
    good('manifest', `${id} ${version}`),
    signatureCheck(onDisk, manifest, trusted),
    filesCheck(manifest.files, onDisk.files),
  ];
  return { ok: checks.every(({ ok }) => ok), manifest, checks };
}

function signatureCheck(
  { manifest: bytes, signature }: PackageOnDisk,
  manifest: Manifest,
  trusted: TrustedKeys,
): Check {
  try {
    const key = checkSignature(bytes, signature, manifest.signedBy, trusted);
    return good('signature', `${manifest.signedBy}, key ${key.slice(0, 16)}…`);
  } catch (error) {
    return checkOf('signature', error);
  }
}

function filesCheck(listed: readonly ManifestFile[], found: readonly ManifestFile[]): Check {
  const there = new Map(found.map((file) => [file.path, file]));
  const problems = listed.flatMap(({ path, bytes, sha256 }) => {
    const file = there.get(path);
    there.delete(path);
    if (file === undefined) return [`${path} is missing`];
    return file.bytes === bytes && file.sha256 === sha256 ? [] : [`${path} was changed`];
  });
  for (const path of there.keys()) problems.push(`${path} is not in the manifest`);
  if (problems.length === 0) return good('files', `${listed.length} files`);
  const more = problems.length > 5 ? ` and ${problems.length - 5} more` : '';
  return bad('files', 'packageChanged', `${problems.slice(0, 5).join(', ')}${more}`);
}

/** The failed check for an error of this room; another error is thrown on. */
export function checkOf(id: CheckId, error: unknown): Check {
  if (!(error instanceof ModelError)) throw error;
  return bad(id, error.key, error.detail);
}
