/**
 * Checks between fields: what holds in the file as a whole. What holds in one machine is in `one-machine.ts`, what holds between
 * machines in `between-machines.ts`. All read the file leniently, field by field, so that a mistake elsewhere hides none of them.
 */
import { isIP } from 'node:net';
import type { Rule } from '../rules/schema.ts';
import { calendarSchema } from '../time/calendar.ts';
import { calendarProblems } from '../time/check.ts';
import { repeatedIds, repeatedUnits, sharedBusIssues } from './between-machines.ts';
import { childOf, listOf, textOf } from './describe.ts';
import { issueAt, type ConfigIssue } from './issues.ts';
import { glimpse, type MachineInput } from './one-machine.ts';
import type { ProfileCatalogue } from './profiles.ts';
import { rulesIssues } from './rules.ts';
import { isLoopback } from './uplink-schema.ts';
import type { Source } from './source.ts';

export interface CrossInput extends MachineInput {
  /** Catalogue over the folders of `profileDirs`, as written in the file, and the shipped ones. */
  readonly profilesIn: (dirs: readonly string[]) => ProfileCatalogue;
  readonly fileExists: (path: string) => boolean;
  readonly shippedRules: readonly Rule[];
}

export function crossIssues(input: CrossInput): {
  readonly issues: readonly ConfigIssue[];
  readonly profiles: ProfileCatalogue;
} {
  const { main } = input;
  const dirs = listOf(childOf(main.value, 'profileDirs')).filter((d): d is string => typeof d === 'string');
  const profiles = input.profilesIn(dirs);
  const issues: ConfigIssue[] = [];
  for (const [index, dir] of dirs.entries()) {
    if (!input.fileExists(dir)) {
      issues.push(issueAt(main, ['profileDirs', index], 'does not exist', 'an existing folder, relative to this file'));
    }
  }
  const machines = listOf(childOf(main.value, 'machines')).map((raw, index) =>
    glimpse(input, profiles, raw, index, issues),
  );
  issues.push(
    ...repeatedIds(main, machines),
    ...repeatedUnits(machines),
    ...sharedBusIssues(main, machines),
    ...rulesIssues(
      main,
      machines.map(({ path }) => path),
      input.shippedRules,
    ),
    ...uplinkIssues(input),
    ...modelsIssues(input),
    ...pageIssues(main),
    ...calendarIssues(main),
    ...overlayIssues(input),
  );
  return { issues, profiles };
}

function uplinkIssues({ main, fileExists }: CrossInput): readonly ConfigIssue[] {
  const uplink = childOf(main.value, 'uplink');
  if (uplink === undefined || uplink === null || typeof uplink !== 'object') return [];
  const given = (key: string) => childOf(uplink, key) !== undefined;
  const issues: ConfigIssue[] = [];
  if (!given('broker') && !given('url')) {
    issues.push(issueAt(main, ['uplink'], 'names no broker', 'broker: mqtts://host:8883', 'key'));
  }
  if (given('broker') && given('url')) {
    issues.push(issueAt(main, ['uplink', 'url'], 'is given beside broker', 'broker alone; url is its older name'));
  }
  if (given('certificate') !== given('key')) {
    const [there, missing] = given('key') ? (['key', 'certificate'] as const) : (['certificate', 'key'] as const);
    issues.push(issueAt(main, ['uplink', there], `is given without ${missing}`, 'certificate and key together'));
  }
  if (given('enrolment') && !(given('certificate') && given('ca'))) {
    const right = 'certificate, key and ca, as selvedge join writes them';
    issues.push(issueAt(main, ['uplink', 'enrolment'], 'is given without what it renews', right));
  }
  return [...issues, ...missingFiles(main, uplink, fileExists)];
}

function missingFiles(main: Source, uplink: unknown, fileExists: CrossInput['fileExists']): readonly ConfigIssue[] {
  return (['bridgeKey', 'ca', 'certificate'] as const).flatMap((key) => {
    const path = textOf(childOf(uplink, key));
    if (path === null || fileExists(path)) return [];
    return [
      issueAt(
        main,
        ['uplink', key],
        `names the file ${path}, which does not exist`,
        'the path of a PEM file, relative to this file',
      ),
    ];
  });
}

function modelsIssues({ main, fileExists }: CrossInput): readonly ConfigIssue[] {
  return listOf(childOf(childOf(main.value, 'models'), 'siteKeys')).flatMap((key, index) => {
    const path = textOf(childOf(key, 'file'));
    if (path === null || fileExists(path)) return [];
    const what = `names the file ${path}, which does not exist`;
    const right = 'the path of a PEM file, relative to this file';
    return [issueAt(main, ['models', 'siteKeys', index, 'file'], what, right)];
  });
}

function pageIssues(main: Source): readonly ConfigIssue[] {
  const page = childOf(main.value, 'page');
  const bind = textOf(childOf(page, 'bind'));
  if (bind === null || isLoopback(bind)) return [];
  if (isIP(bind) === 0) {
    const what = `is ${JSON.stringify(bind)}, which is no address`;
    return [
      issueAt(
        main,
        ['page', 'bind'],
        what,
        'an address of this computer, or 0.0.0.0 or :: for all; names go to page.names',
      ),
    ];
  }
  if (listOf(childOf(page, 'names')).length > 0) return [];
  const what = `is ${JSON.stringify(bind)}, which other computers reach, and page.names is empty: over HTTPS the page needs a name`;
  const right = 'names: [gateway.example, 192.168.1.5] beside it, as typed in a browser, then `selvedge cert init`';
  return [issueAt(main, ['page', 'bind'], what, right)];
}

function calendarIssues(main: Source): readonly ConfigIssue[] {
  const calendar = calendarSchema.safeParse(childOf(childOf(main.value, 'site'), 'calendar'));
  if (!calendar.success) return [];
  return calendarProblems(calendar.data).map((problem) =>
    issueAt(main, ['site', 'calendar', ...problem.path], problem.what, problem.right),
  );
}

function overlayIssues({ main, overlay }: CrossInput): readonly ConfigIssue[] {
  if (overlay === null) return [];
  const issues: ConfigIssue[] = [];
  const seen = new Set<string>();
  for (const [index, machine] of listOf(childOf(overlay.value, 'machines')).entries()) {
    const id = textOf(childOf(machine, 'id'));
    if (id === null) continue;
    if (seen.has(id)) issues.push(issueAt(overlay, ['machines', index, 'id'], 'is listed twice', 'each machine once'));
    seen.add(id);
  }
  if (childOf(overlay.value, 'uplink') !== undefined && childOf(main.value, 'uplink') === undefined) {
    const what = 'is given, but the configuration has no uplink section';
    issues.push(issueAt(overlay, ['uplink'], what, 'uplink: with url and bridgeKey in the configuration', 'key'));
  }
  return issues;
}
