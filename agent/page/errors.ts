/** The part of the room's one table (`agent/errors.ts`) that tells of the page, its users, certificates, runbooks and notices. */
import type { ErrorEntry } from '../errors.ts';

export const pageErrors = {
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
  notifyRefused: {
    code: 'AGT-524',
    meaning: 'A target of notices (notify: in the configuration) did not take what it was told. It is tried again.',
    cure: 'Look at the reason: a status of the webhook, or the code of the mail connection; then check address, certificate, user and password.',
    retryable: true,
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
} as const satisfies Record<string, ErrorEntry>;
