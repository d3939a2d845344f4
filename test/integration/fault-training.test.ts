/** The training of the fault graph: what it refuses, that it learns what is there, and that it learns nothing where nothing is. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { seeded } from '../../models/statistics/split.ts';
import { faultClasses } from '../../models/voiceprint/fault-classes.ts';
import { heardSize } from '../../models/voiceprint/fault-ear.ts';
import { repository } from '../check/files.ts';
import { requireVenv, venvPython } from '../support/python-venv.ts';

const folder = mkdtempSync(join(tmpdir(), 'selvedge-fault-training-'));
after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));

const width = heardSize + 2;
const faults = faultClasses.knitting.slice(1);

/** Numbers that differ by chance, and by each fault in ten of them. */
function machine(seed: number, generator: string): void {
  const random = seeded(seed);
  const own = Float32Array.from({ length: heardSize }, () => -50 + 20 * random());
  const labels: { role: string; fault: string | null; severity: number }[] = [];
  const add = (role: string, fault: string | null, count: number) => {
    for (let i = 0; i < count; i += 1) labels.push({ role, fault, severity: fault === null ? 0 : 0.5 });
  };
  add('enrol', null, 20);
  add('test', null, 8);
  for (const fault of faults) add('test', fault, 6);
  const numbers = new Float32Array(labels.length * width);
  for (const [row, { fault }] of labels.entries()) {
    for (let i = 0; i < heardSize; i += 1) {
      const at = faults.findIndex((name) => name === fault);
      const more = at >= 0 && i >= 40 * (at + 1) && i < 40 * (at + 1) + 10 ? 3 : 0;
      numbers[row * width + i] = 10 ** (((own[i] ?? 0) + more + 3 * (random() - 0.5)) / 10);
    }
  }
  const path = join(folder, `knitting-${seed}`);
  writeFileSync(`${path}.bin`, new Uint8Array(numbers.buffer));
  const scores = labels.map(() => 0);
  writeFileSync(
    `${path}.json`,
    JSON.stringify({ generator, kind: 'knitting', seed, snrDb: 0, heard: heardSize, width, scores, labels }),
  );
}

const learn = `
import hashlib, json, pathlib, sys
import numpy as np
sys.path.insert(0, sys.argv[1])
import train
train.FOLDS, train.EPOCHS, train.NETS = 3, 80, 1
def right(shuffled, seed=1):
    machines = train.load(pathlib.Path(sys.argv[2]), "knitting")
    truth = [m.label.copy() for m in machines]
    random = np.random.default_rng(seed)
    for m in machines:
        if shuffled:
            m.label[m.label > 0] = random.permutation(m.label[m.label > 0])
    found = train.cross_validated(machines, "knitting", 1)
    named = np.concatenate([p[t > 0, 1:].argmax(1) + 1 == t[t > 0] for (p, _), t in zip(found, truth)])
    return float(named.mean()), hashlib.sha256(b"".join(p.tobytes() for p, _ in found)).hexdigest()
first, again = right(False), right(False)
shuffled = [right(True, seed)[0] for seed in range(6)]
print(json.dumps({"right": first[0], "same": first[1] == again[1], "shuffled": float(np.mean(shuffled))}))
`;

const python = () =>
  spawnSync(venvPython('onnx'), ['-c', learn, join(repository, 'models/training/fault'), folder], {
    encoding: 'utf8',
    env: { OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' },
  });

test('training names what is there, the same each time; with shuffled names it is right by chance', (t) => {
  if (!requireVenv(t, 'onnx')) return;
  for (let seed = 1; seed <= 9; seed += 1) machine(seed, 'a');
  const { status, stdout, stderr } = python();
  assert.equal(status, 0, stderr);
  const found = JSON.parse(stdout) as { readonly right: number; readonly same: boolean; readonly shuffled: number };
  assert.ok(found.right > 0.9, `right: ${found.right}`);
  assert.ok(found.same, 'the same seed gave other numbers');
  // All samples of one fault get one name, so one shuffle is right in a third of the faults, not of the samples.
  assert.ok(Math.abs(found.shuffled - 1 / 3) < 0.2, `shuffled: ${found.shuffled}`);
});

test('what generator b made is refused', (t) => {
  if (!requireVenv(t, 'onnx')) return;
  machine(10, 'b');
  const { status, stderr } = python();
  assert.notEqual(status, 0);
  assert.match(stderr, /knitting-10\.json is of generator b: it measures and never trains/);
});
