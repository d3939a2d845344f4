/**
 * How the picture of a sound is laid out, and its axis in words that go with the alert: pictures outlive the version that drew them, so
 * whoever marks something in one asks its alert where a frequency lies. Without the library that draws: the agent's own process says it.
 *
 * Invariant (test/unit/senses/ear-picture.test.ts): what is drawn of a band lies where the axis says.
 */
import { bands, placeHz } from '../../../models/voiceprint/front-end.ts';
import { historyBands, historyColumns } from './history.ts';

/** Pixels a piece and a band, and between the two halves. */
export const across = 3;
export const up = 3;
export const gapPx = 6;

export const widthPx = historyColumns * across;
export const halfPx = historyBands * up;
export const heightPx = 2 * halfPx + gapPx;

const tenths = (value: number) => Math.round(value * 10) / 10;

/**
 * `mel 15.1-19690.3 Hz, 360x390 px, rows 0-192 198-390`: the scale is mel after Slaney (`models/voiceprint/mel.ts`), and the frequencies are those
 * of the lower and the upper edge of each half, which has these rows. A row of pixels begins where the half of a band does that is its own:
 * neighbours lie half over one another.
 */
export const pictureAxis =
  `mel ${tenths(placeHz(0.5))}-${tenths(placeHz(bands + 0.5))} Hz, ${widthPx}x${heightPx} px, ` +
  `rows 0-${halfPx} ${halfPx + gapPx}-${heightPx}`;
