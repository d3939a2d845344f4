/** A password from a person at a terminal, unseen, or from a pipe. */
import { StringDecoder } from 'node:string_decoder';

/** The part of `process.stdin` that is used. */
export interface PasswordInput extends AsyncIterable<Buffer | string> {
  readonly isTTY?: boolean;
  setRawMode?(raw: boolean): unknown;
  pause(): unknown;
}

const maxBytes = 4_096;

/** Asks twice at a terminal; reads the first line of a pipe. Null: nothing came, the two differ, or Ctrl-C. */
export async function readPassword(
  input: PasswordInput,
  tell: (text: string) => void,
  prompt: string,
): Promise<string | null> {
  const isTerminal = input.isTTY === true && input.setRawMode !== undefined;
  // One reader for both lines: what is typed or pasted ahead is not lost between them.
  const lines = linesOf(input);
  try {
    if (!isTerminal) return nonEmpty(await nextLine(lines));
    input.setRawMode?.(true);
    tell(`${prompt}: `);
    const first = await nextLine(lines);
    tell('\nThe same again: ');
    const second = first === null ? null : await nextLine(lines);
    tell('\n');
    return first === second ? nonEmpty(first) : null;
  } finally {
    if (isTerminal) input.setRawMode?.(false);
    input.pause();
  }
}

const nonEmpty = (text: string | null) => (text === '' ? null : text);

async function nextLine(lines: AsyncGenerator<string, void>): Promise<string | null> {
  const { value, done } = await lines.next();
  return done === true || value === undefined ? null : value;
}

/** Lines without their ends; in raw mode also backspace, and Ctrl-C or Ctrl-D as the end. */
async function* linesOf(input: AsyncIterable<Buffer | string>): AsyncGenerator<string, void> {
  const decoder = new StringDecoder('utf8');
  let text = '';
  let afterReturn = false;
  for await (const chunk of input) {
    for (const sign of typeof chunk === 'string' ? chunk : decoder.write(chunk)) {
      if (sign === '\n' && afterReturn) {
        afterReturn = false;
        continue;
      }
      afterReturn = sign === '\r';
      if (sign === '\r' || sign === '\n') {
        yield text;
        text = '';
      } else if (sign === '\u0003' || sign === '\u0004') return;
      else if (sign === '\u007f' || sign === '\b') text = Array.from(text).slice(0, -1).join('');
      else if (text.length < maxBytes) text += sign;
    }
  }
  if (text !== '') yield text;
}
