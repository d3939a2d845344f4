/** `selvedge remote`: what the bridge asked for and somebody at the gateway has to allow. Works beside a running agent. */
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import BetterSqlite from 'better-sqlite3';
import { AgentError } from '../errors.ts';
import { CommandLedger, type RemoteRequest } from '../store/commands.ts';
import { asStoreError } from '../store/errors.ts';
import { journalFile } from '../store/files.ts';
import { journalMigrations, schemaVersion } from '../store/schema.ts';
import { writeJsonFile } from './json-file.ts';

export const help = `Usage: selvedge remote (list | allow ID | refuse ID) --data-dir DIR [--json FILE]

Raw readings and diagnostics leave this gateway only when somebody here allows it, unless uplink.remoteRaw says otherwise.

  list        what the bridge asked for, with the number of each request; one is forgotten after a day
  allow ID    the bridge may have it, once, when it asks again within an hour
  refuse ID   it may not; allow takes that back

  --data-dir DIR   the agent's data folder
  --json FILE      also write {requests:[{id, kind, body, state, askedMs}]}

Exit code: 0 good, 1 no such request, 2 usage or a folder that cannot be used.
`;

export function main(args: readonly string[]): Promise<number> {
  return Promise.resolve().then(() => run(args));
}

const decisions = { allow: 'allowed', refuse: 'denied' } as const;

function run(args: readonly string[]): number {
  const text = { type: 'string' } as const;
  const options = { 'data-dir': text, json: text };
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
  const [verb, id, ...more] = positionals;
  const dataDir = values['data-dir'];
  if (dataDir === undefined) throw new AgentError('usage', '--data-dir DIR is missing');
  if (verb === 'list' && id === undefined) {
    return withLedger(dataDir, true, (ledger) => tell(ledger.requests(), values.json));
  }
  if ((verb !== 'allow' && verb !== 'refuse') || id === undefined || more.length > 0 || !/^\d{1,9}$/.test(id)) {
    throw new AgentError('usage', 'say list, allow ID or refuse ID');
  }
  return withLedger(dataDir, false, (ledger) => {
    const found = ledger.decide(Number(id), decisions[verb], Date.now());
    if (!found) process.stderr.write(`no request ${id} waits\n`);
    tell(ledger.requests(), values.json);
    return found ? 0 : 1;
  });
}

function tell(requests: readonly RemoteRequest[], json: string | undefined): number {
  for (const { id, kind, body, state, askedMs } of requests) {
    const line = `${id}  ${state}  ${kind} ${body}, asked ${new Date(askedMs).toISOString()}`;
    // The bridge wrote it: no control character of its reaches the terminal.
    process.stdout.write(`${line.replaceAll(/\p{C}/gu, '?')}\n`);
  }
  if (requests.length === 0) process.stdout.write('the bridge asks for nothing\n');
  if (json !== undefined) writeJsonFile(json, { requests });
  return 0;
}

/** Opens the journal of a stopped or running agent. Never creates or migrates one. */
function withLedger(dataDir: string, readonly: boolean, use: (ledger: CommandLedger) => number): number {
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
      return use(new CommandLedger(db));
    } finally {
      db.close();
    }
  } catch (error) {
    throw error instanceof AgentError ? error : asStoreError(error, path);
  }
}
