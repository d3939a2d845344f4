/** The worked examples of `docs/PROFILES.md`. A test loads each and decodes with it. */

export const modbusExample = `
profile: acme-lockstitch
version: 1
title: Acme 900 lockstitch, controller C2
kind: lockstitch
protocol: modbus
verified: false            # true once compared with the maker's document or a real machine
source: ['Acme C2 interface manual, edition 3, chapter 7']

modbus:
  wordOrder: CDAB
  addressBase: 1           # the manual counts from 1

polls:
  normal: { intervalMs: 250 }
  slow: { intervalMs: 10000 }

signals:
  status.running: { kind: flag, from: { table: holding, address: 1001, bit: 0 } }
  status.setup: { kind: flag, from: { table: holding, address: 1001, bit: 3 } }
  error.code: { kind: code, from: { table: holding, address: 1002 } }
  spindle.speed:
    { kind: gauge, unit: RPM, range: [0, 10000], deadband: 20, from: { table: holding, address: 1003, type: float32 } }
  stitch.total:
    kind: counter
    unit: C62
    wrapsAt: 4294967296    # 32 bits
    maxRatePerS: 150       # 9000 stitches a minute
    from: { table: holding, address: 1005, type: uint32 }
  piece.count: { kind: counter, unit: C62, wrapsAt: 10000, maxRatePerS: 4, from: { table: holding, address: 1011 } }
  thread.tension.needle:
    kind: gauge
    unit: C20              # cN
    scale: 0.1
    notANumber: [65535]    # no sensor fitted
    range: [0, 2000]
    from: { table: holding, address: 1012 }
  motor.temp:
    { kind: gauge, unit: CEL, scale: 0.1, range: [-40, 200], from: { table: holding, address: 1013, type: int16 } }
  oil.level: { kind: gauge, unit: P1, range: [0, 100], poll: slow, from: { table: holding, address: 1014 } }
  machine.type: { kind: text, poll: slow, from: { table: holding, address: 1051, type: string, registers: 4 } }
  lamp.on: { kind: flag, from: { table: coil, address: 17 } }

codeTables:
  - signal: error.code
    codes:
      '7': { cause: material.thread_break, state: STOP_MATERIAL, level: error, text: Needle thread }
      '12': { cause: drive.overload, state: FAULT, level: error, text: Motor overload }
      '30': { cause: maintenance.oil_low, level: warning, text: Oil }

states:
  - { when: { signal: status.setup, is: true }, state: SETUP }
  - { when: { signal: status.running, is: true }, state: RUN }
  - state: IDLE
`;

export const lineExample = `
profile: acme-sensor-line
version: 1
title: Acme retrofit board
kind: overlock
protocol: line
verified: false
source: ['seen on the line, 2026-03']

line:
  delimiter: ';'
  fields: 4
  expectEveryMs: 500

signals:
  spindle.speed: { kind: gauge, unit: RPM, range: [0, 10000], from: { field: 0 } }
  head.temp: { kind: gauge, unit: CEL, range: [-40, 150], from: { field: 1 } }
  stop.cause: { kind: code, from: { field: 2 } }
  oil.level: { kind: gauge, unit: P1, range: [0, 100], from: { field: 3 } }

codeTables:
  - signal: stop.cause
    none: [OK]
    codes:
      BREAK: { cause: material.thread_break, state: STOP_MATERIAL, level: error, text: Thread break }

states:
  - { when: { signal: spindle.speed, above: 0 }, state: RUN }
  - state: IDLE
`;

export const opcuaExample = `
profile: acme-knitter
version: 1
title: Acme circular knitting machine
kind: circular-knit
protocol: opcua
verified: false
source: ['address space of the server, release 2.1']

opcua:
  machineBrowseName: Knit2       # only where Objects/Machines has several

signals:
  item.state:
    { kind: text, from: { path: [MachineryBuildingBlocks, MachineryItemState, CurrentState] } }
  stop.cause: { kind: text, from: { path: [Monitoring, StopCause] } }
  cylinder.speed: { kind: gauge, unit: RPM, range: [0, 120], from: { path: [Monitoring, 'urn:acme:knit#Speed'] } }
  revolution.count:
    kind: counter
    unit: C62
    wrapsAt: 4294967296
    maxRatePerS: 2
    from: { path: [Monitoring, Revolutions] }

codeTables:
  - signal: stop.cause
    none: [none, '']
    codes:
      top: { cause: knit.yarn_break_top, state: STOP_MATERIAL, level: error, text: Yarn broken above the feeder }
      needle: { cause: knit.needle_fault, state: FAULT, level: error, text: Needle detector }

states:
  - { when: { signal: item.state, is: Executing }, state: RUN }
  - { when: { signal: item.state, is: OutOfService }, state: FAULT }
  - state: IDLE
`;

export const efkaExample = `
profile: acme-efka-head
version: 1
title: Acme head with an EFKA drive
kind: lockstitch
protocol: efka
verified: false
source: ['EFKA AB286A5400, instruction manual 402280, p. 21 and 24']

polls:
  normal: { intervalMs: 500 }
  slow: { intervalMs: 10000 }

signals:
  status.standstill: { kind: flag, from: { parameter: "02", bit: 0 } }
  status.ready: { kind: flag, from: { parameter: "02", bit: 5 } }
  spindle.speedset: { kind: gauge, unit: RPM, scale: 2, range: [0, 12000], poll: slow, from: { parameter: "61" } }

states:
  - { when: { signal: status.standstill, is: false }, state: RUN }
  - state: IDLE
`;
