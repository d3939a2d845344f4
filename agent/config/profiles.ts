/** The profiles a configuration can name: those of the given folders, found by file name, read when asked for. */
import { readdirSync } from 'node:fs';
import { z } from 'zod';
import { DriverError } from '../../drivers/errors.ts';
import { loadProfile, ProfileInvalid, shippedProfilesDir } from '../../drivers/profiles/load.ts';
import { profileSchema, type Profile } from '../../drivers/profiles/schema.ts';
import type { SchemaNode } from './describe.ts';
import { issuesOfZod, type ConfigIssue } from './issues.ts';
import { parseSource } from './source.ts';

export type ProfileTrouble =
  | { readonly problem: 'unknown' }
  | { readonly problem: 'unusable'; readonly detail: string }
  /** Complaints that name the file of the profile, each with its place there. */
  | { readonly problem: 'invalid'; readonly issues: readonly ConfigIssue[] };

export interface ProfileCatalogue {
  /** Ids of all profiles in the folders. */
  readonly ids: readonly string[];
  /** The profile, or why there is none. `reference` is an id or the absolute path of a file. */
  find(reference: string): Profile | ProfileTrouble;
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
    if (error instanceof ProfileInvalid) return { problem: 'invalid', issues: issuesOf(error) };
    if (error instanceof DriverError && error.entry.code === 'DRV-100') return { problem: 'unknown' };
    return { problem: 'unusable', detail: 'it cannot be read' };
  }
}

function issuesOf({ file, text, issues }: ProfileInvalid): readonly ConfigIssue[] {
  const source = parseSource(file, text);
  if (source.syntax.length > 0) return source.syntax.map((problem) => ({ file, path: '', ...problem }));
  return issuesOfZod(source, profileJsonSchema(), issues);
}

/** The schema of a profile as plain data. */
export function profileJsonSchema(): SchemaNode {
  return z.toJSONSchema(profileSchema, { io: 'input', unrepresentable: 'any' }) as SchemaNode;
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
