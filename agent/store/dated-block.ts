/** A ring block of a gateway that booted without the time, once that is known. */
import type { Reading } from '../../drivers/contract.ts';
import { decodeRingBlock, encodeRingBlock, type StoredReading } from '../ring/block.ts';
import type { RingBlock } from './store.ts';

/**
 * A block with the times of before the build date put right; null where there are none. A source time that could be true already is
 * the machine's own and stays.
 * @throws AgentError `ringBlockInvalid` when the bytes are no block.
 */
export function datedBlock(block: RingBlock, shiftMs: number, builtMs: number): RingBlock | null {
  const readings = decodeRingBlock(block.bytes);
  if (readings.every((reading) => reading.receivedTimeMs >= builtMs)) return null;
  const dated = (atMs: number): number => (atMs < builtMs ? atMs + shiftMs : atMs);
  return encodeRingBlock(
    block.machine,
    readings.map((reading) =>
      readingOf(block.machine, {
        ...reading,
        sourceTimeMs: dated(reading.sourceTimeMs),
        receivedTimeMs: dated(reading.receivedTimeMs),
      }),
    ),
  );
}

function readingOf(machine: string, stored: StoredReading): Reading {
  const { value, quality, reason, ...rest } = stored;
  if (quality === 'bad' || value === null)
    return { ...rest, machine, quality: 'bad', value: null, reason: reason ?? '' };
  return quality === 'good'
    ? { ...rest, machine, quality, value }
    : { ...rest, machine, quality, value, reason: reason ?? '' };
}
