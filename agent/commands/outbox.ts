/** `selvedge outbox`: what waits to be sent, and what the bridge refused. Works beside a running agent. */
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import BetterSqlite from 'better-sqlite3';
import { AgentError } from '../errors.ts';
import { asStoreError } from '../store/errors.ts';
import { journalFile } from '../store/files.ts';
import type { BatchRow, OutboxCounts } from '../store/outbox.ts';
import { journalMigrations, schemaVersion } from '../store/schema.ts';
import { batchLimits } from '../store/checked.ts';
import { Outbox } from '../store/sealing.ts';
import { writeJsonFile } from './json-file.ts';

export const help = `Usage: selvedge outbox (list | retry) --data-dir DIR [--limit N] [--json FILE]

  list    what waits for the bridge: records, batches, and dead letters (refused for good) with the reason
  retry   put all dead letters and refused files back in line; a running agent sends them within seconds

  --data-dir DIR   the agent's data folder
  --limit N        list at most N batches (100)
  --json FILE      also write {counts, batches}, or {retried}

Exit code: 0 good, 1 there are dead letters (list), 2 usage or a folder that cannot be used.
`;

export function main(args: readonly string[]): Promise<number> {
  return Promise.resolve().then(() => run(args));
}

function run(args: readonly string[]): number {
  const text = { type: 'string' } as const;
  const options = { 'data-dir': text, limit: { ...text, default: '100' }, json: text };
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
  const [verb] = positionals;
  const dataDir = values['data-dir'];
  const limit = Number(values.limit);
  if (positionals.length !== 1 || (verb !== 'list' && verb !== 'retry'))
    throw new AgentError('usage', 'say list or retry');
  if (dataDir === undefined) throw new AgentError('usage', '--data-dir DIR is missing');
  if (!Number.isInteger(limit) || limit < 1) throw new AgentError('usage', '--limit takes a number from 1 on');
  return verb === 'list' ? list(dataDir, limit, values.json) : retry(dataDir, values.json);
}

function list(dataDir: string, limit: number, jsonFile: string | undefined): number {
  return withOutbox(dataDir, true, (outbox) => {
    const counts = outbox.counts();
    const batches = outbox.list(limit);
    process.stdout.write(describe(counts, batches));
    if (jsonFile !== undefined) writeJsonFile(jsonFile, { counts, batches });
    return counts.dead > 0 ? 1 : 0;
  });
}

function retry(dataDir: string, jsonFile: string | undefined): number {
  return withOutbox(dataDir, false, (outbox) => {
    const retried = outbox.retryDead();
    const files = outbox.retryFiles();
    process.stdout.write(`${retried} dead letters and ${files} evidence files are back in line\n`);
    if (jsonFile !== undefined) writeJsonFile(jsonFile, { retried, files });
    return 0;
  });
}

/** Opens the journal of a stopped or running agent. Never creates or migrates one. */
function withOutbox<T>(dataDir: string, readonly: boolean, use: (outbox: Outbox) => T): T {
  const path = journalFile(dataDir);
  if (!existsSync(path)) throw new AgentError('fileUnreadable', `${path} does not exist: no agent has run there`);
  try {
    const db = new BetterSqlite(path, { readonly, fileMustExist: true, timeout: 5_000 });
    try {
      if (schemaVersion(db) !== journalMigrations.length) {
        throw new AgentError(
          'storeTooNew',
          `${path} has another schema than this version; start the agent of this version once`,
        );
      }
      return use(new Outbox(db, batchLimits));
    } finally {
      db.close();
    }
  } catch (error) {
    throw error instanceof AgentError ? error : asStoreError(error, path);
  }
}

function describe(counts: OutboxCounts, rows: readonly BatchRow[]): string {
  const oldest = counts.oldestMs === null ? '' : `, the oldest from ${new Date(counts.oldestMs).toISOString()}`;
  const lines = [
    `waiting: ${counts.records} records, ${counts.batches} of their batches sealed${oldest}`,
    `dead letters: ${counts.dead} batches`,
    `evidence: ${counts.files} files wait`,
    `since the beginning: ${counts.sealed} sealed, ${counts.acked} acked, ${counts.redelivered} sent again`,
  ];
  for (const { boot, seq, lane, state, records, wireBytes, sends, result, code } of rows) {
    const answer = result === null ? '' : ` ${result}${code === null ? '' : ` (${code})`}`;
    lines.push(`  ${boot}/${seq} ${state} ${lane} ${records} records ${wireBytes} B sent ${sends} times${answer}`);
  }
  return `${lines.join('\n')}\n`;
}
