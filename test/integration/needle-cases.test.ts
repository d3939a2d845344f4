/** A broken needle on the real agent: its code on Modbus TCP, the pipeline, the journal, the page, and a restart in between. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { as, call, goodPassword, signIn } from '../unit/page/harness.ts';
import { ModbusPeer } from '../unit/drivers/modbus-peer.ts';
import { run, startAgent, temporaryDir, writeConfig, type Line } from './bad-input-rig.ts';
import { endFloor, startFloor } from './simulators-process.ts';
import { until } from './sync-rig.ts';

const [running, ready, broken] = [0b10, 0b1, 13];

/** A lockstitch machine by the map of docs/machines.md. */
async function floor(t: TestContext) {
  const dir = temporaryDir(t);
  const peer = new ModbusPeer('tcp');
  await peer.listen();
  t.after(() => peer.close());
  const show = (status: number, code: number, stitches: number, pieces: number) => {
    peer.set(1, 4, 0, [status, code, 4000, 4000, 0, stitches, 0, 3, pieces, ...Array.from({ length: 12 }, () => 1)]);
  };
  show(running, 0, 5_000, 11);
  return { config: await configOf(t, dir, `modbus://127.0.0.1:${peer.port}`), show };
}

/** A gateway with one machine and three people. */
async function configOf(t: TestContext, dir: string, endpoint: string): Promise<string> {
  const dataDir = join(dir, 'agent');
  for (const [name, role] of [
    ['asha', 'admin'],
    ['omar', 'maintainer'],
    ['rita', 'maintainer'],
  ] as const) {
    const done = await run(t, ['user', 'add', name, '--role', role, '--data-dir', dataDir], `${goodPassword}\n`);
    assert.equal(done.code, 0, done.stderr);
  }
  return writeConfig(dir, {
    machines: [{ id: 'ls-1', name: 'Lockstitch', profile: 'sewing-modbus-ref', endpoint, unit: 1 }],
  });
}

interface Case {
  readonly id: string;
  readonly state: string;
  readonly breaks: number;
  readonly range: Record<string, number | null>;
  readonly pieces: unknown;
  readonly acts: { readonly kind: string; readonly occurrence?: string }[];
  readonly fragments: { readonly name: string; readonly tick: { readonly by: string } | null }[];
}

async function agentWithPage(t: TestContext, config: string) {
  const agent = await startAgent(t, config);
  const url = String(agent.lines.find((line: Line) => typeof line['page'] === 'string')?.['page']);
  const port = Number(new URL(url).port);
  const omar = await signIn(port, 'omar');
  const post = async (path: string, body: object) => {
    const answer = await call(port, `/api/needle-cases${path}`, { method: 'POST', body, headers: as(omar) });
    return [answer.status, (answer.json['error'] as { code: string } | undefined)?.code] as const;
  };
  const cases = async () =>
    (await call(port, '/api/needle-cases?state=all', { headers: as(omar) })).json['items'] as Case[];
  const isState = (state: string) =>
    until(
      `the machine is ${state}`,
      async () => {
        const { json } = await call(port, '/api/machines', { headers: as(omar) });
        return (json['items'] as { state: string }[])[0]?.state === state;
      },
      10_000,
    );
  const first = async (): Promise<Case> => {
    const [one, ...others] = await cases();
    assert.ok(one !== undefined && others.length === 0, `one case, not ${others.length + 1}`);
    return one;
  };
  return { agent, post, cases, first, isState };
}

test('a break opens a case, which outlives a restart and a kill, and two people close it', async (t) => {
  const { config, show } = await floor(t);
  const one = await agentWithPage(t, config);
  await one.isState('RUN');
  // So that a moment of running is known from well before the break.
  await new Promise<void>((resolve) => setTimeout(resolve, 1_500));
  show(ready, broken, 5_042, 12);
  await until('a case', async () => (await one.cases()).length > 0, 10_000);
  const opened = await one.first();
  assert.deepEqual([opened.state, opened.breaks, opened.acts[0]?.kind], ['open', 1, 'opened']);
  const { goodMs, ...range } = opened.range;
  assert.deepEqual(range, { stitchFrom: 5_000, stitchTo: 5_042, pieceFrom: 11, pieceTo: 12, uncertain: null });
  assert.equal(typeof goodMs, 'number');
  assert.deepEqual(opened.pieces, { from: 12, to: 13 });
  const { id } = opened;
  assert.deepEqual(await one.post(`/${id}/fragments`, { name: 'point' }), [200, undefined]);
  assert.deepEqual(await one.post(`/${id}/fragments`, { name: '<script>' }), [200, undefined]);
  await one.agent.stop();

  // The code still shows at this start: the same alert, and no second case.
  const two = await agentWithPage(t, config);
  await two.isState('FAULT');
  const kept = await two.first();
  assert.deepEqual([kept.id, kept.state, kept.breaks, kept.range], [id, 'open', 1, opened.range]);
  assert.deepEqual(
    kept.fragments.map(({ name }) => name),
    ['point', '<script>'],
  );
  assert.deepEqual(await two.post(`/${id}/fragments/1`, { found: true }), [200, undefined]);
  assert.deepEqual(await two.post(`/${id}/complete`, { outcome: 'complete' }), [409, 'fragment-missing']);
  assert.deepEqual(await two.post(`/${id}/fragments/2`, { found: true, where: 'floor' }), [200, undefined]);
  assert.deepEqual(await two.post(`/${id}/complete`, { outcome: 'complete' }), [200, undefined]);
  // What was answered is durable: nothing is lost by the hardest end.
  await two.agent.kill();

  const three = await agentWithPage(t, config);
  assert.equal((await three.first()).state, 'said');
  const close = (name: string, password: string) => three.post(`/${id}/close`, { name, password });
  assert.deepEqual(await close('omar', goodPassword), [403, 'same-person']);
  assert.deepEqual(await close('rita', 'thirteen red bobbins'), [403, 'wrong-name-or-password']);
  assert.deepEqual(await close('rita', goodPassword), [200, undefined]);
  assert.equal((await three.first()).state, 'closed');
  // A new needle, and another break: another case.
  show(running, 0, 5_100, 12);
  await three.isState('RUN');
  await new Promise<void>((resolve) => setTimeout(resolve, 1_500));
  show(ready, broken, 5_200, 13);
  await until('another case', async () => (await three.cases()).length === 2, 10_000);
  const [newest] = await three.cases();
  assert.deepEqual([newest?.state, newest?.range['stitchFrom'], newest?.range['stitchTo']], ['open', 5_100, 5_200]);
  await three.agent.stop();
  const four = await agentWithPage(t, config);
  assert.deepEqual(
    (await four.cases()).map(({ state }) => state),
    ['open', 'closed'],
  );
});

const scenario = `version: 1
site: demo
machines:
  - id: ls-1
    kind: lockstitch
    map: sewing-modbus-ref
    protocol: modbus-tcp
    unit: 1
    start: { stitch.total: 700000, piece.count: 4000 }
    parameters: { burstS: [3, 5], handlingS: [0.5, 1] }
faults:
  - { id: needle, machine: ls-1, fault: needle_break, atS: 15, forS: 60, expect: { as: alert, type: needle_broken, withinS: 6 } }
`;

test('at a simulated machine the range holds the stitch at which the needle broke', async (t) => {
  const dir = temporaryDir(t);
  const [file, truthFile] = [join(dir, 'needle.yaml'), join(dir, 'truth.jsonl')];
  writeFileSync(file, scenario);
  const simulated = startFloor([file, '--truth', truthFile]);
  t.after(() => endFloor(simulated));
  const listening = (await simulated.event('listening')) as { machines: { endpoint: string }[] };
  const { cases, first } = await agentWithPage(t, await configOf(t, dir, String(listening.machines[0]?.endpoint)));
  await until('a case', async () => (await cases()).length > 0, 60_000);
  const { range, state } = await first();
  await endFloor(simulated);
  const truth = readFileSync(truthFile, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { t: number; kind: string; data: Record<string, unknown> });
  const brokeMs = truth.find(({ kind }) => kind === 'fault')?.t ?? 0;
  const shown = (signal: string) =>
    Number(
      truth.findLast(({ kind, t: ms, data }) => kind === 'counter' && ms <= brokeMs && data['signal'] === signal)?.data[
        'shown'
      ],
    );
  assert.equal(state, 'open');
  const holds = (from: unknown, value: number, to: unknown) =>
    assert.ok(
      Number(from) > 0 && Number(from) <= value && value <= Number(to),
      `${String(from)} ≤ ${value} ≤ ${String(to)}`,
    );
  holds(range['stitchFrom'], shown('stitch.total'), range['stitchTo']);
  holds(range['pieceFrom'], shown('piece.count'), range['pieceTo']);
  assert.ok(Number(range['goodMs']) <= brokeMs + 300);
});
