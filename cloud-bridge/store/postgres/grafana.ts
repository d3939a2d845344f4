/**
 * Views for Grafana's PostgreSQL data source, all named `grafana_…` (docs/FLEET.md has their columns and units).
 *
 * Where a view has `minute_ms`, that is the column the tables are partitioned by: a query that says its range in it reads the
 * months it needs and no others (test/unit/bridge/grafana.test.ts asks the planner). `time` is the same moment as Grafana shows
 * it, worked out of it, and a condition on `time` alone reads every month.
 *
 * What a fork has counted twice is taken off as rows of its own (`counter_overlap`), for which a range goes the same way. Where no
 * gateway of the fleet has a fork, that part of a query is not carried out.
 *
 * A later step that changes a table or view beneath them replaces them (CREATE OR REPLACE): dropped, they would lose what
 * readers were granted.
 */

const timeOf = (ms: string) => `to_timestamp(${ms} / 1000.0)`;
/** Seconds from a moment to now; never below 0, and NULL of no moment, which `greatest` alone would make 0. */
const ageOf = (ms: string) =>
  `(CASE WHEN ${ms} IS NOT NULL THEN greatest(0, extract(epoch FROM now()) - ${ms} / 1000.0) END)::double precision`;

/**
 * The newest batch: the last of the newest boot in the chain that has sent one. Data are as old as it says itself where its
 * clock was kept, as what has waited at the gateway is not new when it comes.
 */
const newestBatch = `
LEFT JOIN LATERAL (
  SELECT t.clock, t.received_ms,
    CASE WHEN t.clock = 'synced' THEN least(t.received_ms, t.sealed_ms) ELSE t.received_ms END AS fresh_ms
  FROM batch t
  WHERE t.gateway = g.gateway AND t.boot = (
    SELECT b.boot FROM boot b WHERE b.gateway = g.gateway AND b.sealed_ms IS NOT NULL
    ORDER BY b.generation DESC, b.last_ms DESC, b.boot DESC LIMIT 1
  ) ORDER BY t.seq DESC LIMIT 1
) AS newest ON true`;

interface View {
  readonly about: string;
  /** Column → what it is, with its unit, in the view's order. */
  readonly columns: Readonly<Record<string, string>>;
  readonly select: string;
}

const minuteColumns = {
  time: 'start of the UTC minute',
  minute_ms: 'the same in UTC milliseconds; say the range in this one',
};
const whose = { site: 'site id', gateway: 'gateway id', machine: 'machine id' };

export const grafanaViewTable: Readonly<Record<string, View>> = {
  grafana_minutes: {
    about: 'One signal of one machine over one minute.',
    columns: {
      ...minuteColumns,
      ...whose,
      signal: 'signal name',
      avg: 'mean over the time a good value was known, in the unit of the signal; NULL: none was',
      min: 'smallest good value, in the unit of the signal',
      max: 'largest good value, in the unit of the signal',
      counter_delta: 'what a counter counted, in the unit of the signal; NULL: no counter, or not two readings',
      counter_uncertainty: 'the truth lies in counter_delta − this .. counter_delta + this',
      samples: 'readings of any quality',
      good: 'good readings',
      good_share: 'good / samples, 0 to 1; NULL: no reading',
      integral: 'sum of value × seconds: sum(integral) / sum(covered_s) is the mean of many minutes',
      covered_s: 'seconds for which a good value was known',
      forked:
        'true: of a cloned or restored gateway. A counter counts once what two copies have seen; readings are those of both',
    },
    select: `SELECT ${timeOf('m.minute_ms')} AS time, m.minute_ms, g.site, m.gateway, m.machine, m.signal,
  m.integral / nullif(m.covered_s, 0) AS avg, m.min, m.max, m.counter_delta, m.counter_uncertainty,
  m.samples, m.good, m.good::double precision / nullif(m.samples, 0) AS good_share, m.integral, m.covered_s,
  g.forks > 0 AS forked
FROM (
  SELECT gateway, machine, signal, minute_ms, sum(integral) AS integral, sum(covered_s) AS covered_s,
    min(min) AS min, max(max) AS max, sum(counter_delta) AS counter_delta,
    sum(counter_uncertainty) AS counter_uncertainty, sum(samples)::bigint AS samples, sum(good)::bigint AS good
  FROM (
    SELECT gateway, machine, signal, minute_ms, integral, covered_s, min, max, counter_delta, counter_uncertainty, samples, good
    FROM summary
    UNION ALL
    SELECT gateway, machine, signal, minute_ms, 0, 0, NULL, NULL,
      counted_delta - counter_delta, counted_uncertainty - counter_uncertainty, 0, 0
    FROM counter_overlap WHERE EXISTS (SELECT 1 FROM branch_older)
  ) AS parts GROUP BY gateway, machine, signal, minute_ms
) AS m JOIN gateway g ON g.gateway = m.gateway`,
  },
  grafana_states: {
    about: 'Seconds in one state of one machine over one minute. Add them up; the share of an hour is what lies in it.',
    columns: {
      ...minuteColumns,
      ...whose,
      state: 'RUN, IDLE, STOP_MATERIAL, FAULT, SETUP, MAINTENANCE, OFFLINE or UNKNOWN',
      seconds: 'seconds in this state',
    },
    select: `SELECT ${timeOf('s.minute_ms')} AS time, s.minute_ms, g.site, s.gateway, s.machine, e.key AS state,
  e.value::double precision AS seconds
FROM state_summary s JOIN gateway g ON g.gateway = s.gateway CROSS JOIN LATERAL jsonb_each_text(s.seconds) AS e`,
  },
  grafana_signals: {
    about: 'What each machine last said of itself, a row for each of its signals: for lists to choose from.',
    columns: {
      ...whose,
      machine_kind: 'lockstitch, circular-knit, …',
      line: 'where it stands, as configured',
      station: 'where it stands, as configured',
      signal: 'signal name',
      kind: 'gauge, counter, flag, code or text',
      unit: 'unit of the signal',
    },
    select: `SELECT g.site, m.gateway, m.machine, m.machine_kind, m.line, m.station, s.signal, s.kind, s.unit
FROM machine m JOIN gateway g ON g.gateway = m.gateway
CROSS JOIN LATERAL jsonb_to_recordset(m.signals) AS s(signal text, kind text, unit text)`,
  },
  grafana_alerts: {
    about: 'One occurrence of an alert, as it stands now.',
    columns: {
      time: 'when it was first raised, on the clock of its gateway',
      first_raised_ms: 'the same in UTC milliseconds; say the range in this one',
      cleared: 'when the condition went away; NULL: it is still there',
      duration_s: 'seconds from first raised to cleared, or to now while it is open and not cleared',
      ...whose,
      type: 'what kind of alert',
      rule: 'the rule that raised it',
      signal: 'the signal it watches; NULL: none',
      priority: 'urgent, high, medium or low',
      priority_rank: '4 urgent, 3 high, 2 medium, 1 low',
      state: 'as ISA-18.2 has it: active-unacked, active-acked, returned-unacked, shelved, normal, …',
      open: 'true: neither closed nor removed',
      cause: 'canonical cause; NULL: not known',
      text: 'what it says',
    },
    select: `SELECT ${timeOf('a.first_raised_ms')} AS time, a.first_raised_ms, ${timeOf('a.cleared_ms')} AS cleared,
  CASE WHEN a.cleared_ms IS NOT NULL THEN greatest(0, a.cleared_ms - a.first_raised_ms) / 1000.0
    WHEN a.transition NOT IN ('closed', 'removed') THEN greatest(0, extract(epoch FROM now()) - a.first_raised_ms / 1000.0)
  END::double precision AS duration_s,
  g.site, a.gateway, a.machine, a.type, a.rule, a.signal, a.priority,
  CASE a.priority WHEN 'urgent' THEN 4 WHEN 'high' THEN 3 WHEN 'medium' THEN 2 ELSE 1 END AS priority_rank,
  a.state, a.transition NOT IN ('closed', 'removed') AS open, a.cause, a.text
FROM alert_current a JOIN gateway g ON g.gateway = a.gateway`,
  },
  grafana_gateways: {
    about: 'One gateway, as it stands now. Times are on the clock of the bridge.',
    columns: {
      site: 'site id',
      gateway: 'gateway id',
      up: 'true: connected; NULL: it never said',
      up_text: 'up, down or unknown',
      since: 'when its newest connection, or the end of it, was told',
      heard: 'when anything of it was stored last',
      heard_age_s: 'seconds since then',
      data: 'when its newest batch came; NULL: none ever',
      data_age_s: 'seconds since then, or since the batch was made where its clock was synced',
      clock: 'of the gateway when it made that batch: synced, stepped or unsynced',
      agent_version: 'version of the agent; NULL: it never said',
      forks: 'starts shared by cloned or restored copies; 0 is right',
      alerts_urgent: 'open alerts, those that are shelved, suppressed or out of service left out',
      alerts_high: 'the same',
      alerts_medium: 'the same',
      alerts_low: 'the same',
    },
    select: `SELECT g.site, g.gateway, s.online AS up,
  CASE WHEN s.online IS NULL THEN 'unknown' WHEN s.online THEN 'up' ELSE 'down' END AS up_text,
  ${timeOf('s.received_ms')} AS since, ${timeOf('g.last_ms')} AS heard, ${ageOf('g.last_ms')} AS heard_age_s,
  ${timeOf('newest.received_ms')} AS data,
  ${ageOf('newest.fresh_ms')} AS data_age_s,
  newest.clock, s.agent_version, g.forks,
  coalesce(o.urgent, 0) AS alerts_urgent, coalesce(o.high, 0) AS alerts_high, coalesce(o.medium, 0) AS alerts_medium,
  coalesce(o.low, 0) AS alerts_low
FROM gateway g LEFT JOIN status s ON s.gateway = g.gateway
LEFT JOIN (
  SELECT gateway, count(*) FILTER (WHERE priority = 'urgent') AS urgent, count(*) FILTER (WHERE priority = 'high') AS high,
    count(*) FILTER (WHERE priority = 'medium') AS medium, count(*) FILTER (WHERE priority = 'low') AS low
  FROM alert_open WHERE state NOT IN ('shelved', 'suppressed-by-design', 'out-of-service') GROUP BY gateway
) AS o ON o.gateway = g.gateway${newestBatch}`,
  },
};

const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;

/** Makes the views, or makes them anew; what readers were granted stays. */
export const grafanaViews: string = Object.entries(grafanaViewTable)
  .map(([name, { about, columns, select }]) => {
    const comments = Object.entries(columns).map(
      ([column, text]) => `COMMENT ON COLUMN ${name}.${column} IS ${quoted(text)};`,
    );
    return `CREATE OR REPLACE VIEW ${name} AS
${select};
COMMENT ON VIEW ${name} IS ${quoted(about)};
${comments.join('\n')}`;
  })
  .join('\n');
