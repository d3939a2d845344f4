/**
 * What the ear tells of machines, as events and alerts: a machine that does not sound like itself is one occurrence from the first odd sound
 * until it sounds like itself again. The ear has judged already, so no rule of the configuration stands behind it.
 *
 * Invariants (test/unit/pipeline/sounds.test.ts):
 *  S1  One stretch of odd sound is one `sound_odd` that is opened and one that is closed, and one occurrence of one alert.
 *  S2  An alert from before a start, of the agent or of the ear's process, is over only when the ear has listened long enough since.
 */
import type { EventRecord } from '../cloud-bridge/contract.ts';
import type { AlertDesk } from './alerts/desk.ts';
import type { GatewayRule } from './gateway-alerts.ts';
import type { IncidentBook } from './incidents/book.ts';
import { legendOf } from './incidents/legend.ts';
import type { Journaling } from './journaling.ts';
import type { OddSound, SoundPort } from './pipeline-ports.ts';
import type { Instant } from './rules/conditions.ts';

const oddEvent = 'sound_odd';
const taughtEvent = 'voiceprint_taught';
const labelledEvent = 'sound_labelled';
/** Staff may say of such an alert whether it was right. */
export const oddRule = 'ear-odd-sound';

const odd: GatewayRule = {
  id: oddRule,
  type: 'sound_odd',
  priority: 'medium',
  latch: false,
  text: 'The machine does not sound like itself',
  runbook:
    'Go and listen. Look at the needle, the hook or cams, the belt and loose covers. Where a fault is suspected, look there first: it is a guess, learned from simulated machines, with its probability, and no finding. Then say here what it was: the threshold of this machine learns from it. If all is well, and it sounds so from now on (another material, after maintenance), enrol it anew.',
};

export interface SoundDeskParts {
  readonly journal: Journaling;
  readonly desk: AlertDesk;
  readonly incidents: Pick<IncidentBook, 'told'>;
  readonly isWatched: (machine: string) => boolean;
  readonly now: () => Instant;
}

export class SoundDesk implements SoundPort {
  readonly #p: SoundDeskParts;
  /** As it was told last, by machine. */
  readonly #lasting = new Map<string, OddSound>();

  constructor(parts: SoundDeskParts) {
    this.#p = parts;
  }

  /** For taking over what is open from before the start. */
  static readonly rules: readonly GatewayRule[] = [odd];

  static runbook(rule: string): string | null {
    return rule === odd.id ? odd.runbook : null;
  }

  began(sound: OddSound): { occurrence: string | null; durable: Promise<void> } {
    const { isWatched, journal, desk, incidents, now } = this.#p;
    const { machine, needles, spectrogram } = sound;
    if (!isWatched(machine)) return { occurrence: null, durable: journal.durable() };
    const before = this.#lasting.get(machine);
    if (before !== undefined) this.#note(before, 'closed', before.sinceMs, { lost: true });
    this.#lasting.set(machine, sound);
    const at = now();
    const { text, ...rule } = odd;
    const activation = {
      onsetMs: Math.round(sound.sinceMs),
      raisedMs: Math.round(at.wallMs),
      signal: null,
      cause: 'sound',
      text,
      evidence: dataOf(sound),
    };
    this.#note(sound, 'opened', sound.sinceMs);
    desk.activate(machine, rule, activation, false, false, at, (occurrence) =>
      incidents.told({
        machine,
        occurrence,
        sense: 'ear',
        key: odd.id,
        isNew: true,
        needles: needles === null ? [] : needles.needles.map((needle) => ({ needle, k: needles.k })),
        fromMs: activation.onsetMs,
        lastMs: null,
        picture: spectrogram,
        legend: legendOf('ear', activation.evidence),
      }),
    );
    journal.flush();
    const occurrence = desk.open().find((one) => one.machine === machine && one.rule === odd.id)?.id ?? null;
    return { occurrence, durable: journal.durable() };
  }

  ended(machine: string, atMs: number): void {
    const { journal, desk, now } = this.#p;
    const sound = this.#lasting.get(machine);
    if (sound === undefined) return;
    this.#lasting.delete(machine);
    this.#note(sound, 'closed', atMs);
    desk.clear(machine, odd.id, Math.round(atMs), now());
    journal.flush();
  }

  anew(machine: string, atMs: number): void {
    const sound = this.#lasting.get(machine);
    if (sound === undefined) return;
    this.#lasting.delete(machine);
    this.#note(sound, 'closed', atMs, { lost: true });
    this.#p.journal.flush();
  }

  calm(machine: string, atMs: number): void {
    const { isWatched, journal, desk, now } = this.#p;
    if (!isWatched(machine) || this.#lasting.has(machine)) return;
    desk.clear(machine, odd.id, Math.round(atMs), now());
    journal.flush();
  }

  taught(machine: string, data: EventRecord['data']): Promise<void> {
    return this.#instant(machine, taughtEvent, data);
  }

  labelled(machine: string, data: EventRecord['data']): Promise<void> {
    return this.#instant(machine, labelledEvent, data);
  }

  #instant(machine: string, event: string, data: EventRecord['data']): Promise<void> {
    const { isWatched, journal, now } = this.#p;
    if (isWatched(machine)) journal.instant(machine, now().wallMs, event, data);
    journal.flush();
    return journal.durable();
  }

  #note(sound: OddSound, phase: EventRecord['phase'], atMs: number, more: EventRecord['data'] = {}): void {
    this.#p.journal.event({
      machine: sound.machine,
      atMs: Math.round(atMs),
      event: oddEvent,
      phase,
      fromMs: phase === 'closed' ? Math.round(sound.sinceMs) : null,
      data: { ...dataOf(sound), ...more },
    });
  }
}

const tenths = (value: number) => Math.round(value * 10) / 10;

/** null: none is. */
const suspectedText = (suspected: OddSound['suspected']): string | null =>
  suspected.length === 0
    ? null
    : suspected.map(({ fault, probability }) => `${fault} ${Math.round(probability * 100) / 100}`).join('; ');

function dataOf({ ranges, ...sound }: OddSound): EventRecord['data'] {
  const { path, score, threshold, spread, print, moved, movedBy, speed, suspected, angle, needles } = sound;
  const { spectrogram, spectrogramAxis, model, isSimulated } = sound;
  const said = ranges.map(
    ({ what, fromHz, toHz, db }) => `${what} ${fromHz}-${toHz} Hz ${db > 0 ? '+' : ''}${tenths(db)} dB`,
  );
  return {
    path,
    score: Math.round(score * 1000) / 1000,
    threshold: Math.round(threshold * 1000) / 1000,
    spread: Math.round(spread * 10_000) / 10_000,
    print,
    moved: Math.round(moved * 100) / 100,
    movedBy,
    speed: tenths(speed),
    bands: said.join('; ').slice(0, 400),
    suspected: suspectedText(suspected),
    angle: angle === null ? null : `${Math.round(angle.degrees) % 360} ± ${Math.ceil(angle.k)} degrees`,
    needles: needles === null ? null : needles.needles.map((one) => `${one} ± ${needles.k}`).join('; '),
    spectrogram,
    spectrogramAxis,
    model,
    isSimulated,
  };
}
