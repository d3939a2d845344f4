/** The profiles a configuration can name: those of the given folders, found by file name, read when asked for. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse } from 'yaml';
import { profileSchema, type Profile } from '../../drivers/profiles/schema.ts';

export interface ProfileCatalogue {
  /** Ids of all profiles in the folders. */
  readonly ids: readonly string[];
  /** The profile, or why there is none. `reference` is an id or the absolute path of a file. */
  find(reference: string): Profile | { readonly problem: 'unknown' | 'unusable'; readonly detail: string };
}

/** Folder of the shipped profiles. */
export const shippedProfileDir: string = join(import.meta.dirname, '../../drivers/profiles');

/** Looks through `dirs` in order; the first file of a name wins. A folder that cannot be read counts as empty. */
export function profileCatalogue(dirs: readonly string[]): ProfileCatalogue {
  const files = new Map<string, string>();
  for (const dir of dirs) {
    for (const name of yamlFiles(dir)) {
      const id = basename(name, '.yaml');
      if (!files.has(id)) files.set(id, join(dir, name));
    }
  }
  return {
    ids: [...files.keys()].toSorted(),
    find: (reference) => {
      const file = isProfilePath(reference) ? reference : files.get(reference);
      return file === undefined ? { problem: 'unknown', detail: '' } : readProfile(file);
    },
  };
}

/** True when a profile reference is a path rather than an id. */
export function isProfilePath(reference: string): boolean {
  return reference.includes('/') || reference.includes('\\') || reference.endsWith('.yaml');
}

function yamlFiles(dir: string): readonly string[] {
  try {
    return readdirSync(dir).filter((name) => name.endsWith('.yaml'));
  } catch {
    return [];
  }
}

function readProfile(file: string): ReturnType<ProfileCatalogue['find']> {
  try {
    const parsed = profileSchema.safeParse(parse(readFileSync(file, 'utf8')));
    if (parsed.success) return parsed.data;
    const first = parsed.error.issues[0];
    return { problem: 'unusable', detail: `${first?.path.join('.') ?? ''}: ${first?.message ?? ''}` };
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    return missing ? { problem: 'unknown', detail: '' } : { problem: 'unusable', detail: 'it cannot be read as YAML' };
  }
}
