/** Every error of this room: code, what it means for the operator, what to do. `docs/errors.md` is generated from it. */
import { modelErrors } from './models/errors.ts';
import { senseErrors } from './senses/errors.ts';

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
  recordInvalid: {
    code: 'AGT-208',
    meaning: 'A record does not follow the wire contract or has a number already taken, so it was not stored.',
    cure: 'This is a fault of the program: please report it with the log line.',
    retryable: false,
  },
  ringBlockInvalid: {
    code: 'AGT-207',
    meaning: 'A block of raw readings is damaged or of another version.',
    cure: 'Nothing to do: the block is skipped and its span shows as a gap.',
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
  keyUnusable: {
    code: 'AGT-300',
    meaning: 'A key file cannot be read or holds no Ed25519 key.',
    cure: 'Check the path; a gateway key is made anew when the keys folder has none, the bridge key is bridge.pub.pem of the bridge.',
    retryable: false,
  },
  uplinkUrlInvalid: {
    code: 'AGT-301',
    meaning: 'The address of the uplink cannot be used.',
    cure: 'Write mqtts://host:8883, or mqtt://127.0.0.1:1883 for a broker on this machine.',
    retryable: false,
  },
  uplinkPlaintext: {
    code: 'AGT-302',
    meaning: 'The uplink would send passwords and records unencrypted over a network.',
    cure: 'Use mqtts:// and, where the system does not know it, the ca of the broker.',
    retryable: false,
  },
  uplinkRefused: {
    code: 'AGT-303',
    meaning: 'The broker refuses this gateway.',
    cure: 'Check gateway id, certificate or password, the certificate of the broker, and that the bridge knows this gateway and has not revoked it (selvedge bridge enrol and selvedge join, or selvedge bridge allow). The agent keeps trying slowly; nothing is lost.',
    retryable: true,
  },
  uplinkAckInvalid: {
    code: 'AGT-304',
    meaning:
      'Answers arrive that the configured bridge has not signed. They are not believed: what they answer stays in the outbox.',
    cure: 'Set uplink.bridgeKey to the bridge.pub.pem of the bridge that uses this broker, and start the agent again; nothing is lost.',
    retryable: true,
  },
  uplinkUnreachable: {
    code: 'AGT-305',
    meaning: 'The broker cannot be reached.',
    cure: 'Check that the bridge runs, uplink.broker and the network. The agent keeps trying; what waits is sent when it is back.',
    retryable: true,
  },
  uplinkDoubted: {
    code: 'AGT-320',
    meaning:
      'Under the name of a batch of this gateway the bridge was sent something whose signature or hash does not hold. Nothing is lost; the batch is sent again.',
    cure: 'When it stays: the bridge has another key of this gateway; enrol it again (selvedge bridge enrol --replace, selvedge join). When it comes and goes, somebody else publishes as this gateway: see selvedge bridge audit, and the ACL of the broker.',
    retryable: true,
  },
  joinFileUnusable: {
    code: 'AGT-307',
    meaning: 'The join file is damaged, was changed, has expired or is used up. Nothing was sent.',
    cure: 'Have a new one made at the bridge: selvedge bridge enrol (with --replace where the gateway had joined before). Check the clock of this computer.',
    retryable: false,
  },
  joinRefused: {
    code: 'AGT-308',
    meaning: 'The bridge gives this gateway no certificate.',
    cure: 'Have a new join file made at the bridge: selvedge bridge enrol (with --replace where the gateway had joined before), and run selvedge join with it.',
    retryable: false,
  },
  enrolmentUnreachable: {
    code: 'AGT-309',
    meaning: 'The bridge cannot be reached where certificates are given, or another one answers there.',
    cure: 'Check that the bridge runs with --public-bind and --host as this gateway reaches it, and the network between. The join file stays good until it expires.',
    retryable: true,
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
  pageAddressInUse: {
    code: 'AGT-500',
    meaning: 'Another program listens on the address of the page.',
    cure: 'Stop that program, or choose another page.port (0 takes any free port).',
    retryable: false,
  },
  pageAddressUnavailable: {
    code: 'AGT-501',
    meaning: 'The page cannot listen on its address.',
    cure: 'page.bind must be an address of this computer, and a port below 1024 needs the right to use it.',
    retryable: false,
  },
  pagePlainOffLoopback: {
    code: 'AGT-502',
    meaning: 'The page would be reachable from other computers without encryption.',
    cure: 'Make a certificate with `selvedge cert init --config FILE`, or set page.bind to 127.0.0.1.',
    retryable: false,
  },
  pageBuildFailed: {
    code: 'AGT-503',
    meaning: 'The web application of the page could not be built.',
    cure: 'Run `npm ci`, then `node_modules/.bin/node agent/page/build.ts` as the owner of the folder and read its message.',
    retryable: false,
  },
  usersFileDamaged: {
    code: 'AGT-504',
    meaning: 'The file of users is damaged. Nobody can sign in; nothing was overwritten.',
    cure: 'Restore users.json from a backup, or move it away and set up the page anew.',
    retryable: false,
  },
  usersFileBusy: {
    code: 'AGT-505',
    meaning: 'Another process holds the file of users.',
    cure: 'Try again; if no other selvedge process runs, remove users.json.lock.',
    retryable: true,
  },
  usersFileUnwritable: {
    code: 'AGT-506',
    meaning: 'The file of users cannot be read or written.',
    cure: 'Check the rights of the data folder and the free space of its disk.',
    retryable: false,
  },
  pageRouteWithoutAccess: {
    code: 'AGT-507',
    meaning: 'A route of the page does not say who may use it. It is refused.',
    cure: 'This is a fault of the program: please report it.',
    retryable: false,
  },
  pageRouteWithSchema: {
    code: 'AGT-508',
    meaning: 'A route of the page brings a schema of the web server, which nothing here compiles. It is refused.',
    cure: 'This is a fault of the program: please report it.',
    retryable: false,
  },
  pageCertificateMissing: {
    code: 'AGT-520',
    meaning: 'The page has no certificate, so other computers cannot reach it. It is on this computer alone, as http.',
    cure: 'Make one with `selvedge cert init --config FILE`; a running agent takes it within a minute.',
    retryable: true,
  },
  pageCertificateUnfit: {
    code: 'AGT-521',
    meaning: 'The certificate of the page is not valid now, or not for every name in page.names.',
    cure: 'Check the clock of this computer, then make a new one with `selvedge cert init --config FILE`; a running agent takes it within a minute.',
    retryable: true,
  },
  pageCertificateNotRenewed: {
    code: 'AGT-522',
    meaning: 'The certificate of the page ends soon and could not be renewed.',
    cure: 'The log line says why. `selvedge cert renew --config FILE` tries at once; the agent tries again each hour.',
    retryable: true,
  },
  pageAuthorityUnfit: {
    code: 'AGT-523',
    meaning:
      "The site's authority cannot sign a certificate for the page: it is missing, damaged or over, or may not sign these names.",
    cure: 'Make another with `selvedge cert init --new-authority --config FILE`, and install it on every tablet and computer that opens the page.',
    retryable: false,
  },
  pageActsChanged: {
    code: 'AGT-525',
    meaning:
      'The record of what was done on the page was changed from outside: lines were changed, or are missing, also at its end.',
    cure: 'Compare acts.jsonl and acts.old.jsonl with a backup, and with the events page_acts at the bridge; find out who can write the data folder.',
    retryable: false,
  },
  runbookUnusable: {
    code: 'AGT-560',
    meaning:
      'A file of runbooks cannot be used: it is a link, too long, or no UTF-8 text. The next one that fits is shown.',
    cure: 'Correct or remove the file that is named: a plain file of at most 64 kB of UTF-8, LANGUAGE/TYPE.md below the folder of runbooks.',
    retryable: false,
  },
  runbooksTooMany: {
    code: 'AGT-561',
    meaning: 'There are more than 500 runbooks in a folder. Not all of them are listed, and no new one is taken.',
    cure: 'Remove those of alert types and profiles that the site does not have.',
    retryable: false,
  },
  runbookUnwritable: {
    code: 'AGT-562',
    meaning: 'The runbook could not be stored. The one before it still stands.',
    cure: 'Check the rights of the folder runbooks in the data folder, and the free space of its disk.',
    retryable: false,
  },
  runbookTooHard: {
    code: 'AGT-563',
    meaning: 'The text of a runbook takes too long to take apart. It is shown as plain text.',
    cure: 'Write it more simply: headings, paragraphs, lists, links.',
    retryable: false,
  },
  commandRefused: {
    code: 'AGT-310',
    meaning: 'A command from afar was not carried out.',
    cure: 'The event names it and why. If nobody at the bridge sent it, look who else may publish at the broker.',
    retryable: false,
  },
  remotePassedOver: {
    code: 'AGT-340',
    meaning:
      'Something that was set from afar does not count: the local file says otherwise, or the two together cannot be used.',
    cure: '`selvedge check FILE` shows what and why. The local file always wins; nothing has to be done.',
    retryable: false,
  },
  trialFailed: {
    code: 'AGT-341',
    meaning: 'The agent could not start with settings that were on trial. They were taken back.',
    cure: 'Look at the line before; send other settings.',
    retryable: true,
  },
  needleCaseNotStored: {
    code: 'AGT-640',
    meaning: 'What was done in the case of a broken needle could not be stored, so it does not count.',
    cure: 'Look at the health of the gateway: the disk is full or damaged. Do it again when that is put right.',
    retryable: false,
  },
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
  notifyRefused: {
    code: 'AGT-524',
    meaning: 'A target of notices (notify: in the configuration) did not take what it was told. It is tried again.',
    cure: 'Look at the reason: a status of the webhook, or the code of the mail connection; then check address, certificate, user and password.',
    retryable: true,
  },
  endpointWatched: {
    code: 'AGT-600',
    meaning:
      'An agent is running that reads what shall be scanned. Nothing was sent, because a scan takes its turns away.',
    cure: 'Leave the endpoints named out of the range, or stop the agent for the time of the scan.',
    retryable: true,
  },
  simulatorFailed: {
    code: 'AGT-840',
    meaning: 'The pictures of an evaluation could not be drawn.',
    cure: 'Its own words are behind this. Check that there is room in the folder for temporary files (TMPDIR): some 200 MB.',
    retryable: false,
  },
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
