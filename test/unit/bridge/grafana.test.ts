/**
 * The views for Grafana and the example dashboard: every query of the file runs as Grafana's PostgreSQL data source sends it, and
 * finds what records written by hand say.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Row } from '../../../cloud-bridge/store/bridge-store.ts';
import { grafanaViews, grafanaViewTable } from '../../../cloud-bridge/store/postgres/grafana.ts';
import { PostgresStore } from '../../../cloud-bridge/store/postgres/store.ts';
import { asGrafanaSends, dashboard, docs, explain, partitionsRead, type Range } from './grafana-dashboard.ts';
import { checked } from './histories.ts';
import { alert, atMs, bootA, bootB, bootC, event, machine, stateSummary, status, summary } from './making.ts';
import { startPglite } from './pglite.ts';

const hour = 3_600_000;
const minute = 60_000;

const newSchema = await startPglite();
const { sessions, drop } = await newSchema();
const store = new PostgresStore({
  sessions: { ...sessions, close: drop },
  readers: null,
  nowMs: () => atMs,
  random: () => 0.5,
});

/** Two minutes of one machine in January, one of them in two parts; three months before it; two alerts; three gateways. */
async function fill(): Promise<void> {
  const spindle = { signal: 'spindle.speed', counter: null } as const;
  const counted = (delta: number, uncertainty: number) => ({
    delta,
    uncertainty,
    from: 0,
    to: delta,
    fromMs: atMs,
    toMs: atMs + minute,
    wraps: 0,
    resets: 0,
  });
  const records = [
    machine(1, {
      line: 'line-1',
      signals: [
        { signal: 'spindle.speed', kind: 'gauge', unit: '1/min' },
        { signal: 'stitches', kind: 'counter', unit: 'one' },
        { signal: 'mode', kind: 'text', unit: 'one' },
      ],
    }),
    // 08:00 in two parts: 20 s at a mean of 1000 and 40 s at a mean of 4000 are 3000 over the minute.
    summary(2, { ...spindle, samples: 30, good: 20, integral: 20_000, coveredS: 20, min: 900, max: 1100 }),
    summary(3, { ...spindle, segment: 1, samples: 50, good: 40, integral: 160_000, coveredS: 40, min: 800, max: 4200 }),
    // 08:01: no good value.
    summary(4, {
      ...spindle,
      minuteMs: atMs + minute,
      samples: 10,
      good: 0,
      sum: 0,
      integral: 0,
      coveredS: 0,
      min: null,
      max: null,
      first: null,
      last: null,
    }),
    summary(5, { counter: counted(120, 0), coveredS: 60 }),
    summary(6, { minuteMs: atMs + minute, counter: counted(80, 2) }),
    stateSummary(7, { seconds: { RUN: 45, FAULT: 15 } }),
    stateSummary(8, { minuteMs: atMs + minute, seconds: { RUN: 60 } }),
    stateSummary(9, { minuteMs: atMs + hour, seconds: { IDLE: 30, RUN: 30 } }),
    alert(10, { occurrence: 'o-1', priority: 'urgent', raisedMs: atMs + 5_000, text: "it's a thread break" }),
    alert(11, { occurrence: 'o-2', priority: 'low', raisedMs: atMs + 10_000 }),
    alert(12, {
      occurrence: 'o-2',
      priority: 'low',
      raisedMs: atMs + 10_000,
      clearedMs: atMs + 100_000,
      transition: 'closed',
      state: 'normal',
    }),
    alert(13, { occurrence: 'o-3', priority: 'high', state: 'shelved', transition: 'shelved', raisedMs: atMs - hour }),
  ];
  const old = [-80, -50, -20].map((days, at) => summary(20 + at, { ...spindle, minuteMs: atMs + days * 24 * hour }));
  const base = { gateway: 'gw-1', site: 'hall-1' } as const;
  await store.commit([checked({ ...base, seq: 1, records: [...records, ...old] })], atMs + 2 * minute);
  await store.applyStatus('hall-1', status({ gateway: 'gw-1', agentVersion: '1.0.0' }), atMs);
  await store.commit([checked({ gateway: 'gw-2', site: "o'hall", seq: 1, clock: 'stepped' })], atMs);
  await store.applyStatus("o'hall", status({ gateway: 'gw-2', online: false }), atMs + minute);
  await store.commit([checked({ gateway: 'gw-3', site: 'hall-1', seq: 1, records: [event(1)] })], atMs);
}
await fill();

const variables = {
  site: ['hall-1', "o'hall"],
  gateway: ['gw-1', 'gw-2', 'gw-3'],
  machine: ['ls-1'],
  signal: ['spindle.speed'],
};
const range = { fromMs: atMs, toMs: atMs + 2 * hour };
const s = (ms: number) => ms / 1000;

async function ask(title: string, values: Partial<typeof variables> = {}, within: Range = range): Promise<Row[]> {
  const targets = dashboard.panels.filter((panel) => panel.title === title).flatMap((panel) => panel.targets);
  const [target] = targets;
  assert.ok(target !== undefined && targets.length === 1, title);
  return store.rows(asGrafanaSends(target.rawSql, { ...variables, ...values }, within));
}
/** Ages are of this moment. */
const isAgeOf = (age: unknown, ms: number) => Math.abs(Number(age) - s(Date.now() - ms)) < 60;

/** Panel → what it shows of the records above. */
const shown: Readonly<Record<string, () => Promise<void>>> = {
  Gateways: async () => {
    // Of the one that is up the newest data are of January.
    assert.deepEqual(await ask('Gateways'), [{ Up: 1, Down: 1, 'Not known': 1, 'Up, no data for 5 min': 1 }]);
    assert.deepEqual(await ask('Gateways', { gateway: ['gw-2'] }), [
      { Up: 0, Down: 1, 'Not known': 0, 'Up, no data for 5 min': 0 },
    ]);
  },
  'Open alerts': async () => {
    assert.deepEqual(await ask('Open alerts'), [{ Urgent: 1, High: 0, Medium: 0, Low: 0 }]);
  },
  'Each gateway': async () => {
    const rows = await ask('Each gateway');
    assert.deepEqual(
      rows.map((row) => ['Gateway', 'State', 'Site', 'Urgent', 'High', 'Clock', 'Agent'].map((name) => row[name])),
      [
        ['gw-2', 'down', "o'hall", 0, 0, 'stepped', '0.1.0'],
        ['gw-3', 'unknown', 'hall-1', 0, 0, 'synced', null],
        ['gw-1', 'up', 'hall-1', 1, 0, 'synced', '1.0.0'],
      ],
    );
    // gw-1 made its batch at atMs, and it came two minutes later.
    assert.ok(isAgeOf(rows[2]?.['Age of data'], atMs));
    assert.ok(isAgeOf(rows[2]?.['Last heard'], atMs + 2 * minute));
  },
  '$signal: mean': async () => {
    assert.deepEqual(await ask('$signal: mean'), [
      { time: s(atMs), metric: 'gw-1 ls-1', value: 3000 },
      { time: s(atMs + minute), metric: 'gw-1 ls-1', value: null },
    ]);
  },
  '$signal: smallest and largest': async () => {
    assert.deepEqual(await ask('$signal: smallest and largest'), [
      { time: s(atMs), metric: 'gw-1 ls-1', smallest: 800, largest: 4200 },
      { time: s(atMs + minute), metric: 'gw-1 ls-1', smallest: null, largest: null },
    ]);
  },
  '$signal: counted in an hour': async () => {
    assert.deepEqual(await ask('$signal: counted in an hour'), []);
    assert.deepEqual(await ask('$signal: counted in an hour', { signal: ['stitches'] }), [
      { time: s(atMs), metric: 'gw-1 ls-1', value: 200 },
    ]);
  },
  '$signal: good readings': async () => {
    assert.deepEqual(await ask('$signal: good readings'), [
      { time: s(atMs), metric: 'gw-1 ls-1', value: 0.75 },
      { time: s(atMs + minute), metric: 'gw-1 ls-1', value: 0 },
    ]);
  },
  'States in an hour': async () => {
    assert.deepEqual(await ask('States in an hour'), [
      { time: s(atMs), metric: 'FAULT', value: 0.125 },
      { time: s(atMs), metric: 'RUN', value: 0.875 },
      { time: s(atMs + hour), metric: 'IDLE', value: 0.5 },
      { time: s(atMs + hour), metric: 'RUN', value: 0.5 },
    ]);
  },
  'Alerts raised in an hour': async () => {
    assert.deepEqual(await ask('Alerts raised in an hour'), [
      { time: s(atMs), metric: 'low', value: 1 },
      { time: s(atMs), metric: 'urgent', value: 1 },
    ]);
  },
  Alerts: async () => {
    const rows = await ask('Alerts');
    assert.deepEqual(
      rows.map((row) => ['Priority', 'State', 'Machine', 'Text'].map((name) => row[name])),
      [
        ['low', 'normal', 'ls-1', 'thread break'],
        ['urgent', 'active-unacked', 'ls-1', "it's a thread break"],
      ],
    );
    const times = rows.map(({ Raised, Cleared }) => [Raised, Cleared].map((at) => (at === null ? null : Number(at))));
    assert.deepEqual(times, [
      [atMs + 10_000, atMs + 100_000],
      [atMs + 5_000, null],
    ]);
    assert.equal(rows[0]?.['Lasted'], 90);
    assert.ok(isAgeOf(rows[1]?.['Lasted'], atMs + 5_000));
    const hourBefore = await ask('Alerts', {}, { fromMs: atMs - hour, toMs: atMs - 1 });
    assert.deepEqual(
      hourBefore.map((row) => row['Priority']),
      ['high'],
    );
  },
};

test('every panel of the dashboard shows what records written by hand say', async () => {
  assert.deepEqual(dashboard.panels.map(({ title }) => title).toSorted(), Object.keys(shown).toSorted());
  for (const check of Object.values(shown)) await check();
  assert.equal(new Set(dashboard.panels.map(({ id }) => id)).size, dashboard.panels.length);
});

test('every variable of the dashboard offers what there is', async () => {
  const offered = async (name: string) => {
    const variable = dashboard.templating.list.find((one) => one.name === name);
    assert.ok(variable?.type === 'query' && variable.query === variable.definition, name);
    return (await store.rows(asGrafanaSends(variable.query, variables, range))).map((row) => Object.values(row)[0]);
  };
  assert.deepEqual(
    dashboard.templating.list.map(({ name }) => name),
    ['datasource', 'site', 'gateway', 'machine', 'signal'],
  );
  assert.deepEqual(await offered('site'), ['hall-1', "o'hall"]);
  assert.deepEqual(await offered('gateway'), ['gw-1', 'gw-2', 'gw-3']);
  assert.deepEqual(await offered('machine'), ['ls-1']);
  assert.deepEqual(await offered('signal'), ['spindle.speed', 'stitches'], 'a text makes no curve');
});

test('the dashboard reads the views and nothing else', () => {
  const variableQueries = dashboard.templating.list.flatMap((one) => (one.type === 'query' ? [one.query] : []));
  const all = [...dashboard.panels.flatMap(({ targets }) => targets.map(({ rawSql }) => rawSql)), ...variableQueries];
  for (const sql of all) {
    const tables = [...sql.matchAll(/\b(?:FROM|JOIN)\s+([\w.]+)/gi)].map(([, table = '']) => table);
    assert.ok(tables.length > 0, sql);
    for (const table of tables) assert.ok(Object.hasOwn(grafanaViewTable, table), `${table} in ${sql}`);
  }
});

test('the range of time reaches the partitions: only the month that is asked for is read', async () => {
  const months = await store.rows<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relname ~ '^summary_\\d' AND relkind = 'r' ORDER BY 1`,
  );
  assert.deepEqual(
    months.map(({ name }) => name),
    ['summary_2025_10', 'summary_2025_11', 'summary_2025_12', 'summary_2026_01'],
  );
  for (const { title, targets } of dashboard.panels) {
    const [sql = ''] = targets.map(({ rawSql }) => rawSql);
    if (!/grafana_(minutes|states)/.test(sql)) continue;
    const plan = await store.rows<{ 'QUERY PLAN': string }>(`${explain} ${asGrafanaSends(sql, variables, range)}`);
    assert.deepEqual(
      partitionsRead(plan),
      [/grafana_states/.test(sql) ? 'state_summary_2026_01' : 'summary_2026_01'],
      title,
    );
  }
  // That the check can fail: a condition on the time alone reads every month.
  const careless = asGrafanaSends('SELECT * FROM grafana_minutes WHERE $__timeFilter(time)', variables, range);
  const plan = await store.rows<{ 'QUERY PLAN': string }>(`${explain} ${careless}`);
  assert.ok(partitionsRead(plan).includes('summary_2025_10'));
});

test('every column is described in the database and in FLEET.md, and times are times', async () => {
  const text = readFileSync(join(docs, 'FLEET.md'), 'utf8');
  const found = await store.rows<{ view: string; name: string; type: string; about: string | null }>(
    `SELECT c.relname AS view, a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type,
       col_description(c.oid, a.attnum) AS about
     FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
     WHERE c.relkind = 'v' AND c.relname LIKE 'grafana\\_%' AND c.relnamespace = current_schema()::regnamespace
     ORDER BY c.relname, a.attnum`,
  );
  const byView = Map.groupBy(found, ({ view }) => view);
  assert.deepEqual([...byView.keys()].toSorted(), Object.keys(grafanaViewTable).toSorted());
  for (const [view, { columns }] of Object.entries(grafanaViewTable)) {
    const rows = byView.get(view) ?? [];
    assert.deepEqual(Object.fromEntries(rows.map(({ name, about }) => [name, about])), columns, view);
    assert.deepEqual(
      rows.map(({ name }) => name),
      Object.keys(columns),
      view,
    );
    assert.ok(text.includes(`### \`${view}\``), view);
    for (const [column, about] of Object.entries(columns)) {
      assert.ok(text.includes(`| \`${column}\` | ${about} |`), `${view}.${column} in FLEET.md`);
    }
  }
  const times = found.filter(({ name }) => ['time', 'cleared', 'since', 'heard', 'data'].includes(name));
  assert.deepEqual([...new Set(times.map(({ type }) => type))], ['timestamp with time zone']);
});

test('what two copies of a gateway have counted is counted once, and their readings are those of both', async () => {
  const { sessions, drop } = await newSchema();
  const forked = new PostgresStore({ sessions, readers: null, nowMs: () => atMs, random: () => 0.5 });
  const counter = (from: number, to: number) => ({
    delta: to - from,
    uncertainty: 0,
    wraps: 0,
    resets: 0,
    from,
    to,
    fromMs: atMs + from * 1000,
    toMs: atMs + to * 1000,
  });
  const copy = (boot: string, sealedMs: number, to: number) =>
    checked({
      gateway: 'gw-1',
      site: 'hall-1',
      boot,
      previousBoot: bootA,
      sealedMs,
      records: [summary(1, { readingBoot: boot, samples: 50, good: 50, counter: counter(0, to) })],
    });
  await forked.commit([checked({ gateway: 'gw-1', site: 'hall-1', boot: bootA })], 1);
  // The older has counted 0 to 40 in its first 40 s, the younger 0 to 60: 60 in all, and not 100.
  await forked.commit([copy(bootB, atMs + 1, 40), copy(bootC, atMs + 2, 60)], 2);
  assert.deepEqual(
    await forked.rows('SELECT counter_delta, counter_uncertainty, samples, forked FROM grafana_minutes'),
    [{ counter_delta: 60, counter_uncertainty: 0, samples: 100, forked: true }],
  );
  await drop();
});

test('making the views again changes nothing, and a gateway that has said nothing has no age of data', async () => {
  await store.applyStatus('hall-1', status({ gateway: 'gw-4', boot: bootB }), atMs);
  const before = await store.rows('SELECT gateway, up, data, data_age_s FROM grafana_gateways ORDER BY gateway');
  const session = await sessions.borrow();
  await session.query(grafanaViews);
  session.release(false);
  const after = await store.rows('SELECT gateway, up, data, clock FROM grafana_gateways ORDER BY gateway');
  assert.deepEqual(
    after.map((row) => row['gateway']),
    before.map((row) => row['gateway']),
  );
  assert.deepEqual(before.at(-1), { gateway: 'gw-4', up: true, data: null, data_age_s: null });
});
