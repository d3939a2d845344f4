/** Sources of signals and formats of machines on serial lines, beside lines of fields: patterns, frames of a fixed length, EFKA drives. */
import { z } from 'zod';

export const maxPatternLength = 500;
/** No board sends longer frames; what is longer is a file. */
export const maxFixedBytes = 1024;

export const groupSource = z
  .strictObject({
    group: z
      .string()
      .regex(/^[A-Za-z_]\w*$/, 'is no name of a group')
      .meta({ description: 'Name of a group of line.pattern.', expects: 'a name such as speed, of (?<speed>…)' }),
  })
  .describe('Protocol line, with line.pattern.');

/** Bytes of each type. */
const bytesOfType = {
  uint8: 1,
  int8: 1,
  uint16: 2,
  int16: 2,
  uint32: 4,
  int32: 4,
  float32: 4,
} as const;
export type ByteType = keyof typeof bytesOfType;

const offset = z
  .int()
  .min(0)
  .max(maxFixedBytes - 1);

export const bytesSource = z
  .strictObject({
    at: offset.describe('First byte of the value in the frame, from 0, start bytes included.'),
    type: z
      .enum(Object.keys(bytesOfType) as [ByteType, ...ByteType[]])
      .default('uint8')
      .describe('How the bytes are read.'),
    order: z.enum(['big', 'little']).default('big').describe('big: the highest byte comes first.'),
    bit: z.int().min(0).max(31).optional().describe('One bit of it, 0 the least significant. The signal is a flag.'),
  })
  .describe('Protocol line, with line.fixed: bytes of a frame.');
export type BytesSource = z.infer<typeof bytesSource>;

export const columnsSource = z
  .strictObject({
    columns: z.tuple([offset, offset]).meta({
      description: 'Characters of the frame that are the value, both ends included, from 0, start bytes included.',
      expects: '[first, last], such as [3, 7]',
    }),
  })
  .describe('Protocol line, with line.fixed: characters of a frame.');
export const fixedSources = [bytesSource, columnsSource] as const;

/** How many bytes a value takes. */
export function byteLength(from: BytesSource): number {
  return bytesOfType[from.type];
}

const markBytes = z
  .string()
  .regex(/^(?:[0-9A-Fa-f]{2}){1,4}$/, 'is not one to four bytes in hex')
  .meta({ expects: 'one to four bytes in hex, such as "AA55"' });

export const checksums = ['xor8', 'sum8', 'crc16-modbus'] as const;

export const fixedFormat = z.strictObject({
  bytes: z.int().min(2).max(maxFixedBytes).describe('Length of a frame, with start, end and checksum.'),
  start: markBytes.optional().describe('The bytes every frame begins with.'),
  end: markBytes.optional().describe('The bytes every frame ends with.'),
  checksum: z
    .strictObject({
      kind: z
        .enum(checksums)
        .describe('xor8: EXOR of the bytes. sum8: their sum, lowest 8 bits. crc16-modbus: two bytes, low byte first.'),
      at: offset.describe('Where it stands in the frame, from 0.'),
      from: offset.default(0).describe('First byte it is formed over. It ends before itself.'),
    })
    .optional()
    .describe('A frame whose checksum is wrong is thrown away and counted.'),
});
export type FixedFormat = z.infer<typeof fixedFormat>;

const bitOfParameter = z.int().min(0).max(31);
export const efkaSource = z
  .strictObject({
    parameter: z
      .string()
      .regex(/^[0-9A-F]{2}$/, 'is not two hex digits')
      .meta({ description: 'Number of the parameter, quoted.', expects: 'two hex digits in quotes, such as "02"' }),
    encoding: z
      .enum(['hex', 'decimal', 'text'])
      .default('hex')
      .describe('How the drive writes the value: hex digits, with or without $; decimal digits; or a text.'),
    bit: bitOfParameter.optional().describe('One bit of the value, 0 the least significant. The signal is a flag.'),
    bits: z.tuple([bitOfParameter, bitOfParameter]).optional().meta({
      description: 'Several bits of the value as a number, both ends included, 0 the least significant.',
      expects: '[lowest, highest], such as [4, 7]',
    }),
  })
  .describe('Protocol efka.');
export type EfkaSource = z.infer<typeof efkaSource>;
