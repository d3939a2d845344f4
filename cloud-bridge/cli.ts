/** `selvedge bridge SUBVERB …`: one file a subverb, loaded when it is asked for. */
import { parseArgs } from 'node:util';
import { BridgeError } from './errors.ts';
import { reasonOf } from './files.ts';

const usage = `Usage: selvedge bridge SUBVERB [OPTIONS]

  init --data-dir DIR
      Make the folder, the bridge's key pair, its certificate authority and the API key. Prints where the public key is.

  enrol --data-dir DIR --gateway ID --site SITE --out FILE [--valid-hours N] [--host NAME] [--json FILE] [--replace]
      Write the join file of a gateway: good once, for N hours (24). On the gateway: selvedge join FILE --data-dir DIR
      --host NAME      name or address by which the gateway reaches the bridge (as the bridge was last run)
      --broker URL,…   MQTT brokers in order, where it is not the embedded one
      --replace        the gateway is registered already and shall get new keys

  revoke --data-dir DIR --gateway ID
      Shut a gateway out: its connection ends, its certificate and password count no more. Takes effect in seconds.

  audit --data-dir DIR [--json FILE]
      What was tried at the bridge that may not be, and who was let in or shut out; a line of JSON each.

  certificate --data-dir DIR --host NAME,… --cert FILE --key FILE
      Make a server certificate of the bridge's authority for another broker.

  allow --data-dir DIR --gateway ID --site SITE --public-key FILE --password-file OUT [--replace]
      Register a gateway by its public key and write a fresh password for it to OUT. Takes effect at once.
      --replace      the gateway has a new key or a new site

  api-key add --data-dir DIR --name NAME --scope SCOPE[,SCOPE] [--expires WHEN] [--json FILE]
      Make a key for the API and print it, once; only its hash is kept. Scopes: read, metrics, command.
      --expires      90d, 12h, 2027-01-31 or 2027-01-31T08:00Z; without it the key holds until it is removed
      --json FILE    write the key to FILE instead, readable by you alone
  api-key list --data-dir DIR [--json FILE]
  api-key remove --data-dir DIR --name NAME
      Takes effect at once.

  command GATEWAY KIND [BODY] (--data-dir DIR | --api-key-file FILE)
      Ask a gateway that is connected, and wait for its answer. KIND and BODY (JSON) are those of docs/CONTRACT.md.
      --api URL      of the running bridge (http://127.0.0.1:8480)
      --within S     to be carried out within this time or not at all (120; from 5 to 3600)
      --wait S       wait this long for the answer (20; from 0 to 600)
      --json FILE    also write the command and its answer

  run --data-dir DIR
      Receive, store, answer, and serve the API.
      --mqtt-port N  port of the embedded broker for passwords (1883; 0: any free port)
      --mqtts-port N port of the embedded broker for certificates, TLS (8883; with --mqtt-port 0: any free port)
      --enrolment-port N
                     port where gateways fetch and renew certificates (the API's + 1; with --api-port 0: any free port)
      --public-bind ADDR
                     address of these two ports (127.0.0.1)
      --host NAME,…  names and addresses by which gateways reach them
      --certificate-days N
                     life of the certificates of gateways (90)
      --bind ADDR    address of --mqtt-port (127.0.0.1)
      --api-port N   port of the API (8480; 0: any free port)
      --api-bind ADDR
                     address of the API (127.0.0.1). Elsewhere it wants --tls-cert, and keys made by api-key add
      --tls-cert FILE --tls-key FILE
                     PEM files: the embedded broker speaks MQTT over TLS, and the API HTTPS when --api-bind is given
      --accept-unencrypted-passwords-on-the-network
                     allow another --bind or --api-bind than loopback without TLS
      --broker URL   use this MQTT broker (mqtt://user@host or mqtts://user@host) and no embedded one
      --broker-password-file FILE, --broker-ca FILE
                     the bridge's password there, and the certificate authority to trust
      --store postgres://USER@HOST:PORT/DATABASE
                     be one of several workers: store there, and take a share of what comes from --broker
      --store-password-file FILE, --store-ca FILE
                     the password there (else PGPASSWORD), and the certificate authority to trust
      --announce FILE
                     write the line that is printed when listening to FILE, too

Exit codes: 0 good, 1 a command that was not carried out, 2 usage, bad configuration or a resource that cannot be had.
`;

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;

async function main(argv: readonly string[]): Promise<number> {
  const [subverb, ...args] = argv[0] === 'bridge' ? argv.slice(1) : argv;
  if (
    subverb === undefined ||
    subverb === '--help' ||
    subverb === '-h' ||
    subverb === 'help' ||
    args.includes('--help')
  ) {
    process.stdout.write(usage);
    return subverb === undefined ? 2 : 0;
  }
  switch (subverb) {
    case 'init': {
      const { init } = await import('./commands/init.ts');
      return init(required(parse(args, { 'data-dir': text }), 'data-dir'));
    }
    case 'allow': {
      const values = parse(args, {
        'data-dir': text,
        gateway: text,
        site: text,
        'public-key': text,
        'password-file': text,
        replace: flag,
      });
      const { allow } = await import('./commands/allow.ts');
      return allow(required(values, 'data-dir'), {
        gateway: required(values, 'gateway'),
        site: required(values, 'site'),
        publicKeyFile: required(values, 'public-key'),
        passwordFile: required(values, 'password-file'),
        replace: values['replace'] === true,
      });
    }
    case 'enrol': {
      const names = ['data-dir', 'gateway', 'site', 'out', 'valid-hours', 'host', 'broker', 'json'];
      const values = parse(args, { ...Object.fromEntries(names.map((name) => [name, text])), replace: flag });
      const { enrol } = await import('./commands/enrol.ts');
      return enrol(required(values, 'data-dir'), {
        gateway: required(values, 'gateway'),
        site: required(values, 'site'),
        out: required(values, 'out'),
        json: optional(values, 'json'),
        validHours: amount(values, 'valid-hours', 24, 24 * 30),
        host: optional(values, 'host'),
        brokers: list(values, 'broker'),
        replace: values['replace'] === true,
      });
    }
    case 'revoke': {
      const values = parse(args, { 'data-dir': text, gateway: text });
      const { revoke } = await import('./commands/revoke.ts');
      return revoke(required(values, 'data-dir'), required(values, 'gateway'));
    }
    case 'audit': {
      const values = parse(args, { 'data-dir': text, json: text });
      const { audit } = await import('./commands/audit.ts');
      return audit(required(values, 'data-dir'), optional(values, 'json'));
    }
    case 'certificate': {
      const values = parse(args, { 'data-dir': text, host: text, cert: text, key: text });
      required(values, 'host');
      const { certificate } = await import('./commands/certificate.ts');
      return certificate(required(values, 'data-dir'), {
        hosts: list(values, 'host'),
        cert: required(values, 'cert'),
        key: required(values, 'key'),
      });
    }
    case 'api-key': {
      const [action, ...rest] = args;
      const values = parse(rest, { 'data-dir': text, name: text, scope: text, expires: text, json: text });
      const root = required(values, 'data-dir');
      const { apiKeyAdd, apiKeyList, apiKeyRemove } = await import('./commands/api-key.ts');
      if (action === 'list') return apiKeyList(root, optional(values, 'json'));
      if (action === 'remove') return apiKeyRemove(root, required(values, 'name'));
      if (action !== 'add') throw new BridgeError('usage', 'api-key must be followed by add, list or remove');
      const options = {
        name: required(values, 'name'),
        scope: required(values, 'scope'),
        expires: optional(values, 'expires'),
        json: optional(values, 'json'),
      };
      return apiKeyAdd(root, options, Date.now());
    }
    case 'command': {
      const options = { 'data-dir': text, 'api-key-file': text, api: text, within: text, wait: text, json: text };
      const { values, positionals } = parseAll(args, options);
      const [gateway, kind, body = '{}', ...more] = positionals;
      if (gateway === undefined || kind === undefined || more.length > 0) {
        throw new BridgeError('usage', 'command takes GATEWAY KIND and one BODY');
      }
      const { command } = await import('./commands/command.ts');
      return command({
        gateway,
        kind,
        body,
        root: optional(values, 'data-dir'),
        keyFile: optional(values, 'api-key-file'),
        api: optional(values, 'api') ?? 'http://127.0.0.1:8480',
        withinS: seconds(values, 'within', 120, 5, 3600),
        waitS: seconds(values, 'wait', 20, 0, 600),
        json: optional(values, 'json'),
      });
    }
    case 'run': {
      const values = parse(args, {
        'mqtts-port': text,
        'enrolment-port': text,
        'public-bind': text,
        host: text,
        'certificate-days': text,
        'data-dir': text,
        'mqtt-port': text,
        'api-port': text,
        bind: text,
        'api-bind': text,
        'tls-cert': text,
        'tls-key': text,
        'accept-unencrypted-passwords-on-the-network': flag,
        broker: text,
        'broker-password-file': text,
        'broker-ca': text,
        store: text,
        'store-password-file': text,
        'store-ca': text,
        announce: text,
      });
      const { run } = await import('./commands/run.ts');
      const mqttPort = port(values, 'mqtt-port', 1883);
      const apiPort = port(values, 'api-port', 8480);
      return run({
        dataDir: required(values, 'data-dir'),
        mqttPort,
        mqttsPort: port(values, 'mqtts-port', mqttPort === 0 ? 0 : 8883),
        apiPort,
        enrolmentPort: port(values, 'enrolment-port', apiPort === 0 ? 0 : apiPort + 1),
        publicBind: optional(values, 'public-bind') ?? '127.0.0.1',
        hosts: list(values, 'host'),
        certificateDays: amount(values, 'certificate-days', 90, 3650),
        bind: optional(values, 'bind') ?? '127.0.0.1',
        apiBind: optional(values, 'api-bind'),
        tlsCertFile: optional(values, 'tls-cert'),
        tlsKeyFile: optional(values, 'tls-key'),
        acceptPlaintext: values['accept-unencrypted-passwords-on-the-network'] === true,
        broker: optional(values, 'broker'),
        brokerPasswordFile: optional(values, 'broker-password-file'),
        brokerCaFile: optional(values, 'broker-ca'),
        store: optional(values, 'store'),
        storePasswordFile: optional(values, 'store-password-file'),
        storeCaFile: optional(values, 'store-ca'),
        announce: optional(values, 'announce'),
      });
    }
    default:
      throw new BridgeError('usage', `there is no subverb '${subverb}'`);
  }
}

type Values = Readonly<Record<string, string | boolean | undefined>>;

type Options = Record<string, typeof text | typeof flag>;

function parse(args: readonly string[], options: Options): Values {
  return parseAll(args, options, false).values;
}

function parseAll(args: readonly string[], options: Options, allowPositionals = true) {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals });
  } catch (error) {
    throw new BridgeError('usage', reasonOf(error).split('. ')[0] ?? 'the options cannot be read', { cause: error });
  }
}

function optional(values: Values, name: string): string | null {
  const value = values[name];
  if (value === '') throw new BridgeError('usage', `--${name} must not be empty`);
  return typeof value === 'string' ? value : null;
}

function required(values: Values, name: string): string {
  const value = optional(values, name);
  if (value === null) throw new BridgeError('usage', `--${name} is missing`);
  return value;
}

function seconds(values: Values, name: string, otherwise: number, least: number, most: number): number {
  const value = optional(values, name);
  if (value === null) return otherwise;
  const number = Number(value);
  if (!/^\d{1,4}$/.test(value) || number < least || number > most) {
    throw new BridgeError('usage', `--${name} must be a number from ${least} to ${most}, not '${value}'`);
  }
  return number;
}

function list(values: Values, name: string): readonly string[] {
  const parts = optional(values, name)?.split(',') ?? [];
  if (parts.includes('')) throw new BridgeError('usage', `--${name} has an empty part`);
  return parts;
}

/** A number above 0 up to `max`; fractions are allowed. */
function amount(values: Values, name: string, otherwise: number, max: number): number {
  const value = optional(values, name);
  if (value === null) return otherwise;
  const number = Number(value);
  if (number > 0 && number <= max) return number;
  throw new BridgeError('usage', `--${name} must be a number above 0 up to ${max}, not '${value}'`);
}

function port(values: Values, name: string, otherwise: number): number {
  const value = optional(values, name);
  if (value === null) return otherwise;
  const number = Number(value);
  if (!/^\d{1,5}$/.test(value) || number > 65_535) {
    throw new BridgeError('usage', `--${name} must be a number from 0 to 65535, not '${value}'`);
  }
  return number;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof BridgeError) {
    process.stderr.write(`selvedge bridge: ${error.message} — do: ${error.entry.cure}\n`);
    process.exitCode = 2;
  } else {
    const [what] = reasonOf(error).split('\n');
    process.stderr.write(`selvedge bridge: ${what} — this is a bug; please report it. SELVEDGE_DEBUG=1 shows where\n`);
    if (process.env['SELVEDGE_DEBUG'] === '1' && error instanceof Error) process.stderr.write(`${error.stack}\n`);
    process.exitCode = 1;
  }
}
