/**
 * What is known of a machine, event by event. The source keeps tables of states; this keeps the same, with "unknown" where the
 * source enters −1. Pure.
 *
 * Invariants (test/unit/drivers/stoll-machine-state.test.ts):
 *  - Nothing is known before it was told.
 *  - Counts from before the start are uncertain, and begin anew with the first event after it.
 *  - Every event of a generation counts once, whatever is sent again; a missing one makes all states unknown.
 *  - A data gap (121/4, 101/8), a restore (121/1), the end of data (0/2, 0/3), the recording switched off (101/6) and every start but
 *    a warm one make all states unknown.
 *  - A number nobody explains is told as it is.
 */
import { bad, good, type Decoded } from '../decoded.ts';
import type { StollEventName } from '../profiles/pushed.ts';
import { numberOf, paramOf, type StollEvent } from './event.ts';

/** A raw number is decoded by the signal's entry in the profile. */
export type Told = Decoded | number | { readonly text: string };
export type Update = readonly [name: StollEventName, told: Told];

export type Taken =
  | { readonly kind: 'repeated' }
  /** Of a generation that is over: nobody knows where it belongs. */
  | { readonly kind: 'late' }
  | {
      readonly kind: 'news';
      readonly updates: readonly Update[];
      /** Events between `fromMs` (null: not known) and this one are lost. */
      readonly gap: { readonly fromMs: number | null; readonly reason: 'data-gap' | 'events-missing' } | null;
      /** The machine was switched off with this event. */
      readonly isOff: boolean;
    };

/** Generations that are remembered, so that their events are known again when they are sent again. */
const maxGenerations = 32;
const unknown = bad('state-unknown');

/** Everything the source has a state of. Counts are ours and are never unknown. */
const states: readonly StollEventName[] = [
  'mcState',
  'stopText',
  'startMode',
  'productive',
  'creepSpeed',
  'setupMode',
  'maintenanceMode',
  'pattern',
  'piecesLeft',
  'sequencesLeft',
  'shift',
  'userState',
  'productionId',
];

export class StollMachineState {
  readonly #known = new Map<StollEventName, Told>();
  /** Last number of each generation, the newest last. */
  readonly #generations = new Map<string, number>();
  #current: string | null = null;
  #lastTimeMs: number | null = null;
  readonly #startMs: number;
  /** An event came that happened after our start. */
  #isLive = false;
  #toldMode: string | null = null;
  #pieces = 0;
  #sequences = 0;
  #missed = { pieces: false, sequences: false };

  /** @param startMs UTC ms: pieces from before may have been counted by an agent before this one, and are not counted as good */
  constructor(startMs: number) {
    this.#startMs = startMs;
  }

  /** All that is known, to be told again where it still holds. */
  known(): readonly Update[] {
    return [...this.#known, ['mode', { text: this.#mode() }]];
  }

  /** Time up to which everything was told, by the machine's clock. */
  get lastTimeMs(): number | null {
    return this.#lastTimeMs;
  }
  /** Everything up to this time has been told. */
  sign(timeMs: number): void {
    this.#lastTimeMs = Math.max(timeMs, this.#lastTimeMs ?? -Infinity);
  }

  take(event: StollEvent): Taken {
    const { generation, seq, timeMs } = event;
    const last = this.#generations.get(generation);
    if (last !== undefined && seq <= last) return { kind: 'repeated' };
    if (last !== undefined && generation !== this.#current) return { kind: 'late' };
    const isMissing = this.#current !== null && seq !== (last ?? seq - 1) + 1;
    const isOther = this.#current !== null && generation !== this.#current;
    this.#remember(generation, seq);
    const fromMs = this.#lastTimeMs;
    this.#lastTimeMs = timeMs;
    if (!this.#isLive && timeMs >= this.#startMs) {
      // Counting begins here: the first count an agent takes for a step has nothing of the past in it.
      this.#isLive = true;
      this.#pieces = 0;
      this.#sequences = 0;
    }
    const updates: Update[] = [];
    const reason = isGapEvent(event) ? 'data-gap' : isMissing || isOther ? 'events-missing' : null;
    if (reason !== null) this.#forget(updates);
    const isOff = this.#apply(event, updates);
    for (const [name, told] of updates) if (states.includes(name)) this.#known.set(name, told);
    const mode = this.#mode();
    if (mode !== this.#toldMode) updates.push(['mode', { text: mode }]);
    this.#toldMode = mode;
    return { kind: 'news', updates: latest(updates), gap: reason === null ? null : { fromMs, reason }, isOff };
  }

  /**
   * Set-up and maintenance are flags that are told when they change, which may be never: that they were not told is a value of its
   * own, so that the machine's state need not wait for them.
   */
  #mode(): 'maintenance' | 'setup' | 'production' | 'not-told' {
    const isOn = (name: StollEventName): boolean | null => {
      const told = this.#known.get(name);
      if (typeof told !== 'object' || !('quality' in told) || told.quality === 'bad') return null;
      return told.value === true;
    };
    const maintenance = isOn('maintenanceMode');
    const setup = isOn('setupMode');
    if (maintenance === true) return 'maintenance';
    if (setup === true) return 'setup';
    return maintenance === null || setup === null ? 'not-told' : 'production';
  }

  #remember(generation: string, seq: number): void {
    this.#current = generation;
    this.#generations.delete(generation);
    this.#generations.set(generation, seq);
    const [oldest] = this.#generations.keys();
    if (this.#generations.size > maxGenerations && oldest !== undefined) this.#generations.delete(oldest);
  }

  /** Nothing is known any more, and pieces may have been missed. */
  #forget(updates: Update[]): void {
    for (const name of states) updates.push([name, unknown]);
    this.#missed = { pieces: true, sequences: true };
  }

  /** True when the machine was switched off. */
  #apply({ type, id, param, state }: StollEvent, updates: Update[]): boolean {
    const put = (name: StollEventName, told: Told): void => void updates.push([name, told]);
    const key = `${type}/${id}`;
    let isOff = false;
    switch (key) {
      case '0/1':
      case '1/6':
      case '1/7':
      case '1/10':
      case '101/2':
      case '101/3':
      case '101/4':
      case '101/5':
      case '121/2':
      case '121/3':
      case '121/4':
      case '101/8':
        break;
      case '0/2':
      case '0/3':
      case '101/6':
      case '121/1':
        this.#forget(updates);
        break;
      case '1/1':
        put('pattern', textOr(paramOf(param, 'p')));
        put('piecesLeft', unknown);
        break;
      case '1/2':
        putFlags(param, put);
        break;
      case '1/3':
        this.#pieces += 1;
        put('pieces', this.#count('pieces', this.#pieces));
        put('piecesLeft', numberOf(param) ?? unknown);
        break;
      case '1/4':
        this.#sequences += 1;
        put('sequences', this.#count('sequences', this.#sequences));
        put('sequencesLeft', numberOf(param) ?? unknown);
        break;
      case '1/5':
        put('shift', param.trim() === '' ? unknown : { text: param });
        break;
      case '1/9':
        put('piecesLeft', numberOf(param) ?? unknown);
        break;
      case '2/32001': {
        const mode = numberOf(param);
        // Only after a warm start are the states those of before.
        if (mode !== 1) this.#forget(updates);
        else {
          put('mcState', id);
          put('stopText', { text: '' });
        }
        put('startMode', mode ?? unknown);
        break;
      }
      case '2/32002':
      case '101/7':
        put('mcState', 32_002);
        put('stopText', { text: '' });
        isOff = true;
        break;
      default:
        if (type === 2 && id > 0) {
          put('mcState', id);
          put('stopText', { text: id === 1 ? '' : param });
        } else if (type === 3 && id > 0) {
          put('userInfo', id);
          putOrder(param, put);
        } else if (type === 4 && id > 0) {
          put('userState', id);
          putOrder(param, put);
        } else put('otherEvent', { text: key });
    }
    if (state !== null) putState(type, id, state, put);
    return isOff;
  }

  #count(what: 'pieces' | 'sequences', value: number): Decoded {
    const missed = this.#missed[what];
    this.#missed[what] = false;
    if (!this.#isLive) return { quality: 'uncertain', value, reason: 'before-start' };
    return missed ? { quality: 'uncertain', value, reason: 'events-missed' } : good(value);
  }
}

/** The last word on each name; an event that first makes all unknown and then tells one gives that one. */
function latest(updates: readonly Update[]): Update[] {
  return [...new Map(updates)];
}

function isGapEvent({ type, id }: StollEvent): boolean {
  return (type === 121 && id === 4) || (type === 101 && id === 8);
}

const textOr = (text: string | null): Told => (text === null || text === '' ? unknown : { text });

/** The productivity flags as a number: bit 1 productive, 2 creep speed, 6 set-up, 7 maintenance. */
function putFlags(param: string, put: (name: StollEventName, told: Told) => void): void {
  const flags = numberOf(param);
  const bit = (n: number): Told => (flags === null ? unknown : good(Math.floor(flags / 2 ** n) % 2 === 1));
  put('productive', bit(1));
  put('creepSpeed', bit(2));
  put('setupMode', bit(6));
  put('maintenanceMode', bit(7));
}

/** The production id alone: the rest is names, hashes of PINs and what people typed. */
function putOrder(param: string, put: (name: StollEventName, told: Told) => void): void {
  const order = paramOf(param, 'PI');
  if (order !== null && order !== '') put('productionId', { text: order });
}

/** The state the source has behind an event; −1 is unknown, and a contradiction is no state. */
function putState(type: number, id: number, state: number, put: (name: StollEventName, told: Told) => void): void {
  if (state === -1) put('mcState', unknown);
  else if (type === 2 && state !== id) put('mcState', bad('contradictory'));
  else if (type !== 2) put('mcState', state);
}
