/**
 * The mel scale after Slaney (Auditory Toolbox, 1998): even in Hz up to 1 kHz, and from there even in octaves. What the bands of the ear
 * lie on, and the pictures of what it hears. Pure.
 *
 * Invariant (test/unit/page/sound-marks.test.ts): each is the inverse of the other.
 */
const slaney = 27 / Math.log(6.4);

export const melOf = (hz: number): number => (hz < 1000 ? (hz * 3) / 200 : 15 + slaney * Math.log(hz / 1000));
export const hzOf = (mel: number): number => (mel < 15 ? (mel * 200) / 3 : 1000 * Math.exp((mel - 15) / slaney));
