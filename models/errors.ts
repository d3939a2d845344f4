/** Every error of this room: code, what it means for the operator, what to do. `docs/errors.md` is generated from it. */
export interface ErrorEntry {
  readonly code: `MDL-${number}`;
  readonly meaning: string;
  readonly cure: string;
  /** true: the agent goes on trying by itself. */
  readonly retryable: boolean;
}

export const modelErrors = {
  clothNotFound: {
    code: 'MDL-200',
    meaning: 'No cloth was found in an image: what it shows has no even surface, or the surface is too narrow.',
    cure: 'Point the camera at the cloth so that it fills at least a quarter of the width, in focus, neither black nor white.',
    retryable: false,
  },
  tooFewStrips: {
    code: 'MDL-201',
    meaning: 'There is too little good cloth to learn from, so no threshold can be trusted.',
    cure: 'Show more good cloth: at least four images, better twelve, each with some hand-widths of cloth.',
    retryable: false,
  },
  imageTooSmall: {
    code: 'MDL-202',
    meaning: 'An image is smaller than the model can judge.',
    cure: 'Use images of at least 256 by 256 pixels.',
    retryable: false,
  },
  modelUnusable: {
    code: 'MDL-203',
    meaning: 'The model cannot be opened, or does not take and give what the eye needs.',
    cure: 'Install the model anew (`npm ci` for the one that ships); a file that was changed is refused.',
    retryable: false,
  },
} as const satisfies Record<string, ErrorEntry>;

export class ModelError extends Error {
  readonly entry: ErrorEntry;
  constructor(key: keyof typeof modelErrors, detail: string, options?: ErrorOptions) {
    const entry = modelErrors[key];
    super(`${entry.code} ${detail}`, options);
    this.name = 'ModelError';
    this.entry = entry;
  }
}
