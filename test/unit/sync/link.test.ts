import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkUplinkUrl } from '../../../agent/sync/link.ts';

test('plain MQTT is for this machine alone', () => {
  for (const url of ['mqtt://127.0.0.1:1883', 'mqtt://localhost', 'mqtt://[::1]:1883', 'mqtts://bridge.example:8883']) {
    checkUplinkUrl(url);
  }
  for (const url of ['mqtt://10.0.0.5:1883', 'mqtt://bridge.example', 'mqtt://127.0.0.1.example']) {
    assert.throws(() => checkUplinkUrl(url), /AGT-302/);
  }
});

test('an address that cannot be used is refused without repeating its credentials', () => {
  for (const url of ['', 'http://127.0.0.1', 'mqtt:', 'mqtts://user:hunter2@bridge.example']) {
    assert.throws(
      () => checkUplinkUrl(url),
      (error: Error) => error.message.startsWith('AGT-301') && !error.message.includes('hunter2'),
    );
  }
});
