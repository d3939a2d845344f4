/** Every error of this room: code, what it means for the operator, what to do. `docs/errors.md` is generated from it. */
export interface ErrorEntry {
  readonly code: `SIM-${number}`;
  readonly meaning: string;
  readonly cure: string;
  /** true: the simulator goes on trying by itself. */
  readonly retryable: boolean;
}

export const simulatorErrors = {
  fileUnreadable: {
    code: 'SIM-100',
    meaning: 'A file the simulator needs cannot be read.',
    cure: 'Check the path and that the user the simulator runs as may read it.',
    retryable: false,
  },
  fileUnwritable: {
    code: 'SIM-101',
    meaning: 'A file the simulator is to write cannot be written: the truth log, the endpoints or a data set.',
    cure: 'Check that the folder exists, may be written and that the disk is not full. A data set wants a new or empty folder.',
    retryable: false,
  },
  scenarioInvalid: {
    code: 'SIM-102',
    meaning: 'The scenario file describes a floor that cannot be built.',
    cure: 'Correct the lines named in the message; simulators/scenarios/demo.yaml is a complete example.',
    retryable: false,
  },
  usage: {
    code: 'SIM-103',
    meaning: 'The command line is wrong.',
    cure: 'Run selvedge simulate --help.',
    retryable: false,
  },
  portInUse: {
    code: 'SIM-104',
    meaning: 'Another program listens on a port the floor was told to use.',
    cure: 'End that program, choose another --port-base, or leave --port-base out to take free ports.',
    retryable: false,
  },
  listenFailed: {
    code: 'SIM-105',
    meaning: 'A simulated machine cannot open its port.',
    cure: 'Choose a --port-base above 1024 and check that 127.0.0.1 is up; leave it out to take free ports.',
    retryable: false,
  },
  opcuaFailed: {
    code: 'SIM-106',
    meaning: 'The simulated OPC UA server did not come up.',
    cure: 'Check that the temporary folder can be written and that the packages are installed (npm ci).',
    retryable: false,
  },
  cameraFailed: {
    code: 'SIM-107',
    meaning: 'The thread that draws the frames of a simulated camera ended; the camera shows nothing any more.',
    cure: 'Start the simulator anew; check that the packages are installed (npm ci) and that memory is free.',
    retryable: false,
  },
  soundImpossible: {
    code: 'SIM-108',
    meaning:
      'A simulated sound was asked for that no machine makes: a fault of another machine, a needle or feeder it has not, a clip without length.',
    cure: 'Correct what the message names.',
    retryable: false,
  },
  microphoneFailed: {
    code: 'SIM-109',
    meaning: 'The thread that makes the sound of a simulated microphone ended; the microphone is silent from then on.',
    cure: 'Start the simulator anew; check that memory is free.',
    retryable: false,
  },
} as const satisfies Record<string, ErrorEntry>;

export class SimulatorError extends Error {
  readonly entry: ErrorEntry;
  constructor(key: keyof typeof simulatorErrors, detail: string, options?: ErrorOptions) {
    const entry = simulatorErrors[key];
    super(`${entry.code} ${detail}`, options);
    this.name = 'SimulatorError';
    this.entry = entry;
  }
}
