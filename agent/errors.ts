/** Every error of this room: code, what it means for the operator, what to do. `docs/errors.md` is generated from it. */
export interface ErrorEntry {
  readonly code: `AGT-${number}`;
  readonly meaning: string;
  readonly cure: string;
  /** true: the agent goes on trying by itself. */
  readonly retryable: boolean;
}

export const agentErrors = {
  fileUnreadable: {
    code: 'AGT-100',
    meaning: 'A file the agent needs cannot be read.',
    cure: 'Check the path and that the user the agent runs as may read it.',
    retryable: false,
  },
} as const satisfies Record<string, ErrorEntry>;

export class AgentError extends Error {
  readonly entry: ErrorEntry;
  constructor(key: keyof typeof agentErrors, detail: string, options?: ErrorOptions) {
    const entry = agentErrors[key];
    super(`${entry.code} ${detail}`, options);
    this.name = 'AgentError';
    this.entry = entry;
  }
}
