/** Every bridge reads what gateways of every contract version sent: the frozen bytes of `test/fixtures/contract`. */
import assert from 'node:assert/strict';
import { appendFileSync, cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  ackMessage,
  ackSignatureHolds,
  blobAckMessage,
  blobAckSignatureHolds,
  chunkSignatureHolds,
  decodeBlob,
  statusMessage,
  wireRecord,
} from '../../../cloud-bridge/contract.ts';
import { dataDir } from '../../../cloud-bridge/files.ts';
import { judge } from '../../../cloud-bridge/judge.ts';
import { publicKeyOf } from '../../../cloud-bridge/keys.ts';
import { SqliteStore } from '../../../cloud-bridge/store/store.ts';
import { frozenProblems } from '../../check/frozen.ts';
import { temporaryDir } from './making.ts';

const folder = join(import.meta.dirname, '../../fixtures/contract');
const v1 = join(folder, 'v1');
const read = (name: string) => readFileSync(join(v1, name));
function key(name: string) {
  const found = publicKeyOf(read(`${name}.pub.pem`).toString());
  assert.ok(found);
  return found;
}
const from = { site: 'plant-a', gateway: 'gw-frozen' };
const at = Date.UTC(2026, 0, 5, 8, 0, 0);
const [boot, before] = ['0123456789abcdef', 'fedcba9876543210'];
const ups = readdirSync(v1).filter((name) => name.endsWith('.up'));

function judged(name: string) {
  const gateway = { id: 'gw-frozen', site: 'plant-a', key: key('gateway') };
  const verdict = judge(read(name), from, (id) => (id === 'gw-frozen' ? gateway : null));
  assert.equal(verdict.verdict, 'commit', `${name}: ${JSON.stringify(verdict)}`);
  if (verdict.verdict !== 'commit') throw new assert.AssertionError({ message: name });
  return verdict.batch;
}

test('version 1: there is a frozen batch of every kind of record, and each is stored, once', (t) => {
  const kinds = wireRecord.options.map((option) => option.shape.kind.value);
  assert.deepEqual(ups.sort(), kinds.map((kind) => `${kind}.up`).sort());
  const store = SqliteStore.open(dataDir(temporaryDir(t)), 1);
  t.after(() => store.close());
  const batches = ups.map(judged);
  assert.deepEqual(
    store.commit(batches, 1).outcomes,
    ups.map(() => 'stored'),
  );
  assert.deepEqual(
    store.commit(batches, 2).outcomes,
    ups.map(() => 'repeat'),
  );
  const rows = (sql: string) => store.db.prepare(sql).raw().all();
  assert.deepEqual(rows('SELECT gateway, boot, from_n, to_n FROM ledger'), [['gw-frozen', boot, 1, 19]]);
  assert.deepEqual(rows('SELECT seq, lane, clock, sealed_ms, records FROM batch ORDER BY seq'), [
    [1, 'live', 'unsynced', at + 60_001, 1],
    [2, 'backlog', 'synced', at + 60_002, 3],
    [3, 'evidence', 'stepped', at + 60_003, 1],
    [4, 'live', 'synced', at + 60_004, 3],
    [5, 'alerts', 'synced', at + 60_005, 11],
  ]);
  assert.deepEqual(rows('SELECT previous_boot FROM boot'), [[before]]);
  const signals =
    '[{"signal":"stitches","kind":"counter","unit":"C62"},{"signal":"motor_temp","kind":"gauge","unit":"CEL"},' +
    '{"signal":"running","kind":"flag","unit":""},{"signal":"fault","kind":"code","unit":""},{"signal":"job","kind":"text","unit":""}]';
  assert.deepEqual(
    rows(
      'SELECT n, machine, at_ms, machine_kind, profile, profile_version, line, station, identification, signals FROM machine',
    ),
    [
      [
        1,
        'ls-1',
        at,
        'lockstitch',
        'sewing-modbus-ref',
        3,
        'line-1',
        null,
        '{"Manufacturer":"Näh & Söhne","Model":"縫製-7"}',
        signals,
      ],
    ],
  );
  assert.deepEqual(
    rows(`SELECT signal, n, minute_ms, reading_boot, segment, revision, samples, good, sum, integral, covered_s, min, max,
        first, last, counter_delta, counter_uncertainty, counter_from, counter_to, counter_from_ms, counter_to_ms,
        counter_wraps, counter_resets FROM summary ORDER BY n`),
    [
      [
        'stitches',
        2,
        at,
        boot,
        0,
        1,
        600,
        598,
        1234567.5,
        90210.25,
        59.75,
        1000,
        4321,
        1000,
        4321,
        3321,
        2,
        1000,
        4321,
        at + 100,
        at + 59_900,
        1,
        0,
      ],
      ['motor_temp', 3, at, before, 2, 4, 0, 0, 0, 0, 0, ...Array.from({ length: 12 }, () => null)],
      [
        'oil_temp',
        4,
        at,
        boot,
        0,
        1,
        12,
        12,
        -481.2,
        -2406,
        60,
        -40.6,
        -39.4,
        -40,
        -40.2,
        ...Array.from({ length: 8 }, () => null),
      ],
    ],
  );
  assert.deepEqual(rows('SELECT n, minute_ms, reading_boot, segment, revision, seconds, causes FROM state_summary'), [
    [
      5,
      at,
      boot,
      0,
      2,
      '{"RUN":20.5,"IDLE":9.5,"STOP_MATERIAL":10,"FAULT":5,"SETUP":4,"MAINTENANCE":3,"OFFLINE":2,"UNKNOWN":6}',
      '{"material.thread_break":10,"fault.motor":5}',
    ],
  ]);
  assert.deepEqual(rows('SELECT n, machine, at_ms, event, phase, from_ms, data FROM record_event ORDER BY n'), [
    [
      6,
      'ls-1',
      at + 1000,
      'state_changed',
      'instant',
      null,
      '{"from":"IDLE","to":"RUN","step":1.5,"sure":true,"cause":null}',
    ],
    [7, 'gateway', at + 2000, 'uplink_outage', 'opened', at + 1500, '{}'],
    [8, 'gateway', at + 3000, 'uplink_outage', 'closed', at + 1500, '{"seconds":1.5}'],
  ]);
  assert.deepEqual(rows('SELECT n, transition, state, priority, actor FROM record_alert ORDER BY n'), [
    [9, 'raised', 'active-unacked', 'high', null],
    [10, 'acked', 'active-acked', 'low', 'omar'],
    [11, 'returned', 'returned-unacked', 'medium', null],
    [12, 'closed', 'normal', 'urgent', null],
    [13, 'shelved', 'shelved', 'high', 'omar'],
    [14, 'unshelved', 'active-unacked', 'high', null],
    [15, 'reactivated', 'active-unacked', 'high', null],
    [16, 'unverified', 'latched', 'high', null],
    [17, 'suppressed', 'suppressed-by-design', 'high', null],
    [18, 'removed', 'out-of-service', 'high', null],
    [19, 'verified', 'active-unacked', 'high', null],
  ]);
  assert.deepEqual(
    rows(`SELECT machine, at_ms, occurrence, type, rule, signal, onset_ms, raised_ms, cleared_ms, cause, text, evidence
        FROM record_alert WHERE n IN (9, 12) ORDER BY n`),
    [
      [
        'ls-1',
        at + 9000,
        'occ-raised',
        'thread_break',
        'thread-break',
        'thread',
        at + 500,
        at + 900,
        null,
        'material.thread_break',
        'Thread break',
        '{"value":3,"text":"a \\"b\\" \\\\ c","flag":false,"none":null}',
      ],
      [
        'ls-1',
        at + 12_000,
        'occ-closed',
        'thread_break',
        'thread-break',
        null,
        at + 500,
        at + 900,
        at + 10_500,
        null,
        'Thread break',
        '{}',
      ],
    ],
  );
});

test('version 1: every frozen answer is read, and its signature holds', () => {
  const acks = readdirSync(v1).filter((name) => name.endsWith('.ack'));
  const read1 = acks.sort().map((name) => {
    const ack = ackMessage.parse(JSON.parse(read(name).toString()));
    assert.ok(ackSignatureHolds(ack, key('bridge')), name);
    assert.ok(!ackSignatureHolds({ ...ack, retryAfterS: 1 }, key('bridge')), name);
    assert.deepEqual([ack.gateway, ack.boot, ack.seq], ['gw-frozen', boot, 5]);
    return [name, ack.result, ack.code, ack.retryAfterS];
  });
  assert.deepEqual(read1, [
    ['later-busy.ack', 'later', 'busy', 2.5],
    ['later-store-full.ack', 'later', 'store-full', 60],
    ['refused-conflict.ack', 'refused', 'conflict', null],
    ['repeat.ack', 'repeat', null, null],
    ['stored.ack', 'stored', null, null],
  ]);
});

test('version 1: a frozen chunk of a file and the answers to it are read, and their signatures hold', () => {
  const chunk = decodeBlob(read('last.chunk'));
  assert.ok(chunk !== null);
  const { v: _, ...signed } = chunk.header;
  const { sig: _sig, ...name } = signed;
  const blob = '75e1a3fabf5dc8ff5362bae737605a60d4e0c25cabe7b1ac03292ee0f4030106';
  assert.deepEqual(name, { gateway: 'gw-frozen', sha256: blob, size: 49452, chunk: 1 });
  assert.equal(chunk.bytes.length, 300);
  assert.ok(chunkSignatureHolds(signed, chunk.bytes, key('gateway')));
  assert.ok(!chunkSignatureHolds({ ...signed, chunk: 0 }, chunk.bytes, key('gateway')));
  const answers = ['part', 'later'].map((result) => {
    const ack = blobAckMessage.parse(JSON.parse(read(`${result}.file-ack`).toString()));
    assert.ok(blobAckSignatureHolds(ack, key('bridge')), result);
    assert.ok(!blobAckSignatureHolds({ ...ack, held: [[0, 9]] }, key('bridge')), result);
    const { sig: _ackSig, ...rest } = ack;
    return rest;
  });
  const base = { v: 1, gateway: 'gw-frozen', blob };
  assert.deepEqual(answers, [
    {
      ...base,
      held: [
        [1, 1],
        [3, 5],
      ],
      result: 'part',
      code: null,
      retryAfterS: null,
    },
    { ...base, held: [], result: 'later', code: 'store-full', retryAfterS: 60 },
  ]);
});

test('version 1: a frozen birth and death are taken', (t) => {
  const store = SqliteStore.open(dataDir(temporaryDir(t)), 1);
  t.after(() => store.close());
  for (const [name, online] of [
    ['birth', 1],
    ['death', 0],
  ] as const) {
    const status = statusMessage.parse(JSON.parse(read(`${name}.status`).toString()));
    assert.equal(store.applyStatus('plant-a', status, 7).taken, true, name);
    assert.deepEqual(
      store.db
        .prepare('SELECT gateway, boot, previous_boot, connection, online, at_ms, agent_version, session FROM status')
        .raw()
        .all(),
      [['gw-frozen', boot, before, 3, online, at + 5000, '0.1.0', 'c2Vzc2lvbg']],
    );
  }
});

test('a fixture that is changed, missing or new fails the check', (t) => {
  assert.deepEqual(frozenProblems(), []);
  const copy = join(temporaryDir(t), 'contract');
  cpSync(folder, copy, { recursive: true });
  assert.deepEqual(frozenProblems(copy), []);
  appendFileSync(join(copy, 'v1/alert.up'), '\n');
  rmSync(join(copy, 'v1/death.status'));
  writeFileSync(join(copy, 'v1/new.up'), '');
  assert.deepEqual(
    frozenProblems(copy)
      .map((problem) => problem.replace(/^.*v1\//, ''))
      .sort(),
    ['alert.up was changed: it is frozen', 'death.status is missing', 'new.up is not in the table'],
  );
});
