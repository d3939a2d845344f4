/** The profile of the bench machines: 100 holding registers, each a gauge without a deadband, so that every change is stored. */

export const registers = 100;
export const signalOf = (register: number) => `bench.r${String(register).padStart(2, '0')}`;

export const benchProfile = {
  profile: 'bench-100',
  version: 1,
  title: 'A hundred registers',
  kind: 'other',
  protocol: 'modbus',
  verified: false,
  source: ['test/bench'],
  signals: Object.fromEntries(
    Array.from({ length: registers }, (_, register) => [
      signalOf(register),
      { kind: 'gauge', unit: 'C62', deadband: 0, from: { table: 'holding', address: register } },
    ]),
  ),
  states: [{ state: 'RUN' }],
};
