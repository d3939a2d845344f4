/** The profiles a configuration can name: those of the given folders, found by file name, read when asked for. */
import { readdirSync } from 'node:fs';
import { DriverError } from '../../drivers/errors.ts';
import { loadProfile, shippedProfilesDir } from '../../drivers/profiles/load.ts';
import type { Profile } from '../../drivers/profiles/schema.ts';

export interface ProfileCatalogue {
  /** Ids of all profiles in the folders. */
  readonly ids: readonly string[];
  /** The profile, or why there is none. `reference` is an id or the absolute path of a file. */
  find(reference: string): Profile | { readonly problem: 'unknown' | 'unusable'; readonly detail: string };
}

/** Looks through `dirs`, then the shipped profiles; the first of a name wins. A folder that cannot be read counts as empty. */
export function profileCatalogue(dirs: readonly string[]): ProfileCatalogue {
  const ids = [...dirs, shippedProfilesDir].flatMap((dir) =>
    yamlFiles(dir).map((name) => name.replace(/\.ya?ml$/, '')),
  );
  // A file is read once for all machines that name it.
  const found = new Map<string, ReturnType<ProfileCatalogue['find']>>();
  return {
    ids: [...new Set(ids)].toSorted(),
    find: (reference) => {
      const known = found.get(reference) ?? find(reference, dirs);
      found.set(reference, known);
      return known;
    },
  };
}

function find(reference: string, dirs: readonly string[]): ReturnType<ProfileCatalogue['find']> {
  try {
    return loadProfile(reference, dirs);
  } catch (error) {
    if (!(error instanceof DriverError)) return { problem: 'unusable', detail: 'it cannot be read' };
    if (error.entry.code === 'DRV-100') return { problem: 'unknown', detail: '' };
    return { problem: 'unusable', detail: error.message.replaceAll(/\s*\n\s*/g, ' ') };
  }
}

/** True when a profile reference is a path rather than an id. */
export function isProfilePath(reference: string): boolean {
  return reference.includes('/') || reference.includes('\\') || /\.ya?ml$/i.test(reference);
}

function yamlFiles(dir: string): readonly string[] {
  try {
    return readdirSync(dir).filter((name) => /\.ya?ml$/.test(name));
  } catch {
    return [];
  }
}
