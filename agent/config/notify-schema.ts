/** Whom the agent tells of alerts beside the page, and where that may be: named in the local file alone, encrypted unless said otherwise. */
import { isIPv4, isIPv6 } from 'node:net';
import { z } from 'zod';
import { atStart, field, secretExpects, secretReference } from './fields.ts';
import { isLoopback } from './uplink-schema.ts';

export const notifyLanguages = ['en', 'zh', 'vi', 'bn'] as const;
export const plainWords = 'anybody-on-that-network-can-read-it';

/** True for addresses that no router of the public network forwards to, and for this computer. */
export function isPrivate(host: string): boolean {
  const plain = host.replace(/^\[|\]$/g, '');
  if (isLoopback(plain)) return true;
  if (isIPv4(plain)) return /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.)/.test(plain);
  return isIPv6(plain) && /^f[cd]/i.test(plain);
}

/** What is wrong with the address of a webhook, or null. Never repeats it: it may hold a token. */
export function webhookProblem(text: string, isPlainAllowed: boolean): string | null {
  if (!URL.canParse(text)) return 'is not a URL';
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') return 'has credentials in it; secret: signs what is sent';
  if (url.protocol === 'https:') return null;
  if (url.protocol !== 'http:') return 'is no HTTP address';
  if (!isPlainAllowed) return `is not encrypted; https://, or plain: ${plainWords} on a private network`;
  return isPrivate(url.hostname) ? null : 'is not encrypted and no private address';
}

const short = z.string().min(1).max(200);
const mailAddress = z.string().regex(/^[^\s<>,;"@\p{Cc}]{1,64}@[^\s<>,;"@\p{Cc}]{1,190}$/u);
const addressExpects = 'a mail address, such as maintenance@factory.example';

export const notifyTarget = z
  .strictObject({
    name: field(z.string().regex(/^[a-z0-9-]{1,40}$/), 'Name of the target, in the log and in the health.', {
      ...atStart,
      expects: '1 to 40 of the characters a–z, 0–9 and -',
      examples: ['maintenance-mail'],
    }),
    kind: field(z.enum(['webhook', 'smtp']), 'webhook: an HTTP POST of JSON; smtp: a mail.', atStart),
    priorities: field(
      z
        .array(z.enum(['urgent', 'high', 'medium', 'low']))
        .min(1)
        .max(4)
        .default(['urgent', 'high']),
      'Priorities of the alerts it is told of.',
      atStart,
    ),
    url: field(short.optional(), 'Of a webhook: where to. https://; http:// only with plain.', {
      ...atStart,
      expects: 'https://host/path',
      examples: ['https://hooks.factory.example/selvedge'],
    }),
    secret: field(
      secretReference.optional(),
      'Of a webhook: key of the signature (HMAC-SHA256 over the time, a dot and the body). Absent: nothing is signed.',
      { ...atStart, secret: true, expects: secretExpects, examples: ['file:secrets/webhook.key'] },
    ),
    host: field(short.optional(), 'Of smtp: the mail server.', { ...atStart, examples: ['mail.factory.example'] }),
    port: field(z.int().min(1).max(65535).default(587), 'Of smtp: its port.', atStart),
    tls: field(
      z.enum(['starttls', 'implicit', 'none']).default('starttls'),
      'Of smtp: STARTTLS or nothing (587), TLS from the first byte (465), or none, which needs plain too.',
      atStart,
    ),
    plain: field(
      z.literal(plainWords).optional(),
      'Allows http:// and tls: none, to loopback and private addresses alone. What is sent can be read and changed on the way.',
      atStart,
    ),
    user: field(short.optional(), 'Of smtp: the user. Absent: no sign-in.', atStart),
    password: field(secretReference.optional(), 'Of smtp: the password of that user.', {
      ...atStart,
      secret: true,
      expects: secretExpects,
      examples: ['file:secrets/mail.password'],
    }),
    ca: field(
      z.string().min(1).optional(),
      'Of smtp: PEM file with the CA of the mail server. Absent: the CAs of Node.',
      { ...atStart, expects: 'the path of a PEM file, relative to this file' },
    ),
    from: field(mailAddress.optional(), 'Of smtp: the sender.', { ...atStart, expects: addressExpects }),
    to: field(z.array(mailAddress).max(20).default([]), 'Of smtp: the receivers.', {
      ...atStart,
      expects: `a list of addresses; each ${addressExpects}`,
    }),
    language: field(z.enum(notifyLanguages).default('en'), 'Of smtp: the language of the mail.', atStart),
  })
  .superRefine((target, ctx) => {
    const issue = (path: string, message: string) => ctx.addIssue({ code: 'custom', path: [path], message });
    if (target.kind === 'webhook') {
      const problem = webhookProblem(target.url ?? '', target.plain !== undefined);
      if (problem !== null) issue('url', problem);
      return;
    }
    if (target.host === undefined) issue('host', 'is missing: the mail server');
    if (target.from === undefined) issue('from', 'is missing: the sender');
    if (target.to.length === 0) issue('to', 'is empty: the receivers');
    if (target.user !== undefined && target.password === undefined) issue('password', 'is missing beside user');
    if (target.tls === 'none' && (target.plain === undefined || !isPrivate(target.host ?? ''))) {
      issue('tls', `is none: that needs a private address and plain: ${plainWords}`);
    }
  });
export type ParsedNotify = z.output<typeof notifyTarget>;
