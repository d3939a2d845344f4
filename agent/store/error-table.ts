/** The part of the room's one table (`agent/errors.ts`) that tells of the data folder, what lies in it, and its backups. */
import type { ErrorEntry } from '../errors.ts';

export const storeErrors = {
  dataDirUnusable: {
    code: 'AGT-200',
    meaning: 'The data folder cannot be created or written, so nothing could be stored.',
    cure: 'Create the folder, give it to the user the agent runs as (chown), or set dataDir to another one.',
    retryable: false,
  },
  dataDirInUse: {
    code: 'AGT-201',
    meaning: 'Another agent is running on this data folder.',
    cure: 'Stop the other agent, or give this one a dataDir of its own.',
    retryable: false,
  },
  storeTooNew: {
    code: 'AGT-202',
    meaning: 'The database was written by a newer version of the agent.',
    cure: 'Start the newer version again, or use another data folder. Nothing was changed.',
    retryable: false,
  },
  storeFull: {
    code: 'AGT-203',
    meaning: 'The disk is full, so the last records were not stored. Those stored before are safe.',
    cure: 'Free space on the disk of the data folder, or lower the ring budget. Storing goes on by itself when there is room.',
    retryable: true,
  },
  storeFailed: {
    code: 'AGT-204',
    meaning: 'The database refused a read or a write.',
    cure: 'Check the disk (dmesg, smartctl) and start the agent again; a damaged file is put aside at the start.',
    retryable: true,
  },
  storeBusy: {
    code: 'AGT-205',
    meaning: 'More is waiting to be stored than the disk takes, so the last records were not accepted.',
    cure: 'Check the speed of the disk, or poll fewer signals.',
    retryable: true,
  },
  storeClosed: {
    code: 'AGT-206',
    meaning: 'The store is closed or its thread has ended.',
    cure: 'Start the agent again; the journal keeps all that was confirmed.',
    retryable: false,
  },
  ringBlockInvalid: {
    code: 'AGT-207',
    meaning: 'A block of raw readings is damaged or of another version.',
    cure: 'Nothing to do: the block is skipped and its span shows as a gap.',
    retryable: false,
  },
  recordInvalid: {
    code: 'AGT-208',
    meaning: 'A record does not follow the wire contract or has a number already taken, so it was not stored.',
    cure: 'This is a fault of the program: please report it with the log line.',
    retryable: false,
  },
  storeDamaged: {
    code: 'AGT-209',
    meaning:
      'A database was damaged. It was put aside, what could still be read was copied into a new one, and the agent goes on.',
    cure: 'Keep the .bad file for whoever looks into it, and check the disk (dmesg, smartctl) and how the computer is switched off.',
    retryable: true,
  },
  auditBroken: {
    code: 'AGT-210',
    meaning: 'The audit of writes was changed from outside, or is damaged: rows are missing, changed or added.',
    cure: 'Compare with the newest hash you kept and with a backup of journal.db. A .bad file beside it tells of a damaged disk; else find out who can write the data folder.',
    retryable: false,
  },
  backupTargetUsed: {
    code: 'AGT-220',
    meaning: 'Where the backup should go there is something already. Nothing is overwritten.',
    cure: 'Name a folder that is not there yet. What ends in .unfinished is left from a backup that was killed and can be removed.',
    retryable: false,
  },
  backupNoRoom: {
    code: 'AGT-221',
    meaning: 'The disk has too little room for it. Nothing was changed.',
    cure: 'Free space there, or use another disk. A restore needs room for the backup beside what is there.',
    retryable: false,
  },
  backupDamaged: {
    code: 'AGT-222',
    meaning: 'What should be copied is damaged, so it was not used. Nothing was changed.',
    cure: 'In a backup: use another one. In the data folder: start the agent anew, which puts a damaged database aside and saves what reads, then make the backup.',
    retryable: false,
  },
  backupUnusable: {
    code: 'AGT-223',
    meaning: 'That is no backup this agent can read.',
    cure: 'Name the folder that `selvedge backup` made, with manifest.json in it.',
    retryable: false,
  },
  backupStopped: {
    code: 'AGT-224',
    meaning: 'The backup was stopped before its end and removed.',
    cure: 'Make it again.',
    retryable: false,
  },
  restoreImpossible: {
    code: 'AGT-225',
    meaning: 'Part of the data folder cannot be moved aside. Nothing was changed.',
    cure: 'Restore into a new folder and set dataDir to it.',
    retryable: false,
  },
} as const satisfies Record<string, ErrorEntry>;
