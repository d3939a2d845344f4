/** Which model a sense runs: the one in use on this gateway, else the one that came with the agent. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ModelError } from '../../models/errors.ts';
import { shippedPackages } from '../../models/package/keys.ts';
import { manifestFile, parseManifest } from '../../models/package/manifest.ts';
import type { VerifiedModel } from '../models/installed.ts';

export interface SenseModel extends VerifiedModel {
  /** Path of the graph. */
  readonly modelFile: string;
  /** `id@version`. */
  readonly model: string;
}

/**
 * @param id of the package that came with the agent
 * @param active the installed version in use; null where none is
 * @throws ModelError `packageUnreadable` where the one that came with the agent is not there
 */
export function senseModel(id: string, active: VerifiedModel | null): SenseModel {
  const { folder, manifest } = active ?? shipped(id);
  return {
    folder,
    manifest,
    modelFile: join(folder, manifest.model),
    model: `${manifest.id}@${manifest.version}`,
  };
}

function shipped(id: string): VerifiedModel {
  const folder = join(shippedPackages, id);
  try {
    return { folder, manifest: parseManifest(readFileSync(join(folder, manifestFile))) };
  } catch (error) {
    if (error instanceof ModelError) throw error;
    throw new ModelError('packageUnreadable', folder, { cause: error });
  }
}
