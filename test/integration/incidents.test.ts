/**
 * What the eye sees and the ear hears of one needle, through the real pipeline, store, page, uplink and bridge: one incident at the API of
 * the gateway and at that of the bridge, also over a start of the agent; and none where needles or hours lie apart.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import sharp from 'sharp';
import { DiscoveredSignals } from '../../agent/discovered.ts';
import type { FabricFinding } from '../../agent/findings.ts';
import { createLog } from '../../agent/log.ts';
import { operations } from '../../agent/page/api.ts';
import { pageSources } from '../../agent/page-sources.ts';
import { pipelineFor } from '../../agent/parts.ts';
import type { OddSound, Pipeline } from '../../agent/pipeline-ports.ts';
import { loadRuleSet, shippedRules } from '../../agent/rules/load.ts';
import type { Store } from '../../agent/store/open.ts';
import { GatewayClock } from '../../agent/time/gateway-clock.ts';
import { operations as bridgeOperations } from '../../cloud-bridge/api/operations.ts';
import { loadProfile } from '../../drivers/profiles/load.ts';
import { configOf } from '../unit/config/support.ts';
import { as, call, goodPassword, signIn, startPage } from '../unit/page/harness.ts';
import { needleLine, oddSound } from '../unit/pipeline/rig.ts';
import { registerGateway, runBridge } from './bridge-process.ts';
import { clock, drained, runGateway, temporaryDir, until } from './sync-rig.ts';

const eye =
  '{camera: "file:///pictures", fabric: j, mmPerPx: 0.1, needles: 2281, feeders: 101, coursesPerCm: 18, circumferenceMm: 2000, position: index}';
const ear = '{microphone: "alsa:hw:1,0", pulse: true, needles: 2281, feeders: 101}';
const names = ['ck-1', 'ck-2', 'ck-3'];
const config = configOf(
  [
    'version: 1\nsite: {id: demo, timeZone: Asia/Dhaka}\ngateway: {id: demo-gw}\nmachines:',
    ...names.map(
      (id) =>
        `  - {id: ${id}, profile: knit-circular-opcua, endpoint: "opc.tcp://127.0.0.1:4840", eye: ${eye}, ear: ${ear}}`,
    ),
  ].join('\n'),
);
const minuteMs = 60_000;

/** The pipeline as the agent makes it of a configuration and this store. */
function pipelineOn(store: Store, dataDir: string): Pipeline {
  return pipelineFor({
    config,
    machines: config.machines.map((machine) => ({ config: machine, profile: loadProfile(machine.profile, []) })),
    rules: loadRuleSet({}, {}, shippedRules()),
    store,
    found: new DiscoveredSignals(dataDir, (error) => assert.fail(error)),
    log: createLog('error'),
    clock: new GatewayClock(clock, 0),
    host: { boot: null, offsetMs: 0 },
    startedAt: { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() },
    dated: () => undefined,
    alerted: () => undefined,
  });
}

const picture = async (width: number) =>
  Uint8Array.from(
    await sharp({ create: { width, height: 40, channels: 3, background: '#808080' } })
      .webp()
      .toBuffer(),
  );

/** Tells a line as the eye's desk does, its crop and the heat map of that kept before. */
async function sees(pipeline: Pipeline, store: Store, more: Partial<FabricFinding>): Promise<string> {
  const bytes = await picture(60);
  const crop = await store.keepFile(bytes);
  const map = await picture(61);
  const heatMap = await store.keepFile(map);
  const told = pipeline.fabric.told(needleLine({ needle: 317, k: 2, crop, heatMap, heatPeak: 1.2, ...more }));
  const { occurrence } = told;
  assert.ok(occurrence !== null);
  for (const [role, sha256, { length }] of [
    ['heat_map', heatMap, map],
    ['crop', crop, bytes],
  ] as const) {
    const data = { sha256, bytes: length, mediaType: 'image/webp', role, occurrence };
    await pipeline.evidence(more.machine ?? '', clock.wallMs(), data);
  }
  return occurrence;
}

/** Tells an odd sound as the ear's desk does. */
async function hears(pipeline: Pipeline, store: Store, machine: string, more: Partial<OddSound> = {}): Promise<string> {
  const bytes = await picture(90);
  const spectrogram = await store.keepFile(bytes);
  const told = pipeline.sound.began(
    oddSound({
      machine,
      sinceMs: clock.wallMs(),
      suspected: [{ fault: 'badNeedle', probability: 0.9 }],
      needles: { needles: [293, 316, 339], k: 2 },
      spectrogram,
      ...more,
    }),
  );
  assert.ok(told.occurrence !== null);
  const { occurrence } = told;
  const data = { sha256: spectrogram, bytes: bytes.length, mediaType: 'image/webp', role: 'spectrogram', occurrence };
  await pipeline.evidence(machine, clock.wallMs(), data);
  return told.occurrence;
}

/** The API of the gateway over this pipeline and store, asked as a person who is signed in. */
async function gatewayApi(t: TestContext, pipeline: Pipeline, store: Store) {
  const sources = pageSources({
    pipeline,
    store,
    scores: new Map(),
    uplink: () => assert.fail('not asked'),
    health: () => ({}),
    writes: {} as never,
    cloth: null,
    sound: null,
    views: {} as never,
    runbooks: {} as never,
  });
  const unasked = { ...sources, uplink: () => ({ configured: false }) as never };
  const { port, users } = await startPage(t, { sources: unasked });
  await users.add('asha', 'admin', goodPassword);
  await users.add('omar', 'maintainer', goodPassword);
  const omar = await signIn(port, 'omar');
  const get = (path: string) => call(port, path, { headers: as(omar) });
  return {
    alerts: async (state: string) =>
      operations.alerts.response.parse((await get(`/api/alerts?state=${state}`)).json).items,
    picture: async (sha256: string | null) => (await get(`/api/crops/${sha256}`)).status,
  };
}

test('eye and ear at one needle are one incident at the gateway and at the bridge, over a start too; apart they are two', async (t) => {
  const bridgeDir = temporaryDir(t);
  const gateway = await registerGateway(bridgeDir);
  const bridge = await runBridge(t, bridgeDir);
  const key = readFileSync(join(bridgeDir, 'api-key'), 'utf8').trim();
  const atBridge = async (query: string) => {
    const response = await fetch(`http://127.0.0.1:${bridge.api}/api/alerts${query}`, {
      headers: { authorization: `Bearer ${key}` },
    });
    assert.equal(response.status, 200);
    return bridgeOperations.alerts.response.parse(await response.json()).items;
  };
  const dataDir = temporaryDir(t);
  const at = { dataDir, port: bridge.mqtt, gateway, bridgeDir };
  const first = await runGateway(t, at);
  const pipeline = pipelineOn(first.store, dataDir);
  const nowMs = clock.wallMs();

  // One needle, twenty minutes apart.
  const line = await sees(pipeline, first.store, { machine: 'ck-1', firstMs: nowMs - 20 * minuteMs, lastMs: nowMs });
  const odd = await hears(pipeline, first.store, 'ck-1');
  // Needles apart.
  const other = await sees(pipeline, first.store, { machine: 'ck-2', needle: 1207, firstMs: nowMs, lastMs: nowMs });
  const oddApart = await hears(pipeline, first.store, 'ck-2');
  // The same needle, 61 minutes after the line ended.
  const old = { machine: 'ck-3', firstMs: nowMs - 90 * minuteMs, lastMs: nowMs - 61 * minuteMs };
  const past = await sees(pipeline, first.store, old);
  pipeline.fabric.told(needleLine({ needle: 317, ...old, phase: 'closed' }));
  const oddLate = await hears(pipeline, first.store, 'ck-3', { sinceMs: nowMs });

  const expected = new Map([
    [line, line],
    [odd, line],
    [other, other],
    [oddApart, oddApart],
    [past, past],
    [oddLate, oddLate],
  ]);
  const api = await gatewayApi(t, pipeline, first.store);
  const open = await api.alerts('open');
  assert.deepEqual(new Map(open.map(({ occurrence, incident }) => [occurrence, incident?.id])), expected);
  const incident = open.find(({ occurrence }) => occurrence === odd)?.incident;
  assert.deepEqual(
    [incident?.needle, incident?.k, incident?.senses, incident?.occurrences],
    [316, 2, ['eye', 'ear'], [line, odd]],
  );
  const heatMap = String(incident?.legend['heatMap']);
  assert.deepEqual(
    [
      await api.picture(incident?.crop ?? null),
      await api.picture(heatMap),
      await api.picture(incident?.spectrogram ?? null),
    ],
    [200, 200, 200],
  );

  await pipeline.stored();
  await drained(first.store);
  assert.deepEqual(new Map((await atBridge('')).map(({ occurrence, incident: id }) => [occurrence, id])), expected);
  const both = await atBridge(`?incident=${line}`);
  assert.deepEqual(both.map(({ occurrence }) => occurrence).sort(), [line, odd].sort());
  const { incidentNeedle, incidentK, spectrogram } = both.find(({ occurrence }) => occurrence === odd)?.evidence ?? {};
  assert.deepEqual([incidentNeedle, incidentK, spectrogram], [316, 2, incident?.spectrogram]);
  await until('the pictures are with the bridge', async () => (await first.store.outboxCounts()).files === 0);
  assert.equal(both.find(({ occurrence }) => occurrence === line)?.evidence['heatMap'], heatMap);

  // The eye's alert is seen to and closed; then the agent starts again, and the ear tells of that needle.
  pipeline.alertAction(other, { kind: 'ack', actor: 'omar', comment: null });
  pipeline.fabric.told(needleLine({ machine: 'ck-2', needle: 1207, phase: 'closed', lastMs: clock.wallMs() }));
  pipeline.sound.ended('ck-2', clock.wallMs());
  pipeline.alertAction(oddApart, { kind: 'ack', actor: 'omar', comment: null });
  await pipeline.drain();
  await first.stop();
  const second = await runGateway(t, at);
  const again = pipelineOn(second.store, dataDir);
  const joined = await hears(again, second.store, 'ck-2', { needles: { needles: [1206, 1183], k: 2 } });
  const after = await gatewayApi(t, again, second.store);
  const shown = new Map((await after.alerts('all')).map((alert) => [alert.occurrence, alert.incident]));
  assert.deepEqual(shown.get(odd), incident, 'as it was before the start');
  assert.deepEqual(
    [shown.get(joined)?.id, shown.get(joined)?.needle, shown.get(other)?.id],
    [other, 1206, other],
    'with the one that was closed before the start',
  );
  await again.stored();
  await drained(second.store);
  assert.deepEqual(
    (await atBridge(`?incident=${other}`)).map(({ occurrence }) => occurrence).sort(),
    [joined, other].sort(),
  );
});
