/** What machine the bench ran on. */
import { createHash } from 'node:crypto';
import { cpus, loadavg, totalmem } from 'node:os';
import { median } from './judge.ts';

const bufferBytes = 1024 * 1024;
const forMs = 400;
const times = 5;

/** sha256 over buffers of 1 MiB on this thread, in MiB/s; the median of five short measurements. */
export function machineScore(): number {
  const buffer = Buffer.alloc(bufferBytes, 7);
  const scores = Array.from({ length: times }, () => {
    const fromMs = performance.now();
    let buffers = 0;
    let nowMs = fromMs;
    for (; nowMs - fromMs < forMs; nowMs = performance.now()) {
      createHash('sha256').update(buffer).digest();
      buffers += 1;
    }
    return (buffers * 1000) / (nowMs - fromMs);
  });
  return median(scores) ?? 0;
}

export function machine() {
  return {
    cpu: cpus()[0]?.model ?? 'unknown processor',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    loadBefore: Number((loadavg()[0] ?? 0).toFixed(2)),
    score: Math.round(machineScore()),
  };
}
