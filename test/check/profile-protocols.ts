/** The chapters of `docs/PROFILES.md` on the protocols, each with its worked example: what a profile says of a machine that speaks it. */
import { efkaExample, lineExample, modbusExample, opcuaExample } from './profile-examples.ts';

const yaml = (text: string) => ['```yaml', text.trim(), '```', ''];

export const modbus = [
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

export const writes = [
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

export const line = [
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

export const efka = [
  '## EFKA drives',
  '',
  'A drive answers questions for parameters, two hex digits each. Parameter 02 is a byte of status bits, 61 a speed in units of 2/min:',
  '',
  ...yaml(efkaExample),
  'The address of the drive is `unit:` of the configuration, 240 ($F0) where it is absent. How drives are polled, and when they are not:',
  '[drivers/efka.md](drivers/efka.md).',
  '',
];

export const opcua = [
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
