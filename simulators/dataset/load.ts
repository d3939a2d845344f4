/** Tells a scenario of a data set from one of a floor, and reads it. */
import { readScenarioFile, readYaml } from '../scenario/load.ts';
import { datasetSchema, type Dataset } from './schema.ts';

export type LoadedDataset =
  | { readonly ok: true; readonly dataset: Dataset }
  | { readonly ok: false; readonly problems: readonly string[] };

/** true: the file describes a data set. A file that cannot be read as YAML describes none. Throws SIM-100. */
export function isDataset(file: string): boolean {
  const read = readYaml(...readScenarioFile(file));
  return read.ok && typeof read.value === 'object' && read.value !== null && 'dataset' in read.value;
}

/** Reads and checks the file. Throws SIM-100 when it cannot be read; problems of content are returned, one line each. */
export function loadDataset(file: string): LoadedDataset {
  const read = readYaml(...readScenarioFile(file));
  if (!read.ok) return read;
  const parsed = datasetSchema.safeParse(read.value);
  return parsed.success
    ? { ok: true, dataset: parsed.data }
    : { ok: false, problems: parsed.error.issues.map(read.say) };
}
