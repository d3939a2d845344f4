/** An alert of a sense as its last record tells it, for the book of incidents after a start. */
import type { AlertRecord } from '../../cloud-bridge/contract.ts';
import type { NeedleRange } from './arcs.ts';
import type { Member, Seen } from './book.ts';
import { legendOf } from './legend.ts';

const textOf = (value: AlertRecord['evidence'][string] | undefined): string | null =>
  typeof value === 'string' ? value : null;

function rangeOf(needle: unknown, k: unknown): NeedleRange | null {
  return typeof needle === 'number' && typeof k === 'number' ? { needle, k } : null;
}

/** Candidates of the ear as its evidence has them: `316 ± 2; 293 ± 2`, the likeliest first. */
export function candidatesOf(needles: string | null): readonly NeedleRange[] {
  return (needles ?? '').split('; ').flatMap((one) => {
    const match = /^(\d{1,6}) ± (\d{1,6})$/.exec(one);
    return match === null ? [] : [{ needle: Number(match[1]), k: Number(match[2]) }];
  });
}

/** null: it belongs to no incident. */
export function recoveredMember(record: AlertRecord): Member | null {
  const { evidence, occurrence, onsetMs, clearedMs, atMs, state, type } = record;
  const incident = textOf(evidence['incident']);
  if (incident === null) return null;
  const isClosed = state === 'normal';
  const lastMs = clearedMs ?? (isClosed ? atMs : Infinity);
  const sense = type === 'sound_odd' ? 'ear' : 'eye';
  const own = rangeOf(evidence['needle'], evidence['k']);
  const needles = sense === 'ear' ? candidatesOf(textOf(evidence['needles'])) : own === null ? [] : [own];
  const picture = textOf(evidence[sense === 'ear' ? 'spectrogram' : 'crop']);
  const sightings = needles.map(({ needle, k }, rank): Seen => ({
    needle,
    k,
    rank,
    fromMs: onsetMs,
    lastMs,
    key: null,
    picture,
    legend: legendOf(sense, evidence),
  }));
  const told = rangeOf(evidence['incidentNeedle'], evidence['incidentK']);
  return { occurrence, incident, sense, sightings, isClosed, lastMs, told };
}
