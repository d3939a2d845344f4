/** What the doctor says of the models in use and of what they run on; nothing where none is installed and no machine has a camera. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ModelError } from '../../models/errors.ts';
import { runGolden } from '../../models/package/golden.ts';
import type { AcceleratorChoice } from '../../models/package/accelerator.ts';
import type { Config } from '../config/config.ts';
import { AgentError } from '../errors.ts';
import { Accelerators, hostMarks } from '../models/accelerators.ts';
import { InstalledModels } from '../models/installed.ts';
import { modelsFolder } from '../models/place.ts';
import { trustedKeys } from '../models/trust.ts';
import { eyeModel, eyeModelId } from '../senses/eye/model.ts';
import { hostBoot, hostMonotonicMs } from '../time/host.ts';
import { loadPackage } from './children.ts';
import { bad, good, type Check } from './report.ts';

/**
 * @param hasEye whether a machine has a camera
 * @param root the folder of the package
 */
export async function examineModels(
  { dataDir, models: { siteKeys, accelerator } }: Pick<Config, 'dataDir' | 'models'>,
  hasEye: boolean,
  root: string,
): Promise<Check[]> {
  // Keys are looked at only where there is something they are for.
  if (!hasEye && !existsSync(modelsFolder(dataDir))) return [];
  try {
    const models = new InstalledModels({
      dataDir,
      trusted: trustedKeys(dataDir, siteKeys),
      golden: runGolden,
      now: () => ({ boot: hostBoot(), monotonicMs: hostMonotonicMs() }),
      wallMs: () => Date.now(),
    });
    const installed = models.list();
    const eye = hasEye ? [judgeEye(models, dataDir, accelerator)] : [];
    if (installed.length === 0) return hasEye ? [...eye, await judgeRuntime(root)] : [];
    const inUse = installed.filter(({ state }) => state === 'active' || state === 'trial');
    const checks = [...new Set(installed.map(({ id }) => id))].map((id) => judgeModel(models, id));
    const words = inUse.length === 0 ? 'no model is in use' : `${inUse.length} in use`;
    return [
      good('models', `${installed.length} versions are installed, ${words}`),
      ...checks,
      ...eye,
      await judgeRuntime(root),
    ];
  } catch (error) {
    return [refused('models', error)];
  }
}

/** What the eye runs, and on what, as it was found on this computer. */
function judgeEye(models: InstalledModels, dataDir: string, wanted: AcceleratorChoice): Check {
  try {
    const model = eyeModel(models.active(eyeModelId));
    const never = () => Promise.reject(new AgentError('usage', 'the doctor tries no accelerator'));
    const marks = hostMarks(process.env);
    const found = new Accelerators({ dataDir, wanted, host: marks, choose: never, wallMs: () => Date.now() });
    const { chosen, reason } = found.known(model) ?? { chosen: 'cpu', reason: 'the agent has not tried others yet' };
    return good('eye', `runs ${model.model} on ${chosen} (models.accelerator: ${wanted}): ${reason}`);
  } catch (error) {
    return refused('eye', error);
  }
}

/** Signature and every byte of the version in use. */
function judgeModel(models: InstalledModels, id: string): Check {
  try {
    const active = models.active(id);
    if (active === null) return good(`model:${id}`, 'none is in use');
    const { version, signedBy } = active.manifest;
    return good(`model:${id}`, `${version} is whole, signed by ${signedBy}`);
  } catch (error) {
    return refused(`model:${id}`, error);
  }
}

function refused(id: string, error: unknown): Check {
  if (error instanceof ModelError || error instanceof AgentError) return bad(id, error.message, error.entry.cure);
  throw error;
}

async function judgeRuntime(root: string): Promise<Check> {
  const { problem } = await loadPackage('onnxruntime-node');
  if (problem !== null) {
    return bad(
      'accelerators',
      `onnxruntime-node cannot be loaded (${problem})`,
      'Run `npm ci` in the folder of the package.',
    );
  }
  const libraries = join(root, 'node_modules/onnxruntime-node/bin/napi-v6', process.platform, process.arch);
  const hasCuda = existsSync(join(libraries, 'libonnxruntime_providers_cuda.so'));
  const cuda = hasCuda ? 'the libraries of cuda are there' : 'cuda and tensorrt are not installed';
  const detail = `cpu, which every test runs; webgpu, tried on SwiftShader alone; ${cuda} (docs/ACCELERATORS.md)`;
  return good('accelerators', detail);
}
