/** The last step before a serial port. The port is a stand-in; the real one is in test/integration. */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { mayLeave } from '../../../drivers/modbus/allowed-write.ts';
import { Tap } from '../../../drivers/modbus/tty-tap.ts';

class Port extends EventEmitter {
  readonly _client = new EventEmitter();
  readonly written: Buffer[] = [];
  write(frame: Buffer): void {
    this.written.push(frame);
  }
}
const watch = (tap: Tap, _port: unknown): void => tap.watch({ _port } as never);
const frame = (...bytes: number[]): Buffer => Buffer.from([...bytes, 0, 0]);

test('whatever the library makes, only reads pass where no write is allowed', () => {
  const port = new Port();
  const tap = new Tap({
    maxBytes: 100,
    mayLeave: (bytes) => mayLeave(bytes[0] ?? 0, bytes.subarray(1, -2), undefined),
  });
  watch(tap, port);
  assert.equal(tap.isGuarded, true);
  for (let fn = 0; fn < 256; fn += 1) port.write(frame(1, fn, 0, 10, 0, 1));
  port.write(frame(1, 16, 0, 10, 0, 1, 2, 0, 7));
  port.write(frame(1, 3, 0, 10, 0, 1, 9));
  assert.deepEqual(
    port.written.map((bytes) => bytes[1]),
    [1, 2, 3, 4],
  );
  assert.equal(tap.writesLeft, 0);
});

test('where the library keeps its port elsewhere, nothing counts as guarded, and so nothing is written', () => {
  for (const port of [null, {}, { _client: new EventEmitter() }, { _client: new EventEmitter(), write: 5 }]) {
    const tap = new Tap({ maxBytes: 100, mayLeave: () => true });
    watch(tap, port);
    assert.equal(tap.isGuarded, false);
  }
});

test('an error of a port that the library has closed ends nothing', () => {
  const port = new Port();
  watch(new Tap({ maxBytes: 100, mayLeave: () => true }), port);
  // Without anybody listening this would be thrown.
  assert.equal(port.emit('error', new RangeError('EIO: i/o error, write')), true);
});
