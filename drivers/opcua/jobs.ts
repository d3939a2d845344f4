/**
 * The job a machine works on, out of its job lists (OPC 10031-4 ISA-95 Job Control, OPC 40001-3). Pure: structures come as
 * plain objects, whatever the server's spelling of their fields.
 */
import { bad, good, type Decoded } from '../decoded.ts';
import type { SignalSpec } from '../profiles/schema.ts';

/** Texts are empty while there is no job. */
export interface JobFacts {
  readonly order: string;
  readonly state: string;
  readonly goodQuantity: number | null;
  readonly producedQuantity: number | null;
}

export const noJob: JobFacts = { order: '', state: '', goodQuantity: null, producedQuantity: null };

const plain = { scale: 1, offset: 0, notANumber: [], poll: 'normal' } as const;
const gauge = { ...plain, kind: 'gauge', unit: 'C62', deadband: 0, heartbeatS: 60, summarise: false } as const;

/** The signals a job becomes. */
export const jobSignals: Readonly<Record<string, SignalSpec>> = {
  'job.order': { ...plain, notANumber: [], kind: 'text', unit: 'C62', from: { path: ['JobOrderList'] } },
  'job.state': { ...plain, notANumber: [], kind: 'text', unit: 'C62', from: { path: ['JobOrderList'] } },
  'job.good_quantity': { ...gauge, notANumber: [], from: { path: ['JobOrderResponseList'] } },
  'job.produced_quantity': { ...gauge, notANumber: [], from: { path: ['JobOrderResponseList'] } },
};

export function decodeJob(facts: JobFacts): Readonly<Record<string, Decoded>> {
  const quantity = (value: number | null) => (value === null ? bad('no-value') : good(value));
  return {
    'job.order': good(facts.order.slice(0, 256)),
    'job.state': good(facts.state.slice(0, 256)),
    'job.good_quantity': quantity(facts.goodQuantity),
    'job.produced_quantity': quantity(facts.producedQuantity),
  };
}

/** The state that is nearest to work, first; by name, as the numbers differ from edition to edition. */
const nearness = ['running', 'interrupted', 'held', 'suspended', 'allowedtostart', 'notallowedtostart'];

/**
 * @param orders value of JobOrderList: ISA95JobOrderAndStateDataType
 * @param responses value of JobOrderResponseList: ISA95JobResponseDataType
 */
export function currentJob(orders: unknown, responses: unknown): JobFacts {
  const all = list(orders).map((one) => {
    const order = field(one, 'JobOrder') ?? one;
    return { id: text(field(order, 'JobOrderID')), state: stateOf(field(one, 'State') ?? field(one, 'JobState')) };
  });
  const open = all
    .filter(({ id, state }) => id !== '' && rank(state) < nearness.length)
    .sort((a, b) => rank(a.state) - rank(b.state));
  const answers = list(responses).map((one) => ({
    order: text(field(one, 'JobOrderID')),
    state: stateOf(field(one, 'JobState')),
    data: list(field(one, 'JobResponseData')),
  }));
  const running = answers.find(({ state }) => rank(state) === 0);
  const [first] = open;
  const id =
    first !== undefined && (rank(first.state) === 0 || running === undefined) ? first.id : (running?.order ?? '');
  if (id === '') return noJob;
  const answer = answers.find(({ order }) => order === id);
  const state = open.find((one) => one.id === id)?.state ?? answer?.state ?? '';
  const quantity = (name: string): number | null => {
    const entry = answer?.data.find((one) => letters(text(field(one, 'ID'))) === name);
    return number(field(entry, 'Value'));
  };
  return {
    order: id,
    state,
    goodQuantity: quantity('goodquantity'),
    producedQuantity: quantity('producedquantity'),
  };
}

/** ISA95StateDataType[]: the last names the innermost state. The outermost says whether work is done. */
function stateOf(states: unknown): string {
  const [first] = list(states);
  if (first === undefined) return text(states);
  const path = list(field(field(first, 'BrowsePath'), 'Elements'));
  const name = text(field(field(path.at(-1), 'TargetName'), 'Name'));
  return name !== '' ? name : text(field(first, 'StateText'));
}

function rank(state: string): number {
  const at = nearness.indexOf(letters(state));
  return at === -1 ? nearness.length : at;
}

const letters = (name: string) => name.toLowerCase().replaceAll(/[^a-z]/g, '');

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Servers and libraries spell fields with a capital first letter or without. */
function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  const wanted = name.toLowerCase();
  for (const key in value) {
    if (key.toLowerCase() === wanted) return (value as Readonly<Record<string, unknown>>)[key];
  }
  return undefined;
}

function text(value: unknown): string {
  const own = field(value, 'text') ?? value;
  return typeof own === 'string' ? own.replaceAll(/[\p{Cc}\ufffd]/gu, ' ').trim() : '';
}

function number(value: unknown): number | null {
  const own = field(value, 'value') ?? value;
  const one = Array.isArray(own) ? Number(own[1]) : typeof own === 'string' && own.trim() !== '' ? Number(own) : own;
  return typeof one === 'number' && Number.isFinite(one) ? one : null;
}
