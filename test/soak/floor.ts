/**
 * The machines of the soak, a process of its own: `SEED SECONDS BROKER_PORT ENDPOINTS_FILE`. As `selvedge simulate`, but the
 * clock of the machines runs `rate` times as fast as the one on the wall. Prints a line when all of them listen, and ends
 * when its input does.
 */
import { writeEndpoints } from '../../simulators/floor/endpoints.ts';
import { createFloorModel } from '../../simulators/floor/model.ts';
import { encodeSewingRef } from '../../simulators/maps/sewing-ref.ts';
import { encodeSilverstar, silverstarFirstAddress } from '../../simulators/maps/sewing-silverstar.ts';
import type { ScenarioMachine } from '../../simulators/scenario/schema.ts';
import { createEfkaServer, defaultEfkaAddress } from '../../simulators/servers/efka.ts';
import { createKf4Machine } from '../../simulators/servers/kf4.ts';
import { createLineServer } from '../../simulators/servers/line.ts';
import { createModbusServer } from '../../simulators/servers/modbus.ts';
import { createOpcuaServer } from '../../simulators/servers/opcua.ts';
import type { MachineServer } from '../../simulators/servers/server.ts';
import { createStollRecorder } from '../../simulators/servers/stoll.ts';
import { openUplinkProxy } from '../../simulators/servers/uplink-proxy.ts';
import { rate, soakScenario } from './scenario.ts';

/** Retrofit lines and the values of OPC UA go out once a tick: four times a second of model time. */
const tickMs = 250;
/** A process that was held up makes up for so many ticks at most; the rest is lost time. */
const maxCatchUpTicks = 20;
const random = Math.random;

const [, , seed = '1', seconds = '60', brokerPort = '0', file = ''] = process.argv;
const scenario = soakScenario(Number(seed), Number(seconds));
const model = createFloorModel(scenario, Number(seed), { tickMs });

function serverOf(machine: ScenarioMachine): MachineServer {
  const transport = machine.protocol === 'modbus-rtu-tcp' ? 'rtu' : 'tcp';
  const modbus = { transport, unit: machine.unit ?? 1, port: 0, random } as const;
  switch (machine.map) {
    case 'sewing-modbus-ref':
      return createModbusServer({
        ...modbus,
        encode: (values) => ({ functionCode: 4, firstAddress: 0, words: encodeSewingRef(values) }),
      });
    case 'sewing-modbus-silverstar':
      return createModbusServer({
        ...modbus,
        encode: (values) => ({
          functionCode: 3,
          firstAddress: silverstarFirstAddress,
          words: encodeSilverstar(values),
        }),
      });
    case 'sewing-retrofit-csv':
      return createLineServer({ port: 0, random, latchesPerLine: 1 });
    case 'sewing-efka-serial':
      return createEfkaServer({ port: 0, address: machine.unit ?? defaultEfkaAddress, monitor: 0, random });
    case 'knit-circular-kf4-tcp':
      return createKf4Machine({ port: 0, random, unit: machine.unit ?? null, calls: null });
    case 'knit-flat-stoll-events':
      return createStollRecorder({ port: 0, random, file: null });
    case 'knit-circular-opcua':
      return createOpcuaServer({ machine, port: 0, random });
  }
}

const floor = model.machines.map((view) => ({ view, server: serverOf(view.scenario), linkUp: true }));
for (const { view, server } of floor) server.latch(view.values(), Date.now());
await Promise.all(floor.map(({ server }) => server.start()));
const uplink = await openUplinkProxy({ host: '127.0.0.1', port: Number(brokerPort) }, 0, random);

function tick(): void {
  const events = model.step(tickMs);
  const timeMs = Date.now();
  for (const machine of floor) {
    const { view, server } = machine;
    server.latch(view.values(), timeMs);
    if (machine.linkUp !== view.linkUp) {
      machine.linkUp = view.linkUp;
      server.setLink(view.linkUp);
    }
    for (const event of events) {
      if (event.kind === 'disturbance' && event.machine === view.scenario.id) server.disturb(event.disturbance);
    }
  }
  uplink.setMode(model.uplink);
}

const startedMs = performance.now();
let done = 0;
const timer = setInterval(() => {
  const due = Math.floor(((performance.now() - startedMs) * rate) / tickMs);
  done = Math.max(done, due - maxCatchUpTicks);
  for (; done < due; done += 1) tick();
}, tickMs / rate);

writeEndpoints(file, {
  machines: floor.map(({ view: { scenario }, server }) => ({
    id: scenario.id,
    profile: scenario.map,
    protocol: scenario.protocol,
    endpoint: server.endpoint,
    ...(scenario.protocol.startsWith('modbus') ? { unit: scenario.unit ?? 1 } : {}),
    ...(server.fingerprint === null ? {} : { serverFingerprint: server.fingerprint }),
  })),
  uplink: uplink.url,
});
process.stdout.write('listening\n');
process.stdin.resume().on('end', () => {
  clearInterval(timer);
  void Promise.all([...floor.map(({ server }) => server.stop()), uplink.stop()]).then(() => process.exit());
});
