/**
 * How fast one connection is read, 100 registers a read: our driver's path against the plain loop of modbus-serial and against
 * libmodbus in C, one after the other on the same server. Ours has eight reads under way, one of each machine behind the
 * connection, which is what a driver of a whole bus gains over a loop.
 */
import type { Bench, BenchContext, Measured } from './bench.ts';
import type { Run } from './judge.ts';
import { compile, nodeArgs, pinned, script, start } from './processes.ts';

const warmMs = 1000;
const forMs = 2000;
const row = { unit: 'reads/s', direction: 'higher', judged: 'ratio' } as const;
const bySerial = { ...row, name: 'modbus-tcp-1conn:modbus-serial', limit: 1.5, referenceBaseline: 28_400 };
const byC = { ...row, name: 'modbus-tcp-1conn:libmodbus', limit: 0.7, referenceBaseline: 73_400 };

export const modbusClients: Bench = { bars: [bySerial, byC], measure };

async function measure({ runs, dir, say }: BenchContext): Promise<ReadonlyMap<string, Measured>> {
  // The C server leaves the clients more of the processor; both answer alike.
  const program = compile('modbus-server.c', dir);
  const server =
    program === null
      ? start(...pinned(process.execPath, [...nodeArgs, script('modbus-server.ts')]))
      : start(...pinned(program, []));
  const cClient = compile('modbus-libmodbus-client.c', dir, '-lmodbus');
  const serial: Run[] = [];
  const c: Run[] = [];
  try {
    const port = await server.line();
    const times = [port, String(warmMs), String(forMs)];
    const node = (name: string) => rate(process.execPath, [...nodeArgs, script(name), ...times]);
    for (let run = 1; run <= runs; run += 1) {
      const ours = await node('modbus-our-client.ts');
      const bySerial = await node('modbus-serial-client.ts');
      const byC = cClient === null ? null : await rate(cClient, times);
      serial.push({ ours, baseline: bySerial });
      c.push({ ours, baseline: byC });
      say(`run ${run}: ours ${ours} reads/s, modbus-serial ${bySerial}, libmodbus ${byC ?? 'not run'}`);
    }
  } finally {
    await server.end('SIGKILL');
  }
  const missing = cClient === null ? 'not run: it needs cc and libmodbus (libmodbus-dev)' : null;
  return new Map([
    [bySerial.name, { runs: serial, unmeasured: null }],
    [byC.name, { runs: c, unmeasured: missing }],
  ]);
}

/** Runs one client to its end; it prints its reads per second. */
async function rate(command: string, args: readonly string[]): Promise<number | null> {
  const client = start(...pinned(command, args));
  try {
    return Math.round(Number(await client.line()));
  } catch {
    return null;
  } finally {
    await client.end();
  }
}
