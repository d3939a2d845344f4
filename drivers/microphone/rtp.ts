/**
 * L16 over RTP (RFC 3550, RFC 3551, RFC 3190): packets come late, twice, out of order or not at all. Pure.
 *
 * Invariants (test/unit/drivers/microphone/rtp.test.ts):
 *  P1  Sound comes out in the order of its timestamps, each sample once; sequence numbers (16 bits) and timestamps (32 bits) may wrap.
 *  P2  What is missing is told as a gap of as many samples as the timestamps say. No silence is put in its place.
 *  P3  A packet waits for one before it until `depth` packets wait or `waitMs` are over, and no longer. No more than `depth` are kept.
 *  P4  One sender is heard: another SSRC, payload type or address is refused and counted. After `changeMs` without a packet of the one
 *      that was heard the next may be another; so may one that jumped by more than `jumpS`, which is told as a gap of unknown length.
 *  P5  No bytes make it throw.
 */
export interface RtpPacket {
  readonly payloadType: number;
  readonly sequence: number;
  readonly timestamp: number;
  readonly ssrc: number;
  readonly payload: Buffer;
}

/** A packet; a text where it is none. */
export function parseRtp(bytes: Buffer): RtpPacket | string {
  if (bytes.length < 12) return 'shorter than a header';
  const first = bytes.readUInt8(0);
  if (first >> 6 !== 2) return 'of another version';
  let from = 12 + 4 * (first & 0x0f);
  if ((first & 0x10) !== 0) {
    if (bytes.length < from + 4) return 'cut within its extension';
    from += 4 + 4 * bytes.readUInt16BE(from + 2);
  }
  let to = bytes.length;
  if ((first & 0x20) !== 0) {
    const padding = bytes.readUInt8(to - 1);
    if (padding === 0) return 'padded by nothing';
    to -= padding;
  }
  if (to < from) return 'cut within its header';
  return {
    payloadType: bytes.readUInt8(1) & 0x7f,
    sequence: bytes.readUInt16BE(2),
    timestamp: bytes.readUInt32BE(4),
    ssrc: bytes.readUInt32BE(8),
    payload: bytes.subarray(from, to),
  };
}

export interface RtpOptions {
  readonly rateHz: number;
  readonly channels: number;
  /** Null takes that of the first packet: 10 and 11 where they are what rate and channels are, or one from 96 on. */
  readonly payloadType: number | null;
  readonly depth?: number;
  readonly waitMs?: number;
}

export interface RtpSink {
  /** L16 of whole frames. */
  readonly onPcm: (bytes: Buffer) => void;
  /** @param samples how many are missing; null where nobody can know */
  readonly onGap: (samples: number | null) => void;
}

export interface RtpCounts {
  readonly packets: number;
  /** Came a second time; came when what is behind it had been given on. */
  readonly duplicates: number;
  readonly late: number;
  /** Of another sender or kind. */
  readonly foreign: number;
  /** No RTP, or no whole frames. */
  readonly malformed: number;
  readonly lostSamples: number;
}

const changeMs = 2_000;
const jumpS = 10;
const mostGiven = 256;
/** Sequence numbers further off than these are of another time (RFC 3550, appendix A.1). */
const mostBack = 100;
const mostAhead = 3_000;

interface Waiting {
  readonly packet: RtpPacket;
  readonly sinceMs: number;
}

interface Sender {
  readonly ssrc: number;
  readonly payloadType: number;
  readonly address: string;
  nextSequence: number;
  nextTimestamp: number;
  lastMs: number;
}

export class RtpReceiver {
  readonly #options: Required<RtpOptions>;
  readonly #sink: RtpSink;
  #sender: Sender | null = null;
  readonly #waiting = new Map<number, Waiting>();
  /** Sequence numbers of the last packets that were given on. */
  readonly #given = new Set<number>();
  #strayNext: number | null = null;
  readonly #counts = { packets: 0, duplicates: 0, late: 0, foreign: 0, malformed: 0, lostSamples: 0 };

  constructor(options: RtpOptions, sink: RtpSink) {
    this.#options = { depth: 32, waitMs: 60, ...options };
    this.#sink = sink;
  }

  get counts(): RtpCounts {
    return { ...this.#counts };
  }

  /** A datagram came from an address. False: nothing of it is used. */
  push(bytes: Buffer, address: string, nowMs: number): boolean {
    this.#counts.packets += 1;
    const packet = parseRtp(bytes);
    if (typeof packet === 'string') return this.#malformed();
    const isOurs = this.#isOurs(packet, address, nowMs);
    if (!isOurs) this.#counts.foreign += 1;
    if (!isOurs || this.#isMalformed(packet)) return isOurs && this.#malformed();
    const sender = (this.#sender ??= {
      ssrc: packet.ssrc,
      payloadType: packet.payloadType,
      address,
      nextSequence: packet.sequence,
      nextTimestamp: packet.timestamp,
      lastMs: nowMs,
    });
    sender.lastMs = nowMs;
    const ahead = signed16(packet.sequence - sender.nextSequence);
    const jump = signed32(packet.timestamp - sender.nextTimestamp);
    if (Math.abs(jump) > jumpS * this.#options.rateHz) this.#restart(sender, packet);
    else if (this.#waiting.has(packet.sequence) || this.#given.has(packet.sequence)) {
      this.#counts.duplicates += 1;
      return false;
    } else if (ahead < -mostBack || ahead > mostAhead) {
      // One such number is a packet of long ago; two in a row are a sender that began again.
      const isSecond = packet.sequence === this.#strayNext;
      this.#strayNext = (packet.sequence + 1) & 0xffff;
      if (!isSecond) {
        this.#counts.late += 1;
        return false;
      }
      this.#restart(sender, packet);
    } else if (ahead < 0) {
      this.#counts.late += 1;
      return false;
    }
    this.#waiting.set(packet.sequence, { packet, sinceMs: nowMs });
    this.pass(nowMs);
    return true;
  }

  /** Time went by: what waited long enough is given on. Called at least every `waitMs`. */
  pass(nowMs: number): void {
    const sender = this.#sender;
    if (sender === null) return;
    const { depth, waitMs } = this.#options;
    for (;;) {
      const next = this.#waiting.get(sender.nextSequence) ?? this.#overdue(sender, nowMs, depth, waitMs);
      if (next === null) return;
      this.#waiting.delete(next.packet.sequence);
      this.#give(sender, next.packet);
    }
  }

  /** The first that waits, where it need not wait any more for one before it. */
  #overdue(sender: Sender, nowMs: number, depth: number, waitMs: number): Waiting | null {
    let first: Waiting | null = null;
    let oldestMs = nowMs;
    let least = Infinity;
    for (const waiting of this.#waiting.values()) {
      const ahead = signed16(waiting.packet.sequence - sender.nextSequence);
      oldestMs = Math.min(oldestMs, waiting.sinceMs);
      if (ahead >= least) continue;
      first = waiting;
      least = ahead;
    }
    return this.#waiting.size >= depth || nowMs - oldestMs >= waitMs ? first : null;
  }

  #give(sender: Sender, packet: RtpPacket): void {
    const frameBytes = 2 * this.#options.channels;
    const missing = signed32(packet.timestamp - sender.nextTimestamp);
    let { payload } = packet;
    if (missing > 0) {
      this.#counts.lostSamples += missing;
      this.#sink.onGap(missing);
    } else if (missing < 0) {
      // It tells again what was given on.
      this.#counts.late += 1;
      payload = payload.subarray(Math.min(payload.length, -missing * frameBytes));
    }
    sender.nextSequence = (packet.sequence + 1) & 0xffff;
    this.#given.add(packet.sequence);
    const [oldest] = this.#given;
    if (oldest !== undefined && this.#given.size > mostGiven) this.#given.delete(oldest);
    const endTimestamp = (packet.timestamp + packet.payload.length / frameBytes) >>> 0;
    if (signed32(endTimestamp - sender.nextTimestamp) > 0) sender.nextTimestamp = endTimestamp;
    if (payload.length > 0) this.#sink.onPcm(payload);
  }

  #isOurs(packet: RtpPacket, address: string, nowMs: number): boolean {
    if (!this.#isKind(packet.payloadType)) return false;
    const sender = this.#sender;
    if (sender === null) return true;
    const { ssrc, payloadType } = packet;
    if (sender.ssrc === ssrc && sender.payloadType === payloadType && sender.address === address) return true;
    if (nowMs - sender.lastMs < changeMs) return false;
    this.#flush(sender);
    this.#sender = null;
    this.#sink.onGap(null);
    return true;
  }

  #isKind(payloadType: number): boolean {
    const { payloadType: wanted, rateHz, channels } = this.#options;
    if (wanted !== null) return payloadType === wanted;
    // RFC 3551, table 4: 44.1 kHz, two channels and one.
    if (payloadType === 10 || payloadType === 11) return rateHz === 44_100 && channels === 12 - payloadType;
    return payloadType >= 96;
  }

  #isMalformed({ payload }: RtpPacket): boolean {
    return payload.length === 0 || payload.length % (2 * this.#options.channels) !== 0;
  }

  #malformed(): false {
    this.#counts.malformed += 1;
    return false;
  }

  #restart(sender: Sender, packet: RtpPacket): void {
    this.#flush(sender);
    this.#sink.onGap(null);
    sender.nextSequence = packet.sequence;
    sender.nextTimestamp = packet.timestamp;
  }

  #flush(sender: Sender): void {
    const left = [...this.#waiting.values()].map(({ packet }) => packet);
    this.#waiting.clear();
    const ahead = ({ sequence }: RtpPacket) => signed16(sequence - sender.nextSequence);
    for (const packet of left.toSorted((a, b) => ahead(a) - ahead(b))) this.#give(sender, packet);
    this.#given.clear();
  }
}

const signed16 = (difference: number) => (difference << 16) >> 16;
const signed32 = (difference: number) => difference | 0;
