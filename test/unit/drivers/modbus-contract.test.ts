/** The shared driver suite, run on Modbus TCP and on RTU behind a serial device server. */
import { createModbusDriver } from '../../../drivers/modbus/driver.ts';
import { loadProfile } from '../../../drivers/profiles/load.ts';
import { driverContract } from '../../contract/driver.ts';
import { ModbusPeer, withCrc } from './modbus-peer.ts';

const profile = loadProfile('sewing-modbus-ref', []);

const machineOf = (name: string, unit: number) => ({ machine: name, unit, profile, polls: { normal: 50 } });

for (const framing of ['tcp', 'rtu'] as const) {
  driverContract({
    name: `modbus ${framing}`,
    silenceToGapMs: 1_000,
    async create(ports) {
      const peer = new ModbusPeer(framing);
      for (const unit of [1, 2])
        peer.set(
          unit,
          4,
          0,
          Array.from({ length: 21 }, (_, i) => i),
        );
      await peer.listen();
      const scheme = framing === 'tcp' ? 'modbus' : 'modbus+rtu';
      const driver = createModbusDriver(
        {
          endpoint: `${scheme}://127.0.0.1:${peer.port}`,
          machines: framing === 'tcp' ? [machineOf('m-1', 1), machineOf('m-2', 2)] : [machineOf('m-1', 1)],
          timeoutMs: 150,
          backoff: { minMs: 50, maxMs: 200 },
        },
        ports,
      );
      const noise =
        framing === 'tcp' ? Buffer.from('ff00aa55deadbeef01', 'hex') : withCrc(Buffer.from('0904020001', 'hex'));
      return {
        driver,
        peer: peer.asPeer(noise),
        dispose: () => peer.close(),
      };
    },
  });
}
