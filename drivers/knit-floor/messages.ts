/**
 * The messages of the circular-knit floor: digits without any frame, told apart by their first digit alone. Pure, byte by byte.
 *
 *     11 10 yellow lamp on, off    21 20 red    31 30 green    41 40 quality check    7dddd a round, with the speed
 *     8 button    9 alive          (BuiDucThinh/knitting-smart-factory, KF4/supportClass/NetworkManager.py)
 *
 * Nothing but the grammar says where a message begins. So where a byte does not fit, every explanation with one wrong byte is
 * followed at once (a byte put in, or one in another's place), and what they contradict each other about is never told. Most
 * explanations die within a message; a pause of the line kills those that stand inside one.
 *
 * Invariants (test/unit/drivers/knit-floor-messages.test.ts):
 *  - The cuts between pushes make no difference.
 *  - Of a clean stream with a burst of bytes that are no digits in it, put in or in the place of others, nothing is told that was
 *    not sent. The messages it hit are lost, and what fits twice behind it (`7#0008` is a round, or a round and a button).
 *  - After a pause everything is told again.
 *  - Where it was certain that a round began, it is told even with a speed the machine cannot have (the driver calls that bad),
 *    and what follows is uncertain. Elsewhere such a round is no explanation.
 *  - Memory does not grow with what arrives.
 * What cannot be seen: a wrong digit that leaves a possible message, and a lost byte where the rest still fits.
 */

export type Lamp = 'yellow' | 'red' | 'green' | 'quality';

export type FloorMessage =
  | { readonly kind: 'lamp'; readonly lamp: Lamp; readonly on: boolean }
  /** `raw`: the four digits as a number. */
  | { readonly kind: 'round'; readonly raw: number }
  | { readonly kind: 'button' }
  | { readonly kind: 'alive' };

/** What four digits of a speed may be, as they are sent. */
export interface RawSpeeds {
  readonly lowest: number;
  readonly highest: number;
}

export interface Parsed {
  readonly messages: readonly FloorMessage[];
  /** Times something was thrown away: noise or a damaged message. A burst counts once. */
  readonly damaged: number;
}

const lamps: Readonly<Record<string, Lamp>> = { '1': 'yellow', '2': 'red', '3': 'green', '4': 'quality' };

/**
 * What of a message has come. `''` none; `1`…`4` and `7`, `7d`, … as they came; with a wrong byte in it `L` for a lamp message
 * without its last digit, `R`, `Rd`, … for a round, `?` where its digit is not known.
 */
type Begun = string;

interface Completed {
  /** Number of the byte it ended with; with `message` it makes two explanations tell the same thing. */
  readonly end: number;
  readonly message: FloorMessage;
}
interface Explanation {
  readonly begun: Begun;
  /** Messages that other explanations do not have. */
  readonly told: readonly Completed[];
}
interface Step {
  readonly begun: Begun;
  readonly message: FloorMessage | null;
}

/** Where a stream can stand when nothing is known of it. */
const anywhere: readonly Begun[] = ['', 'L', 'R', 'R?', 'R??', 'R???'];
const maxExplanations = 24;
/** Contested messages of so many bytes are given up: the line neither pauses nor says anything unmistakable. */
const maxContestedBytes = 256;

const isDigit = (char: string): boolean => char >= '0' && char <= '9' && char.length === 1;
/** Some boards end what they print with a line end or a blank; it is a boundary, never a part of a message. */
const isSeparator = (char: string): boolean => char === '\r' || char === '\n' || char === ' ';

export class FloorParser {
  readonly #speeds: RawSpeeds;
  #explanations: readonly Explanation[] = [{ begun: '', told: [] }];
  #bytes = 0;
  #contestedFrom = 0;
  #inNoise = false;
  /** A whole message, or nothing at all, has come since the last noise: what looks like the beginning of a round is one. */
  #isInStep = true;

  constructor(speeds: RawSpeeds) {
    this.#speeds = speeds;
  }

  /** True while a message has begun. */
  get isInside(): boolean {
    return this.#explanations.some(({ begun }) => begun !== '');
  }
  /** True while it is not certain where messages begin. */
  get isUncertain(): boolean {
    return this.#explanations.length > 1;
  }

  push(bytes: Uint8Array): Parsed {
    const messages: FloorMessage[] = [];
    let damaged = 0;
    for (const byte of bytes) damaged += this.#take(String.fromCharCode(byte), messages);
    return { messages, damaged };
  }

  /** The line has been silent for longer than one sending is ever torn apart: messages begin here. */
  pause(): Parsed {
    const messages: FloorMessage[] = [];
    this.#isInStep ||= this.isUncertain || !this.isInside;
    if (this.isUncertain) {
      const outside = this.#explanations.filter(({ begun }) => begun === '');
      this.#settle(outside.length > 0 ? outside : [{ begun: '', told: [] }], messages);
    }
    return { messages, damaged: 0 };
  }

  /** What has begun will not be ended: the rest was lost, or belongs to a connection that is gone. */
  abandon(): Parsed {
    const { messages } = this.pause();
    const damaged = this.isInside ? 1 : 0;
    this.#explanations = [{ begun: '', told: [] }];
    this.#inNoise = false;
    this.#isInStep = true;
    return { messages, damaged };
  }

  #take(char: string, messages: FloorMessage[]): number {
    this.#bytes += 1;
    if (isSeparator(char) && (this.isUncertain || !this.isInside)) {
      messages.push(...this.pause().messages);
      return 0;
    }
    const [only] = this.#explanations;
    if (this.#explanations.length === 1 && only !== undefined) {
      const step = isDigit(char) ? this.#step(only.begun, char, this.#isInStep) : null;
      if (step !== null) {
        this.#inNoise = false;
        this.#explanations = [{ begun: step.begun, told: [] }];
        if (step.message !== null) messages.push(step.message);
        this.#isInStep ||= step.begun === '';
        if (step.message?.kind === 'round' && !this.#isPossible(only.begun.slice(1) + char)) {
          this.#contestedFrom = this.#bytes;
          this.#isInStep = false;
          // Or it was none, and other messages are hidden in it: those are lost.
          this.#settle([{ begun: '', told: [] }, ...this.#repaired(only.begun, char).map(untold)], messages);
        }
        return 0;
      }
      this.#contestedFrom = this.#bytes;
      this.#isInStep = false;
      this.#settle(this.#repaired(only.begun, char), messages);
      return this.#countNoise(char);
    }
    if (!isDigit(char)) {
      this.#settle(
        this.#explanations.flatMap((one) => this.#withNoise(one)),
        messages,
      );
      return this.#countNoise(char);
    }
    this.#inNoise = false;
    const alive = this.#explanations.flatMap((one) => {
      const step = this.#step(one.begun, char);
      return step === null ? [] : [this.#advanced(one, step)];
    });
    if (alive.length > 0) {
      this.#settle(alive, messages);
      return 0;
    }
    // More than one byte was wrong: anything may have been lost.
    this.#settle(
      anywhere.map((begun) => ({ begun, told: [] })),
      messages,
    );
    return 1;
  }

  #countNoise(char: string): number {
    const begins = !this.#inNoise;
    this.#inNoise = !isDigit(char);
    return begins ? 1 : 0;
  }

  /** One digit further, or null where it cannot stand there. `isCertain`: a round has begun, whatever its speed. */
  #step(begun: Begun, digit: string, isCertain = false): Step | null {
    if (begun === '') {
      if (digit === '8') return { begun: '', message: { kind: 'button' } };
      if (digit === '9') return { begun: '', message: { kind: 'alive' } };
      return digit === '7' || lamps[digit] !== undefined ? { begun: digit, message: null } : null;
    }
    const lamp = lamps[begun];
    if (lamp !== undefined || begun === 'L') {
      if (digit !== '0' && digit !== '1') return null;
      return { begun: '', message: lamp === undefined ? null : { kind: 'lamp', lamp, on: digit === '1' } };
    }
    const round = begun + digit;
    const digits = round.slice(1);
    if (!(isCertain && begun.startsWith('7')) && !this.#isPossible(digits)) return null;
    if (digits.length < 4) return { begun: round, message: null };
    return { begun: '', message: begun.startsWith('7') ? { kind: 'round', raw: Number(digits) } : null };
  }

  /** Whether a speed can begin with these digits, `?` being any. */
  #isPossible(digits: string): boolean {
    const lowest = Number(digits.replaceAll('?', '0').padEnd(4, '0'));
    const highest = Number(digits.replaceAll('?', '9').padEnd(4, '9'));
    return lowest <= this.#speeds.highest && highest >= this.#speeds.lowest;
  }

  /** A byte stands where one cannot be read: in the place of another, whose message is lost. */
  #stepUnread(begun: Begun): readonly Begun[] {
    if (begun === '') return ['', 'L', 'R'];
    if (begun === 'L' || lamps[begun] !== undefined) return [''];
    const digits = `${begun.slice(1)}?`;
    return digits.length < 4 ? [`R${digits}`] : [''];
  }

  #advanced(one: Explanation, { begun, message }: Step): Explanation {
    return { begun, told: message === null ? one.told : [...one.told, { end: this.#bytes, message }] };
  }

  #withNoise({ begun, told }: Explanation): Explanation[] {
    return [spoilt(begun), ...this.#stepUnread(begun)].map((next) => ({ begun: next, told }));
  }

  /** Every explanation with one wrong byte of what has begun and the byte that does not fit. */
  #repaired(begun: Begun, char: string): Explanation[] {
    const noise = this.#withNoise({ begun, told: [] });
    if (!isDigit(char)) return noise;
    // The wrong byte may have been one before: each is tried, as long as they are known.
    const known = /^\d*$/.test(begun) ? begun : '';
    const window = known + char;
    const found = known === begun ? [] : noise;
    for (let wrong = 0; wrong < window.length; wrong += 1) {
      let some: Explanation[] = [{ begun: '', told: [] }];
      for (const [i, digit] of Array.from(window).entries()) {
        if (i === wrong) some = some.flatMap((one) => this.#withNoise(one));
        else {
          some = some.flatMap((one) => {
            const step = this.#step(one.begun, digit);
            if (step === null) return [];
            const end = this.#bytes - (window.length - 1 - i);
            return [
              {
                begun: step.begun,
                told: step.message === null ? one.told : [...one.told, { end, message: step.message }],
              },
            ];
          });
        }
      }
      found.push(...some);
    }
    return found;
  }

  /**
   * What all explanations have in common is told; two that stand at the same place are one from here on, and what they
   * contradict each other about is lost.
   */
  #settle(given: readonly Explanation[], messages: FloorMessage[]): void {
    const byPlace = new Map<Begun, readonly Completed[]>();
    for (const { begun, told } of given) {
      const other = byPlace.get(begun);
      byPlace.set(begun, other === undefined ? told : common(other, told));
    }
    let explanations = [...byPlace].map(([begun, told]): Explanation => ({ begun, told }));
    if (explanations.length > maxExplanations) explanations = anywhere.map((begun) => ({ begun, told: [] }));
    const [first, ...others] = explanations;
    const shared = others.reduce((so, { told }) => common(so, told), first?.told ?? []);
    if (shared.length > 0) {
      messages.push(...shared.map(({ message }) => message));
      explanations = explanations.map(({ begun, told }) => ({ begun, told: told.filter((one) => !has(shared, one)) }));
    }
    if (explanations.length > 1 && this.#bytes - this.#contestedFrom > maxContestedBytes) {
      this.#contestedFrom = this.#bytes;
      explanations = explanations.map(({ begun }) => ({ begun, told: [] }));
    }
    this.#explanations = explanations;
  }
}

const untold = ({ begun }: Explanation): Explanation => ({ begun, told: [] });

/** A byte was put in: the place is the same, the message is damaged. */
function spoilt(begun: Begun): Begun {
  if (lamps[begun] !== undefined) return 'L';
  return begun.startsWith('7') ? `R${begun.slice(1)}` : begun;
}

const has = (told: readonly Completed[], one: Completed): boolean =>
  told.some((other) => other.end === one.end && isSame(other.message, one.message));

function isSame(a: FloorMessage, b: FloorMessage): boolean {
  if (a.kind === 'lamp' && b.kind === 'lamp') return a.lamp === b.lamp && a.on === b.on;
  if (a.kind === 'round' && b.kind === 'round') return a.raw === b.raw;
  return a.kind === b.kind;
}

const common = (a: readonly Completed[], b: readonly Completed[]): readonly Completed[] =>
  a.filter((one) => has(b, one));
