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
