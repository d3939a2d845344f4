/** Checks between machines: each has an id and an address of its own, and those behind one connection agree on its settings. */
import type { Profile } from '../../drivers/profiles/schema.ts';
import { childOf } from './describe.ts';
import { defaultUnit, protocolAt } from './endpoint.ts';
import { issueAt, type ConfigIssue } from './issues.ts';
import type { Glimpse } from './one-machine.ts';
import type { Source } from './source.ts';

/** An id names one machine. */
export function repeatedIds(main: Source, machines: readonly Glimpse[]): readonly ConfigIssue[] {
  const first = new Map<string, number>();
  return machines.flatMap(({ id, index, path }) => {
    if (id === null) return [];
    const before = first.get(id);
    if (before === undefined) {
      first.set(id, index);
      return [];
    }
    return [issueAt(main, [...path, 'id'], `is ${JSON.stringify(id)}, as machines[${before}] is`, 'an id of its own')];
  });
}

/** Machines behind one connection share its settings; two answers to one question would make one of them a lie. */
export function sharedBusIssues(main: Source, machines: readonly Glimpse[]): readonly ConfigIssue[] {
  const first = new Map<string, Glimpse>();
  return machines.flatMap((machine) => {
    const { endpoint, path } = machine;
    if (endpoint === null || !(endpoint.value.transport === 'opcua' || 'line' in endpoint.value)) return [];
    const key = 'url' in endpoint.value ? endpoint.value.url : endpoint.value.path;
    const before = first.get(key);
    first.set(key, before ?? machine);
    if (before === undefined || settingsOf(main, machine) === settingsOf(main, before)) return [];
    const what = `shares its ${'url' in endpoint.value ? 'server' : 'line'} with machines[${before.index}], but not the settings`;
    return [
      issueAt(main, path, what, `the same ${'url' in endpoint.value ? 'opcua: section' : 'line settings'} for both`),
    ];
  });
}

function settingsOf(main: Source, { path, endpoint }: Glimpse): string {
  const raw = path.reduce<unknown>(childOf, main.value);
  const line = endpoint !== null && 'line' in endpoint.value ? endpoint.value.line : null;
  const serial = childOf(raw, 'serial');
  return JSON.stringify([
    line === null ? null : { ...line, ...(typeof serial === 'object' ? serial : {}) },
    sharedOf(childOf(raw, 'opcua')),
  ]);
}

/** Which of its machines is meant is no setting of the server. */
function sharedOf(opcua: unknown): unknown {
  if (typeof opcua !== 'object' || opcua === null) return opcua;
  const { machine: _machine, ...shared } = opcua as Readonly<Record<string, unknown>>;
  return Object.keys(shared).length === 0 ? undefined : shared;
}

/** Two machines may share a bus, but not an address on it; a line source carries one machine. */
export function repeatedUnits(machines: readonly Glimpse[]): readonly ConfigIssue[] {
  const first = new Map<string, Glimpse>();
  const spoken = new Map<string, { readonly protocol: Profile['protocol']; readonly index: number }>();
  return machines.flatMap((machine) => {
    const { endpoint, unit, profile } = machine;
    if (endpoint === null || endpoint.value.transport === 'opcua') return [];
    const protocol = protocolAt(endpoint.value, profile);
    const isCalled = protocol === 'knit-floor' && endpoint.value.transport !== 'knit-floor-listen';
    const line = protocol === 'line' || protocol === 'stoll-events' || isCalled;
    const own = unit?.value ?? defaultUnit(protocol) ?? 1;
    const where = 'path' in endpoint.value ? endpoint.value.path : `${endpoint.value.host}:${endpoint.value.port}`;
    const other = spoken.get(where);
    spoken.set(where, other ?? { protocol, index: machine.index });
    if (other !== undefined && other.protocol !== protocol) {
      const what = `is that of machines[${other.index}], which speaks ${other.protocol} and not ${protocol}`;
      return [issueAt(endpoint.source, endpoint.path, what, 'one protocol on one line')];
    }
    const key = `${where} ${line ? '' : own}`;
    const before = first.get(key);
    if (before === undefined) {
      first.set(key, machine);
      return [];
    }
    const what = line
      ? `is the same line as that of machines[${before.index}]`
      : `has the same unit ${own} as machines[${before.index}]`;
    const right = line ? 'one machine for each line' : 'a unit of its own for each machine of a bus';
    return [issueAt(endpoint.source, endpoint.path, what, right)];
  });
}
