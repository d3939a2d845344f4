/** `--json FILE` of the commands: the same answer as on the terminal, for programs. */
import { writeFileSync } from 'node:fs';
import { AgentError } from '../errors.ts';

/** @throws AgentError `fileUnwritable` */
export function writeJsonFile(file: string, value: unknown): void {
  try {
    writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new AgentError('fileUnwritable', `--json ${file}: ${why}`, { cause: error });
  }
}
