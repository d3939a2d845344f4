/**
 * An EFKA drive at its serial interface: telegrams in, answers out, and the watch that stops it. Pure but for the time it is told.
 * From the instruction manual 402280: control characters and frames §7.6 to §7.10, communication monitoring §7.5.
 *
 * Invariants:
 *  - Only a telegram with its address is answered; a parameter it does not have, and one it may not set, with NAK.
 *  - The watch begins with the first telegram after E3 was set to another value than 0. When none comes for E3 × 10 ms after one, the
 *    drive stops and bit 6 of parameter 00 stands, until it is switched on anew.
 */

export interface EfkaTelegram {
  readonly address: number;
  readonly kind: 'ask' | 'set';
  /** What stands between STX and ENQ or ETX. */
  readonly text: string;
}

const [soh, stx, etx, enq, ack, nak] = [0x01, 0x02, 0x03, 0x05, 0x06, 0x15];
const longestText = 80;

/** Splits what came into telegrams; `rest` waits for more. A telegram to set with a wrong BCC is `broken`, with its address. */
export function takeEfkaTelegrams(bytes: Uint8Array): {
  readonly telegrams: readonly EfkaTelegram[];
  readonly broken: readonly number[];
  readonly rest: Uint8Array;
} {
  const telegrams: EfkaTelegram[] = [];
  const broken: number[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (bytes[at] !== soh) {
      at += 1;
      continue;
    }
    let end = at + 3;
    while (end < bytes.length && bytes[end] !== enq && bytes[end] !== etx && bytes[end] !== soh) end += 1;
    if (end - at > longestText || bytes[end] === soh || (bytes.length > at + 2 && bytes[at + 2] !== stx)) {
      at += 1;
      continue;
    }
    const address = bytes[at + 1] ?? 0;
    if (end >= bytes.length || (bytes[end] === etx && end + 1 >= bytes.length)) break;
    const text = String.fromCharCode(...bytes.subarray(at + 3, end));
    if (bytes[end] === enq) {
      telegrams.push({ address, kind: 'ask', text });
      at = end + 1;
    } else {
      let check = 0;
      for (const byte of bytes.subarray(at + 1, end + 1)) check ^= byte;
      if (check === bytes[end + 1]) telegrams.push({ address, kind: 'set', text });
      else broken.push(address);
      at = end + 2;
    }
  }
  return { telegrams, broken, rest: bytes.slice(at) };
}

/** `SOH ADR STX text ETX BCC`. */
export function efkaAnswer(address: number, text: string): Uint8Array {
  const covered = [address, stx, ...Array.from(text, (char) => char.charCodeAt(0)), etx];
  let check = 0;
  for (const byte of covered) check ^= byte;
  return Uint8Array.from([soh, ...covered, check]);
}

export const efkaNak = (address: number): Uint8Array => Uint8Array.of(address, nak);
export const efkaAck = (address: number): Uint8Array => Uint8Array.of(address, ack);

export class EfkaDrive {
  readonly address: number;
  #monitorMs: number;
  #isArmed: boolean;
  #fedMs: number | null = null;
  #stoppedByWatch = false;
  /** Telegrams that set something. */
  sets = 0;

  /** @param monitor E3 as a control has set it some telegrams ago, × 10 ms */
  constructor(address: number, monitor: number) {
    this.address = address;
    this.#monitorMs = monitor * 10;
    this.#isArmed = monitor !== 0;
  }

  /** true: it stopped because nobody talked to it. */
  get isStopped(): boolean {
    return this.#stoppedByWatch;
  }

  /** Switched on anew: the watch has not run out. */
  restart(): void {
    this.#stoppedByWatch = false;
    this.#fedMs = null;
  }

  /** Time goes on. The watch runs from the first telegram that is seen here, since who set E3 is not simulated. */
  tick(nowMs: number): void {
    if (!this.#isArmed || this.#fedMs === null) return;
    if (nowMs - this.#fedMs > this.#monitorMs) this.#stoppedByWatch = true;
  }

  /**
   * What the drive says to a telegram; null where it is for another.
   * @param parameters what can be asked, by number; `00` without the bit of the watch
   */
  answer(telegram: EfkaTelegram, parameters: ReadonlyMap<string, string>, nowMs: number): Uint8Array | null {
    if (telegram.address !== this.address) return null;
    this.tick(nowMs);
    if (this.#monitorMs > 0) this.#isArmed = true;
    this.#fedMs = nowMs;
    return telegram.kind === 'ask' ? this.#ask(telegram.text, parameters) : this.#set(telegram.text);
  }

  #ask(parameter: string, parameters: ReadonlyMap<string, string>): Uint8Array {
    if (parameter === 'E3') return efkaAnswer(this.address, `E3=${hex2(this.#monitorMs / 10)}`);
    const value = parameters.get(parameter);
    if (value === undefined) return efkaNak(this.address);
    const shown = parameter === '00' ? hex2(Number.parseInt(value, 16) | (this.#stoppedByWatch ? 0x40 : 0)) : value;
    return efkaAnswer(this.address, `${parameter}=${shown}`);
  }

  /** Of all that can be set only E3 is simulated; the new value holds from the next telegram on. */
  #set(text: string): Uint8Array {
    this.sets += 1;
    const match = /^E3=\$?([0-9A-F]{1,2})$/.exec(text);
    if (match === null) return efkaNak(this.address);
    this.#monitorMs = Number.parseInt(match[1] ?? '0', 16) * 10;
    this.#isArmed = false;
    return efkaAck(this.address);
  }
}

function hex2(value: number): string {
  return value.toString(16).toUpperCase().padStart(2, '0');
}
