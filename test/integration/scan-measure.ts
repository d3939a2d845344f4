/** What the tests of `selvedge scan` read and measure. */
import assert from 'node:assert/strict';

export interface Report {
  readonly found: readonly {
    readonly protocol: string;
    readonly endpoint: string;
    readonly unit: number | null;
    readonly machine: string | null;
  }[];
  readonly requests: number;
  readonly durationS: number;
}

/** No second with more than five. A stall of the test itself makes requests look closer than they were: measure many alone. */
export function assertGentle(atMs: readonly number[]): void {
  const sorted = [...atMs].sort((a, b) => a - b);
  for (const from of sorted) {
    const inSecond = sorted.filter((one) => one >= from && one < from + 1_000);
    assert.ok(inSecond.length <= 5, `${inSecond.length} requests within a second`);
  }
}
