/** Bytes written by hand from docs/machines.md, through framing, plan, decoder and interpretation to canonical values. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Value } from '../../../drivers/contract.ts';
import { signalItems } from '../../../drivers/modbus/decode.ts';
import { MbapFramer, mbapRequest } from '../../../drivers/modbus/mbap.ts';
import { answerOf, type ReadRequest } from '../../../drivers/modbus/pdu.ts';
import { functionOfTable, planBlocks } from '../../../drivers/modbus/plan.ts';
import { crc16, rtuRequest, RtuReceiver } from '../../../drivers/modbus/rtu.ts';
import { interpret } from '../../../drivers/profiles/interpret.ts';
import { loadProfile } from '../../../drivers/profiles/load.ts';

interface Exchange {
  readonly request: string;
  readonly response: string;
}
interface Fixture {
  readonly tcp: Exchange;
  readonly rtu?: Exchange;
  readonly values: Readonly<Record<string, Value>>;
  readonly state: string;
  readonly cause: string | null;
}

function bytesOf(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(' ', ''), 'hex');
}

for (const name of ['sewing-ref', 'sewing-silverstar']) {
  const file = new URL(`../../fixtures/wire/modbus-${name}.json`, import.meta.url);
  const fixture = JSON.parse(readFileSync(file, 'utf8')) as Fixture;
  const profile = loadProfile(name.replace('sewing-', 'sewing-modbus-'), []);
  const blocks = planBlocks(signalItems(profile), { maxRegisters: 125, maxGapRegisters: 8 });
  const [block] = blocks;
  assert.ok(block !== undefined);
  const requestOf = (unit: number): ReadRequest => ({
    unit,
    fn: functionOfTable[block.table],
    address: block.address,
    count: block.count,
  });

  const check = (data: Uint8Array): void => {
    const values = new Map<string, Value>();
    for (const item of block.items) {
      const decoded = item.decode(data, item.address - block.address);
      assert.ok(decoded.quality === 'good', item.signal);
      values.set(item.signal, decoded.value);
    }
    assert.deepEqual(Object.fromEntries(values), fixture.values);
    const meaning = interpret(profile, null, values);
    assert.equal(meaning?.state, fixture.state);
    assert.equal(meaning?.cause, fixture.cause);
  };

  test(`${name}: one request over TCP reads the whole map, and its bytes mean what the maker's page says`, () => {
    assert.equal(blocks.length, 1);
    assert.deepEqual(Buffer.from(mbapRequest(1, requestOf(1))), bytesOf(fixture.tcp.request));
    const { frames, garbageBytes } = new MbapFramer(() => false).push(bytesOf(fixture.tcp.response));
    assert.equal(garbageBytes, 0);
    const [frame] = frames;
    assert.ok(frame !== undefined && frame.unit === 1 && frame.transaction === 1);
    const answer = answerOf(frame.pdu, requestOf(1));
    assert.ok(answer.kind === 'data');
    check(answer.data);
  });

  const rtu = fixture.rtu;
  if (rtu !== undefined) {
    test(`${name}: the same over RTU`, () => {
      assert.deepEqual(Buffer.from(rtuRequest(requestOf(7))), bytesOf(rtu.request));
      const received = new RtuReceiver(requestOf(7)).push(bytesOf(rtu.response));
      assert.ok(received?.answer.kind === 'data');
      assert.deepEqual(received.discards, []);
      check(received.answer.data);
    });
  }
}

test('the CRC gives what published frames carry', () => {
  for (const frame of ['11 03 00 6b 00 03 76 87', '01 04 02 ff ff b8 80', '11 03 06 ae 41 56 52 43 40 49 ad']) {
    const bytes = bytesOf(frame);
    assert.equal(crc16(bytes, 0, bytes.length - 2), bytes.readUInt16LE(bytes.length - 2), frame);
  }
});
