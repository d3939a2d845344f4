/** Loading, checking and interpreting profiles. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Value } from '../../../drivers/contract.ts';
import { DriverError } from '../../../drivers/errors.ts';
import { compareVersions, interpret } from '../../../drivers/profiles/interpret.ts';
import { loadProfile, parseProfile, shippedProfilesDir } from '../../../drivers/profiles/load.ts';

const ref = loadProfile('sewing-modbus-ref', []);
const silverstar = loadProfile('sewing-modbus-silverstar', []);

function messageOf(run: () => unknown, code: string): string {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof DriverError);
    assert.equal(error.entry.code, code);
    return error.message;
  }
  return assert.fail('nothing was thrown');
}

test('every shipped profile loads by its id', () => {
  const files = readdirSync(shippedProfilesDir).filter((name) => name.endsWith('.yaml'));
  assert.ok(files.length >= 4);
  for (const file of files) assert.equal(loadProfile(file.replace('.yaml', ''), []).profile, file.replace('.yaml', ''));
});

test('an unknown profile says where it was looked for', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-profiles-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const message = messageOf(() => loadProfile('no-such', [dir]), 'DRV-100');
  assert.ok(message.includes(dir) && message.includes('no-such'));
  assert.match(
    messageOf(() => loadProfile(join(dir, 'x.yaml'), []), 'DRV-100'),
    /no such file/,
  );
});

const valid = `profile: own-machine
version: 1
title: Own
kind: lockstitch
protocol: modbus
verified: false
source: [a page]
signals:
  spindle.speed: { kind: gauge, unit: RPM, from: { table: input, address: 2 } }
states:
  - state: IDLE
`;

test('a site finds its own profile in its folder or by path, before a shipped one', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-profiles-'));
  t.after(() => rmSync(dir, { recursive: true }));
  writeFileSync(join(dir, 'own-machine.yaml'), valid);
  writeFileSync(join(dir, 'sewing-modbus-ref.yaml'), valid.replace('own-machine', 'sewing-modbus-ref'));
  writeFileSync(join(dir, 'other.yaml'), valid);
  assert.equal(loadProfile('own-machine', [dir]).title, 'Own');
  assert.equal(loadProfile(join(dir, 'own-machine.yaml'), []).title, 'Own');
  assert.equal(loadProfile('sewing-modbus-ref', [dir]).title, 'Own');
  assert.match(
    messageOf(() => loadProfile('other', [dir]), 'DRV-101'),
    /says own-machine/,
  );
});

test('every problem of a profile is told at once, with line and path', () => {
  const message = messageOf(
    () =>
      parseProfile(
        valid
          .replace('kind: lockstitch', 'kind: spinning')
          .replace('address: 2', 'address: 700000')
          .replace('version: 1', 'version: 1\ncolour: red'),
        'x.yaml',
      ),
    'DRV-101',
  );
  assert.match(message, /line 5: kind: /);
  assert.match(message, /line 10: signals\.spindle\.speed\.from/);
  assert.match(message, /colour/);
  assert.match(
    messageOf(() => parseProfile('a: [1\nb: 2', 'x.yaml'), 'DRV-101'),
    /line 2/,
  );
  assert.match(
    messageOf(() => parseProfile('', 'x.yaml'), 'DRV-101'),
    /the profile/,
  );
});

test('what the schema cannot see is checked too', () => {
  const problems: readonly (readonly [string, string, RegExp])[] = [
    ['- state: IDLE', '- { when: { signal: no.such, is: 1 }, state: RUN }\n  - state: IDLE', /no signal no\.such/],
    ['- state: IDLE', '- { when: { signal: spindle.speed, above: 0 }, state: RUN }', /must hold always/],
    [
      '- state: IDLE',
      '- { when: { signal: spindle.speed, is: "3" }, state: RUN }\n  - state: IDLE',
      /can never hold: spindle\.speed is a gauge/,
    ],
    ['table: input, address: 2', 'path: A/B', /signals\.spindle\.speed\.from: is no source of protocol modbus/],
    ['table: input', 'table: inputs', /line 9: signals\.spindle\.speed\.from\.table: /],
    ['kind: gauge, ', 'kind: gauge, poll: fast, ', /names no poll class fast/],
    ['table: input, address: 2', 'field: 1', /no source of protocol modbus/],
    ['table: input, address: 2', 'table: coil, address: 2', /a coil is a flag/],
    ['address: 2', 'address: 65535, type: uint32', /beyond the last register/],
    ['address: 2', 'address: 70000', /beyond the last register/],
    ['address: 2', 'address: "30003"', /is a text, which only the 4xxxx notation has/],
    ['address: 2', 'address: 2, bit: 3', /one bit is a flag/],
    ['address: 2', 'address: 2, bits: [4, 3]', /first bit above the second/],
    ['address: 2', 'address: 2, bits: [4, 16]', /signals\.spindle\.speed\.from\.bits/],
    ['address: 2', 'address: 2, bits: [4, 7], type: int16', /bits are taken from a uint16/],
    ['address: 2', 'address: 2, byte: high', /uint16 is no single byte/],
    ['address: 2', 'address: 2, type: uint8, wordOrder: BADC', /byte says which half/],
    ['address: 2', 'address: 2, type: uint32, wordOrder: EFGHABCD', /uint32 is not of 64 bits/],
    ['address: 2', 'address: 2, type: string', /string goes with kind text/],
    [
      'states:',
      'modbus: { addressBase: 1 }\ncodeTables:\n  - { signal: spindle.speed, codes: {} }\nstates:',
      /not a code or text/,
    ],
    ['protocol: modbus', 'protocol: line', /is needed with protocol line/],
  ];
  parseProfile(valid, 'x.yaml');
  for (const [from, to, expected] of problems) {
    assert.match(
      messageOf(() => parseProfile(valid.replace(from, to), 'x.yaml'), 'DRV-101'),
      expected,
    );
  }
});

test('in the 4xxxx notation the number must be of the table', () => {
  const noted = valid.replace('states:', 'modbus: { notation: 4xxxx }\nstates:');
  const rest = /from: \{ table: input, address: 2/.exec(noted)?.[0] ?? '';
  const withAddress = (address: string) => parseProfile(noted.replace(rest, rest.replace('2', address)), 'x.yaml');
  for (const address of ['30003', '"30003"', '300003', '365536']) withAddress(address);
  const told: readonly (readonly [string, RegExp])[] = [
    ['40003', /is in the table holding, but the table is input/],
    ['3', /is in the table coil, but the table is input/],
    ['20003', /begins with a digit of no table/],
    ['30000', /is below 1, as in 40001/],
    ['365537', /beyond the last register/],
  ];
  for (const [address, expected] of told) {
    assert.match(
      messageOf(() => withAddress(address), 'DRV-101'),
      expected,
    );
  }
});

const standing: readonly (readonly [string, Value])[] = [
  ['status.running', false],
  ['status.trimming', false],
];
const mapOf = (...entries: readonly (readonly [string, Value])[]) => new Map<string, Value>(entries);

const stateOf = (code: number, running = false) => {
  const meaning = interpret(ref, null, mapOf(...standing, ['status.running', running], ['error.code', code]));
  return [meaning?.state, meaning?.cause, meaning?.active.map((one) => one.cause)];
};

test('codes decide before rules, and an informing code leaves the state to the rules', () => {
  assert.deepEqual(stateOf(0), ['IDLE', null, []]);
  assert.deepEqual(stateOf(0, true), ['RUN', null, []]);
  assert.deepEqual(stateOf(11), ['STOP_MATERIAL', 'material.thread_break', ['material.thread_break']]);
  assert.deepEqual(stateOf(21, true), ['FAULT', 'drive.overload', ['drive.overload']]);
  assert.deepEqual(stateOf(41, true), ['RUN', null, ['maintenance.oil_low']]);
});

test('a code that no table lists stays visible and is not taken for nothing', () => {
  const meaning = interpret(ref, null, mapOf(...standing, ['error.code', 77]));
  assert.deepEqual(meaning?.unknownCodes, [{ signal: 'error.code', code: '77' }]);
  assert.deepEqual(meaning?.active, []);
});

test('no state is guessed while a signal that decides has no value', () => {
  assert.equal(interpret(ref, null, mapOf(...standing)), null);
  assert.equal(interpret(ref, null, mapOf(['error.code', 0])), null);
  assert.equal(interpret(ref, null, mapOf(['error.code', 0], ['status.running', true]))?.state, 'RUN');
});

const active = (firmware: string | null, code: number) => {
  const meaning = interpret(silverstar, firmware, mapOf(['error.code', code], ['run.mode', 0]));
  return meaning?.active.map((one) => one.cause) ?? null;
};

test('the same code means another thing in another version of the controller', () => {
  assert.deepEqual(active('90A0-v1.08.04', 10), ['maintenance.oil_low']);
  assert.deepEqual(active('90A0-v1.08.04', 50), []);
  assert.deepEqual(active('90A0-v1.08.05', 50), ['maintenance.oil_low']);
  assert.deepEqual(active('90A0-v1.10.00', 10), []);
  assert.deepEqual(active(null, 50), ['maintenance.oil_low']);
  assert.deepEqual(active('90A0-v1.08.04', 107), ['drive.overload']);
});

test('versions are ordered by their numbers', () => {
  const sorted = ['1.10', '1.9', '1.9.1', 'v2', '1.09'].toSorted(compareVersions);
  assert.deepEqual(sorted, ['1.9', '1.09', '1.9.1', '1.10', 'v2']);
  assert.ok(compareVersions('90A0-v1.08.05', '90A0-v1.08.05') === 0);
});
