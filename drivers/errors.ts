/** Every error of this room: code, what it means for the operator, what to do. `docs/errors.md` is generated from it. */
export interface ErrorEntry {
  readonly code: `DRV-${number}`;
  readonly meaning: string;
  readonly cure: string;
  /** true: the agent goes on trying by itself. */
  readonly retryable: boolean;
}

export const driverErrors = {
  profileUnknown: {
    code: 'DRV-100',
    meaning: 'The configuration names a profile that is not there.',
    cure: 'Use one of the shipped profiles (drivers/profiles) or the path of your own profile file.',
    retryable: false,
  },
} as const satisfies Record<string, ErrorEntry>;

export class DriverError extends Error {
  readonly entry: ErrorEntry;
  constructor(key: keyof typeof driverErrors, detail: string, options?: ErrorOptions) {
    const entry = driverErrors[key];
    super(`${entry.code} ${detail}`, options);
    this.name = 'DriverError';
    this.entry = entry;
  }
}
