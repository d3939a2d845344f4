/** Every error of this room: code, what it means for the operator, what to do. `docs/errors.md` is generated from it. */
export interface ErrorEntry {
  readonly code: `MDL-${number}`;
  readonly meaning: string;
  readonly cure: string;
  /** true: the agent goes on trying by itself. */
  readonly retryable: boolean;
}

export const modelErrors = {
  packageUnreadable: {
    code: 'MDL-100',
    meaning: 'That is no model package, or it cannot be read.',
    cure: 'Name a folder with manifest.json, manifest.sig and the files the manifest lists: plain files, no links, nothing else.',
    retryable: false,
  },
  manifestInvalid: {
    code: 'MDL-101',
    meaning: 'The manifest of a model package is damaged, or says something a manifest must not say.',
    cure: 'Get the package again from where it was made. Who makes it: models/package/seal.ts writes manifests.',
    retryable: false,
  },
  packageTooNew: {
    code: 'MDL-102',
    meaning: 'The model package was made for a newer version of the agent.',
    cure: 'Update the agent, or use an older version of the package.',
    retryable: false,
  },
  packageChanged: {
    code: 'MDL-103',
    meaning: 'Files of a model package are missing, changed or added since it was signed. It is not used.',
    cure: 'Get the package again. When it was installed already: check the disk, and find out who can write the data folder.',
    retryable: false,
  },
  signatureWrong: {
    code: 'MDL-104',
    meaning: 'The signature of a model package does not hold: the manifest was changed after it was signed.',
    cure: 'Get the package again from where it was made.',
    retryable: false,
  },
  keyUnknown: {
    code: 'MDL-105',
    meaning: 'A model package is signed with a key that this gateway does not trust for it.',
    cure: 'Get the package from where you get your releases. A package of your site: list its public key under models.siteKeys. A local one is good only on the gateway that made it.',
    retryable: false,
  },
  goldenFailed: {
    code: 'MDL-106',
    meaning:
      'On this computer the model does not give the results it must give for its golden samples. It is not used.',
    cure: 'Use another version of the package. When the same version works on other gateways: check the memory of this computer (memtester) and run npm ci anew.',
    retryable: false,
  },
  goldenCrashed: {
    code: 'MDL-107',
    meaning: 'The process that tried the model crashed, or did not end in its time. The model is not used.',
    cure: 'Use another version of the package; `selvedge doctor` says whether this computer can run models at all.',
    retryable: false,
  },
  sealImpossible: {
    code: 'MDL-110',
    meaning: 'A model package cannot be sealed as it lies there.',
    cure: 'Correct what the message names; docs/MODELS.md shows what a package is made of.',
    retryable: false,
  },
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
  statsInvalid: {
    code: 'MDL-204',
    meaning:
      'What was taught of a cloth or machine cannot be used: the file is damaged, or belongs to another version of the model.',
    cure: 'Teach it anew (`selvedge teach`); what was taught before is kept beside it and may be put back.',
    retryable: false,
  },
  soundUnreadable: {
    code: 'MDL-210',
    meaning:
      'A WAV file is damaged, is cut short, says of itself what is not so, or holds sound of a kind that is not read.',
    cure: 'Record or copy it again; save it as PCM of 8, 16, 24 or 32 bits or as float, at 4 to 192 kHz, with at most 64 channels.',
    retryable: false,
  },
  soundTooLong: {
    code: 'MDL-211',
    meaning: 'A sound is longer than is taken in at once.',
    cure: 'Cut it into clips of at most ten minutes.',
    retryable: false,
  },
  soundTooShort: {
    code: 'MDL-212',
    meaning: 'A sound is too short to be compared with others.',
    cure: 'Use clips of at least half a second; better are four to ten.',
    retryable: false,
  },
  soundEmpty: {
    code: 'MDL-213',
    meaning: 'There is no sound in a recording: every sample is the same.',
    cure: 'Check that the microphone is plugged in, not muted, and is the one that was recorded from.',
    retryable: false,
  },
  tooFewClips: {
    code: 'MDL-214',
    meaning: 'There are too few clips of the machine in order to learn its sound from, so no threshold can be trusted.',
    cure: 'Record more of it while it runs well: at least five clips, better twenty-five or more, over several hours or days.',
    retryable: false,
  },
} as const satisfies Record<string, ErrorEntry>;

export type ModelErrorKey = keyof typeof modelErrors;

export class ModelError extends Error {
  readonly entry: ErrorEntry;
  readonly key: ModelErrorKey;
  /** What was wrong, without the code. */
  readonly detail: string;
  constructor(key: ModelErrorKey, detail: string, options?: ErrorOptions) {
    const entry = modelErrors[key];
    super(`${entry.code} ${detail}`, options);
    this.name = 'ModelError';
    this.entry = entry;
    this.key = key;
    this.detail = detail;
  }
}
