/**
 * A scenario describes a floor: its machines, what goes wrong with them and when. Times are seconds after the floor's start;
 * a span is a pair [from, to] from which the seed draws.
 */
import { z } from 'zod';

export const mapNames = [
  'sewing-modbus-ref',
  'sewing-modbus-silverstar',
  'sewing-retrofit-csv',
  'sewing-efka-serial',
  'knit-circular-opcua',
  'knit-circular-kf4-tcp',
  'knit-flat-stoll-events',
] as const;
export type MapName = (typeof mapNames)[number];

export const protocols = [
  'modbus-tcp',
  'modbus-rtu-tcp',
  'line-tcp',
  'efka-tcp',
  'efka-tty',
  'opcua',
  /** The board calls the floor's computer; `calls` says where. */
  'kf4-call',
  /** A device server in front of the board takes connections. */
  'kf4-tcp',
  'stoll-tcp',
  /** Events are appended to `file`. */
  'stoll-file',
] as const;
export type Protocol = (typeof protocols)[number];

/** What a camera in front of the machine sees, and what happens to the camera. */
export const faultsOfCamera = [
  'needle_line',
  'camera_stalled',
  'camera_black',
  'camera_overexposed',
  'camera_defocused',
  'camera_moved',
] as const;

/** What a microphone at the machine hears. */
export const faultsOfMicrophone = ['bent_needle'] as const;

export const faultNames = [
  'thread_break',
  'motor_overload',
  'bobbin_empty',
  'needle_break',
  'oil_low',
  'yarn_break',
  'needle_fault',
  'offline',
  'stuck_sensor',
  'counter_reset',
  'uplink_outage',
  ...faultsOfCamera,
  ...faultsOfMicrophone,
] as const;
export type FaultName = (typeof faultNames)[number];

const verbsOfRecorders = ['hold_back', 'resend', 'data_gap', 'restore', 'warm_start', 'cold_start'] as const;

export const disturbanceVerbs = [
  'drop',
  'delay',
  'late_reply',
  'wrong_unit',
  'exception',
  'garbage',
  'restart',
  'clock_step',
  // Packets of the knit floor.
  'coalesce',
  'split',
  ...verbsOfRecorders,
] as const;
export type DisturbanceVerb = (typeof disturbanceVerbs)[number];
/** What a recording machine does to its own events; all other disturbances are of the wire, or of its clock. */
export const recorderVerbs: ReadonlySet<DisturbanceVerb> = new Set(verbsOfRecorders);

const id = z.string().regex(/^[a-z0-9-]{1,40}$/, 'an id is 1 to 40 of a-z, 0-9 and -');
const positive = z.number().positive();
const span = z
  .tuple([z.number().min(0), z.number().min(0)])
  .refine(([from, to]) => from <= to, 'a span is [from, to] with from not above to');
/** A span of seconds, or one second for all seeds. */
const time = z.union([
  z
    .number()
    .min(0)
    .transform((n): [number, number] => [n, n]),
  span,
]);

const counterStart = z.union([
  z.int().min(0).max(0xffff_ffff),
  z.strictObject({
    /** The start value is chosen so that the counter passes its highest value in this span while the machine runs. */
    wrapsWithinS: span,
  }),
]);

export const sewingParameters = z.strictObject({
  speedRpm: span.default([3200, 4200]),
  rampRpmPerS: positive.default(12_000),
  burstS: span.default([1, 5]),
  handlingS: span.default([3, 15]),
  burstsPerPiece: span.default([2, 4]),
  bobbinStitches: positive.default(20_000),
  bobbinStartStitches: positive.optional(),
  serviceStartStitches: positive.default(9_000_000),
  stitchLengthMm: positive.default(2.5),
  tensionCn: positive.default(105),
  presserForceN: positive.default(38),
  busVoltageV: positive.default(311),
  runCurrentA: positive.default(0.85),
  idlePowerW: positive.default(11),
  startTempC: z.number().min(-40).max(100).optional(),
  heatRiseK: positive.default(120),
  heatTimeS: positive.default(600),
  oilLevel: z.number().min(10).max(100).default(80),
});

export const knittingParameters = z.strictObject({
  diameterInch: positive.default(30),
  gauge: positive.default(28),
  feeders: z.int().positive().default(96),
  coursesPerCm: positive.default(18),
  speedRpm: positive.max(60).default(27),
  rampRpmPerS: positive.default(6),
  brakeRpmPerS: positive.default(18),
  revolutionsPerRoll: z.int().positive().default(4200),
  rollStartRevolutions: z.number().min(0).default(0),
  doffS: positive.default(90),
  yarnTensionCn: positive.default(4.6),
  idlePowerW: positive.default(310),
  runPowerW: positive.default(2650),
  startTempC: z.number().min(-40).max(100).optional(),
  heatRiseK: positive.default(26),
  heatTimeS: positive.default(1800),
  oilLevel: z.number().min(45).max(100).default(78),
});

/** A camera that looks at the tube of a circular knitting machine. */
const camera = z.strictObject({
  position: z.enum(['index', 'encoder', 'telemetry']).default('encoder'),
  /** At 27 1/min and 57 mm of view 17 frames a second see all of the tube; at 35 1/min 21. */
  fps: positive.max(60).default(20),
  widthPx: z.int().min(64).max(2048).default(512),
  heightPx: z.int().min(16).max(2048).default(512),
  pxPerMm: z.number().min(3).max(30).default(9),
  jpegQuality: z.int().min(30).max(100).default(88),
  countsPerRevolution: z.int().min(16).max(1_000_000).default(4096),
  direction: z.union([z.literal(1), z.literal(-1)]).default(1),
  /** Needle in the middle of the image at a whole revolution; drawn by the seed where nothing is said. */
  needleZero: z.int().min(0).optional(),
  /** What the encoder showed when the machine was switched on; drawn by the seed where nothing is said. */
  countZero: z.int().min(0).optional(),
  skewPpm: z.number().min(-500).max(500).default(40),
  jitterMs: z.number().min(0).max(50).default(0.2),
  latencyMs: span.refine(([, to]) => to <= 200, 'a camera is late by 200 ms at most').default([10, 60]),
});
export type ScenarioCamera = z.output<typeof camera>;

/** A microphone at a sewing machine, which sounds as one of generator a (docs/SIMULATED-SOUND.md). */
const microphone = z.strictObject({
  /** Seed of the machine it sounds like. */
  voice: z.int().min(0),
  rateHz: z.union([z.literal(16_000), z.literal(32_000), z.literal(44_100), z.literal(48_000)]).default(48_000),
  /** Other machines that are heard, and how much less than this one at its usual speed; 0: it stands alone. */
  neighbours: z.int().min(0).max(12).default(3),
  snrDb: z.number().min(-20).max(60).default(12),
  /** The second channel carries a pulse once a turn, in whose middle the angle of the shaft is 0. */
  pulse: z.boolean().default(true),
  /** 0 is no cloth, 1 as many and as dense plies as it takes. */
  load: z.number().min(0).max(1).default(0.5),
});
export type ScenarioMicrophone = z.output<typeof microphone>;

const machineBase = {
  id,
  kind: z.enum(['lockstitch', 'overlock', 'circular-knit', 'flat-knit']),
  protocol: z.enum(protocols),
  unit: z.int().min(1).max(255).optional(),
  /** kf4-call: HOST:PORT the board calls. */
  calls: z
    .string()
    .regex(/^[A-Za-z0-9.-]+:\d{1,5}$/, 'calls is HOST:PORT')
    .optional(),
  /** stoll-file: the file events are appended to. */
  file: z.string().startsWith('/', 'file is an absolute path').optional(),
  start: z.record(z.string(), counterStart).default({}),
};
const machine = z.discriminatedUnion('map', [
  z.strictObject({
    ...machineBase,
    map: z.literal('sewing-modbus-ref'),
    microphone: microphone.optional(),
    parameters: sewingParameters.prefault({}),
  }),
  z.strictObject({
    ...machineBase,
    map: z.literal('sewing-modbus-silverstar'),
    microphone: microphone.optional(),
    parameters: sewingParameters.prefault({}),
  }),
  z.strictObject({ ...machineBase, map: z.literal('sewing-retrofit-csv'), parameters: sewingParameters.prefault({}) }),
  z.strictObject({
    ...machineBase,
    map: z.literal('sewing-efka-serial'),
    /** The path of the serial port or pty it speaks at; with efka-tty, and only there. */
    tty: z.string().startsWith('/').optional(),
    /** Parameter E3 as a control has set it, × 10 ms; not 0: the drive stops when it gets no telegram for so long. */
    monitor: z.int().min(0).max(255).default(0),
    parameters: sewingParameters.prefault({}),
  }),
  z.strictObject({
    ...machineBase,
    map: z.literal('knit-circular-opcua'),
    camera: camera.optional(),
    parameters: knittingParameters.prefault({}),
  }),
  z.strictObject({
    ...machineBase,
    map: z.literal('knit-circular-kf4-tcp'),
    camera: camera.optional(),
    parameters: knittingParameters.prefault({}),
  }),
  z.strictObject({
    ...machineBase,
    map: z.literal('knit-flat-stoll-events'),
    parameters: knittingParameters.prefault({}),
  }),
]);
export type ScenarioMachine = z.output<typeof machine>;

const expectation = z.strictObject({
  as: z.enum(['alert', 'event']),
  type: z.string().regex(/^[a-z][a-z0-9_]*$/, 'a type is lower case with underscores'),
  withinS: positive,
  /** How long after the fault is over the alert may stand; null where nothing stands. */
  clearsWithinS: positive.nullable().default(null),
});
export type Expectation = z.output<typeof expectation>;

const fault = z.strictObject({
  id,
  machine: id,
  fault: z.enum(faultNames),
  atS: time,
  forS: time,
  expect: expectation,
  params: z
    .strictObject({
      signal: z.string().optional(),
      /** needle_line: which needle; drawn by the seed where nothing is said. */
      needle: z.int().min(0).optional(),
      /** needle_line: 1 is plain to see. bent_needle: its severity, at most 1. */
      strength: positive.max(2).optional(),
    })
    .default({}),
});
export type ScenarioFault = z.output<typeof fault>;

const disturbance = z.strictObject({
  machine: id,
  verb: z.enum(disturbanceVerbs),
  atS: time,
  /** For how long; absent: `count` replies. */
  forS: positive.optional(),
  count: z.int().positive().max(1000).default(1),
  params: z
    .strictObject({
      /** delay, late_reply: how much later, ms. */
      delayMs: positive.max(60_000).default(1200),
      /** exception: the Modbus exception code. */
      code: z.int().min(1).max(11).default(6),
      /** garbage: how many random bytes. */
      bytes: z.int().positive().max(4096).default(24),
      /** clock_step: by how much the machine's clock jumps, s. */
      offsetS: z.number().default(3600),
    })
    .prefault({}),
});
export type ScenarioDisturbance = z.output<typeof disturbance>;

export const scenarioSchema = z.strictObject({
  version: z.literal(1),
  site: id,
  description: z.string().optional(),
  /** An unheated hall warms up from `startC` to `endC`, °C, with the time constant `riseS`. */
  hall: z
    .strictObject({
      startC: z.number().min(-40).max(50).default(18),
      endC: z.number().min(-40).max(50).default(21),
      riseS: positive.default(5400),
    })
    .prefault({}),
  /** The proxy in front of the broker eats what the broker says for this long before each outage, s. */
  uplink: z.strictObject({ swallowAcksS: z.number().min(0).default(3) }).prefault({}),
  machines: z.array(machine).min(1).max(200),
  faults: z.array(fault).default([]),
  disturbances: z.array(disturbance).default([]),
});
export type Scenario = z.output<typeof scenarioSchema>;
