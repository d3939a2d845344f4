/** Every error of this room: code, what it means for the operator, what to do. `docs/errors.md` is generated from it. */
export interface ErrorEntry {
  readonly code: `BRG-${number}`;
  readonly meaning: string;
  readonly cure: string;
  /** true: the bridge goes on trying by itself. */
  readonly retryable: boolean;
}

export const bridgeErrors = {
  fileUnreadable: {
    code: 'BRG-100',
    meaning: 'A file the bridge needs cannot be read.',
    cure: 'Check the path and that the user the bridge runs as may read it.',
    retryable: false,
  },
} as const satisfies Record<string, ErrorEntry>;

export class BridgeError extends Error {
  readonly entry: ErrorEntry;
  constructor(key: keyof typeof bridgeErrors, detail: string, options?: ErrorOptions) {
    const entry = bridgeErrors[key];
    super(`${entry.code} ${detail}`, options);
    this.name = 'BridgeError';
    this.entry = entry;
  }
}
