/**
 * A QR code for a terminal.
 *
 * Invariants (test/integration/certificates-qr.test.ts):
 *  Q1  What a terminal shows of it is decoded to the text that was given; with colours on a light terminal, too.
 *  Q2  It has a light margin of four modules on every side, as ISO/IEC 18004 asks for.
 */

/** Bright white on black, whatever the colours of the terminal are. */
const [colours, plain] = ['\u001b[97;40m', '\u001b[0m'];
/** The package draws a margin of one module. */
const more = 3;

/**
 * Half blocks, two rows of modules in a line; light is drawn, dark is left.
 * @param isColoured false: as the terminal is, which has to be a dark one
 */
export async function drawQr(text: string, isColoured = false): Promise<string> {
  const { default: qr } = await import('qrcode-terminal');
  const drawn = await new Promise<string>((resolve) => qr.generate(text, { small: true }, resolve));
  const [top = '', ...rest] = drawn.split('\n').filter((line) => line !== '');
  const side = '█'.repeat(more);
  const light = '█'.repeat(top.length + 2 * more);
  // The first line is the margin's row alone, in its lower half: with the upper half drawn it is two rows.
  const lines = [light, light, ...rest.map((line) => side + line + side), light, light];
  return lines.map((line) => (isColoured ? colours + line + plain : line)).join('\n');
}
