/** Grafana's views on a real PostgreSQL: the role of the recipe, workers that start at once on an older database, and plans. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test, type TestContext } from 'node:test';
import { grafanaViewTable } from '../../cloud-bridge/store/postgres/grafana.ts';
import { migrations } from '../../cloud-bridge/store/postgres/schema.ts';
import { pgSessions, type Session } from '../../cloud-bridge/store/postgres/sessions.ts';
import { PostgresStore } from '../../cloud-bridge/store/postgres/store.ts';
import { addressOf, postgresPrograms, startPostgres, type PostgresServer } from '../support/postgres.ts';
import { requireProgram } from '../support/peers.ts';
import { asGrafanaSends, dashboard, docs, explain, partitionsRead } from '../unit/bridge/grafana-dashboard.ts';
import { checked } from '../unit/bridge/histories.ts';
import { alert, atMs, summary } from '../unit/bridge/making.ts';

const bin = postgresPrograms();
const server: PostgresServer | null = bin === null ? null : await startPostgres(bin);
after(() => server?.stop());
const views = Object.keys(grafanaViewTable);
const day = 86_400_000;

async function sessionOn(t: TestContext, database: string, user = 'bridge'): Promise<Session> {
  assert.ok(server !== null);
  const pool = await pgSessions({ ...addressOf(server, database), user }, 1, true);
  const session = await pool.borrow();
  t.after(async () => {
    session.release(false);
    await pool.close();
  });
  return session;
}
async function newDatabase(t: TestContext, name: string): Promise<Session> {
  const admin = await sessionOn(t, 'postgres');
  await admin.query(`CREATE DATABASE ${name}`);
  return sessionOn(t, name);
}
async function worker(t: TestContext, database: string): Promise<PostgresStore> {
  assert.ok(server !== null);
  const sessions = await pgSessions(addressOf(server, database), 2, true);
  const store = new PostgresStore({ sessions, readers: null, nowMs: () => atMs, random: Math.random });
  t.after(() => store.close());
  return store;
}

/** The recipe of FLEET.md as it stands there, for `database`. */
function recipe(database: string): string {
  const text = readFileSync(join(docs, 'FLEET.md'), 'utf8');
  const lines = text.split('\n').filter((line) => /^ {4}(CREATE ROLE|ALTER ROLE|GRANT) /.test(line));
  assert.equal(lines.length, 6);
  return lines.join('\n').replace('…', 'a-password').replace('DATABASE selvedge', `DATABASE ${database}`);
}

if (server === null) test('PostgreSQL', (t) => void requireProgram(t, 'initdb'));
else {
  test('the role of the recipe reads the views, and no table, and changes nothing; an upgrade takes nothing from it', async (t) => {
    const owner = await newDatabase(t, 'roles');
    const store = await worker(t, 'roles');
    await store.commit([checked({ records: [alert(1), summary(2)] })], atMs);
    await owner.query(recipe('roles'));
    const grafana = await sessionOn(t, 'roles', 'grafana');
    const readAll = async () => {
      for (const view of views) assert.ok(Array.isArray(await grafana.query(`SELECT * FROM ${view}`)), view);
      const [row] = await grafana.query<{ n: number }>('SELECT count(*) AS n FROM grafana_minutes');
      assert.equal(row?.n, 1);
    };
    await readAll();
    for (const table of ['summary', 'record_alert', 'status', 'alert_open', 'evidence_chunk', 'selvedge_schema']) {
      await assert.rejects(grafana.query(`SELECT * FROM ${table}`), /permission denied/, table);
    }
    for (const sql of ['CREATE TABLE mine (a int)', 'DELETE FROM grafana_alerts', 'DROP VIEW grafana_alerts']) {
      await assert.rejects(
        grafana.query(sql),
        /read-only transaction|permission denied|must be owner|cannot delete/,
        sql,
      );
      // Read-only is a default it may lift; the rights are what holds.
      await grafana.query('BEGIN READ WRITE');
      await assert.rejects(grafana.query(sql), /permission denied|must be owner|cannot delete/, sql);
      await grafana.query('ROLLBACK');
    }
    // The views as the next version would make them.
    await owner.query('UPDATE selvedge_schema SET version = version - 1');
    const next = await worker(t, 'roles');
    assert.equal(await next.start(), null);
    await readAll();
  });

  test('workers that start at once on an older database make the views and the open alerts once, of what is there', async (t) => {
    const old = await newDatabase(t, 'older');
    const before = migrations.length - 2;
    await old.query(
      `CREATE TABLE selvedge_schema (version BIGINT NOT NULL); INSERT INTO selvedge_schema VALUES (${before})`,
    );
    await old.query('BEGIN');
    for (const step of migrations.slice(0, before)) await step(old);
    await old.query('COMMIT');
    await old.query(`INSERT INTO boot (gateway, boot, generation, first_ms, last_ms) VALUES ('gw-1', 'a', 0, 1, 1), ('gw-1', 'b', 1, 1, 1);
      INSERT INTO alert_first VALUES ('gw-1', 'o-1', 1), ('gw-1', 'o-2', 1);
      INSERT INTO record_alert (gateway, boot, n, machine, at_ms, occurrence, type, rule, priority, transition, state, onset_ms, raised_ms, text, evidence)
      SELECT 'gw-1', boot, n, 'ls-1', 1, occurrence, 'x', 'x', 'high', transition, state, 1, 1, 'x', '{}' FROM (VALUES
        ('a', 9, 'o-1', 'raised', 'active-unacked'), ('b', 1, 'o-1', 'closed', 'normal'),
        ('a', 3, 'o-2', 'raised', 'active-unacked'), ('a', 4, 'o-2', 'acked', 'active-acked')
      ) AS steps(boot, n, occurrence, transition, state)`);
    const workers = await Promise.all([1, 2, 3, 4].map(() => worker(t, 'older')));
    assert.deepEqual(await Promise.all(workers.map((one) => one.start())), [null, null, null, null]);
    assert.deepEqual(await old.query('SELECT occurrence, state FROM alert_open'), [
      { occurrence: 'o-2', state: 'active-acked' },
    ]);
    const there = await old.query<{ name: string }>(
      `SELECT viewname AS name FROM pg_views WHERE viewname LIKE 'grafana\\_%' ORDER BY 1`,
    );
    assert.deepEqual(
      there.map(({ name }) => name),
      views.toSorted(),
    );
    assert.deepEqual(await old.query('SELECT version FROM selvedge_schema'), [{ version: migrations.length }]);
  });

  test('with many rows a panel reads its gateway in its month by the index, and no other month', async (t) => {
    const owner = await newDatabase(t, 'many');
    const store = await worker(t, 'many');
    const months = [-50, -20, 0].map((days, at) => summary(at + 1, { minuteMs: atMs + days * day, counter: null }));
    await store.commit([checked({ gateway: 'gw-0', records: months })], atMs);
    await owner.query(`INSERT INTO gateway SELECT 'gw-' || g, 'hall', 1, 1 FROM generate_series(1, 19) AS g;
      INSERT INTO summary (gateway, machine, signal, minute_ms, reading_boot, segment, revision, boot, n, at_ms, samples, good, sum, integral, covered_s)
      SELECT 'gw-' || g, 'ls-1', 'spindle.speed', ${atMs - 50 * day} + m * 1200000::bigint, 'a', 0, 1, 'a', m, 1, 60, 60, 1, 1, 60
      FROM generate_series(1, 19) AS g, generate_series(1, 3600) AS m;
      ANALYZE`);
    const variables = { site: ['hall'], gateway: ['gw-7'], machine: ['ls-1'], signal: ['spindle.speed'] };
    const range = { fromMs: atMs - day, toMs: atMs };
    for (const title of ['$signal: mean', '$signal: good readings']) {
      const sql = dashboard.panels.find((panel) => panel.title === title)?.targets[0]?.rawSql ?? '';
      const plan = await owner.query<{ 'QUERY PLAN': string }>(`${explain} ${asGrafanaSends(sql, variables, range)}`);
      const text = plan.map((row) => row['QUERY PLAN']).join('\n');
      assert.match(text, /(?:Index|Bitmap) .*summary_2026_01/, text);
      assert.deepEqual(partitionsRead(plan), ['summary_2026_01'], text);
      assert.ok(!text.includes('Seq Scan on summary_2026_01'), text);
    }
  });
}
