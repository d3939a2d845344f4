/** The demo floor read by clients this project did not write: mbpoll, pymodbus, a bare socket and asyncua. */
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { connect } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { requireProgram, requirePythonModule } from '../support/peers.ts';
import { asyncuaPython, requireAsyncua } from './opcua-peer.ts';
import { endFloor, startFloor, type FloorProcess } from './simulators-process.ts';

const run = promisify(execFile);

interface Endpoint {
  readonly id: string;
  readonly endpoint: string;
  readonly serverFingerprint?: string;
}
let floor: FloorProcess;
let machines: readonly Endpoint[] = [];
before(async () => {
  floor = startFloor(['demo', '--seed', '11', '--healthy', '--control']);
  machines = (await floor.event('listening'))['machines'] as Endpoint[];
});
after(() => endFloor(floor));

function endpointOf(id: string): { readonly url: URL; readonly fingerprint: string | undefined } {
  const found = machines.find((machine) => machine.id === id);
  assert.ok(found !== undefined, `no endpoint of ${id}`);
  return { url: new URL(found.endpoint), fingerprint: found.serverFingerprint };
}
const number32 = (high: number | undefined, low: number | undefined): number => (high ?? 0) * 65_536 + (low ?? 0);

/** Registers as mbpoll prints them: `[n]: value`, with the signed reading in brackets where it differs. */
async function mbpoll(port: string, ...args: string[]): Promise<number[]> {
  const { stdout } = await run('mbpoll', ['-m', 'tcp', '-p', port, '-0', '-1', '-q', ...args, '127.0.0.1']);
  return [...stdout.matchAll(/^\[\d+\]:\s+(\d+)/gm)].map((match) => Number(match[1]));
}

test('mbpoll reads the reference map over Modbus TCP', async (t) => {
  if (!requireProgram(t, 'mbpoll')) return;
  const registers = await mbpoll(endpointOf('ls-1').url.port, '-a', '1', '-t', '3', '-r', '1', '-c', '20');
  assert.equal(registers.length, 20, 'registers 1 to 20');
  const stitches = number32(registers[3], registers[4]);
  assert.ok(stitches > 4_294_900_000 || stitches < 10_000, `stitches near the wrap, high word first: ${stitches}`);
  assert.ok(number32(registers[5], registers[6]) - 2_684_491_307 < 100, 'trims');
  assert.ok((registers[7] ?? 0) - 51_234 < 100 && (registers[7] ?? 0) >= 51_234, 'pieces');
  assert.ok((registers[12] ?? 0) > 65_000, 'a temperature below zero is a two’s complement');
  assert.equal(registers[17], 260, 'stitch length in hundredths of a millimetre');
  await assert.rejects(
    mbpoll(endpointOf('ls-1').url.port, '-a', '1', '-t', '3', '-r', '10', '-c', '12'),
    /[Ii]llegal data address/,
  );
});

test('mbpoll reads the second map: register 40101 is address 100, low word first', async (t) => {
  if (!requireProgram(t, 'mbpoll')) return;
  const registers = await mbpoll(endpointOf('ls-2').url.port, '-a', '1', '-t', '4', '-r', '100', '-c', '15');
  assert.equal(registers.length, 15);
  const stitches = number32(registers[3], registers[2]);
  assert.ok(stitches >= 2_903_417_221 && stitches < 2_903_427_221, `stitches ${stitches}`);
  assert.ok((registers[4] ?? 0) > 9900 || (registers[4] ?? 0) < 100, 'pieces near 9999');
});

test('pymodbus reads the overlock with RTU frames over TCP, and its words agree', async (t) => {
  if (!requirePythonModule(t, 'pymodbus')) return;
  const script = `
import json
from pymodbus.client import ModbusTcpClient
try:
    from pymodbus.transaction import ModbusRtuFramer as rtu
except ImportError:
    from pymodbus.framer import FramerType
    rtu = FramerType.RTU
client = ModbusTcpClient("127.0.0.1", port=${endpointOf('ov-1').url.port}, framer=rtu, timeout=20)
assert client.connect()
def read(address, count, unit):
    for name in ("slave", "unit", "device_id"):
        try:
            return client.read_input_registers(address, count=count, **{name: unit})
        except TypeError:
            continue
reply = read(0, 21, 7)
print(json.dumps({"registers": reply.registers, "beyond": read(20, 2, 7).exception_code}))
client.close()
`;
  const { stdout } = await run('/usr/bin/python3', ['-c', script]);
  const { registers, beyond } = JSON.parse(stdout) as { registers: number[]; beyond: number };
  assert.equal(registers.length, 21);
  const stitches = number32(registers[4], registers[5]);
  assert.ok(stitches >= 3_871_044_562 && stitches < 3_871_144_562, `stitches ${stitches}`);
  assert.ok((registers[9] ?? 0) > 32_768, 'cones hold more than a signed register');
  assert.equal(beyond, 2);
});

test('the retrofit line comes to a bare socket, four times a second', async () => {
  const { port } = endpointOf('rt-1').url;
  const socket = connect(Number(port), '127.0.0.1');
  let text = '';
  for await (const chunk of socket) {
    text += String(chunk);
    if (text.split('\n').length > 4) break;
  }
  const lines = text.split('\n').slice(0, 4);
  for (const line of lines) assert.match(line, /^601\d\d,-?\d+\.\d,\d+\.\d\d,83,\d+,25189\d{5},\d+$/);
});

test('asyncua finds the knitting machine by BrowseNames, encrypted, and is told of changes', async (t) => {
  if (!requireAsyncua(t)) return;
  const folder = mkdtempSync(join(tmpdir(), 'selvedge-sim-asyncua-'));
  t.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));
  const { url, fingerprint } = endpointOf('ck-1');
  const { stdout } = await run(asyncuaPython, [
    join(import.meta.dirname, 'simulators-opcua-client.py'),
    url.href,
    folder,
    'ck-1',
  ]);
  const found = JSON.parse(stdout) as {
    offers: [string, string][];
    fingerprint: string;
    withoutSecurity: string;
    identification: Record<string, unknown>;
    monitoring: Record<string, [string, unknown]>;
    notifications: number;
    tensionUnitId: number;
  } & Record<string, unknown>;
  assert.deepEqual(found.offers, [['Basic256Sha256', 'SignAndEncrypt']]);
  assert.equal(found.withoutSecurity, 'refused');
  assert.equal(found.fingerprint, fingerprint);
  assert.equal(found.identification['Manufacturer'], 'Selvedge');
  assert.equal(found.identification['ProductInstanceUri'], 'urn:selvedge:knit:ck-1');
  assert.equal(found.identification['SoftwareRevision'], '1.0.0');
  assert.ok(['Executing', 'NotExecuting'].includes(String(found['MachineryItemState'])));
  assert.equal(found['MachineryItemStateId'], found['MachineryItemState'], 'the id names the same state');
  assert.equal(found['MachineryOperationMode'], 'Processing');
  assert.deepEqual(Object.fromEntries(Object.entries(found.monitoring).map(([name, [type]]) => [name, type])), {
    StopCause: 'String',
    CylinderSpeed: 'Double',
    YarnTension: 'Double',
    DrivePower: 'Double',
    CamTemperature: 'Double',
    OilLevel: 'Double',
    Revolutions: 'UInt32',
    FabricLength: 'UInt32',
    RollCount: 'UInt16',
    EnergyTotal: 'UInt32',
  });
  assert.ok(Number(found.monitoring['FabricLength']?.[1]) >= 3_348_215_077);
  // UN/CEFACT C20, ten millinewtons: the ASCII bytes as a number.
  assert.equal(found.tensionUnitId, 4_403_760);
  assert.ok(found.notifications >= 15, String(found.notifications));
});
