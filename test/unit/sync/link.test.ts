import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkUplinkUrl } from '../../../agent/sync/link.ts';

test('plain MQTT is for this machine, unless the configuration says otherwise in words', () => {
  for (const url of ['mqtt://127.0.0.1:1883', 'mqtt://localhost', 'mqtt://[::1]:1883', 'mqtts://bridge.example:8883']) {
    checkUplinkUrl(url, false);
  }
  for (const url of ['mqtt://10.0.0.5:1883', 'mqtt://bridge.example', 'mqtt://127.0.0.1.example']) {
    assert.throws(() => checkUplinkUrl(url, false), /AGT-302/);
    checkUplinkUrl(url, true);
  }
});

test('an address that cannot be used is refused without repeating its credentials', () => {
  for (const url of ['', 'http://127.0.0.1', 'mqtt:', 'mqtts://user:hunter2@bridge.example']) {
    assert.throws(
      () => checkUplinkUrl(url, true),
      (error: Error) => error.message.startsWith('AGT-301') && !error.message.includes('hunter2'),
    );
  }
});
