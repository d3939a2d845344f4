/** The part of the room's one table (`agent/errors.ts`) that tells of what is taught and calibrated. */
import type { ErrorEntry } from '../errors.ts';

export const senseErrors = {
  samplesDiffer: {
    code: 'AGT-821',
    meaning: 'The pictures differ too much from each other to be one good cloth. Nothing was learned.',
    cure: 'Leave out the pictures that are named, or show more good cloth of one kind, in one light, with the camera fixed and in focus.',
    retryable: false,
  },
  teachTooLong: {
    code: 'AGT-822',
    meaning: 'Learning the cloth took too long and was stopped. Nothing was learned.',
    cure: 'See whether the machine runs and the camera gives pictures, then try again.',
    retryable: false,
  },
  teachFailed: {
    code: 'AGT-823',
    meaning: 'The process that was to learn the cloth ended without a report. Nothing was learned.',
    cure: 'Run `selvedge teach vision` on the gateway: it says what is wrong. `selvedge doctor` checks this computer.',
    retryable: false,
  },
  teachStopped: {
    code: 'AGT-824',
    meaning: 'Learning the cloth was stopped by a person. Nothing was learned.',
    cure: 'Start it again when only good cloth is running.',
    retryable: false,
  },
  styleExportTaken: {
    code: 'AGT-820',
    meaning: 'Where the style should go there is something already. Nothing is overwritten.',
    cure: 'Name a folder that is not there yet.',
    retryable: false,
  },
  calibrationFixed: {
    code: 'AGT-830',
    meaning: 'The configuration says the needle zero, and what it says counts. Nothing was calibrated.',
    cure: 'Take eye.needleZero of this machine out of the configuration, then calibrate. --dry-run compares without keeping anything.',
    retryable: false,
  },
  calibrationNeedsAngle: {
    code: 'AGT-831',
    meaning: 'Nothing says the angle of the cylinder well enough to name a needle.',
    cure: 'A needle is named with position index or encoder: a light mark on the ring that the camera sees, or an encoder whose count comes with each picture. Polls are too slow. Is the machine turning?',
    retryable: false,
  },
  calibrationNoLine: {
    code: 'AGT-832',
    meaning: 'No line along a wale was seen at one place in enough revolutions.',
    cure: 'Take the needle out, or feed it a coloured yarn, and let the machine knit until the line is in view. With pictures that leave out part of the tube more --revolutions are needed: raise the frame rate.',
    retryable: false,
  },
  calibrationManyLines: {
    code: 'AGT-833',
    meaning: 'More than one line along a wale was seen, so nobody can tell which is the needle.',
    cure: 'Mend the other needle first, or calibrate where the cloth is good.',
    retryable: false,
  },
  calibrationUncertain: {
    code: 'AGT-834',
    meaning: 'The zero would be too unsure to name a needle with.',
    cure: 'Let the machine run at an even speed and use more --revolutions; check countsPerRevolution, mmPerPx and circumferenceMm.',
    retryable: false,
  },
  clipKey: {
    code: 'AGT-835',
    meaning: 'What is to seal clips of sound is no key.',
    cure: 'A key is 64 hexadecimal digits: openssl rand -hex 32 makes one. Keep it where the gateway’s data folder is not.',
    retryable: false,
  },
  clipUnreadable: {
    code: 'AGT-836',
    meaning: 'A clip of sound cannot be opened.',
    cure: 'Use the key that ear.keepClips.key named when it was kept. A clip that was changed is not opened.',
    retryable: false,
  },
  recordingUnspoken: {
    code: 'AGT-837',
    meaning: 'Nothing says how fast the machine ran in a recording. It is not learned from.',
    cure: 'Put a file of the same name with the ending .json beside it: {"speed": 3300} where it ran at one speed all the time, else {"polls": [{"s": 0, "speed": 0}, {"s": 0.5, "speed": 3300}, …]} with the seconds since its beginning.',
    retryable: false,
  },
} as const satisfies Record<string, ErrorEntry>;
