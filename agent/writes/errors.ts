/** The part of the room's one table (`agent/errors.ts`) that tells of writes to machines. */
import type { ErrorEntry } from '../errors.ts';

export const writesErrors = {
  writesOff: {
    code: 'AGT-700',
    meaning: 'Writing is off for this machine.',
    cure: 'Set machines[].writes.enabled: true in the configuration and start the agent again; the profile must list set-points (writes:).',
    retryable: false,
  },
  writeUnknownSetPoint: {
    code: 'AGT-701',
    meaning: 'The machine has no such set-point, or there is no such machine.',
    cure: 'The set-points are those under writes: in the profile of the machine.',
    retryable: false,
  },
  writeValueRefused: {
    code: 'AGT-702',
    meaning: 'The value is not one the profile allows.',
    cure: 'Stay inside the range and on the steps of the set-point.',
    retryable: false,
  },
  writeMachineUnread: {
    code: 'AGT-703',
    meaning: 'The present value of the machine cannot be read, so nothing is proposed.',
    cure: 'See to it that the machine is connected and answers, then propose again.',
    retryable: false,
  },
  writeBusy: {
    code: 'AGT-704',
    meaning: 'Another write of this machine is open or under way.',
    cure: 'Wait until it is confirmed or a minute old.',
    retryable: false,
  },
  writeTooOften: {
    code: 'AGT-705',
    meaning: 'Writes follow one another too fast.',
    cure: 'Wait some seconds. Set-points are for people, not for control.',
    retryable: false,
  },
  writeGone: {
    code: 'AGT-706',
    meaning: 'There is no such proposal, or its minute is over, or it was confirmed before.',
    cure: 'Propose the write anew.',
    retryable: false,
  },
  writeUnconfirmed: {
    code: 'AGT-707',
    meaning: 'The confirmation does not fit the proposal: another value, or a wrong password. Nothing was sent.',
    cure: 'Type the value of the proposal and your own password.',
    retryable: false,
  },
  writeStale: {
    code: 'AGT-708',
    meaning: 'The machine has another value now than when the write was proposed. Nothing was sent.',
    cure: 'Look who changed it, then propose anew.',
    retryable: false,
  },
  writeUnaudited: {
    code: 'AGT-709',
    meaning: 'The write could not be put down in the audit, so it was not sent.',
    cure: 'Check the disk of the data folder; without an audit nothing is written.',
    retryable: false,
  },
} as const satisfies Record<string, ErrorEntry>;
