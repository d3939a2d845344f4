/** `docs/errors.md` from the error tables of the rooms. */
import { agentErrors } from '../../agent/errors.ts';
import { bridgeErrors } from '../../cloud-bridge/errors.ts';
import { driverErrors } from '../../drivers/errors.ts';
import { modelErrors } from '../../models/errors.ts';
import { simulatorErrors } from '../../simulators/errors.ts';
import type { Generated } from './generate.ts';

interface Entry {
  readonly code: string;
  readonly meaning: string;
  readonly cure: string;
  readonly retryable: boolean;
}

export const errorTables: Readonly<Record<string, Readonly<Record<string, Entry>>>> = {
  Agent: agentErrors,
  Drivers: driverErrors,
  Models: modelErrors,
  'Cloud bridge': bridgeErrors,
  Simulators: simulatorErrors,
};

export function errorDocument(): Generated {
  const sections = Object.entries(errorTables).map(([room, table]) => {
    const rows = Object.values(table)
      .toSorted((a, b) => a.code.localeCompare(b.code))
      .map((e) => `| ${e.code} | ${cell(e.meaning)} | ${cell(e.cure)} | ${e.retryable ? 'goes on trying' : 'stops'} |`);
    return [`## ${room}`, '', '| code | meaning | what to do | then |', '|---|---|---|---|', ...rows].join('\n');
  });
  const head = [
    '<!-- Generated from the errors.ts of each room by `npm run generate`. -->',
    '# Errors',
    '',
    'The errors of agent, bridge, drivers, models and simulators carry these codes, on the command line and in the log. What has a place of its',
    'own (a line of the configuration, an option of the demo, a refused name or password) is told in words. "Goes on trying" means nobody',
    'has to act at once: the program repeats the work by itself.',
  ].join('\n');
  return { path: 'docs/errors.md', text: `${[head, ...sections].join('\n\n')}\n` };
}

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
