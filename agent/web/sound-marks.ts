/**
 * What stands out of a sound, and where in its picture that lies: the bands as the evidence of the alert names them, the order of the shaft
 * where a band has just one, and their marks and labels in pixels of the picture. Pure.
 *
 * Invariants (test/unit/page/sound-marks.test.ts):
 *  M1  A mark lies in each half of the picture at the rows of its frequencies, and never outside that half.
 *  M2  What is higher in frequency lies higher in the picture, and each frequency in one place.
 *  M3  Labels do not lie over one another, are in the order of their bands, and within the half they stand in.
 *  M4  An order is named only where no other can be meant, at any speed within `speedError` of the one that was told.
 *  M5  Of evidence that cannot be read nothing is marked; nothing is guessed.
 */
import { melOf } from '../../models/voiceprint/mel.ts';
import type { Alert } from './floor-state.ts';

type Evidence = Alert['evidence'];

/** A half of the picture, px from its top. */
export interface Panel {
  readonly top: number;
  readonly bottom: number;
}

/** As `agent/senses/ear/picture-axis.ts` writes it. */
export interface Axis {
  readonly widthPx: number;
  readonly heightPx: number;
  /** At the lower and the upper edge of each half; between them it is mel after Slaney. */
  readonly fromHz: number;
  readonly toHz: number;
  readonly panels: readonly Panel[];
}

/** A band that is odd. */
export interface OddBand {
  /** How loud it is, or how much it changes from moment to moment. */
  readonly what: 'level' | 'change';
  readonly fromHz: number;
  readonly toHz: number;
  /** Against what was taught. */
  readonly db: number;
  /** The one order of the shaft in it; null where there is none, or more. */
  readonly order: { readonly order: number; readonly hz: number } | null;
}

export interface Mark {
  readonly band: OddBand;
  /** In each half, px. */
  readonly rows: readonly Panel[];
  /** Where its order lies in each half; none where it has none. */
  readonly lines: readonly number[];
  /** The middle of its label, in the last half, px from the top of the picture. */
  readonly labelY: number;
}

/** The speed a sample was heard at is known so well (`models/voiceprint/gate.ts`). */
export const speedError = 0.03;
/** A label of the picture is so high, with the light around its letters, px. */
export const labelPx = 24;

const number = String.raw`(\d+(?:\.\d+)?)`;
const axisText = new RegExp(String.raw`^mel ${number}-${number} Hz, (\d+)x(\d+) px, rows ((?:\d+-\d+ ?)+)$`);
const bandText = /^(level|change) (\d+)-(\d+) Hz ([+-]?\d+(?:\.\d+)?) dB$/;

/** null: that picture has no axis that is known here. */
export function axisOf(text: Evidence[string] | undefined): Axis | null {
  const found = typeof text === 'string' ? axisText.exec(text) : null;
  if (found === null) return null;
  const [fromHz = 0, toHz = 0, widthPx = 0, heightPx = 0] = found.slice(1, 5).map(Number);
  const panels = (found[5] ?? '').split(' ').map((rows) => {
    const [top = 0, bottom = 0] = rows.split('-').map(Number);
    return { top, bottom };
  });
  const isSound = fromHz < toHz && widthPx > 0 && panels.every(({ top, bottom }) => top < bottom && bottom <= heightPx);
  return isSound ? { widthPx, heightPx, fromHz, toHz, panels } : null;
}

/** Of an alert's evidence, from the lowest on. */
export function oddBandsOf({ bands, speed }: Evidence): readonly OddBand[] {
  if (typeof bands !== 'string') return [];
  return bands
    .split('; ')
    .flatMap((one): OddBand[] => {
      const [, what, ...numbers] = bandText.exec(one) ?? [];
      const [fromHz = 0, toHz = 0, db = 0] = numbers.map(Number);
      if ((what !== 'level' && what !== 'change') || fromHz >= toHz) return [];
      // How much a band changes says nothing of a line in it.
      const order = what === 'level' && typeof speed === 'number' ? orderIn(fromHz, toHz, speed / 60) : null;
      return [{ what, fromHz, toHz, db, order }];
    })
    .sort((a, b) => a.fromHz - b.fromHz || a.toHz - b.toHz);
}

function orderIn(fromHz: number, toHz: number, shaftHz: number): OddBand['order'] {
  if (!(shaftHz > 0)) return null;
  const order = Math.round((fromHz + toHz) / 2 / shaftHz);
  const [least, most] = [(1 - speedError) * shaftHz, (1 + speedError) * shaftHz];
  const isIn = order >= 1 && order * least >= fromHz && order * most <= toHz;
  const isAlone = (order - 1) * most < fromHz && (order + 1) * least > toHz;
  return isIn && isAlone ? { order, hz: order * shaftHz } : null;
}

/** Where a frequency lies in a half, px from the top of the picture. What is beyond the axis lies at its end. */
export function yOf(hz: number, { fromHz, toHz }: Axis, { top, bottom }: Panel): number {
  const share = (melOf(hz) - melOf(fromHz)) / (melOf(toHz) - melOf(fromHz));
  return bottom - Math.min(1, Math.max(0, share)) * (bottom - top);
}

/** From the highest frequency on, as they stand in the picture. @param bands from the lowest on */
export function marksOf(bands: readonly OddBand[], axis: Axis): readonly Mark[] {
  const labelled = axis.panels.at(-1);
  if (labelled === undefined) return [];
  const marks = bands.toReversed().map((band) => ({
    band,
    rows: axis.panels.map((panel) => ({ top: yOf(band.toHz, axis, panel), bottom: yOf(band.fromHz, axis, panel) })),
    lines: axis.panels.flatMap((panel) => (band.order === null ? [] : [yOf(band.order.hz, axis, panel)])),
  }));
  const wanted = marks.map(({ rows }) => {
    const { top = 0, bottom = 0 } = rows.at(-1) ?? {};
    return (top + bottom) / 2;
  });
  const places = apart(wanted, labelled);
  return marks.map((mark, i) => ({ ...mark, labelY: places[i] ?? labelled.top }));
}

/** As near to where they are wanted as goes: pushed down one after another, and those that are too low up again. */
function apart(wanted: readonly number[], { top, bottom }: Panel): readonly number[] {
  const step = Math.min(labelPx, (bottom - top) / Math.max(1, wanted.length));
  const places: number[] = [];
  for (const y of wanted) places.push(Math.max(y, (places.at(-1) ?? top - step / 2) + step));
  let below = bottom + step / 2;
  for (let i = places.length - 1; i >= 0; i -= 1) {
    below = Math.min(places[i] ?? below, below - step);
    places[i] = below;
  }
  return places;
}
