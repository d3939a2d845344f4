/** Every error of this room: code, what it means for the operator, what to do. `docs/errors.md` is generated from it. */
export interface ErrorEntry {
  readonly code: `BRG-${number}`;
  readonly meaning: string;
  readonly cure: string;
  /** true: the bridge goes on trying by itself. */
  readonly retryable: boolean;
}

export const bridgeErrors = {
  fileUnreadable: {
    code: 'BRG-100',
    meaning: 'A file the bridge needs cannot be read.',
    cure: 'Check the path and that the user the bridge runs as may read it.',
    retryable: false,
  },
  usage: {
    code: 'BRG-101',
    meaning: 'The command line is not one the bridge understands.',
    cure: 'Run: selvedge bridge --help',
    retryable: false,
  },
  notInitialised: {
    code: 'BRG-102',
    meaning: 'The data folder holds no bridge keys.',
    cure: 'Run: selvedge bridge init --data-dir DIR',
    retryable: false,
  },
  dataDirUnwritable: {
    code: 'BRG-103',
    meaning: 'The data folder, or a file to be written, cannot be written.',
    cure: 'Give a folder that exists on a disk with room and that the user the bridge runs as may write.',
    retryable: false,
  },
  portTaken: {
    code: 'BRG-104',
    meaning: 'The bridge cannot listen on the address and port it was given.',
    cure: 'Stop the program that holds the port, or choose another one with --mqtt-port, --mqtts-port, --enrolment-port, --api-port or --bind.',
    retryable: false,
  },
  plaintextBind: {
    code: 'BRG-105',
    meaning: 'Passwords and data would cross the network unencrypted.',
    cure: 'Give --tls-cert and --tls-key, bind to 127.0.0.1, or accept it with --accept-unencrypted-passwords-on-the-network.',
    retryable: false,
  },
  keyInvalid: {
    code: 'BRG-106',
    meaning: 'A file should hold an Ed25519 key in PEM and does not.',
    cure: 'Give the public key file of the gateway; of the bridge, put bridge.pem back from a backup.',
    retryable: false,
  },
  nameInvalid: {
    code: 'BRG-107',
    meaning: 'A gateway or site id is not usable in a topic.',
    cure: 'Use 1 to 40 of the characters a-z, 0-9 and -; bridge and reader are taken.',
    retryable: false,
  },
  gatewayKnown: {
    code: 'BRG-108',
    meaning: 'The gateway is registered already, with another key or site.',
    cure: 'If the gateway was really replaced or moved, or shall join anew, repeat the command with --replace.',
    retryable: false,
  },
  storeCorrupt: {
    code: 'BRG-109',
    meaning:
      'The database was damaged. It was set aside, and the bridge goes on with a new one that holds what could be read of it.',
    cure: 'Keep the .bad file. Where the line names what is missing, restore a backup if there is one: agents send again only what was not acknowledged. Check the disk.',
    retryable: true,
  },
  storeNewer: {
    code: 'BRG-110',
    meaning: 'The database was written by a newer version of the bridge.',
    cure: 'Run that version or a newer one; this one would not keep what it does not know.',
    retryable: false,
  },
  storeBusy: {
    code: 'BRG-111',
    meaning: 'Another bridge works with this data folder.',
    cure: 'Stop the other bridge, or give this one a data folder of its own.',
    retryable: false,
  },
  storeUnwritable: {
    code: 'BRG-112',
    meaning: 'The database cannot be written at present. Batches are answered with "later" and stay at the gateways.',
    cure: 'Free disk space, or check the disk; the bridge goes on by itself.',
    retryable: true,
  },
  brokerRefused: {
    code: 'BRG-113',
    meaning: 'The MQTT broker refuses the bridge.',
    cure: 'Check the user in the --broker URL and the file given with --broker-password-file.',
    retryable: false,
  },
  brokerUnreachable: {
    code: 'BRG-114',
    meaning: 'The MQTT broker cannot be reached.',
    cure: 'Check the --broker URL and that the broker runs; the bridge goes on trying.',
    retryable: true,
  },
  registrationDamaged: {
    code: 'BRG-115',
    meaning: 'The registration file of a gateway cannot be understood; the gateway is treated as unknown.',
    cure: 'Register the gateway again: selvedge bridge enrol … --replace, or bridge allow … --replace',
    retryable: true,
  },
  authorityDamaged: {
    code: 'BRG-116',
    meaning: 'The key or the certificate of the bridge’s certificate authority cannot be read.',
    cure: 'Put the folder ca back from a backup. Without one delete it, run selvedge bridge init, and enrol every gateway again.',
    retryable: false,
  },
  gatewayUnknown: {
    code: 'BRG-117',
    meaning: 'No gateway of that id is registered.',
    cure: 'Check the id; the folder gateways of the data folder has one file for each gateway.',
    retryable: false,
  },
  apiKeyName: {
    code: 'BRG-130',
    meaning: 'A name of an API key is taken, or there is no key of that name.',
    cure: 'See which there are: selvedge bridge api-key list. Remove the old key first, or choose another name.',
    retryable: false,
  },
  routeWithoutScope: {
    code: 'BRG-131',
    meaning: 'A route of the API does not say which scope it needs, so the bridge does not serve it.',
    cure: 'This is a fault in the program: please report it.',
    retryable: false,
  },
  storeUnreachable: {
    code: 'BRG-150',
    meaning: 'The PostgreSQL database cannot be reached. Batches are answered with "later" and stay at the gateways.',
    cure: 'Check that the server runs and that the address given with --store is right; the bridge goes on trying.',
    retryable: true,
  },
  storeRefused: {
    code: 'BRG-151',
    meaning: 'The PostgreSQL database refuses the bridge: login, database or rights.',
    cure: 'Check the address given with --store and the password in --store-password-file; the user must own the schema.',
    retryable: false,
  },
  workersCollide: {
    code: 'BRG-152',
    meaning: 'The MQTT broker seems to take several workers for one client: each pushes the other off.',
    cure: 'Give the workers a listener where use_username_as_clientid is off, or each worker a user of its own: docs/CLUSTER.md',
    retryable: true,
  },
  bookDamaged: {
    code: 'BRG-160',
    meaning:
      'The book of commands was damaged. It was set aside and a new one begun; counters go on above the old ones.',
    cure: 'Who asked for what until now is in the log of the bridge. Check the disk.',
    retryable: true,
  },
  apiUnreachable: {
    code: 'BRG-161',
    meaning: 'No bridge answers where the command was to be asked for.',
    cure: 'See that the bridge runs; give --api http://127.0.0.1:PORT where its API has another port than 8480.',
    retryable: true,
  },
  commandNotTaken: {
    code: 'BRG-162',
    meaning: 'The bridge did not take the command; the gateway was asked nothing.',
    cure: 'The line says why. A gateway must be registered and connected, and the key must have the scope command.',
    retryable: false,
  },
} as const satisfies Record<string, ErrorEntry>;

export class BridgeError extends Error {
  readonly entry: ErrorEntry;
  constructor(key: keyof typeof bridgeErrors, detail: string, options?: ErrorOptions) {
    const entry = bridgeErrors[key];
    super(`${entry.code} ${detail}`, options);
    this.name = 'BridgeError';
    this.entry = entry;
  }
}
