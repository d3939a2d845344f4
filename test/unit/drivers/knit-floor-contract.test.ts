/** The shared driver suite on the knit floor: machines that call, and one that is called. */
import { createKnitFloorDriver } from '../../../drivers/knit-floor/driver.ts';
import { loadProfile } from '../../../drivers/profiles/load.ts';
import type { Profile } from '../../../drivers/profiles/schema.ts';
import { driverContract } from '../../contract/driver.ts';
import { freePort } from '../../support/ports.ts';
import { Board, DeviceServer } from './knit-floor-peer.ts';

const profile: Profile = { ...loadProfile('knit-circular-kf4-tcp', []), 'knit-floor': { silenceS: 0.6 } };
const backoff = { minMs: 50, maxMs: 200 };

driverContract({
  name: 'knit floor, machines call',
  silenceToGapMs: 2_000,
  async create(ports) {
    const port = await freePort();
    const boards = [new Board(port, '7'), new Board(port, '12')];
    const driver = createKnitFloorDriver(
      {
        endpoint: `knit-floor+tcp-listen://127.0.0.1:${port}`,
        machines: [
          { machine: 'ck-7', unit: 7, profile },
          { machine: 'ck-12', unit: 12, profile },
        ],
        backoff,
      },
      ports,
    );
    for (const board of boards) board.call();
    return {
      driver,
      peer: {
        breakLink: async () => {
          await Promise.all(boards.map((board) => board.hangUp()));
        },
        fallSilent: () => boards.forEach((board) => board.fallSilent()),
        restore: async () => boards.forEach((board) => board.restore()),
        disturb: () => boards.forEach((board) => board.disturb()),
        connections: () => boards.reduce((sum, board) => sum + board.connections, 0),
        accepted: () => boards.reduce((sum, board) => sum + board.accepted, 0),
        writes: () => boards.reduce((sum, board) => sum + board.writtenBytes, 0),
      },
      dispose: async () => {
        await Promise.all(boards.map((board) => board.hangUp()));
      },
    };
  },
});

for (const unit of [null, 7]) {
  driverContract({
    name: `knit floor, called${unit === null ? '' : ', number first'}`,
    silenceToGapMs: 2_000,
    async create(ports) {
      const server = new DeviceServer(unit === null ? '' : `${unit}\n`);
      await server.listen();
      server.begin();
      return {
        driver: createKnitFloorDriver(
          { endpoint: `tcp://127.0.0.1:${server.port}`, machines: [{ machine: 'ck-7', unit, profile }], backoff },
          ports,
        ),
        peer: server.asPeer(),
        dispose: () => server.dispose(),
      };
    },
  });
}
