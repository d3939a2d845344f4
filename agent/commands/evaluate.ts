/** `selvedge evaluate`: how good the senses are that ship, on data whose truth is known. The first word names the sense. */
import { AgentError } from '../errors.ts';
import * as vision from './evaluate-vision.ts';
import * as voiceprint from './evaluate-voiceprint.ts';

export const help = `${vision.help}
${voiceprint.help}`;

export async function main(args: readonly string[]): Promise<number> {
  // Options may come first; a value of one is no sense.
  if (args[0] === 'voiceprint') return voiceprint.main(args.slice(1));
  if (args.includes('vision')) return vision.main(args);
  throw new AgentError('usage', 'evaluate takes the word vision or voiceprint first');
}
