/** What the schema alone cannot see in the formats of serial lines. Pure. */
import type { Profile, SignalSpec } from './schema.ts';
import { byteLength, type EfkaSource, type FixedFormat } from './serial.ts';

type Add = (path: readonly (string | number)[], message: string, right: string) => void;
type LineFormat = NonNullable<Profile['line']>;
type Source = SignalSpec['from'];

export function isLineSource(from: Source): boolean {
  return 'field' in from || 'group' in from || 'at' in from || 'columns' in from;
}

export function checkLine(line: LineFormat, add: Add): void {
  const given = (['fields', 'pattern', 'fixed'] as const).filter((key) => line[key] !== undefined);
  if (given.length !== 1) {
    const what = given.length === 0 ? 'says not how a line is built' : `has ${given.join(' and ')}`;
    add(['line'], what, 'exactly one of fields, pattern and fixed');
  }
  if (line.pattern !== undefined) checkPattern(line.pattern, add);
  if (line.fixed !== undefined) checkFixed(line.fixed, add);
}

/** The names of the groups of a pattern; null when it is no regular expression. */
export function groupsOf(pattern: string): ReadonlySet<string> | null {
  try {
    // An alternative that matches nothing shows all groups, whatever they would match.
    return new Set(Object.keys(new RegExp(`(?:${pattern})|`, 'u').exec('')?.groups ?? {}));
  } catch {
    return null;
  }
}

function checkPattern(pattern: string, add: Add): void {
  const path = ['line', 'pattern'];
  const groups = groupsOf(pattern);
  if (groups === null) {
    add(path, 'is no regular expression', 'a regular expression as JavaScript has it');
    return;
  }
  if (groups.size === 0) add(path, 'has no named group, so no value', '(?<name>…) around each value');
  // These can take longer than the machine needs for its next line, or for ever.
  if (/\\[1-9]|\\k<|\(\?<?[=!]/.test(pattern))
    add(
      path,
      'has a back reference or looks around, which can take without end',
      'a pattern without \\1, \\k<…> and (?=…)',
    );
  if (repeatsRepetition(pattern))
    add(
      path,
      'repeats a group that repeats or chooses inside, which can take without end',
      'a group without + * | { inside, where + * or { follow it',
    );
}

/** Whether a group that holds a repetition or an alternative is itself repeated, as in `(a+)+`. */
function repeatsRepetition(pattern: string): boolean {
  const open: { repeats: boolean }[] = [];
  let inClass = false;
  for (let i = 0; i < pattern.length; i += 1) {
    const char = pattern[i];
    const inside = open.at(-1);
    if (char === '\\') i += 1;
    else if (inClass) inClass = char !== ']';
    else if (char === '[') inClass = true;
    else if (char === '(') {
      open.push({ repeats: false });
      // The ? of (?: and (?<name> is no repetition.
      if (pattern[i + 1] === '?') i += 1;
    } else if (char === ')') {
      const group = open.pop();
      const isRepeated = /[+*{]/.test(pattern[i + 1] ?? '');
      if (group?.repeats === true && isRepeated) return true;
      const outer = open.at(-1);
      if (outer !== undefined && (group?.repeats === true || isRepeated)) outer.repeats = true;
    } else if (inside !== undefined && /[+*{|?]/.test(char ?? '')) inside.repeats = true;
  }
  return false;
}

function checkFixed({ bytes, start, end, checksum }: FixedFormat, add: Add): void {
  const path = ['line', 'fixed'];
  const startBytes = (start?.length ?? 0) / 2;
  const endBytes = (end?.length ?? 0) / 2;
  if (startBytes + endBytes >= bytes) add([...path, 'bytes'], 'leaves no byte for a value', 'more bytes');
  if (checksum === undefined && (start === undefined || end === undefined))
    add(path, 'cannot tell a whole frame from a torn one', 'checksum, or both start and end');
  if (checksum === undefined) return;
  const size = checksum.kind === 'crc16-modbus' ? 2 : 1;
  if (checksum.at + size > bytes) add([...path, 'checksum', 'at'], 'is outside the frame', `at most ${bytes - size}`);
  if (checksum.from >= checksum.at)
    add([...path, 'checksum', 'from'], 'is not before the checksum', `a number below ${checksum.at}`);
}

export function checkLineSource(line: LineFormat, spec: SignalSpec, add: Add): void {
  const { from } = spec;
  if ('field' in from) {
    if (line.fields === undefined) add(['from'], 'is a field, but the line is not built of fields', formOf(line));
    else if (from.field >= line.fields)
      add(['from', 'field'], 'is no field of the line', `0 to ${line.fields - 1}, or more line.fields`);
  } else if ('group' in from) {
    if (line.pattern === undefined) add(['from'], 'is a group, but the line has no pattern', formOf(line));
    else if (groupsOf(line.pattern)?.has(from.group) === false) {
      const groups = [...(groupsOf(line.pattern) ?? [])].join(', ');
      add(['from', 'group'], 'is no group of line.pattern', groups === '' ? 'a group of the pattern' : groups);
    }
  } else if ('at' in from || 'columns' in from) checkFixedSource(line, spec, add);
}

function checkFixedSource(line: LineFormat, spec: SignalSpec, add: Add): void {
  const { from } = spec;
  if (line.fixed === undefined) {
    add(['from'], 'is a place in a frame, but the line has no fixed', formOf(line));
    return;
  }
  const { bytes } = line.fixed;
  if ('columns' in from) {
    const [first, last] = from.columns;
    if (first > last) add(['from', 'columns'], 'has its first character behind the last', '[first, last]');
    if (last >= bytes) add(['from', 'columns'], 'reaches beyond the frame', `0 to ${bytes - 1}`);
  }
  if (!('at' in from)) return;
  if (from.at + byteLength(from) > bytes)
    add(['from', 'at'], 'reaches beyond the frame', `at most ${bytes - byteLength(from)}`);
  if (spec.kind === 'text') add(['kind'], 'is text, but bytes are a number', 'columns, or another kind');
  if (from.bit === undefined) return;
  if (spec.kind !== 'flag') add(['kind'], `is ${spec.kind}, but one bit is a flag`, 'flag');
  if (!from.type.startsWith('uint') || from.bit >= 8 * byteLength(from))
    add(['from', 'bit'], `does not fit the type ${from.type}`, 'a type uint8, uint16 or uint32 with that bit');
}

function formOf(line: LineFormat): string {
  if (line.fields !== undefined) return '{ field }';
  return line.pattern === undefined ? '{ at, type } or { columns }' : '{ group }';
}

export function checkEfkaSource(spec: SignalSpec, from: EfkaSource, add: Add): void {
  const { bit, bits, encoding } = from;
  if ((encoding === 'text') !== (spec.kind === 'text'))
    add(
      ['from', 'encoding'],
      'does not fit the kind: text goes with kind text and no other',
      'encoding: text and kind: text, or neither',
    );
  if (bit !== undefined && spec.kind !== 'flag') add(['kind'], `is ${spec.kind}, but one bit is a flag`, 'flag');
  if (encoding !== 'hex' && (bit !== undefined || bits !== undefined))
    add(['from', 'encoding'], 'does not fit: bits are taken from a hex value', 'encoding: hex');
  if (bits === undefined) return;
  if (bit !== undefined) add(['from', 'bits'], 'is there beside bit', 'bit or bits');
  if (bits[0] > bits[1]) add(['from', 'bits'], 'has its first bit above the second', '[lowest, highest]');
}
