/** A verb of this agent as a process of its own, on the configuration that this one has. */
import { join } from 'node:path';

/** The files a run was started with. */
export interface ConfigFiles {
  readonly configPath: string;
  readonly endpointsPath?: string;
}

const launcher = join(import.meta.dirname, 'bin', 'selvedge');

/** The command line of a verb on the same files, to which its own options are added. */
export function ownVerb(verb: readonly string[], { configPath, endpointsPath }: ConfigFiles): [string, ...string[]] {
  const endpoints = endpointsPath === undefined ? [] : ['--endpoints', endpointsPath];
  return ['sh', launcher, ...verb, '--config', configPath, ...endpoints];
}
