/**
 * The first stage: what a driver hands over becomes a reading of a known signal, with a value of the signal's kind and a
 * time on the summaries' line. Nothing is dropped silently: what cannot be used is a bad reading or counted.
 */
import type { Quality, Reading, Value } from '../../drivers/contract.ts';
import type { SignalModel } from '../machine.ts';

export interface Checked {
  readonly value: Value | null;
  readonly quality: Quality;
  readonly reason: string | null;
}

/** A source time further ahead of our clock than this cannot be used. */
const aheadMs = 2000;

/** Value and quality as the signal's kind demands: what is no value of that kind is a bad reading with the reason. */
export function checkReading(signal: SignalModel, reading: Reading): Checked {
  if (reading.quality === 'bad') return { value: null, quality: 'bad', reason: reading.reason };
  const { value } = reading;
  const bad = (reason: string): Checked => ({ value: null, quality: 'bad', reason });
  switch (signal.spec.kind) {
    case 'gauge':
      if (typeof value !== 'number' || !Number.isFinite(value)) return bad('not-a-number');
      break;
    case 'counter':
      if (typeof value !== 'number' || !Number.isFinite(value)) return bad('not-a-number');
      // A counter cannot show what lies past its wrap; taken for a value it would count for good.
      if (value < 0 || value >= signal.spec.wrapsAt) return bad('out-of-range');
      break;
    case 'flag':
      if (typeof value !== 'boolean' && value !== 0 && value !== 1) return bad('not-a-flag');
      break;
    case 'code':
    case 'text':
      break;
  }
  return { value, quality: reading.quality, reason: reading.quality === 'good' ? null : reading.reason };
}

/** True when the source's time stamp can be used: not ahead of our clock, and not so old that its minute is gone. */
export function sourceTimeUsable(reading: Reading, latenessMs: number): boolean {
  const ageMs = reading.receivedTimeMs - reading.sourceTimeMs;
  return ageMs >= -aheadMs && ageMs <= latenessMs;
}

/** Most batches are in order already; the others are sorted without touching the driver's array. */
export function inTimeOrder(readings: readonly Reading[]): readonly Reading[] {
  for (let i = 1; i < readings.length; i++) {
    if ((readings[i]?.sourceTimeMs ?? 0) < (readings[i - 1]?.sourceTimeMs ?? 0)) {
      return [...readings].sort((a, b) => a.sourceTimeMs - b.sourceTimeMs);
    }
  }
  return readings;
}

/** The reading as the check found it. */
export function asChecked(reading: Reading, checked: Checked): Reading {
  if (checked.quality === reading.quality) return reading;
  const { value: _value, quality: _quality, ...times } = reading;
  return { ...times, quality: 'bad', value: null, reason: checked.reason ?? 'unusable' };
}
