/** Which model the eye runs: the one in use on this gateway, else the one that came with the agent. */
import type { InstalledModels, VerifiedModel } from '../../models/installed.ts';
import { senseModel, type SenseModel } from '../sense-model.ts';

export const eyeModelId = 'fabric-anomaly';
export type EyeModel = SenseModel;

/**
 * @param active the installed version in use; null where none is
 * @throws ModelError `packageUnreadable` where the one that came with the agent is not there
 */
export function eyeModel(active: VerifiedModel | null): EyeModel {
  return senseModel(eyeModelId, active);
}

/** The one in the shadow of it; null where none is. @throws PackageRefused where it is not what was installed */
export function shadowModel(installed: Pick<InstalledModels, 'slot' | 'verified'>): EyeModel | null {
  const { shadow } = installed.slot(eyeModelId);
  return shadow === null ? null : eyeModel(installed.verified(eyeModelId, shadow));
}
