/** Diagnostics for whoever helps from afar: how the agent is, what the doctor finds, and the last lines of the log. Pure. */
import { fits } from './raw.ts';

export interface BundleParts {
  readonly agentVersion: string;
  readonly node: string;
  readonly platform: string;
  readonly status: object;
  readonly checks: readonly object[];
  /** Lines of JSON, oldest first. */
  readonly log: readonly string[];
}

/** Whole but for the oldest lines, which give way until it fits; `logLeftOut` says how many. */
export function bundleOf({ log, checks, ...rest }: BundleParts): Readonly<Record<string, unknown>> {
  const lines = log.map((line) => parsed(redact(line))).filter((line) => line !== null);
  for (let kept = lines.length; kept > 0; kept = Math.floor(kept * 0.8)) {
    const bundle = { ...rest, checks, log: lines.slice(-kept), logLeftOut: lines.length - kept };
    if (fits(bundle)) return bundle;
  }
  const short = { ...rest, checks, log: [], logLeftOut: lines.length };
  return fits(short) ? short : { ...rest, checks: [], log: [], logLeftOut: lines.length, checksLeftOut: checks.length };
}

/** Nobody hands the log a secret; this is for the day somebody does. */
export function redact(line: string): string {
  return line
    .replaceAll(
      /"([\w-]*(?:password|passwd|secret|token|authorization|cookie|private)[\w-]*)":"(?:[^"\\]|\\.)*"/gi,
      '"$1":"***"',
    )
    .replaceAll(/\/\/[^/\s"@]*:[^/\s"@]*@/g, '//***@')
    .replaceAll(/-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, '***');
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
