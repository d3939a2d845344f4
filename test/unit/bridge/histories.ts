/** Batches as `judge` hands them over, and random histories of them with their deliveries. */
import fc from 'fast-check';
import { sha256Hex, type BatchBody, type WireRecord } from '../../../cloud-bridge/contract.ts';
import type { CheckedBatch } from '../../../cloud-bridge/store/bridge-store.ts';
import { alert, atMs, body, bootA, bootB, bootC, event, machine, stateSummary, summary } from './making.ts';

/** A batch as `judge` would hand it over. */
export function checked(of: Partial<BatchBody>): CheckedBatch {
  const whole = body(of);
  const sha256 = sha256Hex(Buffer.from(JSON.stringify(whole)));
  return { name: { gateway: whole.gateway, boot: whole.boot, seq: whole.seq, sha256 }, body: whole, wireBytes: 100 };
}

/** Histories with two gateways, three boots, overlapping batches, late revisions and repeated numbers. */
const record = fc.record({
  kind: fc.constantFrom('event', 'alert', 'summary', 'state-summary', 'machine'),
  n: fc.integer({ min: 1, max: 25 }),
  salt: fc.integer({ min: 0, max: 2 }),
});
function recordOf(boot: string, gateway: string, { kind, n }: { kind: string; n: number }): WireRecord {
  // The content follows from the identity, as it does in the contract (C1).
  const seed = (n * 7 + boot.charCodeAt(0) + gateway.length) % 5;
  if (kind === 'alert') return alert(n, { occurrence: `o-${seed}`, transition: n % 2 === 0 ? 'closed' : 'raised' });
  if (kind === 'summary') {
    // Revisions of one minute that grow and shrink, of a boot's own readings and of rebuilt ones.
    const [from, to] = [60 * (seed % 2) + (n % 4), 60 + (n % 9)];
    const span = {
      delta: to - from,
      from: from + (n % 2),
      to: to + (n % 3),
      fromMs: atMs + 1000 * from,
      toMs: atMs + 1000 * to,
    };
    return summary(n, {
      minuteMs: atMs + 60_000 * (seed % 2),
      readingBoot: n % 4 === 0 ? bootA : boot,
      revision: 1 + (n % 3),
      samples: n,
      counter: { uncertainty: 0, wraps: 0, resets: 0, ...span },
    });
  }
  if (kind === 'state-summary') return stateSummary(n, { revision: 1 + (n % 3), seconds: { RUN: n } });
  return kind === 'machine' ? machine(n, { line: `line-${n}` }) : event(n);
}
export const history = fc
  .array(
    fc.record({
      gateway: fc.constantFrom('gw-1', 'gw-22'),
      boot: fc.constantFrom(bootA, bootB, bootC),
      records: fc.array(record, { minLength: 1, maxLength: 5 }),
    }),
    { minLength: 1, maxLength: 12 },
  )
  .map((batches) => {
    const kinds = new Map<string, string>();
    return batches.map(({ gateway, boot, records }, at) =>
      checked({
        gateway,
        boot,
        // One gateway is a chain, the other a fork.
        previousBoot: boot === bootA ? null : boot === bootC && gateway === 'gw-1' ? bootB : bootA,
        seq: at + 1,
        sealedMs: atMs + ((at * 7) % 11),
        records: records.map(({ kind, n }) => {
          const identity = `${gateway} ${boot} ${n}`;
          if (!kinds.has(identity)) kinds.set(identity, kind);
          return recordOf(boot, gateway, { kind: kinds.get(identity) ?? kind, n });
        }),
      }),
    );
  });

/** A history, and the order, the repeats and the groups it arrives in. */
export const deliveries = history.chain((batches) =>
  fc.record({
    batches: fc.constant(batches),
    order: fc
      .array(fc.nat(batches.length - 1), { maxLength: 12 })
      .chain((extra) =>
        fc.shuffledSubarray([...batches.keys(), ...extra], { minLength: batches.length + extra.length }),
      ),
    groupSize: fc.integer({ min: 1, max: 5 }),
  }),
);
