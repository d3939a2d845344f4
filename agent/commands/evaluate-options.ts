/** What the senses' verbs of `selvedge evaluate` have in common. */
import { openSync } from 'node:fs';
import { AgentError } from '../errors.ts';

/** @throws AgentError `usage` */
export function wholeOf(option: string, text: string, least: number, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most)) throw new AgentError('usage', `${option} takes ${least} … ${most}`);
  return value;
}

/** An open file for the scores. @throws AgentError `fileUnwritable` */
export function openScores(path: string): number {
  try {
    return openSync(path, 'w');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new AgentError('fileUnwritable', `--scores ${path}: ${why}`, { cause: error });
  }
}
