/** `selvedge probe`: what stands in the registers of a machine of which no map is known. */
import { parseArgs } from 'node:util';
import { parseAddressRange } from '../../drivers/modbus/address-range.ts';
import { parseModbusEndpoint, type ModbusEndpoint } from '../../drivers/modbus/endpoint.ts';
import { connectBus } from '../../drivers/modbus/open-bus.ts';
import type { Table } from '../../drivers/modbus/plan.ts';
import { probeSpans, rowsOf, spansOf, type ProbedCell } from '../../drivers/modbus/probe.ts';
import type { Pace } from '../../drivers/scan/pace.ts';
import { AgentError } from '../errors.ts';
import { orTold, progress, realPace, refuseLineInUse, timeoutOf, untilInterrupted } from './asking.ts';
import { writeJsonFile } from './json-file.ts';
import { probeTable } from './probe-table.ts';

export const help = `Usage: selvedge probe ENDPOINT [--unit N] --holding A..B [--input A..B] [--coil A..B] [--discrete A..B] [--json FILE]

Reads a range of Modbus addresses once and shows each register in every decoding side by side, to find out what a machine
without a known map holds. Only reads (functions 1 to 4), one after the other, at most 20 a second. Where the machine has no such
address, the range is halved until each of them is known.

  ENDPOINT           modbus://host:502, modbus+rtu://host:4001 or modbus+rtu:///dev/ttyUSB0?baudRate=19200&parity=even
  --unit N           unit id of the machine; default 1
  --holding A..B     holding registers (function 3), both ends included
  --input A..B       input registers (4)
  --coil A..B        coils (1)
  --discrete A..B    discrete inputs (2)
  --timeout-ms N     how long connecting and one answer may take; default 1000, or 2000 on a serial line
  --json FILE        also write {unit, rows:[{table, address, raw, decodings:{u16, i16, u32, i32, f32}, exception}]}; u32, i32
                     and f32 have ABCD, CDAB, BADC and DCBA, of this register and the next. null: not finite, no next register,
                     or no such address, which alone has an exception

A, B: protocol addresses from 0, decimal or 0x…; or as manuals write them, 40001 for holding register 0 (input 3xxxx, discrete
1xxxx, coil 0xxxx). A range may be given several times. In the table "manual" is the number of manuals, "tx" the bytes as text.
A serial port that another process uses is refused, and a device server that one of this computer is connected to.

Exit code: 0 read, 1 not reached, no answer, refused or stopped, 2 wrong usage.
`;

const tables = ['holding', 'input', 'coil', 'discrete'] as const satisfies readonly Table[];
const spacingMs = 50;

export async function main(args: readonly string[]): Promise<number> {
  const many = { type: 'string', multiple: true } as const;
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      unit: { type: 'string', default: '1' },
      holding: many,
      input: many,
      coil: many,
      discrete: many,
      'timeout-ms': { type: 'string' },
      json: { type: 'string' },
    },
  });
  const [text, ...more] = positionals;
  if (text === undefined || more.length > 0) throw new AgentError('usage', 'probe takes one ENDPOINT');
  const endpoint = parseModbusEndpoint(text);
  const unit = unitOf(values.unit, endpoint);
  const ranges = tables.flatMap((table) => (values[table] ?? []).map((range) => parseAddressRange(table, range)));
  if (ranges.length === 0) throw new AgentError('usage', 'probe needs a range, such as --holding 0..40');
  const spans = spansOf(ranges);
  const timeoutMs = timeoutOf(values['timeout-ms'], endpoint.kind === 'tcp' ? 1_000 : 2_000);
  for (const { note } of ranges) if (note !== null) process.stderr.write(`${note}\n`);

  return orTold(async () => {
    await refuseLineInUse(endpoint);
    const signal = untilInterrupted();
    const cells = await read(endpoint, unit, spans, timeoutMs, signal);
    if (cells === null) {
      process.stderr.write('stopped\n');
      return 1;
    }
    const rows = rowsOf(cells);
    process.stdout.write(`${probeTable(rows).join('\n')}\n`);
    const missing = rows.filter((row) => row.raw === null).length;
    process.stdout.write(`\nunit ${unit}: ${rows.length - missing} of ${rows.length} addresses are there\n`);
    if (values.json !== undefined) writeJsonFile(values.json, { unit, rows });
    return 0;
  });
}

/** The addresses with what they hold; null when stopped. Throws DriverError. */
async function read(
  endpoint: ModbusEndpoint,
  unit: number,
  spans: ReturnType<typeof spansOf>,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ProbedCell[] | null> {
  const pace: Pace = realPace(spacingMs);
  const monotonicMs = () => performance.now();
  const addresses = spans.reduce((sum, span) => sum + span.count, 0);
  const tell = progress();
  try {
    const options = { connectTimeoutMs: timeoutMs, staleAfterMs: Number.POSITIVE_INFINITY, monotonicMs };
    const { bus } = await connectBus(endpoint, options, signal);
    // What is under way is given up at once.
    const stop = (): void => void bus.close();
    signal.addEventListener('abort', stop, { once: true });
    try {
      return await probeSpans(
        unit,
        spans,
        async (request) => {
          await pace.turn(signal);
          return bus.read(request, timeoutMs);
        },
        (settled) => tell(() => `${settled} of ${addresses} addresses`),
      );
    } finally {
      signal.removeEventListener('abort', stop);
      await bus.close();
    }
  } catch (error) {
    // Closing the connection fails the read that waits, which is then no trouble of the machine.
    if (signal.aborted) return null;
    throw error;
  }
}

function unitOf(text: string, endpoint: ModbusEndpoint): number {
  const [lowest, highest] = endpoint.kind === 'tcp' ? [0, 255] : [1, 247];
  const unit = /^\d{1,3}$/.test(text) ? Number(text) : -1;
  if (unit < lowest || unit > highest) {
    throw new AgentError('usage', `--unit ${text}: a unit is ${lowest} to ${highest} here`);
  }
  return unit;
}
