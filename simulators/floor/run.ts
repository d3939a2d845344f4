/**
 * Runs a floor in real time: steps the model, puts each tick on the wire, writes the truth. The only part that looks at clocks.
 *
 * Invariants (tests in `test/integration/simulators-cli.test.ts` and `simulators-wire.test.ts`):
 *  R1  The endpoints file appears whole, and only when every server listens.
 *  R2  A truth line is not later on disk than what it tells of at the halt, and is never lost at a stop.
 *  R3  After `stop` no socket, timer or temporary file is left.
 */
import { SimulatorError } from '../errors.ts';
import { encodeSewingRef } from '../maps/sewing-ref.ts';
import { encodeSilverstar, silverstarFirstAddress } from '../maps/sewing-silverstar.ts';
import type { Random } from '../random.ts';
import type { ScenarioMachine } from '../scenario/schema.ts';
import { createEfkaServer, defaultEfkaAddress } from '../servers/efka.ts';
import { createKf4Machine } from '../servers/kf4.ts';
import { createLineServer } from '../servers/line.ts';
import { createModbusServer } from '../servers/modbus.ts';
import type { MachineServer } from '../servers/server.ts';
import { createStollRecorder } from '../servers/stoll.ts';
import { openUplinkProxy, type UplinkProxy, type UplinkTarget } from '../servers/uplink-proxy.ts';
import { createCameras, type FloorCamera } from './cameras.ts';
import { describe, type Endpoints } from './endpoints.ts';
import { createMicrophones, type FloorMicrophone } from './microphones.ts';
import type { FloorEvent, FloorModel, MachineView } from './model.ts';
import type { TruthLog } from './truth.ts';

export interface FloorClock {
  /** UTC milliseconds. */
  wallMs(): number;
  /** Milliseconds that never fall. */
  monotonicMs(): number;
}

export interface RunOptions {
  readonly model: FloorModel;
  readonly truth: TruthLog | null;
  readonly clock: FloorClock;
  /** For free ports and noise on the wire; what must be repeatable is drawn by the model. */
  readonly random: Random;
  /** Of cameras and microphones: what they see and hear must be repeatable. */
  readonly seed: number;
  /**
   * First port, one a machine in the order of the scenario, then the uplink, then one a camera, then one a microphone; 0 takes
   * free ones.
   */
  readonly portBase: number;
  readonly uplinkTarget: UplinkTarget | null;
  /** The machines stand as they are at the start, and time does not count, until `begin`. */
  readonly hold: boolean;
  /** Told once when the truth log can no longer be written, and once of each camera or microphone that ended; the floor goes on. */
  readonly onTrouble: (error: SimulatorError) => void;
}

export interface RunningFloor {
  readonly endpoints: Endpoints;
  /** Ends `hold`. */
  begin(): void;
  /** Stands all machines still; resolves with the UTC ms of the tick that did so, its truth being on disk. */
  halt(): Promise<number>;
  stop(): Promise<void>;
}

/** Ticks made up for at once after the process was held up; more are dropped, and the floor lags behind the clock. */
const maxCatchUpTicks = 40;
const truthFlushMs = 1000;

async function createServerOf(
  machine: ScenarioMachine,
  port: number,
  model: FloorModel,
  random: Random,
): Promise<MachineServer> {
  switch (machine.map) {
    case 'sewing-modbus-ref':
      return createModbusServer({
        transport: machine.protocol === 'modbus-rtu-tcp' ? 'rtu' : 'tcp',
        unit: machine.unit ?? 1,
        port,
        random,
        encode: (values) => ({ functionCode: 4, firstAddress: 0, words: encodeSewingRef(values) }),
      });
    case 'sewing-modbus-silverstar':
      return createModbusServer({
        transport: machine.protocol === 'modbus-rtu-tcp' ? 'rtu' : 'tcp',
        unit: machine.unit ?? 1,
        port,
        random,
        encode: (values) => ({
          functionCode: 3,
          firstAddress: silverstarFirstAddress,
          words: encodeSilverstar(values),
        }),
      });
    case 'sewing-retrofit-csv':
      return createLineServer({ port, random, latchesPerLine: Math.max(1, Math.round(250 / model.tickMs)) });
    case 'knit-circular-kf4-tcp':
      return createKf4Machine({ port, random, unit: machine.unit ?? null, calls: machine.calls ?? null });
    case 'knit-flat-stoll-events':
      return createStollRecorder({ port, random, file: machine.file ?? null });
    case 'sewing-efka-serial':
      return createEfkaServer({
        port: machine.tty ?? port,
        address: machine.unit ?? defaultEfkaAddress,
        monitor: machine.monitor,
        random,
      });
    case 'knit-circular-opcua': {
      // The OPC UA stack takes a second and 100 MB to load: only where a machine speaks it.
      const { createOpcuaServer } = await import('../servers/opcua.ts');
      return createOpcuaServer({ machine, port, random });
    }
  }
}

/** Opens every server, then starts the clock of the floor. Rejects with the first server's error, everything closed again. */
export async function runFloor(options: RunOptions): Promise<RunningFloor> {
  const { model, truth, clock } = options;
  const servers: MachineServer[] = [];
  let cameras: FloorCamera[] = [];
  let microphones: FloorMicrophone[] = [];
  let uplink: UplinkProxy | null = null;
  const closeAll = async (): Promise<void> => {
    const senses = [...cameras, ...microphones].map(({ server }) => server);
    await Promise.all([...servers, ...senses].map((server) => server.stop()));
    await uplink?.stop();
  };
  try {
    for (const [i, view] of model.machines.entries()) {
      servers.push(
        await createServerOf(view.scenario, options.portBase === 0 ? 0 : options.portBase + i, model, options.random),
      );
    }
    for (const [i, server] of servers.entries()) {
      const view = model.machines[i];
      if (view !== undefined) server.latch(view.values(), clock.wallMs());
    }
    const started = await Promise.allSettled(servers.map((server) => server.start()));
    const failed = started.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    if (options.uplinkTarget !== null) {
      const port = options.portBase === 0 ? 0 : options.portBase + servers.length;
      uplink = await openUplinkProxy(options.uplinkTarget, port, options.random);
    }
    cameras = createCameras({
      model,
      seed: options.seed,
      random: options.random,
      clock,
      firstPort: options.portBase === 0 ? 0 : options.portBase + servers.length + 1,
      onTrouble: options.onTrouble,
    });
    for (const camera of cameras) {
      camera.latch([], clock.monotonicMs(), true);
      await camera.server.start();
    }
    const { seed, random, onTrouble } = options;
    const firstPort = options.portBase === 0 ? 0 : options.portBase + servers.length + 1 + cameras.length;
    microphones = createMicrophones({ model, seed, random, firstPort, onTrouble });
    await Promise.all(microphones.map(({ server }) => server.start()));
  } catch (error) {
    await closeAll();
    throw error;
  }

  let troubled = false;
  const record = (action: () => void): void => {
    if (troubled) return;
    try {
      action();
    } catch (error) {
      troubled = true;
      options.onTrouble(error instanceof SimulatorError ? error : new SimulatorError('fileUnwritable', String(error)));
    }
  };
  const onHalted: ((timeMs: number) => void)[] = [];
  const links = new Map<string, boolean>();

  const apply = (view: MachineView, server: MachineServer, events: readonly FloorEvent[], timeMs: number): void => {
    server.latch(view.values(), timeMs);
    if ((links.get(view.scenario.id) ?? true) !== view.linkUp) {
      links.set(view.scenario.id, view.linkUp);
      server.setLink(view.linkUp);
    }
    for (const event of events) {
      if (event.kind === 'disturbance' && event.machine === view.scenario.id) server.disturb(event.disturbance);
    }
  };
  let held = options.hold;
  /** `dueMs`: when the tick ought to be, on the monotonic clock; the cameras go by it. */
  const tick = (dueMs: number): void => {
    if (held) {
      for (const [i, server] of servers.entries()) {
        const view = model.machines[i];
        if (view !== undefined) server.latch(view.values(), clock.wallMs());
      }
      for (const camera of cameras) camera.latch([], dueMs, true);
      for (const microphone of microphones) microphone.latch([]);
      return;
    }
    const events = model.step(model.tickMs);
    // Taken before anything of this tick can be seen: nobody can have seen it earlier than the truth says.
    const timeMs = clock.wallMs();
    for (const [i, server] of servers.entries()) {
      const view = model.machines[i];
      if (view !== undefined) apply(view, server, events, timeMs);
    }
    for (const camera of cameras) camera.latch(events, dueMs, false);
    for (const microphone of microphones) microphone.latch(events);
    uplink?.setMode(model.uplink);
    // Without a proxy there is no uplink to cut, so nothing is said about it.
    const told = uplink === null ? events.filter((event) => event.machine !== 'gateway') : events;
    record(() => truth?.append(timeMs, told));
    if (model.halted && onHalted.length > 0) {
      record(() => truth?.flush());
      for (const resolve of onHalted.splice(0)) resolve(timeMs);
    }
  };

  record(() => truth?.append(clock.wallMs(), model.initialEvents()));
  let dueMs = clock.monotonicMs() + model.tickMs;
  let flushDueMs = dueMs + truthFlushMs;
  let timer: NodeJS.Timeout | null = null;
  const loop = (): void => {
    const now = clock.monotonicMs();
    if (now - dueMs > maxCatchUpTicks * model.tickMs) dueMs = now;
    while (dueMs <= now) {
      tick(dueMs);
      dueMs += model.tickMs;
    }
    if (now >= flushDueMs) {
      flushDueMs = now + truthFlushMs;
      record(() => truth?.flush());
    }
    timer = setTimeout(loop, Math.max(1, dueMs - clock.monotonicMs()));
  };
  timer = setTimeout(loop, model.tickMs);

  const endpoints: Endpoints = {
    machines: model.machines.map((view, i) =>
      describe(
        view.scenario,
        servers[i],
        cameras.find(({ machine }) => machine === view.scenario.id),
        microphones.find(({ machine }) => machine === view.scenario.id),
      ),
    ),
    ...(uplink === null ? {} : { uplink: uplink.url }),
  };
  return {
    endpoints,
    begin() {
      held = false;
    },
    halt() {
      held = false;
      const { promise, resolve } = Promise.withResolvers<number>();
      onHalted.push(resolve);
      model.halt();
      return promise;
    },
    async stop() {
      if (timer !== null) clearTimeout(timer);
      timer = null;
      record(() => truth?.close());
      await closeAll();
    },
  };
}
