import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cookieValue, hostAllowed, hostName, isCrossSite, isLoopback } from '../../../agent/page/guard.ts';
import { thin } from '../../../agent/page/trend.ts';

test('loopback is 127.0.0.0/8 and ::1, also written as IPv6', () => {
  for (const address of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1']) assert.ok(isLoopback(address), address);
  for (const address of ['10.0.0.1', '0.0.0.0', '::', '::ffff:10.0.0.1', '127.example', '']) {
    assert.ok(!isLoopback(address), address);
  }
});

test('a Host is a name or an address with an optional port, nothing else', () => {
  assert.equal(hostName('LocalHost:80'), 'localhost');
  assert.equal(hostName('[::1]:8080'), '::1');
  for (const bad of [undefined, '', 'a b', 'a@b', 'a/b', 'a:b', 'a:1:2', '[::1', 'x'.repeat(300)]) {
    assert.equal(hostName(bad), null, String(bad));
  }
});

test('on the network an address must be the one that was called, and a name must be listed', () => {
  const names = ['gateway-7.local'];
  assert.ok(hostAllowed('192.168.1.7:443', '192.168.1.7', names));
  assert.ok(hostAllowed('192.168.1.7', '::ffff:192.168.1.7', names));
  assert.ok(hostAllowed('Gateway-7.local', '192.168.1.7', names));
  assert.ok(hostAllowed('192.168.1.9:8440', '172.17.0.2', ['192.168.1.9']), 'a computer that forwards');
  for (const host of ['192.168.1.8', 'localhost', 'evil.example', 'gateway-7.local.evil.example', '127.0.0.1']) {
    assert.ok(!hostAllowed(host, '192.168.1.7', names), host);
  }
});

test('an origin must be this very server', () => {
  const host = 'localhost:8080';
  assert.ok(!isCrossSite({ host, origin: 'http://localhost:8080', fetchSite: 'same-origin' }, 'http'));
  assert.ok(!isCrossSite({ host }, 'http'));
  for (const origin of ['https://localhost:8080', 'http://localhost:8081', 'http://localhost', 'null', '']) {
    assert.ok(isCrossSite({ host, origin }, 'http'), origin);
  }
});

test('a cookie is found by its whole name', () => {
  assert.equal(cookieValue('a=1; selvedge-80=token; b=2', 'selvedge-80'), 'token');
  assert.equal(cookieValue('xselvedge-80=evil; selvedge-8=evil', 'selvedge-80'), null);
  assert.equal(cookieValue(undefined, 'selvedge-80'), null);
});

const trends = fc.array(fc.option(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { nil: null, freq: 4 }), {
  maxLength: 3_000,
});

test('a thinned curve keeps its ends, its peaks and its holes', () => {
  fc.assert(
    fc.property(trends, fc.integer({ min: 10, max: 200 }), (v, maxPoints) => {
      const t = v.map((_, i) => i * 1_000);
      const thinned = thin({ t, v }, maxPoints);
      const values = (list: readonly (number | null)[]) => list.filter((x) => x !== null);
      assert.ok(
        thinned.t.every((ms, i) => i === 0 || ms > (thinned.t[i - 1] ?? 0)),
        'times rise',
      );
      thinned.t.forEach((ms, i) => assert.equal(thinned.v[i], v[ms / 1_000], 'no point is invented'));
      assert.deepEqual([thinned.t[0], thinned.t.at(-1)], [t[0], t.at(-1)]);
      assert.equal(Math.max(...values(thinned.v)), Math.max(...values(v)));
      assert.equal(Math.min(...values(thinned.v)), Math.min(...values(v)));
      // Between two kept neighbours with values there was no hole: a line is never drawn over one.
      thinned.t.forEach((ms, i) => {
        const before = thinned.t[i - 1];
        if (before === undefined || thinned.v[i] === null || thinned.v[i - 1] === null) return;
        assert.ok(!v.slice(before / 1_000, ms / 1_000).includes(null), `a line over a hole before ${ms}`);
      });
    }),
  );
});

test('a curve without holes is thinned to the asked size', () => {
  const t = Array.from({ length: 50_000 }, (_, i) => i);
  const v = t.map((i) => Math.sin(i / 300));
  const thinned = thin({ t, v }, 600);
  assert.ok(thinned.t.length <= 600 && thinned.t.length > 500, String(thinned.t.length));
});
