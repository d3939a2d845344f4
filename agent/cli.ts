/**
 * The verbs of the agent. Each lives in `commands/` and is loaded only when asked for, so that `check` does not pay for
 * what `run` needs. Whatever goes wrong ends as one clear line, never as a stack trace.
 */

/** What a file in `commands/` exports. */
export interface Command {
  readonly help: string;
  /** Resolves with the exit code: 0 good, 1 a finding or a failed check, 2 usage or bad configuration. */
  main(args: readonly string[]): Promise<number>;
}

export const verbs = [
  'run',
  'check',
  'user',
  'trust',
  'outbox',
  'key',
  'doctor',
  'probe',
  'scan',
  'audit',
  'join',
  'backup',
  'restore',
  'remote',
  'models',
  'evaluate',
  'teach',
  'roll',
  'roll-map',
  'calibrate',
  'styles',
  'clip',
  'cert',
] as const;
export type Verb = (typeof verbs)[number];

export interface CliPorts {
  readonly load: (verb: Verb) => Promise<Command>;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Show stacks of unexpected errors. */
  readonly debug: boolean;
}

/** Runs one verb to its end. Never rejects. */
export async function runCli(argv: readonly string[], ports: CliPorts): Promise<number> {
  const [word = 'help', ...args] = argv;
  const verb = verbs.find((known) => known === word);
  if (verb === undefined) {
    ports.err(`selvedge: the agent has no verb '${word}'; it has ${verbs.join(', ')}\n`);
    return 2;
  }
  try {
    const command = await ports.load(verb);
    const options = args.includes('--') ? args.slice(0, args.indexOf('--')) : args;
    if (options.includes('--help') || options.includes('-h')) {
      ports.out(command.help);
      return 0;
    }
    return await command.main(args);
  } catch (error) {
    const told = explain(error);
    if (told !== null) {
      ports.err(`${told}\n`);
      return 2;
    }
    const message = error instanceof Error ? error.message : String(error);
    ports.err(
      `selvedge ${verb}: ${firstLine(message)} — this is a bug; please report it. SELVEDGE_DEBUG=1 shows where\n`,
    );
    if (ports.debug && error instanceof Error) ports.err(`${error.stack ?? ''}\n`);
    return 1;
  }
}

/** The line for an error of one of the rooms' tables or for wrong options; null for an error nobody foresaw. */
export function explain(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  if ('entry' in error && isEntry(error.entry)) {
    const lines = error.message.split('\n');
    // Several places to correct: one line each, the cure once.
    return lines.length === 1
      ? `${error.message} — do: ${error.entry.cure}`
      : [`${error.entry.code} ${error.entry.meaning} — do: ${error.entry.cure}`, ...lines.map(withoutCode)].join('\n');
  }
  if ('code' in error && typeof error.code === 'string' && error.code.startsWith('ERR_PARSE_ARGS_')) {
    return `AGT-103 ${firstLine(error.message).replace(/\.? To specify a positional.*$/, '')} — do: see --help`;
  }
  return null;
}

function isEntry(value: unknown): value is { readonly code: string; readonly meaning: string; readonly cure: string } {
  return typeof value === 'object' && value !== null && 'code' in value && 'meaning' in value && 'cure' in value;
}

const firstLine = (text: string) => text.split('\n')[0] ?? '';
const withoutCode = (line: string) => line.replace(/^[A-Z]{3}-\d+ /, '');

function loadCommand(verb: Verb): Promise<Command> {
  switch (verb) {
    case 'run':
      return import('./commands/run.ts');
    case 'check':
      return import('./commands/check.ts');
    case 'user':
      return import('./commands/user.ts');
    case 'trust':
      return import('./commands/trust.ts');
    case 'outbox':
      return import('./commands/outbox.ts');
    case 'key':
      return import('./commands/key.ts');
    case 'doctor':
      return import('./commands/doctor.ts');
    case 'probe':
      return import('./commands/probe.ts');
    case 'scan':
      return import('./commands/scan.ts');
    case 'audit':
      return import('./commands/audit.ts');
    case 'join':
      return import('./commands/join.ts');
    case 'backup':
      return import('./commands/backup.ts');
    case 'restore':
      return import('./commands/restore.ts');
    case 'remote':
      return import('./commands/remote.ts');
    case 'models':
      return import('./commands/models.ts');
    case 'evaluate':
      return import('./commands/evaluate.ts');
    case 'teach':
      return import('./commands/teach.ts');
    case 'roll':
      return import('./commands/roll.ts');
    case 'roll-map':
      return import('./commands/roll-map.ts');
    case 'calibrate':
      return import('./commands/calibrate.ts');
    case 'styles':
      return import('./commands/styles.ts');
    case 'clip':
      return import('./commands/clip.ts');
    case 'cert':
      return import('./commands/cert.ts');
  }
}

if (import.meta.main) {
  process.exitCode = await runCli(process.argv.slice(2), {
    load: loadCommand,
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
    debug: process.env['SELVEDGE_DEBUG'] === '1',
  });
}
