/** MQTT 3.1.1 on the wire, as far as a proxy must know it: where packets end (§2.2), and what a PUBLISH carries (§3.3). Pure. */

export interface Split {
  readonly packets: readonly Buffer[];
  /** The beginning of a packet that is not whole yet. */
  readonly rest: Buffer;
}
export interface Publish {
  readonly topic: string;
  readonly payload: Buffer;
}

const publishType = 3;
/** The remaining length has at most four bytes of seven bits each. */
const maxLengthBytes = 4;

/** Where the fixed header ends and how long what follows it is; null while that cannot be told. */
function header(bytes: Buffer, at: number): { readonly end: number; readonly length: number } | null {
  let length = 0;
  for (let n = 0; n < maxLengthBytes; n += 1) {
    const byte = bytes[at + 1 + n];
    if (byte === undefined) return null;
    length += (byte & 0x7f) * 2 ** (7 * n);
    if (byte < 0x80) return { end: at + 2 + n, length };
  }
  return null;
}

/** Cuts a stream into whole packets. */
export function splitPackets(bytes: Buffer): Split {
  const packets: Buffer[] = [];
  let at = 0;
  for (let found = header(bytes, at); found !== null; found = header(bytes, at)) {
    const end = found.end + found.length;
    if (end > bytes.length) break;
    packets.push(bytes.subarray(at, end));
    at = end;
  }
  return { packets, rest: bytes.subarray(at) };
}

/** What a PUBLISH says; null for any other packet. */
export function publishOf(packet: Buffer): Publish | null {
  const [first = 0] = packet;
  const found = header(packet, 0);
  if (first >> 4 !== publishType || found === null) return null;
  const topicEnd = found.end + 2 + packet.readUInt16BE(found.end);
  const qos = (first >> 1) & 3;
  const topic = packet.toString('utf8', found.end + 2, topicEnd);
  return { topic, payload: packet.subarray(topicEnd + (qos > 0 ? 2 : 0)) };
}
