/** A QR code for a terminal. */

/** Half blocks, two rows in a line; light on dark as most terminals are. */
export async function drawQr(text: string): Promise<string> {
  const { default: qr } = await import('qrcode-terminal');
  return new Promise((resolve) => qr.generate(text, { small: true }, resolve));
}
