/** `selvedge audit`: whether the audit of writes is whole. Works beside a running agent. */
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import BetterSqlite from 'better-sqlite3';
import { AgentError, agentErrors } from '../errors.ts';
import { verifyAudit, type AuditVerdict } from '../store/audit.ts';
import { asStoreError } from '../store/errors.ts';
import { journalFile } from '../store/files.ts';
import { journalMigrations, schemaVersion } from '../store/schema.ts';
import { writeJsonFile } from './json-file.ts';

export const help = `Usage: selvedge audit verify --data-dir DIR [--head ID:HASH] [--json FILE]

  verify   walk the audit of writes to machines: every row must follow from the one before it

  --data-dir DIR   the agent's data folder
  --head ID:HASH   a newest row you kept from an earlier run: it must still be there as it was
  --json FILE      also write {rows, head, problems}

Prints number and hash of the newest row. Keep it elsewhere: who can write the file could make a new chain.

Exit code: 0 whole, 1 rows are missing, changed or added, 2 usage or a folder that cannot be used.
`;

export function main(args: readonly string[]): Promise<number> {
  return Promise.resolve().then(() => run(args));
}

function run(args: readonly string[]): number {
  const text = { type: 'string' } as const;
  const options = { 'data-dir': text, head: text, json: text };
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
  if (positionals.length !== 1 || positionals[0] !== 'verify') throw new AgentError('usage', 'say verify');
  const dataDir = values['data-dir'];
  if (dataDir === undefined) throw new AgentError('usage', '--data-dir DIR is missing');
  const kept = values.head === undefined ? null : keptHead(values.head);
  const verdict = verify(dataDir, kept);
  process.stdout.write(describe(verdict));
  if (values.json !== undefined) writeJsonFile(values.json, verdict);
  return verdict.problems.length === 0 ? 0 : 1;
}

function keptHead(text: string): { id: number; hash: string } {
  const match = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text);
  if (match === null) throw new AgentError('usage', '--head takes NUMBER:HASH as verify prints it');
  return { id: Number(match[1]), hash: match[2] ?? '' };
}

/** Opens the journal of a stopped or running agent. Never creates or migrates one. */
function verify(dataDir: string, kept: { readonly id: number; readonly hash: string } | null): AuditVerdict {
  const path = journalFile(dataDir);
  if (!existsSync(path)) throw new AgentError('fileUnreadable', `${path} does not exist: no agent has run there`);
  try {
    const db = new BetterSqlite(path, { readonly: true, fileMustExist: true, timeout: 5_000 });
    try {
      if (schemaVersion(db) !== journalMigrations.length) {
        throw new AgentError(
          'storeTooNew',
          `${path} has another schema than this version; start the agent of this version once`,
        );
      }
      // One picture of a database that goes on.
      return db.transaction(() => {
        const verdict = verifyAudit(db);
        if (kept === null) return verdict;
        const now = db.prepare('SELECT hash FROM audit WHERE id = ?').pluck().get(kept.id);
        if (now === kept.hash) return verdict;
        const what = now === undefined ? 'is missing, and was kept' : 'is another than was kept';
        return { ...verdict, problems: [...verdict.problems, { id: kept.id, what }] };
      })();
    } finally {
      db.close();
    }
  } catch (error) {
    throw error instanceof AgentError ? error : asStoreError(error, path);
  }
}

function describe({ rows, head, problems }: AuditVerdict): string {
  const newest = head === null ? '' : `, the newest ${head.id}:${head.hash}`;
  const lines = [`audit: ${rows} rows${newest}`, ...problems.map(({ id, what }) => `  row ${id} ${what}`)];
  if (problems.length === 0) lines.push('the chain is whole');
  else
    lines.push(
      `${agentErrors.auditBroken.code} ${agentErrors.auditBroken.meaning} — do: ${agentErrors.auditBroken.cure}`,
    );
  return `${lines.join('\n')}\n`;
}
