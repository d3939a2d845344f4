import { test } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { createFloorModel, type FloorEvent, type FloorModel } from '../../../simulators/floor/model.ts';
import { truthLine } from '../../../simulators/floor/truth.ts';
import { loadScenario, scenarioFile } from '../../../simulators/scenario/load.ts';
import type { Scenario } from '../../../simulators/scenario/schema.ts';
import type { ScheduleOptions } from '../../../simulators/scenario/schedule.ts';

function shipped(name: string): Scenario {
  const loaded = loadScenario(scenarioFile(name));
  if (!loaded.ok) assert.fail(loaded.problems.join('\n'));
  return loaded.scenario;
}
const demo = shipped('demo');

interface Run {
  readonly floor: FloorModel;
  readonly events: FloorEvent[];
}
function run(seed: number, seconds: number, options: ScheduleOptions = {}): Run {
  const floor = createFloorModel(demo, seed, options);
  const events = [...floor.initialEvents(), ...floor.step(seconds * 1000)];
  return { floor, events };
}
type Of<K extends FloorEvent['kind']> = Extract<FloorEvent, { kind: K }>;
const of = <K extends FloorEvent['kind']>(events: readonly FloorEvent[], kind: K): Of<K>[] =>
  events.filter((event): event is Of<K> => event.kind === kind);

const whole = run(42, 90);

test('F1 the same seed gives the same floor, however time is cut; another seed gives another one', () => {
  const floor = createFloorModel(demo, 42);
  const events = floor.initialEvents();
  const cuts = [13, 50, 7, 1000, 263, 4999];
  for (let i = 0; floor.elapsedMs < 30_000; i += 1) events.push(...floor.step(cuts[i % cuts.length] ?? 50));
  assert.deepEqual(
    events.filter((e) => e.atMs <= 30_000),
    whole.events.filter((e) => e.atMs <= 30_000),
  );
  assert.notDeepEqual(run(43, 10).events, run(42, 10).events);
});

test('F2 a true total starts at what is shown and never falls; the shown value wraps and resets', () => {
  fc.assert(
    fc.property(fc.nat(0xffff), (seed) => {
      const { floor, events } = run(seed, 80);
      for (const machine of floor.machines) {
        const resetMs = of(events, 'fault').find(
          (e) => e.fault === 'counter_reset' && e.machine === machine.scenario.id,
        )?.atMs;
        for (const [signal, { wrapsAt }] of machine.counters()) {
          const lines = of(events, 'counter').filter((e) => e.machine === machine.scenario.id && e.signal === signal);
          const first = lines[0];
          assert.ok(first !== undefined && first.value === first.shown && first.atMs === 0);
          let origin = 0;
          for (const [i, line] of lines.entries()) {
            const before = lines[i - 1];
            if (before !== undefined) assert.ok(line.value >= before.value, `${signal} falls`);
            if (resetMs !== undefined && line.atMs === resetMs) origin = line.value - line.shown;
            assert.equal(line.shown, (line.value - origin) % wrapsAt);
          }
        }
      }
    }),
    { numRuns: 3 },
  );
});

test('the counters that must wrap do so in their span while the machine runs', () => {
  for (const [machine, signal, fromS, toS] of [
    ['ls-1', 'stitch.total', 15, 60],
    ['ls-2', 'piece.count', 12, 40],
  ] as const) {
    const lines = of(whole.events, 'counter').filter((e) => e.machine === machine && e.signal === signal);
    const wrap = lines.find((line, i) => line.shown < (lines[i - 1]?.shown ?? 0));
    assert.ok(wrap !== undefined && wrap.atMs >= fromS * 1000 && wrap.atMs <= toS * 1000, `${signal}: ${wrap?.atMs}`);
    const state = of(whole.events, 'state').findLast((e) => e.machine === machine && e.atMs <= wrap.atMs);
    // A piece is counted when its thread has been cut, in the tick after which the shaft rests.
    if (signal === 'stitch.total') assert.equal(state?.state, 'RUN');
  }
});

test('at a controller restart every counter of the machine shows zero, having shown something, and the link is down for at most a second', () => {
  for (let seed = 0; seed < 4; seed += 1) {
    const { events } = run(seed, 75);
    const resetMs = of(events, 'fault').find((e) => e.fault === 'counter_reset')?.atMs ?? Number.NaN;
    for (const signal of ['stitch.total', 'piece.count', 'trim.count', 'energy.total']) {
      const lines = of(events, 'counter').filter((e) => e.machine === 'ls-2' && e.signal === signal);
      const before = lines.findLast((e) => e.atMs < resetMs);
      const after = lines.find((e) => e.atMs >= resetMs);
      assert.ok((before?.shown ?? 0) > 0, `seed ${seed}: ${signal} shows ${before?.shown} before the restart`);
      assert.deepEqual([after?.atMs, after?.shown], [resetMs, 0]);
    }
    const offline = of(events, 'state').filter((e) => e.machine === 'ls-2' && e.state === 'OFFLINE');
    const back = of(events, 'state').find((e) => e.machine === 'ls-2' && e.atMs > resetMs && e.state !== 'OFFLINE');
    assert.equal(offline.length, 1);
    assert.ok((back?.atMs ?? Number.NaN) - resetMs <= 1000);
  }
});

test('F3 a fault left out changes nothing on any other machine', () => {
  const without = run(42, 90, { without: ['ls-1-thread-break'] });
  const others = (events: readonly FloorEvent[]): FloorEvent[] => events.filter((e) => e.machine !== 'ls-1');
  assert.deepEqual(others(without.events), others(whole.events));
  assert.equal(
    of(without.events, 'fault').some((e) => e.id === 'ls-1-thread-break'),
    false,
  );
});

test('F4 each fault begins once and ends once, in its own span', () => {
  const begun = of(whole.events, 'fault').map((e) => e.id);
  assert.deepEqual([...begun].sort(), demo.faults.map((f) => f.id).sort());
  assert.deepEqual(
    of(whole.events, 'clear')
      .map((e) => e.id)
      .sort(),
    // A needle stays worn or bent for longer than this floor runs.
    begun.filter((id) => id !== 'ck-1-needle-line' && id !== 'ls-3-bent-needle').sort(),
  );
});

test('what a fault does is seen in the tick in which it begins, and over in the tick in which it ends', () => {
  const stateAt = (machine: string, atMs: number): string | undefined =>
    of(whole.events, 'state').findLast((e) => e.machine === machine && e.atMs <= atMs)?.state;
  for (const [id, state] of [
    ['ls-1-thread-break', 'STOP_MATERIAL'],
    ['ls-1-bobbin-empty', 'STOP_MATERIAL'],
    ['ls-2-motor-overload', 'FAULT'],
    ['ov-1-offline', 'OFFLINE'],
    ['ck-1-yarn-break', 'STOP_MATERIAL'],
    ['ck-1-needle-fault', 'FAULT'],
  ] as const) {
    const begins = of(whole.events, 'fault').find((e) => e.id === id);
    const ends = of(whole.events, 'clear').find((e) => e.id === id);
    assert.ok(begins !== undefined && ends !== undefined);
    assert.equal(stateAt(begins.machine, begins.atMs), state, id);
    assert.notEqual(stateAt(begins.machine, begins.atMs - 50), state, id);
    assert.notEqual(stateAt(begins.machine, ends.atMs), state, id);
  }
});

test('thread breaks, empty bobbins and overloads happen while sewing', () => {
  for (let seed = 100; seed < 103; seed += 1) {
    const { events } = run(seed, 70);
    for (const fault of of(events, 'fault').filter((e) =>
      ['thread_break', 'bobbin_empty', 'motor_overload'].includes(e.fault),
    )) {
      const before = of(events, 'state').findLast((e) => e.machine === fault.machine && e.atMs < fault.atMs);
      assert.equal(before?.state, 'RUN', `${fault.id} at seed ${seed}`);
    }
  }
});

test('a machine that dropped off goes on counting', () => {
  const begins = of(whole.events, 'fault').find((e) => e.id === 'ov-1-offline')?.atMs ?? 0;
  const ends = of(whole.events, 'clear').find((e) => e.id === 'ov-1-offline')?.atMs ?? 0;
  const counted = of(whole.events, 'counter').filter(
    (e) => e.machine === 'ov-1' && e.signal === 'stitch.total' && e.atMs > begins && e.atMs < ends,
  );
  assert.ok(counted.length > 10, String(counted.length));
});

test('a stuck sensor stands still for its whole span, and never that long otherwise', () => {
  const begins = of(whole.events, 'fault').find((e) => e.fault === 'stuck_sensor')?.atMs ?? 0;
  const ends = of(whole.events, 'clear').find((e) => e.fault === 'stuck_sensor')?.atMs ?? 0;
  const times = of(whole.events, 'gauge')
    .filter((e) => e.machine === 'rt-1' && e.signal === 'vibration.rms')
    .map((e) => e.atMs);
  assert.equal(
    times.some((t) => t >= begins && t < ends),
    false,
  );
  const pauses = times
    .map((t, i) => t - (times[i - 1] ?? 0))
    .filter((_, i) => (times[i - 1] ?? 0) >= ends || (times[i] ?? 0) < begins);
  assert.ok(Math.max(...pauses) < 2500, String(Math.max(...pauses)));
});

test('the hall warms up: motor temperatures start below zero and pass through it', () => {
  for (const [machine, signal] of [
    ['ls-1', 'motor.temp'],
    ['ls-2', 'motor.temp'],
    ['ov-1', 'motor.temp'],
    ['rt-1', 'head.temp'],
  ] as const) {
    const shown = of(whole.events, 'gauge')
      .filter((e) => e.machine === machine && e.signal === signal)
      .map((e) => e.value);
    assert.ok((shown[0] ?? 0) < -1, `${machine} starts at ${shown[0]}`);
    assert.ok((shown.at(-1) ?? 0) > 0.2, `${machine} ends at ${shown.at(-1)}`);
  }
});

test('the uplink is swallowed for 3 s, then down for 15 s', () => {
  const floor = createFloorModel(demo, 42);
  const changes: string[] = [];
  const at: number[] = [];
  for (let ms = 50; ms <= 90_000; ms += 50) {
    floor.step(50);
    if (changes.at(-1) !== floor.uplink) {
      changes.push(floor.uplink);
      at.push(ms);
    }
  }
  assert.deepEqual(changes, ['up', 'swallowing', 'down', 'up']);
  assert.ok(Math.abs((at[2] ?? 0) - (at[1] ?? 0) - 3000) <= 50);
  assert.ok(Math.abs((at[3] ?? 0) - (at[2] ?? 0) - 15_000) <= 50);
  const outage = of(whole.events, 'fault').find((e) => e.machine === 'gateway');
  assert.equal(outage?.atMs, at[2], 'the truth brackets the refusing, not the swallowing');
});

test('F5 halted, every machine is idle and linked, counters stand, faults are over and sensors go on', () => {
  const floor = createFloorModel(demo, 42);
  const begins = of(whole.events, 'fault')[0]?.atMs ?? 0;
  floor.step(begins + 500);
  const before = floor.machines.map((machine) => [...machine.counters()].map(([, counter]) => counter.value));
  floor.halt();
  const events = floor.step(20_000);
  assert.deepEqual(
    floor.machines.map((machine) => [...machine.counters()].map(([, counter]) => counter.value)),
    before,
  );
  assert.deepEqual(
    floor.machines.map((machine) => [machine.condition.state, machine.linkUp]),
    floor.machines.map(() => ['IDLE', true]),
  );
  assert.equal(of(events, 'fault').length, 0);
  assert.ok(of(events, 'clear').length >= 1, 'the fault that stood is over');
  assert.equal(of(events, 'counter').length, 0);
  for (const machine of floor.machines) {
    const moving = of(events, 'gauge').filter((e) => e.machine === machine.scenario.id && e.atMs > begins + 15_000);
    assert.ok(moving.length > 0, `${machine.scenario.id} shows nothing new for 5 s`);
  }
  for (const speed of ['spindle.speed', 'cylinder.speed']) {
    for (const machine of floor.machines) assert.ok((machine.values().get(speed) ?? 0) === 0);
  }
});

test('a healthy floor never leaves RUN and IDLE for an hour', () => {
  const floor = createFloorModel(demo, 7, { healthy: true, tickMs: 250 });
  const states = new Set<string>();
  for (let minute = 0; minute < 60; minute += 1) {
    for (const event of floor.step(60_000)) if (event.kind === 'state') states.add(event.state);
  }
  assert.deepEqual([...states].sort(), ['IDLE', 'RUN']);
});

test('truth lines have the documented shape', () => {
  const lines = whole.events
    .map((event) => truthLine(1_700_000_000_000 + event.atMs, event))
    .filter((line) => line !== null);
  const kinds = new Map<string, string>();
  for (const line of lines) {
    const parsed = JSON.parse(line) as { kind: string; data: Record<string, unknown> };
    assert.deepEqual(Object.keys(parsed), ['t', 'machine', 'kind', 'id', 'data']);
    const isNeedle = parsed.data['fault'] === 'needle_line';
    kinds.set(isNeedle ? 'fault of a needle' : parsed.kind, Object.keys(parsed.data).join());
  }
  assert.deepEqual(Object.fromEntries(kinds), {
    state: 'state,cause',
    fault: 'fault,expect',
    'fault of a needle': 'fault,expect,needle,rollM',
    clear: 'fault,expect',
    counter: 'signal,value,shown',
    gauge: 'signal,value',
    status: 'signal,value',
    piece: 'signal,value',
  });
  assert.ok(lines.every((line) => !line.includes('disturbance')));
});
