/** What a Modbus RTU poll takes on the line, after MODBUS over Serial Line V1.02 §2.5.1, and its checksum. Pure. */

/** Start bit, eight data bits, parity, stop bit. */
const bitsPerChar = 11;
/** Unit, function, address, count and checksum. */
export const requestBytes = 8;

export const charMs = (baud: number) => (bitsPerChar * 1000) / baud;

/** Silence between two frames. */
export const silenceMs = (baud: number) => (baud > 19_200 ? 1.75 : 3.5 * charMs(baud));

/** From the first byte of a request to the first of its answer, of a slave that needs no time. */
export const answerAtMs = (baud: number) => requestBytes * charMs(baud) + silenceMs(baud);

/** From one request to the next, when nobody needs any time of their own. */
export function pollMs(baud: number, registers: number): number {
  return answerAtMs(baud) + (5 + registers * 2) * charMs(baud) + silenceMs(baud);
}

export function rtuCrc(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xa001 : crc >>> 1;
  }
  return crc;
}
