/** A shift over the page's API, as a table, and as the view cuts it. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { pageViews } from '../../../agent/page-views.ts';
import { operations } from '../../../agent/page/api.ts';
import { shiftCsv, shiftView } from '../../../agent/page/shift.ts';
import type { ShiftQuery } from '../../../agent/store/history.ts';
import type { MachineShift, ShiftSums } from '../../../agent/store/shift-sums.ts';
import { calendarSchema, weekdays, type ShiftCalendar } from '../../../agent/time/calendar.ts';
import { momentOf, shownOf, stateShares } from '../../../agent/web/shift-figures.ts';
import { createFloor } from './floor.ts';
import { as, call, goodPassword, signIn, startPage } from './harness.ts';

const hourMs = 3_600_000;
const calendar = calendarSchema.parse({
  plans: [
    {
      shifts: [
        { id: 'early', name: 'Early', days: [...weekdays], from: '06:00', to: '14:00' },
        { id: 'late', days: [...weekdays], from: '14:00', to: '22:00' },
      ],
    },
  ],
}) as ShiftCalendar;

async function begin(t: TestContext) {
  const floor = createFloor();
  floor.views.calendar = calendar;
  floor.setMachine('ck-1', { hasEye: true });
  const { port, users } = await startPage(t, {}, floor);
  await users.add('asha', 'admin', goodPassword);
  await users.add('mina', 'viewer', goodPassword);
  const mina = await signIn(port, 'mina');
  return { floor, port, get: (path: string) => call(port, path, { headers: as(mina) }) };
}

test('a viewer sees the shift of a moment, with every machine and its neighbours; nobody else sees any', async (t) => {
  const { floor, port, get } = await begin(t);
  const at = Date.parse('2026-03-02T04:00:00Z');
  const answer = await get(`/api/shift?at=${at}`);
  assert.equal(answer.status, 200);
  const told = operations.shift.response.parse(answer.json);
  assert.equal(told.shift.name, 'Early');
  assert.equal(told.shift.fromMs, Date.parse('2026-03-02T00:00:00Z'));
  assert.equal(told.toldToMs, told.shift.toMs);
  assert.deepEqual([told.previous?.name, told.next?.name], ['late', 'late']);
  assert.deepEqual(
    new Set(told.machines.map(({ machine }) => machine)),
    new Set(floor.machines.map(({ id }) => id)),
    'those of which nothing is told, too',
  );
  const ck = told.machines.find(({ machine }) => machine === 'ck-1');
  assert.deepEqual(ck?.seconds, { UNKNOWN: 8 * 3600 });
  assert.deepEqual(ck?.defects, { found: 0, metres: null, per100m: null });
  const sewing = told.machines.find(({ machine }) => machine === 'ls-1');
  assert.equal(sewing?.defects, null);
  assert.ok(sewing?.counters.some(({ signal, unit }) => signal === 'stitch.total' && unit !== ''));

  const csv = await get(`/api/shift.csv?at=${at}`);
  assert.equal(csv.status, 200);
  for (const bad of ['x', '-1', '1e400']) assert.equal((await get(`/api/shift?at=${bad}`)).status, 400);
  assert.equal((await call(port, '/api/shift', {})).status, 401);
  assert.equal((await call(port, '/api/shift.csv', {})).status, 401);
});

test('the running shift has no next one, and a moment to come is now', async (t) => {
  const { floor, get } = await begin(t);
  floor.views.calendar = null;
  const now = operations.shift.response.parse((await get('/api/shift')).json);
  assert.equal(now.next, null);
  assert.equal(now.shift.name, null);
  assert.ok(now.toldToMs <= now.shift.toMs);
  const future = operations.shift.response.parse((await get(`/api/shift?at=${Date.now() + 90 * 24 * hourMs}`)).json);
  assert.deepEqual(future.shift, now.shift);
  floor.views.shift = { ...floor.views.shift, isWhole: false };
  assert.equal((await get('/api/shift')).json['isWhole'], false);
  assert.equal((await get('/api/shift.csv')).status, 503, 'a table would keep no mark of it');
});

const summed = (machine: Partial<MachineShift>, sums: Partial<ShiftSums> = {}) => ({
  shift: { name: '=cmd', fromMs: Date.parse('2026-03-02T00:00:00Z'), toMs: Date.parse('2026-03-02T08:00:00Z') },
  previous: null,
  next: null,
  nowMs: Date.parse('2026-03-03T00:00:00Z'),
  timeZone: 'Asia/Dhaka',
  sums: {
    isWhole: true,
    isCounted: true,
    machines: [
      {
        machine: 'ck-1',
        counters: [],
        seconds: { RUN: 28_000 },
        unknownS: 800,
        cutS: 0,
        stops: [],
        cloth: null,
        ...machine,
      },
    ],
    ...sums,
  },
});

test('a rate of defects needs metres and a count', () => {
  const of = (...given: Parameters<typeof summed>) => shiftView(summed(...given), []).machines[0]?.defects;
  assert.deepEqual(of({ cloth: { found: 3, metres: 150 } }), { found: 3, metres: 150, per100m: 2 });
  assert.deepEqual(of({ cloth: { found: 3, metres: null } }), { found: 3, metres: null, per100m: null });
  assert.deepEqual(of({ cloth: { found: 0, metres: 50 } }), { found: 0, metres: 50, per100m: 0 });
  assert.deepEqual(of({ cloth: { found: 0, metres: 50 } }, { isCounted: false }), {
    found: null,
    metres: 50,
    per100m: null,
  });
  assert.equal(of({ cloth: null }), null);
});

test('the table has a line a figure, times of both clocks, and no cell that a spreadsheet would run', () => {
  const given = summed({
    stops: [{ cause: null, seconds: 60, times: null }],
    counters: [{ signal: 'roll.count', delta: 2, uncertainty: 1 }],
    cloth: { found: 3, metres: null },
  });
  const lines = shiftCsv(shiftView(given, []), [{ id: 'ck-1', name: '@knit, "1"', line: null }], 'Asia/Dhaka')
    .trim()
    .split('\r\n');
  const start = `'=cmd,2026-03-02T00:00:00.000Z,2026-03-02T08:00:00.000Z,2026-03-02 06:00,2026-03-02 14:00,,ck-1,"'@knit, ""1"""`;
  assert.equal(
    lines[0],
    'shift,from_utc,to_utc,from_site,to_site,line,machine,name,figure,of,value,unit,times,uncertainty',
  );
  assert.deepEqual(lines.slice(1), [
    `${start},state,RUN,28000,s,,`,
    `${start},state,UNKNOWN,800,s,,`,
    `${start},stop,not told,60,s,,`,
    `${start},defects,found,3,,,`,
    `${start},defects,metres,,m,,`,
    `${start},defects,per 100 m,,,,`,
    `${start},counter,roll.count,2,,,1`,
  ]);
});

test('stops after the fifth are one line that loses none, and shares of states add up', () => {
  const stops = [9, 8, 7, 6, 5, 4, 3].map((seconds) => ({ cause: `c-${seconds}`, seconds, times: seconds }));
  const { first, others } = shownOf(stops);
  assert.deepEqual([first.length, others], [5, { seconds: 7, times: 7 }]);
  assert.deepEqual(shownOf(stops.slice(0, 5)).others, null);
  assert.deepEqual(shownOf([...stops, { cause: 'x', seconds: 1, times: null }]).others, { seconds: 8, times: null });
  const shares = stateShares([{ seconds: { RUN: 30, UNKNOWN: 20 } }, { seconds: { RUN: 30, FAULT: 20 } }]);
  assert.deepEqual(
    shares.map(({ state, seconds, share }) => [state, seconds, share]),
    [
      ['RUN', 60, 0.6],
      ['FAULT', 20, 0.2],
      ['UNKNOWN', 20, 0.2],
    ],
  );
  assert.deepEqual(stateShares([]), []);
  assert.deepEqual([null, '', '17', '-1', '1.5', '<script>', '9'.repeat(16)].map(momentOf), [
    null,
    null,
    17,
    null,
    null,
    null,
    null,
  ]);
});

test('a shift is added up once for all who look: some seconds while it runs, a minute when it is over, anew where not whole', async () => {
  const clock = { atMs: Date.parse('2026-03-02T04:00:00Z'), wallMs: () => clock.atMs, monotonicMs: () => clock.atMs };
  const asked: ShiftQuery[] = [];
  let isWhole = true;
  const views = pageViews({
    store: {
      band: () => assert.fail('not asked'),
      timeline: () => assert.fail('not asked'),
      stops: () => assert.fail('not asked'),
      table: () => assert.fail('not asked'),
      today: () => assert.fail('not asked'),
      shift: async (query) => {
        asked.push(query);
        return { isWhole, isCounted: true, machines: [] };
      },
    },
    drivers: [],
    doctor: { look: () => assert.fail('not asked') },
    storeStats: () => null,
    growth: { bytesADay: () => null },
    dataDir: '/',
    budgetBytes: 1,
    timeZone: () => 'Asia/Dhaka',
    calendar: () => calendar,
    clock,
  });
  const startMs = clock.atMs;
  await views.shift(null);
  await views.shift(clock.atMs - 1);
  assert.deepEqual(asked, [{ fromMs: Date.parse('2026-03-02T00:00:00Z'), toMs: startMs, isOver: false }]);
  clock.atMs += 6_000;
  await views.shift(null);
  assert.equal(asked.length, 2);
  const past = clock.atMs - 20 * hourMs;
  await views.shift(past);
  clock.atMs += 50_000;
  await views.shift(past);
  assert.equal(asked.length, 3);
  assert.equal(asked[2]?.isOver, true);
  clock.atMs += 11_000;
  isWhole = false;
  await views.shift(past);
  await views.shift(past);
  assert.equal(asked.length, 5);
});
