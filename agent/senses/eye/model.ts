/** Which model the eye runs: the one in use on this gateway, else the one that came with the agent. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ModelError } from '../../../models/errors.ts';
import { shippedPackages } from '../../../models/package/keys.ts';
import { manifestFile, parseManifest } from '../../../models/package/manifest.ts';
import type { InstalledModels, VerifiedModel } from '../../models/installed.ts';

export const eyeModelId = 'fabric-anomaly';

export interface EyeModel extends VerifiedModel {
  /** Path of the graph. */
  readonly modelFile: string;
  /** `id@version`. */
  readonly model: string;
}

/**
 * @param active the installed version in use; null where none is
 * @throws ModelError `packageUnreadable` where the one that came with the agent is not there
 */
export function eyeModel(active: VerifiedModel | null): EyeModel {
  const { folder, manifest } = active ?? shipped();
  return {
    folder,
    manifest,
    modelFile: join(folder, manifest.model),
    model: `${manifest.id}@${manifest.version}`,
  };
}

/** The one in the shadow of it; null where none is. @throws PackageRefused where it is not what was installed */
export function shadowModel(installed: Pick<InstalledModels, 'slot' | 'verified'>): EyeModel | null {
  const { shadow } = installed.slot(eyeModelId);
  return shadow === null ? null : eyeModel(installed.verified(eyeModelId, shadow));
}

function shipped(): VerifiedModel {
  const folder = join(shippedPackages, eyeModelId);
  try {
    return { folder, manifest: parseManifest(readFileSync(join(folder, manifestFile))) };
  } catch (error) {
    if (error instanceof ModelError) throw error;
    throw new ModelError('packageUnreadable', folder, { cause: error });
  }
}
