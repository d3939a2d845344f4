/**
 * `docs/CONTRACT.md`, the JSON Schemas and the AsyncAPI document, from `cloud-bridge/contract.ts`.
 */
import { z } from 'zod';
import * as contract from '../../cloud-bridge/contract.ts';
import { asyncApi, type Json, type JsonObject, type SchemaName } from './contract-asyncapi.ts';
import {
  commandBodies,
  exampleAck,
  exampleBlobAck,
  exampleChunk,
  exampleCommand,
  exampleName,
  exampleResult,
  exampleStatus,
} from './contract-examples.ts';
import { subscriberSource } from './contract-subscriber.ts';
import type { Generated } from './generate.ts';

const records = {
  machine: contract.machineRecord,
  summary: contract.summaryRecord,
  'state-summary': contract.stateSummaryRecord,
  event: contract.eventRecord,
  alert: contract.alertRecord,
} as const;

const schemas = {
  'up-header': contract.upHeader,
  batch: contract.batchBody,
  record: contract.wireRecord,
  ack: contract.ackMessage,
  'blob-header': contract.blobHeader,
  'blob-ack': contract.blobAckMessage,
  'evidence-data': contract.evidenceData,
  status: contract.statusMessage,
  command: contract.commandMessage,
  result: contract.commandResult,
} as const satisfies Readonly<Record<SchemaName, z.ZodType> & Record<string, z.ZodType>>;

/** Path → content of every document of the wire contract and the bridge's store. */
export function generate(): Map<string, string> {
  return new Map(contractDocuments().map(({ path, text }) => [path, text]));
}

export function contractDocuments(): readonly Generated[] {
  const files = Object.entries(schemas).map(([name, schema]) => ({
    path: `docs/contract/${name}.schema.json`,
    text: pretty({ title: `Selvedge ${name}, version ${contract.contractVersion}`, ...jsonSchema(schema) }),
  }));
  return [
    { path: 'docs/CONTRACT.md', text: contractText() },
    { path: 'docs/contract/asyncapi.json', text: pretty(asyncApi(topic)) },
    ...files,
  ];
}

const pretty = (value: Json) => `${JSON.stringify(value, null, 2)}\n`;

/** Draft 7, which is what AsyncAPI and most editors read; without the bounds that only say "a safe integer". */
function jsonSchema(schema: z.ZodType): JsonObject {
  return z.toJSONSchema(schema, {
    target: 'draft-7',
    override: ({ jsonSchema: made }) => {
      if (made.minimum === Number.MIN_SAFE_INTEGER) delete made.minimum;
      if (made.maximum === Number.MAX_SAFE_INTEGER) delete made.maximum;
    },
  }) as JsonObject;
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const list = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? (value as readonly Json[]) : []);

/** A plain value as text; nothing for an object or an absent value. */
const plain = (value: Json | undefined): string =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? `${value}` : '';

/** The type of a field in a few words. */
function typeText(schema: Json | undefined): string {
  if (!isObject(schema)) return 'any';
  if (schema['const'] !== undefined) return `\`${JSON.stringify(schema['const'])}\``;
  const values = list(schema['enum']);
  if (values.length > 0) return values.map((value) => `\`${JSON.stringify(value)}\``).join(' ');
  const choices = [...list(schema['anyOf']), ...list(schema['oneOf'])];
  if (choices.length > 0) return [...new Set(choices.map(typeText))].join(' or ');
  const types = list(schema['type']);
  const type = types.length > 0 ? types.map(plain).join(' or ') : plain(schema['type'] ?? 'any');
  if (type === 'array') return `array of ${typeText(schema['items'])}`;
  if (type === 'object' && isObject(schema['properties'])) return 'object';
  if (type === 'object') return `object of ${typeText(schema['additionalProperties'])}`;
  const limits = [
    schema['pattern'] === undefined ? '' : `\`${plain(schema['pattern'])}\``,
    schema['minimum'] === undefined ? '' : `≥ ${plain(schema['minimum'])}`,
  ].filter((limit) => limit !== '');
  return [type, ...limits].join(' ');
}

/** Fields as table rows; the fields of objects and of the objects in arrays follow with their path. */
function fieldRows(schema: JsonObject, prefix = ''): readonly string[] {
  const properties = isObject(schema['properties']) ? schema['properties'] : {};
  const needed = new Set(list(schema['required']));
  return Object.entries(properties).flatMap(([name, field]) => {
    if (!isObject(field)) return [];
    const description = plain(field['description']);
    const optional = needed.has(name) ? '' : ' (optional)';
    const row = `| \`${prefix}${name}\`${optional} | ${cell(typeText(field))} | ${cell(description)} |`;
    const inner = [field, ...list(field['anyOf'])].flatMap((part) => {
      if (!isObject(part)) return [];
      if (isObject(part['properties'])) return fieldRows(part, `${prefix}${name}.`);
      return isObject(part['items']) ? fieldRows(part['items'], `${prefix}${name}[].`) : [];
    });
    return [row, ...inner];
  });
}

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

function fields(schema: z.ZodType, without: readonly string[] = []): string {
  const rows = fieldRows(jsonSchema(schema)).filter((row) => !without.some((name) => row.startsWith(`| \`${name}\``)));
  return ['| field | type | meaning |', '|---|---|---|', ...rows].join('\n');
}

const what: Readonly<Record<keyof typeof records, string>> = {
  machine: 'What a machine is and which signals it gives. Sent at a start and when it changes.',
  summary:
    'Partial sums of one signal over one UTC minute. Partials of other `readingBoot` or `segment` add up; of one key ' +
    '(machine, signal, minuteMs, readingBoot, segment) the highest (revision, record boot, n) counts. Readers divide: ' +
    'mean = sum / good, time-weighted mean = integral / coveredS.',
  'state-summary': 'Seconds by state over one UTC minute, kept by the same key and rule without the signal.',
  event: 'Something that happened and is no alarm.',
  alert: 'One step in the life of one occurrence of an alarm (ISA-18.2, IEC 62682).',
};

const commandRows = Object.entries(commandBodies).map(([kind, [body, does]]) => `| \`${kind}\` | ${body} | ${does} |`);
const topic = (channel: contract.Channel) => contract.topicOf('{site}', '{gateway}', channel);
const block = (language: string, text: string) => `\`\`\`${language}\n${text.trim()}\n\`\`\``;

function contractText(): string {
  const kib = (bytes: number) => `${bytes / 1024} KiB`;
  const sections = Object.entries(records).map(
    ([kind, schema]) => `### ${kind}\n\n${what[kind as keyof typeof records]}\n\n${fields(schema)}`,
  );
  const codes = Object.entries(contract.ackCodes).map(([code, meaning]) => {
    const [result = '', ...rest] = meaning.split(': ');
    return `| \`${code}\` | ${result} | ${rest.join(': ')} |`;
  });
  const commandCodes = Object.entries(contract.commandCodes).map(([code, meaning]) => {
    const [how = '', ...rest] = meaning.split(': ');
    return `| \`${code}\` | ${how} | ${rest.join(': ')} |`;
  });
  return `<!-- Generated from cloud-bridge/contract.ts by \`npm run generate\`. -->
# The wire contract, version ${contract.contractVersion}

What a gateway sends to the bridge and what it gets back, over any MQTT 3.1.1 broker. Machine-readable:
[AsyncAPI](contract/asyncapi.json) and the JSON Schemas beside it. Every field that is not marked optional is there;
fields that are not in the tables are an error.

## Topics

QoS 1. Everything needed to judge a message is in its payload: topic, QoS and retain flag carry no meaning of their own.

| topic | from | payload |
|---|---|---|
| \`${topic('up')}\` | gateway | a batch: header line, newline, zstd bytes |
| \`${topic('ack')}\` | bridge | the answer to a batch or a chunk, JSON |
| \`${topic('status')}\` | gateway | birth and will, JSON, retained |
| \`${topic('blob')}\` | gateway | a chunk of an evidence file: header line, newline, bytes |
| \`${topic('cmd')}\` | bridge | a command, JSON |
| \`${topic('res')}\` | gateway | its result, JSON |

A broker lets a gateway publish \`up res status blob\` and subscribe to \`ack cmd\` of its own, and only the bridge publish
\`ack\` and \`cmd\`: the embedded broker does, and \`cloud-bridge/mosquitto/acl\` does it for mosquitto.

## A batch

Immutable bytes with the name (gateway, boot, seq, sha256). The payload of \`up\` is one line of JSON of at most
${contract.maxUpHeaderBytes} bytes, a newline, and the zstd bytes: at most ${kib(contract.maxBatchWireBytes)}, unpacked at most ${kib(contract.maxBatchUnpackedBytes)}, with a window
of at most 8 MiB.

${fields(contract.upHeader)}

\`sha256\` is of the zstd bytes and \`bytes\` their number. \`sig\` is over these bytes, here for example values (no newline at the end):

${block('text', contract.batchSigningText(exampleName).toString())}

Unpacked it is JSON:

${fields(contract.batchBody, ['records[]'])}

## The answer

${fields(contract.ackMessage)}

\`stored\` and \`repeat\` alone release a batch, and only with the hash the gateway gave it and a signature that holds.
They are sent after the commit that made them true. \`later\`: keep it, wait \`retryAfterS\`, send again. \`refused\`: it is of
no use to send it again as it is. \`bad-signature\` and \`damaged\` are about what arrived, which may be anybody's: take them as
no answer at all. Of the same batch obey one \`later\` a send. \`sig\` is over:

${block('text', contract.ackSigningText(exampleAck).toString())}

| code | result | meaning |
|---|---|---|
${codes.join('\n')}

A payload without a readable name, or with a name of another gateway than the topic's, is not answered.

## Evidence

A file that shows why: a crop, a spectrogram, a window of readings. An event \`evidence\` names it; its \`data\`:

${fields(contract.evidenceData)}

When the bridge has that record the bytes follow on \`blob\`, in chunks of ${kib(contract.evidenceChunkBytes)} of which the last has the rest; a file has at
most ${kib(contract.maxEvidenceBytes)}. One line of JSON, a newline, and the bytes of the chunk:

${fields(contract.blobHeader)}

\`sig\` is over the name, the length, the number of the chunk and the SHA-256 of its bytes:

${block('text', contract.chunkSigningText(exampleChunk, Buffer.from('example')).toString())}

A chunk whose signature does not hold gets no answer. Every other one gets one, on \`ack\`:

${fields(contract.blobAckMessage)}

\`stored\` is said when all of the file is there and hashes to its name, after the commit. \`part\` tells what is there, so that a
transfer goes on where it was, over any connection and with any worker. \`later\` and \`refused\` are as for a batch; \`damaged\`
here means that the chunks did not make the file, and were forgotten. \`sig\` is over:

${block('text', contract.blobAckSigningText(exampleBlobAck).toString())}

## Nothing lost, nothing twice

- A record has the identity (gateway, boot, n) from when it is made. The bridge stores each identity once, in whatever
  batches and however often it arrives.
- A known (gateway, boot, seq) with the same hash is a \`repeat\`; with another hash it is \`refused\`, code \`conflict\`.
- Any order, repetition or interleaving of the same batches gives the same store.
- Two boots that name one \`previousBoot\` are a fork: a cloned or restored gateway. Both are stored and the fork is shown.

## Birth and death

On \`status\`, retained. The will is written when the connection is made, so a death can arrive after the next birth: within
a boot the higher \`connection\` wins, and a later boot of the chain wins over an earlier one.

${fields(contract.statusMessage)}

## Commands

What the bridge may ask of a gateway: at most ${kib(contract.maxCommandBytes)}, and the result at most ${kib(contract.maxResultBytes)}. No command writes to a machine.

${fields(contract.commandMessage)}

\`sig\` of a command is over these lines; the last is the SHA-256 of the body, the one before it is empty without a time:

${block('text', contract.commandSigningText(exampleCommand).toString())}

A command whose signature does not hold, or that is for another gateway, is counted and kept as an event, and not answered. The
gateway stores the counter before it does anything. A command that comes again, byte for byte, brings the stored result.
Every body also has \`by\`, who asked at the bridge: the bridge fills it in with the name of the API key.

| kind | body | what it does |
|---|---|---|
${commandRows.join('\n')}

A \`set-config\` is answered \`on-trial\`; a second later the agent works with it, after a new start where a field wants one. A \`ping\` that
confirms it, over the connection the agent then has, keeps it. Without one it is taken back after 60 s, and at any start of the
process. The local file is never written, and what it says otherwise later counts.

### The result

${fields(contract.commandResult)}

\`sig\` of a result, with the key of the gateway, is over:

${block('text', contract.resultSigningText(exampleResult).toString())}

| code | | meaning |
|---|---|---|
${commandCodes.join('\n')}
Who can publish on a broker without an ACL could say that a gateway is dead, or has another boot. So it is signed, over these bytes
(the site is the topic's; an absent \`previousBoot\` is an empty line):

${block('text', contract.statusSigningText('plant-a', exampleStatus).toString())}

## Records

Times are UTC milliseconds. \`machine\` is the id from the gateway's configuration.

${sections.join('\n\n')}

## A subscriber in Python

Prints every record as a line of JSON. It needs paho-mqtt 1.6 and zstandard, and a broker user that may read; it does not
check signatures, so trust in the records is trust in the broker.

${block('python', subscriberSource)}

\`python3 subscriber.py 127.0.0.1 1883 reader reader.password\`
`;
}
