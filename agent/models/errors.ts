/** The part of the room's one table (`agent/errors.ts`) that tells of the models installed here. */
import type { ErrorEntry } from '../errors.ts';

export const modelErrors = {
  modelUnknown: {
    code: 'AGT-800',
    meaning: 'No such model, or not this version of it, is installed.',
    cure: '`selvedge models list` shows what is installed; `selvedge models install FOLDER` installs.',
    retryable: false,
  },
  modelOlder: {
    code: 'AGT-801',
    meaning:
      'The version is older than the one in use. A gateway never goes back to an older model by an installation.',
    cure: 'Use a newer version. To go back to the one before on this computer: `selvedge models rollback ID`.',
    retryable: false,
  },
  modelVersionTaken: {
    code: 'AGT-802',
    meaning: 'This version is installed already, with other content. A version never changes.',
    cure: 'Ask whoever made the package for a new version number.',
    retryable: false,
  },
  modelsBusy: {
    code: 'AGT-803',
    meaning: 'Another process is changing the models of this data folder.',
    cure: 'Try again in a moment.',
    retryable: true,
  },
  modelsDamaged: {
    code: 'AGT-804',
    meaning: 'The file that says which models are in use is damaged. None is used, and nothing is changed.',
    cure: 'Restore models/state.json from a backup, or remove it and activate the models anew. Check the disk.',
    retryable: false,
  },
  modelNoWayBack: {
    code: 'AGT-805',
    meaning: 'There is no earlier version to go back to.',
    cure: 'Install another version, and activate it.',
    retryable: false,
  },
  modelExportTaken: {
    code: 'AGT-806',
    meaning: 'Where the model should go there is something already. Nothing is overwritten.',
    cure: 'Name a folder that is not there yet.',
    retryable: false,
  },
  modelsFull: {
    code: 'AGT-807',
    meaning: 'No more models fit on this gateway.',
    cure: 'Remove the folders of models that are not used any more below models/ in the data folder.',
    retryable: false,
  },
  modelRolledBack: {
    code: 'AGT-808',
    meaning: 'A new model was taken back, because its process crashed again and again while it was on trial.',
    cure: 'The version before is in use again. Tell whoever made the package; `selvedge models list` shows both.',
    retryable: true,
  },
} as const satisfies Record<string, ErrorEntry>;
