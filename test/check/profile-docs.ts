/** `docs/PROFILES.md` and the JSON Schema for editors, from the schema of profiles, the shipped profiles and the shipped rules. */
import { readdirSync } from 'node:fs';
import { nodeAt, type SchemaNode } from '../../agent/config/describe.ts';
import { profileJsonSchema } from '../../agent/config/profiles.ts';
import { causeWord, signalWord } from '../../agent/page/web/words.ts';
import { matchesCause, parseRules, shippedRules } from '../../agent/rules/load.ts';
import type { Rule } from '../../agent/rules/schema.ts';
import { loadProfile, shippedProfilesDir } from '../../drivers/profiles/load.ts';
import type { Profile, ProfileState } from '../../drivers/profiles/schema.ts';
import { cell, fieldTable } from './config-docs.ts';
import type { Generated } from './generate.ts';
import { efkaExample, lineExample, modbusExample, opcuaExample } from './profile-examples.ts';

const note = 'Generated from drivers/profiles/schema.ts by `npm run generate`.';

export function profileDocuments(): readonly Generated[] {
  const schema = profileJsonSchema();
  const editors = { title: 'Selvedge machine profile', ...schema };
  return [
    { path: 'docs/PROFILES.md', text: manual(schema) },
    { path: 'docs/profile.schema.json', text: `${JSON.stringify(editors, null, 2)}\n` },
  ];
}

function manual(schema: SchemaNode): string {
  const profiles = readdirSync(shippedProfilesDir)
    .filter((name) => name.endsWith('.yaml'))
    .toSorted()
    .map((name) => loadProfile(name.replace('.yaml', ''), []));
  const rules = parseRules(shippedRules());
  const parts = [
    `<!-- ${note} -->`,
    '# Profiles',
    '',
    ...beginning,
    ...modbus,
    ...writes,
    ...line,
    ...opcua,
    ...efka,
    ...codesAndStates,
    ...names(profiles, rules),
    ...testing,
    ...allFields(schema),
  ];
  return `${parts.join('\n').trim()}\n`;
}

const yaml = (text: string) => ['```yaml', text.trim(), '```', ''];

const beginning = [
  'A profile is the map of one machine family: which register, field or node holds what, in which unit, what the error codes mean,',
  'and how to tell a running machine from a standing one. It is one YAML file and no program. The agent judges, counts and alerts by',
  '**canonical names** (`spindle.speed`, `material.thread_break`); a profile leads from the words of a maker to these names. So the',
  'rules, the page and the cloud are the same for every machine.',
  '',
  'The shipped profiles are in [drivers/profiles](../drivers/profiles); the machines they fit are described in [machines.md](machines.md).',
  'To write your own:',
  '',
  '1. Take the map of the machine: the register list of its manual, a line of its sensor, or the address space of its OPC UA server.',
  '2. Copy the example of the protocol below into a folder of yours, such as `profiles/acme-lockstitch.yaml`. The file is called as',
  '   the profile in it.',
  '3. Name it in the configuration, by its path or by its id:',
  '',
  '   ```yaml',
  '   profileDirs: [profiles]   # relative to the configuration; only needed to name profiles by id',
  '   machines:',
  '     - { id: ls-9, profile: acme-lockstitch, endpoint: "modbus://192.0.2.30:502" }',
  '     - { id: ls-10, profile: ./profiles/acme-lockstitch.yaml, endpoint: "modbus://192.0.2.31:502" }',
  '   ```',
  '',
  '4. Check and test it as [below](#test-it). A changed profile is read at the next start of the agent.',
  '',
  'Start with few signals: one that tells running from standing, the error code, a counter. Add the others when these are right.',
  '',
  'Editors that know JSON Schema complete and check while you write, with this first line (the path is that of your checkout):',
  '',
  '```yaml',
  '# yaml-language-server: $schema=../docs/profile.schema.json',
  '```',
  '',
];

const modbus = [
  '## Modbus',
  '',
  'The manual of this machine counts registers from 1 and writes them as 4xxxx, values of two registers come low word first:',
  '',
  '| register | content |',
  '|---|---|',
  '| 41001 | status: bit 0 running, bit 3 set-up mode |',
  '| 41002 | error, 0 none, 7 needle thread, 12 motor overload, 30 oil |',
  '| 41003–41004 | speed, 1/min, float |',
  '| 41005–41006 | stitches, 32 bits |',
  '| 41011 | pieces, 0…9999 |',
  '| 41012 | thread tension, 0.1 cN; 65535: no sensor |',
  '| 41013 | motor temperature, 0.1 °C, signed |',
  '| 41014 | oil, % |',
  '| 41051–41054 | type, eight characters |',
  '| coil 00017 | lamp |',
  '',
  ...yaml(modbusExample),
  '### Addresses',
  '',
  '`address` is a plain number, unless `modbus.notation: 4xxxx` says that the profile writes addresses as manuals do: the first digit of',
  'five or six is the table, the rest counts from 1. `table` stands beside it and must agree, so that a slip is told. Without that line',
  '`address: 40101` would be register 40101 of the wire, which is another one.',
  '',
  '| the manual says | `table` | with `notation: 4xxxx` | plain, `addressBase: 1` | plain, `addressBase: 0` | function |',
  '|---|---|---|---|---|---|',
  '| 40001 | `holding` | 40001 | 1 | 0 | 3 |',
  '| 40101, or 400101 | `holding` | 40101 or 400101 | 101 | 100 | 3 |',
  '| 30005 | `input` | 30005 | 5 | 4 | 4 |',
  '| 10017 | `discrete` | 10017 | 17 | 16 | 2 |',
  '| 00017 | `coil` | "00017" | 17 | 16 | 1 |',
  '| "address 0x0064", "offset 100" | as it says | – | 101 | 100 | |',
  '',
  'Quote what begins with 0: YAML drops the zeros (17 is then still taken for coil 00017). `addressBase` and `notation` hold for the',
  'whole profile. One address too far is the usual mistake: the values then look like those of the neighbour.',
  '',
  '### Word order',
  '',
  'A register is 16 bits, high byte first. How a value of 32 bits lies in two registers is not standardised. With A the highest byte,',
  'the number 1234567 (0x0012D687) stands in the two registers as:',
  '',
  '| `wordOrder` | first register | second register | called |',
  '|---|---|---|---|',
  '| `ABCD` | 0x0012 | 0xD687 | big-endian, high word first |',
  '| `CDAB` | 0xD687 | 0x0012 | low word first, word swap |',
  '| `BADC` | 0x1200 | 0x87D6 | byte swap |',
  '| `DCBA` | 0x87D6 | 0x1200 | little-endian |',
  '',
  '`uint64`, `int64` and `float64` follow the same rule over four registers: `CDAB` is GH EF CD AB there. Where the halves are turned in',
  'another way the signal says all eight letters, such as `wordOrder: EFGHABCD` or `CDABGHEF`. Find out with a value that you know, such',
  'as the stitches on the display: only one order gives it. A counter with the wrong order leaps; the alert `counter-implausible` says so.',
  '`modbus.wordOrder` is about values of several registers; a single register is swapped only where its signal says `wordOrder: BADC`.',
  '',
  '### Types and reading',
  '',
  '| `type` | registers | is |',
  '|---|---|---|',
  '| `uint8` `int8` | 1 | half a register: `byte: low` (or none) or `byte: high` |',
  '| `uint16` `int16` | 1 | whole number, without or with sign (two’s complement) |',
  '| `uint32` `int32` | 2 | the same in 32 bits |',
  '| `uint64` `int64` | 4 | the same in 64 bits |',
  '| `float32` `float64` | 2, 4 | IEEE 754; NaN and infinity are bad |',
  '| `bcd16` `bcd32` `bcd64` | 1, 2, 4 | four, eight or sixteen decimal digits |',
  '| `uint16` with `bit: 3` | 1 | one bit; kind `flag` |',
  '| `uint16` with `bits: [4, 7]` | 1 | several bits as a number, both ends included, bit 0 the least significant |',
  '| `string` | `registers` | two characters a register, up to the first NUL; kind `text`; `wordOrder: BADC` where they come swapped |',
  '',
  'Numbers are exact up to 2^53 − 1 = 9007199254740991. What is beyond is bad (`not-exact`) and never rounded: a counter that is off by one',
  'would be believed. `scale`, `offset`, `range` and `notANumber` apply to every type of number, `notANumber` before the scale.',
  '',
  'A mode or a state that comes as a number can have words; the value is then a text for `is:` and `codes`, and a number without a word',
  'is that number as a text, so that it stays visible:',
  '',
  '```yaml',
  'signals:',
  '  run.mode: { kind: code, words: { "0": standing, "1": sewing, "2": winding }, from: { table: holding, address: 7, bits: [4, 7] } }',
  '```',
  '',
  'Neighbouring registers are read in one request, gaps of up to `maxGapRegisters` along with it. Where the machine refuses a register, a',
  'gap or a long read, the agent finds out by halving, marks only what is refused bad (`modbus-exception-2`), asks it again every half',
  'minute, and reads around it. `maxRegistersPerRead` spares the search where the manual tells the limit. The unit',
  'id stands in the configuration (`unit:`), because it belongs to the machine and not to its family. How machines are polled, and what is',
  'believed of them: [drivers/modbus.md](drivers/modbus.md).',
  '',
];

const writesExample = `
writes:
  speed.max:
    title: Highest speed
    unit: RPM
    table: holding
    address: 40120
    range: [200, 4500]
    step: 100
    # Where the machine shows what it took; absent: the address itself is read back.
    verify: spindle.speedset
  light.on: { title: Sewing light, table: coil, address: "00005", range: [0, 1] }
`;

const writes = [
  '## Set-points',
  '',
  'A profile can list what may be written to a machine over Modbus. Without `writes:` nothing is ever written, and with it nothing else:',
  '',
  ...yaml(writesExample),
  '`range` is required and checked: the type must hold it, and a value that is not exactly a raw number is refused, not rounded. Of a coil',
  '0 is off and 1 is on; `[0, 0]` lets it be switched off alone. Parts of a register (`bit`, `bits`, bytes) and texts cannot be written.',
  'The machine must be enabled as well (`writes: { enabled: true }` in the configuration), and a maintainer confirms each write on the',
  'page: [drivers/modbus.md](drivers/modbus.md#what-it-writes).',
  '',
];

const line = [
  '## Lines of fields',
  '',
  'A sensor board sends `1500;23.4;OK;78` and a line feed every half second: revolutions, temperature, a word, oil level.',
  '',
  ...yaml(lineExample),
  'Fields count from 0. A line with another number of fields is thrown away whole, because one lost field would move all others. A number is',
  'a plain decimal (`-3`, `21.5`, `1e3`); anything else is bad. The baud rate stands in the endpoint of the configuration,',
  '`serial:///dev/…?baudRate=9600`.',
  '',
  'Lines that are not fields are taken apart by a regular expression (`line.pattern`), frames without line ends by their length',
  '(`line.fixed`): [drivers/serial.md](drivers/serial.md) has an example of each.',
  '',
];

const efka = [
  '## EFKA drives',
  '',
  'A drive answers questions for parameters, two hex digits each. Parameter 02 is a byte of status bits, 61 a speed in units of 2/min:',
  '',
  ...yaml(efkaExample),
  'The address of the drive is `unit:` of the configuration, 240 ($F0) where it is absent. How drives are polled, and when they are not:',
  '[drivers/efka.md](drivers/efka.md).',
  '',
];

const opcua = [
  '## OPC UA',
  '',
  'The server has one object a machine below `Objects/Machines`, as OPC 40001-1 (Machinery) says. Below the machine, paths are',
  '**BrowseNames**, one a step; node ids and namespace indexes are not used, since they may change with every start of the server.',
  '',
  ...yaml(opcuaExample),
  '- A step is a name (`Monitoring`, in any namespace) or `namespace-uri#name` where two children have the same name.',
  '- With one machine below `Objects/Machines` no name of it is needed. With several, `opcua.machineBrowseName` says which: one profile a machine.',
  '- A server without the folder `Machines` cannot be read.',
  '- Texts, numbers and booleans of the server go to signals of kind `text`, `gauge`/`counter`/`code` and `flag`. Arrays and structures are bad.',
  '- States are compared by their names. The number of a state means another thing on every server.',
  '- Security, user and password stand in the configuration; the certificate of the server is trusted with `selvedge trust`.',
  '',
];

const stateWordsForMakers: Readonly<Record<ProfileState, string>> = {
  RUN: 'it produces: sewing, knitting, trimming',
  IDLE: 'it stands and nothing is wrong, or the operator has it in hand (tilted head, open cover)',
  STOP_MATERIAL: 'it stopped for thread, yarn, bobbin or fabric',
  FAULT: 'it stopped for a fault of its own',
  SETUP: 'it is being set up',
  MAINTENANCE: 'it is being maintained',
};

const codesAndStates = [
  '## Codes and states',
  '',
  'Each time values arrive, the agent asks in this order:',
  '',
  '1. **Code tables.** The value of the signal is looked up in `codes`. Of all codes that show, the heaviest (`error`, `warning`, `info`)',
  '   that names a `state` decides state and cause, and the rules below are not asked. A code without `state` only informs: it',
  '   raises its alert while the machine goes on.',
  '2. **`states`**, from the top. The first rule whose `when` holds decides. The last one has no `when`.',
  '',
  'While a signal that is asked for has no good value, or the machine is not read, the state is `UNKNOWN`; nothing is guessed. A machine that',
  'is not read for as long as the rule `offline` says (30 s) is `OFFLINE`, which no profile gives. A rule of `states` may say `UNKNOWN`',
  'for a machine that answers and does not tell what it does.',
  '',
  '| state | when |',
  '|---|---|',
  ...Object.entries(stateWordsForMakers).map(([state, when]) => `| \`${state}\` | ${when} |`),
  '',
  '- `none` lists what means "no code"; absent, it is `0` and the empty text.',
  '- A code in no table is not taken for "nothing": it becomes an event `unknown_code` with the number, and the `states` rules decide.',
  '- Keys are texts, quoted: `"11"`, `"007"`, `E-21`. A word of a line or an OPC UA server is a code too.',
  '- Several tables may be for one signal, such as one for each `firmware`. `firmware:` of the machine in the configuration chooses; absent, the',
  '  newest holds.',
  '- `is: 3` fits the number 3, `is: true` a flag, `is: Executing` a text. `is: "3"` does not fit the number 3.',
  '',
];

function names(profiles: readonly Profile[], rules: readonly Rule[]): string[] {
  const signals = new Map<string, { kinds: Set<string>; units: Set<string>; in: string[] }>();
  const causes = new Map<string, Set<string>>();
  const addCause = (cause: string, state: string) => causes.set(cause, (causes.get(cause) ?? new Set()).add(state));
  for (const profile of profiles) {
    for (const [name, spec] of Object.entries(profile.signals)) {
      const entry = signals.get(name) ?? { kinds: new Set(), units: new Set(), in: [] };
      signals.set(name, entry);
      entry.kinds.add(spec.kind);
      entry.units.add(spec.unit);
      entry.in.push(profile.profile);
    }
    for (const entry of profile.codeTables.flatMap((table) => Object.values(table.codes))) {
      addCause(entry.cause, entry.state ?? 'informs');
    }
    for (const rule of profile.states) if (rule.cause !== undefined) addCause(rule.cause, rule.state);
  }
  for (const cause of rules.flatMap((rule) => rule.when.flatMap((one) => (one.kind === 'code' ? one.causes : [])))) {
    if (!cause.includes('*') && !causes.has(cause)) causes.set(cause, new Set());
  }
  const rulesOnSignal = (name: string) =>
    rules
      .filter((rule) => rule.when.some((one) => 'signal' in one && one.signal === name))
      .map(({ id }) => `\`${id}\``);
  const rulesOnCause = (cause: string) =>
    rules
      .filter((rule) =>
        rule.when.some((one) => one.kind === 'code' && one.causes.some((pattern) => matchesCause(pattern, cause))),
      )
      .map(({ id }) => `\`${id}\``);
  const joined = (words: Iterable<string>) => [...words].join(', ') || '–';
  return [
    '## Canonical names',
    '',
    'Use these where they fit: rules, page and fleet know them. A name of your own is dotted lower case (`cutter.temp`); it is stored, shown',
    'and summarised like any other, and `rules:` in the configuration can watch it.',
    '',
    '| signal | is | kind | unit | shipped rules | in |',
    '|---|---|---|---|---|---|',
    ...[...signals]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, entry]) => {
        const cells = [
          `\`${name}\``,
          signalWord(name),
          joined(entry.kinds),
          joined(entry.units),
          joined(rulesOnSignal(name)),
          joined(entry.in),
        ];
        return `| ${cells.map(cell).join(' | ')} |`;
      }),
    '',
    'Units are UN/CEFACT common codes: `C62` one (pieces, stitches), `P1` %, `RPM` 1/min, `CEL` °C, `VLT` V, `AMP` A, `WTT` W, `WHR` Wh,',
    '`NEW` N, `C20` 10 mN = 1 cN, `MMT` mm, `MTR` m, `C16` mm/s, `SEC` s.',
    '',
    'A shipped rule raises its alert for these causes, whether a code or a rule of `states` names them. Any other cause shows on the page with',
    'its state; to be alerted by it, add a rule with `kind: code` to `rules:` of the configuration.',
    '',
    '| cause | is | alert rule | state in the shipped profiles |',
    '|---|---|---|---|',
    ...[...causes]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(
        ([cause, states]) =>
          `| ${[`\`${cause}\``, causeWord(cause), joined(rulesOnCause(cause)), joined(states)].map(cell).join(' | ')} |`,
      ),
    '',
  ];
}

const testing = [
  '## Test it',
  '',
  '1. **Check.** Every mistake of the profile comes with its file, line, column and what would be right:',
  '',
  '       npm run -s selvedge -- check my-agent.yaml',
  '',
  '       …/profiles/acme-lockstitch.yaml:14:47: signals.spindle.speed.from.table is none of the possible values ("hold");',
  '       right: holding, input, coil or discrete',
  '',
  '2. **Look at the wire.** `probe` shows each register in every decoding side by side, so that a value you know from the display names its',
  '   address, type and word order; it says which addresses are not there. It only reads. mbpoll, which is not ours and counts from 1, reads',
  '   the same registers 1001 to 1006 of the example:',
  '',
  '       npm run -s selvedge -- probe modbus://192.0.2.30:502 --unit 1 --holding 1000..1005',
  '       mbpoll -m tcp -a 1 -t 4 -r 1001 -c 6 -1 192.0.2.30',
  '       nc 192.0.2.31 4001            # the lines of a device server',
  '       stty -F /dev/ttyUSB0 9600 raw && cat /dev/ttyUSB0',
  '',
  '3. **Run** and open the page. Each machine has "All readings": every signal with its value, quality and, where it is not good, the reason.',
  '   `/api/machines` has the same in JSON. Compare with the display of the machine, running and standing; break a thread on purpose.',
  '',
  '| reason | means | look at |',
  '|---|---|---|',
  '| `out-of-range` | outside `range`, or a counter at or above `wrapsAt` | address, word order, sign (`int16`), scale, range |',
  '| `not-a-number` | a code of `notANumber`, NaN, no BCD, or a field that is no number | sensor, type, delimiter |',
  '| `not-exact` | a number beyond 2^53, which would be rounded | word order, type |',
  '| `modbus-exception-2` | the machine has no such register | address, addressBase, table |',
  '| `modbus-exception-1` | the machine does not know the function | table |',
  '| `modbus-exception-3` | too much at once | maxRegistersPerRead |',
  '| `unknown-node` | the path leads nowhere | BrowseNames; they are case-sensitive |',
  '| `unexpected-type` | an array, or a type that does not fit the kind | kind |',
  '| `no-value` | the server has the node, but no value in it | the machine |',
  '| `garbage`, `text-too-long` | a text with control characters, or above 256 characters | address, byte order |',
  '| `gap-…` | the machine is not read any more; the rest is the reason of the gap | below |',
  '',
  'A machine that is read and yet stays `UNKNOWN` lacks a good value of a signal that a code table or the first state rules ask for.',
  '',
  'A machine that is not read at all shows a gap with its reason instead:',
  '',
  '| reason of the gap | usual cause |',
  '|---|---|',
  '| `connection-refused`, `host-unreachable`, `host-not-found` | host or port of the endpoint, or the machine is off |',
  '| `drive-would-stop-without-polls`, `drive-monitor-unknown` | parameter E3 of an EFKA drive: [drivers/efka.md](drivers/efka.md#parameter-e3) |',
  '| `refused-by-drive`, `efka-…` | the parameters the profile names; `efka-…` is the error of the drive |',
  '| `device-ambiguous` | two adapters have the USB ids of the endpoint; the log and `selvedge doctor` name both |',
  '| `timeout` | unit id; `modbus:` in place of `modbus+rtu:` or the other way round; parity or baud rate |',
  '| `no-data` | an open line on which nothing comes: the sensor, the baud rate |',
  '| `garbage` | lines come, but with another number of fields or with other than printable characters: `fields`, `delimiter`, baud rate |',
  '| `device-absent`, `permission-denied`, `device-busy`, `unplugged` | the serial port: its path, the group `dialout`, another program |',
  '| `server-certificate-not-trusted` | `selvedge trust list`, compare the fingerprint, `selvedge trust add` |',
  '| `security-not-offered` | the server does not offer the `opcua.security` and `policy` of the configuration |',
  '| `machine-not-found`, `machine-ambiguous` | `opcua.machineBrowseName` |',
  '',
];

/** Every field, by section. */
function allFields(schema: SchemaNode): string[] {
  const at = (path: readonly (string | number)[], value?: unknown): SchemaNode => nodeAt(schema, path, value) ?? {};
  const signal = (kind: string) => at(['signals', 'a.b'], { signals: { 'a.b': { kind } } });
  const from = (source: object) =>
    at(['signals', 'a.b', 'from'], { signals: { 'a.b': { kind: 'gauge', from: source } } });
  const common = ['kind', 'unit', 'scale', 'offset', 'range', 'notANumber', 'poll', 'from'];
  const kinds = ['gauge', 'counter', 'flag', 'code', 'text'];
  const own = (kind: string) => Object.keys(signal(kind).properties ?? {}).some((key) => !common.includes(key));
  const section = (title: string, node: SchemaNode, leaveOut: readonly string[] = []) => [
    `### ${title}`,
    '',
    ...fieldTable(node, 'plain', leaveOut),
  ];
  const shared = signal('gauge');
  const onlyCommon: SchemaNode = {
    ...shared,
    properties: Object.fromEntries(Object.entries(shared.properties ?? {}).filter(([key]) => common.includes(key))),
  };
  return [
    '## Every field',
    '',
    'A key that stands in no table here is a mistake, so that a typing error does not go unseen.',
    '',
    ...section('The file', schema),
    ...section('`polls.*`', at(['polls', 'any'])),
    ...section('`modbus`', at(['modbus'])),
    ...section('`line`', at(['line'])),
    ...section('`line.fixed`', at(['line', 'fixed'])),
    ...section('`line.fixed.checksum`', at(['line', 'fixed', 'checksum'])),
    ...section('`opcua`', at(['opcua'])),
    ...section('`opcua.names.*`', at(['opcua', 'names', 'any'])),
    ...section('`knit-floor`', at(['knit-floor'])),
    ...section('`stoll-events`', at(['stoll-events'])),
    '### `signals.*`',
    '',
    '| `kind` | is |',
    '|---|---|',
    ...kinds.map((kind) => `| \`${kind}\` | ${cell(signal(kind).properties?.['kind']?.description ?? '')} |`),
    '',
    'Fields of every kind. Flags, codes and texts need no `unit`.',
    '',
    ...fieldTable(onlyCommon, 'plain', ['kind']),
    ...kinds.filter(own).flatMap((kind) => section(`Kind \`${kind}\``, signal(kind), common)),
    ...section('`signals.*.from` with Modbus', from({ table: 'holding' })),
    ...section('`signals.*.from` with lines', from({ field: 0 })),
    ...section('`signals.*.from` with lines and a pattern', from({ group: 'a' })),
    ...section('`signals.*.from` with frames of a fixed length, bytes', from({ at: 0 })),
    ...section('`signals.*.from` with frames of a fixed length, characters', from({ columns: [0, 0] })),
    ...section('`signals.*.from` with OPC UA', from({ path: [] })),
    ...section('`signals.*.from` with OPC UA, by node', from({ node: 'i=1' })),
    ...section('`signals.*.from` with EFKA', from({ parameter: '02' })),
    ...section('`restart`', at(['restart'])),
    ...section('`signals.*.from` with the knit floor', from({ message: 'alive' })),
    ...section('`signals.*.from` with Stoll events', from({ event: 'alive' })),
    ...section('`writes.*`', at(['writes', 'a.b'])),
    ...section('`codeTables[]`', at(['codeTables', 0])),
    ...section('`codeTables[].firmware`', at(['codeTables', 0, 'firmware'])),
    ...section('`codeTables[].codes.*`', at(['codeTables', 0, 'codes', 'any'])),
    ...section('`states[]`', at(['states', 0])),
    ...section('`states[].when`', at(['states', 0, 'when'])),
  ];
}
