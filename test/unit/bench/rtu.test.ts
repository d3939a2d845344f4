import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pollMs, rtuCrc, silenceMs } from '../../bench/rtu-time.ts';

test('the checksum is that of the standard', () => {
  // MODBUS over Serial Line V1.02, appendix B: unit 2, function 7 has 0x1241.
  assert.equal(rtuCrc(Uint8Array.of(0x02, 0x07)), 0x1241);
});

test('a poll of 100 registers at 19,200 bit/s takes 126 ms on the line', () => {
  // 8 + 205 characters of 11 bits and twice 3.5 characters of silence.
  assert.ok(Math.abs(pollMs(19_200, 100) - ((8 + 205 + 7) * 11 * 1000) / 19_200) < 1e-9);
  assert.equal(silenceMs(38_400), 1.75);
});
