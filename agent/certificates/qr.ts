/** A QR code for a terminal. */
interface QrTerminal {
  generate(text: string, options: { readonly small: boolean }, done: (drawn: string) => void): void;
}

/** Half blocks, two rows in a line; light on dark as most terminals are. */
export async function drawQr(text: string): Promise<string> {
  // @ts-expect-error The package brings no types.
  const { default: qr } = (await import('qrcode-terminal')) as { default: QrTerminal };
  return new Promise((resolve) => qr.generate(text, { small: true }, resolve));
}
