/** Trouble on the wire of request and reply: what is wrong with the next replies. Several can be armed at once. */
import type { Random } from '../random.ts';
import type { ScenarioDisturbance } from '../scenario/schema.ts';

export interface ReplyChange {
  readonly drop: boolean;
  readonly delayMs: number;
  readonly wrongUnit: boolean;
  readonly exception: number | null;
  /** Bytes that come before the reply. */
  readonly garbage: Uint8Array | null;
}

export interface ReplyTrouble {
  arm(disturbance: ScenarioDisturbance): void;
  /** What to do to the reply that is about to go out; counts armed troubles down. */
  next(): ReplyChange;
}

interface Armed {
  readonly disturbance: ScenarioDisturbance;
  left: number;
  readonly untilMs: number;
}

/** `nowMs` is a monotonic clock. */
export function createReplyTrouble(random: Random, nowMs: () => number): ReplyTrouble {
  let armed: Armed[] = [];
  return {
    arm(disturbance) {
      const { forS, count } = disturbance;
      if (forS === undefined) armed.push({ disturbance, left: count, untilMs: Number.POSITIVE_INFINITY });
      else armed.push({ disturbance, left: Number.POSITIVE_INFINITY, untilMs: nowMs() + forS * 1000 });
    },
    next() {
      const now = nowMs();
      armed = armed.filter((entry) => entry.left > 0 && now < entry.untilMs);
      let change: ReplyChange = { drop: false, delayMs: 0, wrongUnit: false, exception: null, garbage: null };
      for (const entry of armed) {
        entry.left -= 1;
        change = apply(change, entry.disturbance, random);
      }
      return change;
    },
  };
}

function apply(change: ReplyChange, { verb, params }: ScenarioDisturbance, random: Random): ReplyChange {
  switch (verb) {
    case 'drop':
      return { ...change, drop: true };
    case 'delay':
    case 'late_reply':
      return { ...change, delayMs: Math.max(change.delayMs, params.delayMs) };
    case 'wrong_unit':
      return { ...change, wrongUnit: true };
    case 'exception':
      return { ...change, exception: params.code };
    case 'garbage':
      return { ...change, garbage: Uint8Array.from({ length: params.bytes }, () => Math.floor(random() * 256)) };
    default:
      return change;
  }
}
