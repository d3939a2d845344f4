/** The version of this agent, as package.json says it. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';

const packageFile = z.object({ version: z.string() });
export const agentVersion: string = packageFile.parse(
  JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')),
).version;

/**
 * UTC ms before which no clock that shows the time of day can be: this program did not exist yet. Raised with a release. Not the
 * day of the build to the hour, so that a clock that is a time zone off is not taken for one that was never set.
 */
export const builtMs = Date.UTC(2026, 0, 1);
