/**
 * Two real serial adapters whose lines are crossed (TX to RX, ground to ground): the machine's side writes, the driver reads.
 *
 *     SELVEDGE_SERIAL_AGENT=/dev/ttyUSB0 SELVEDGE_SERIAL_MACHINE=/dev/ttyUSB1 npm run test:hardware
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadProfile } from '../../drivers/profiles/load.ts';
import { createLineDriver } from '../../drivers/serial/driver.ts';
import { assertEventInvariants, EventLog, realPorts } from '../contract/driver.ts';
import { retrofitLine } from '../integration/serial-peer.ts';

const agentSide = process.env['SELVEDGE_SERIAL_AGENT'];
const machineSide = process.env['SELVEDGE_SERIAL_MACHINE'];

for (const baudRate of [9600, 115_200]) {
  test(`the retrofit line over real wires at ${baudRate} Bd`, async (t) => {
    if (agentSide === undefined || machineSide === undefined) {
      t.skip('SELVEDGE_SERIAL_AGENT and SELVEDGE_SERIAL_MACHINE name no adapters');
      return;
    }
    const { SerialPort } = await import('serialport');
    const machine = new SerialPort({ path: machineSide, baudRate });
    t.after(() => new Promise<void>((done) => machine.close(() => done())));
    const log = new EventLog();
    const driver = createLineDriver(
      {
        endpoint: `serial://${agentSide}?baudRate=${baudRate}`,
        machine: 'rt-1',
        profile: loadProfile('sewing-retrofit-csv', []),
      },
      realPorts(log),
    );
    t.after(() => driver.stop());
    await driver.start(new AbortController().signal);
    let stitches = 0;
    const pace = setInterval(() => machine.write(retrofitLine((stitches += 10))), 250);
    t.after(() => clearInterval(pace));
    await log.until('twenty lines', 15_000, () => log.goods('rt-1') >= 20 * 7);
    const counted = log.readings('rt-1').flatMap((r) => (r.signal === 'stitch.total' ? [Number(r.value)] : []));
    assert.ok(
      counted.every((value, i) => i === 0 || value - (counted[i - 1] ?? 0) === 10),
      'no line was lost or read wrongly',
    );
    assertEventInvariants(['rt-1'], log.events);
  });
}
