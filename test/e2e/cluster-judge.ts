/** What a PostgreSQL store holds, asked with `psql`, against what was sent. */
import { spawnSync } from 'node:child_process';
import type { TruthRow } from './cluster-gateway.ts';

const tables: Readonly<Record<TruthRow['kind'], readonly [string, string]>> = {
  machine: ['record_machine', 'profile_version'],
  event: ['record_event', "(data->>'mark')::bigint"],
  alert: ['record_alert', 'onset_ms'],
  summary: ['summary', 'samples'],
  'state-summary': ['state_summary', "(seconds->>'RUN')::bigint"],
};

export interface Verdict {
  readonly sent: number;
  readonly stored: number;
  readonly lost: number;
  readonly twice: number;
  /** Rows that were never sent, or whose content is another. */
  readonly wrong: number;
}

export interface Database {
  readonly port: number;
  readonly password: string;
}

/** Rows of one statement, fields by tab. */
export function ask({ port, password }: Database, sql: string): string[][] {
  const args = ['-h', '127.0.0.1', '-p', String(port), '-U', 'bridge', '-d', 'postgres', '-XAtF', '\t', '-c', sql];
  const done = spawnSync('psql', args, {
    encoding: 'utf8',
    env: { ...process.env, PGPASSWORD: password },
    maxBuffer: 1 << 28,
  });
  if (done.status !== 0) throw new TypeError(`psql: ${done.stderr}`);
  return done.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t'));
}

export function judgeStore(database: Database, truth: readonly TruthRow[]): Verdict {
  const selects = Object.entries(tables).map(
    ([kind, [table, mark]]) => `SELECT gateway, n, '${kind}', ${mark} FROM ${table}`,
  );
  const rows = ask(database, selects.join(' UNION ALL ')).map((row) => row.join(' '));
  const expected = new Set(truth.map(({ gateway, n, kind, mark }) => `${gateway} ${n} ${kind} ${mark}`));
  const found = new Set(rows);
  return {
    sent: expected.size,
    stored: rows.length,
    lost: [...expected].filter((row) => !found.has(row)).length,
    twice: rows.length - found.size,
    wrong: [...found].filter((row) => !expected.has(row)).length,
  };
}
