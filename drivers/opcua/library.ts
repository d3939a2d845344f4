/**
 * The OPC UA library, loaded when the first OPC UA machine is configured: it takes a second and tens of megabytes that an
 * agent without such a machine does not pay. Everything specific to the library's types is here and in `session.ts`.
 */
import type * as Library from 'node-opcua-client';
import type {
  ClientSession,
  ClientSessionPublishService,
  ClientSessionRawSubscriptionService,
  DataValue,
} from 'node-opcua-client';
import type { ServerScalar, ServerValue } from './decode.ts';

export type OpcuaLibrary = typeof Library;
/** Every session of the library has these services; its own type leaves out those that its subscriptions use. */
export type OpcuaSession = ClientSession & ClientSessionPublishService & ClientSessionRawSubscriptionService;

const silent = (): void => {};

/** Loads the library and keeps it from writing to the console; what matters reaches our own log by another way. */
export async function loadOpcuaLibrary(): Promise<OpcuaLibrary> {
  const library = await import('node-opcua-client');
  library.setWarningLogger(silent);
  library.setErrorLogger(silent);
  return library;
}

/** InfoType DataValue and InfoBits Overflow of a status code. */
const overflow = 0x0480;

/** A data value of the library in the driver's own words. */
export function toServerValue(library: OpcuaLibrary, received: DataValue): ServerValue {
  const scalar = received.value.arrayType === library.VariantArrayType.Scalar;
  const value = scalar ? toScalar(library.DataType[received.value.dataType], received.value.value) : undefined;
  return {
    status: received.statusCode.name,
    value: value ?? null,
    isOtherType: value === undefined,
    sourceMs: toMs(received.sourceTimestamp, received.sourcePicoseconds),
    serverMs: toMs(received.serverTimestamp, received.serverPicoseconds),
    hasOverflow: (received.statusCode.value & overflow) === overflow,
  };
}

/** Null: no value. Undefined: a type that no signal has. */
function toScalar(dataType: string | undefined, value: unknown): ServerScalar | null | undefined {
  if (value === null || value === undefined) return null;
  switch (dataType) {
    case 'Null':
      return null;
    case 'Boolean':
      return typeof value === 'boolean' ? value : undefined;
    case 'SByte':
    case 'Byte':
    case 'Int16':
    case 'UInt16':
    case 'Int32':
    case 'UInt32':
    case 'Float':
    case 'Double':
      return typeof value === 'number' ? value : undefined;
    case 'Int64':
    case 'UInt64':
      return toBigint(dataType, value);
    case 'String':
      return typeof value === 'string' ? value : undefined;
    case 'LocalizedText':
      return textOf(value);
    default:
      return undefined;
  }
}

/** The library hands 64-bit integers over as [high, low] 32-bit words. */
function toBigint(dataType: 'Int64' | 'UInt64', value: unknown): bigint | undefined {
  if (!Array.isArray(value)) return undefined;
  const words: readonly unknown[] = value;
  const [high, low] = words;
  if (typeof high !== 'number' || typeof low !== 'number') return undefined;
  const whole = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
  return dataType === 'Int64' ? BigInt.asIntN(64, whole) : whole;
}

function textOf(value: unknown): string | null | undefined {
  if (typeof value !== 'object' || value === null || !('text' in value)) return undefined;
  return typeof value.text === 'string'
    ? value.text
    : value.text === null || value.text === undefined
      ? null
      : undefined;
}

/**
 * UTC ms with a fraction. OPC UA counts from 1601 and writes "no time" as that; no machine tells of the years before 1970.
 * @param picoseconds what the library's whole milliseconds leave of the time: it has steps of 100 ns and, with the picoseconds of
 *   a data value, of 10 ps. In a number of this language 0.25 µs are left of that.
 */
export function toMs(time: Date | null | undefined, picoseconds: number | undefined): number | null {
  const ms = time?.getTime() ?? 0;
  return ms > 0 ? ms + (picoseconds ?? 0) / 1e9 : null;
}
