/** Finds the packets in one direction of an MQTT connection, however TCP cut them (MQTT 3.1.1 §2.2). Pure. */

export class MqttPackets {
  /** Bytes of the packet under way that are still to come. */
  #left = 0;
  /** Of its length, which is told in up to four bytes, least first. */
  #type: number | null = null;
  #length = 0;
  #shift = 0;

  /** Control packet types, in order, of the packets whose fixed header ends in `chunk`. */
  types(chunk: Uint8Array): number[] {
    const types: number[] = [];
    for (let at = 0; at < chunk.length;) {
      const byte = chunk[at] ?? 0;
      if (this.#left > 0) {
        const here = Math.min(this.#left, chunk.length - at);
        this.#left -= here;
        at += here;
        continue;
      }
      at += 1;
      if (this.#type === null) {
        this.#type = byte >> 4;
        continue;
      }
      this.#length += (byte & 0x7f) * 2 ** this.#shift;
      this.#shift += 7;
      if ((byte & 0x80) !== 0) continue;
      types.push(this.#type);
      this.#left = this.#length;
      this.#type = null;
      this.#length = 0;
      this.#shift = 0;
    }
    return types;
  }
}
