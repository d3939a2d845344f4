/**
 * Outside programs that integration tests talk to. On a user's machine a missing one skips the test with the reason; in
 * CI (`CI=true`) it fails the test, so a green CI has really met every peer.
 */
import { spawnSync } from 'node:child_process';
import type { TestContext } from 'node:test';

/** True when `program` can be run. Otherwise skips `t` with the reason, or throws in CI. */
export function requireProgram(t: TestContext, program: string): boolean {
  const found = spawnSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' });
  if (found.status === 0) return true;
  return missing(t, `${program} is not installed`);
}

/** True when `/usr/bin/python3` can import `module`. Otherwise as `requireProgram`. */
export function requirePythonModule(t: TestContext, module: string, python = '/usr/bin/python3'): boolean {
  const found = spawnSync(python, ['-c', `import ${module}`], { encoding: 'utf8' });
  if (found.status === 0) return true;
  return missing(t, `${python} has no module ${module}`);
}

/** Skips `t` with the reason, or throws in CI. */
export function missing(t: TestContext, reason: string): false {
  if (process.env['CI'] === 'true') throw new TypeError(`CI must have every peer: ${reason}`);
  t.skip(reason);
  return false;
}
