/** `selvedge evaluate voiceprint --simulated` as its user runs it, on two machines and a needle. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runVerb } from './verb.ts';

interface Report {
  readonly faults: readonly {
    readonly fault: string;
    readonly snrDb: number;
    readonly auc: number;
    readonly top1: number | null;
    readonly clips: number;
    readonly baseline: { readonly auc: number };
  }[];
  readonly needles: readonly {
    readonly position: string;
    readonly truth: number;
    readonly named: number | null;
    readonly candidates: readonly number[];
    readonly k: number | null;
    readonly revolutions: number;
    readonly needles: number;
  }[];
  readonly healthy: { readonly machineDays: number; readonly falseAlarms: number };
  readonly simulated: boolean;
}

test(
  'two machines of generator b at 6 dB: every fault has its figures, a needle its candidates, and telemetry alone names none',
  { timeout: 600_000 },
  async (t) => {
    const words = ['--snr', '6', '--seed', '3', '--machines', '2', '--needles', '1', '--week', '0'];
    const { code, report, out } = await runVerb<Report>(t, 'evaluate', 'voiceprint', '--simulated', ...words);
    assert.equal(code, 0);
    assert.ok(report !== null && report.simulated);
    assert.match(out, /^Simulated machines, generator b\.$/m);
    const named = report.faults.map(({ fault }) => fault);
    assert.deepEqual(named, ['F1', 'F2', 'F3', 'F4', 'F5', 'F6', 'F7', 'F8', 'F9', 'K1', 'K2', 'K3']);
    for (const { snrDb, auc, clips, baseline } of report.faults) {
      assert.ok(snrDb === 6 && clips === 4 && auc >= 0 && auc <= 1 && baseline.auc >= 0 && baseline.auc <= 1);
    }
    // Loose: two machines say little. The bent needle clicks at every stitch.
    const bent = report.faults.find(({ fault }) => fault === 'F2');
    assert.ok(bent !== undefined && bent.auc > 0.8, JSON.stringify(bent));
    const [index, telemetry] = report.needles;
    assert.deepEqual([index?.position, telemetry?.position], ['index', 'telemetry']);
    assert.ok(index !== undefined && index.candidates.length <= 3 && index.revolutions >= 4);
    assert.deepEqual([telemetry?.named, telemetry?.candidates, telemetry?.k], [null, [], null]);
    assert.deepEqual([report.healthy.machineDays, report.healthy.falseAlarms], [0, 0]);
  },
);

test('what belongs to recordings and what belongs to simulated machines do not go together', async (t) => {
  for (const words of [
    ['--simulated', '--data', '.'],
    ['--simulated', '--generator', 'c'],
    ['--simulated', '--snr', 'loud'],
    ['--simulated', '--week', '2'],
    ['--data', '.', '--snr', '0'],
  ]) {
    const { code } = await runVerb(t, 'evaluate', 'voiceprint', ...words);
    assert.equal(code, 2, words.join(' '));
  }
});
