/**
 * Every error of this room: code, what it means for the operator, what to do. `docs/errors.md` is generated from it. Here stands what is of the agent
 * as a whole; the rest lies with what it tells of.
 */
import { modelErrors } from './models/errors.ts';
import { pageErrors } from './page/errors.ts';
import { senseErrors } from './senses/errors.ts';
import { storeErrors } from './store/error-table.ts';
import { syncErrors } from './sync/errors.ts';
import { writesErrors } from './writes/errors.ts';

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
  configInvalid: {
    code: 'AGT-101',
    meaning: 'The configuration cannot be used.',
    cure: 'Correct every place named; `selvedge check FILE` lists them all with what would be right.',
    retryable: false,
  },
  secretMissing: {
    code: 'AGT-102',
    meaning: 'A secret the configuration refers to is not there.',
    cure: 'Make the file (readable by the agent alone) or set the environment variable that the reference names.',
    retryable: false,
  },
  usage: {
    code: 'AGT-103',
    meaning: 'A command was given arguments it does not know.',
    cure: 'See `selvedge VERB --help`.',
    retryable: false,
  },
  fileUnwritable: {
    code: 'AGT-104',
    meaning: 'A file that a command was told to write cannot be written.',
    cure: 'Check that its folder is there and may be written, and that the disk is not full.',
    retryable: false,
  },
  sourcesChange: {
    code: 'AGT-105',
    meaning: 'The sources of the agent change while it is built from them.',
    cure: 'Wait until whatever writes them (an update, a checkout) is done, and start it again.',
    retryable: false,
  },
  clockNotSet: {
    code: 'AGT-306',
    meaning:
      'The clock of this computer shows a time before this program was made, so the time is not known. Nothing is sent.',
    cure: 'Set the clock, or let a time service (timesyncd, chrony) reach its server. Everything local goes on; what was stored meanwhile is dated then and sent.',
    retryable: true,
  },
  ruleInvalid: {
    code: 'AGT-400',
    meaning: 'A rule or an override of a rule is wrong.',
    cure: 'Correct the field the message names; agent/rules/defaults.yaml lists the shipped rules and their fields.',
    retryable: false,
  },
  endpointWatched: {
    code: 'AGT-600',
    meaning:
      'An agent is running that reads what shall be scanned. Nothing was sent, because a scan takes its turns away.',
    cure: 'Leave the endpoints named out of the range, or stop the agent for the time of the scan.',
    retryable: true,
  },
  needleCaseNotStored: {
    code: 'AGT-640',
    meaning: 'What was done in the case of a broken needle could not be stored, so it does not count.',
    cure: 'Look at the health of the gateway: the disk is full or damaged. Do it again when that is put right.',
    retryable: false,
  },
  simulatorFailed: {
    code: 'AGT-840',
    meaning: 'The pictures of an evaluation could not be drawn.',
    cure: 'Its own words are behind this. Check that there is room in the folder for temporary files (TMPDIR): some 200 MB.',
    retryable: false,
  },
  ...storeErrors,
  ...syncErrors,
  ...pageErrors,
  ...writesErrors,
  ...modelErrors,
  ...senseErrors,
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
