/** The uplink in the configuration, and which addresses it may have: nothing leaves this computer in plain text. */
import { z } from 'zod';
import { atStart, field, secretExpects, secretReference } from './fields.ts';

/** True for names and addresses that never leave this computer. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** What is wrong with the URL of an uplink, or null. Never repeats the URL: it may hold a password. */
export function uplinkUrlProblem(text: string): string | null {
  if (!URL.canParse(text)) return 'is not a URL';
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') return 'has credentials in it; use password: for that';
  if (url.protocol !== 'mqtt:' && url.protocol !== 'mqtts:') return 'is no MQTT address';
  if (url.hostname === '') return 'has no host';
  if (url.protocol === 'mqtt:' && !isLoopback(url.hostname))
    return 'is plain MQTT over a network, which anybody on it can read';
  return null;
}

const brokerUrl = z.string().superRefine((text, ctx) => {
  const problem = uplinkUrlProblem(text);
  if (problem !== null) ctx.addIssue({ code: 'custom', message: problem });
});
const brokerMarks = {
  ...atStart,
  expects: 'mqtts://host:8883 (or mqtt://127.0.0.1:1883 on this machine)',
  examples: ['mqtts://bridge.example:8883'],
} as const;

export const remoteRawModes = ['off', 'ask', 'on'] as const;

export const uplinkSchema = z.strictObject({
  broker: field(
    z.union([brokerUrl, z.array(brokerUrl).min(1).max(8)]).optional(),
    'The MQTT broker of the bridge, or several in order: the next is tried when one fails, and after ten minutes the first again. Plain mqtt:// only on loopback; over a network mqtts://.',
    { ...brokerMarks, expects: `${brokerMarks.expects}, or a list of them` },
  ),
  url: field(brokerUrl.optional(), 'Older name of broker, for one.', brokerMarks),
  certificate: field(
    z.string().min(1).optional(),
    'PEM file with the certificate of this gateway, from `selvedge join`. The agent renews it at two thirds of its life.',
    { ...atStart, expects: 'the path of a PEM file, relative to this file', examples: ['data/keys/uplink.pem'] },
  ),
  key: field(secretReference.optional(), 'Private key of the certificate; after `selvedge join` in the same file.', {
    ...atStart,
    secret: true,
    expects: secretExpects,
    examples: ['file:data/keys/uplink.pem'],
  }),
  enrolment: field(
    z.url({ protocol: /^https$/ }).optional(),
    'Where the bridge renews the certificate. Absent: it is not renewed.',
    { ...atStart, expects: 'https://host:8481', examples: ['https://bridge.example:8481'] },
  ),
  password: field(secretReference.optional(), 'Password at the broker; the user name is the gateway id.', {
    ...atStart,
    secret: true,
    expects: secretExpects,
    examples: ['file:secrets/uplink.password'],
  }),
  bridgeKey: field(
    z.string().min(1),
    'PEM file with the public key of the bridge. Only acks signed by it release data from the outbox.',
    { ...atStart, expects: 'the path of a PEM file, relative to this file', examples: ['bridge.pub.pem'] },
  ),
  ackTimeoutS: field(z.number().min(1).max(600).default(20), 'A batch without an answer for this long is sent again.', {
    ...atStart,
    unit: 's',
  }),
  outageAfterS: field(
    z.number().min(1).max(3600).default(30),
    'Without connection or answer for this long it is an outage of the uplink.',
    { ...atStart, unit: 's' },
  ),
  remoteRaw: field(
    z.enum(remoteRawModes).default('ask'),
    'Whether the bridge may have raw readings and diagnostics when it asks: never (off), when somebody here allows it each time (ask, with selvedge remote), or always (on).',
    atStart,
  ),
  ca: field(z.string().min(1).optional(), 'PEM file with the CA of the broker. Absent: the CAs of Node.', {
    ...atStart,
    expects: 'the path of a PEM file, relative to this file',
  }),
});
