/**
 * `docs/PROFILES.md` and the JSON Schema for editors, from the schema of profiles, the shipped profiles and the shipped rules. Here
 * is the way of a maker through the manual: how to begin, codes and states, how to test. The protocols are in
 * `profile-protocols.ts`, the tables in `profile-tables.ts`.
 */
import { readdirSync } from 'node:fs';
import type { SchemaNode } from '../../agent/config/describe.ts';
import { profileJsonSchema } from '../../agent/config/profiles.ts';
import { parseRules, shippedRules } from '../../agent/rules/load.ts';
import { loadProfile, shippedProfilesDir } from '../../drivers/profiles/load.ts';
import type { ProfileState } from '../../drivers/profiles/schema.ts';
import type { Generated } from './generate.ts';
import { efka, line, modbus, opcua, writes } from './profile-protocols.ts';
import { allFields, names } from './profile-tables.ts';

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
