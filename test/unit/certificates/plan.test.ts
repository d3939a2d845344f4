import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { certificateFindings } from '../../../agent/certificates/findings.ts';
import { addressBytes, readName, uniqueNames, type HostName } from '../../../agent/certificates/names.ts';
import {
  authorityLifeMs,
  dayMs,
  earlierMs,
  planCertificates,
  renewBeforeMs,
  serverEndMs,
  serverLifeMs,
  whyUnfit,
  type AuthorityFacts,
  type Held,
  type ServerFacts,
} from '../../../agent/certificates/plan.ts';
import { permits, readScope, scopeDer, scopeFor } from '../../../agent/certificates/scope.ts';

const nowMs = Date.UTC(2027, 0, 15);
const names = uniqueNames(['gw.local', '192.168.1.5']);

const dns = fc
  .array(fc.stringMatching(/^[a-z]([a-z0-9-]{0,8}[a-z0-9])?$/), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join('.'));
const anyNames = fc
  .array(fc.oneof(dns, fc.ipV4(), fc.ipV6()), { minLength: 1, maxLength: 16 })
  .map(uniqueNames)
  .filter((all) => all.length > 0);
const moment = fc.integer({ min: -5000, max: 5000 }).map((days) => nowMs + days * dayMs + 1);
const validity = fc.tuple(moment, moment).map(([notBeforeMs, notAfterMs]) => ({ notBeforeMs, notAfterMs }));
const authorities = fc.oneof(
  fc.constantFrom<'missing' | 'damaged'>('missing', 'damaged'),
  fc.tuple(validity, anyNames).map(([times, own]): AuthorityFacts => ({ ...times, scope: scopeFor(own) })),
);
const servers = fc.oneof(
  fc.constantFrom<'missing' | 'damaged'>('missing', 'damaged'),
  fc
    .tuple(validity, anyNames, fc.boolean())
    .map(([times, own, ofAuthority]): ServerFacts => ({ ...times, names: own.map(({ text }) => text), ofAuthority })),
);

/** What is there once the plan has been followed: as `update.ts` does. */
function followed(held: Held, wanted: readonly HostName[], atMs: number): Held {
  const plan = planCertificates(held, wanted, atMs);
  const authority: Held['authority'] =
    plan.authority === null
      ? held.authority
      : { notBeforeMs: atMs - earlierMs, notAfterMs: atMs + authorityLifeMs, scope: scopeFor(wanted) };
  if (plan.server === null || typeof authority === 'string') return { ...held, authority };
  const server = {
    notBeforeMs: Math.max(atMs - earlierMs, authority.notBeforeMs),
    notAfterMs: serverEndMs(authority, atMs),
    names: wanted.map(({ text }) => text),
    ofAuthority: true,
  };
  return { authority, server };
}

test('C1, C2: what is made as planned may be served, lasts 398 days at most, and needs nothing more', () => {
  fc.assert(
    fc.property(authorities, servers, anyNames, moment, (authority, server, wanted, atMs) => {
      const made = followed({ authority, server }, wanted, atMs);
      assert.deepEqual(planCertificates(made, wanted, atMs), { authority: null, server: null });
      assert.equal(whyUnfit(made.server, wanted, atMs), null);
      const { server: now } = made;
      if (typeof now === 'string' || now === server) return;
      assert.ok(now.notAfterMs - now.notBeforeMs <= 398 * dayMs);
      assert.ok(typeof made.authority !== 'string' && now.notAfterMs <= made.authority.notAfterMs);
    }),
  );
});

test('C3: an authority that is valid and may sign the names is kept, whatever the certificate is', () => {
  fc.assert(
    fc.property(servers, anyNames, fc.integer({ min: 1, max: 5000 }), (server, wanted, days) => {
      const scope = scopeFor(wanted);
      const authority = { notBeforeMs: nowMs - days * dayMs, notAfterMs: nowMs + days * dayMs, scope };
      assert.equal(planCertificates({ authority, server }, wanted, nowMs).authority, null);
    }),
  );
});

const authority: AuthorityFacts = {
  notBeforeMs: nowMs - dayMs,
  notAfterMs: nowMs + authorityLifeMs,
  scope: scopeFor(names),
};
const server: ServerFacts = {
  notBeforeMs: nowMs - dayMs,
  notAfterMs: nowMs + serverLifeMs,
  names: ['gw.local', '192.168.1.5'],
  ofAuthority: true,
};

test('a renewal is due 30 days before the end, at other names, and for another authority', () => {
  const why = (change: Partial<ServerFacts>, wanted = names) =>
    planCertificates({ authority, server: { ...server, ...change } }, wanted, nowMs).server;
  assert.equal(why({}), null);
  assert.equal(why({ notAfterMs: nowMs + renewBeforeMs }), null);
  assert.equal(why({ notAfterMs: nowMs + renewBeforeMs - 1 }), 'ends-soon');
  assert.equal(why({ notAfterMs: nowMs }), 'expired');
  assert.equal(why({ notBeforeMs: nowMs + 1 }), 'not-yet');
  assert.equal(why({ ofAuthority: false }), 'authority');
  assert.equal(why({}, uniqueNames(['gw.local', '192.168.1.6'])), 'names');
  assert.equal(why({}, uniqueNames(['gw.local'])), 'names', 'nor is a name vouched for that was taken away');
  assert.equal(why({}, uniqueNames(['192.168.1.5', 'GW.local'])), null, 'order and case are nothing');
});

test('near the end of its authority a certificate is not renewed for nothing', () => {
  const ending = { ...authority, notAfterMs: nowMs + 10 * dayMs };
  const last = { ...server, notAfterMs: ending.notAfterMs };
  assert.deepEqual(planCertificates({ authority: ending, server: last }, names, nowMs), {
    authority: null,
    server: null,
  });
});

test('while the time is not known the names alone are looked at', () => {
  assert.equal(whyUnfit({ ...server, notAfterMs: 0 }, names, null), null);
  assert.equal(whyUnfit(server, uniqueNames(['other.local']), null), 'names');
  assert.equal(whyUnfit('missing', names, null), 'missing');
});

test('an authority may sign private networks and the names it was made for, and nothing else', () => {
  const scope = scopeFor(uniqueNames(['gw.factory.example', '203.0.113.7', '2001:db8::7']));
  const may = (text: string) => {
    const name = readName(text);
    assert.ok(name !== null, text);
    return permits(scope, name);
  };
  for (const text of ['gw.factory.example', 'x.local', 'gw.lan', '10.255.0.1', '172.31.255.255', '203.0.113.7'])
    assert.equal(may(text), true, text);
  for (const text of ['fd12::1', 'fe80::1', '::1', '2001:db8::7', 'localhost']) assert.equal(may(text), true, text);
  for (const text of ['factory.example', 'bank.example', 'notlocal', '172.32.0.1', '11.0.0.1', '203.0.113.8'])
    assert.equal(may(text), false, text);
  for (const text of ['2001:db8::8', '::2', 'fec0::1', 'xgw.factory.example']) assert.equal(may(text), false, text);
});

test('the scope of any names permits them, and reads as it was written', () => {
  fc.assert(
    fc.property(anyNames, (wanted) => {
      const scope = scopeFor(wanted);
      assert.ok(wanted.every((name) => permits(scope, name)));
      const read = readScope(scopeDer(scope));
      assert.deepEqual(read?.dns, scope.dns);
      assert.deepEqual(
        read?.networks.map((bytes) => [...bytes]),
        scope.networks.map((bytes) => [...bytes]),
      );
    }),
  );
});

test('bytes that are no scope are read as none, and never throw', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => void readScope(bytes)));
  assert.equal(readScope(new Uint8Array()), null);
});

test('names: what a browser can be told, in one spelling', () => {
  const read = (text: string) => readName(text)?.text ?? null;
  assert.equal(read('GW-1.Local'), 'gw-1.local');
  assert.equal(read('FD00:0:0:0:0:0:0:2'), 'fd00::2');
  assert.equal(read('10.0.0.1'), '10.0.0.1');
  const wrong = ['', '*.local', 'https://gw', 'gw:8440', 'a b', 'gw.', '.gw', '-gw', 'gw_1', '10.1.2', '0.0.0.0', '::'];
  for (const text of [...wrong, 'fe80::1%eth0', 'x'.repeat(64), `${'a.'.repeat(130)}a`, 'gw\u202elocal', '<script>'])
    assert.equal(read(text), null, text);
  assert.deepEqual([...addressBytes('::ffff:1.2.3.4')], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 1, 2, 3, 4]);
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => void readName(text)));
});

test('findings: each with its cure, and none when all is well', () => {
  const found = (held: Partial<Held>, addresses: readonly string[] | null = ['192.168.1.5']) =>
    certificateFindings({ held: { authority, server, ...held }, names, nowMs, addresses }).map(({ what }) => what);
  assert.deepEqual(found({}), []);
  assert.match(found({}, ['192.168.1.6']).join(), /192\.168\.1\.5, which is no address of this computer/);
  assert.deepEqual(found({}, null), []);
  assert.deepEqual(found({ server: 'missing', authority: 'missing' }), ['there is no certificate']);
  assert.match(found({ server: { ...server, notAfterMs: nowMs + 5 * dayMs } }).join(), /ends on 2027-01-20/);
  assert.match(found({ server: { ...server, notAfterMs: nowMs - 1 } }).join(), /has expired/);
  assert.match(found({ authority: { ...authority, notAfterMs: nowMs + 60 * dayMs } }).join(), /the authority ends/);
  assert.match(found({ authority: 'damaged' }).join(), /the authority can sign no more .*damaged/);
});
