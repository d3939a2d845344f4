/** Stoll's events, line by line. What each must do is written by hand from the tables of the PPS user guide. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { numberOf, paramOf, parseStollLine, type StollEvent } from '../../../drivers/stoll/event.ts';
import { StollMachineState, type Taken } from '../../../drivers/stoll/machine-state.ts';
import { LineFramer } from '../../../drivers/serial/framer.ts';
import { Random, runs, seed } from './modbus-random.ts';

const t0 = Date.UTC(2026, 2, 2, 8);

function event(seq: number, type: number, id: number, more: Partial<StollEvent> = {}): StollEvent {
  return { kind: 'event', generation: 'a', seq, timeMs: t0 + seq * 1000, type, id, param: '', state: null, ...more };
}
function news(taken: Taken): Extract<Taken, { kind: 'news' }> {
  assert.ok(taken.kind === 'news', taken.kind);
  return taken;
}
/** What is told of each name, plainly. */
function told(taken: Taken): Record<string, unknown> {
  return Object.fromEntries(
    news(taken).updates.map(([name, value]) => {
      if (typeof value === 'number') return [name, value];
      if ('text' in value) return [name, value.text];
      return [name, value.quality === 'bad' ? value.reason : value.value];
    }),
  );
}
const unknowns = (taken: Taken): string[] =>
  Object.entries(told(taken))
    .flatMap(([name, value]) => (value === 'state-unknown' ? [name] : []))
    .toSorted();

test('machine states are told by their number, a stop with its text, and production has none', () => {
  const state = new StollMachineState(t0);
  for (const [i, id] of [2, 3, 4, 5, 6, 7, 8, 9, 10, 11].entries()) {
    const got = told(state.take(event(i + 1, 2, id, { param: 'Yarn feeder 3A, take-down' })));
    assert.equal(got['mcState'], id);
    assert.equal(got['stopText'], 'Yarn feeder 3A, take-down');
  }
  assert.deepEqual(told(state.take(event(11, 2, 1))), { mcState: 1, stopText: '' });
});

test('pieces and sequences are counted, with what is left to make', () => {
  const state = new StollMachineState(t0);
  assert.deepEqual(told(state.take(event(1, 1, 3, { param: '41' }))), { pieces: 1, piecesLeft: 41, mode: 'not-told' });
  assert.deepEqual(told(state.take(event(2, 1, 3, { param: '<40>' }))), { pieces: 2, piecesLeft: 40 });
  assert.deepEqual(told(state.take(event(3, 1, 3))), { pieces: 3, piecesLeft: 'state-unknown' });
  assert.deepEqual(told(state.take(event(4, 1, 4, { param: '2' }))), { sequences: 1, sequencesLeft: 2 });
  assert.deepEqual(told(state.take(event(5, 1, 9, { param: '120' }))), { piecesLeft: 120 });
});

test('the productivity flags are bits: 1 productive, 2 creep speed, 6 set-up, 7 maintenance', () => {
  const state = new StollMachineState(t0);
  const flags = (seq: number, param: string) => told(state.take(event(seq, 1, 2, { param })));
  const off = { productive: false, creepSpeed: false, setupMode: false, maintenanceMode: false };
  assert.deepEqual(flags(1, '2'), { ...off, productive: true, mode: 'production' });
  assert.deepEqual(flags(2, '68'), { ...off, creepSpeed: true, setupMode: true, mode: 'setup' });
  assert.deepEqual(flags(3, '192'), { ...off, setupMode: true, maintenanceMode: true, mode: 'maintenance' });
  assert.equal(flags(4, 'none')['setupMode'], 'state-unknown');
});

test('pattern, shift and order are told; who it was, hashes and comments are not', () => {
  const state = new StollMachineState(t0);
  assert.equal(told(state.take(event(1, 1, 1, { param: '/p=Sleeve left 42.sin' })))['pattern'], 'Sleeve left 42.sin');
  assert.equal(told(state.take(event(2, 1, 5, { param: 'Early' })))['shift'], 'Early');
  const secret = '/U=Amina /M=9f86d081 /PI=PO-77 /P1=4 /C=Amina was late';
  const all = [
    state.take(event(3, 3, 12, { param: secret })),
    state.take(event(4, 4, 2, { param: secret })),
    state.take(event(5, 1, 10, { param: 'Amina' })),
    state.take(event(6, 1, 7, { param: 'Amina' })),
    state.take(event(7, 77, 1, { param: secret })),
  ];
  assert.deepEqual(told(all[0] ?? assert.fail()), { userInfo: 12, productionId: 'PO-77' });
  assert.deepEqual(told(all[1] ?? assert.fail()), { userState: 2, productionId: 'PO-77' });
  assert.doesNotMatch(JSON.stringify(all), /Amina|9f86|late"/);
});

test('numbers nobody explains stay visible', () => {
  const state = new StollMachineState(t0);
  assert.equal(told(state.take(event(1, 2, 57)))['mcState'], 57);
  assert.equal(told(state.take(event(2, 5, 3)))['otherEvent'], '5/3');
  assert.equal(told(state.take(event(3, 121, 9)))['otherEvent'], '121/9');
});

function running(): StollMachineState {
  const state = new StollMachineState(t0);
  state.take(event(1, 1, 1, { param: '/p=Front' }));
  state.take(event(2, 1, 2, { param: '2' }));
  state.take(event(3, 4, 5));
  state.take(event(4, 2, 1));
  return state;
}

test('a warm start keeps what is known, every other start makes it unknown until it is told', () => {
  const warm = running();
  assert.equal(news(warm.take(event(5, 2, 32_002))).isOff, true);
  const got = warm.take(event(6, 2, 32_001, { param: '1 /c=010 /v=1.E.3.149.6' }));
  assert.deepEqual(told(got), { mcState: 32_001, stopText: '', startMode: 1 });
  const known = new Map(warm.known());
  assert.deepEqual(known.get('pattern'), { text: 'Front' });
  assert.deepEqual(known.get('mode'), { text: 'production' });
  for (const param of ['0', '2', '3', '4 /c=010', '5', '6', '']) {
    const cold = running();
    cold.take(event(5, 2, 32_002));
    const taken = cold.take(event(6, 2, 32_001, { param }));
    const missing = unknowns(taken);
    for (const name of ['mcState', 'pattern', 'productive', 'setupMode', 'userState'])
      assert.ok(missing.includes(name));
    assert.equal(told(taken)['mode'], 'not-told');
    assert.equal(told(cold.take(event(7, 2, 1)))['mcState'], 1);
  }
});

test('a data gap is a span, and what was known before it is not', () => {
  for (const [type, id] of [
    [121, 4],
    [101, 8],
  ] as const) {
    const state = running();
    const taken = news(state.take(event(5, type, id, { timeMs: t0 + 360_000_000 })));
    assert.deepEqual(taken.gap, { fromMs: t0 + 4000, reason: 'data-gap' });
    assert.ok(unknowns(taken).includes('mcState'));
    assert.ok(!('pieces' in told(taken)));
    // What was made in the gap nobody counted.
    const [, piece] = news(state.take(event(6, 1, 3))).updates.find(([name]) => name === 'pieces') ?? assert.fail();
    assert.deepEqual(piece, { quality: 'uncertain', value: 1, reason: 'events-missed' });
  }
});

test('a restore, the end of data and the recording switched off make all states unknown', () => {
  for (const [type, id] of [
    [121, 1],
    [0, 2],
    [0, 3],
    [101, 6],
  ] as const) {
    const taken = running().take(event(5, type, id));
    assert.equal(news(taken).gap, null);
    assert.ok(unknowns(taken).includes('mcState') && unknowns(taken).includes('pattern'), `${type}/${id}`);
  }
  assert.deepEqual(told(running().take(event(5, 0, 1))), {});
  assert.equal(told(running().take(event(5, 1, 5, { param: 'x', state: -1 })))['mcState'], 'state-unknown');
  assert.equal(told(running().take(event(5, 2, 3, { state: 1 })))['mcState'], 'contradictory');
});

test('events that are sent again are known; a missing one makes all unknown, and so does another generation', () => {
  const state = running();
  assert.equal(state.take(event(4, 2, 1)).kind, 'repeated');
  assert.equal(state.take(event(1, 1, 1)).kind, 'repeated');
  const after = news(state.take(event(6, 1, 3)));
  assert.deepEqual(after.gap, { fromMs: t0 + 4000, reason: 'events-missing' });
  assert.ok(unknowns(after).includes('mcState'));
  assert.equal(news(state.take(event(7, 2, 1))).gap, null);
  assert.equal(news(state.take(event(1, 2, 1, { generation: 'b' }))).gap?.reason, 'events-missing');
  assert.equal(state.take(event(8, 2, 3)).kind, 'late');
  assert.equal(state.take(event(3, 2, 3)).kind, 'repeated');
});

test('what was made before the start is told as uncertain, and counting begins with the first event after it', () => {
  const state = new StollMachineState(t0 + 3500);
  const counts = [1, 2, 3, 4, 5].map((seq) => {
    const [, count] = news(state.take(event(seq, 1, 3))).updates.find(([name]) => name === 'pieces') ?? assert.fail();
    return count;
  });
  assert.deepEqual(counts, [
    { quality: 'uncertain', value: 1, reason: 'before-start' },
    { quality: 'uncertain', value: 2, reason: 'before-start' },
    { quality: 'uncertain', value: 3, reason: 'before-start' },
    { quality: 'good', value: 1 },
    { quality: 'good', value: 2 },
  ]);
});

test('whatever is sent again, and in whatever pieces, every event counts once', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), fc.array(fc.nat({ max: 39 }), { maxLength: 60 }), (count, again) => {
      const state = new StollMachineState(t0);
      let pieces = 0;
      const send = (seq: number): void => {
        const taken = state.take(event(seq, 1, 3));
        if (taken.kind === 'news') pieces += 1;
      };
      for (let seq = 1; seq <= count; seq += 1) {
        send(seq);
        for (const back of again.slice(0, seq)) if (back < seq) send(back + 1);
      }
      assert.equal(pieces, count);
    }),
  );
});

test('a line is an event, a sign of life, or garbage', () => {
  const line =
    '{"generation":3,"seq":17,"time":"2026-03-02T09:15:00.250+01:00","type":2,"id":3,"param":"Fadenführer","name":"x"}';
  assert.deepEqual(parseStollLine(Buffer.from(line).toString('latin1')), {
    kind: 'event',
    generation: '3',
    seq: 17,
    timeMs: Date.UTC(2026, 2, 2, 8, 15, 0, 250),
    type: 2,
    id: 3,
    param: 'Fadenführer',
    state: null,
  });
  assert.deepEqual(parseStollLine('{"now":"2026-03-02T08:15:10Z"}'), { kind: 'now', timeMs: t0 + 910_000 });
  const wrong = [
    '',
    'null',
    '[]',
    '{}',
    '{"now":"2026-03-02T08:15:10"}',
    '{"now":1741000000}',
    '{"now":"yesterday"}',
    '{"generation":"a","seq":-1,"time":"2026-03-02T08:15:00Z","type":2,"id":1}',
    '{"generation":"a","seq":1.5,"time":"2026-03-02T08:15:00Z","type":2,"id":1}',
    '{"generation":"a","seq":1,"time":"2026-03-02T08:15:00Z","type":"2","id":1}',
    '{"generation":"a","seq":1,"time":"2026-03-02T08:15:00Z","type":2}',
    '{"generation":"a\xff","seq":1,"time":"2026-03-02T08:15:00Z","type":2,"id":1}',
    '{"seq":1,"time":"2026-03-02T08:15:00Z","type":2,"id":1}',
    '{"generation":"a","seq":1,"time":"2026-03-02T08:15:00Z","type":2,"id":1',
  ];
  for (const text of wrong) assert.equal(parseStollLine(text), 'garbage', text);
  assert.equal(numberOf('1 /c=010 /v=1.E.3.149.6'), 1);
  assert.equal(numberOf('1.5'), 1);
  assert.equal(numberOf('/c=010'), null);
  assert.equal(paramOf('/p=a b /c=1', 'p'), 'a b');
});

test(
  'a quarter of a million damaged streams: nothing is told that was not sent, and nothing twice',
  { timeout: 180_000 },
  (t) => {
    const random = new Random(seed);
    const streams = runs(250_000);
    let believed = 0;
    for (let i = 0; i < streams; i += 1) {
      const count = 1 + random.below(3);
      const lines = Array.from({ length: count }, (_, at) => {
        const id = 1 + random.below(11);
        return {
          id,
          seq: at + 1,
          text: `{"generation":"a","seq":${at + 1},"time":"2026-03-02T08:00:00Z","type":2,"id":${id}}\n`,
        };
      });
      const stream = Buffer.from(`\n${lines.map(({ text }) => text).join('')}`);
      const at = 1 + random.below(stream.length - 1);
      const noise = Buffer.alloc(1 + random.below(4));
      for (let b = 0; b < noise.length; b += 1) noise[b] = random.chance(0.2) ? 10 : 128 + random.below(64);
      const damaged =
        random.below(3) === 0
          ? Buffer.concat([stream.subarray(0, at), noise, stream.subarray(at)])
          : random.chance(0.5)
            ? Buffer.concat([stream.subarray(0, at), noise, stream.subarray(at + noise.length)])
            : stream.subarray(0, at);
      const framer = new LineFramer({ terminator: '\n', maxLineBytes: 8192 });
      const state = new StollMachineState(t0);
      const got: number[] = [];
      for (let from = 0; from < damaged.length;) {
        const to = random.chance(0.5) ? damaged.length : from + 1 + random.below(60);
        for (const line of framer.push(damaged.subarray(from, to)).lines) {
          const parsed = parseStollLine(line);
          if (parsed === 'garbage' || parsed.kind === 'now') continue;
          const sent = lines.find(({ seq }) => seq === parsed.seq);
          const taken = state.take(parsed);
          if (sent?.id !== parsed.id || taken.kind !== 'news')
            assert.fail(`run ${i} of seed ${seed}: ${damaged.toString()}`);
          if (got.length > 0 && parsed.seq !== (got.at(-1) ?? 0) + 1 && taken.gap === null) {
            assert.fail(`run ${i} of seed ${seed}: a hole was not seen in ${damaged.toString()}`);
          }
          got.push(parsed.seq);
          believed += 1;
        }
        from = to;
      }
      if (new Set(got).size !== got.length) assert.fail(`run ${i} of seed ${seed}: told twice`);
    }
    assert.ok(believed > streams / 3, `${believed} events`);
    t.diagnostic(`${streams} streams, seed ${seed}: ${believed} events`);
  },
);
